//! When a call last got on, and how long it may go without: what `limits.idle` and `limits.time` measure.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::error::Limit;

/// One call's progress, as its imports see it.
pub(crate) struct Progress {
    started: Instant,
    last_ms: AtomicU64,
    waiting: AtomicBool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            last_ms: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
        }
    }

    /// Something got done: a hand-over, or the end of a request.
    pub(crate) fn mark(&self) {
        self.last_ms
            .store(milliseconds(self.started.elapsed()), Ordering::Relaxed);
    }

    /// Waits in an import, so that an idle end can say that the connector was not computing.
    pub(crate) async fn waiting<T>(&self, wait: impl Future<Output = T>) -> T {
        self.waiting.store(true, Ordering::Relaxed);
        let outcome = wait.await;
        self.waiting.store(false, Ordering::Relaxed);
        outcome
    }

    /// Ends when one of the two limits is over, and says which.
    pub(crate) async fn exceeded(&self, time: Duration, idle: Duration) -> Limit {
        let end = self.started + time;
        loop {
            let last = self.last_ms.load(Ordering::Relaxed);
            let idle_end = self.started + Duration::from_millis(last) + idle;
            tokio::time::sleep_until(end.min(idle_end)).await;
            if Instant::now() >= end {
                return Limit::Time {
                    allowed_ms: milliseconds(time),
                };
            }
            if self.last_ms.load(Ordering::Relaxed) == last {
                let computing = !self.waiting.load(Ordering::Relaxed);
                return Limit::Idle {
                    allowed_ms: milliseconds(idle),
                    computing,
                };
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(30);

    #[tokio::test]
    async fn without_progress_a_call_is_idle() {
        let progress = Progress::new();
        let limit = progress.exceeded(LONG, SHORT).await;
        assert_eq!(
            limit,
            Limit::Idle {
                allowed_ms: 30,
                computing: true
            }
        );
        let waiting = progress.waiting(std::future::pending::<()>());
        let limit = tokio::select! {
            biased;
            () = waiting => None,
            limit = progress.exceeded(LONG, SHORT) => Some(limit),
        };
        assert_eq!(
            limit,
            Some(Limit::Idle {
                allowed_ms: 30,
                computing: false
            })
        );
    }

    #[tokio::test]
    async fn progress_defers_idleness_but_not_the_end() {
        let progress = Progress::new();
        let marking = async {
            loop {
                tokio::task::yield_now().await;
                progress.mark();
            }
        };
        let limit = tokio::select! {
            limit = progress.exceeded(10 * SHORT, 5 * SHORT) => Some(limit),
            () = marking => None,
        };
        assert_eq!(limit, Some(Limit::Time { allowed_ms: 300 }));
    }
}
