//! Tables inside tables, and secrets.

use std::marker::PhantomData;

use serde_json::{Map, Value as Json, json};

use crate::bilingual::Bilingual;
use crate::document::{Node, Value};
use crate::reader::{Inner, Key, Kind, Presence, Reader, Section, Shape, unknown_key};
use crate::secret::SecretRef;

/// One table.
pub(crate) struct One<S>(PhantomData<S>);

/// A table that may stand more than once: `[[ ]]`.
pub(crate) struct Many<S>(PhantomData<S>);

/// A doc comment as one line.
pub(crate) fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The JSON Schema of a table with these keys.
pub(crate) fn table_schema(doc: Bilingual, keys: Vec<Key>) -> Json {
    let mut required = Vec::new();
    let mut properties = Map::new();
    for key in keys {
        let mut schema = key.shape.schema;
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".into(), json!(one_line(key.doc.en)));
            match key.presence {
                Presence::Required => required.push(key.name),
                Presence::Default(value) => {
                    schema.insert("default".into(), value);
                }
                Presence::Otherwise(_) => {}
            }
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object",
        "description": one_line(doc.en),
        "properties": properties,
        "additionalProperties": false,
    });
    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
        schema.insert("required".into(), json!(required));
    }
    schema
}

fn inner<S: Section>() -> Inner {
    Inner {
        doc: S::DOC,
        keys: S::keys(),
    }
}

impl<S: Section> Kind for One<S> {
    type Out = S;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<S> {
        match &node.value {
            Value::Table(table) => S::read(table, &node.span, reader),
            Value::List(items)
                if matches!(
                    items.first(),
                    Some(Node {
                        value: Value::Table(_),
                        ..
                    })
                ) =>
            {
                let message = format!("`{}` stands once", reader.path());
                reader.refuse(
                    &node.span,
                    message,
                    format!("write it with single brackets: [{}]", reader.path()),
                );
                None
            }
            _ => {
                reader.wrong_type(node, "a table");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape {
            words: Bilingual {
                en: "a table",
                zh: "表",
            }
            .into(),
            schema: table_schema(S::DOC, S::keys()),
            inner: Some((inner::<S>(), false)),
        }
    }

    fn show(value: &S) -> Json {
        value.show()
    }
}

impl<S: Section> Kind for Many<S> {
    type Out = Vec<S>;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<S>> {
        let double = format!("write it with double brackets: [[{}]]", reader.path());
        match &node.value {
            Value::List(items) => {
                let before = reader.count();
                let read: Vec<(S, &Node)> = items
                    .iter()
                    .filter_map(|item| Some((One::<S>::read(item, reader)?, item)))
                    .collect();
                S::check_together(&read, reader);
                (reader.count() == before).then(|| read.into_iter().map(|(made, _)| made).collect())
            }
            Value::Table(_) => {
                let message = format!("`{}` is a list of tables", reader.path());
                reader.refuse(&node.span, message, double);
                None
            }
            _ => {
                reader.wrong_type(node, "a list of tables");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape {
            words: Bilingual {
                en: "tables",
                zh: "多个表",
            }
            .into(),
            schema: json!({ "type": "array", "items": table_schema(S::DOC, S::keys()) }),
            inner: Some((inner::<S>(), true)),
        }
    }

    fn show(value: &Vec<S>) -> Json {
        value.iter().map(Section::show).collect()
    }
}

/// A reference to a secret, never the secret itself.
pub(crate) struct Secretive;

/// How a secret is written.
pub(crate) const SECRET_WORDS: &str =
    "a secret: `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ credential = \"NAME\" }`";
const HOW: &str = "say where it comes from: { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" } (systemd)";
const WAYS: &[&str] = &["env", "file", "credential"];

impl Kind for Secretive {
    type Out = SecretRef;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<SecretRef> {
        reader.in_secret(|reader| read_secret(node, reader))
    }

    fn shape() -> Shape {
        let way = |key: &str| {
            json!({
                "type": "object",
                "properties": { key: { "type": "string", "minLength": 1 } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        Shape::plain(
            Bilingual {
                en: SECRET_WORDS,
                zh: "密钥：`{ env = \"NAME\" }`、`{ file = \"PATH\" }` 或 `{ credential = \"NAME\" }`",
            },
            json!({ "oneOf": WAYS.iter().map(|key| way(key)).collect::<Vec<_>>() }),
        )
    }

    fn show(value: &SecretRef) -> Json {
        json!(value.to_string())
    }
}

fn read_secret(node: &Node, reader: &mut Reader<'_>) -> Option<SecretRef> {
    let path = reader.path();
    let Value::Table(table) = &node.value else {
        let message = format!("`{path}` is a secret, and the configuration holds no secrets");
        reader.refuse(&node.span, message, HOW);
        return None;
    };
    let before = reader.count();
    for entry in &table.0 {
        if !WAYS.contains(&entry.key.as_str()) {
            reader.under(&entry.key, |reader| unknown_key(entry, WAYS, reader));
        }
    }
    if reader.count() > before {
        return None;
    }
    let [entry] = table.0.as_slice() else {
        let message = match table.0.len() {
            0 => format!("`{path}` does not say where the secret comes from"),
            _ => format!("`{path}` says more than one place that the secret comes from"),
        };
        reader.refuse(&node.span, message, HOW);
        return None;
    };
    let Value::Text(place) = &entry.node.value else {
        reader.under(&entry.key, |reader| {
            reader.wrong_type(&entry.node, "a text")
        });
        return None;
    };
    let made = SecretRef::new(&entry.key, place, reader.base);
    if made.is_none() {
        // The text is not repeated: it may be the secret itself.
        let message = match entry.key.as_str() {
            "file" => format!("`{path}.file` is empty"),
            key => format!("`{path}.{key}` is not a name"),
        };
        let remedy = match entry.key.as_str() {
            "env" => {
                "the name of an environment variable: letters, digits and `_`, not the secret itself"
            }
            "file" => "the path of a file that holds the secret",
            _ => "the name after LoadCredential= in the systemd unit, not the secret itself",
        };
        reader.refuse(&entry.node.span, message, remedy);
    }
    made
}

/// Reads a table as a reference to a secret if that is what it looks like.
pub(crate) fn secret_in(node: &Node, base: &std::path::Path) -> Option<SecretRef> {
    let Value::Table(table) = &node.value else {
        return None;
    };
    let [entry] = table.0.as_slice() else {
        return None;
    };
    let Value::Text(place) = &entry.node.value else {
        return None;
    };
    SecretRef::new(&entry.key, place, base)
}
