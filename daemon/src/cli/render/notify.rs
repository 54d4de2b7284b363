//! `notify test`: a line a target.

use serde_json::Value;

use super::paper::{Paper, Tint};
use super::{items, str_of, words};

pub(super) fn test(paper: &mut Paper, document: &Value) {
    let targets = items(&document["targets"]);
    if targets.is_empty() {
        paper.line(paper.word(words::NOTIFY_NONE));
    }
    for target in targets {
        let name = str_of(&target["target"]);
        let (lead, tint, text) = if target["error"].is_null() {
            ("✓ ", Tint::Good, paper.fill(words::NOTIFY_TAKEN, &[&name]))
        } else {
            let error = str_of(&target["error"]);
            let text = paper.fill(words::NOTIFY_REFUSED, &[&name, &error]);
            ("✗ ", Tint::Bad, text)
        };
        paper.paragraph(lead, tint, &text, Tint::Plain);
    }
}
