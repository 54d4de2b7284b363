//! `plan` and `sync`: what changes and why, what waits and for whom, what failed and what to do.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, reason, scalar, sources, str_of, subject, time, told, waits_for, words};
use crate::{advice, say};

/// After a pass this many changes are listed; the ledger has them all. A plan lists every one.
const LISTED: usize = 50;

pub(super) fn plan(paper: &mut Paper, document: &Value) {
    what_if(paper, &document["what_if"]);
    failures(paper, document);
    let going = going(document);
    if !going.is_empty() {
        paper.head(paper.word(words::WOULD));
        table(paper, &going, usize::MAX);
    }
    held(paper, document);
    problems(paper, document);
    quotas(paper, document);
    sum(paper, document);
}

/// What the plan does to each quota whose limit is known.
fn quotas(paper: &mut Paper, document: &Value) {
    let known = |q: &&Value| !q["limit"].is_null();
    let rows: Vec<&Value> = items(&document["quotas"]).iter().filter(known).collect();
    if rows.is_empty() {
        return;
    }
    paper.head(paper.word(words::QUOTAS_HEAD));
    for row in rows {
        let name = words::known(paper.language(), str_of(&row["quota"]));
        let of = match str_of(&row["of"]) {
            "" => String::new(),
            of => format!(" ({of})"),
        };
        let numbers = [&row["used"], &row["wanted"], &row["limit"], &row["over"]].map(scalar);
        let [used, wanted, limit, over] = &numbers;
        let text = paper.fill(words::QUOTA_ROW, &[&name, &of, used, wanted, limit]);
        let fits = over == "0";
        let (mark, tint) = if fits {
            ("  · ", Tint::Dim)
        } else {
            ("  ! ", Tint::Warn)
        };
        let text = if fits {
            text
        } else {
            format!("{text}{}", paper.fill(words::QUOTA_OVER, &[over]))
        };
        paper.paragraph(mark, tint, &text, Tint::Plain);
    }
}

pub(super) fn sync(paper: &mut Paper, document: &Value) {
    failures(paper, document);
    let going = going(document);
    if !going.is_empty() {
        paper.head(paper.word(words::CHANGED));
        table(paper, &going, LISTED);
    }
    failed(paper, document);
    held(paper, document);
    waiting(paper, document);
    problems(paper, document);
    applied(paper, document);
    last_word(paper, document);
}

/// What a plan for other rules stands on.
fn what_if(paper: &mut Paper, what_if: &Value) {
    if what_if.is_null() {
        return;
    }
    let text = paper.fill(words::WHAT_IF, &[&str_of(&what_if["config"])]);
    paper.paragraph("", Tint::Plain, &text, Tint::Head);
    for snapshot in items(&what_if["snapshots"]) {
        let name = str_of(&snapshot["source"]);
        let text = match snapshot["taken_at"].is_null() {
            true => paper.fill(words::NO_SNAPSHOT, &[&name]),
            false => paper.fill(
                words::SNAPSHOT_OF,
                &[&name, &time::moment(&snapshot["taken_at"])],
            ),
        };
        paper.paragraph("  ", Tint::Plain, &text, Tint::Dim);
    }
    if what_if["cloud_read"] == Value::Bool(false) {
        let text = match str_of(&what_if["cloud_error"]) {
            "" => paper.word(words::CLOUD_BELIEVED).to_owned(),
            why => paper.fill(words::CLOUD_UNREAD, &[&why]),
        };
        paper.paragraph("! ", Tint::Warn, &text, Tint::Plain);
    }
}

/// The file that a plan was written into.
pub(super) fn written(paper: &mut Paper, file: &str) {
    let text = paper.fill(words::PLAN_WRITTEN, &[&file]);
    paper.paragraph("→ ", Tint::Good, &text, Tint::Plain);
}

/// Changes that wait for nobody.
fn going(document: &Value) -> Vec<&Value> {
    items(&document["changes"])
        .iter()
        .filter(|c| c["held"] != Value::Bool(true))
        .collect()
}

/// `+`, `~` or `-`, as Terraform writes it.
pub(super) fn sign(kind: &str) -> (&'static str, Tint) {
    match kind {
        "create_user" | "create_group" | "create_policy" | "add_to_group" | "attach_policy" => {
            ("+", Tint::Good)
        }
        "suspend_user" | "delete_user" | "delete_group" | "remove_from_group" | "detach_policy"
        | "disable_key" | "delete_key" | "delete_policy" => ("-", Tint::Bad),
        _ => ("~", Tint::Warn),
    }
}

fn table(paper: &mut Paper, changes: &[&Value], most: usize) {
    let mut table = Table::new(&[
        ("", Fit::Whole),
        ("", Fit::Whole),
        ("", Fit::Cut),
        ("", Fit::Cut),
        ("", Fit::Brief),
    ])
    .indented(2);
    for change in changes.iter().take(most) {
        let kind = str_of(&change["kind"]);
        let (sign, tint) = sign(kind);
        let name = match str_of(&change["name"]) {
            "" => String::new(),
            name => format!("({name})"),
        };
        let mut why = reason(paper, change);
        for difference in differences(paper, change) {
            why.push('\n');
            why.push_str(&difference);
        }
        table.row(vec![
            Cell::tinted(tint, sign),
            Cell::tinted(tint, words::known(paper.language(), kind)),
            subject(change).into(),
            name.into(),
            why.into(),
        ]);
    }
    table.draw(paper);
    if changes.len() > most {
        let rest = changes.len() - most;
        let text = paper.fill(words::MORE, &[&rest, &"camsync changes list"]);
        paper.paragraph("  ", Tint::Plain, &text, Tint::Dim);
    }
}

/// What of a sub-user becomes what. A new one has no before, and its reason says enough.
fn differences(paper: &Paper, change: &Value) -> Vec<String> {
    let (before, after) = (&change["before"], &change["after"]);
    if before.is_null() || after.is_null() || str_of(&change["kind"]) != "update_user" {
        return Vec::new();
    }
    [
        ("remark", words::REMARK),
        ("console_login", words::SIGN_IN),
        ("phone", words::PHONE),
        ("email", words::EMAIL),
    ]
    .into_iter()
    .filter(|(key, _)| !after[*key].is_null() && before[*key] != after[*key])
    .map(|(key, word)| {
        let shown = |value: &Value| match value {
            Value::Bool(true) => paper.word(words::ON).to_owned(),
            Value::Bool(false) => paper.word(words::OFF).to_owned(),
            Value::Null => "?".into(),
            other => format!("\"{}\"", str_of(other)),
        };
        format!(
            "{}: {} → {}",
            paper.word(word),
            shown(&before[key]),
            shown(&after[key])
        )
    })
    .collect()
}

/// What waits for a person, a bucket at a time, with what to type.
fn held(paper: &mut Paper, document: &Value) {
    let mut buckets: BTreeMap<(&str, &str, Option<i64>), Vec<&Value>> = BTreeMap::new();
    for change in items(&document["changes"]) {
        if change["held"] == Value::Bool(true) && !change["evidence"].is_null() {
            let bucket = (
                str_of(&change["source"]),
                str_of(&change["evidence"]),
                change["plan"].as_i64(),
            );
            buckets.entry(bucket).or_default().push(change);
        }
    }
    for ((source, evidence, plan), changes) in buckets {
        let evidence = words::known(paper.language(), evidence);
        let count = changes.len();
        let head = match plan {
            Some(id) => paper.fill(words::HELD_PLAN, &[&evidence, &source, &count, &id]),
            None => paper.fill(words::HELD_HEAD, &[&evidence, &source, &count]),
        };
        paper.head(&head);
        table(
            paper,
            &changes,
            if plan.is_some() { LISTED } else { usize::MAX },
        );
        let next = match plan {
            Some(id) => paper.fill(words::HELD_SEE, &[&id]),
            None => paper.word(words::HELD_WOULD).to_owned(),
        };
        paper.paragraph("  → ", Tint::Warn, &next, Tint::Plain);
    }
    let waiting: Vec<&Value> = items(&document["changes"])
        .iter()
        .filter(|c| c["held"] == Value::Bool(true) && c["evidence"].is_null())
        .collect();
    if !waiting.is_empty() {
        paper.head(paper.word(words::WAIT_HEAD));
        table(paper, &waiting, LISTED);
        let mut reasons: Vec<String> = waiting.iter().map(|c| waits_for(paper, c)).collect();
        reasons.dedup();
        for reason in reasons {
            paper.paragraph("  → ", Tint::Warn, &reason, Tint::Plain);
        }
    }
}

/// What CAM refused for a quota or a permission in this pass.
fn waiting(paper: &mut Paper, document: &Value) {
    let rows = items(&document["waiting"]);
    if rows.is_empty() {
        return;
    }
    paper.head(paper.word(words::WAIT_HEAD));
    let mut table = Table::new(&[("", Fit::Number), ("", Fit::Cut), ("", Fit::Wrap)]).indented(2);
    for row in rows.iter().take(LISTED) {
        table.row(vec![
            scalar(&row["change"]).into(),
            subject(row).into(),
            waits_for(paper, row).into(),
        ]);
    }
    table.draw(paper);
    more(paper, rows.len(), "camsync changes list --status held");
}

fn more(paper: &mut Paper, count: usize, command: &str) {
    if count > LISTED {
        let text = paper.fill(words::MORE, &[&(count - LISTED), &command]);
        paper.paragraph("  ", Tint::Plain, &text, Tint::Dim);
    }
}

/// What stands between members and the rules, unless it is shown as a change already.
fn problems(paper: &mut Paper, document: &Value) {
    let rows: Vec<&Value> = items(&document["problems"])
        .iter()
        .filter(|p| !matches!(str_of(&p["kind"]), "held" | "waiting"))
        .collect();
    if rows.is_empty() {
        return;
    }
    paper.head(paper.word(words::PROBLEMS));
    let mut table = Table::new(&[("", Fit::Whole), ("", Fit::Cut), ("", Fit::Wrap)]).indented(2);
    for row in rows.iter().take(LISTED) {
        table.row(vec![
            Cell::tinted(Tint::Warn, "!"),
            str_of(&row["member"]).into(),
            told(paper, row, "problem", say::obstacle).into(),
        ]);
    }
    table.draw(paper);
    more(paper, rows.len(), "camsync members list --status problem");
}

/// Sources that were not crawled whole, and why there is no plan.
fn failures(paper: &mut Paper, document: &Value) {
    for failure in items(&document["failures"]) {
        let text = paper.fill(words::SOURCE_FAILED, &[&str_of(&failure["source"])]);
        paper.head(&text);
        sources::failure(paper, "  ✗ ", failure);
        if let Some(seconds) = failure["retry_after_seconds"].as_i64() {
            let span = time::duration(paper.language(), TimeDelta::seconds(seconds));
            let text = paper.fill(words::ASK_AGAIN, &[&span]);
            paper.paragraph("    ", Tint::Plain, &text, Tint::Dim);
        }
    }
    if !document["error"].is_null() {
        paper.head(paper.word(words::NOT_PLANNED));
        let error = told(paper, document, "error", say::blocked);
        paper.paragraph("  ✗ ", Tint::Bad, &error, Tint::Plain);
        let remedy = serde_json::from_value(document["error_details"].clone())
            .ok()
            .and_then(|why: say::Blocked| why.remedy(paper.language()))
            .unwrap_or_default();
        paper.paragraph("    → ", Tint::Good, &remedy, Tint::Plain);
    }
}

/// Changes that failed for good, each with CAM's words, its RequestId and what to do.
fn failed(paper: &mut Paper, document: &Value) {
    if let Ok(stopped) = serde_json::from_value(document["stopped_by"].clone()) {
        paper.head(paper.word(words::STOPPED));
        advised(paper, "", &stopped);
    }
    let rows = items(&document["failed"]);
    if rows.is_empty() {
        return;
    }
    paper.head(paper.word(words::FAILED_HEAD));
    for row in rows.iter().take(LISTED) {
        let id = scalar(&row["change"]);
        let about = format!("{} ", str_of(&row["username"]));
        match serde_json::from_value(row["error"].clone()) {
            Ok(failure) => advised(paper, &about, &failure),
            Err(_) => paper.paragraph("  ✗ ", Tint::Bad, str_of(&row["message"]), Tint::Plain),
        }
        let next = paper.fill(words::FAILED_SEE, &[&id]);
        paper.paragraph("    ", Tint::Plain, &next, Tint::Dim);
    }
    more(paper, rows.len(), "camsync changes list --status failed");
}

/// A failure of CAM with its cause and what to do.
pub(super) fn advised(paper: &mut Paper, about: &str, failure: &crate::ledger::Failure) {
    paper.paragraph(
        "  ✗ ",
        Tint::Bad,
        &format!("{about}{}", say::failure(paper.language(), failure)),
        Tint::Plain,
    );
    let (cause, remedy) = advice::failure(paper.language(), failure);
    paper.paragraph("    ", Tint::Plain, &cause, Tint::Plain);
    paper.paragraph("    → ", Tint::Good, &remedy, Tint::Plain);
}

/// `5 to create, 2 to suspend`, from counts by kind.
fn counted(paper: &Paper, summary: &Value) -> String {
    let mut said = Vec::new();
    let mut rest: BTreeMap<&str, u64> = summary
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(kind, n)| Some((kind.as_str(), n.as_u64()?)))
        .collect();
    for (kind, word) in [
        ("create_user", words::N_CREATE),
        ("update_user", words::N_UPDATE),
        ("resume_user", words::N_RESUME),
        ("suspend_user", words::N_SUSPEND),
        ("delete_user", words::N_DELETE),
    ] {
        if let Some(count) = rest.remove(kind) {
            said.push(paper.fill(word, &[&count]));
        }
    }
    for (kind, count) in rest {
        said.push(paper.fill(
            words::N_OTHER,
            &[&count, &words::known(paper.language(), kind)],
        ));
    }
    said.join(if paper.language() == "zh" {
        "，"
    } else {
        ", "
    })
}

/// The summary line of a plan.
fn sum(paper: &mut Paper, document: &Value) {
    paper.gap();
    let changes = items(&document["changes"]);
    if changes.is_empty() {
        nothing(paper, document);
        return;
    }
    let mut said = counted(paper, &document["summary"]);
    let held = changes
        .iter()
        .filter(|c| c["held"] == Value::Bool(true))
        .count();
    if held > 0 {
        said.push_str(if paper.language() == "zh" {
            "；"
        } else {
            "; "
        });
        said.push_str(&paper.fill(words::N_HELD, &[&held]));
    }
    let text = paper.fill(words::PLAN_SUM, &[&said]);
    paper.paragraph("", Tint::Plain, &text, Tint::Head);
}

/// There is nothing to do: what the rules made of everyone is said instead.
fn nothing(paper: &mut Paper, document: &Value) {
    if !document["error"].is_null() {
        paper.line(paper.word(words::NO_CHANGES_BUT));
        return;
    }
    paper.line(&paper.tint(Tint::Good, paper.word(words::NO_CHANGES)));
    let members = &document["members"];
    if members.is_null() {
        return;
    }
    let mut said = paper.fill(
        words::TALLY,
        &[
            &scalar(&members["admitted"]),
            &scalar(&members["not_admitted"]),
        ],
    );
    let failing = members["rule_failed"].as_u64().unwrap_or(0);
    if failing > 0 {
        said.push_str(if paper.language() == "zh" {
            "；"
        } else {
            "; "
        });
        said.push_str(&paper.fill(words::TALLY_FAILING, &[&failing]));
    }
    paper.paragraph(
        "",
        Tint::Plain,
        &format!("{said}{}", full_stop(paper)),
        Tint::Plain,
    );
}

fn full_stop(paper: &Paper) -> &'static str {
    if paper.language() == "zh" { "。" } else { "." }
}

/// What a pass came to.
fn applied(paper: &mut Paper, document: &Value) {
    paper.gap();
    let number = |key: &str| document[key].as_u64().unwrap_or(0);
    let failed = items(&document["failed"]).len() as u64;
    let waiting = items(&document["waiting"]).len() as u64;
    let pending = number("pending");
    let total = number("applied") + failed + waiting + pending;
    if total == 0 && items(&document["changes"]).is_empty() {
        nothing(paper, document);
        return;
    }
    if total == 0 {
        return;
    }
    if document["frozen"] == Value::Bool(true) {
        paper.paragraph(
            "! ",
            Tint::Warn,
            paper.word(words::SYNC_FROZEN),
            Tint::Plain,
        );
    }
    if document["applies"] == Value::Bool(false) {
        paper.line(paper.word(words::SYNC_RECORDED));
    }
    let mut said = paper.fill(words::SYNC_APPLIED, &[&number("applied"), &total]);
    for (count, word) in [
        (failed, words::SYNC_FAILED),
        (waiting, words::SYNC_WAIT),
        (pending, words::SYNC_PENDING),
    ] {
        if count > 0 {
            said.push_str(if paper.language() == "zh" {
                "，"
            } else {
                ", "
            });
            said.push_str(&paper.fill(word, &[&count]));
        }
    }
    said.push_str(full_stop(paper));
    let tint = match (failed, pending + waiting) {
        (0, 0) => Tint::Good,
        (0, _) => Tint::Warn,
        _ => Tint::Bad,
    };
    paper.paragraph("", Tint::Plain, &said, tint);
    let full = &document["full_quota"];
    if !full.is_null() {
        let at = time::moment(&full["retry_at"]);
        let text = paper.fill(
            words::SYNC_QUOTA,
            &[&words::known(paper.language(), str_of(&full["quota"])), &at],
        );
        paper.paragraph("  ", Tint::Plain, &text, Tint::Plain);
    }
    let at = time::moment(&document["next_attempt_at"]);
    if !at.is_empty() {
        let text = paper.fill(words::SYNC_UNTIL, &[&at]);
        paper.paragraph("  ", Tint::Plain, &text, Tint::Plain);
    }
}

/// A held plan is said last, where nobody misses it.
fn last_word(paper: &mut Paper, document: &Value) {
    let Some(first) = items(&document["held_plans"]).first() else {
        return;
    };
    let mut plans: BTreeMap<i64, String> = BTreeMap::new();
    for id in items(&document["held_plans"])
        .iter()
        .filter_map(Value::as_i64)
    {
        plans.insert(id, id.to_string());
    }
    for change in items(&document["changes"]) {
        if let Some(id) = change["plan"].as_i64() {
            let evidence = words::known(paper.language(), str_of(&change["evidence"]));
            let named = paper.fill(
                words::PLAN_OF,
                &[&id, &evidence, &str_of(&change["source"])],
            );
            plans.insert(id, named);
        }
    }
    let named: Vec<String> = plans.into_values().collect();
    let text = paper.fill(words::SYNC_HELD, &[&named.join(", "), &scalar(first)]);
    paper.paragraph("! ", Tint::Warn, &text, Tint::Plain);
}
