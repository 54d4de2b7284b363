//! Outbox: works off what the ledger says is to be done. Order per sub-user, concurrency across them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camsync_cam::{Cam, SecretText};
use camsync_core::change::Hold;
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::retry::{self, FailureClass, Next};
use camsync_core::rules::Retry;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use crate::ledger::{AttemptEnd, ChangeRow, Failure, Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::telemetry::spans;

use super::apply::{self, Outcome, Resolve, SignIn};
use super::clock::Clock;
use super::progress::{Progress, ProgressSink};

/// Sub-users that are worked on at once. Pacing is the CAM client's own.
const SIDE_BY_SIDE: usize = 24;
/// A sub-user that somebody else is working on is looked at again after this.
const CLAIMED: TimeDelta = TimeDelta::milliseconds(20);
/// A pause of the clock no longer than this lets new events in.
const NAP: Duration = Duration::from_millis(500);

/// What the ledger remembers of a quota that CAM said is full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullQuota {
    /// `sub_users` or `new_sub_users_per_day`.
    pub quota: String,
    /// When CAM said so.
    pub since: DateTime<Utc>,
    /// How many there were when CAM was next read.
    pub used: Option<u64>,
    /// Tried again by then at the latest.
    pub retry_at: DateTime<Utc>,
}

/// The ledger's key for [`FullQuota`].
pub const FULL_QUOTA: &str = "full_quota";
/// The ledger's key for a freeze: who froze, and when.
pub const FROZEN: &str = "frozen";

/// What working off came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Changes applied.
    pub applied: usize,
    /// Changes that failed for good, with why.
    pub failed: Vec<(i64, String, Failure)>,
    /// Changes that now wait for room or a permission.
    pub held: Vec<(i64, String, Hold)>,
    /// Changes that are still to be done.
    pub pending: usize,
    /// When the next of these is due.
    pub next_at: Option<DateTime<Utc>>,
    /// Why the whole target stopped, if it did.
    pub stopped: Option<Failure>,
    /// No write is allowed at all.
    pub frozen: bool,
    /// It ended early, to make room for somebody else.
    #[serde(default)]
    pub gave_way: bool,
}

impl Report {
    /// What this and, after it, `later` came to together.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.failed.extend(later.failed);
        self.held.extend(later.held);
        Self {
            applied: self.applied + later.applied,
            failed: self.failed,
            held: self.held,
            ..later
        }
    }
}

/// Randomness, handed in.
pub trait Chance: Sync {
    /// Spreads pauses: 0 to 1.
    fn dice(&self) -> f64;
    /// A first password that nobody will know.
    fn password(&self) -> SecretText;
}

/// Sub-users that are being worked on: two workers in one process, a pass and an emergency, never meet at one.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashSet<i64>>);

/// One sub-user's claim; given back when dropped.
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    sub_user: i64,
}

impl Claims {
    /// Takes a sub-user, unless somebody else has it.
    pub(super) fn take(&self, sub_user: i64) -> Option<Claim<'_>> {
        let free = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sub_user);
        // Made only when it is free: a claim that is dropped gives the sub-user back.
        free.then(|| Claim {
            claims: self,
            sub_user,
        })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut taken = self.claims.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.sub_user);
    }
}

/// Which changes are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All that is due.
    All,
    /// What was cut short; it is read, and nothing is sent.
    InFlight,
    /// A person's emergencies.
    Urgent,
}

/// What working off needs.
pub struct Worker<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The cloud.
    pub cam: &'a dyn Cam,
    /// The time.
    pub clock: &'a dyn Clock,
    /// When to try again.
    pub retry: &'a Retry,
    /// How sub-users sign in.
    pub sign_in: SignIn,
    /// Where attempts are counted.
    pub metrics: &'a Metrics,
    /// Where randomness comes from.
    pub chance: &'a dyn Chance,
    /// Set when the process is to end: nothing new is begun.
    pub stopping: &'a AtomicBool,
    /// Sub-users that somebody in this process is working on.
    pub claims: &'a Claims,
    /// Sources of which nothing may be written: gone from the file, or answering for another enterprise.
    pub frozen_sources: HashSet<String>,
    /// Who watches.
    pub progress: &'a ProgressSink,
    /// A throttle longer than this is not waited out: the work ends and says until when. Absent: it is.
    pub patience: Option<chrono::TimeDelta>,
    /// Whether to begin nothing more, for somebody else is waiting.
    pub give_way: &'a (dyn Fn() -> bool + Sync),
}

impl Worker<'_> {
    /// Works until nothing is left that can be done before `until`.
    ///
    /// # Errors
    /// When the ledger fails. What was sent and not recorded is in flight there, and is resolved by reading later.
    pub async fn drain(&self, until: DateTime<Utc>) -> Result<Report, LedgerError> {
        self.work_off(until, Scope::All).await
    }

    /// Settles what was cut short, and nothing else: each such change is read once.
    ///
    /// # Errors
    /// As [`Worker::drain`].
    pub async fn settle_in_flight(&self, until: DateTime<Utc>) -> Result<Report, LedgerError> {
        self.work_off(until, Scope::InFlight).await
    }

    /// Works off a person's emergencies and nothing else, whatever another worker is doing.
    ///
    /// # Errors
    /// As [`Worker::drain`].
    pub async fn drain_urgent(&self, until: DateTime<Utc>) -> Result<Report, LedgerError> {
        self.work_off(until, Scope::Urgent).await
    }

    async fn work_off(&self, until: DateTime<Utc>, scope: Scope) -> Result<Report, LedgerError> {
        let span = spans::apply();
        let report = self.run(until, scope).instrument(span.clone()).await?;
        span.record("applied", report.applied);
        span.record("failed", report.failed.len());
        span.record("held", report.held.len());
        span.record("pending", report.pending);
        Ok(report)
    }

    async fn run(&self, until: DateTime<Utc>, scope: Scope) -> Result<Report, LedgerError> {
        let mut report = Report {
            frozen: self.ledger.meta(FROZEN)?.is_some(),
            ..Report::default()
        };
        let mut queues: HashMap<i64, VecDeque<ChangeRow>> = HashMap::new();
        let mut order = Vec::new();
        let outbox = self.ledger.outbox()?;
        let urgent: HashSet<i64> = outbox
            .iter()
            .filter(|c| c.urgent)
            .map(|c| c.sub_user)
            .collect();
        for change in outbox {
            let cut_short = change.status == Status::InFlight;
            let first = cut_short && urgent.contains(&change.sub_user);
            match scope {
                Scope::Urgent if !(change.urgent || first) => continue,
                Scope::InFlight if !cut_short => continue,
                _ => {}
            }
            let past_freeze = change.urgent || first;
            if self.frozen_sources.contains(&change.source) && !past_freeze {
                // It stays recorded, and is nobody's to wait for.
                continue;
            }
            if report.frozen && !past_freeze {
                report.pending += 1;
                continue;
            }
            let queue = queues.entry(change.sub_user).or_default();
            if queue.is_empty() {
                order.push(change.sub_user);
            }
            queue.push_back(change);
        }
        let total: usize = queues.values().map(VecDeque::len).sum();
        let mut waiting: Vec<(DateTime<Utc>, i64)> = Vec::new();
        let mut ready: VecDeque<i64> = order.into();
        let mut parked: HashMap<Kind, Hold> = HashMap::new();
        let mut running = FuturesUnordered::new();
        self.say(total, &report);
        loop {
            let now = self.clock.now();
            waiting.retain(|(at, sub_user)| {
                let due = *at <= now;
                if due {
                    ready.push_back(*sub_user);
                }
                !due
            });
            report.gave_way = scope == Scope::All && (self.give_way)();
            let stop =
                self.stopping.load(Ordering::SeqCst) || report.stopped.is_some() || report.gave_way;
            while running.len() < SIDE_BY_SIDE && !stop {
                let Some(sub_user) = ready.pop_front() else {
                    break;
                };
                let Some(change) = queues.get(&sub_user).and_then(|q| q.front()).cloned() else {
                    continue;
                };
                if change.status == Status::Pending {
                    if let Some(at) = change
                        .next_attempt_at
                        .filter(|at| !retry::is_due(self.retry, *at, now))
                    {
                        waiting.push((at, sub_user));
                        continue;
                    }
                    if let Some(hold) = parked.get(&change.kind).cloned() {
                        self.ledger.hold_change(change.id, &hold)?;
                        report.held.push((change.id, change.username.clone(), hold));
                        advance(&mut queues, &mut ready, sub_user);
                        continue;
                    }
                }
                let Some(claim) = self.claims.take(sub_user) else {
                    waiting.push((now + CLAIMED, sub_user));
                    continue;
                };
                let settle_only = match scope {
                    Scope::All => false,
                    Scope::InFlight => true,
                    // What was cut short comes before the emergency, and is not sent again.
                    Scope::Urgent => !change.urgent,
                };
                running.push(self.once(change, claim, settle_only));
            }
            if running.is_empty() {
                let Some(at) = waiting.iter().map(|(at, _)| *at).min().filter(|_| !stop) else {
                    break;
                };
                let throttled = self.patience.is_some_and(|most| at - now > most)
                    && waiting.iter().all(|(_, s)| is_throttled(queues.get(s)));
                if at > until || throttled {
                    report.next_at = Some(at);
                    break;
                }
                let pause = (at - now).to_std().unwrap_or_default();
                self.progress.say(Progress::Waiting {
                    seconds: pause.as_secs(),
                    what: "the next attempt".into(),
                });
                self.clock.sleep(pause.min(NAP)).await;
                continue;
            }
            let next_due = waiting.iter().map(|(at, _)| *at).min();
            let nap = next_due.map_or(NAP, |at| {
                (at - self.clock.now())
                    .to_std()
                    .unwrap_or_default()
                    .min(NAP)
            });
            let done = tokio::select! {
                biased;
                done = running.next() => done,
                () = self.clock.sleep(nap.max(Duration::from_millis(5))) => None,
            };
            let Some(done) = done else { continue };
            let (change, ended) = done?;
            match ended {
                Ended::Applied => {
                    report.applied += 1;
                    advance(&mut queues, &mut ready, change.sub_user);
                }
                Ended::Overtaken => advance(&mut queues, &mut ready, change.sub_user),
                Ended::Failed(failure) => {
                    report
                        .failed
                        .push((change.id, change.username.clone(), failure));
                    // What follows for this sub-user may still be done; other sub-users go on in any case.
                    advance(&mut queues, &mut ready, change.sub_user);
                }
                Ended::Held(hold, park) => {
                    if park {
                        parked.insert(change.kind, hold.clone());
                    }
                    report.held.push((change.id, change.username.clone(), hold));
                    advance(&mut queues, &mut ready, change.sub_user);
                }
                Ended::Again(_)
                    if scope == Scope::InFlight || (scope == Scope::Urgent && !change.urgent) =>
                {
                    advance(&mut queues, &mut ready, change.sub_user);
                }
                Ended::Again(at) => {
                    if let Some(front) = queues
                        .get_mut(&change.sub_user)
                        .and_then(VecDeque::front_mut)
                        && let Some(now) = self.ledger.change(front.id)?
                    {
                        *front = now;
                    }
                    waiting.push((at, change.sub_user));
                }
                Ended::Stopped(failure) => report.stopped = Some(failure),
            }
            self.say(total, &report);
        }
        let left = queues.values().map(VecDeque::len).sum::<usize>();
        report.pending += left;
        report.gave_way &= left > 0;
        Ok(report)
    }

    fn say(&self, total: usize, report: &Report) {
        if total > 0 {
            self.progress.say(Progress::Applying {
                done: report.applied + report.failed.len() + report.held.len(),
                total,
                failed: report.failed.len(),
            });
        }
    }

    /// One attempt, recorded before it is sent and after.
    async fn once(
        &self,
        queued: ChangeRow,
        claim: Claim<'_>,
        settle_only: bool,
    ) -> Result<(ChangeRow, Ended), LedgerError> {
        // With the claim in hand the row is read again: another worker, or a person, may have been faster.
        let (Some(sub_user), Some(change)) = (
            self.ledger.sub_user(queued.sub_user)?,
            self.ledger.change(queued.id)?,
        ) else {
            return Ok((queued, Ended::Overtaken));
        };
        if !matches!(change.status, Status::Pending | Status::InFlight) {
            return Ok((change, Ended::Overtaken));
        }
        // An attempt that is still in flight was cut short; one that ended unknown was left open. Both are read first.
        let cut_short = change.status == Status::InFlight;
        // What would give sign-in back to whom a person has suspended since is not sent again either.
        let switches_on = change
            .after
            .as_ref()
            .is_some_and(|a| a.console_login == Some(true));
        let settle_only =
            settle_only || (cut_short && switches_on && sub_user.stopped_at.is_some());
        let left_open = change
            .last_error
            .as_ref()
            .is_some_and(|e| e.class == FailureClass::Unknown);
        let resolve = match (settle_only, cut_short || left_open) {
            (true, _) => Resolve::Only,
            (false, true) => Resolve::First,
            (false, false) => Resolve::No,
        };
        let number = if cut_short {
            change.attempts
        } else if let Some(number) = self.ledger.start_attempt(change.id, self.clock.now())? {
            number
        } else {
            return Ok((change, Ended::Overtaken));
        };
        let mut password = || self.chance.password();
        let span = spans::attempt(change.id, change.kind, number);
        let outcome = apply::attempt(
            self.cam,
            &change,
            &sub_user,
            resolve,
            self.sign_in,
            &mut password,
        )
        .instrument(span.clone())
        .await;
        let now = self.clock.now();
        let failed = match &outcome {
            Outcome::Applied { .. } => None,
            Outcome::Failed(failure) => Some(failure.class),
        };
        span.record("result", self.metrics.attempted(change.kind, failed));
        let ended = self.settle(&change, number, now, &outcome)?;
        drop(claim);
        Ok((change, ended))
    }

    fn settle(
        &self,
        change: &ChangeRow,
        number: u32,
        now: DateTime<Utc>,
        outcome: &Outcome,
    ) -> Result<Ended, LedgerError> {
        let failure = match outcome {
            Outcome::Applied { effect, request_id } => {
                self.ledger.end_attempt(
                    change.id,
                    now,
                    &AttemptEnd {
                        event: Event::Succeed,
                        failure: None,
                        next_attempt_at: None,
                        hold: None,
                        effect: Some(*effect),
                        request_id: request_id.as_deref(),
                    },
                )?;
                return Ok(Ended::Applied);
            }
            Outcome::Failed(failure) => failure,
        };
        let next = retry::next(self.retry, failure.class, number, self.chance.dice());
        let (event, at, hold) = match next {
            Next::After(pause) => (Event::TryAgain, Some(now + pause), None),
            Next::Stop => (Event::TryAgain, None, None),
            Next::Fail => (Event::Fail, None, None),
            Next::Hold => (Event::Hold, None, Some(self.hold(change, failure, now)?)),
        };
        self.ledger.end_attempt(
            change.id,
            now,
            &AttemptEnd {
                event,
                failure: Some(failure),
                next_attempt_at: at,
                hold: hold.as_ref().map(|(hold, _)| hold),
                effect: None,
                request_id: None,
            },
        )?;
        Ok(match (next, hold) {
            (Next::Hold, Some((hold, park))) => Ended::Held(hold, park),
            (Next::Stop, _) => Ended::Stopped(failure.clone()),
            (Next::After(pause), _) => Ended::Again(now + pause),
            _ => Ended::Failed(failure.clone()),
        })
    }

    /// What the change waits for, and whether all others of its kind would meet the same.
    fn hold(
        &self,
        change: &ChangeRow,
        failure: &Failure,
        now: DateTime<Utc>,
    ) -> Result<(Hold, bool), LedgerError> {
        if failure.class == FailureClass::Permission {
            let action = failure.action.clone().unwrap_or_default();
            return Ok((Hold::Permission { action }, true));
        }
        let (quota, again) = match failure.code.as_str() {
            "InvalidParameter.SubUserFull" => ("sub_users", TimeDelta::hours(24)),
            "RequestLimitExceeded.CreateUser" => ("new_sub_users_per_day", TimeDelta::hours(1)),
            other => {
                let hold = Hold::Quota {
                    quota: other.to_owned(),
                    limit: None,
                    used: 0,
                    wanted: 1,
                };
                return Ok((hold, false));
            }
        };
        if change.kind == Kind::CreateUser {
            let full = FullQuota {
                quota: quota.to_owned(),
                since: now,
                used: None,
                retry_at: now + again,
            };
            let text = serde_json::to_string(&full).unwrap_or_default();
            self.ledger.set_meta(FULL_QUOTA, Some(&text))?;
        }
        let observed = self.ledger.meta("observed_sub_users")?;
        let used = observed.and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok((
            Hold::Quota {
                quota: quota.to_owned(),
                limit: None,
                used,
                wanted: 1,
            },
            true,
        ))
    }
}

/// Whether what is next for a sub-user waits because CAM asked for fewer requests (`cam-api.md` 9).
fn is_throttled(queue: Option<&VecDeque<ChangeRow>>) -> bool {
    queue
        .and_then(VecDeque::front)
        .and_then(|change| change.last_error.as_ref())
        .is_some_and(|failure| failure.code.starts_with("RequestLimitExceeded"))
}

enum Ended {
    Applied,
    /// There was nothing to be done any more.
    Overtaken,
    Failed(Failure),
    Held(Hold, bool),
    Again(DateTime<Utc>),
    Stopped(Failure),
}

/// The front of a sub-user's queue is done with; what follows is next.
fn advance(
    queues: &mut HashMap<i64, VecDeque<ChangeRow>>,
    ready: &mut VecDeque<i64>,
    sub_user: i64,
) {
    if let Some(queue) = queues.get_mut(&sub_user) {
        queue.pop_front();
        if queue.is_empty() {
            queues.remove(&sub_user);
        } else {
            ready.push_back(sub_user);
        }
    }
}
