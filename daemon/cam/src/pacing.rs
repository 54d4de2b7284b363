//! How fast each action may be called: evenly spaced, slower when CAM says so, faster again by and by.
//!
//! The decisions are pure and stand in this file; [`Pacer`] applies them to callers that wait.

use std::time::Duration;

mod pacer;

pub use pacer::Pacer;

/// The lowest rate that can be asked for, in requests per second: one call in 100 seconds.
pub(crate) const RATE_MIN: f64 = 0.01;

/// When a call may start. Given when the `next` slot opens, the time `now` and the `interval` between slots, it
/// returns how long to wait and when the slot after that one opens.
///
/// A caller who is late by less than half an interval gets the slot it missed, so that the jitter of timers costs
/// no throughput; one who comes later starts a new row of slots, so that idle time is never saved up for a burst.
#[must_use]
pub fn next_slot(next: Duration, now: Duration, interval: Duration) -> (Duration, Duration) {
    let slot = if now > next.saturating_add(interval / 2) {
        now
    } else {
        next
    };
    (slot.saturating_sub(now), slot.saturating_add(interval))
}

/// Refusals this close together are one event: the calls that were under way when the limit was reached.
const ONE_EVENT: Duration = Duration::from_secs(1);
/// What remains of the rate after a refusal: enough of a cut to get clear of a limit in a few steps, little enough
/// that one chance refusal costs a first sync some seconds only.
const SLOWED: f64 = 0.7;
/// The slowest that refusals can make it, as a part of the configured rate.
const SLOWEST: f64 = 1.0 / 32.0;
/// How much of the configured rate comes back in a second. With this slope an action that shares its limit with
/// others meets it in under one of a hundred calls, down to a fifth of the limit left for us.
const RECOVERED_PER_SECOND: f64 = 1.0 / 480.0;

/// How much of its rate an action (or the account) may use at present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brake {
    /// The part left by the last refusal.
    part: f64,
    /// When that was.
    pressed: Option<Duration>,
    /// Nothing is sent before this.
    hold_until: Duration,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            part: 1.0,
            pressed: None,
            hold_until: Duration::ZERO,
        }
    }
}

impl Brake {
    /// The part of the configured rate that may be used at `now`, in (0, 1].
    #[must_use]
    pub fn part(&self, now: Duration) -> f64 {
        let recovering = self
            .pressed
            .map_or(Duration::ZERO, |pressed| now.saturating_sub(pressed));
        (self.part + recovering.as_secs_f64() * RECOVERED_PER_SECOND).min(1.0)
    }

    /// How much longer nothing at all may be sent.
    #[must_use]
    pub fn hold(&self, now: Duration) -> Duration {
        self.hold_until.saturating_sub(now)
    }

    /// After a refusal at `now`: silence for `pause`, then a part of the rate.
    #[must_use]
    pub fn press(&self, now: Duration, pause: Duration) -> Self {
        let same_event = self
            .pressed
            .is_some_and(|last| now.saturating_sub(last) < ONE_EVENT);
        let part = if same_event {
            self.part
        } else {
            (self.part(now) * SLOWED).max(SLOWEST)
        };
        Self {
            part,
            pressed: if same_event { self.pressed } else { Some(now) },
            hold_until: self.hold_until.max(now.saturating_add(pause)),
        }
    }
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
