//! Lets callers through, each action in its own queue.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Brake, RATE_MIN, next_slot};
use crate::{action::Action, clock::Clock};

/// CAM counts by the second; after a refusal that second is let go by.
const PAUSE: Duration = Duration::from_secs(1);
/// An account-wide limit is shared by every tool on the account.
const PAUSE_ACCOUNT: Duration = Duration::from_secs(2);
/// "Long pause" (`cam-api.md 9`): a limit by source address is not about this account's traffic alone.
const PAUSE_ADDRESS: Duration = Duration::from_secs(30);

/// Spaces the calls of each action evenly; shared by every caller of one account. First come, first served.
pub struct Pacer {
    clock: Arc<dyn Clock>,
    requests_per_second: f64,
    lanes: Mutex<HashMap<&'static str, Arc<Lane>>>,
    account: Mutex<Brake>,
}

/// One action's queue.
#[derive(Default)]
struct Lane {
    /// Held by the caller whose turn is next; this lock is fair, so the queue behind it is too.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<LaneState>,
}

#[derive(Debug, Default, Clone, Copy)]
struct LaneState {
    next: Duration,
    brake: Brake,
}

impl Pacer {
    /// A pacer for `requests_per_second` calls of each usual action; less than 0.01 is taken for 0.01.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, requests_per_second: f64) -> Self {
        Self {
            clock,
            requests_per_second: requests_per_second.max(RATE_MIN),
            lanes: Mutex::default(),
            account: Mutex::default(),
        }
    }

    /// Returns when a call of this action may be sent. Dropping the future leaves the queue and costs no slot.
    pub async fn admit(&self, action: &Action) {
        let lane = self.lane(action);
        let _turn = lane.turn.lock().await;
        // The state is looked at anew after each sleep: a refusal meanwhile moves the slot.
        while let Some(wait) = self.try_take(&lane, action) {
            self.clock.sleep(wait).await;
        }
    }

    /// Slows down as far as this answer of CAM asks for; any code but a rate limit changes nothing.
    pub fn refused(&self, action: &Action, code: &str) {
        let now = self.clock.now();
        let pause = match code {
            "RequestLimitExceeded.UinLimitExceeded"
            | "RequestLimitExceeded.GlobalRegionUinLimitExceeded" => PAUSE_ACCOUNT,
            "RequestLimitExceeded.IPLimitExceeded" => PAUSE_ADDRESS,
            "RequestLimitExceeded" => {
                let lane = self.lane(action);
                let mut state = locked(&lane.state);
                state.brake = state.brake.press(now, PAUSE);
                return;
            }
            _ => return,
        };
        let mut account = locked(&self.account);
        *account = account.press(now, pause);
    }

    /// The rate that this action may be called at now, in requests per second.
    #[must_use]
    pub fn rate(&self, action: &Action) -> f64 {
        let now = self.clock.now();
        let lane = self.lane(action);
        let part = locked(&lane.state)
            .brake
            .part(now)
            .min(locked(&self.account).part(now));
        self.requests_per_second * action.share.fraction() * part
    }

    /// How much longer a refusal keeps every call of this action waiting: what a one-shot command looks at before it
    /// decides to wait.
    #[must_use]
    pub fn hold(&self, action: &Action) -> Duration {
        let now = self.clock.now();
        let lane = self.lane(action);
        let own = locked(&lane.state).brake.hold(now);
        own.max(locked(&self.account).hold(now))
    }

    /// Takes the slot if it is open; otherwise says how long until it is.
    fn try_take(&self, lane: &Lane, action: &Action) -> Option<Duration> {
        let interval = Duration::from_secs_f64(1.0 / self.rate(action));
        let now = self.clock.now();
        let mut state = locked(&lane.state);
        let hold = state.brake.hold(now).max(locked(&self.account).hold(now));
        let (wait, next) = next_slot(state.next, now, interval);
        let wait = wait.max(hold);
        if wait > Duration::ZERO {
            return Some(wait);
        }
        state.next = next;
        None
    }

    fn lane(&self, action: &Action) -> Arc<Lane> {
        locked(&self.lanes).entry(action.name).or_default().clone()
    }
}

impl std::fmt::Debug for Pacer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pacer")
            .field("requests_per_second", &self.requests_per_second)
            .finish()
    }
}

/// Each critical section here is a plain assignment, so what a panicking holder leaves behind is sound.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
