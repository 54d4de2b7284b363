//! The sentences of `members explain`.

use std::fmt;

use camsync_core::evidence::Evidence;
use camsync_core::object::Object;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::problems::zh_object;
use super::reasons::kind_of;
use super::{Obstacle, moment, obstacle, pick};
use crate::ledger::time_text;

/// One sentence of the answer, as kind and fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "says")]
pub enum Answer {
    /// Not in the snapshot.
    Missing {
        /// The member's id.
        member: String,
        /// Since when, where it is known.
        since: Option<DateTime<Utc>>,
    },
    /// What used to show the member is no longer in the visible range.
    OutOfRange {
        /// The member's id.
        member: String,
        /// Items of the range that are gone.
        lost: Vec<String>,
    },
    /// The source is unlinked.
    Unlinked {
        /// Which.
        source: String,
        /// Who unlinked it.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A rule calls for a sub-user.
    Admitted {
        /// Line of the rule.
        rule: u32,
        /// Its name.
        username: String,
    },
    /// It was given a group or a policy.
    Given {
        /// Which.
        object: Object,
        /// Line of the rule.
        rule: u32,
    },
    /// It is denied everything.
    Denied {
        /// By which policy.
        policy: String,
    },
    /// API keys were switched off.
    KeysOff {
        /// How many.
        keys: usize,
    },
    /// A rule asks for an application.
    AwaitingApplication {
        /// Line of the rule.
        rule: u32,
    },
    /// The member has applied.
    Applied {
        /// The application's id.
        application: i64,
        /// Its status.
        status: String,
        /// Who decided, if anybody did.
        by: Option<String>,
        /// When it was made.
        at: DateTime<Utc>,
    },
    /// A rule excludes the member.
    Excluded {
        /// Line of the rule.
        rule: u32,
        /// The member's id.
        member: String,
    },
    /// No rule matches.
    Unmatched {
        /// The member's id.
        member: String,
    },
    /// The provider says disabled.
    Disabled {
        /// The member's id.
        member: String,
    },
    /// The provider says left.
    Left {
        /// The member's id.
        member: String,
    },
    /// A rule fails.
    RuleFailed {
        /// Line of the rule.
        rule: u32,
        /// The member's id.
        member: String,
        /// Why.
        error: String,
    },
    /// There is no sub-user.
    NoSubUser,
    /// The sub-user's creation waits.
    Wanted {
        /// Its name.
        username: String,
    },
    /// A person suspended the sub-user.
    Stopped {
        /// Which.
        sub_user: Account,
        /// When.
        at: DateTime<Utc>,
    },
    /// The sub-user is managed.
    Managed {
        /// Which.
        sub_user: Account,
    },
    /// The sub-user is a leaver's.
    Suspended {
        /// Which.
        sub_user: Account,
        /// On what evidence.
        evidence: Evidence,
        /// Since when.
        since: DateTime<Utc>,
        /// When its grace is over, if it may be deleted at all.
        delete_after: Option<DateTime<Utc>>,
    },
    /// The sub-user is deleted.
    Deleted {
        /// Which.
        sub_user: Account,
    },
    /// The sub-user is not managed any more.
    Released {
        /// Which.
        sub_user: Account,
    },
    /// The sub-user was never made.
    Abandoned {
        /// Its name.
        username: String,
    },
    /// The sub-user is protected.
    Protected,
    /// Something stands in the way.
    Problem {
        /// What.
        details: Obstacle,
    },
}

/// A sub-user by name and, once it is known, Uin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub username: String,
    /// Its Uin.
    pub uin: Option<u64>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uin {
            Some(uin) => write!(f, "{} ({uin})", self.username),
            None => f.write_str(&self.username),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { member, since } => {
                write!(f, "{member} is not in the snapshot")?;
                if let Some(since) = since {
                    write!(f, " since {}", time_text(*since))?;
                }
                f.write_str(".")
            }
            Self::OutOfRange { member, lost } => write!(
                f,
                "What used to show {member} is no longer in the visible range: {}.",
                lost.join(", ")
            ),
            Self::Unlinked { source, by, at } => write!(
                f,
                "The source {source} was unlinked by {by} at {}: no rule counts for its members.",
                time_text(*at)
            ),
            Self::Admitted { rule, username } => write!(
                f,
                "The admit rule in line {rule} matches and calls for the sub-user {username}."
            ),
            Self::Given { object, rule } => {
                write!(f, "It has the {object}, by the grant rule in line {rule}.")
            }
            Self::Denied { policy } => write!(f, "It is denied everything by {policy}."),
            Self::KeysOff { keys } => write!(
                f,
                "{keys} of its API keys were switched off; `camsync members resume ID --keys` switches them on."
            ),
            Self::AwaitingApplication { rule } => write!(
                f,
                "The admit rule in line {rule} asks for an approved application."
            ),
            Self::Applied {
                application,
                status,
                by,
                at,
            } => {
                write!(
                    f,
                    "The application {application} of {} is {status}",
                    time_text(*at)
                )?;
                if let Some(by) = by {
                    write!(f, ", by {by}")?;
                }
                if status == "pending" {
                    write!(f, ": `camsync applications approve {application}`")?;
                }
                f.write_str(".")
            }
            Self::Excluded { rule, member } => {
                write!(f, "The admit rule in line {rule} excludes {member}.")
            }
            Self::Unmatched { member } => write!(f, "No admit rule matches {member}."),
            Self::Disabled { member } => write!(f, "{member} is disabled at the provider."),
            Self::Left { member } => write!(f, "The provider says that {member} has left."),
            Self::RuleFailed {
                rule,
                member,
                error,
            } => write!(
                f,
                "The admit rule in line {rule} fails on {member}: {error}; nothing is decided."
            ),
            Self::NoSubUser => f.write_str("There is no sub-user."),
            Self::Wanted { username } => write!(f, "The sub-user {username} is to be created."),
            Self::Stopped { sub_user, at } => write!(
                f,
                "The sub-user {sub_user} was suspended by a person at {}.",
                time_text(*at)
            ),
            Self::Managed { sub_user } => write!(f, "The sub-user {sub_user} is managed."),
            Self::Suspended {
                sub_user,
                evidence,
                since,
                delete_after,
            } => {
                write!(
                    f,
                    "The sub-user {sub_user} is suspended ({}) since {}",
                    evidence.as_str(),
                    time_text(*since)
                )?;
                if let Some(at) = delete_after {
                    write!(f, " and may be deleted after {}", time_text(*at))?;
                }
                f.write_str(".")
            }
            Self::Deleted { sub_user } => write!(f, "The sub-user {sub_user} is deleted."),
            Self::Released { sub_user } => {
                write!(f, "The sub-user {sub_user} is not managed any more.")
            }
            Self::Abandoned { username } => write!(f, "The sub-user {username} was never made."),
            Self::Protected => f.write_str("It is protected from every removal."),
            Self::Problem { details } => write!(f, "{details}."),
        }
    }
}

/// One sentence of the answer.
#[must_use]
pub fn answer(language: &str, answer: &Answer) -> String {
    pick(language, answer, zh)
}

fn zh(answer: &Answer) -> String {
    match answer {
        Answer::Missing { member, since } => match since {
            Some(since) => format!("{member} 自 {} 起不在快照中。", moment(*since)),
            None => format!("{member} 不在快照中。"),
        },
        Answer::OutOfRange { member, lost } => {
            format!(
                "曾使 {member} 可见的范围已不在可见范围内：{}。",
                lost.join("，")
            )
        }
        Answer::Unlinked { source, by, at } => format!(
            "来源 {source} 已于 {} 由 {by} 解除关联：其成员不再适用任何规则。",
            moment(*at)
        ),
        Answer::Admitted { rule, username } => {
            format!("第 {rule} 行的准入规则匹配，应有子用户 {username}。")
        }
        Answer::Given { object, rule } => {
            format!("已由第 {rule} 行的授权规则授予{}。", zh_object(object))
        }
        Answer::Denied { policy } => format!("已由 {policy} 拒绝一切权限。"),
        Answer::KeysOff { keys } => {
            format!("已停用它的 {keys} 个 API 密钥；`camsync members resume ID --keys` 可恢复。")
        }
        Answer::AwaitingApplication { rule } => {
            format!("第 {rule} 行的准入规则要求先批准申请。")
        }
        Answer::Applied {
            application,
            status,
            by,
            at,
        } => {
            let status = match status.as_str() {
                "pending" => "待处理".to_owned(),
                other => super::term("zh", other),
            };
            let by = by.as_ref().map(|by| format!("（{by}）"));
            let next = if status == "待处理" {
                format!("：`camsync applications approve {application}`")
            } else {
                String::new()
            };
            format!(
                "{} 提出的申请 {application} {status}{}{next}。",
                moment(*at),
                by.unwrap_or_default()
            )
        }
        Answer::Excluded { rule, member } => format!("第 {rule} 行的准入规则排除了 {member}。"),
        Answer::Unmatched { member } => format!("没有准入规则匹配 {member}。"),
        Answer::Disabled { member } => format!("{member} 在提供方处已被禁用。"),
        Answer::Left { member } => format!("提供方表示 {member} 已离开。"),
        Answer::RuleFailed {
            rule,
            member,
            error,
        } => format!("第 {rule} 行的准入规则在 {member} 上出错：{error}；未作任何判定。"),
        Answer::NoSubUser => "没有子用户。".into(),
        Answer::Wanted { username } => format!("子用户 {username} 等待创建。"),
        Answer::Stopped { sub_user, at } => {
            format!("子用户 {}已于 {} 由人停用。", named(sub_user), moment(*at))
        }
        Answer::Managed { sub_user } => format!("子用户 {}受管。", named(sub_user)),
        Answer::Suspended {
            sub_user,
            evidence,
            since,
            delete_after,
        } => {
            let end = delete_after
                .map(|at| format!("，{} 之后可被删除", moment(at)))
                .unwrap_or_default();
            format!(
                "子用户 {}自 {} 起停用（{}）{end}。",
                named(sub_user),
                moment(*since),
                kind_of(*evidence)
            )
        }
        Answer::Deleted { sub_user } => format!("子用户 {}已删除。", named(sub_user)),
        Answer::Released { sub_user } => format!("子用户 {}已不再受管。", named(sub_user)),
        Answer::Abandoned { username } => format!("子用户 {username} 从未创建。"),
        Answer::Protected => "它受保护，不会被移除。".into(),
        Answer::Problem { details } => format!("{}。", obstacle("zh", details)),
    }
}

/// With the blank that belongs between Latin letters and Chinese; a full-width bracket needs none.
fn named(account: &Account) -> String {
    match account.uin {
        Some(uin) => format!("{}（{uin}）", account.username),
        None => format!("{} ", account.username),
    }
}
