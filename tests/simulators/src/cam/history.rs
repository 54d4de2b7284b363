//! The history of every effective write: who changed what, from what to what.

use std::time::Instant;

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A request signed with this SecretId.
    Key(String),
    /// A person in the console, played by the test.
    ByHand,
}

/// One effective write. Passwords and secrets appear as `***`.
#[derive(Clone, Debug)]
pub struct Write {
    /// When.
    pub at: Instant,
    /// Who.
    pub by: Actor,
    /// The action, e.g. `AddUser`.
    pub action: String,
    /// The user it concerns, if one.
    pub uin: Option<u64>,
    /// That user's name, or the group's or policy's.
    pub name: String,
    /// What changed.
    pub changes: Vec<FieldChange>,
}

/// One field's change, as text; empty where there was or is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field by its name on the wire, or `group`, `policy`, `key`.
    pub field: String,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
}

impl FieldChange {
    pub(crate) fn new(field: &str, before: impl ToString, after: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            before: before.to_string(),
            after: after.to_string(),
        }
    }
}
