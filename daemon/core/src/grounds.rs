//! The facts behind a removal, or behind an absence that is not settled, as kind and fields.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a removal rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Grounds {
    /// The provider says disabled.
    Disabled,
    /// The provider says left.
    Left,
    /// A rule excludes the member.
    Excluded {
        /// Line of the rule.
        rule: u32,
    },
    /// No admit rule matches any more.
    Unmatched,
    /// Missing from a complete crawl, and the look-up knows no such member.
    Gone {
        /// The provider's words.
        text: String,
    },
    /// Missing from several complete crawls, of a provider that cannot be asked about one member.
    Crawls {
        /// How many.
        crawls: u32,
        /// Seconds from the first to the last of them.
        seconds: i64,
    },
    /// What used to show the member is no longer in the visible range.
    OutOfRange {
        /// Items of the range that are gone, or the provider's words.
        lost: Vec<String>,
    },
    /// The look-up did not settle it.
    Undecided {
        /// The provider's words.
        text: String,
    },
    /// The source is unlinked.
    Unlinked {
        /// Who unlinked it.
        by: String,
    },
    /// The member has another sub-user, under another id.
    Replaced {
        /// Who said so.
        by: String,
    },
}

impl fmt::Display for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("disabled at the provider"),
            Self::Left => f.write_str("the provider says that the member has left"),
            Self::Excluded { rule } => write!(f, "excluded by the rule in line {rule}"),
            Self::Unmatched => f.write_str("no admit rule matches any more"),
            Self::Gone { text } => {
                write!(
                    f,
                    "missing from a complete crawl, and the look-up says: {text}"
                )
            }
            Self::Crawls { crawls, seconds } => write!(
                f,
                "missing from {crawls} complete crawls over {} minutes",
                seconds / 60
            ),
            Self::OutOfRange { lost } => {
                write!(f, "no longer in the visible range: {}", lost.join(", "))
            }
            Self::Undecided { text } => write!(f, "the look-up did not settle it: {text}"),
            Self::Unlinked { by } => write!(f, "its source was unlinked by {by}"),
            Self::Replaced { by } => write!(
                f,
                "its member has another sub-user, under another id, as {by} said"
            ),
        }
    }
}
