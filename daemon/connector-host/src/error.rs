//! How a call can end badly: by the connector's own word, by a limit, by a trap, by the host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Capability, Failure};

/// Why a call gave no result. Serialised as kind and fields, the way the ledger stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum CallError {
    /// The connector's own word.
    #[error("{0}")]
    Connector(Failure),
    /// One of the source's limits ended the call.
    #[error("{0}")]
    Limit(Limit),
    /// The connector crashed. Its instance is gone; the next call gets a fresh one.
    #[error("the connector crashed: {reason}")]
    Trap {
        /// What WebAssembly says happened.
        reason: String,
    },
    /// What was handed over could not be taken in: the sink's own words.
    #[error("what the connector handed over could not be kept: {reason}")]
    Sink {
        /// The sink's words.
        reason: String,
    },
    /// It was asked for something that it does not offer.
    #[error("the connector {connector} does not offer {capability}")]
    Unable {
        /// The connector's name.
        connector: String,
        /// What it lacks.
        capability: Capability,
    },
}

impl CallError {
    /// The connector broke the interface's rules.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::Connector(Failure::bug(message))
    }
}

/// A limit that ended a call. Each text names the key of `limits` that raises it, where one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "limit", rename_all = "snake_case")]
pub enum Limit {
    /// The whole call took too long.
    #[error("ended after {} (limits.time)", seconds(.allowed_ms))]
    Time {
        /// How long it might have taken, in milliseconds.
        allowed_ms: u64,
    },
    /// Nothing was handed over and no request ended for too long.
    #[error("ended after {} without progress, while it was {} (limits.idle)", seconds(.allowed_ms), if *.computing { "computing" } else { "waiting" })]
    Idle {
        /// How long it might have been without progress, in milliseconds.
        allowed_ms: u64,
        /// Whether it was computing, rather than waiting for an answer or sleeping.
        computing: bool,
    },
    /// It asked for more memory than it may have.
    #[error("ended because it wanted more than {bytes} bytes of memory (limits.memory)")]
    Memory {
        /// What it may have, in bytes.
        bytes: u64,
    },
    /// It called itself too deeply.
    #[error("ended because its call stack was exhausted (endless recursion)")]
    Stack,
    /// It handed over more than an enterprise can hold.
    #[error(
        "ended because it handed over more than {bytes} bytes of departments and members (limits.memory)"
    )]
    HandedOver {
        /// What it may hand over in all, in bytes.
        bytes: u64,
    },
    /// One hand-over was too large to be taken in.
    #[error("ended because one call handed over more than {bytes} bytes (limits.memory)")]
    Transfer {
        /// What one call may carry, in bytes.
        bytes: u64,
    },
    /// It flooded the log.
    #[error("ended because it flooded the log: {dropped} lines were dropped")]
    Log {
        /// How many lines were dropped.
        dropped: u64,
    },
}

fn seconds(milliseconds: &u64) -> String {
    format!("{:?}", Duration::from_millis(*milliseconds))
}

/// Carries a call's end out of an import, through WebAssembly, to whoever made the call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(pub(crate) CallError);

impl Stop {
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self(CallError::bug(message))
    }

    pub(crate) fn limit(limit: Limit) -> Self {
        Self(CallError::Limit(limit))
    }
}
