//! The time, as the pipeline sees it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Tells the time and waits. Handed in, so that a run can be simulated.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The moment.
    fn now(&self) -> DateTime<Utc>;

    /// Returns once so much time has passed.
    async fn sleep(&self, duration: Duration);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
