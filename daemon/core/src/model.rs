//! What a connector returns: departments and members, as facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A department inside the visible range.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Department {
    /// The provider's stable id.
    pub id: String,
    /// The id of the department above; it may name one outside the visible range.
    pub parent: Option<String>,
    /// The name as the provider shows it.
    pub name: String,
}

/// What the provider says about a member's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Has joined and may work.
    Active,
    /// Switched off at the provider: suspended, never created, never deleted.
    Disabled,
    /// Invited or imported, never joined.
    Invited,
    /// The provider says outright that this person has left.
    Left,
}

impl MemberStatus {
    /// The word used in rules, JSON and the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Invited => "invited",
            Self::Left => "left",
        }
    }
}

/// A person inside the visible range. Text that the provider does not give is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The provider's stable id, in its original spelling.
    pub id: String,
    /// The provider's sign-in name.
    pub username: String,
    /// The display name.
    pub name: String,
    /// Another name.
    pub alias: String,
    /// E-mail address, only if the provider gives it.
    pub email: String,
    /// Phone number, only if the provider gives it.
    pub phone: String,
    /// Job title.
    pub position: String,
    /// Whether the account may be used.
    pub status: MemberStatus,
    /// Ids of the departments, the main one first.
    pub departments: Vec<String>,
    /// Id of the main department, if the provider shows one.
    pub main_department: Option<String>,
    /// Ids of the departments that this member leads.
    pub leader_of: Vec<String>,
    /// Names of tags.
    pub tags: Vec<String>,
    /// The provider's own extra fields.
    pub attributes: BTreeMap<String, String>,
    /// Items of the resolved range that show this member; sorted.
    pub shown_by: Vec<String>,
}

impl Member {
    /// The id as ids are compared: without regard to case.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.id)
    }
}

/// Folds an id or a username for comparison: neither WeCom's ids (`wecom-api.md` 2.1) nor, as far as is known,
/// CAM's names (`cam-api.md` 4.1) tell upper from lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
