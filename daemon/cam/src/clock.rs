//! Where this crate takes its time from, so that a simulated run can hold the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

/// Two clocks and a way to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Time since some fixed moment; it never goes back. Pacing runs on it.
    fn now(&self) -> Duration;

    /// Seconds since 1970 in UTC, as the machine believes; signatures carry it.
    fn unix_seconds(&self) -> i64;

    /// Returns once `now` has advanced by `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The machine's own clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose `now` begins at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_seconds(&self) -> i64 {
        // A machine set before 1970 is signed as 1970; CAM then answers how far off that is.
        let elapsed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_time_is_in_seconds_since_1970() {
        // 2020 is over on any machine that builds this.
        assert!(SystemClock::new().unix_seconds() > 1_600_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_counts_from_its_start_and_sleeps_as_long_as_it_is_told() {
        let clock = SystemClock::default();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.sleep(Duration::from_secs(7)).await;
        assert_eq!(clock.now(), Duration::from_secs(7));
    }
}
