//! Callbacks: a provider says that something changed. It is answered at once; looking there follows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use camsync_connector_host::types::{CallbackAnswer, CallbackRequest};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ledger::{LedgerError, SourceRow};
use crate::pipeline::hints::Stale;
use crate::pipeline::{Engine, Gathered, ProgressSink};

/// What comes within this is looked at together: at once when it is quiet, with patience when more and more comes.
const GATHER: Duration = Duration::from_millis(200);
const GATHER_MORE: Duration = Duration::from_secs(2);
/// It is quiet after this.
const QUIET: Duration = Duration::from_secs(10);
/// Crawls that callbacks lead to are at least so far apart; single members are looked up all the same.
const BETWEEN_CRAWLS: Duration = Duration::from_secs(10);
/// The longest that a provider waits for an answer (`wecom-api.md` 3.1 allows 5 s; the contract 1 s).
const ANSWER_WITHIN: Duration = Duration::from_millis(900);
/// So many are verified at a time; others wait for these, within [`ANSWER_WITHIN`].
const VERIFIED_AT_ONCE: usize = 16;

/// Why a callback was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No source is called so, or its connector takes no callbacks.
    #[error("no source of this name takes callbacks")]
    NoSuchSource,
    /// The connector did not accept it.
    #[error("the callback was not accepted")]
    NotAccepted,
    /// Too many at once; the provider tries again.
    #[error("too many callbacks at once")]
    Busy,
}

/// Takes callbacks in.
#[derive(Debug)]
pub struct Callbacks {
    verifying: Semaphore,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            verifying: Semaphore::new(VERIFIED_AT_ONCE),
        }
    }
}

impl Callbacks {
    /// Has the source's connector verify a callback, and remembers where to look. What the connector says is wrong is
    /// told to nobody who may have forged it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn take(
        &self,
        engine: &Engine,
        source: &str,
        request: CallbackRequest,
    ) -> Result<CallbackAnswer, Refused> {
        let connector = engine.source(source).ok_or(Refused::NoSuchSource)?;
        let verify = async {
            let _one_of_few = self.verifying.acquire().await;
            connector.callback(request).await
        };
        let answer = match tokio::time::timeout(ANSWER_WITHIN, verify).await {
            Err(_) => return Err(Refused::Busy),
            Ok(Err(failure)) => {
                engine.hints().refuse(source, engine.clock().now());
                tracing::debug!(
                    source,
                    kind = failure.kind,
                    "a callback was refused: {failure}"
                );
                return Err(Refused::NotAccepted);
            }
            Ok(Ok(answer)) => answer,
        };
        if answer.status < 300 {
            engine
                .hints()
                .add(source, &answer.hints, engine.clock().now());
        } else {
            engine.hints().refuse(source, engine.clock().now());
        }
        Ok(answer)
    }
}

/// Looks where callbacks said, until the engine stops: each source by itself, never twice at a time.
pub async fn follow(engine: &Arc<Engine>, found: mpsc::Sender<Gathered>) {
    let mut last: HashMap<String, Last> = HashMap::new();
    let mut running = HashMap::new();
    let mut tasks = JoinSet::new();
    while !engine.stopped() {
        for source in engine.hints().waiting() {
            if running.values().any(|name| *name == source) {
                continue;
            }
            let before = last.get(&source).copied().unwrap_or_default();
            let (engine, found) = (Arc::clone(engine), found.clone());
            let name = source.clone();
            let task = tasks.spawn(async move { look(&engine, name, before, &found).await });
            running.insert(task.id(), source);
        }
        tokio::select! {
            () = engine.hints().arrived() => {}
            Some(ended) = tasks.join_next_with_id() => {
                let (id, crawl) = match ended {
                    Ok((id, crawl)) => (id, crawl),
                    Err(error) => (error.id(), false),
                };
                if let Some(source) = running.remove(&id) {
                    let now = Some(Instant::now());
                    let last = last.entry(source).or_default();
                    last.looked = now;
                    if crawl {
                        last.crawled = now;
                    }
                }
            }
            () = engine.until_stopped() => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// When a source was last looked at because of callbacks.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    looked: Option<Instant>,
    crawled: Option<Instant>,
}

/// Looks once; tells whether that was a crawl.
async fn look(engine: &Engine, source: String, last: Last, found: &mpsc::Sender<Gathered>) -> bool {
    let quiet = last.looked.is_none_or(|at| at.elapsed() > QUIET);
    tokio::time::sleep(if quiet { GATHER } else { GATHER_MORE }).await;
    let Some(stale) = engine.hints().take(&source) else {
        return false;
    };
    let not_before = last.crawled.map(|at| at + BETWEEN_CRAWLS);
    match look_at(engine, &source, &stale, not_before, found).await {
        Ok(crawled) => crawled,
        Err(error) => {
            tracing::error!(%error, source, "a callback could not be followed");
            false
        }
    }
}

async fn look_at(
    engine: &Engine,
    source: &str,
    stale: &Stale,
    not_before: Option<Instant>,
    found: &mpsc::Sender<Gathered>,
) -> Result<bool, LedgerError> {
    // What fails or is paused is not asked more often for being called; its next crawl sees everything.
    let now = engine.clock().now();
    let row = engine.ledger().source(source)?;
    let left_alone =
        |r: &SourceRow| r.paused || r.unlinked.is_some() || r.retry_at.is_some_and(|at| at > now);
    if row.is_some_and(|r| left_alone(&r)) {
        tracing::info!(
            source,
            "a callback came for a source that is left alone for now"
        );
        return Ok(false);
    }
    let mut needs_crawl = stale.everything;
    if !stale.members.is_empty() {
        let looked_up = engine.look_up(source, &stale.members).await?;
        needs_crawl |= looked_up.needs_crawl;
        tracing::info!(
            source,
            members = stale.members.len(),
            needs_crawl,
            "a callback was followed"
        );
        send(found, looked_up.gathered, source, stale).await;
    }
    if !needs_crawl {
        return Ok(false);
    }
    let wait = async {
        if let Some(at) = not_before {
            tokio::time::sleep_until(at).await;
        }
    };
    tokio::select! {
        () = wait => {}
        () = engine.until_stopped() => return Ok(false),
    }
    let asked = [source.to_owned()];
    let gathered = engine.crawl(Some(&asked), &ProgressSink::none()).await?;
    for (source, failure) in &gathered.failures {
        tracing::warn!(source, kind = failure.kind, "crawl failed: {failure}");
    }
    send(found, gathered, source, stale).await;
    Ok(true)
}

async fn send(found: &mpsc::Sender<Gathered>, mut gathered: Gathered, source: &str, stale: &Stale) {
    if gathered.ready.is_empty() {
        return;
    }
    gathered.hinted.push((source.to_owned(), stale.since));
    let _ = found.send(gathered).await;
}
