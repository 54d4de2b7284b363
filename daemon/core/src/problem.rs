//! What stands between a member and the desired state, for a person to read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::Hold;
use crate::evidence::Evidence;
use crate::grounds::Grounds;
use crate::object::Object;

/// Why a member has not what the rules call for, or keeps what they do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "problem")]
pub enum Problem {
    /// The name is taken by an account that is not this member's.
    NameTaken {
        /// The name.
        username: String,
        /// Whose it is.
        by: Holder,
    },
    /// Several members would share the name; nobody gets it.
    NameShared {
        /// The name.
        username: String,
        /// The others, by id.
        with: Vec<String>,
    },
    /// The name cannot be a sub-user's.
    NameIllegal {
        /// The name.
        username: String,
        /// What is wrong with it.
        why: NameFault,
    },
    /// Several console-imported sub-users carry this WeCom id.
    AdoptionAmbiguous {
        /// Their names.
        usernames: Vec<String>,
    },
    /// The rule's template now says another name; CAM cannot rename.
    NameFixed {
        /// What it would be.
        wanted: String,
    },
    /// A rule could not be evaluated on this member.
    RuleFailed {
        /// Line of the rule.
        rule: u32,
        /// Why.
        error: String,
    },
    /// Someone else switched sign-in off; kept.
    SignInOff,
    /// Someone else deleted the sub-user; kept.
    DeletedByHand,
    /// A person suspended the sub-user.
    SuspendedByPerson,
    /// A removal is due, but the account is protected.
    Protected {
        /// On what evidence.
        evidence: Evidence,
    },
    /// Missing from a complete crawl, but not settled.
    Unsettled {
        /// Why.
        grounds: Grounds,
    },
    /// A removal waits for approval.
    Held {
        /// On what evidence.
        evidence: Evidence,
    },
    /// May be the same person under another id.
    MaybeSamePerson {
        /// The other id.
        other: String,
    },
    /// An application must be approved first.
    AwaitingApplication {
        /// Line of the rule.
        rule: u32,
    },
    /// Rights that administer, which no rule names literally for this member, are not given.
    Administers {
        /// The policy.
        policy: String,
        /// The group or followed sub-user that has it, where it comes through one.
        through: Option<String>,
        /// Line of the rule.
        rule: u32,
    },
    /// The account of the wanted name has rights that administer, which no rule names literally for this member.
    AdoptionAdministers {
        /// The account.
        username: String,
        /// The policy.
        policy: String,
    },
    /// A group name made from a member's facts is that of a group which camsync did not make.
    GroupNotOurs {
        /// The group.
        group: String,
        /// Line of the rule.
        rule: u32,
    },
    /// A group's name differs by case alone from that of another.
    GroupTaken {
        /// The group.
        group: String,
        /// The other.
        by: String,
        /// Line of the rule.
        rule: u32,
    },
    /// A group cannot have this name.
    GroupNameIllegal {
        /// The name, cut.
        group: String,
        /// Line of the rule.
        rule: u32,
    },
    /// CAM knows no policy of this name.
    NoSuchPolicy {
        /// The name.
        policy: String,
        /// Line of the rule.
        rule: u32,
    },
    /// The policy is out of service, or a service's own.
    PolicyUnusable {
        /// The name.
        policy: String,
        /// Line of the rule.
        rule: u32,
    },
    /// The policy is not the one that the rule first came to, or administers only since then.
    PolicyReplaced {
        /// The name.
        policy: String,
        /// Line of the rule.
        rule: u32,
    },
    /// The sub-user that is followed does not exist.
    NoTemplate {
        /// Its name.
        template: String,
        /// Line of the rule.
        rule: u32,
    },
    /// Someone else took a grant; kept.
    GrantTaken {
        /// What was taken.
        object: Object,
    },
    /// A policy of the deny-all policy's name says something else.
    DenyAllSaysOtherwise,
    /// What a member has cannot be read, and so nothing of it is given or taken.
    Unreadable {
        /// The CAM action that the key may not call.
        action: String,
    },
    /// A quota or permission is in the way.
    Waiting {
        /// For what.
        hold: Hold,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken { username, by } => write!(
                f,
                "conflict: the name {username} is taken by {by}; rename one of them, or set adopt or conflict = \"suffix\" in the rule"
            ),
            Self::NameShared { username, with } => write!(
                f,
                "conflict: the name {username} is also wanted by {}; make the rule's username tell them apart, or set conflict = \"suffix\"",
                with.join(", ")
            ),
            Self::NameIllegal { username, why } => {
                write!(
                    f,
                    "conflict: the name {username:?} cannot be a sub-user's: {why}"
                )
            }
            Self::AdoptionAmbiguous { usernames } => write!(
                f,
                "conflict: several sub-users carry this WeCom id ({}); remove the wrong ones",
                usernames.join(", ")
            ),
            Self::NameFixed { wanted } => write!(
                f,
                "the rule would now name it {wanted}; CAM cannot rename a sub-user"
            ),
            Self::RuleFailed { rule, error } => {
                write!(f, "the rule in line {rule} fails on this member: {error}")
            }
            Self::SignInOff => f.write_str(
                "someone switched console sign-in off; kept until `camsync members resume`",
            ),
            Self::DeletedByHand => {
                f.write_str("someone deleted the sub-user; kept until `camsync members resume`")
            }
            Self::SuspendedByPerson => {
                f.write_str("suspended by a person; kept until `camsync members resume`")
            }
            Self::Protected { evidence } => {
                write!(f, "protected: would be suspended ({})", evidence.as_str())
            }
            Self::Unsettled { grounds } => write!(
                f,
                "missing from the last crawl, but not known to have left: {grounds}"
            ),
            Self::Held {
                evidence: Evidence::Adopt,
            } => f.write_str("taking over an account waits for approval: see `camsync plans list`"),
            Self::Held {
                evidence: Evidence::Returned,
            } => f.write_str(
                "came back under another name: access waits until a person approves that it is the same one: see `camsync plans list`",
            ),
            Self::Held { evidence } => write!(
                f,
                "removal held for approval ({}): see `camsync plans list`",
                evidence.as_str()
            ),
            Self::MaybeSamePerson { other } => write!(
                f,
                "may be the same person as {other}; if so: `camsync members link`"
            ),
            Self::AwaitingApplication { rule } => {
                write!(f, "needs an approved application (rule in line {rule})")
            }
            Self::Administers {
                policy,
                through: Some(through),
                rule,
            } => write!(
                f,
                "not given: {through}, which the rule in line {rule} calls for, has the policy {policy}, which administers; name that policy literally in a rule for this member, or take it off {through}"
            ),
            Self::Administers {
                policy,
                through: None,
                rule,
            } => write!(
                f,
                "not given: the policy {policy}, which the rule in line {rule} calls for, administers; name it literally"
            ),
            Self::AdoptionAdministers { username, policy } => write!(
                f,
                "not adopted: the account {username} has the policy {policy}, which administers; name that policy literally in a rule for this member, or take it off the account"
            ),
            Self::GroupNotOurs { group, rule } => write!(
                f,
                "not given: the rule in line {rule} makes the name {group} from the member's facts, and a group of that name exists which camsync did not make; name it literally, or rename it"
            ),
            Self::GroupTaken { group, by, rule } => write!(
                f,
                "not given: the group {group} of the rule in line {rule} differs from the group {by} by case alone; spell it in the same way"
            ),
            Self::GroupNameIllegal { group, rule } => write!(
                f,
                "not given: the rule in line {rule} makes a group name that is too long or holds control characters: {group:?}"
            ),
            Self::NoSuchPolicy { policy, rule } => write!(
                f,
                "not given: CAM knows no policy {policy}, which the rule in line {rule} calls for; correct the name (case counts)"
            ),
            Self::PolicyUnusable { policy, rule } => write!(
                f,
                "not given: the policy {policy} of the rule in line {rule} is out of service or a service's own"
            ),
            Self::PolicyReplaced { policy, rule } => write!(
                f,
                "not given: the policy {policy} of the rule in line {rule} is not what it was: another one under its name, or it administers since; look at it, then take its name out of the rules for one pass and put it back"
            ),
            Self::NoTemplate { template, rule } => write!(
                f,
                "the sub-user {template}, which the rule in line {rule} follows, does not exist; what was given after it stays"
            ),
            Self::GrantTaken { object } => write!(
                f,
                "the {object} was taken away by someone else, and this is kept; `camsync members resume` gives it back"
            ),
            Self::DenyAllSaysOtherwise => write!(
                f,
                "the policy {} does not deny everything, and camsync did not write it so; delete it, and camsync makes its own",
                crate::grants::DENY_ALL
            ),
            Self::Unreadable { action } => write!(
                f,
                "what this member has cannot be read: the CAM key lacks the permission cam:{action}; add it to the key's policy"
            ),
            Self::Waiting { hold } => hold.fmt(f),
        }
    }
}

/// Who has a name already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "holder")]
pub enum Holder {
    /// A member's sub-user.
    Member {
        /// The member's id.
        member: String,
        /// Of which source.
        source: String,
    },
    /// An account that camsync does not manage.
    Account {
        /// As CAM spells it.
        name: String,
        /// Its Uin.
        uin: u64,
    },
    /// A member who gets it in this very plan.
    ThisPlan,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { member, source } => write!(f, "member {member} of source {source}"),
            Self::Account { name, uin } => write!(
                f,
                "the account {name} ({uin}), which camsync does not manage"
            ),
            Self::ThisPlan => f.write_str("another member in this plan"),
        }
    }
}

/// Why no service would take a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameFault {
    /// There is nothing.
    Empty,
    /// Longer than 64 bytes.
    TooLong,
    /// Blanks at an end, or control characters.
    Blanks,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::TooLong => "it is longer than 64 bytes",
            Self::Blanks => "it holds blanks at an end or control characters",
        })
    }
}
