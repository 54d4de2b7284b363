//! A plan as a document: `plan --out` writes it for a person, or a policy tool, to read; `apply` does exactly that.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ledger::{facts_hash, time_text};
use crate::pipeline::basis::Basis;
use crate::say::refusals;

use super::OpError;

/// The version of the file that this program writes and takes.
const VERSION: u64 = 1;
/// The field of a plan's document that makes a file of it.
const SEAL: &str = "plan_file";

/// Of a change, what is said about it in words, and what only the moment decides: whether it waits, and for which plan.
const BESIDE: [&str; 7] = [
    "name",
    "reason",
    "reason_details",
    "held",
    "waits_for",
    "waits_for_details",
    "plan",
];

/// A plan that a person has read, as far as camsync must know it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// What it was made from.
    pub basis: Basis,
    /// The digest of its changes.
    pub changes: String,
    /// When it was made, for the audit.
    pub made_at: String,
}

/// The digest of changes as a plan's document holds them.
pub(super) fn digest(changes: &[Value]) -> String {
    let lines: Vec<String> = changes
        .iter()
        .map(|change| {
            let fields = change.as_object().into_iter().flatten();
            let kept: Map<String, Value> = fields
                .filter(|(name, _)| !BESIDE.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            Value::Object(kept).to_string()
        })
        .collect();
    facts_hash(&lines.join("\n"))
}

/// What a document carries to be a file: null when nobody asked for one.
pub(super) fn seal(
    basis: Option<&Basis>,
    source: Option<&str>,
    changes: &[Value],
    now: DateTime<Utc>,
) -> Value {
    basis.map_or(Value::Null, |basis| {
        json!({
            "version": VERSION,
            "made_at": time_text(now),
            "source": source,
            "state": basis,
            "changes": digest(changes),
        })
    })
}

/// Reads a file's text: which source the plan was of, and what to know it by.
///
/// # Errors
/// When it is no such file, of another version, or its changes were edited.
pub fn open(text: &str) -> Result<(Option<String>, Reviewed), OpError> {
    let document: Value =
        serde_json::from_str(text).map_err(|e| refusals::no_plan_file(&e.to_string()))?;
    let seal = &document[SEAL];
    match seal["version"].as_u64() {
        Some(VERSION) => {}
        Some(other) => return Err(refusals::plan_file_version(other, VERSION)),
        None => return Err(refusals::no_plan_file(&format!("it has no {SEAL}"))),
    }
    let basis: Basis = serde_json::from_value(seal["state"].clone())
        .map_err(|e| refusals::no_plan_file(&format!("{SEAL}.state: {e}")))?;
    let changes = document["changes"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let changes = digest(changes);
    if seal["changes"] != changes.as_str() {
        return Err(refusals::plan_file_edited());
    }
    let reviewed = Reviewed {
        basis,
        changes,
        made_at: seal["made_at"].as_str().unwrap_or_default().to_owned(),
    };
    Ok((seal["source"].as_str().map(str::to_owned), reviewed))
}
