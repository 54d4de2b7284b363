//! `run`: the daemon. Crawls what is due, works off the outbox, answers on the socket, ends in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::signal::unix::{SignalKind, signal};

use crate::ops::{Context, OpError};
use crate::pipeline::{Engine, PassReport, ProgressSink, Trigger};
use crate::socket;

/// The longest that the loop sleeps: the outbox is looked at this often, whatever the schedules say.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// What is in flight when the process is to end may take this long.
const LAST_WORDS: Duration = Duration::from_secs(9);
/// How long one pass works on its outbox before the next crawl may come.
const PASS_WORKS: TimeDelta = TimeDelta::seconds(120);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the socket cannot be made, or no engine.
pub async fn run(context: Arc<Context>) -> Result<(), OpError> {
    let data_dir = context.config().config.daemon.data_dir.clone();
    let path = socket::path(&data_dir);
    let listener = socket::listen(&path)
        .map_err(|e| OpError::failed(format!("{} cannot be made: {e}", path.display())))?;
    let server = tokio::spawn(socket::serve(listener, Arc::clone(&context)));
    let engine = context.engine().await?;
    let failed = |e: std::io::Error| OpError::failed(format!("signals cannot be taken: {e}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = %context.config_file().display(), "camsync runs");
    let work = work(&context, &engine);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        () = &mut work => {}
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is in flight"),
        _ = interrupt.recv() => tracing::info!("SIGINT: finishing what is in flight"),
    }
    engine.stop();
    // The pass that runs ends after the attempts in flight; what was not recorded by then is resolved at the start.
    if tokio::time::timeout(LAST_WORDS, &mut work).await.is_err() {
        tracing::warn!(
            "ended before everything in flight had answered; it is resolved at the next start"
        );
    }
    server.abort();
    let _ = std::fs::remove_file(&path);
    tracing::info!("camsync has ended");
    Ok(())
}

async fn work(context: &Context, engine: &Engine) {
    let trigger = Trigger {
        actor: "schedule".into(),
        by_hand: false,
    };
    let progress = ProgressSink::none();
    // What a crash left behind is settled from the stored snapshots, before anybody is crawled.
    let started = engine
        .reconcile(&trigger, context.now() + PASS_WORKS, &progress)
        .await;
    report("start", started);
    let mut next: HashMap<String, DateTime<Utc>> = HashMap::new();
    while !engine.stopped() {
        let now = context.now();
        let due = due(context, &mut next, now);
        if !due.is_empty() {
            if due.iter().any(|name| engine.is_broken(name)) {
                set_up_again(context).await;
            }
            let until = now + PASS_WORKS;
            let passed = engine.sync(Some(&due), &trigger, until, &progress).await;
            report(&due.join(", "), passed);
            for name in due {
                next.remove(&name);
            }
            continue;
        }
        match engine.drain(now + PASS_WORKS, &progress).await {
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the outbox cannot be worked off"),
        }
        let until = next.values().min().copied();
        let pause = until
            .and_then(|at| (at - context.now()).to_std().ok())
            .unwrap_or(LONGEST_SLEEP)
            .min(LONGEST_SLEEP);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.until_stopped() => {}
        }
    }
}

/// What a source could not be set up for may have been put right: a connector's file, a secret's.
async fn set_up_again(context: &Context) {
    let config = camsync_config::Loaded::clone(&context.config());
    if let Err(error) = context.reload(config).await {
        tracing::warn!(%error, "the sources cannot be set up again");
    }
}

/// The sources that are due, and for all others when they will be.
fn due(
    context: &Context,
    next: &mut HashMap<String, DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let config = context.config();
    let mut due = Vec::new();
    for source in &config.config.sources {
        let row = context.ledger().source(&source.name).ok().flatten();
        if row.as_ref().is_some_and(|r| r.paused) {
            next.remove(&source.name);
            continue;
        }
        let planned = next.entry(source.name.clone()).or_insert_with(|| {
            let last = row.as_ref().and_then(|r| r.last_crawl_at);
            let retry = row.as_ref().and_then(|r| r.retry_at);
            match (last, retry) {
                // A failing source is left alone for a while, and then need not wait for its schedule.
                (_, Some(retry)) => retry,
                // Never crawled, or overdue.
                (None, None) => now,
                (Some(last), None) => source.next_crawl(last.min(now)).unwrap_or(now),
            }
        });
        if *planned <= now {
            due.push(source.name.clone());
        }
    }
    next.retain(|name, _| config.config.sources.iter().any(|s| s.name == *name));
    due
}

/// One line that tells the story of a pass.
fn report(sources: &str, passed: Result<PassReport, crate::ledger::LedgerError>) {
    let report = match passed {
        Ok(report) => report,
        Err(error) => {
            tracing::error!(%error, sources, "the pass ended");
            return;
        }
    };
    if let Some(error) = &report.error {
        tracing::error!(sources, "no plan: {error}");
    }
    for (change, username, failure) in &report.outbox.failed {
        tracing::warn!(change, username, "change failed: {failure}");
    }
    if let Some(stopped) = &report.outbox.stopped {
        tracing::error!("CAM refuses the key: {stopped}");
    }
    if !report.recorded.newly_held.is_empty() {
        tracing::warn!(plans = ?report.recorded.newly_held, "removals wait for approval: camsync plans list");
    }
    let planned = report.plan.as_ref().map_or(0, |made| made.shown().count());
    tracing::info!(
        sources,
        planned,
        applied = report.outbox.applied,
        failed = report.outbox.failed.len(),
        held = report.recorded.held.len(),
        pending = report.outbox.pending,
        "pass"
    );
}
