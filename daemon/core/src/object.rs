//! What a change is about beside the sub-user: a group, a policy or an API key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of object that changes deal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A group of sub-users.
    Group,
    /// A policy, preset or custom.
    Policy,
    /// An API key of a sub-user.
    Key,
}

impl ObjectKind {
    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Policy => "policy",
            Self::Key => "key",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Group, Self::Policy, Self::Key]
            .into_iter()
            .find(|k| k.as_str() == word)
    }
}

/// A group, a policy or a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name; of a key, its id.
    pub name: String,
    /// CAM's id of a group or policy. Absent for keys, and for what an earlier change of the same plan makes.
    pub id: Option<u64>,
}

impl Object {
    /// A group.
    #[must_use]
    pub fn group(name: impl Into<String>, id: Option<u64>) -> Self {
        Self {
            kind: ObjectKind::Group,
            name: name.into(),
            id,
        }
    }

    /// A policy.
    #[must_use]
    pub fn policy(name: impl Into<String>, id: Option<u64>) -> Self {
        Self {
            kind: ObjectKind::Policy,
            name: name.into(),
            id,
        }
    }

    /// An API key, by its id.
    #[must_use]
    pub fn key(id: impl Into<String>) -> Self {
        Self {
            kind: ObjectKind::Key,
            name: id.into(),
            id: None,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}
