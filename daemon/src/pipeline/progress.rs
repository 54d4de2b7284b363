//! What a pass is doing, for whoever watches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One step of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Progress {
    /// A source is being crawled.
    Crawling {
        /// The source.
        source: String,
        /// Steps done.
        done: u32,
        /// Steps in all, when known.
        total: Option<u32>,
    },
    /// A crawl has ended.
    Crawled {
        /// The source.
        source: String,
        /// Members found.
        members: usize,
        /// Departments found.
        departments: usize,
        /// Why it was not complete, when it was not.
        error: Option<String>,
    },
    /// Missing members are being looked up.
    LookingUp {
        /// The source.
        source: String,
        /// How many.
        members: usize,
    },
    /// CAM is being read.
    Observing,
    /// CAM has been read.
    Observed {
        /// Accounts found.
        users: usize,
    },
    /// The plan is made.
    Planned {
        /// Changes that go on.
        changes: usize,
        /// Changes that wait.
        held: usize,
    },
    /// Changes are being applied.
    Applying {
        /// Done in this pass.
        done: usize,
        /// To be done in this pass.
        total: usize,
        /// Of these, failed for good.
        failed: usize,
    },
    /// The pass waits for the next attempt.
    Waiting {
        /// Seconds.
        seconds: u64,
        /// For what.
        what: String,
    },
}

/// Where progress goes. Cheap to call.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(Progress) + Send + Sync>);

impl ProgressSink {
    /// Hands progress to a function.
    pub fn new(sink: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Hands it to nobody.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Says what is being done.
    pub fn say(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl std::fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgressSink")
    }
}
