//! Outbox: works off what the ledger says is to be done. Order per sub-user, concurrency across them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camsync_cam::{Cam, SecretText};
use camsync_core::change::Hold;
use camsync_core::object::{Object, ObjectKind};
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::plan::quota::Quota;
use camsync_core::retry::{self, FailureClass, Next};
use camsync_core::rules::Retry;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use crate::ledger::{
    AttemptEnd, ChangeRow, Failure, FullQuota, Ledger, LedgerError, NEW_SUB_USERS,
};
use crate::metrics::Metrics;
use crate::telemetry::spans;

use super::apply::{self, Outcome, Resolve, SignIn};
use super::clock::Clock;
use super::full::{Alike, Full, Ids};
use super::lines::{Claim, Line, Lines};
use super::progress::{Progress, ProgressSink};

pub use super::lines::Claims;

/// Sub-users that are worked on at once. Pacing is the CAM client's own.
const SIDE_BY_SIDE: usize = 24;
/// A sub-user that somebody else is working on is looked at again after this.
const CLAIMED: TimeDelta = TimeDelta::milliseconds(20);
/// A pause of the clock no longer than this lets new events in.
const NAP: Duration = Duration::from_millis(500);

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

/// Which changes are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All that is due.
    All,
    /// What was cut short or never answered; it is read, and nothing is sent.
    Unsettled,
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
    /// Sources that a plan of this process has looked at: what an earlier one left waiting, perhaps days ago, is sent
    /// only once a plan still calls for it.
    pub planned: HashSet<String>,
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

    /// Settles what was cut short, or never answered and may have made something camsync's own, and nothing else: each
    /// such change is read once, and nothing is sent.
    ///
    /// # Errors
    /// As [`Worker::drain`].
    pub async fn settle_unsettled(&self, until: DateTime<Utc>) -> Result<Report, LedgerError> {
        self.work_off(until, Scope::Unsettled).await
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
        let mut lines = Lines::default();
        let outbox = match scope {
            Scope::Unsettled => self.reopened()?,
            Scope::All | Scope::Urgent => self.ledger.outbox()?,
        };
        let urgent: HashSet<Line> = outbox.iter().filter(|c| c.urgent).map(Line::of).collect();
        for change in outbox {
            let cut_short = change.status == Status::InFlight;
            let line = Line::of(&change);
            let first = cut_short && urgent.contains(&line);
            match scope {
                Scope::Urgent if !(change.urgent || first) => continue,
                _ => {}
            }
            let past_freeze = change.urgent || first;
            if self.frozen_sources.contains(&change.source) && !past_freeze {
                // It stays recorded, and is nobody's to wait for.
                continue;
            }
            let looked_at = scope == Scope::Unsettled || self.planned.contains(&change.source);
            if (report.frozen || !looked_at) && !past_freeze {
                report.pending += 1;
                continue;
            }
            lines.add(change);
        }
        let total = lines.len();
        let mut waiting: Vec<(DateTime<Utc>, Line)> = Vec::new();
        let mut parked: HashMap<Alike, Hold> = HashMap::new();
        let mut running = FuturesUnordered::new();
        self.say(total, &report);
        loop {
            let now = self.clock.now();
            for (_, line) in waiting.extract_if(.., |(at, _)| *at <= now) {
                lines.again(line);
            }
            report.gave_way = (self.give_way)();
            let stop =
                self.stopping.load(Ordering::SeqCst) || report.stopped.is_some() || report.gave_way;
            while running.len() < SIDE_BY_SIDE && !stop {
                let Some(line) = lines.next() else {
                    break;
                };
                let Some(change) = lines.front(&line).cloned() else {
                    continue;
                };
                if change.status == Status::Pending && scope != Scope::Unsettled {
                    if let Some(at) = change
                        .next_attempt_at
                        .filter(|at| !retry::is_due(self.retry, *at, now))
                    {
                        waiting.push((at, line));
                        continue;
                    }
                    if let Some(maker) = self.maker(&change, &lines)? {
                        lines.block(line, maker);
                        continue;
                    }
                    let met = Alike::of(&change).find_map(|alike| parked.get(&alike));
                    let hold = match met.cloned() {
                        Some(hold) => Some(hold),
                        None => self.prerequisite(&change)?,
                    };
                    if let Some(hold) = hold {
                        self.ledger.hold_change(change.id, &hold)?;
                        report.held.push((change.id, change.username.clone(), hold));
                        lines.advance(&line);
                        continue;
                    }
                }
                let Some(claim) = self.claims.take(&line) else {
                    waiting.push((now + CLAIMED, line));
                    continue;
                };
                let settle_only = match scope {
                    Scope::All => false,
                    Scope::Unsettled => true,
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
                    && waiting
                        .iter()
                        .all(|(_, line)| lines.front(line).is_some_and(is_throttled));
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
            let line = Line::of(&change);
            match ended {
                Ended::Applied => {
                    report.applied += 1;
                    lines.advance(&line);
                }
                Ended::Overtaken => lines.advance(&line),
                Ended::Failed(failure) => {
                    report
                        .failed
                        .push((change.id, change.username.clone(), failure));
                    // What follows for this sub-user may still be done; other sub-users go on in any case.
                    lines.advance(&line);
                }
                Ended::Held(hold, alike) => {
                    if let Some(alike) = alike {
                        parked.insert(alike, hold.clone());
                    }
                    report.held.push((change.id, change.username.clone(), hold));
                    lines.advance(&line);
                }
                Ended::Again(_)
                    if scope == Scope::Unsettled || (scope == Scope::Urgent && !change.urgent) =>
                {
                    lines.advance(&line);
                }
                Ended::Again(at) => {
                    if let Some(now) = self.ledger.change(change.id)? {
                        lines.replace_front(&line, now);
                    }
                    waiting.push((at, line));
                }
                Ended::Stopped(failure) => report.stopped = Some(failure),
            }
            self.say(total, &report);
        }
        let left = lines.len();
        report.pending += left;
        report.gave_way &= left > 0;
        Ok(report)
    }

    /// The line that is to make the group or policy which a change needs: that change is still to come here.
    fn maker(&self, change: &ChangeRow, lines: &Lines) -> Result<Option<Line>, LedgerError> {
        let Some(object) = self.unmade(change)? else {
            return Ok(None);
        };
        let maker = Line::Object(object.kind, object.name.clone());
        Ok(lines.has(&maker).then_some(maker))
    }

    /// What a change needs and is not there, for the change that makes it waits or has failed.
    fn prerequisite(&self, change: &ChangeRow) -> Result<Option<Hold>, LedgerError> {
        if change.object.is_none() {
            return Ok(None);
        }
        if let Some(sub_user) = change.sub_user
            && self
                .ledger
                .sub_user(sub_user)?
                .is_none_or(|s| s.uin.is_none())
        {
            let what = format!("sub-user {}", change.username);
            return Ok(Some(Hold::Prerequisite { what }));
        }
        let unmade = self.unmade(change)?;
        Ok(unmade.map(|object| Hold::Prerequisite {
            what: object.to_string(),
        }))
    }

    /// The group or policy that a sub-user's change is about, when camsync is to make it and has not.
    fn unmade<'c>(&self, change: &'c ChangeRow) -> Result<Option<&'c Object>, LedgerError> {
        let object = change.object.as_ref().filter(|object| {
            change.sub_user.is_some() && object.id.is_none() && object.kind != ObjectKind::Key
        });
        let Some(object) = object else {
            return Ok(None);
        };
        let made = self.ledger.made_object(object.kind, &object.name)?;
        Ok(made.is_none_or(|(id, _)| id.is_none()).then_some(object))
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
        let sub_user = match queued.sub_user {
            Some(id) => self.ledger.sub_user(id)?,
            None => None,
        };
        let Some(change) = self.ledger.change(queued.id)? else {
            return Ok((queued, Ended::Overtaken));
        };
        if !matches!(change.status, Status::Pending | Status::InFlight) {
            return Ok((change, Ended::Overtaken));
        }
        // An attempt that is still in flight was cut short; one that ended unknown was left open. Both are read first.
        let cut_short = change.status == Status::InFlight;
        let stopped = sub_user.as_ref().is_some_and(|s| s.stopped_at.is_some());
        // What would give back what a person has taken by a suspension since is not sent again either.
        let settle_only = settle_only || (cut_short && stopped && change.gives_back());
        // Of any attempt: what ended a later one, a throttle or a missing permission, says nothing about an earlier one.
        let left_open = change.last_error.is_some() && self.ledger.is_open(change.id)?;
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
        let made = match &change.object {
            Some(object) if change.sub_user.is_none() || object.id.is_none() => {
                self.ledger.made_object(object.kind, &object.name)?
            }
            _ => None,
        };
        let about = apply::About {
            change: &change,
            sub_user: sub_user.as_ref(),
            made: made.as_ref(),
        };
        let outcome = apply::attempt(self.cam, &about, resolve, self.sign_in, &mut password)
            .instrument(span.clone())
            .await;
        let now = self.clock.now();
        let failed = match &outcome {
            Outcome::Applied { .. } => None,
            Outcome::Failed(failure) => Some(failure.class),
        };
        span.record("result", self.metrics.attempted(change.kind, failed));
        let planned = change.object.as_ref().and_then(|o| o.id);
        let ids = Ids {
            uin: sub_user.as_ref().and_then(|s| s.uin),
            object: planned.or_else(|| made.and_then(|(id, _)| id)),
        };
        let ended = self.settle(&change, ids, number, now, &outcome).await?;
        drop(claim);
        Ok((change, ended))
    }

    async fn settle(
        &self,
        change: &ChangeRow,
        ids: Ids,
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
            Next::Hold => {
                let hold = self.hold(change, ids, failure, now).await?;
                (Event::Hold, None, Some(hold))
            }
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
            (Next::Hold, Some((hold, alike))) => Ended::Held(hold, alike),
            (Next::Stop, _) => Ended::Stopped(failure.clone()),
            (Next::After(pause), _) => Ended::Again(now + pause),
            _ => Ended::Failed(failure.clone()),
        })
    }

    /// What the change waits for, and which others would meet the same.
    async fn hold(
        &self,
        change: &ChangeRow,
        ids: Ids,
        failure: &Failure,
        now: DateTime<Utc>,
    ) -> Result<(Hold, Option<Alike>), LedgerError> {
        if failure.class == FailureClass::Permission {
            let action = failure.action.clone().unwrap_or_default();
            return Ok((Hold::Permission { action }, Some(Alike::Kind(change.kind))));
        }
        let Some(full) = Full::of(change, ids, &failure.code) else {
            let hold = Hold::Quota {
                quota: failure.code.clone(),
                limit: None,
                used: 0,
                wanted: 1,
            };
            return Ok((hold, None));
        };
        let counted = match full.quota {
            Some(quota) => apply::count(self.cam, quota, full.of).await,
            None => None,
        };
        let quota = full.quota.map_or(NEW_SUB_USERS, Quota::as_str);
        self.ledger.note_full_quota(&FullQuota {
            quota: quota.to_owned(),
            of: full.of,
            used: counted,
            since: now,
            retry_at: now + full.again,
        })?;
        let observed = match full.alike {
            Alike::Kind(Kind::CreateUser) => self.ledger.meta("observed_sub_users")?,
            _ => None,
        };
        let used = counted.or_else(|| observed.and_then(|n| n.parse().ok()));
        let hold = Hold::Quota {
            quota: quota.to_owned(),
            limit: counted,
            used: used.unwrap_or(0),
            wanted: 1,
        };
        Ok((hold, Some(full.alike)))
    }

    /// What is unsettled, ready to be read.
    fn reopened(&self) -> Result<Vec<ChangeRow>, LedgerError> {
        let unsettled = self.ledger.unsettled()?;
        let reopened = unsettled.iter().map(|c| self.ledger.reopen(c.id));
        Ok(reopened
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }
}

/// Whether a change waits because CAM asked for fewer requests (`cam-api.md` 9).
fn is_throttled(change: &ChangeRow) -> bool {
    let failure = change.last_error.as_ref();
    failure.is_some_and(|f| f.code.starts_with("RequestLimitExceeded"))
}

enum Ended {
    Applied,
    /// There was nothing to be done any more.
    Overtaken,
    Failed(Failure),
    /// And which others would meet the same.
    Held(Hold, Option<Alike>),
    Again(DateTime<Utc>),
    Stopped(Failure),
}
