//! `sources`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, scalar, status_cell, str_of, time, told, words};
use crate::pipeline::SourceFailure;
use crate::say;

pub(super) fn list(paper: &mut Paper, sources: &Value, now: DateTime<Utc>) {
    let mut table = Table::new(&[
        (paper.word(words::SOURCE), Fit::Cut),
        (paper.word(words::CONNECTOR), Fit::Cut),
        (paper.word(words::STATE), Fit::Whole),
        (paper.word(words::MEMBERS), Fit::Number),
        (paper.word(words::DEPARTMENTS), Fit::Number),
        (paper.word(words::LAST_CRAWL), Fit::Whole),
        (paper.word(words::NEXT_CRAWL), Fit::Whole),
    ]);
    for source in items(sources) {
        let last = match time::age(paper.language(), &source["last_crawl"], now) {
            none if none.is_empty() => paper.word(words::NEVER).to_owned(),
            age => age,
        };
        table.row(vec![
            str_of(&source["name"]).into(),
            str_of(&source["connector"]).into(),
            status_cell(paper, &source["state"]),
            scalar(&source["members"]).into(),
            scalar(&source["departments"]).into(),
            last.into(),
            time::age(paper.language(), &source["next_crawl"], now).into(),
        ]);
    }
    table.draw(paper);
    for source in items(sources).iter().filter(|s| !s["error"].is_null()) {
        let error = told(
            paper,
            source,
            "error",
            |language, failure: &SourceFailure| {
                let (said, remedy) = say::source_failure(language, failure);
                let cause = failure.cause.clone().unwrap_or_default();
                let lines = [said, cause, remedy].into_iter().filter(|l| !l.is_empty());
                lines.collect::<Vec<_>>().join("\n  ")
            },
        );
        let text = format!("{}: {error}", str_of(&source["name"]));
        paper.paragraph("  ✗ ", Tint::Bad, &text, Tint::Plain);
    }
    for source in items(sources) {
        ignored(paper, source);
    }
}

/// An entry in the file that does nothing is said to do nothing.
fn ignored(paper: &mut Paper, source: &Value) {
    if source["unlinked"]["configured"] == Value::Bool(true) {
        let text = paper.fill(words::ENTRY_IGNORED, &[&str_of(&source["name"])]);
        paper.paragraph("  ! ", Tint::Warn, &text, Tint::Plain);
    }
}

pub(super) fn show(paper: &mut Paper, document: &Value, now: DateTime<Utc>) {
    let source = &document["source"];
    let language = paper.language();
    paper.head(str_of(&source["name"]));
    let both = |value: &Value| match time::moment(value) {
        none if none.is_empty() => String::new(),
        moment => format!("{moment} ({})", time::age(language, value, now)),
    };
    let schedule = match &document["schedule"] {
        Value::Null => String::new(),
        schedule => format!(
            "{}  {}",
            str_of(&schedule["cron"]),
            str_of(&schedule["timezone"])
        ),
    };
    let facts = [
        (
            paper.word(words::F_STATE),
            words::known(language, str_of(&source["state"])),
        ),
        (paper.word(words::F_CONNECTOR), scalar(&source["connector"])),
        (
            paper.word(words::F_ENTERPRISE),
            called(&document["enterprise_name"], &source["enterprise"]),
        ),
        (
            paper.word(words::F_APP),
            called(
                &document["application_name"],
                &document["settings"]["agent_id"],
            ),
        ),
        (paper.word(words::F_SCHEDULE), schedule),
        (paper.word(words::F_LAST), both(&source["last_crawl"])),
        (
            paper.word(words::F_COMPLETE),
            both(&source["last_complete"]),
        ),
        (paper.word(words::F_NEXT), both(&source["next_crawl"])),
        (paper.word(words::F_MEMBERS), scalar(&source["members"])),
        (
            paper.word(words::F_RANGE),
            range(paper, &document["range_items"], LISTED),
        ),
        (
            paper.word(words::F_CALLBACKS),
            callbacks(paper, document, now),
        ),
    ];
    paper.facts(2, &facts);
    ignored(paper, source);
    failure(paper, "  ✗ ", &document["failure"]);
    range_changes(paper, document, now);
    tree(paper, document);
}

/// So many items of a range are named; the document has them all.
const LISTED: usize = 30;

/// What something is called at the provider, where that is known, and its id.
fn called(name: &Value, id: &Value) -> String {
    let id = scalar(id);
    match (str_of(name), id.as_str()) {
        ("", id) => id.to_owned(),
        (name, "") => name.to_owned(),
        (name, id) => format!("{name} ({id})"),
    }
}

/// Items of a range by name; departments stand for themselves, others say what they are.
fn range(paper: &Paper, all: &Value, most: usize) -> String {
    let all = items(all);
    let mut said: Vec<String> = all
        .iter()
        .take(most)
        .map(|item| match str_of(&item["name"]) {
            "" => str_of(&item["item"]).to_owned(),
            name => format!("{name} ({})", str_of(&item["item"])),
        })
        .collect();
    if all.len() > most {
        said.push(paper.fill(words::AND_MORE, &[&(all.len() - most)]));
    }
    said.join(paper.comma())
}

/// How it goes with callbacks, since the daemon began.
fn callbacks(paper: &Paper, document: &Value, now: DateTime<Utc>) -> String {
    let callbacks = &document["callbacks"];
    if callbacks.is_null() {
        return String::new();
    }
    let ago = |value: &Value| match time::age(paper.language(), value, now) {
        none if none.is_empty() => paper.word(words::NEVER).to_owned(),
        age => age,
    };
    paper.fill(
        words::CALLBACKS,
        &[
            &ago(&callbacks["last_received_at"]),
            &ago(&callbacks["last_at"]),
            &scalar(&callbacks["received"]),
            &scalar(&callbacks["refused"]),
            &scalar(&callbacks["missed"]),
        ],
    )
}

/// How the range changed, the last few times.
fn range_changes(paper: &mut Paper, document: &Value, now: DateTime<Utc>) {
    let changes = items(&document["range_changes"]);
    if changes.is_empty() {
        return;
    }
    paper.head(paper.word(words::RANGE_CHANGES));
    for change in changes.iter().take(5) {
        let mut said = vec![time::age(paper.language(), &change["at"], now)];
        for (sign, key) in [("+", "came"), ("-", "went")] {
            let count = change[format!("{key}_count")].as_u64().unwrap_or(0);
            if count > 0 {
                let named = range(paper, &change[key], 5);
                said.push(format!("{sign}{count}: {named}"));
            }
        }
        if change["configured"] == Value::Bool(true) {
            said.push(paper.word(words::RANGE_CONFIGURED).to_owned());
        }
        paper.paragraph("  ", Tint::Plain, &said.join("  "), Tint::Plain);
    }
}

/// A source's failure: what happened, its cause, what to do.
pub(super) fn failure(paper: &mut Paper, lead: &str, failure: &Value) {
    if failure.is_null() {
        return;
    }
    let (message, remedy) = serde_json::from_value::<SourceFailure>(failure.clone()).map_or_else(
        |_| (scalar(&failure["message"]), scalar(&failure["remedy"])),
        |failure| say::source_failure(paper.language(), &failure),
    );
    // WeCom's messages name their code; where one does not, it is put in front.
    let code = str_of(&failure["code"]);
    let said = if code.is_empty() || message.contains(code) {
        message
    } else {
        format!("{code}: {message}")
    };
    paper.paragraph(lead, Tint::Bad, &said, Tint::Plain);
    let blank = " ".repeat(lead.chars().count());
    paper.paragraph(&blank, Tint::Plain, str_of(&failure["cause"]), Tint::Plain);
    paper.paragraph(&format!("{blank}→ "), Tint::Good, &remedy, Tint::Plain);
}

/// The departments as a tree, with how many members have them as their main department.
fn tree(paper: &mut Paper, document: &Value) {
    let departments = items(&document["departments"]);
    if departments.is_empty() {
        return;
    }
    let known: HashSet<&str> = departments.iter().map(|d| str_of(&d["id"])).collect();
    let mut below: HashMap<Option<&str>, Vec<&Value>> = HashMap::new();
    for department in departments {
        let parent = department["parent"]
            .as_str()
            .filter(|p| known.contains(p) && *p != str_of(&department["id"]));
        below.entry(parent).or_default().push(department);
    }
    let members: u64 = departments
        .iter()
        .filter_map(|d| d["members"].as_u64())
        .sum();
    let text = paper.fill(words::DEPARTMENT_TREE, &[&members]);
    paper.head(&text);
    let mut table = Table::new(&[("", Fit::Cut), ("", Fit::Number), ("", Fit::Whole)]).indented(2);
    let mut drawn = HashSet::new();
    let mut open: Vec<(&Value, usize)> = Vec::new();
    let tops = below.get(&None).cloned().unwrap_or_default();
    // A circle of departments has no top: its members come last, each as one.
    let all = tops.into_iter().chain(departments.iter());
    for top in all {
        open.push((top, 0));
        while let Some((department, depth)) = open.pop() {
            let id = str_of(&department["id"]);
            if !drawn.insert(id) {
                continue;
            }
            table.row(vec![
                format!(
                    "{}{}",
                    "  ".repeat(depth.min(20)),
                    str_of(&department["name"])
                )
                .into(),
                people(department).into(),
                Cell::tinted(Tint::Dim, id),
            ]);
            for child in below.get(&Some(id)).into_iter().flatten().rev() {
                open.push((child, depth + 1));
            }
        }
    }
    table.draw(paper);
}

/// How many are in a department, and, where it is another number, how many with those below.
fn people(department: &Value) -> String {
    let (own, all) = (scalar(&department["members"]), scalar(&department["below"]));
    if own == all {
        own
    } else {
        format!("{own} / {all}")
    }
}
