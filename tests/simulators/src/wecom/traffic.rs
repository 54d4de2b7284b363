//! Frequency and concurrency of calls, per endpoint (`wecom-api.md 6`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::reply::{Errcode, refuse};

const MINUTE: Duration = Duration::from_secs(60);

/// The traffic of every endpoint.
#[derive(Default)]
pub(crate) struct Traffic(BTreeMap<String, Endpoint>);

#[derive(Default)]
struct Endpoint {
    window_start: Duration,
    in_window: u32,
    blocked_until: Duration,
    parallel: u32,
    parallel_most: u32,
}

impl Traffic {
    /// A call begins.
    pub(crate) fn enter(&mut self, endpoint: &str) {
        let endpoint = self.0.entry(endpoint.to_owned()).or_default();
        endpoint.parallel += 1;
        endpoint.parallel_most = endpoint.parallel_most.max(endpoint.parallel);
    }

    /// A call ends.
    pub(crate) fn leave(&mut self, endpoint: &str) {
        if let Some(endpoint) = self.0.get_mut(endpoint) {
            endpoint.parallel -= 1;
        }
    }

    /// The most calls of this endpoint that were under way at one time.
    pub(crate) fn parallel_most(&self, endpoint: &str) -> u32 {
        self.0
            .get(endpoint)
            .map_or(0, |endpoint| endpoint.parallel_most)
    }

    /// Counts a call against the limits.
    pub(crate) fn check(
        &mut self,
        endpoint: &str,
        per_minute: Option<u32>,
        parallel_max: Option<u32>,
        now: Duration,
    ) -> Result<(), Errcode> {
        let endpoint = self.0.entry(endpoint.to_owned()).or_default();
        if now < endpoint.blocked_until {
            return refuse(45009);
        }
        if now.saturating_sub(endpoint.window_start) >= MINUTE {
            endpoint.window_start = now;
            endpoint.in_window = 0;
        }
        endpoint.in_window += 1;
        if per_minute.is_some_and(|most| endpoint.in_window > most) {
            // The block lasts as long as the window that was exceeded.
            endpoint.blocked_until = now + MINUTE;
            return refuse(45009);
        }
        if parallel_max.is_some_and(|most| endpoint.parallel > most) {
            return refuse(45033);
        }
        Ok(())
    }
}
