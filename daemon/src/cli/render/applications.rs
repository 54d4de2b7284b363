//! `applications`, and the password that is shown once.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Fit, Table};
use super::{items, scalar, status_cell, str_of, time, words};

pub(super) fn list(paper: &mut Paper, document: &Value) {
    let mut table = Table::new(&[
        (paper.word(words::ID), Fit::Number),
        (paper.word(words::STATUS), Fit::Whole),
        (paper.word(words::SOURCE), Fit::Cut),
        (paper.word(words::MEMBER), Fit::Cut),
        (paper.word(words::NAME), Fit::Cut),
        (paper.word(words::CREATED), Fit::Whole),
        (paper.word(words::DECIDED), Fit::Wrap),
        (paper.word(words::WHY), Fit::Brief),
    ]);
    for row in items(&document["applications"]) {
        table.row(vec![
            scalar(&row["id"]).into(),
            status_cell(paper, &row["status"]),
            str_of(&row["source"]).into(),
            str_of(&row["member"]).into(),
            str_of(&row["name"]).into(),
            time::moment(&row["created_at"]).into(),
            decided(paper, row).into(),
            str_of(&row["reason"]).into(),
        ]);
    }
    if table.is_empty() {
        paper.line(paper.word(words::NO_ROWS));
        return;
    }
    table.draw(paper);
}

fn decided(paper: &Paper, row: &Value) -> String {
    match str_of(&row["decided_by"]) {
        "" => ended(paper, row),
        by => paper.fill(words::BY_AT, &[&by, &time::moment(&row["decided_at"])]),
    }
}

/// Why it is withdrawn; empty when it is not.
fn ended(paper: &Paper, row: &Value) -> String {
    let word = match str_of(&row["ended"]) {
        "member" => words::ENDED_MEMBER,
        "expired" => words::ENDED_EXPIRED,
        "left" => words::ENDED_LEFT,
        "not_asked" => words::ENDED_NOT_ASKED,
        _ => return String::new(),
    };
    paper.word(word).to_owned()
}

pub(super) fn show(paper: &mut Paper, row: &Value) {
    let id = scalar(&row["id"]);
    let head = paper.fill(words::APPLICATION_HEAD, &[&id, &str_of(&row["name"])]);
    paper.head(&head);
    let facts = [
        (
            paper.word(words::F_STATUS),
            words::known(paper.language(), str_of(&row["status"])),
        ),
        (paper.word(words::F_MEMBER), scalar(&row["member"])),
        (paper.word(words::F_SOURCE), scalar(&row["source"])),
        (paper.word(words::F_REASON), scalar(&row["reason"])),
        (
            paper.word(words::F_CREATED),
            time::moment(&row["created_at"]),
        ),
        (paper.word(words::F_DECIDED), decided(paper, row)),
        (paper.word(words::F_NOTE), scalar(&row["note"])),
    ];
    paper.facts(2, &facts);
}

pub(super) fn password(paper: &mut Paper, document: &Value) {
    let head = paper.fill(words::PASSWORD_HEAD, &[&str_of(&document["member"])]);
    paper.head(&head);
    let facts = [
        (
            paper.word(words::F_SIGN_IN_AT),
            scalar(&document["sign_in_url"]),
        ),
        (paper.word(words::F_ACCOUNT), scalar(&document["account"])),
        (paper.word(words::F_USERNAME), scalar(&document["username"])),
        (paper.word(words::F_PASSWORD), scalar(&document["password"])),
    ];
    paper.facts(2, &facts);
    paper.gap();
    paper.paragraph(
        "! ",
        Tint::Warn,
        paper.word(words::PASSWORD_ONCE),
        Tint::Plain,
    );
}
