//! `plans`: what the guard held.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, pass, reason, scalar, status_cell, str_of, time, words};

pub(super) fn list(paper: &mut Paper, document: &Value) {
    let mut table = Table::new(&[
        (paper.word(words::ID), Fit::Number),
        (paper.word(words::STATUS), Fit::Whole),
        (paper.word(words::SOURCE), Fit::Cut),
        (paper.word(words::EVIDENCE), Fit::Whole),
        (paper.word(words::REMOVALS), Fit::Number),
        (paper.word(words::LIMIT), Fit::Number),
        (paper.word(words::CREATED), Fit::Whole),
        (paper.word(words::DECIDED), Fit::Wrap),
    ]);
    for plan in items(&document["plans"]) {
        table.row(vec![
            scalar(&plan["id"]).into(),
            status_cell(paper, &plan["status"]),
            str_of(&plan["source"]).into(),
            words::known(paper.language(), str_of(&plan["evidence"])).into(),
            scalar(&plan["removals"]).into(),
            scalar(&plan["limit"]).into(),
            time::moment(&plan["created_at"]).into(),
            decided(paper, plan).into(),
        ]);
    }
    if table.is_empty() {
        paper.line(paper.word(words::NO_ROWS));
        return;
    }
    table.draw(paper);
}

fn decided(paper: &Paper, plan: &Value) -> String {
    let first = &plan["first_approval"];
    match str_of(&plan["decided_by"]) {
        "" if first.is_object() => paper.fill(
            words::SECOND_MISSING,
            &[&str_of(&first["by"]), &time::moment(&first["at"])],
        ),
        "" => String::new(),
        by => paper.fill(words::BY_AT, &[&by, &time::moment(&plan["decided_at"])]),
    }
}

pub(super) fn show(paper: &mut Paper, plan: &Value) {
    let evidence = words::known(paper.language(), str_of(&plan["evidence"]));
    let id = scalar(&plan["id"]);
    let head = paper.fill(
        words::PLAN_HEAD,
        &[&id, &evidence, &str_of(&plan["source"])],
    );
    paper.head(&head);
    let removals = paper.fill(
        words::PLAN_LIMIT,
        &[&scalar(&plan["removals"]), &scalar(&plan["limit"])],
    );
    let facts = [
        (
            paper.word(words::F_STATUS),
            words::known(paper.language(), str_of(&plan["status"])),
        ),
        (paper.word(words::F_LIMIT), removals),
        (
            paper.word(words::F_CREATED),
            time::moment(&plan["created_at"]),
        ),
        (paper.word(words::F_DECIDED), decided(paper, plan)),
    ];
    paper.facts(2, &facts);
    paper.gap();
    let mut table = Table::new(&[
        ("", Fit::Whole),
        (paper.word(words::KIND), Fit::Whole),
        (paper.word(words::USERNAME), Fit::Cut),
        (paper.word(words::MEMBER), Fit::Cut),
        (paper.word(words::WHY), Fit::Brief),
    ])
    .indented(2);
    for item in items(&plan["items"]) {
        // Who is taken over, or came back, loses nothing.
        let (sign, tint) = pass::sign(str_of(&item["kind"]));
        table.row(vec![
            Cell::tinted(tint, sign),
            words::known(paper.language(), str_of(&item["kind"])).into(),
            str_of(&item["username"]).into(),
            str_of(&item["member"]).into(),
            reason(paper, item).into(),
        ]);
    }
    table.draw(paper);
    if str_of(&plan["status"]) == "held" {
        paper.gap();
        for word in [words::PLAN_NEXT, words::PLAN_SILENCE] {
            let text = paper.fill(word, &[&id]);
            paper.paragraph("  → ", Tint::Warn, &text, Tint::Plain);
        }
    }
}
