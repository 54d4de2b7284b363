//! `check`: a line a finding, with its cause and what to do.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::{items, str_of, words};

pub(super) fn draw(paper: &mut Paper, document: &Value) {
    let mut last = None;
    let (mut errors, mut warnings) = (0, 0);
    for finding in items(&document["findings"]) {
        let about = str_of(&finding["about"]);
        if last != Some(about) {
            let head = match about {
                "configuration" => paper.word(words::ABOUT_CONFIG).to_owned(),
                "target" => paper.word(words::ABOUT_TARGET).to_owned(),
                source => paper.fill(words::ABOUT_SOURCE, &[&source]),
            };
            paper.head(&head);
            last = Some(about);
        }
        let (lead, tint) = match str_of(&finding["severity"]) {
            "ok" => ("  ✓ ", Tint::Good),
            "warning" => {
                warnings += 1;
                ("  ! ", Tint::Warn)
            }
            "error" => {
                errors += 1;
                ("  ✗ ", Tint::Bad)
            }
            _ => ("  · ", Tint::Dim),
        };
        let (message, code) = (str_of(&finding["message"]), str_of(&finding["code"]));
        let said = if code.is_empty() || message.contains(code) {
            message.to_owned()
        } else {
            format!("{code}: {message}")
        };
        paper.paragraph(lead, tint, &said, Tint::Plain);
        paper.paragraph(
            "    → ",
            Tint::Good,
            str_of(&finding["remedy"]),
            Tint::Plain,
        );
    }
    paper.gap();
    let (text, tint) = match (errors, warnings) {
        (0, 0) => (paper.word(words::CHECK_OK).to_owned(), Tint::Good),
        (0, warnings) => (paper.fill(words::CHECK_WARNINGS, &[&warnings]), Tint::Warn),
        (errors, warnings) => (
            paper.fill(words::CHECK_ERRORS, &[&errors, &warnings]),
            Tint::Bad,
        ),
    };
    paper.paragraph("", Tint::Plain, &text, tint);
}
