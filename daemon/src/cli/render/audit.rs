//! `audit`: a table for people, JSON lines for other systems.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::safe;
use super::table::{Cell, Fit, Table};
use super::{items, reason, scalar, str_of, time, words};

/// One JSON document a row, oldest first.
pub(super) fn lines(document: &Value) -> String {
    items(&document["audit"])
        .iter()
        .rev()
        .map(|row| format!("{}\n", safe::json(&row.to_string())))
        .collect()
}

pub(super) fn draw(paper: &mut Paper, document: &Value) {
    let mut table = Table::new(&[
        (paper.word(words::WHEN), Fit::Whole),
        (paper.word(words::WHO), Fit::Cut),
        (paper.word(words::WHAT), Fit::Whole),
        (paper.word(words::SUBJECT), Fit::Cut),
        (paper.word(words::DETAIL), Fit::Wrap),
    ]);
    for row in items(&document["audit"]) {
        table.row(vec![
            time::moment(&row["at"]).into(),
            str_of(&row["actor"]).into(),
            str_of(&row["action"]).into(),
            str_of(&row["subject"]).into(),
            Cell::tinted(Tint::Dim, detail(paper, &row["detail"])),
        ]);
    }
    if table.is_empty() {
        paper.line(paper.word(words::NO_ROWS));
    } else {
        table.draw(paper);
    }
    if !document["broken_at"].is_null() {
        paper.gap();
        chain(paper, document);
    }
}

/// Whether the audit is whole.
pub(super) fn chain(paper: &mut Paper, document: &Value) {
    if document["broken_at"].is_null() {
        let head = match str_of(&document["head"]) {
            "" => "-",
            head => head,
        };
        let rows = scalar(&document["rows"]);
        let text = paper.fill(words::AUDIT_WHOLE, &[&rows, &head]);
        paper.paragraph("✓ ", Tint::Good, &text, Tint::Plain);
    } else {
        let text = paper.fill(words::AUDIT_BROKEN, &[&scalar(&document["broken_at"])]);
        paper.paragraph("✗ ", Tint::Bad, &text, Tint::Bad);
    }
}

/// The particulars as `name = value`, without what is null.
fn detail(paper: &Paper, detail: &Value) -> String {
    match detail {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !value.is_null() && *name != "reason_details")
            .map(|(name, value)| match name.as_str() {
                "reason" => format!("{name} = {}", reason(paper, detail)),
                _ => format!("{name} = {}", scalar(value)),
            })
            .collect::<Vec<_>>()
            .join(", "),
        other => scalar(other),
    }
    .replace('\n', "\u{23ce}")
}
