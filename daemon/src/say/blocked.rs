//! Why no plan could be made.

use serde::{Deserialize, Serialize};

use super::{failure, pick};
use crate::advice;
use crate::ledger::Failure;

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
}

impl Blocked {
    /// What to do about it; nothing where the sentence says so itself.
    #[must_use]
    pub fn remedy(&self, language: &str) -> Option<String> {
        match self {
            Self::Cam { error, .. } => Some(advice::failure(language, error).1),
            Self::AnotherAccount { .. } | Self::Rule { .. } => None,
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
    })
}
