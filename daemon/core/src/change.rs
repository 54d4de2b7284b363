//! One step from observed to desired, as a plan holds it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::grounds::Grounds;
use crate::object::Object;
use crate::outbox::Kind;

/// What of a sub-user a change is about; absent means untouched or unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// The remark.
    pub remark: Option<String>,
    /// Console sign-in.
    pub console_login: Option<bool>,
    /// Phone, when the rule hands contacts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl UserState {
    /// Console sign-in alone.
    #[must_use]
    pub fn login(on: bool) -> Self {
        Self {
            console_login: Some(on),
            ..Self::default()
        }
    }

    /// The same without what it says of a person: of remark, phone and e-mail only that they are part of it.
    #[must_use]
    pub fn without_person(&self) -> Self {
        let blank = |text: &Option<String>| text.as_ref().map(|_| String::new());
        Self {
            remark: blank(&self.remark),
            console_login: self.console_login,
            phone: blank(&self.phone),
            email: blank(&self.email),
        }
    }
}

/// Why a change is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Reason {
    /// A rule admits the member.
    Admitted {
        /// Line of the rule.
        rule: u32,
    },
    /// An existing sub-user is taken over.
    Adopted {
        /// Line of the rule.
        rule: u32,
        /// By what it was recognised.
        by: AdoptedBy,
    },
    /// The rule's remark or sign-in changed.
    RuleFollowed {
        /// Line of the rule.
        rule: u32,
    },
    /// Somebody else altered what camsync manages.
    Drift {
        /// What was altered.
        what: DriftKind,
    },
    /// A write that CAM accepted has never been shown by a read.
    Unconfirmed,
    /// The member is no longer entitled.
    Leaver {
        /// On what evidence.
        evidence: Evidence,
        /// The facts behind it.
        grounds: Grounds,
    },
    /// The member is entitled again.
    Returned {
        /// Line of the rule.
        rule: u32,
    },
    /// The grace is over.
    Expired {
        /// Suspended since.
        since: DateTime<Utc>,
    },
    /// A person asked for it.
    Person {
        /// Who.
        actor: String,
    },
    /// A grant rule calls for it.
    Granted {
        /// Line of the rule.
        rule: u32,
        /// The sub-user that the rule follows, when it comes from there.
        #[serde(default)]
        like: Option<String>,
    },
    /// The grant rules call for it no more: they were edited, or the member's facts have changed.
    NotGranted {
        /// Line of the rule that it was given by.
        rule: u32,
    },
    /// Given by hand, where a rule says that it alone gives.
    Exclusive {
        /// Line of the rule.
        rule: u32,
    },
    /// A group that camsync made and nothing calls for any more.
    Unused,
    /// Leavers are denied everything by it.
    Denial,
    /// A person asked that the keys which camsync switched off come back.
    KeysRequested,
}

/// By what an existing sub-user was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdoptedBy {
    /// Its WeCom id.
    WecomId,
    /// Its name, approved by a person.
    Name,
}

/// What somebody else altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Sign-in was switched on.
    SignInOn,
    /// Sign-in was switched off.
    SignInOff,
    /// The remark was altered.
    Remark,
    /// The sub-user was deleted.
    Deleted,
    /// A grant was taken.
    GrantTaken,
    /// The deny-all policy was taken off.
    DenialTaken,
    /// A key was switched on, or made.
    KeyOn,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted { rule } => write!(f, "admitted by the rule in line {rule}"),
            Self::Adopted { rule, by } => {
                let by = match by {
                    AdoptedBy::WecomId => "its WeCom id",
                    AdoptedBy::Name => "its name",
                };
                write!(f, "adopted by {by}, as the rule in line {rule} allows")
            }
            Self::RuleFollowed { rule } => write!(f, "follows the rule in line {rule}"),
            Self::Drift { what } => f.write_str(match what {
                DriftKind::SignInOn => "console sign-in was switched on by someone else",
                DriftKind::SignInOff => "console sign-in was switched off by someone else",
                DriftKind::Remark => "the remark was altered by someone else",
                DriftKind::Deleted => "the sub-user was deleted by someone else",
                DriftKind::GrantTaken => "it was taken away by someone else",
                DriftKind::DenialTaken => "the deny-all policy is not on a suspended sub-user",
                DriftKind::KeyOn => "the key of a suspended sub-user works",
            }),
            Self::Unconfirmed => f.write_str("an earlier write has not shown its effect"),
            Self::Leaver { evidence, grounds } => {
                write!(f, "{}: {grounds}", evidence.as_str())
            }
            Self::Returned { rule } => {
                write!(f, "entitled again, by the rule in line {rule}")
            }
            Self::Expired { since } => {
                write!(
                    f,
                    "the grace is over: suspended since {}",
                    since.to_rfc3339()
                )
            }
            Self::Person { actor } => write!(f, "asked for by {actor}"),
            Self::Granted { rule, like: None } => write!(f, "granted by the rule in line {rule}"),
            Self::Granted {
                rule,
                like: Some(template),
            } => {
                write!(
                    f,
                    "{template} has it, which the rule in line {rule} follows"
                )
            }
            Self::NotGranted { rule } => {
                write!(
                    f,
                    "no grant rule calls for it any more; it was given by the rule in line {rule}"
                )
            }
            Self::Exclusive { rule } => {
                write!(
                    f,
                    "given by someone else, and the rule in line {rule} is exclusive"
                )
            }
            Self::Denial => f.write_str("leavers are denied everything by it"),
            Self::KeysRequested => f.write_str("a person asked that it work again"),
            Self::Unused => f.write_str("camsync made it, and nothing calls for it any more"),
        }
    }
}

/// Why a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "waits_for")]
pub enum Hold {
    /// A person's approval of the bucket that it is in.
    Approval,
    /// Room in a quota.
    Quota {
        /// What is full.
        quota: String,
        /// The limit, where it is known.
        limit: Option<u64>,
        /// How many there are.
        used: u64,
        /// How many more are wanted.
        wanted: u64,
    },
    /// A complete crawl: nobody is deleted on the word of an older one.
    Crawl,
    /// A permission that the key lacks.
    Permission {
        /// The CAM action.
        action: String,
    },
    /// What it needs is not there: another change, which makes it, waits or has failed.
    Prerequisite {
        /// What is missing, as `group rd` or `sub-user zhangsan`.
        what: String,
    },
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval => f.write_str("waits for an administrator's approval"),
            Self::Crawl => f.write_str("waits for a complete crawl of its source"),
            Self::Quota {
                quota,
                limit,
                used,
                wanted,
            } => {
                write!(f, "the quota of {quota} is full: {used} used")?;
                if let Some(limit) = limit {
                    write!(f, " of {limit}")?;
                }
                write!(f, ", {wanted} more wanted")
            }
            Self::Prerequisite { what } => {
                write!(f, "waits for the {what}, which does not exist yet")
            }
            Self::Permission { action } => write!(
                f,
                "the CAM key lacks the permission cam:{action}; add it to the key's policy"
            ),
        }
    }
}

/// An existing account that a change takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// Its Uin.
    pub uin: u64,
    /// Whether its console sign-in is on; adoption never switches it on.
    pub login: bool,
    /// By what it was recognised.
    pub by: AdoptedBy,
}

/// A change as planned; it becomes a row of the ledger when it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The sub-user's row, unless it has none yet.
    pub sub_user: Option<i64>,
    /// What is done.
    pub kind: Kind,
    /// The group, policy or key that it is about, if it is about one.
    pub object: Option<Object>,
    /// The source.
    pub source: String,
    /// The member's id; empty when the change is about no sub-user.
    pub member: String,
    /// The sub-user's name; likewise.
    pub username: String,
    /// Why.
    pub reason: Reason,
    /// Before; absent when there was nothing.
    pub before: Option<UserState>,
    /// After; absent when there will be nothing. The remark of a new sub-user is without its mark.
    pub after: Option<UserState>,
    /// For what guard counts or holds: the evidence.
    pub evidence: Option<Evidence>,
    /// Set when the change takes an existing account over first.
    pub adoption: Option<Adoption>,
    /// What the rule says of console sign-in, for the ledger to remember once applied.
    pub rule_login: Option<bool>,
    /// Groups and policies that this plan takes from most of those who have them, this removal among others: each
    /// counts against the guard like one more person.
    pub empties: Vec<Object>,
    /// Why it waits, when it does.
    pub hold: Option<Hold>,
}

impl Planned {
    /// What an approval belongs to: this removal of this sub-user, or this adoption of this account. All rungs of one
    /// ladder are one removal, and so are all grants that one person loses.
    #[must_use]
    pub fn removal_key(&self) -> RemovalKey {
        let subject = match (&self.adoption, self.sub_user) {
            (Some(adoption), _) => format!("account:{}", adoption.uin),
            (None, Some(id)) => format!("sub-user:{id}"),
            (None, None) => format!("member:{}/{}", self.source, self.member),
        };
        RemovalKey {
            subject,
            kind: self.removal(),
        }
    }

    /// All that an approval of the change belongs to: its own pair, and what it helps to empty.
    pub fn removal_keys(&self) -> impl Iterator<Item = RemovalKey> {
        let emptied = self.empties.iter().map(|object| RemovalKey {
            subject: format!("{}:{}", object.kind.as_str(), object.name),
            kind: self.kind,
        });
        std::iter::once(self.removal_key()).chain(emptied)
    }

    /// Whether it is about a group or policy alone, and about no sub-user.
    #[must_use]
    pub fn sub_user_less(&self) -> bool {
        self.sub_user.is_none() && self.username.is_empty()
    }

    /// What the change is a part of, when it is a removal: the suspension, the deletion, the regrouping.
    #[must_use]
    pub fn removal(&self) -> Kind {
        match (&self.reason, self.kind) {
            (Reason::Leaver { .. }, _) => Kind::SuspendUser,
            (Reason::Expired { .. }, _) => Kind::DeleteUser,
            (Reason::Returned { .. }, _) => Kind::ResumeUser,
            (_, Kind::DetachPolicy) => Kind::RemoveFromGroup,
            (_, kind) => kind,
        }
    }
}

/// A pair of sub-user and removal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemovalKey {
    /// The sub-user or account.
    pub subject: String,
    /// What would be done to it.
    pub kind: Kind,
}

impl RemovalKey {
    /// The sub-user that it is about; an adoption is about an account, what is emptied about a group or policy.
    #[must_use]
    pub fn sub_user(&self) -> Option<i64> {
        self.subject.strip_prefix("sub-user:")?.parse().ok()
    }
}
