//! Engine: what passes are made of, and what they share while several run.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use camsync_cam::{Cam, SecretText};
use camsync_core::rules::Retry;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::ledger::Ledger;
use crate::metrics::Metrics;

use super::apply::SignIn;
use super::clock::Clock;
use super::crawls::Crawls;
use super::hints::Hints;
use super::look_up::Findings;
use super::outbox::{Chance, Claims};
use super::reconcile::Policy;
use super::source::{Source, SourceFailure};
use super::turns::Turns;

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
pub(super) struct Parts {
    pub(super) cam: Option<Arc<dyn Cam>>,
    pub(super) sources: BTreeMap<String, Arc<dyn Source>>,
    pub(super) broken: BTreeMap<String, (String, SourceFailure)>,
    pub(super) policy: Policy,
    pub(super) retry: Retry,
    pub(super) sign_in: SignIn,
}

/// Runs passes. Its methods may be called at the same time; writing passes take turns.
pub struct Engine {
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    parts: RwLock<Arc<Parts>>,
    random: Mutex<StdRng>,
    pub(super) turns: Turns,
    pub(super) claims: Claims,
    pub(super) crawls: Crawls,
    pub(super) findings: Findings,
    /// Sources that a plan of this process has looked at.
    planned: Mutex<HashSet<String>>,
    hints: Hints,
    awake: tokio::sync::Notify,
    stopping: AtomicBool,
    stopped: tokio::sync::Notify,
    pub(super) passed: tokio::sync::Notify,
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
            turns: Turns::default(),
            claims: Claims::default(),
            crawls: Crawls::default(),
            findings: Findings::default(),
            planned: Mutex::default(),
            hints: Hints::default(),
            awake: tokio::sync::Notify::new(),
            stopping: AtomicBool::new(false),
            stopped: tokio::sync::Notify::new(),
            passed: tokio::sync::Notify::new(),
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

    pub(super) fn parts(&self) -> Arc<Parts> {
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

    /// Where what happens is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
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

    /// The sources whose members can be told something through their provider, by name.
    #[must_use]
    pub fn message_sources(&self) -> Vec<String> {
        let parts = self.parts();
        let sources = parts.sources.iter();
        sources
            .filter(|(_, source)| source.can_send_messages())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The sources whose members can sign in with their provider, by name.
    #[must_use]
    pub fn sign_in_sources(&self) -> Vec<String> {
        let parts = self.parts();
        let sources = parts.sources.iter();
        sources
            .filter(|(_, source)| source.can_sign_in())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Whether a source could not be set up.
    #[must_use]
    pub fn is_broken(&self, name: &str) -> bool {
        self.parts().broken.contains_key(name)
    }

    /// What callbacks say may be stale.
    #[must_use]
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// The sources that are being crawled at this moment.
    #[must_use]
    pub fn crawling(&self) -> BTreeSet<String> {
        self.crawls.running()
    }

    /// The sources whose crawl is awaited, under way, or not in the ledger yet.
    #[must_use]
    pub fn taken(&self) -> HashSet<String> {
        self.crawls.taken()
    }

    /// The sources that a plan of this process has looked at.
    #[must_use]
    pub fn planned(&self) -> HashSet<String> {
        let planned = self.planned.lock();
        planned.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A plan that was recorded has looked at these sources.
    pub(super) fn has_planned_for(&self, sources: &HashSet<String>) {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.extend(sources.iter().cloned());
    }

    /// Set once it is to end.
    pub(super) fn stopping(&self) -> &AtomicBool {
        &self.stopping
    }

    /// Lets what is in flight end and begins nothing new.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stopped.notify_waiters();
        self.wake();
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

    /// Has news told: something was asked or decided that a person may want to know.
    pub fn tell(&self) {
        self.passed.notify_one();
    }

    /// Returns once something was planned or applied since it was last asked: there may be news for a person.
    pub async fn until_passed(&self) {
        self.passed.notified().await;
    }

    /// Has the daemon look again at once at what is due: something may have changed.
    pub fn wake(&self) {
        self.awake.notify_one();
    }

    /// Returns once somebody wants the daemon to look again.
    pub async fn woken(&self) {
        self.awake.notified().await;
    }

    /// A text that no other creation has: 80 bits in letters that survive everywhere.
    pub(super) fn mark(&self) -> String {
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
