//! How an operation ends when it does not end well.

use serde::{Deserialize, Serialize};

use crate::ledger::LedgerError;
use crate::say::{Sentence, refusals};
use crate::setup::SetupError;

/// The exit status that an error calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It failed: 1.
    Failed,
    /// Wrong usage or configuration: 2.
    Usage,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
        }
    }
}

/// What a person must know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct OpError {
    /// What is wrong, and what to do; in English, as JSON and logs have it.
    pub message: String,
    /// The same in Chinese, where there is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
    /// The exit status.
    pub exit: Exit,
}

impl OpError {
    fn new(said: Sentence, exit: Exit) -> Self {
        Self {
            message: said.en,
            zh: said.zh,
            exit,
        }
    }

    /// In `zh`, or else English.
    #[must_use]
    pub fn to(&self, language: &str) -> &str {
        match &self.zh {
            Some(zh) if language == "zh" => zh,
            _ => &self.message,
        }
    }

    /// It failed.
    pub fn failed(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Failed)
    }

    /// It was asked for wrongly.
    pub fn usage(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Usage)
    }
}

impl From<LedgerError> for OpError {
    fn from(error: LedgerError) -> Self {
        refusals::ledger(&error)
    }
}

impl From<SetupError> for OpError {
    fn from(error: SetupError) -> Self {
        Self::usage(error.to_string())
    }
}
