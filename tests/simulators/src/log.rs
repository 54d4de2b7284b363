//! The log of requests, from which a test proves what was asked and what it changed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::watch;

/// One request as the simulator saw it. Secrets among the parameters are replaced by `***`.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it arrived.
    pub at: Instant,
    /// The number of the TCP connection that carried it, from 1.
    pub connection: u64,
    /// The action (`"AddUser"`) or endpoint (`"user/list"`); empty when the request named none.
    pub action: String,
    /// The parameters.
    pub params: Value,
    /// `"ok"`, or the code of the refusal, as the simulator decided it, whether or not the answer reached the caller.
    pub outcome: String,
    /// Whether it changed anything.
    pub effect: bool,
    /// Whether an injected fault struck it.
    pub faulted: bool,
}

/// All requests since the start or the last clearing.
pub(crate) struct Log {
    requests: Mutex<Vec<Request>>,
    seen: watch::Sender<u64>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            requests: Mutex::new(Vec::new()),
            seen: watch::Sender::new(0),
        }
    }

    pub(crate) fn push(&self, request: Request) {
        self.requests().push(request);
        self.seen.send_modify(|seen| *seen += 1);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.requests().clone()
    }

    pub(crate) fn clear(&self) {
        self.requests().clear();
    }

    pub(crate) fn count(&self, action: &str) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.action == action)
            .count()
    }

    pub(crate) fn writes(&self) -> Vec<Request> {
        self.requests()
            .iter()
            .filter(|request| request.effect)
            .cloned()
            .collect()
    }

    /// Waits until `action` was asked at least `times` times.
    pub(crate) async fn wait_for(&self, action: &str, times: usize) {
        let mut seen = self.seen.subscribe();
        while self.count(action) < times {
            if seen.changed().await.is_err() {
                return;
            }
        }
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
