//! Engine: one pass after another, over all sources or one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use camsync_cam::{Cam, SecretText};
use camsync_core::rules::Retry;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tracing::Instrument as _;

use crate::ledger::{Ledger, LedgerError, Recorded};
use crate::metrics::Metrics;
use crate::telemetry::spans;

use super::apply::SignIn;
use super::clock::Clock;
use super::crawl::{self, Outcome as CrawlOutcome};
use super::outbox::{Chance, Claims, Report, Worker};
use super::progress::{Progress, ProgressSink};
use super::reconcile::{self, Made, Policy, Ready, ReconcileError};
use super::source::{Source, SourceFailure};
use super::{story, witness};

/// The longest throttle that a pass by hand waits out.
const LONGEST_THROTTLE: TimeDelta = TimeDelta::seconds(10);

/// What an engine is made of: everything that it reaches outside itself.
pub struct EngineParts {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The cloud; absent when changes are only recorded.
    pub cam: Option<Arc<dyn Cam>>,
    /// The sources, by name, that could be set up.
    pub sources: BTreeMap<String, Arc<dyn Source>>,
    /// Sources that could not, and why.
    pub broken: BTreeMap<String, (String, SourceFailure)>,
    /// What the configuration says.
    pub policy: Policy,
    /// When to try again.
    pub retry: Retry,
    /// How sub-users sign in.
    pub sign_in: SignIn,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where what happens is counted.
    pub metrics: Arc<Metrics>,
    /// Where randomness begins.
    pub seed: [u8; 32],
}

/// What can be replaced while the engine lives: by a reload of the configuration.
struct Parts {
    cam: Option<Arc<dyn Cam>>,
    sources: BTreeMap<String, Arc<dyn Source>>,
    broken: BTreeMap<String, (String, SourceFailure)>,
    policy: Policy,
    retry: Retry,
    sign_in: SignIn,
}

/// Runs passes. Its methods may be called at the same time; writing passes take turns.
pub struct Engine {
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    parts: RwLock<Arc<Parts>>,
    random: Mutex<StdRng>,
    turn: tokio::sync::Mutex<()>,
    claims: Claims,
    crawling: Mutex<BTreeSet<String>>,
    stopping: AtomicBool,
    stopped: tokio::sync::Notify,
}

/// What set a pass off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Who, for the audit.
    pub actor: String,
    /// By a person's hand: what failed for good is asked again.
    pub by_hand: bool,
}

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
    pub error: Option<String>,
    /// CAM's answer, when that is why.
    pub cam_error: Option<camsync_cam::Error>,
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
    /// An engine of these parts.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        Self {
            ledger: parts.ledger,
            clock: parts.clock,
            metrics: parts.metrics,
            parts: RwLock::new(Arc::new(Parts {
                cam: parts.cam,
                sources: parts.sources,
                broken: parts.broken,
                policy: parts.policy,
                retry: parts.retry,
                sign_in: parts.sign_in,
            })),
            random: Mutex::new(StdRng::from_seed(parts.seed)),
            turn: tokio::sync::Mutex::new(()),
            claims: Claims::default(),
            crawling: Mutex::new(BTreeSet::new()),
            stopping: AtomicBool::new(false),
            stopped: tokio::sync::Notify::new(),
        }
    }

    /// Takes over what a changed configuration has made; the pass that runs ends with the old parts.
    pub fn replace(&self, parts: EngineParts) {
        let parts = Arc::new(Parts {
            cam: parts.cam,
            sources: parts.sources,
            broken: parts.broken,
            policy: parts.policy,
            retry: parts.retry,
            sign_in: parts.sign_in,
        });
        *self.parts.write().unwrap_or_else(PoisonError::into_inner) = parts;
    }

    fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.parts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The cloud.
    #[must_use]
    pub fn cam(&self) -> Option<Arc<dyn Cam>> {
        self.parts().cam.clone()
    }

    /// A source by name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<Arc<dyn Source>> {
        self.parts().sources.get(name).cloned()
    }

    /// Whether a source could not be set up.
    #[must_use]
    pub fn is_broken(&self, name: &str) -> bool {
        self.parts().broken.contains_key(name)
    }

    /// Lets what is in flight end and begins nothing new.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stopped.notify_waiters();
    }

    /// Whether it is to end.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns once it is to end.
    pub async fn until_stopped(&self) {
        let stopped = self.stopped.notified();
        if !self.stopped() {
            stopped.await;
        }
    }

    /// Crawls, compares, and shows what would change. Changes nothing in the cloud and holds nothing.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn plan(
        &self,
        only: Option<&[String]>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let _turn = self.turn.lock().await;
        let parts = self.parts();
        let ready = self.crawl_all(&parts, only, progress).await?;
        let mut report = failures(&parts, only, &ready);
        match self.make(&parts, &ready, false, progress).await {
            Ok((_, made)) => report.plan = Some(made),
            Err(error) => refused(&mut report, error)?,
        }
        Ok(report)
    }

    /// One full pass: crawl, compare, record, apply until `until`.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn sync(
        &self,
        only: Option<&[String]>,
        trigger: &Trigger,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<PassReport, LedgerError> {
        let _turn = self.turn.lock().await;
        let parts = self.parts();
        let span = spans::pass(trigger.by_hand);
        let crawls = self.crawl_all(&parts, only, progress);
        let ready = crawls.instrument(span.clone()).await?;
        let mut report = failures(&parts, only, &ready);
        self.finish(&parts, &ready, trigger, until, progress, &mut report)
            .instrument(span)
            .await?;
        Ok(report)
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
        let _turn = self.turn.lock().await;
        let parts = self.parts();
        let ready: Vec<Ready> = parts
            .sources
            .iter()
            .map(|(name, source)| not_crawled(name, &**source))
            .collect();
        let mut report = PassReport::default();
        self.finish(&parts, &ready, trigger, until, progress, &mut report)
            .instrument(spans::pass(trigger.by_hand))
            .await?;
        Ok(report)
    }

    /// Works off what is due without making a plan.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn drain(
        &self,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<Report, LedgerError> {
        let _turn = self.turn.lock().await;
        self.work(&self.parts(), until, None, progress).await
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
        self.worker(&parts, &**cam, progress)?
            .drain_urgent(until)
            .await
    }

    async fn finish(
        &self,
        parts: &Parts,
        ready: &[Ready],
        trigger: &Trigger,
        until: DateTime<Utc>,
        progress: &ProgressSink,
        report: &mut PassReport,
    ) -> Result<(), LedgerError> {
        // What a crash left in flight is settled first: a plan does not touch a sub-user of which that is unknown.
        if parts.cam.is_some() && self.any_in_flight()? {
            self.settle_in_flight(parts, until, progress).await?;
        }
        let span = spans::plan();
        let made = self
            .make(parts, ready, true, progress)
            .instrument(span.clone());
        match made.await {
            Ok((account, made)) => {
                report.recorded = reconcile::record(
                    &self.ledger,
                    &made,
                    account.as_ref(),
                    &trigger.actor,
                    trigger.by_hand,
                    &mut || self.mark(),
                )?;
                story::planned(
                    &self.metrics,
                    &span,
                    &trigger.actor,
                    &made,
                    &report.recorded,
                );
                report.plan = Some(made);
            }
            Err(error) => {
                story::not_planned(&self.metrics, &span, &error);
                refused(report, error)?;
                return Ok(());
            }
        }
        // By hand, somebody waits in front of it; the daemon has all the time.
        let patience = trigger.by_hand.then_some(LONGEST_THROTTLE);
        report.outbox = self.work(parts, until, patience, progress).await?;
        if report.outbox.applied > 0 {
            self.confirm(parts).await?;
        }
        Ok(())
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
            .ledger
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
        self.ledger.confirm(&shown)
    }

    fn any_in_flight(&self) -> Result<bool, LedgerError> {
        Ok(self
            .ledger
            .outbox()?
            .iter()
            .any(|c| c.status == camsync_core::outbox::Status::InFlight))
    }

    /// Reads CAM for every attempt whose outcome was not recorded; a key for another account settles nothing.
    async fn settle_in_flight(
        &self,
        parts: &Parts,
        until: DateTime<Utc>,
        progress: &ProgressSink,
    ) -> Result<(), LedgerError> {
        let Some(cam) = &parts.cam else { return Ok(()) };
        match reconcile::account(&self.ledger, &**cam).await {
            Ok(_) => {
                self.worker(parts, &**cam, progress)?
                    .settle_in_flight(until)
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
        recording: bool,
        progress: &ProgressSink,
    ) -> Result<(Option<camsync_cam::Account>, Made), ReconcileError> {
        progress.say(Progress::Observing);
        let (account, observed) =
            reconcile::observed(&self.ledger, parts.cam.as_deref(), &parts.policy.rules).await?;
        progress.say(Progress::Observed {
            users: observed.users().len(),
        });
        if recording {
            reconcile::claim_lost_creations(&self.ledger, &observed, self.clock.now())?;
        }
        let made = reconcile::make(
            &self.ledger,
            &parts.policy,
            ready,
            &observed,
            self.clock.now(),
        )?;
        let held = made.shown().filter(|c| c.hold.is_some()).count();
        progress.say(Progress::Planned {
            changes: made.shown().count() - held,
            held,
        });
        Ok((account, made))
    }

    async fn work(
        &self,
        parts: &Parts,
        until: DateTime<Utc>,
        patience: Option<TimeDelta>,
        progress: &ProgressSink,
    ) -> Result<Report, LedgerError> {
        let Some(cam) = &parts.cam else {
            return Ok(Report {
                pending: self.ledger.outbox()?.len(),
                ..Report::default()
            });
        };
        let mut worker = self.worker(parts, &**cam, progress)?;
        worker.patience = patience;
        worker.drain(until).await
    }

    fn worker<'a>(
        &'a self,
        parts: &'a Parts,
        cam: &'a dyn Cam,
        progress: &'a ProgressSink,
    ) -> Result<Worker<'a>, LedgerError> {
        let frozen_sources = self
            .ledger
            .sources()?
            .into_iter()
            .filter(|s| {
                let configured =
                    parts.sources.contains_key(&s.name) || parts.broken.contains_key(&s.name);
                !configured || s.seen_enterprise.is_some()
            })
            .map(|s| s.name)
            .collect();
        Ok(Worker {
            ledger: &self.ledger,
            cam,
            clock: &*self.clock,
            retry: &parts.retry,
            sign_in: parts.sign_in,
            metrics: &self.metrics,
            chance: self,
            stopping: &self.stopping,
            claims: &self.claims,
            frozen_sources,
            progress,
            patience: None,
        })
    }

    async fn crawl_all(
        &self,
        parts: &Parts,
        only: Option<&[String]>,
        progress: &ProgressSink,
    ) -> Result<Vec<Ready>, LedgerError> {
        // One that could not even be set up is left alone for a while like any other that fails, and `status` says why.
        let now = self.clock.now();
        for (name, (_, failure)) in &parts.broken {
            if only.is_none_or(|only| only.contains(name)) {
                crawl::record_failure(
                    &self.ledger,
                    &self.metrics,
                    name,
                    (now, now),
                    (0, 0),
                    failure,
                )?;
            }
        }
        let wanted = parts
            .sources
            .iter()
            .filter(|(name, _)| only.is_none_or(|only| only.contains(name)));
        let crawls = wanted.map(|(name, source)| async move {
            let paused = self.ledger.source(name)?.is_some_and(|r| r.paused);
            if paused && only.is_none() {
                return Ok(not_crawled(name, &**source));
            }
            let _crawling = Crawling::begin(&self.crawling, name);
            let work = async {
                let mut outcome = crawl::crawl(
                    &self.ledger,
                    &*self.clock,
                    &self.metrics,
                    name,
                    &**source,
                    progress,
                )
                .await?;
                if let CrawlOutcome::Complete(crawled) = &mut outcome {
                    let present =
                        witness::look_up_missing(&self.ledger, name, &**source, progress).await?;
                    crawled.put_back(present);
                }
                Ok(Ready {
                    crawl: Some(outcome),
                    ..not_crawled(name, &**source)
                })
            };
            tokio::select! {
                done = work => done,
                () = self.until_stopped() => Ok(not_crawled(name, &**source)),
            }
        });
        join_all(crawls).await.into_iter().collect()
    }

    /// The sources that are being crawled at this moment.
    #[must_use]
    pub fn crawling(&self) -> BTreeSet<String> {
        self.crawling
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A text that no other creation has: 80 bits in letters that survive everywhere.
    fn mark(&self) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        (0..16)
            .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
            .collect()
    }
}

impl Chance for Engine {
    fn dice(&self) -> f64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.random_range(0.0..1.0)
    }

    /// A first password that nobody will know: 32 characters of all four classes (`cam-api.md` 4.3).
    fn password(&self) -> SecretText {
        const CLASSES: [&[u8]; 4] = [
            b"ABCDEFGHJKLMNPQRSTUVWXYZ",
            b"abcdefghijkmnopqrstuvwxyz",
            b"23456789",
            b"!@#$%^*()-_=+",
        ];
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let text: String = (0..32)
            .map(|i| {
                let class = CLASSES[i % CLASSES.len()];
                char::from(class[random.random_range(0..class.len())])
            })
            .collect();
        SecretText::new(text)
    }
}

/// Marks a source as being crawled, for as long as it lives.
struct Crawling<'a> {
    set: &'a Mutex<BTreeSet<String>>,
    name: &'a str,
}

impl<'a> Crawling<'a> {
    fn begin(set: &'a Mutex<BTreeSet<String>>, name: &'a str) -> Self {
        set.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned());
        Self { set, name }
    }
}

impl Drop for Crawling<'_> {
    fn drop(&mut self) {
        self.set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.name);
    }
}

fn not_crawled(name: &str, source: &dyn Source) -> Ready {
    Ready {
        name: name.to_owned(),
        connector: source.connector().to_owned(),
        can_look_up: source.can_look_up(),
        crawl: None,
    }
}

fn failures(parts: &Parts, only: Option<&[String]>, ready: &[Ready]) -> PassReport {
    let mut failures: Vec<(String, SourceFailure)> = ready
        .iter()
        .filter_map(|r| reconcile::failure_of(r).map(|f| (r.name.clone(), f.clone())))
        .collect();
    failures.extend(
        parts
            .broken
            .iter()
            .filter(|(name, _)| only.is_none_or(|only| only.contains(name)))
            .map(|(name, (_, failure))| (name.clone(), failure.clone())),
    );
    failures.sort_by(|a, b| a.0.cmp(&b.0));
    PassReport {
        failures,
        ..PassReport::default()
    }
}

/// Notes what stopped a plan, unless it was the ledger itself.
fn refused(report: &mut PassReport, error: ReconcileError) -> Result<(), LedgerError> {
    report.error = Some(error.to_string());
    match error {
        ReconcileError::Ledger(error) => return Err(error),
        ReconcileError::Cam(error) => report.cam_error = Some(error),
        ReconcileError::AnotherAccount { .. } | ReconcileError::Rule(_) => {}
    }
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
