//! What stands between a member and the rules.

use std::fmt;

use camsync_core::evidence::Evidence;
use camsync_core::object::{Object, ObjectKind};
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
        Problem::Held {
            evidence: Evidence::Adopt,
        } => "接管已有账号等待批准：见 `camsync plans list`".into(),
        Problem::Held {
            evidence: Evidence::Returned,
        } => "以另一姓名返回：确认是同一人并批准后才恢复访问，见 `camsync plans list`".into(),
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
        Problem::GrantTaken { object } => format!(
            "{}被他人移除；保持不变，直到 `camsync members resume`",
            zh_object(object)
        ),
        Problem::Unreadable { action } => {
            format!("无法读取此成员已有的权限：CAM 密钥缺少权限 cam:{action}；请加入该密钥的策略")
        }
        grant => zh_grant(grant),
    }
}

/// What stands in the way of a grant.
fn zh_grant(problem: &Problem) -> String {
    match problem {
        Problem::Administers {
            policy,
            through: Some(through),
            rule,
        } => format!(
            "未授予：第 {rule} 行的规则要求的 {through} 带有管理权限策略 {policy}；请在适用于此成员的规则中逐字写明该策略，或从 {through} 上解除它"
        ),
        Problem::Administers { policy, rule, .. } => {
            format!("未授予：第 {rule} 行的规则要求的策略 {policy} 带有管理权限；请逐字写明")
        }
        Problem::AdoptionAdministers { username, policy } => format!(
            "未接管：账号 {username} 带有管理权限策略 {policy}；请在适用于此成员的规则中逐字写明该策略，或从该账号上解除它"
        ),
        Problem::GroupNotOurs { group, rule } => format!(
            "未授予：第 {rule} 行的规则由成员信息得出组名 {group}，而同名用户组不是 camsync 创建的；请逐字写明组名，或改名"
        ),
        Problem::GroupTaken { group, by, rule } => format!(
            "未授予：第 {rule} 行的规则中的用户组 {group} 与 {by} 只有大小写不同；请写成一样"
        ),
        Problem::GroupNameIllegal { group, rule } => {
            format!("未授予：第 {rule} 行的规则得出的组名过长或含控制字符：{group:?}")
        }
        Problem::NoSuchPolicy { policy, rule } => format!(
            "未授予：CAM 中没有第 {rule} 行的规则要求的策略 {policy}；请更正名称（区分大小写）"
        ),
        Problem::PolicyUnusable { policy, rule } => {
            format!("未授予：第 {rule} 行的规则要求的策略 {policy} 已停用，或专属于某个服务")
        }
        Problem::PolicyReplaced { policy, rule } => format!(
            "未授予：第 {rule} 行的规则要求的策略 {policy} 已不是原来那个：同名的另一个策略，或后来才带有管理权限；请检查，然后把它的名称从规则中去掉一次再写回"
        ),
        Problem::NoTemplate { template, rule } => {
            format!("第 {rule} 行的规则跟随的子用户 {template} 不存在；已经授予的保持不变")
        }
        _ => format!(
            "策略 {} 并非拒绝一切，也不是 camsync 这样写的；请删除它，camsync 会创建自己的",
            camsync_core::grants::DENY_ALL
        ),
    }
}

/// A group, a policy or a key, in Chinese.
pub(super) fn zh_object(object: &Object) -> String {
    let kind = match object.kind {
        ObjectKind::Group => "用户组",
        ObjectKind::Policy => "策略",
        ObjectKind::Key => "API 密钥",
    };
    format!("{kind} {}", object.name)
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
