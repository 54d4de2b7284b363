//! What kinds and fields say to a person, in English and Chinese: a file a subject.
//!
//! The JSON documents hold English sentences and, beside each, the kind and fields that it was made of
//! (`reason`, `reason_details`). Programs read either; the drawing says the details in the reader's language.

mod answers;
mod blocked;
mod failures;
mod problems;
mod reasons;
pub mod refusals;
mod steps;
mod terms;

pub use answers::{Account, Answer, answer};
pub use blocked::{Blocked, blocked};
pub use failures::{failure, source_failure};
pub use problems::{FailedChange, Obstacle, obstacle};
pub use reasons::{hold, reason};
pub use steps::{Step, step};
pub use terms::term;

use std::fmt::Display;

use chrono::{DateTime, Local, Utc};
use serde::{Deserialize, Serialize};

/// One sentence in both languages. JSON and logs have the English one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// In English.
    pub en: String,
    /// In Chinese; English where nobody has put it into Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

impl Sentence {
    /// A sentence in both languages.
    pub fn both(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: Some(zh.into()),
        }
    }

    /// In `zh`, or else English.
    #[must_use]
    pub fn to(&self, language: &str) -> &str {
        match &self.zh {
            Some(zh) if language == "zh" => zh,
            _ => &self.en,
        }
    }
}

impl<T: Into<String>> From<T> for Sentence {
    fn from(en: T) -> Self {
        Self {
            en: en.into(),
            zh: None,
        }
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

/// English by the value's own `Display`, Chinese by `zh`.
fn pick<T: Display>(language: &str, value: &T, zh: impl FnOnce(&T) -> String) -> String {
    if language == "zh" {
        zh(value)
    } else {
        value.to_string()
    }
}

/// A moment in the reader's own time zone.
fn moment(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}
