//! What a command that only does something has done.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::words::{self, Word};
use super::{scalar, str_of};

pub(super) fn draw(paper: &mut Paper, document: &Value) {
    for line in said(paper, document) {
        paper.paragraph("", Tint::Plain, &line, Tint::Plain);
    }
}

fn said(paper: &Paper, document: &Value) -> Vec<String> {
    let source = str_of(&document["source"]);
    if let Value::Bool(frozen) = document["frozen"] {
        let already = document["changed"] == Value::Bool(false);
        let words: &[Word] = match (frozen, already) {
            (true, false) => &[words::FROZE],
            (true, true) => &[words::FROZE_ALREADY, words::FROZE],
            (false, false) => &[words::THAWED],
            (false, true) => &[words::THAWED_ALREADY],
        };
        return words.iter().map(|w| paper.word(*w).to_owned()).collect();
    }
    if document["linked"] == Value::Bool(true) {
        let word = match document["configured"] == Value::Bool(true) {
            true => words::LINKED,
            false => words::LINKED_FROZEN,
        };
        return vec![paper.fill(word, &[&source])];
    }
    if let Value::Bool(paused) = document["paused"] {
        let word = if paused {
            words::PAUSED
        } else {
            words::RESUMED
        };
        return vec![paper.fill(word, &[&source])];
    }
    if !document["enterprise"].is_null() {
        return vec![paper.fill(words::REBOUND, &[&source, &scalar(&document["enterprise"])])];
    }
    if !document["target"].is_null() {
        let was = match scalar(&document["target"]["was"]) {
            none if none.is_empty() => "-".to_owned(),
            was => was,
        };
        return vec![paper.fill(words::UNBOUND, &[&was])];
    }
    if !document["bytes"].is_null() {
        return vec![paper.fill(
            words::BACKED_UP,
            &[&scalar(&document["file"]), &scalar(&document["bytes"])],
        )];
    }
    if !document["restored"].is_null() {
        let mut said = vec![paper.fill(
            words::RESTORED,
            &[&scalar(&document["ledger"]), &scalar(&document["restored"])],
        )];
        if !document["kept"].is_null() {
            said.push(paper.fill(words::RESTORED_KEPT, &[&scalar(&document["kept"])]));
        }
        said.push(paper.word(words::RESTORED_NEXT).to_owned());
        return said;
    }
    // Nothing is known of it: its fields, as they are.
    let fields = document.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| format!("{name}: {}", scalar(value)))
        .collect()
}
