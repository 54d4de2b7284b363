//! What stands between a member and the rules.

use std::fmt;

use camsync_core::outbox::Kind;
use camsync_core::problem::{Holder, NameFault, Problem};
use serde::{Deserialize, Serialize};

use super::reasons::{facts, kind_of, zh_hold};
use super::{failure, pick, term};
use crate::ledger::Failure;

/// What stands in a member's way: the last plan's word, or what CAM refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Obstacle {
    /// By the last plan.
    Planned(Problem),
    /// A change that failed.
    Failed(FailedChange),
}

/// A change that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "change_failed", tag = "problem")]
pub struct FailedChange {
    /// Its id.
    pub change: i64,
    /// What it was to do.
    pub kind: Kind,
    /// Why it failed.
    pub error: Failure,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(problem) => problem.fmt(f),
            Self::Failed(FailedChange {
                change,
                kind,
                error,
            }) => write!(f, "change {change} ({}) failed: {error}", kind.as_str()),
        }
    }
}

/// What stands in the way.
#[must_use]
pub fn obstacle(language: &str, obstacle: &Obstacle) -> String {
    pick(language, obstacle, |obstacle| match obstacle {
        Obstacle::Planned(problem) => zh(problem),
        Obstacle::Failed(FailedChange {
            change,
            kind,
            error,
        }) => format!(
            "变更 {change}（{}）失败：{}",
            term("zh", kind.as_str()),
            failure("zh", error)
        ),
    })
}

fn zh(problem: &Problem) -> String {
    match problem {
        Problem::NameTaken { username, by } => format!(
            "冲突：用户名 {username} 已属于{}；请改名其中一个，或在规则中设置 adopt 或 conflict = \"suffix\"",
            holder(by)
        ),
        Problem::NameShared { username, with } => format!(
            "冲突：{} 也需要用户名 {username}；请让规则的 username 能区分他们，或设置 conflict = \"suffix\"",
            with.join("、")
        ),
        Problem::NameIllegal { username, why } => {
            let why = match why {
                NameFault::Empty => "为空",
                NameFault::TooLong => "超过 64 字节",
                NameFault::Blanks => "首尾有空白，或含控制字符",
            };
            format!("冲突：{username:?} 不能用作子用户名：{why}")
        }
        Problem::AdoptionAmbiguous { usernames } => format!(
            "冲突：多个子用户带有此企业微信 ID（{}）；请移除错误的",
            usernames.join("、")
        ),
        Problem::NameFixed { wanted } => {
            format!("按规则现在应名为 {wanted}；CAM 不支持子用户改名")
        }
        Problem::RuleFailed { rule, error } => {
            format!("第 {rule} 行的规则在此成员上出错：{error}")
        }
        Problem::SignInOff => {
            "控制台登录被他人关闭；保持不变，直到 `camsync members resume`".into()
        }
        Problem::DeletedByHand => {
            "子用户被他人删除；保持不变，直到 `camsync members resume`".into()
        }
        Problem::SuspendedByPerson => "已由人停用；保持不变，直到 `camsync members resume`".into(),
        Problem::Protected { evidence } => {
            format!("受保护：否则会被停用（{}）", kind_of(*evidence))
        }
        Problem::Unsettled { grounds } => {
            format!("上次拉取中没有此人，但不能确认已离开：{}", facts(grounds))
        }
        Problem::Held { evidence } => format!(
            "移除等待批准（{}）：见 `camsync plans list`",
            kind_of(*evidence)
        ),
        Problem::MaybeSamePerson { other } => {
            format!("可能与 {other} 是同一人；如果是：`camsync members link`")
        }
        Problem::AwaitingApplication { rule } => {
            format!("需要批准其申请（第 {rule} 行的规则）")
        }
        Problem::Waiting { hold } => zh_hold(hold),
    }
}

fn holder(holder: &Holder) -> String {
    match holder {
        Holder::Member { member, source } => format!("来源 {source} 的成员 {member}"),
        Holder::Account { name, uin } => format!("账号 {name}（{uin}），它不由 camsync 管理"),
        Holder::ThisPlan => "本次计划中的另一名成员".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn details_of_either_kind_are_read_back() {
        let planned = Obstacle::Planned(Problem::NameTaken {
            username: "zhang".into(),
            by: Holder::Account {
                name: "Zhang".into(),
                uin: 7,
            },
        });
        let failed = Obstacle::Failed(FailedChange {
            change: 3,
            kind: Kind::CreateUser,
            error: Failure {
                class: camsync_core::retry::FailureClass::Permanent,
                code: "name_conflict".into(),
                message: "the name is taken".into(),
                action: None,
                request_id: None,
            },
        });
        for obstacle in [planned, failed] {
            let json = serde_json::to_value(&obstacle).unwrap();
            assert!(json["problem"].is_string(), "{json}");
            assert_eq!(serde_json::from_value::<Obstacle>(json).unwrap(), obstacle);
        }
    }
}
