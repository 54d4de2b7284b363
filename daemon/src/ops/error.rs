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

/// What a person must know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct OpError {
    /// What is wrong, and what to do.
    pub message: String,
    /// The exit status.
    pub exit: Exit,
}

impl OpError {
    /// It failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Failed,
        }
    }

    /// It was asked for wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Usage,
        }
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
