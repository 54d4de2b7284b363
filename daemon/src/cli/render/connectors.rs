//! `connector`.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::table::{Cell, Fit, Table};
use super::{items, joined, scalar, str_of, words};

pub(super) fn list(paper: &mut Paper, document: &Value) {
    let mut table = Table::new(&[
        (paper.word(words::NAME), Fit::Cut),
        (paper.word(words::VERSION), Fit::Whole),
        (paper.word(words::WIT), Fit::Whole),
        ("SHA-256", Fit::Whole),
        (paper.word(words::ORIGIN), Fit::Cut),
        (paper.word(words::HOSTS), Fit::Wrap),
        (paper.word(words::CAPABILITIES), Fit::Wrap),
    ]);
    for row in items(&document["connectors"]) {
        // Enough of the hash to tell two apart; `connector inspect` has all of it.
        let sha256: String = str_of(&row["sha256"]).chars().take(12).collect();
        table.row(vec![
            str_of(&row["name"]).into(),
            str_of(&row["version"]).into(),
            str_of(&row["wit"]).into(),
            sha256.into(),
            str_of(&row["origin"]).into(),
            joined(&row["hosts"], ", ").into(),
            joined(&row["capabilities"], ", ").into(),
        ]);
    }
    if table.is_empty() {
        paper.line(paper.word(words::NO_ROWS));
    } else {
        table.draw(paper);
    }
    if !items(&document["refused"]).is_empty() {
        paper.head(paper.word(words::REFUSED_HEAD));
        for row in items(&document["refused"]) {
            let text = format!("{}: {}", str_of(&row["origin"]), str_of(&row["error"]));
            paper.paragraph("  ✗ ", Tint::Bad, &text, Tint::Plain);
        }
    }
}

pub(super) fn inspect(paper: &mut Paper, connector: &Value) {
    paper.head(str_of(&connector["name"]));
    paper.paragraph(
        "  ",
        Tint::Plain,
        str_of(&connector["summary"]),
        Tint::Plain,
    );
    let facts = [
        (paper.word(words::F_VERSION), scalar(&connector["version"])),
        ("WIT", scalar(&connector["wit"])),
        ("SHA-256", scalar(&connector["sha256"])),
        (paper.word(words::F_ORIGIN), scalar(&connector["origin"])),
        (
            paper.word(words::F_HOSTS),
            joined(&connector["hosts"], ", "),
        ),
        (
            paper.word(words::F_CAPABILITIES),
            joined(&connector["capabilities"], ", "),
        ),
    ];
    paper.facts(2, &facts);
    settings(paper, &connector["settings"]);
}

/// The settings' schema as a table: what is needed first.
fn settings(paper: &mut Paper, schema: &Value) {
    let Some(properties) = schema["properties"].as_object().filter(|p| !p.is_empty()) else {
        return;
    };
    paper.head(paper.word(words::SETTINGS));
    let needed = |name: &str| items(&schema["required"]).iter().any(|r| str_of(r) == name);
    let mut rows: Vec<_> = properties.iter().collect();
    rows.sort_by_key(|(name, _)| !needed(name));
    let mut table = Table::new(&[
        (paper.word(words::SETTING), Fit::Whole),
        (paper.word(words::FORM), Fit::Whole),
        (paper.word(words::NEEDED), Fit::Whole),
        (paper.word(words::MEANING), Fit::Wrap),
    ])
    .indented(2);
    for (name, property) in rows {
        let (form, tint) = form(paper, property);
        let required = if needed(name) {
            Cell::tinted(Tint::Head, paper.word(words::YES))
        } else {
            Cell::tinted(Tint::Dim, paper.word(words::NO))
        };
        table.row(vec![
            name.as_str().into(),
            Cell::tinted(tint, form),
            required,
            meaning(paper, property).into(),
        ]);
    }
    table.draw(paper);
}

fn form(paper: &Paper, property: &Value) -> (String, Tint) {
    if property["x-camsync-secret"] == Value::Bool(true) {
        return (paper.word(words::SECRET).to_owned(), Tint::Warn);
    }
    if property["x-camsync-endpoint"] == Value::Bool(true) {
        return (paper.word(words::ENDPOINT).to_owned(), Tint::Plain);
    }
    let form = match &property["type"] {
        Value::Array(_) => joined(&property["type"], " | "),
        one => scalar(one),
    };
    (form, Tint::Plain)
}

fn meaning(paper: &Paper, property: &Value) -> String {
    let mut parts = vec![scalar(&property["title"]), scalar(&property["description"])];
    if !items(&property["enum"]).is_empty() {
        parts.push(joined(&property["enum"], " | "));
    }
    if !property["default"].is_null() {
        parts.push(paper.fill(words::DEFAULT, &[&scalar(&property["default"])]));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}
