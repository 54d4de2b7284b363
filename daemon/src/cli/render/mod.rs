//! Draws an operation's JSON document as text: sentences first, then tables. A file a group of commands.

mod applications;
mod audit;
mod changes;
mod check;
mod connectors;
mod done;
mod members;
mod notify;
mod paper;
mod pass;
mod plans;
pub(crate) mod safe;
mod sources;
mod status;
mod table;
mod time;
mod unlink;
pub(crate) mod words;

use serde_json::Value;

use super::screen::Style;
use crate::say;
use paper::{Paper, Tint};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    Status,
    Plan,
    Sync,
    Check,
    Sources,
    Source,
    Members,
    Member,
    Explain,
    Changes,
    Change,
    Plans,
    HeldPlan,
    Applications,
    Application,
    Password,
    Audit,
    AuditLines,
    AuditChain,
    Connectors,
    Connector,
    NotifyTest,
    Unlink,
    Done,
}

/// The text of a document. Nothing in it can steer a terminal, whatever a provider calls its members.
pub(crate) fn text(draw: Draw, document: &Value, style: Style) -> String {
    if draw == Draw::AuditLines {
        return audit::lines(document);
    }
    let document = &safe::document(document);
    let mut paper = Paper::new(style);
    let now = chrono::Utc::now();
    match draw {
        Draw::Status => status::draw(&mut paper, document, now),
        Draw::Plan => pass::plan(&mut paper, document),
        Draw::Sync => pass::sync(&mut paper, document),
        Draw::Check => check::draw(&mut paper, document),
        Draw::Sources => sources::list(&mut paper, &document["sources"], now),
        Draw::Source => sources::show(&mut paper, document, now),
        Draw::Members => members::list(&mut paper, document),
        Draw::Member => members::show(&mut paper, &document["member"]),
        Draw::Explain => members::explain(&mut paper, &document["member"]),
        Draw::Changes => changes::list(&mut paper, document),
        Draw::Change => changes::show(&mut paper, &document["change"]),
        Draw::Plans => plans::list(&mut paper, document),
        Draw::HeldPlan => plans::show(&mut paper, &document["plan"]),
        Draw::Applications => applications::list(&mut paper, document),
        Draw::Application => applications::show(&mut paper, &document["application"]),
        Draw::Password => applications::password(&mut paper, document),
        Draw::Audit => audit::draw(&mut paper, document),
        Draw::AuditChain => audit::chain(&mut paper, document),
        Draw::Connectors => connectors::list(&mut paper, document),
        Draw::Connector => connectors::inspect(&mut paper, &document["connector"]),
        Draw::NotifyTest => notify::test(&mut paper, document),
        Draw::Unlink => unlink::draw(&mut paper, &document["unlink"]),
        Draw::Done => done::draw(&mut paper, document),
        Draw::AuditLines => {}
    }
    paper.done()
}

/// What is asked before a source is unlinked.
pub(crate) fn unlink_question(style: Style) -> &'static str {
    unlink::question(style.language)
}

/// What is said below a plan that was written into a file.
pub(crate) fn plan_written(file: &std::path::Path, style: Style) -> String {
    let mut paper = Paper::new(style);
    pass::written(&mut paper, &safe::text(&file.to_string_lossy()));
    paper.done()
}

/// Whom a change is about, and with which group, policy or key: `zhangsan · rd`.
fn subject(change: &Value) -> String {
    let parts = [&change["username"], &change["object"]["name"]];
    let said = parts
        .into_iter()
        .map(str_of)
        .filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(" · ")
}

/// A text field; empty when it is null.
fn str_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A sentence of a document in the reader's language: said anew of its details, or, where another version's are not
/// understood, as it stands there.
fn told<T: serde::de::DeserializeOwned>(
    paper: &Paper,
    row: &Value,
    key: &str,
    say: fn(&str, &T) -> String,
) -> String {
    serde_json::from_value(row[format!("{key}_details")].clone()).map_or_else(
        |_| str_of(&row[key]).to_owned(),
        |details: T| say(paper.language(), &details),
    )
}

/// Why a change is made.
fn reason(paper: &Paper, row: &Value) -> String {
    told(paper, row, "reason", say::reason)
}

/// What a change waits for; empty when it does not.
fn waits_for(paper: &Paper, row: &Value) -> String {
    told(paper, row, "waits_for", say::hold)
}

/// All that stands in a member's way, in one line.
fn problem(paper: &Paper, member: &Value) -> String {
    told(
        paper,
        member,
        "problem",
        |language, all: &Vec<say::Obstacle>| {
            let said: Vec<String> = all.iter().map(|o| say::obstacle(language, o)).collect();
            said.join(if language == "zh" { "；" } else { "; " })
        },
    )
}

/// A list of texts as one.
fn joined(value: &Value, between: &str) -> String {
    items(value)
        .iter()
        .map(scalar)
        .collect::<Vec<_>>()
        .join(between)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text, number or truth value as it is written; empty when it is null.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The colour of a status or state.
fn tint_of(status: &str) -> Tint {
    match status {
        "ok" | "applied" | "active" | "approved" => Tint::Good,
        "failing" | "failed" => Tint::Bad,
        "held" | "paused" | "frozen" | "unlinked" | "pending" | "in_flight" | "crawling"
        | "never" => Tint::Warn,
        _ => Tint::Dim,
    }
}

/// A status in the reader's language, in its colour.
fn status_cell(paper: &Paper, status: &Value) -> table::Cell {
    let status = str_of(status);
    table::Cell::tinted(tint_of(status), words::known(paper.language(), status))
}
