//! Crawls: several sources side by side, never too many, and none by two at once. They run outside of the turn to plan:
//! a provider that never answers holds up its own source and nobody else.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::sync::{OwnedMutexGuard, Semaphore};

use crate::ledger::LedgerError;

use super::crawl::{self, Outcome};
use super::engine::{Engine, Parts};
use super::progress::ProgressSink;
use super::reconcile::Ready;
use super::source::{Source, SourceFailure};

/// So many sources are crawled at a time: each may take its own limit of memory.
const SIDE_BY_SIDE: usize = 8;

/// Who is being crawled, and who has been.
pub struct Crawls {
    alone: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    running: Mutex<BTreeSet<String>>,
    confirmed: Mutex<BTreeMap<String, Arc<dyn Source>>>,
    permits: Semaphore,
}

impl Default for Crawls {
    fn default() -> Self {
        Self {
            alone: Mutex::default(),
            running: Mutex::default(),
            confirmed: Mutex::default(),
            permits: Semaphore::new(SIDE_BY_SIDE),
        }
    }
}

/// A source that nobody else crawls or looks members up of; kept until what was found is in the ledger, so that older
/// findings never overwrite newer ones.
pub type Alone = OwnedMutexGuard<()>;

impl Crawls {
    /// Waits until nobody else has this source.
    pub async fn alone(&self, name: &str) -> Alone {
        let lock = Arc::clone(
            self.alone
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(name.to_owned())
                .or_default(),
        );
        lock.lock_owned().await
    }

    /// The sources that somebody has, from the wait for their crawl until what it found is in the ledger.
    #[must_use]
    pub fn taken(&self) -> HashSet<String> {
        let alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = alone.iter().filter(|(_, lock)| lock.try_lock().is_err());
        taken.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a complete crawl by this very source, set up as it is, has met the enterprise that it belongs to. Before
    /// that, a look-up could be answered by another enterprise, which knows nobody.
    #[must_use]
    pub fn is_confirmed(&self, name: &str, source: &Arc<dyn Source>) -> bool {
        let confirmed = self
            .confirmed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        confirmed
            .get(name)
            .is_some_and(|known| Arc::ptr_eq(known, source))
    }

    fn confirm(&self, name: &str, source: &Arc<dyn Source>) {
        let mut confirmed = self
            .confirmed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        confirmed.insert(name.to_owned(), Arc::clone(source));
    }

    /// The sources that are being crawled at this moment.
    #[must_use]
    pub fn running(&self) -> BTreeSet<String> {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What a round of crawls brought.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The sources that may be planned for.
    pub ready: Vec<Ready>,
    /// Those that could not be crawled whole, or not at all, and why.
    pub failures: Vec<(String, SourceFailure)>,
    /// The sources whose callbacks led here, and when the first of these came.
    pub hinted: Vec<(String, DateTime<Utc>)>,
}

impl Gathered {
    /// Takes in what came later.
    pub fn join(&mut self, later: Self) {
        self.failures.extend(later.failures);
        self.hinted.extend(later.hinted);
        for ready in later.ready {
            let Some(known) = self.ready.iter_mut().find(|r| r.name == ready.name) else {
                self.ready.push(ready);
                continue;
            };
            known.looked_up.extend(ready.looked_up);
            if ready.crawl.is_some() {
                (known.crawl, known.alone) = (ready.crawl, ready.alone);
            }
        }
    }
}

impl Engine {
    /// Crawls these sources, or all that are not paused. Their snapshots are what they were until a plan is made.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn crawl(
        &self,
        only: Option<&[String]>,
        progress: &ProgressSink,
    ) -> Result<Gathered, LedgerError> {
        let parts = self.parts();
        let asked = |name: &String| only.is_none_or(|only| only.contains(name));
        let unlinked: HashSet<String> = self.unlinked()?;
        let asked = |name: &String| asked(name) && !unlinked.contains(name);
        let mut failures = self.refuse_broken(&parts, asked)?;
        // In the order of names: of two rounds that want several, neither waits for what the other will not give up.
        let mut begun = Vec::new();
        for (name, source) in parts.sources.iter().filter(|(name, _)| asked(name)) {
            let paused = only.is_none() && self.ledger().source(name)?.is_some_and(|r| r.paused);
            let alone = async {
                match paused {
                    true => None,
                    false => Some(self.crawls.alone(name).await),
                }
            };
            let alone = tokio::select! {
                biased;
                alone = alone => alone,
                () = self.until_stopped() => None,
            };
            begun.push(self.crawl_one(name, source, alone, progress));
        }
        let ready: Vec<Ready> = join_all(begun)
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        failures.extend(ready.iter().filter_map(|r| match &r.crawl {
            Some(Outcome::Failed(failure)) => Some((r.name.clone(), failure.clone())),
            _ => None,
        }));
        failures.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Gathered {
            ready,
            failures,
            ..Gathered::default()
        })
    }

    /// The sources that a person has unlinked: nobody asks them anything.
    fn unlinked(&self) -> Result<HashSet<String>, LedgerError> {
        let rows = self.ledger().sources()?.into_iter();
        Ok(rows
            .filter(|row| row.unlinked.is_some())
            .map(|row| row.name)
            .collect())
    }

    /// One that could not even be set up is left alone for a while like any other that fails, and `status` says why.
    fn refuse_broken(
        &self,
        parts: &Parts,
        asked: impl Fn(&String) -> bool,
    ) -> Result<Vec<(String, SourceFailure)>, LedgerError> {
        let now = self.clock().now();
        let broken = parts.broken.iter().filter(|(name, _)| asked(name));
        broken
            .map(|(name, (_, failure))| {
                let (when, counts) = ((now, now), (0, 0));
                crawl::record_failure(self.ledger(), self.metrics(), name, when, counts, failure)?;
                Ok((name.clone(), failure.clone()))
            })
            .collect()
    }

    async fn crawl_one(
        &self,
        name: &str,
        source: &Arc<dyn Source>,
        alone: Option<Alone>,
        progress: &ProgressSink,
    ) -> Result<Ready, LedgerError> {
        let mut ready = Ready::stored(name, &**source);
        let Some(alone) = alone else {
            return Ok(ready);
        };
        let work = async {
            let _permit = self.crawls.permits.acquire().await;
            let _running = Running::begin(&self.crawls.running, name);
            crawl::crawl(
                self.ledger(),
                self.clock(),
                self.metrics(),
                name,
                &**source,
                progress,
            )
            .await
        };
        tokio::select! {
            biased;
            done = work => {
                let outcome = done?;
                if matches!(outcome, Outcome::Complete(_)) {
                    self.crawls.confirm(name, source);
                }
                ready.crawl = Some(outcome);
                ready.alone = Some(alone);
            }
            () = self.until_stopped() => {}
        }
        Ok(ready)
    }
}

/// Marks a source as being crawled, for as long as it lives.
struct Running<'a> {
    set: &'a Mutex<BTreeSet<String>>,
    name: &'a str,
}

impl<'a> Running<'a> {
    fn begin(set: &'a Mutex<BTreeSet<String>>, name: &'a str) -> Self {
        set.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned());
        Self { set, name }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.name);
    }
}
