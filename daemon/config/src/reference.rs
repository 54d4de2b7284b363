//! What the declared keys make together: the JSON Schema, and where a key belongs.

use serde_json::{Value as Json, json};

use crate::keys::{File, Source};
use crate::kinds::table_schema;
use crate::reader::{Key, Section};

/// The configuration as a JSON Schema, draft 2020-12.
#[must_use]
pub fn schema() -> Json {
    let mut schema = table_schema(File::DOC, File::keys());
    if let Some(map) = schema.as_object_mut() {
        map.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        map.insert("title".into(), json!("camsync.toml"));
    }
    if let Some(sources) = schema
        .pointer_mut("/properties/source")
        .and_then(Json::as_object_mut)
    {
        sources.insert("minItems".into(), json!(1));
    }
    schema
}

/// The table, as it is written, that a key of this name belongs in, if it is one table only.
pub(crate) fn home_of(name: &str) -> Option<String> {
    let mut homes = Vec::new();
    gather_homes(&File::keys(), "", name, &mut homes);
    match homes.as_slice() {
        [home] => Some(home.clone()),
        _ => None,
    }
}

/// Whether `[[source]]` has a key of this name.
pub(crate) fn is_source_key(name: &str) -> bool {
    Source::keys().iter().any(|key| key.name == name)
}

fn gather_homes(keys: &[Key], path: &str, name: &str, homes: &mut Vec<String>) {
    for key in keys {
        let Some((inner, many)) = &key.shape.inner else {
            continue;
        };
        let path = join(path, key.name);
        if inner.keys.iter().any(|key| key.name == name) {
            homes.push(header(&path, *many));
        }
        gather_homes(&inner.keys, &path, name, homes);
    }
}

/// A key's path inside its table's.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A table's header, as it is written.
pub(crate) fn header(path: &str, many: bool) -> String {
    if many {
        format!("[[{path}]]")
    } else {
        format!("[{path}]")
    }
}
