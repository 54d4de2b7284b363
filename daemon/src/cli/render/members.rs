//! `members`.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{changes, items, joined, problem, scalar, status_cell, str_of, time, words};
use crate::say;

pub(super) fn list(paper: &mut Paper, document: &Value) {
    let mut table = Table::new(&[
        (paper.word(words::ID), Fit::Cut),
        (paper.word(words::NAME), Fit::Cut),
        (paper.word(words::SOURCE), Fit::Cut),
        (paper.word(words::STATUS), Fit::Whole),
        (paper.word(words::USERNAME), Fit::Cut),
        (paper.word(words::SUB_USER), Fit::Whole),
        (paper.word(words::PROBLEM), Fit::Wrap),
    ]);
    for member in items(&document["members"]) {
        let (sub_user, tint) = standing(paper, &member["sub_user"]);
        table.row(vec![
            str_of(&member["id"]).into(),
            str_of(&member["name"]).into(),
            Cell::tinted(Tint::Dim, str_of(&member["source"])),
            status_cell(paper, &member["status"]),
            str_of(&member["username"]).into(),
            Cell::tinted(tint, sub_user),
            Cell::tinted(Tint::Warn, problem(paper, member)),
        ]);
    }
    if table.is_empty() {
        paper.line(paper.word(words::NOBODY));
        return;
    }
    table.draw(paper);
}

fn standing(paper: &Paper, sub_user: &Value) -> (&'static str, Tint) {
    match (&sub_user["managed"], &sub_user["suspended"]) {
        (Value::Bool(true), Value::Bool(true)) => (paper.word(words::SUSPENDED), Tint::Warn),
        (Value::Bool(true), _) => (paper.word(words::MANAGED), Tint::Good),
        (Value::Bool(false), _) => (paper.word(words::UNMANAGED), Tint::Dim),
        _ => ("", Tint::Plain),
    }
}

fn title(paper: &mut Paper, member: &Value) {
    let (id, name) = (str_of(&member["id"]), str_of(&member["name"]));
    let title = if name.is_empty() || name == id {
        id.to_owned()
    } else {
        format!("{id}  ({name})")
    };
    paper.head(&title.replace('\n', "\u{23ce}"));
}

pub(super) fn show(paper: &mut Paper, member: &Value) {
    title(paper, member);
    let ledger = &member["ledger"];
    let mut facts = vec![
        (
            paper.word(words::F_STATUS),
            words::known(paper.language(), str_of(&member["status"])),
        ),
        (paper.word(words::F_SOURCE), scalar(&member["source"])),
    ];
    facts.extend(crawled(paper, &member["facts"]));
    facts.extend(sub_user(paper, member, ledger));
    facts.push((paper.word(words::F_RULE), scalar(&member["rule"])));
    facts.push((paper.word(words::F_GROUPS), joined(&member["groups"], ", ")));
    facts.push((
        paper.word(words::F_POLICIES),
        joined(&member["policies"], ", "),
    ));
    facts.push((paper.word(words::F_PROBLEM), problem(paper, member)));
    paper.facts(2, &one_line(facts));
}

pub(super) fn explain(paper: &mut Paper, member: &Value) {
    title(paper, member);
    for sentence in answer(paper, member) {
        paper.paragraph("  ", Tint::Plain, &sentence, Tint::Plain);
    }
    rule(paper, &member["rule_at"]);
    paper.head(paper.word(words::FACTS));
    let mut facts = vec![(
        paper.word(words::F_STATUS),
        words::known(paper.language(), str_of(&member["status"])),
    )];
    facts.extend(crawled(paper, &member["facts"]));
    facts.push((
        paper.word(words::F_MISSING),
        time::moment(&member["missing_since"]),
    ));
    facts.push((
        paper.word(words::F_WITNESS),
        witness(paper, &member["witness"]),
    ));
    paper.facts(2, &one_line(facts));
    if !member["ledger"].is_null() {
        paper.head(paper.word(words::SUB_USER_HEAD));
        let mut facts = sub_user(paper, member, &member["ledger"]);
        facts.push((paper.word(words::F_GROUPS), joined(&member["groups"], ", ")));
        facts.push((
            paper.word(words::F_POLICIES),
            joined(&member["policies"], ", "),
        ));
        paper.facts(2, &one_line(facts));
    }
    if !items(&member["changes"]).is_empty() {
        paper.head(paper.word(words::HISTORY));
        changes::table(paper, items(&member["changes"]), 2, false);
    }
}

/// The answer, a sentence each.
fn answer(paper: &Paper, member: &Value) -> Vec<String> {
    serde_json::from_value(member["answer_details"].clone()).map_or_else(
        |_| items(&member["answer"]).iter().map(scalar).collect(),
        |said: Vec<say::Answer>| {
            let sentences = said.iter().map(|one| say::answer(paper.language(), one));
            sentences.collect()
        },
    )
}

/// The rule that decided, where it stands, and what it asks.
fn rule(paper: &mut Paper, rule: &Value) {
    if rule.is_null() {
        return;
    }
    let when = match &rule["when"] {
        Value::Null => paper.word(words::RULE_ALWAYS),
        when => str_of(when),
    };
    let at = format!("{}:{}", str_of(&rule["file"]), scalar(&rule["line"]));
    paper.head(paper.word(words::RULE_HEAD));
    paper.paragraph("  ", Tint::Plain, &at, Tint::Plain);
    paper.paragraph("    ", Tint::Plain, when, Tint::Dim);
}

fn crawled(paper: &Paper, facts: &Value) -> Vec<(&'static str, String)> {
    let attributes = facts["attributes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name} = {}", scalar(value)))
        .collect::<Vec<_>>()
        .join(", ");
    vec![
        (paper.word(words::F_ALIAS), scalar(&facts["alias"])),
        (paper.word(words::F_EMAIL), scalar(&facts["email"])),
        (paper.word(words::F_PHONE), scalar(&facts["phone"])),
        (paper.word(words::F_POSITION), scalar(&facts["position"])),
        (
            paper.word(words::F_DEPARTMENTS),
            joined(&facts["departments"], ", "),
        ),
        (
            paper.word(words::F_LEADS),
            joined(&facts["leader_of"], ", "),
        ),
        (paper.word(words::F_TAGS), joined(&facts["tags"], ", ")),
        (paper.word(words::F_ATTRIBUTES), attributes),
    ]
}

fn sub_user(paper: &Paper, member: &Value, ledger: &Value) -> Vec<(&'static str, String)> {
    if ledger.is_null() {
        return Vec::new();
    }
    let username = str_of(&ledger["username"]);
    let named = match scalar(&ledger["uin"]) {
        none if none.is_empty() => username.to_owned(),
        uin => paper.fill(words::UIN, &[&username, &uin]),
    };
    let (standing, _) = standing(paper, &member["sub_user"]);
    let named = if standing.is_empty() {
        format!(
            "{named}{}{}",
            paper.comma(),
            words::known(paper.language(), str_of(&ledger["stage"]))
        )
    } else {
        format!("{named}{}{standing}", paper.comma())
    };
    let switch = |value: &Value| match value {
        Value::Bool(true) => paper.word(words::ON).to_owned(),
        Value::Bool(false) => paper.word(words::OFF).to_owned(),
        _ => String::new(),
    };
    let leaving = match &ledger["leaving"] {
        Value::Null => String::new(),
        leaving => format!(
            "{} ({})",
            words::known(paper.language(), str_of(&leaving["evidence"])),
            time::moment(&leaving["since"])
        ),
    };
    let protected = if ledger["protected"] == Value::Bool(true) {
        paper.word(words::YES).to_owned()
    } else {
        String::new()
    };
    vec![
        (paper.word(words::F_SUB_USER), named),
        (
            paper.word(words::F_ORIGIN),
            words::known(paper.language(), str_of(&ledger["origin"])),
        ),
        (
            paper.word(words::F_SIGN_IN),
            switch(&ledger["console_login"]),
        ),
        (paper.word(words::F_LEAVING), leaving),
        (paper.word(words::F_PROTECTED), protected),
    ]
}

/// `{"answer": "gone", "text": "60111 ..."}` as a line.
fn witness(paper: &Paper, witness: &Value) -> String {
    match witness {
        Value::Null => String::new(),
        witness => {
            let answer = words::known(paper.language(), str_of(&witness["answer"]));
            match &witness["text"] {
                Value::String(text) => format!("{answer}: {text}"),
                _ => answer,
            }
        }
    }
}

/// Facts come from a provider: each stays on its line.
fn one_line(facts: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    facts
        .into_iter()
        .map(|(name, value)| (name, value.replace('\n', "\u{23ce}")))
        .collect()
}
