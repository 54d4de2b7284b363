//! What the configuration says about access: admit and grant rules, guard, leavers, drift, retry.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::expression::{Condition, Text};

/// What an admit rule does with a member that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enroll {
    /// Gets a sub-user.
    Import,
    /// Gets one once an application is approved.
    Apply,
    /// Gets none.
    Exclude,
}

/// Which existing sub-users a rule may take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopt {
    /// None.
    Never,
    /// Console-imported WeCom sub-users, joined by `WeChatWorkUserId`.
    Wecom,
    /// The one of the same name, each held for approval.
    Name,
}

/// What to do when the wanted name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Report, and touch nobody.
    Hold,
    /// Append -2, -3, ...
    Suffix,
}

/// Who gets a sub-user, and how. The first matching rule wins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AdmitRule {
    /// Line in the configuration file, from 1.
    pub line: u32,
    /// The condition; absent matches everyone.
    pub when: Option<Condition>,
    /// What the rule does.
    pub enroll: Enroll,
    /// The sub-user's name.
    pub username: Text,
    /// The sub-user's remark, without camsync's mark.
    pub remark: Text,
    /// May sign in to the console.
    pub console_login: bool,
    /// What may be taken over.
    pub adopt: Adopt,
    /// What happens when the name is taken.
    pub conflict: OnConflict,
    /// Approves an application without a person.
    pub approve_when: Option<Condition>,
    /// Also admits those who never joined.
    pub invited: bool,
    /// Hands phone and e-mail to CAM.
    pub contact: bool,
}

/// What a member may do. All matching rules add up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GrantRule {
    /// Line in the configuration file, from 1.
    pub line: u32,
    /// The condition; absent matches everyone.
    pub when: Option<Condition>,
    /// Groups by name.
    pub groups: Vec<Text>,
    /// Policies by exact name.
    pub policies: Vec<String>,
    /// The sub-user whose groups and policies are followed.
    pub like: Option<String>,
    /// Takes away what others gave by hand.
    pub exclusive: bool,
}

/// All rules, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rules {
    /// Admit rules.
    pub admit: Vec<AdmitRule>,
    /// Grant rules.
    pub grant: Vec<GrantRule>,
}

/// When a plan waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// The rolling window.
    pub window: Duration,
    /// Removals in the window, for each kind of evidence.
    pub max_removals: u32,
    /// Share of the managed sub-users, 0 to 1; the smaller of the two binds, but never fewer than 3.
    pub max_removal_ratio: f64,
    /// The share for what the provider itself says.
    pub max_said_ratio: f64,
}

/// When the deny-all policy is attached to a leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DenyAll {
    /// Never.
    Never,
    /// To adopted sub-users.
    Adopted,
    /// To all.
    Always,
}

/// What happens to leavers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leavers {
    /// When the deny-all policy is attached first.
    pub deny_all: DenyAll,
    /// Grace before deletion; absent keeps them suspended for ever.
    pub delete_after: Option<Duration>,
    /// Deletes adopted sub-users too instead of releasing them.
    pub delete_adopted: bool,
}

/// What is done about drift towards less access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LessAccess {
    /// Kept, shown as a problem.
    Keep,
    /// Undone.
    Repair,
}

/// How a change that did not succeed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The first pause.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// Attempts before the change counts as failed.
    pub attempts: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(24 * 3600),
            max_removals: 20,
            max_removal_ratio: 0.05,
            max_said_ratio: 0.25,
        }
    }
}

impl Default for Leavers {
    fn default() -> Self {
        Self {
            deny_all: DenyAll::Adopted,
            delete_after: Some(Duration::from_secs(30 * 24 * 3600)),
            delete_adopted: false,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(300),
            attempts: 12,
        }
    }
}
