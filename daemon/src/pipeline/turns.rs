//! Turns: passes meet at one ledger and one cloud. One plans at a time, one applies at a time, nobody applies while
//! somebody plans, and applying makes room for whoever comes to plan: a leaver does not wait for a long import.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Who takes turns.
#[derive(Debug, Default)]
pub struct Turns {
    /// The ledger and the cloud, for as long as neither may move: a plan, or attempts.
    ground: Mutex<()>,
    /// The outbox, from the first attempt to the last, with pauses for planners.
    outbox: Mutex<()>,
    planners: AtomicUsize,
    hands: AtomicUsize,
}

/// Who applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applier {
    /// Somebody waits in front of it: makes room for planners and goes on.
    Hand,
    /// The daemon by itself: ends as soon as anybody else wants to do something; it comes again.
    Daemon,
}

/// Nothing else plans or applies while this lives.
pub type Turn<'a> = MutexGuard<'a, ()>;

/// Nothing else applies while this lives.
pub type Outbox<'a> = MutexGuard<'a, ()>;

impl Turns {
    /// The turn to plan.
    pub async fn to_plan(&self) -> Turn<'_> {
        let _waiting = Waiting::begin(&self.planners);
        self.ground.lock().await
    }

    /// The outbox. Taken before the turn, never after.
    pub async fn outbox(&self, who: Applier) -> Outbox<'_> {
        let _waiting = (who == Applier::Hand).then(|| Waiting::begin(&self.hands));
        self.outbox.lock().await
    }

    /// The turn to apply, for whoever has the outbox.
    pub async fn to_apply(&self, _outbox: &Outbox<'_>) -> Turn<'_> {
        self.ground.lock().await
    }

    /// Whether who applies should begin nothing more for now.
    #[must_use]
    pub fn give_way(&self, who: Applier) -> bool {
        self.planners.load(Ordering::SeqCst) > 0
            || (who == Applier::Daemon && self.hands.load(Ordering::SeqCst) > 0)
    }
}

/// Counts somebody who waits, until they have got it or gone away.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_planner_makes_both_kinds_give_way_and_is_next() {
        let turns = Arc::new(Turns::default());
        let outbox = turns.outbox(Applier::Hand).await;
        let turn = turns.to_apply(&outbox).await;
        assert!(!turns.give_way(Applier::Hand));
        let waiting = Arc::clone(&turns);
        let planner = tokio::spawn(async move { drop(waiting.to_plan().await) });
        until(|| turns.give_way(Applier::Hand) && turns.give_way(Applier::Daemon)).await;
        drop(turn);
        planner.await.unwrap();
        assert!(!turns.give_way(Applier::Daemon));
    }

    #[tokio::test]
    async fn only_the_daemon_gives_way_to_a_hand() {
        let turns = Arc::new(Turns::default());
        let outbox = turns.outbox(Applier::Daemon).await;
        let waiting = Arc::clone(&turns);
        let hand = tokio::spawn(async move { drop(waiting.outbox(Applier::Hand).await) });
        until(|| turns.give_way(Applier::Daemon)).await;
        assert!(!turns.give_way(Applier::Hand));
        hand.abort();
        until(|| !turns.give_way(Applier::Daemon)).await;
        drop(outbox);
    }
}
