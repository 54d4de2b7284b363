//! How an operation ends when it does not end well.

use serde::{Deserialize, Serialize};

use crate::ledger::LedgerError;
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
    /// What is wrong, and what to do.
    pub message: String,
    /// The exit status.
    pub exit: Exit,
    /// The kind.
    #[serde(default)]
    pub fault: Fault,
}

impl OpError {
    fn new(message: impl Into<String>, exit: Exit, fault: Fault) -> Self {
        Self {
            message: message.into(),
            exit,
            fault,
        }
    }

    /// It failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Failed, Fault::Failed)
    }

    /// It was asked for wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Usage, Fault::Invalid)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Usage, Fault::NotFound)
    }

    /// It is not in the state for this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Usage, Fault::Conflict)
    }

    /// It came too late: somebody or something was faster.
    pub fn overtaken(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Failed, Fault::Conflict)
    }
}

impl From<LedgerError> for OpError {
    fn from(error: LedgerError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<SetupError> for OpError {
    fn from(error: SetupError) -> Self {
        Self::usage(error.to_string())
    }
}
