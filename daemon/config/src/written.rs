//! The file as it was written: where its keys stand, and where its secrets come from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::document::{Node, SourceText, Table, Value};
use crate::kinds::secret_in;
use crate::load::Loaded;
use crate::problem::{Excerpt, Problem};
use crate::secret::SecretRef;

/// The text and its tree. `Debug` shows neither: a secret may stand in them by mistake.
#[derive(Clone, PartialEq)]
pub(crate) struct Written {
    pub(crate) text: Arc<SourceText>,
    pub(crate) table: Table,
    pub(crate) base: PathBuf,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({})", self.text.file)
    }
}

impl Loaded {
    /// Something wrong with a key that only whoever loaded the file can know. It stands where the key does, or the
    /// nearest table around it; `path` is the key's, such as `["daemon", "listen"]`.
    #[must_use]
    pub fn problem_at(&self, path: &[&str], message: String, remedy: String) -> Problem {
        let mut span = 0..0;
        let mut table = Some(&self.written.table);
        for key in path {
            let Some(entry) = table.and_then(|t| t.0.iter().find(|entry| entry.key == *key)) else {
                break;
            };
            span = entry.span.clone();
            table = match &entry.node.value {
                Value::Table(inner) => Some(inner),
                _ => None,
            };
        }
        Problem::at(
            &self.written.text,
            &span,
            path.join("."),
            message,
            remedy,
            Excerpt::KeyOnly,
        )
    }

    /// The secrets that the file names, each with its key's path, such as `source[acme].settings.secret`.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, SecretRef)> {
        let mut found = Vec::new();
        for entry in &self.written.table.0 {
            self.gather(&entry.key, &entry.node, &mut found);
        }
        found
    }

    fn gather(&self, path: &str, node: &Node, found: &mut Vec<(String, SecretRef)>) {
        if let Some(secret) = secret_in(node, &self.written.base) {
            found.push((path.to_owned(), secret));
            return;
        }
        match &node.value {
            Value::Table(table) => {
                for entry in &table.0 {
                    self.gather(&format!("{path}.{}", entry.key), &entry.node, found);
                }
            }
            Value::List(items) => {
                for (nth, item) in items.iter().enumerate() {
                    let name = name_of(item).map_or_else(|| (nth + 1).to_string(), str::to_owned);
                    self.gather(&format!("{path}[{name}]"), item, found);
                }
            }
            _ => {}
        }
    }
}

/// What a table in a list is called, if it has a name.
fn name_of(node: &Node) -> Option<&str> {
    let Value::Table(table) = &node.value else {
        return None;
    };
    let entry = table.0.iter().find(|entry| entry.key == "name")?;
    match &entry.node.value {
        Value::Text(name) => Some(name),
        _ => None,
    }
}
