//! Virtual time: the clock stands until nothing but sleepers is left, and then jumps to the first of them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use camsync::pipeline::Clock;
use chrono::{DateTime, TimeDelta, Utc};

/// So many polls of one step's future are one that never ends.
const MOST_POLLS: u64 = 400_000;

/// A clock that only [`drive`] and [`SimClock::advance`] move.
#[derive(Debug)]
pub struct SimClock(Mutex<State>);

#[derive(Debug)]
struct State {
    now: DateTime<Utc>,
    last_id: u64,
    sleepers: BTreeMap<(DateTime<Utc>, u64), Waker>,
}

impl SimClock {
    /// A clock that stands at this moment.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(State {
            now,
            last_id: 0,
            sleepers: BTreeMap::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets so much time pass while nothing runs.
    pub fn advance(&self, by: TimeDelta) {
        self.state().now += by;
    }

    /// Jumps to the first sleeper and wakes it; whether there was one.
    fn jump(&self) -> bool {
        let first = {
            let mut state = self.state();
            let first = state.sleepers.pop_first();
            if let Some(((at, _), _)) = &first {
                state.now = state.now.max(*at);
            }
            first
        };
        if let Some((_, waker)) = &first {
            waker.wake_by_ref();
        }
        first.is_some()
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        let at = {
            let state = self.state();
            state.now + TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(1))
        };
        Sleep {
            clock: self,
            at,
            id: None,
        }
        .await;
    }
}

struct Sleep<'a> {
    clock: &'a SimClock,
    at: DateTime<Utc>,
    id: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        // At least one turn goes to others, also for no time at all: each is a point where a crash can fall.
        if self.id.is_some() && state.now >= self.at {
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or(state.last_id + 1);
        state.last_id = state.last_id.max(id);
        state.sleepers.insert((self.at, id), cx.waker().clone());
        drop(state);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.state().sleepers.remove(&(self.at, id));
        }
    }
}

/// How a future ended.
#[derive(Debug)]
pub enum Ending<T> {
    /// By itself.
    Done(T),
    /// It was dropped after so many polls as it was given: the process was killed.
    Crashed,
    /// It waits for something that never comes, or turns in circles.
    Stuck,
}

/// Runs a future alone on this thread, in virtual time; kills it after `polls`, when given.
pub fn drive<F: Future>(clock: &SimClock, future: F, polls: Option<u64>) -> Ending<F::Output> {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut future = Box::pin(future);
    for done in 0..MOST_POLLS {
        if polls.is_some_and(|most| done >= most) {
            return Ending::Crashed;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return Ending::Done(value);
        }
        if !woken.0.swap(false, Ordering::SeqCst) && !clock.jump() {
            return Ending::Stuck;
        }
    }
    Ending::Stuck
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
