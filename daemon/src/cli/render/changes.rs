//! `changes`: the outbox and its history.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, pass, reason, scalar, status_cell, str_of, subject, time, waits_for, words};
use crate::ledger::Failure;
use crate::say;

pub(super) fn list(paper: &mut Paper, document: &Value) {
    let rows = items(&document["changes"]);
    if rows.is_empty() {
        paper.line(paper.word(words::NO_ROWS));
        return;
    }
    table(paper, rows, 0, true);
}

/// Changes in rows; `whose` shows the username, too.
pub(super) fn table(paper: &mut Paper, rows: &[Value], indent: usize, whose: bool) {
    let mut table = Table::new(&[
        (paper.word(words::ID), Fit::Number),
        (paper.word(words::KIND), Fit::Whole),
        (paper.word(words::USERNAME), Fit::Cut),
        (paper.word(words::STATUS), Fit::Whole),
        (paper.word(words::TRIES), Fit::Number),
        (paper.word(words::CREATED), Fit::Whole),
        (paper.word(words::WHY), Fit::Brief),
    ])
    .indented(indent);
    for row in rows {
        table.row(vec![
            scalar(&row["id"]).into(),
            words::known(paper.language(), str_of(&row["kind"])).into(),
            if whose {
                subject(row).into()
            } else {
                str_of(&row["object"]["name"]).into()
            },
            status_cell(paper, &row["status"]),
            scalar(&row["attempts"]).into(),
            time::moment(&row["created_at"]).into(),
            why(paper, row),
        ]);
    }
    table.draw(paper);
}

/// What matters most of a change: the error that it met, what it waits for, or why it was made.
fn why(paper: &Paper, row: &Value) -> Cell {
    let status = str_of(&row["status"]);
    if let (false, Ok(failure)) = (
        matches!(status, "applied" | "superseded" | "cancelled"),
        serde_json::from_value::<Failure>(row["last_error"].clone()),
    ) {
        return Cell::tinted(Tint::Bad, short(paper, failure));
    }
    match waits_for(paper, row) {
        none if none.is_empty() => reason(paper, row).into(),
        waits => Cell::tinted(Tint::Warn, waits),
    }
}

/// A failure without its RequestId.
fn short(paper: &Paper, failure: Failure) -> String {
    let failure = Failure {
        request_id: None,
        ..failure
    };
    say::failure(paper.language(), &failure)
}

pub(super) fn show(paper: &mut Paper, change: &Value) {
    let title = format!(
        "{}  {}  {}",
        scalar(&change["id"]),
        words::known(paper.language(), str_of(&change["kind"])),
        subject(change)
    );
    paper.head(&title.replace('\n', "\u{23ce}"));
    let state = |value: &Value| match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(name, v)| format!("{name} = {}", scalar(v)))
            .collect::<Vec<_>>()
            .join(", ")
            .replace('\n', "\u{23ce}"),
        _ => String::new(),
    };
    let facts = [
        (
            paper.word(words::F_STATUS),
            words::known(paper.language(), str_of(&change["status"])),
        ),
        (paper.word(words::F_REASON), reason(paper, change)),
        (
            paper.word(words::F_EVIDENCE),
            words::known(paper.language(), str_of(&change["evidence"])),
        ),
        (
            paper.word(words::F_SOURCE),
            format!(
                "{} / {}",
                str_of(&change["source"]),
                str_of(&change["member"])
            ),
        ),
        (paper.word(words::F_BEFORE), state(&change["before"])),
        (paper.word(words::F_AFTER), state(&change["after"])),
        (paper.word(words::F_WAITS), waits_for(paper, change)),
        (paper.word(words::F_PLAN), scalar(&change["plan"])),
        (
            paper.word(words::F_CREATED),
            time::moment(&change["created_at"]),
        ),
        (
            paper.word(words::F_NEXT_TRY),
            time::moment(&change["next_attempt_at"]),
        ),
        (
            paper.word(words::F_APPLIED),
            time::moment(&change["applied_at"]),
        ),
    ];
    paper.facts(2, &facts);
    if let Ok(failure) = serde_json::from_value(change["last_error"].clone()) {
        paper.head(paper.word(words::F_LAST_ERROR));
        pass::advised(paper, "", &failure);
    }
    attempts(paper, items(&change["history"]));
}

fn attempts(paper: &mut Paper, attempts: &[Value]) {
    paper.head(paper.word(words::ATTEMPTS));
    if attempts.is_empty() {
        paper.line(&format!("  {}", paper.word(words::NO_ATTEMPTS)));
        return;
    }
    let mut table = Table::new(&[
        ("#", Fit::Number),
        (paper.word(words::WHEN), Fit::Whole),
        (paper.word(words::TOOK), Fit::Number),
        (paper.word(words::OUTCOME), Fit::Wrap),
    ])
    .indented(2);
    for attempt in attempts {
        let outcome = &attempt["outcome"];
        let error = serde_json::from_value::<Failure>(outcome["error"].clone());
        let (mut said, tint) = match error {
            Ok(failure) => (short(paper, failure), Tint::Bad),
            Err(_) if outcome.is_null() => (paper.word(words::IN_FLIGHT).to_owned(), Tint::Warn),
            Err(_) => (paper.word(words::SUCCEEDED).to_owned(), Tint::Good),
        };
        if let Some(id) = attempt["request_id"].as_str() {
            said.push_str("\nRequestId ");
            said.push_str(id);
        }
        table.row(vec![
            scalar(&attempt["number"]).into(),
            time::moment(&attempt["started_at"]).into(),
            time::between(&attempt["started_at"], &attempt["ended_at"]).into(),
            Cell::tinted(tint, said),
        ]);
    }
    table.draw(paper);
}
