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

/// What kind of error it is, for callers that are programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It failed.
    #[default]
    Failed,
    /// The question is wrong.
    Invalid,
    /// What it is about does not exist.
    NotFound,
    /// What it is about is in no state for it.
    Conflict,
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
    /// The kind.
    #[serde(default)]
    pub fault: Fault,
}

impl OpError {
    fn new(said: Sentence, exit: Exit, fault: Fault) -> Self {
        Self {
            message: said.en,
            zh: said.zh,
            exit,
            fault,
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
        Self::new(said.into(), Exit::Failed, Fault::Failed)
    }

    /// It was asked for wrongly.
    pub fn usage(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Usage, Fault::Invalid)
    }

    /// There is no such thing.
    pub fn not_found(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Usage, Fault::NotFound)
    }

    /// It is not in the state for this.
    pub fn conflict(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Usage, Fault::Conflict)
    }

    /// It came too late: somebody or something was faster.
    pub fn overtaken(said: impl Into<Sentence>) -> Self {
        Self::new(said.into(), Exit::Failed, Fault::Conflict)
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
