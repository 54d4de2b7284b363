//! Why a change is made, and what it waits for.

use camsync_core::change::{AdoptedBy, DriftKind, Hold, Reason};
use camsync_core::evidence::Evidence;
use camsync_core::grounds::Grounds;

use super::{moment, pick, term};

/// Why a change is made.
#[must_use]
pub fn reason(language: &str, reason: &Reason) -> String {
    pick(language, reason, |reason| match reason {
        Reason::Admitted { rule } => format!("由第 {rule} 行的规则准入"),
        Reason::Adopted { rule, by } => {
            let by = match by {
                AdoptedBy::WecomId => "企业微信 ID",
                AdoptedBy::Name => "用户名",
            };
            format!("按{by}接管，依据第 {rule} 行的规则")
        }
        Reason::RuleFollowed { rule } => format!("与第 {rule} 行的规则保持一致"),
        Reason::Drift { what } => match what {
            DriftKind::SignInOn => "控制台登录被他人开启",
            DriftKind::SignInOff => "控制台登录被他人关闭",
            DriftKind::Remark => "备注被他人修改",
            DriftKind::Deleted => "子用户被他人删除",
            DriftKind::GrantTaken => "被他人移除",
            DriftKind::DenialTaken => "已停用的子用户上没有“拒绝一切”策略",
            DriftKind::KeyOn => "已停用的子用户的密钥可用",
        }
        .into(),
        Reason::Unconfirmed => "先前的写入尚未生效".into(),
        Reason::Leaver { evidence, grounds } => {
            format!("{}：{}", term("zh", evidence.as_str()), facts(grounds))
        }
        Reason::Returned { rule } => format!("重新符合第 {rule} 行的规则"),
        Reason::Expired { since } => format!("宽限期已满：自 {} 起停用", moment(*since)),
        Reason::Person { actor } => format!("由 {actor} 要求"),
        Reason::Granted { rule, like: None } => format!("由第 {rule} 行的规则授予"),
        Reason::Granted {
            rule,
            like: Some(template),
        } => format!("{template} 具有它，而第 {rule} 行的规则跟随 {template}"),
        Reason::NotGranted { rule } => {
            format!("已没有授权规则要求它；当初由第 {rule} 行的规则授予")
        }
        Reason::Exclusive { rule } => format!("由他人授予，而第 {rule} 行的规则是独占的"),
        Reason::Unused => "由 camsync 创建，已没有任何规则要求它".into(),
        Reason::Denial => "离职者由它被拒绝一切".into(),
        Reason::KeysRequested => "由人要求恢复可用".into(),
    })
}

/// What a change waits for.
#[must_use]
pub fn hold(language: &str, hold: &Hold) -> String {
    pick(language, hold, zh_hold)
}

pub(super) fn zh_hold(hold: &Hold) -> String {
    match hold {
        Hold::Approval => "等待管理员批准".into(),
        Hold::Crawl => "等待来源的一次完整拉取".into(),
        Hold::Quota {
            quota,
            limit,
            used,
            wanted,
        } => {
            let limit = limit.map(|n| format!("/{n}")).unwrap_or_default();
            format!(
                "配额“{}”已满：已用 {used}{limit}，还需 {wanted}",
                term("zh", quota)
            )
        }
        Hold::Prerequisite { what } => format!("等待 {what}，它还不存在"),
        Hold::Permission { action } => {
            format!("CAM 密钥缺少权限 cam:{action}；请加入该密钥的策略")
        }
    }
}

/// The facts behind a removal, in Chinese.
pub(super) fn facts(grounds: &Grounds) -> String {
    match grounds {
        Grounds::Disabled => "在企业微信等提供方处已被禁用".into(),
        Grounds::Left => "提供方表示该成员已离开".into(),
        Grounds::Excluded { rule } => format!("被第 {rule} 行的规则排除"),
        Grounds::Unmatched => "不再符合任何准入规则".into(),
        Grounds::Gone { text } => format!("完整拉取中没有此人，单独查询也答复：{text}"),
        Grounds::Crawls { crawls, seconds } => {
            format!("{} 分钟内 {crawls} 次完整拉取中都没有此人", seconds / 60)
        }
        Grounds::OutOfRange { lost } => format!("已不在可见范围内：{}", lost.join("，")),
        Grounds::Undecided { text } => format!("单独查询未能确认：{text}"),
        Grounds::Unlinked { by } => format!("其来源已由 {by} 解除关联"),
        Grounds::Replaced { by } => format!("{by} 指明该成员在另一 ID 下已有子用户"),
    }
}

/// A kind of evidence, in Chinese.
pub(super) fn kind_of(evidence: Evidence) -> String {
    term("zh", evidence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_facts() {
        let leaver = Reason::Leaver {
            evidence: Evidence::Hidden,
            grounds: Grounds::OutOfRange {
                lost: vec!["department:7".into()],
            },
        };
        assert_eq!(
            reason("en", &leaver),
            "hidden: no longer in the visible range: department:7"
        );
        assert_eq!(
            reason("zh", &leaver),
            "移出可见范围：已不在可见范围内：department:7"
        );
        let full = Hold::Quota {
            quota: "sub_users".into(),
            limit: Some(10),
            used: 10,
            wanted: 2,
        };
        assert_eq!(hold("zh", &full), "配额“子用户数”已满：已用 10/10，还需 2");
    }
}
