//! A source's settings as the file has them: known to its connector alone.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::bilingual::Bilingual;
use crate::document::{Node, SourceText, Table, Value};
use crate::kinds::secret_in;
use crate::reader::{Kind, Reader, Shape};

/// Settings of a source, not yet checked against its connector's schema.
#[derive(Clone, PartialEq)]
pub struct Settings {
    pub(crate) text: Arc<SourceText>,
    pub(crate) base: std::path::PathBuf,
    pub(crate) node: Node,
}

impl Settings {
    /// The names of the settings, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table().0.iter().map(|entry| entry.key.as_str())
    }

    pub(crate) fn table(&self) -> &Table {
        static NONE: Table = Table(Vec::new());
        match &self.node.value {
            Value::Table(table) => table,
            _ => &NONE,
        }
    }

    /// The settings as JSON; a secret stands as the place that it comes from, such as `env:WECOM_SECRET`.
    #[must_use]
    pub fn shown(&self) -> Json {
        shown("", &self.node, &self.base)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", self.shown())
    }
}

/// Whether a setting of this name is likely to be a secret. Which ones are, only the connector's schema can tell.
fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "token", "password", "key", "credential"]
        .iter()
        .any(|word| key.contains(word))
}

fn shown(key: &str, node: &Node, base: &std::path::Path) -> Json {
    if let Some(secret) = secret_in(node, base) {
        return json!(secret.to_string());
    }
    match &node.value {
        Value::Table(table) => table
            .0
            .iter()
            .map(|entry| (entry.key.clone(), shown(&entry.key, &entry.node, base)))
            .collect::<Map<_, _>>()
            .into(),
        Value::List(items) => items.iter().map(|item| shown(key, item, base)).collect(),
        _ if sounds_secret(key) => json!("…"),
        other => plain(other).unwrap_or_default(),
    }
}

/// A value that is neither list nor table as JSON; nothing when JSON has no such value.
pub(crate) fn plain(value: &Value) -> Option<Json> {
    match value {
        Value::Text(text) | Value::Date(text) => Some(json!(text)),
        Value::Integer(number) => Some(json!(number)),
        Value::Float(number) => serde_json::Number::from_f64(*number).map(Json::Number),
        Value::Bool(yes) => Some(json!(yes)),
        Value::Huge(_) | Value::List(_) | Value::Table(_) => None,
    }
}

/// A table that only the connector knows.
pub(crate) struct Opaque;

impl Kind for Opaque {
    type Out = Settings;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Settings> {
        if !matches!(node.value, Value::Table(_)) {
            reader.in_secret(|reader| reader.wrong_type(node, "a table"));
            return None;
        }
        Some(Settings {
            text: Arc::clone(reader.text),
            base: reader.base.to_owned(),
            node: node.clone(),
        })
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a table; `camsync connector inspect NAME` lists its keys",
                zh: "表；`camsync connector inspect NAME` 列出其中的键",
            },
            json!({ "type": "object" }),
        )
    }

    fn show(value: &Settings) -> Json {
        value.shown()
    }
}
