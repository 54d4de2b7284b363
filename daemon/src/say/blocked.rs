//! Why no plan could be made.

use serde::{Deserialize, Serialize};

use super::{failure, pick};
use crate::advice;
use crate::ledger::Failure;
use crate::pipeline::basis::Moved;

/// Why no plan could be made, as kind and fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "blocked_by")]
pub enum Blocked {
    /// CAM could not be read.
    #[error("CAM could not be read: {said}")]
    Cam {
        /// The error in one line.
        said: String,
        /// The same as kind and fields.
        error: Failure,
    },
    /// The key belongs to another root account.
    #[error(
        "the CAM key belongs to the root account {found}, but this ledger belongs to {bound}: nothing is written. Put the old key back, use another data_dir, or say `camsync rebind --target` if this is meant"
    )]
    AnotherAccount {
        /// Whose the ledger is.
        bound: String,
        /// Whose the key is.
        found: String,
    },
    /// A rule does not compile.
    #[error("a rule does not compile: {error}")]
    Rule {
        /// Why.
        error: String,
    },
    /// A plan that a person has read is not the one that would be made now.
    #[error(
        "the plan was made from another state: {}. Nothing was recorded or applied; make a new one: `camsync plan --out FILE`",
        all_moved("en", moved)
    )]
    MovedOn {
        /// What has moved on.
        moved: Vec<Moved>,
    },
}

fn all_moved(language: &str, all: &[Moved]) -> String {
    let said: Vec<String> = all
        .iter()
        .map(|moved| match (language, moved) {
            ("zh", Moved::Account) => "CAM 密钥属于另一个主账号".into(),
            ("zh", Moved::Rules) => "配置中的规则已更改".into(),
            ("zh", Moved::Source { name }) => format!("来源 {name} 已有变化"),
            ("zh", Moved::Cloud) => "云上的子用户已有变化".into(),
            ("zh", Moved::Decisions) => "此间有人作出了决定，或宽限期、审批期限已到".into(),
            (_, Moved::Account) => "the CAM key belongs to another root account".into(),
            (_, Moved::Rules) => "the rules in the configuration have changed".into(),
            (_, Moved::Source { name }) => format!("the source {name} has moved on"),
            (_, Moved::Cloud) => "the cloud has moved on".into(),
            (_, Moved::Decisions) => {
                "a person has decided something meanwhile, or a grace or an approval has ended"
                    .into()
            }
        })
        .collect();
    said.join(if language == "zh" { "；" } else { "; " })
}

impl Blocked {
    /// What to do about it; nothing where the sentence says so itself.
    #[must_use]
    pub fn remedy(&self, language: &str) -> Option<String> {
        match self {
            Self::Cam { error, .. } => Some(advice::failure(language, error).1),
            Self::AnotherAccount { .. } | Self::Rule { .. } | Self::MovedOn { .. } => None,
        }
    }
}

/// Why no plan could be made.
#[must_use]
pub fn blocked(language: &str, blocked: &Blocked) -> String {
    pick(language, blocked, |blocked| match blocked {
        Blocked::Cam { error, .. } => {
            let action = error.action.as_deref().unwrap_or("CAM");
            let (cause, _) = advice::failure("zh", error);
            format!(
                "无法读取 CAM：{action}：{cause}（{}）",
                failure("zh", error)
            )
        }
        Blocked::AnotherAccount { bound, found } => format!(
            "CAM 密钥属于主账号 {found}，而此台账属于 {bound}：不会写入任何变更。请换回原密钥，或使用另一个 data_dir；若确属迁移，运行 `camsync rebind --target`"
        ),
        Blocked::Rule { error } => format!("规则无法编译：{error}"),
        Blocked::MovedOn { moved } => format!(
            "该计划依据的状态已改变：{}。未记录也未执行任何变更；请重新生成：`camsync plan --out FILE`",
            all_moved("zh", moved)
        ),
    })
}
