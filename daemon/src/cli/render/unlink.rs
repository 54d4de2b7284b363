//! `unlink`: what becomes of each sub-user, and what is left to a person.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, scalar, str_of, time, words};
use crate::say;

/// Of more than so many the rest is only counted: the document has them all.
const LISTED: usize = 200;

pub(super) fn draw(paper: &mut Paper, document: &Value) {
    let source = str_of(&document["source"]);
    if document["confirmed"] == Value::Bool(true) {
        let text = paper.fill(words::UNLINKED, &[&source]);
        paper.paragraph("✓ ", Tint::Good, &text, Tint::Plain);
        if !document["held"].is_null() {
            let text = paper.fill(words::UNLINK_SECOND, &[&scalar(&document["held"])]);
            paper.paragraph("! ", Tint::Warn, &text, Tint::Plain);
        }
        if scalar(&document["applied"]) != "0" || scalar(&document["pending"]) != "0" {
            let counts: [&dyn std::fmt::Display; 2] =
                [&scalar(&document["applied"]), &scalar(&document["pending"])];
            let text = paper.fill(words::UNLINK_LEFT, &counts);
            paper.paragraph("  ", Tint::Plain, &text, Tint::Plain);
        }
        steps(paper, document);
        return;
    }
    let members = items(&document["members"]);
    let (enterprise, count) = (str_of(&document["enterprise"]), members.len());
    paper.head(&paper.fill(words::UNLINK_WOULD, &[&source, &enterprise, &count]));
    if members.is_empty() {
        paper.paragraph(
            "  ",
            Tint::Plain,
            paper.word(words::UNLINK_NOBODY),
            Tint::Plain,
        );
    }
    let mut table = Table::new(&[
        ("", Fit::Whole),
        ("", Fit::Cut),
        ("", Fit::Cut),
        ("", Fit::Wrap),
    ])
    .indented(2);
    for row in members.iter().take(LISTED) {
        let (sign, tint) = match str_of(&row["becomes"]) {
            "released" | "protected" => ("~", Tint::Warn),
            _ => ("-", Tint::Bad),
        };
        let name = match str_of(&row["name"]) {
            "" => String::new(),
            name => format!("({name})"),
        };
        table.row(vec![
            Cell::tinted(tint, sign),
            str_of(&row["username"]).into(),
            name.into(),
            becomes(paper, row).into(),
        ]);
    }
    table.draw(paper);
    if members.len() > LISTED {
        let command = format!("camsync unlink {source} --json");
        let text = paper.fill(words::MORE, &[&(members.len() - LISTED), &command]);
        paper.paragraph("  ", Tint::Plain, &text, Tint::Dim);
    }
    steps(paper, document);
}

fn becomes(paper: &Paper, row: &Value) -> String {
    let at = time::moment(&row["at"]);
    match str_of(&row["becomes"]) {
        "released" => paper.word(words::BECOMES_RELEASED).to_owned(),
        "protected" => paper.word(words::BECOMES_PROTECTED).to_owned(),
        "deleted" => paper.fill(words::BECOMES_DELETED, &[&at]),
        "suspended_then_released" => paper.fill(words::BECOMES_LET_GO, &[&at]),
        _ if row["suspended"] == Value::Bool(true) => {
            paper.word(words::BECOMES_SUSPENDED_ALREADY).to_owned()
        }
        _ => paper.word(words::BECOMES_SUSPENDED).to_owned(),
    }
}

/// What camsync cannot do for whoever reads this.
fn steps(paper: &mut Paper, document: &Value) {
    paper.head(paper.word(words::UNLINK_STEPS));
    let details = items(&document["steps_details"]);
    for (said, details) in items(&document["steps"]).iter().zip(details) {
        let text = serde_json::from_value(details.clone()).map_or_else(
            |_| str_of(said).to_owned(),
            |step: say::Step| say::step(paper.language(), &step),
        );
        paper.paragraph("  · ", Tint::Plain, &text, Tint::Plain);
    }
}

/// What is asked before anything is done.
pub(super) fn question(language: &str) -> &'static str {
    words::UNLINK_ASK.to(language)
}
