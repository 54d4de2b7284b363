//! What answers hold, as JSON Schemas, made from the tables of `docs/json.md` and `docs/api.md`. A test holds these
//! pages to what the program says, so the shapes are written down once.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const PAGES: [&str; 2] = [
    include_str!("../../../docs/json.md"),
    include_str!("../../../docs/api.md"),
];

/// One row of a table: a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    path: &'static str,
    kind: &'static str,
    meaning: &'static str,
    null_when: &'static str,
}

/// The fields of a section.
fn fields(section: &str) -> Vec<Field> {
    let mut found = Vec::new();
    for page in PAGES {
        let lines = page
            .lines()
            .skip_while(|line| line.strip_prefix("## ") != Some(section));
        let lines = lines.skip(1).take_while(|line| !line.starts_with("## "));
        found.extend(lines.filter_map(field));
    }
    found
}

fn field(line: &'static str) -> Option<Field> {
    let mut cells = line
        .strip_prefix("| ")?
        .strip_suffix(" |")?
        .split(" | ")
        .map(str::trim);
    let path = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    let (kind, meaning) = (cells.next()?, cells.next()?);
    let null_when = cells.next().unwrap_or_default();
    Some(Field {
        path,
        kind,
        meaning,
        null_when,
    })
}

/// The schema of a section's document.
pub(super) fn of(section: &str) -> Value {
    object(&fields(section), "")
}

/// The object whose fields' paths begin so.
fn object(fields: &[Field], above: &str) -> Value {
    let mut made = json!({ "type": "object" });
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    for field in fields {
        let Some(name) = field.path.strip_prefix(above) else {
            continue;
        };
        if name.contains('.') || name.ends_with("[]") || name == "**" {
            continue;
        }
        if name == "*" {
            made["additionalProperties"] = value(fields, field);
            continue;
        }
        properties.insert(name.to_owned(), value(fields, field));
        if !field.meaning.contains("only there when") {
            required.insert(name.to_owned());
        }
    }
    made["properties"] = Value::Object(properties);
    made["required"] = json!(required);
    made
}

fn value(fields: &[Field], field: &Field) -> Value {
    let mut made = match field.kind {
        "text" => json!({ "type": "string" }),
        "time" => json!({ "type": "string", "format": "date-time" }),
        "number" => json!({ "type": "number" }),
        "truth" => json!({ "type": "boolean" }),
        "list" => json!({ "type": "array", "items": items(fields, field) }),
        "object" => with_those_of(object(fields, &format!("{}.", field.path)), field),
        _ => json!({}),
    };
    if field.null_when != "never"
        && let Some(kind) = made.get("type").cloned()
    {
        made["type"] = json!([kind, "null"]);
    }
    made["description"] = json!(field.meaning.replace('`', ""));
    made
}

fn items(fields: &[Field], list: &Field) -> Value {
    let item = format!("{}[]", list.path);
    if let Some(item) = fields.iter().find(|f| f.path == item) {
        return value(fields, item);
    }
    if fields.iter().any(|f| f.path.starts_with(&item)) {
        return object(fields, &format!("{item}."));
    }
    // "as in `changes list`": rows of that section, under the same name.
    let name = list.path.rsplit('.').next().unwrap_or_default();
    match list
        .meaning
        .split_once("as in `")
        .and_then(|(_, rest)| rest.split_once('`'))
    {
        Some((section, _)) => object(&self::fields(section), &format!("{name}[].")),
        None => json!({}),
    }
}

/// "all fields of `changes[]` in `changes list`, and the following": these too.
fn with_those_of(mut object: Value, field: &Field) -> Value {
    let Some((_, said)) = field.meaning.split_once("all fields of `") else {
        return object;
    };
    let quoted: Vec<&str> = said.split('`').step_by(2).collect();
    let (section, path) = match (quoted.first(), said.contains("` in `")) {
        (Some(path), true) => (quoted.get(1).copied().unwrap_or_default(), *path),
        (Some(section), false) => (*section, field.path),
        _ => return object,
    };
    let others = self::object(&fields(section), &format!("{path}."));
    if let (Some(own), Some(others)) = (
        object["properties"].as_object_mut(),
        others["properties"].as_object(),
    ) {
        for (name, value) in others {
            own.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    if let (Some(own), Some(others)) = (
        object["required"].as_array_mut(),
        others["required"].as_array(),
    ) {
        own.extend(others.iter().cloned());
    }
    object
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leaf<'s>(schema: &'s Value, path: &str) -> &'s Value {
        path.split('.').fold(schema, |at, step| match step {
            "[]" => &at["items"],
            name => &at["properties"][name],
        })
    }

    #[test]
    fn fields_become_properties_and_absent_values_may_be_null() {
        let status = of("status");
        assert_eq!(leaf(&status, "sources.[].name")["type"], "string");
        assert_eq!(
            leaf(&status, "sources.[].last_crawl")["type"],
            json!(["string", "null"])
        );
        assert_eq!(leaf(&status, "held.[]")["type"], "number");
        assert_eq!(
            leaf(&status, "changes")["additionalProperties"]["type"],
            "number"
        );
        assert!(
            status["required"]
                .as_array()
                .unwrap()
                .contains(&json!("version"))
        );
    }

    #[test]
    fn what_a_section_takes_from_another_is_there() {
        let change = of("changes show");
        assert_eq!(leaf(&change, "change.kind")["type"], "string");
        assert_eq!(leaf(&change, "change.history.[].number")["type"], "number");
        let member = of("members explain");
        assert_eq!(leaf(&member, "member.facts.id")["type"], "string");
        assert_eq!(leaf(&member, "member.changes.[].status")["type"], "string");
    }

    #[test]
    fn every_operation_answers_with_something_that_is_written_down() {
        for operation in super::super::operations::OPERATIONS {
            assert!(
                !fields(operation.answers).is_empty(),
                "{}: {}",
                operation.id,
                operation.answers
            );
        }
    }
}
