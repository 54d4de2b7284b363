//! 中文。

use camsync_core::change::DriftKind;
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;

use crate::advice;
use crate::notify::cause::Cause;
use crate::notify::notice::Ending;
use crate::pipeline::SourceFailure;
use crate::pipeline::target::Trouble;

use super::{Said, ended, ending, moment};

pub(super) fn told(cause: &Cause) -> Said {
    match cause {
        Cause::PlanHeld {
            plan,
            source,
            evidence,
            removals,
            limit,
        } => Said {
            title: format!("计划 {plan} 等待您批准（{source}，{removals} 项）"),
            text: match evidence {
                Evidence::Adopt => {
                    format!("来源 {source} 的一名成员将接管同名的已有子用户。您批准之前不会接管。")
                }
                Evidence::Returned => format!(
                    "来源 {source} 有人以旧 ID、另一姓名归来：ID 可能被重复使用。您批准确认是同一人之前，不会恢复访问。"
                ),
                evidence => format!(
                    "来源 {source} 有 {removals} 项移除超出防护限额（可自动进行的上限为 {limit}）：{}。您批准之前不会执行其中任何一项，其余变更照常进行。",
                    why(*evidence)
                ),
            },
            remedy: format!(
                "请核对名单。无误则 `camsync plans approve {plan}`；有误则在企业微信或规则中更正，或 `camsync plans discard {plan}`。"
            ),
            command: format!("camsync plans show {plan}"),
        },
        Cause::Application {
            application,
            source,
            member,
        } => Said {
            title: format!("{member}（{source}）申请子用户"),
            text: format!("申请 {application} 等待您处理。处理之前不会创建子用户。"),
            remedy: format!(
                "批准：`camsync applications approve {application}`；拒绝：`camsync applications deny {application} --reason \"...\"`。"
            ),
            command: "camsync applications list --status pending".into(),
        },
        Cause::DriftKept {
            source,
            member,
            what,
        } => Said {
            title: format!("{member}（{source}）的访问权限被他人收回"),
            text: match what {
                DriftKind::Deleted => {
                    "有人在访问管理中删除了该子用户。camsync 保持现状，不会重建。".into()
                }
                DriftKind::GrantTaken => {
                    "有人移除了 camsync 授予的用户组或策略。camsync 保持现状。".into()
                }
                _ => "有人在访问管理中关闭了其控制台登录。camsync 保持现状。".into(),
            },
            remedy: format!("若属有意，无需处理；否则：`camsync members resume {member}`。"),
            command: format!("camsync members explain {member}"),
        },
        Cause::SourceGone { source, members } => Said {
            title: format!("配置中已没有来源 {source}"),
            text: format!(
                "台账中有它的 {members} 名成员。来源不在配置文件中时，不会更改他们的任何内容。"
            ),
            remedy: "请恢复该来源；如果只是改名，请在新来源中写明 former_name。".into(),
            command: "camsync sources list".into(),
        },
        Cause::ChangeFailed {
            change,
            kind,
            username,
            failure,
            ..
        } => {
            let (meaning, remedy) = advice::failure("zh", failure);
            Said {
                title: format!("{}最终失败：{username}", kind_word(*kind)),
                text: format!("{meaning}（{failure}）"),
                remedy,
                command: format!("camsync changes show {change}"),
            }
        }
        Cause::NoEffect {
            change,
            kind,
            username,
            ..
        } => Said {
            title: format!("警报：{username} 仍可登录"),
            text: format!(
                "CAM 接受了变更（{}），但没有生效：控制台导入的企业微信子用户仍可通过企业微信登录。",
                kind_word(*kind)
            ),
            remedy: "请在访问管理中移除其用户组、策略与访问密钥，或手工删除该子用户。".into(),
            command: format!("camsync changes show {change}"),
        },
        Cause::Target { since, trouble } => target(trouble, &moment(*since)),
        Cause::Permission { action, changes } => Said {
            title: format!("CAM 密钥缺少权限 cam:{action}"),
            text: format!("等待该权限的变更：{changes} 项。其余变更照常进行。"),
            remedy: format!("请在密钥所属子用户的策略中允许 cam:{action}，之后会自动继续。"),
            command: "camsync changes list --status held".into(),
        },
        Cause::Quota { quota, changes } => Said {
            title: format!("配额 {quota} 已满"),
            text: format!("等待配额的变更：{changes} 项。移除与更新照常进行。"),
            remedy: "请删除不用的子用户，或提交工单提升配额；有空位后会自动继续。".into(),
            command: "camsync changes list --status held".into(),
        },
        Cause::AnotherEnterprise {
            source,
            bound,
            found,
        } => Said {
            title: format!("来源 {source} 连到了另一家企业"),
            text: format!(
                "它属于 {bound}，现在应答的是 {found}。在有人裁定之前，不会写入该来源的任何变更。"
            ),
            remedy: format!(
                "请改回原设置，或换一个来源名；若企业确已迁移：`camsync sources rebind {source}`。"
            ),
            command: format!("camsync sources show {source}"),
        },
        Cause::Config { error } => Said {
            title: "修改后的配置被拒绝".into(),
            text: format!("仍使用原来的配置。{error}"),
            remedy: "请更正配置文件，之后会自动重新读取。".into(),
            command: "camsync status".into(),
        },
        Cause::SourceDown {
            source,
            since,
            failure,
        } => Said {
            title: format!("来源 {source} 自 {} 起一直失败", moment(*since)),
            text: format!(
                "此后没有完整的拉取，因此没有新成员获得访问权限，也没有人被移除。{}",
                failure
                    .as_ref()
                    .map(SourceFailure::in_short)
                    .unwrap_or_default()
            ),
            remedy: failure
                .as_ref()
                .and_then(|f| f.remedy.clone())
                .unwrap_or_else(|| "`camsync check` 会检查设置、凭据与可见范围。".into()),
            command: format!("camsync sources show {source}"),
        },
    }
}

fn target(trouble: &Trouble, since: &str) -> Said {
    let command = "camsync check".into();
    match trouble {
        Trouble::Cam(failure) => {
            let (meaning, remedy) = advice::failure("zh", failure);
            Said {
                title: format!("自 {since} 起无法写入 CAM"),
                text: format!("{meaning}（{failure}）"),
                remedy,
                command,
            }
        }
        Trouble::AnotherAccount { bound, found } => Said {
            title: "CAM 密钥属于另一个主账号".into(),
            text: format!("台账属于 {bound}，密钥属于 {found}。不会写入任何变更。"),
            remedy: "请换回原密钥，或使用另一个 data_dir；若属有意：`camsync rebind --target`。"
                .into(),
            command,
        },
    }
}

pub(super) fn over(cause: &Cause, end: &Ending) -> Said {
    let how = ending(
        end,
        |status, by| match (status, by) {
            ("approved" | "applied", Some(by)) => format!("{by} 已批准。"),
            ("discarded", Some(by)) => format!("{by} 已忽略。"),
            ("denied", Some(by)) => format!("{by} 已拒绝。"),
            ("withdrawn", _) => "申请已撤回或已失去意义。".into(),
            _ => "已被新的计划取代。".into(),
        },
        "无需再处理。",
    );
    ended(cause, told, "已解除：", how)
}

pub(super) fn several(told: usize, over: usize) -> String {
    match (told, over) {
        (told, 0) => format!("{told} 项需要处理"),
        (0, over) => format!("{over} 项已解除"),
        (told, over) => format!("{told} 项需要处理，{over} 项已解除"),
    }
}

pub(super) fn more(count: usize) -> String {
    format!("……另有 {count} 项：`camsync status`")
}

pub(super) fn test() -> Said {
    Said {
        title: "测试消息".into(),
        text: "此目标可以收到 camsync 的通知。".into(),
        command: "camsync notify test".into(),
        ..Said::default()
    }
}

fn why(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Said => "企业微信显示其已禁用或已离职",
        Evidence::Excluded => "规则已将其排除",
        Evidence::Unmatched => "不再匹配任何准入规则",
        Evidence::Regrouped => "将失去其用户组或策略",
        Evidence::Absent => "在一次完整的拉取中缺席",
        Evidence::Hidden => "原先使其可见的部门、标签或名单已移出可见范围",
        Evidence::Returned => "旧 ID 以另一姓名归来",
        Evidence::Expired => "宽限期已满，将被删除",
        Evidence::Asked => "有人要求移除，但当时未显示这些",
        Evidence::Adopt => "将接管已有的子用户",
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::CreateUser => "新建子用户",
        Kind::UpdateUser => "更新子用户",
        Kind::SuspendUser => "停用子用户",
        Kind::ResumeUser => "恢复子用户",
        Kind::DeleteUser => "删除子用户",
        other => other.as_str(),
    }
}
