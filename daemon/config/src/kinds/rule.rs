//! Conditions and templates of the rules' language; a mistake is shown at its very place inside the text.

use camsync_core::expression::{Condition, ParseError, Text};
use serde_json::{Value as Json, json};

use super::text;
use crate::bilingual::Bilingual;
use crate::document::Node;
use crate::reader::{Kind, Reader, Shape};

/// A condition: `when`.
pub(crate) struct When;

/// A text with `{{ }}` in it.
pub(crate) struct Template;

impl Kind for When {
    type Out = Condition;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Condition> {
        let written = text(node, reader, "a condition")?;
        accept(Condition::parse(written), node, reader)
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a condition such as `\"member.status == 'active'\"`",
                zh: "条件，如 `\"member.status == 'active'\"`",
            },
            json!({ "type": "string" }),
        )
    }

    fn show(value: &Condition) -> Json {
        json!(value.source())
    }
}

impl Kind for Template {
    type Out = Text;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Text> {
        let written = text(node, reader, "a text")?;
        accept(Text::parse(written), node, reader)
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a text that may hold `{{ member.… }}`",
                zh: "文本，可含 `{{ member.… }}`",
            },
            json!({ "type": "string" }),
        )
    }

    fn show(value: &Text) -> Json {
        json!(value.source())
    }
}

fn accept<T>(parsed: Result<T, ParseError>, node: &Node, reader: &mut Reader<'_>) -> Option<T> {
    match parsed {
        Ok(rule) => Some(rule),
        Err(error) => {
            let span = match error.offset {
                Some(offset) => {
                    let at = reader.inside(node, offset);
                    at..at + 1
                }
                None => node.span.clone(),
            };
            let message = format!("`{}`: {}", reader.path(), error.message);
            reader.refuse(
                &span,
                message,
                "what a rule sees: docs/configuration.md, \"Rules\"",
            );
            None
        }
    }
}
