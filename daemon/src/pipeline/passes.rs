//! Passes: crawl, compare, record, apply. Each is the steps of the flow in their order, under the turns they need.

use std::collections::{BTreeMap, HashMap, HashSet};

use camsync_cam::Cam;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tracing::Instrument as _;

use crate::ledger::{LedgerError, Recorded};
use crate::say::Blocked;
use crate::telemetry::spans;

use super::applications;
use super::basis::Basis;
use super::crawl::{self, Outcome as CrawlOutcome};
use super::crawls::Gathered;
use super::engine::{Engine, Parts};
use super::outbox::{Report, Worker};
use super::progress::{Progress, ProgressSink};
use super::reconcile::{self, Made, Ready, ReconcileError};
use super::source::SourceFailure;
use super::story;
use super::target::{self, Doing, Trouble};
use super::turns::Applier;

/// The longest throttle that a pass by hand waits out.
const LONGEST_THROTTLE: TimeDelta = TimeDelta::seconds(10);

/// Groups that are read beside each other; the CAM client paces them.
const READS_SIDE_BY_SIDE: usize = 12;

/// What set a pass off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Who, for the audit.
    pub actor: String,
    /// By a person's hand: what failed for good is asked again.
    pub by_hand: bool,
}

/// Says why a plan is not recorded after all; nothing when it may be. It sees the plan with its [`Basis`].
pub type Review<'a> = &'a (dyn Fn(&Made) -> Option<Blocked> + Send + Sync);

/// What a pass came to.
#[derive(Debug, Default)]
pub struct PassReport {
    /// The plan, when one could be made.
    pub plan: Option<Made>,
    /// What recording it came to.
    pub recorded: Recorded,
    /// What working off came to.
    pub outbox: Report,
    /// Sources that could not be crawled whole, and why.
    pub failures: Vec<(String, SourceFailure)>,
    /// Why no plan could be made.
    pub error: Option<Blocked>,
}

impl PassReport {
    /// Whether something went wrong that is not merely waiting for a person.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
            || self.error.is_some()
            || !self.outbox.failed.is_empty()
            || self.outbox.stopped.is_some()
            || self
                .outbox
                .held
                .iter()
                .any(|(_, _, hold)| matches!(hold, camsync_core::change::Hold::Permission { .. }))
    }
}

impl Engine {
    /// Crawls, compares, and shows what would change, on request with what that was made from. Changes nothing in the
    /// cloud and holds nothing.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn plan(
        &self,
        only: Option<&[String]>,
        with_basis: bool,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let Gathered {
            mut ready,
            failures,
            ..
        } = self.crawl(only, progress).await?;
        let _turn = self.turns.to_plan().await;
        self.store(&mut ready)?;
        let mut report = PassReport {
            failures,
            ..PassReport::default()
        };
        let parts = self.parts();
        let made = self.make(&parts, &ready, (false, with_basis), progress);
        match made.await {
            Ok((_, made)) => report.plan = Some(made),
            Err(error) => refused(&mut report, error)?,
        }
        Ok(report)
    }

    /// One full pass: crawl, compare, record, apply until `until`. For a plan that a person has read, nothing is recorded
    /// unless it passes `review`: what could not be asked whole cannot be known to be as it was, and ends it too.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn sync(
        &self,
        only: Option<&[String]>,
        trigger: &Trigger,
        review: Option<Review<'_>>,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let span = spans::pass();
        let gathered = self.crawl(only, progress).instrument(span.clone()).await?;
        if review.is_some() && !gathered.failures.is_empty() {
            return Ok(PassReport {
                failures: gathered.failures,
                ..PassReport::default()
            });
        }
        let finish = self.finish(gathered, trigger, review, until, progress);
        finish.instrument(span).await
    }

    /// Compares the stored snapshots with the cloud, records and applies: after a decision or a change of rules.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn reconcile(
        &self,
        trigger: &Trigger,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let finish = self.finish(self.stored(), trigger, None, until, progress);
        finish.instrument(spans::pass()).await
    }

    /// Every source as the ledger has it, without a crawl.
    #[must_use]
    pub fn stored(&self) -> Gathered {
        let parts = self.parts();
        let sources = parts.sources.iter();
        Gathered {
            ready: sources.map(|(n, s)| Ready::stored(n, &**s)).collect(),
            ..Gathered::default()
        }
    }

    /// Compares what was gathered with the cloud and records the plan. What it calls for is applied by [`Engine::drain`].
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn record(
        &self,
        gathered: Gathered,
        trigger: &Trigger,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        self.record_reviewed(gathered, trigger, None, progress)
            .await
    }

    async fn record_reviewed(
        &self,
        mut gathered: Gathered,
        trigger: &Trigger,
        review: Option<Review<'_>>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let _turn = self.turns.to_plan().await;
        let parts = self.parts();
        let mut report = PassReport {
            failures: gathered.failures,
            ..PassReport::default()
        };
        self.store(&mut gathered.ready)?;
        self.expire_applications(parts.policy.applications_expire_after)?;
        // What a crash left in flight, and what was never answered, is settled first: a plan does not touch a sub-user
        // of which that is unknown, and must not take for a stranger's what is camsync's own.
        if parts.cam.is_some() && !self.ledger().unsettled()?.is_empty() {
            self.settle_unsettled(&parts, progress).await?;
        }
        let span = spans::plan();
        let made = loop {
            let made = self
                .make(&parts, &gathered.ready, (true, review.is_some()), progress)
                .instrument(span.clone())
                .await;
            let Ok((_, plan)) = &made else { break made };
            report.error = review.and_then(|review| review(plan));
            if report.error.is_some() {
                return Ok(report);
            }
            // What a person has denied or taken back while this was made is not among what is planned next.
            if applications::approve(self.ledger(), &plan.approved, plan.now)? {
                break made;
            }
        };
        match made {
            Ok((account, made)) => {
                report.recorded = reconcile::record(
                    self.ledger(),
                    &made,
                    account.as_ref(),
                    &trigger.actor,
                    trigger.by_hand,
                    &mut || self.mark(),
                )?;
                self.has_planned_for(&made.sources);
                story::planned(
                    self.metrics(),
                    &span,
                    &trigger.actor,
                    &gathered.ready,
                    &made,
                    &report.recorded,
                );
                report.plan = Some(made);
                target::note(self.ledger(), self.clock().now(), Doing::Reading, None)?;
            }
            Err(error) => {
                if let Some(trouble) = Trouble::of(&error) {
                    let now = self.clock().now();
                    target::note(self.ledger(), now, Doing::Reading, Some(trouble))?;
                }
                story::not_planned(self.metrics(), &span, &error);
                refused(&mut report, error)?;
            }
        }
        self.passed.notify_one();
        Ok(report)
    }

    /// Works off what is due without making a plan.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn drain(
        &self,
        who: Applier,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<Report, LedgerError> {
        let outbox = self.turns.outbox(who).await;
        self.apply(&outbox, who, until, None, progress).await
    }

    /// Applies a person's emergencies at once, past whatever else is going on.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn urgent(
        &self,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<Report, LedgerError> {
        let parts = self.parts();
        let Some(cam) = &parts.cam else {
            return Ok(Report::default());
        };
        self.worker(&parts, &**cam, progress, &never)?
            .drain_urgent(until)
            .await
    }

    async fn finish(
        &self,
        gathered: Gathered,
        trigger: &Trigger,
        review: Option<Review<'_>>,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        // The outbox first: what this pass records, this pass applies, and nobody else counts it as theirs.
        let outbox = self.turns.outbox(Applier::Hand).await;
        let mut report = self
            .record_reviewed(gathered, trigger, review, progress)
            .await?;
        if report.error.is_none() {
            // By hand, somebody waits in front of it; the daemon has all the time.
            let patience = trigger.by_hand.then_some(LONGEST_THROTTLE);
            report.outbox = self
                .apply(&outbox, Applier::Hand, until, patience, progress)
                .await?;
        }
        Ok(report)
    }

    /// Makes what complete crawls found the snapshots, and corrects them by what look-ups found.
    fn store(&self, ready: &mut [Ready]) -> Result<(), LedgerError> {
        for source in ready {
            self.findings.keep(&source.name, &source.looked_up);
            match &mut source.crawl {
                Some(CrawlOutcome::Complete(complete)) => {
                    self.findings.correct(&source.name, complete);
                    let first = self.ledger().source(&source.name)?;
                    let moved =
                        crawl::store(self.ledger(), self.metrics(), &source.name, complete)?;
                    if first.is_some_and(|r| r.last_complete_at.is_some()) {
                        let began = complete.started_at;
                        self.hints().compare(&source.name, &moved.keys, began);
                    }
                }
                _ if source.looked_up.is_empty() => {}
                _ => self
                    .ledger()
                    .correct_members(&source.name, &source.looked_up)?,
            }
            self.follow_renamed(&source.name)?;
        }
        Ok(())
    }

    async fn apply(
        &self,
        outbox: &super::turns::Outbox<'_>,
        who: Applier,
        until: DateTime<Utc>,
        patience: Option<TimeDelta>,
        progress: &ProgressSink,
    ) -> Result<Report, LedgerError> {
        let give_way = || self.turns.give_way(who);
        let mut report = Report::default();
        loop {
            let _turn = self.turns.to_apply(outbox).await;
            let parts = self.parts();
            let Some(cam) = &parts.cam else {
                report.pending = self.ledger().outbox()?.len();
                return Ok(report);
            };
            let mut worker = self.worker(&parts, &**cam, progress, &give_way)?;
            worker.patience = patience;
            report = report.then(worker.drain(until).await?);
            let goes_on = report.gave_way && who == Applier::Hand && !self.stopped();
            if !goes_on || self.clock().now() >= until {
                // Whoever it gave way to reads CAM by itself.
                if report.applied > 0 && !report.gave_way {
                    self.confirm(&parts).await?;
                }
                let trouble = report.stopped.clone().map(Trouble::Cam);
                // What was not tried says nothing.
                if trouble.is_some() || report.applied > 0 || report.pending == 0 {
                    target::note(self.ledger(), self.clock().now(), Doing::Writing, trouble)?;
                }
                self.passed.notify_one();
                return Ok(report);
            }
        }
    }

    /// Reads CAM once after writing: from the moment that a read has shown a write, what somebody changes is drift,
    /// and what somebody takes away in an emergency is kept. What this read does not show yet, the next plan's may.
    async fn confirm(&self, parts: &Parts) -> Result<(), LedgerError> {
        let Some(cam) = &parts.cam else { return Ok(()) };
        let Ok(listed) = cam.list_sub_users(false).await else {
            return Ok(());
        };
        let seen: HashMap<u64, &camsync_cam::CloudUser> =
            listed.iter().map(|u| (u.uin, u)).collect();
        let shown: Vec<i64> = self
            .ledger()
            .unconfirmed()?
            .iter()
            .filter(|written| {
                seen.get(&written.uin).is_some_and(|user| {
                    user.console_login == Some(written.login)
                        && (user.remark.is_none()
                            || written.remark.is_none()
                            || user.remark == written.remark)
                })
            })
            .map(|written| written.sub_user)
            .collect();
        self.ledger().confirm(&shown)?;
        self.confirm_memberships(&**cam).await
    }

    /// The same for memberships, a group at a time.
    async fn confirm_memberships(&self, cam: &dyn Cam) -> Result<(), LedgerError> {
        let written = self.ledger().unconfirmed_memberships()?;
        let reads: Vec<_> = written
            .keys()
            .map(|group| async move { (*group, cam.group_members(*group).await) }.boxed())
            .collect();
        let mut reads = stream::iter(reads).buffer_unordered(READS_SIDE_BY_SIDE);
        let mut shown = Vec::new();
        while let Some((group, members)) = reads.next().await {
            let Ok(members) = members else { continue };
            let members: HashSet<u64> = members.iter().map(|m| m.uin).collect();
            let given = written.get(&group).into_iter().flatten();
            let seen = given.filter(|(_, uin)| members.contains(uin));
            shown.extend(seen.map(|(sub_user, _)| (*sub_user, group)));
        }
        self.ledger().confirm_memberships(&shown)
    }

    fn expire_applications(&self, after: std::time::Duration) -> Result<(), LedgerError> {
        let now = self.clock().now();
        let before = TimeDelta::from_std(after)
            .ok()
            .and_then(|after| now.checked_sub_signed(after));
        before.map_or(Ok(()), |before| {
            self.ledger().expire_applications(before, now)
        })
    }

    /// Reads CAM for every attempt whose outcome was not recorded; a key for another account settles nothing.
    async fn settle_unsettled(
        &self,
        parts: &Parts,
        progress: &ProgressSink,
    ) -> Result<(), LedgerError> {
        let Some(cam) = &parts.cam else { return Ok(()) };
        match reconcile::account(self.ledger(), &**cam).await {
            Ok(_) => {
                self.worker(parts, &**cam, progress, &never)?
                    .settle_unsettled(self.clock().now())
                    .await?;
                Ok(())
            }
            Err(ReconcileError::Ledger(error)) => Err(error),
            Err(_) => Ok(()),
        }
    }

    async fn make(
        &self,
        parts: &Parts,
        ready: &[Ready],
        (recording, with_basis): (bool, bool),
        progress: &ProgressSink,
    ) -> Result<(Option<camsync_cam::Account>, Made), ReconcileError> {
        progress.say(Progress::Observing);
        let (account, observed) =
            reconcile::observed(self.ledger(), parts.cam.as_deref(), &parts.policy.rules).await?;
        progress.say(Progress::Observed {
            users: observed.users().len(),
        });
        if recording {
            reconcile::claim_lost_creations(self.ledger(), &observed, self.clock().now())?;
        }
        let (ledger, policy, now) = (self.ledger(), &parts.policy, self.clock().now());
        let mut stands = reconcile::prepare(ledger, policy, ready, &observed, now)?;
        let grants = reconcile::grants(
            ledger,
            parts.cam.as_deref(),
            policy,
            &mut stands,
            &observed,
            recording,
        )
        .await?;
        let mut made = reconcile::make(ledger, policy, stands, &observed, &grants)?;
        if with_basis {
            let basis = Basis::of(ledger, account.as_ref(), policy, ready, &observed, &made)?;
            made.basis = Some(basis);
        }
        let held = made.shown().filter(|c| c.hold.is_some()).count();
        progress.say(Progress::Planned {
            changes: made.shown().count() - held,
            held,
        });
        Ok((account, made))
    }

    fn worker<'a>(
        &'a self,
        parts: &'a Parts,
        cam: &'a dyn Cam,
        progress: &'a ProgressSink,
        give_way: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<Worker<'a>, LedgerError> {
        let frozen_sources = self
            .ledger()
            .sources()?
            .into_iter()
            .filter(|s| {
                let configured =
                    parts.sources.contains_key(&s.name) || parts.broken.contains_key(&s.name);
                s.unlinked.is_none() && (!configured || s.seen_enterprise.is_some())
            })
            .map(|s| s.name)
            .collect();
        Ok(Worker {
            ledger: self.ledger(),
            cam,
            clock: self.clock(),
            retry: &parts.retry,
            sign_in: parts.sign_in,
            metrics: self.metrics(),
            chance: self,
            stopping: self.stopping(),
            claims: &self.claims,
            frozen_sources,
            planned: self.planned(),
            progress,
            patience: None,
            give_way,
        })
    }
}

/// Who settles, or does an emergency, gives way to nobody.
fn never() -> bool {
    false
}

/// Notes what stopped a plan, unless it was the ledger itself.
fn refused(report: &mut PassReport, error: ReconcileError) -> Result<(), LedgerError> {
    report.error = Some(error.blocked()?);
    Ok(())
}

/// Counts of changes by kind.
#[must_use]
pub fn summary<'a>(
    changes: impl Iterator<Item = &'a camsync_core::change::Planned>,
) -> BTreeMap<&'static str, usize> {
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    for change in changes {
        *counts.entry(change.kind.as_str()).or_default() += 1;
    }
    counts.into_iter().collect()
}
