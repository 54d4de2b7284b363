//! A source's settings against its connector's own schema: checked, secrets fetched, endpoints told.

use std::fmt;
use std::ops::Range;

use camsync_core::nearest::nearest;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::document::{Node, Table, Value};
use crate::keys::Source;
use crate::kinds::{SECRET_WORDS, endpoint, secret_in};
use crate::problem::{Excerpt, Problem};
use crate::secret::Secret;
use crate::settings::{Settings, plain};

/// Marks a property of a connector's schema that holds a secret.
const SECRET_MARK: &str = "x-camsync-secret";
/// Marks one that holds an endpoint's URL.
const ENDPOINT_MARK: &str = "x-camsync-endpoint";

/// What a connector is handed. Holds secrets: `Debug` shows none.
#[derive(Clone)]
pub struct ResolvedSettings {
    /// The settings as the connector's schema has them, with the secrets' values in place.
    pub json: Json,
    /// The secrets among them, so that they can be kept out of whatever the connector says.
    pub secrets: Vec<Secret>,
    /// The endpoints among them: their hosts are allowed besides those that the source allows.
    pub endpoints: Vec<Url>,
}

impl fmt::Debug for ResolvedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ResolvedSettings({} secrets, endpoints {:?})",
            self.secrets.len(),
            self.endpoints
        )
    }
}

/// Checks a source's settings against its connector's JSON Schema and fetches its secrets; `env` looks up an
/// environment variable.
///
/// # Errors
/// With everything that is wrong in the settings, each at its place in the file, and each secret that cannot be had.
pub fn resolve_settings(
    source: &Source,
    schema: &Json,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<ResolvedSettings, Vec<Problem>> {
    let mut walk = Walk {
        settings: &source.settings,
        schema,
        env,
        problems: Vec::new(),
        secrets: Vec::new(),
        endpoints: Vec::new(),
        broken: Vec::new(),
        misplaced: Vec::new(),
    };
    let json = walk.table(source.settings.table(), schema, "");
    walk.validate(&json);
    walk.refuse_misplaced();
    if walk.problems.is_empty() {
        return Ok(ResolvedSettings {
            json,
            secrets: walk.secrets,
            endpoints: walk.endpoints,
        });
    }
    walk.problems
        .sort_by_key(|problem| (problem.line, problem.column));
    Err(walk.problems)
}

struct Walk<'a> {
    settings: &'a Settings,
    schema: &'a Json,
    env: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    secrets: Vec<Secret>,
    endpoints: Vec<Url>,
    /// JSON pointers of values that are known to be wrong: the schema is not asked about them again.
    broken: Vec<String>,
    /// Secrets where the schema wants none.
    misplaced: Vec<(Range<usize>, String)>,
}

impl Walk<'_> {
    fn table(&mut self, table: &Table, schema: &Json, pointer: &str) -> Json {
        let mut made = Map::new();
        for entry in &table.0 {
            let property = property(self.schema, schema, &entry.key);
            let pointer = format!(
                "{pointer}/{}",
                entry.key.replace('~', "~0").replace('/', "~1")
            );
            made.insert(
                entry.key.clone(),
                self.value(&entry.node, property, &pointer),
            );
        }
        Json::Object(made)
    }

    fn value(&mut self, node: &Node, schema: &Json, pointer: &str) -> Json {
        let marked = |mark: &str| schema.get(mark) == Some(&Json::Bool(true));
        if marked(SECRET_MARK) {
            return self.secret(node, pointer);
        }
        if secret_in(node, &self.settings.base).is_some() {
            self.misplaced.push((node.span.clone(), pointer.to_owned()));
            self.broken.push(pointer.to_owned());
            return Json::Null;
        }
        match &node.value {
            Value::Table(inner) => self.table(inner, schema, pointer),
            Value::List(items) => {
                let schema = resolved(self.schema, schema.get("items").unwrap_or(&Json::Null));
                let each = items.iter().enumerate();
                each.map(|(n, item)| self.value(item, schema, &format!("{pointer}/{n}")))
                    .collect()
            }
            Value::Text(text) if marked(ENDPOINT_MARK) => {
                match endpoint(text) {
                    Ok(url) => self.endpoints.push(url),
                    Err(bad) => {
                        self.refuse(
                            &node.span,
                            pointer,
                            bad.message.to_owned(),
                            bad.remedy.to_owned(),
                        );
                        self.broken.push(pointer.to_owned());
                    }
                }
                Json::String(text.clone())
            }
            other => plain(other).unwrap_or_else(|| {
                self.refuse(
                    &node.span,
                    pointer,
                    "is a number that JSON has not".into(),
                    String::new(),
                );
                self.broken.push(pointer.to_owned());
                Json::Null
            }),
        }
    }

    fn secret(&mut self, node: &Node, pointer: &str) -> Json {
        let refused = match secret_in(node, &self.settings.base) {
            None => {
                let literal = !matches!(node.value, Value::Table(_));
                let message = if literal {
                    "is a secret, and the configuration holds no secrets"
                } else {
                    "is a secret, and this does not say where it comes from"
                };
                (
                    message.to_owned(),
                    format!("write {SECRET_WORDS}").replace('`', ""),
                )
            }
            Some(reference) => match reference.resolve(self.env) {
                Ok(secret) => {
                    let value = Json::String(secret.expose().to_owned());
                    self.secrets.push(secret);
                    return value;
                }
                Err(error) => ("cannot be had".to_owned(), error.to_string()),
            },
        };
        self.refuse(&node.span, pointer, refused.0, refused.1);
        self.broken.push(pointer.to_owned());
        Json::Null
    }

    fn validate(&mut self, json: &Json) {
        let validator = match jsonschema::options().build(self.schema) {
            Ok(validator) => validator,
            Err(error) => {
                let span = self.settings.node.span.clone();
                let message = format!(
                    "cannot be checked: the connector's own schema is wrong ({})",
                    error.masked()
                );
                self.refuse(&span, "", message, "tell the connector's author".into());
                return;
            }
        };
        for error in validator.iter_errors(json) {
            let pointer = error.instance_path().as_str().to_owned();
            if !self.broken.contains(&pointer) {
                self.schema_problem(error.kind(), &pointer, error.masked().to_string());
            }
        }
    }

    /// Refuses secrets where the schema wants none, except under keys that it refused itself.
    fn refuse_misplaced(&mut self) {
        for (span, pointer) in std::mem::take(&mut self.misplaced) {
            let key = settings_key(&pointer);
            if !self.problems.iter().any(|problem| problem.key == key) {
                let message = "is not a secret of this connector".to_owned();
                self.refuse(&span, &pointer, message, "write the value itself".into());
            }
        }
    }

    /// Says in the file's terms what the schema has against a value. The value itself is not repeated: it may be a
    /// secret.
    fn schema_problem(&mut self, kind: &ValidationErrorKind, pointer: &str, message: String) {
        let node = self.node_at(pointer).clone();
        match kind {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                for key in unexpected {
                    self.unknown(&node, pointer, key);
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let schema = self.schema_at(pointer).clone();
                let wanted = crate::resolve::property(self.schema, &schema, name);
                let about = wanted
                    .get("description")
                    .and_then(Json::as_str)
                    .unwrap_or_default();
                let how = if wanted.get(SECRET_MARK).is_some() {
                    SECRET_WORDS.replace('`', "")
                } else {
                    String::new()
                };
                let remedy = match (about, how.as_str()) {
                    ("", "") => format!("add `{name}`"),
                    ("", how) => format!("add `{name}`: {how}"),
                    (about, "") => format!("add `{name}`: {about}"),
                    (about, how) => format!("add `{name}`: {about}\n{how}"),
                };
                self.refuse(
                    &node.span,
                    &format!("{pointer}/{name}"),
                    "is missing".into(),
                    remedy,
                );
            }
            _ => {
                let about = self
                    .schema_at(pointer)
                    .get("description")
                    .and_then(Json::as_str);
                let remedy = about.unwrap_or_default().to_owned();
                let message = message
                    .strip_prefix("value ")
                    .unwrap_or(&message)
                    .to_owned();
                self.refuse(&node.span, pointer, message, remedy);
            }
        }
    }

    fn unknown(&mut self, node: &Node, pointer: &str, key: &str) {
        let span = match &node.value {
            Value::Table(table) => table.get(key).map_or(&node.span, |entry| &entry.span),
            _ => &node.span,
        };
        let properties = self
            .schema_at(pointer)
            .get("properties")
            .and_then(Json::as_object);
        let known: Vec<&str> = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        let near = nearest(key, known.iter().copied());
        let message = match near {
            Some(near) => {
                format!("is a key that this connector does not know, did you mean `{near}`?")
            }
            None => "is a key that this connector does not know".to_owned(),
        };
        let of_source =
            near.is_none() && pointer.is_empty() && crate::reference::is_source_key(key);
        let remedy = if of_source {
            format!("`{key}` is a key of [[source]]: put it above [source.settings]")
        } else {
            format!("known here: {}", known.join(", "))
        };
        self.refuse(span, &format!("{pointer}/{key}"), message, remedy);
    }

    fn refuse(&mut self, span: &Range<usize>, pointer: &str, message: String, remedy: String) {
        let key = settings_key(pointer);
        self.problems.push(Problem::at(
            &self.settings.text,
            span,
            key.clone(),
            format!("`{key}` {message}"),
            remedy,
            Excerpt::KeyOnly,
        ));
    }

    /// The value that a JSON pointer leads to, or the last one on the way that is there.
    fn node_at(&self, pointer: &str) -> &Node {
        let mut node = &self.settings.node;
        for step in steps(pointer) {
            let next = match &node.value {
                Value::Table(table) => table.get(&step).map(|entry| &entry.node),
                Value::List(items) => step.parse::<usize>().ok().and_then(|n| items.get(n)),
                _ => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        node
    }

    /// The schema of the value that a JSON pointer leads to.
    fn schema_at(&self, pointer: &str) -> &Json {
        let mut schema = resolved(self.schema, self.schema);
        for step in steps(pointer) {
            schema = match schema.get("items") {
                Some(items) if step.parse::<usize>().is_ok() => resolved(self.schema, items),
                _ => property(self.schema, schema, &step),
            };
        }
        schema
    }
}

/// A JSON pointer into the settings as a key's path.
fn settings_key(pointer: &str) -> String {
    let mut key = String::from("source.settings");
    for step in steps(pointer) {
        key.push('.');
        key.push_str(&step);
    }
    key
}

fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// The schema of a property, or null when the schema has none of that name.
fn property<'s>(root: &'s Json, schema: &'s Json, name: &str) -> &'s Json {
    let found = resolved(root, schema)
        .get("properties")
        .and_then(|properties| properties.get(name));
    resolved(root, found.unwrap_or(&Json::Null))
}

/// Follows `$ref` inside the document; a mark beside a `$ref` counts, so such a schema stays as it is.
fn resolved<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let mut at = schema;
    for _ in 0..16 {
        if at.get(SECRET_MARK).is_some() || at.get(ENDPOINT_MARK).is_some() {
            break;
        }
        let Some(next) = at
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|reference| root.pointer(reference.strip_prefix('#')?))
        else {
            break;
        };
        at = next;
    }
    at
}
