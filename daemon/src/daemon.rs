//! `run`: the daemon. Crawls what is due, works off the outbox, answers on the socket, ends in order.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::ledger::LedgerError;
use crate::ops::{Context, OpError};
use crate::pipeline::outbox::Report;
use crate::pipeline::{Applier, Engine, Gathered, PassReport, ProgressSink, Trigger};
use crate::reload::Reload;
use crate::schedule::Schedule;
use crate::{callbacks, messages, notify, retention, socket, systemd, web};

/// How often a plan is made that no crawl calls for, while a source is unlinked.
const WITHOUT_CRAWLS: TimeDelta = TimeDelta::minutes(10);
/// The longest that the loop sleeps: the outbox is looked at this often, whatever the schedules say.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// What is in flight when the process is to end may take this long.
const LAST_WORDS: Duration = Duration::from_secs(8);
/// A notification that is being sent when the process is to end may take this long; it is sent again otherwise.
const LAST_NOTIFICATION: Duration = Duration::from_secs(1);
/// How long the outbox is worked on before it is read anew.
const WORKS: TimeDelta = TimeDelta::seconds(120);
/// So many crawls may wait for the plan that they lead to.
const GATHERED: usize = 64;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the socket cannot be made, or no engine.
pub async fn run(context: Arc<Context>) -> Result<(), OpError> {
    let data_dir = context.config().config.daemon.data_dir.clone();
    // Before anything else: what cannot listen must not have begun.
    let bound = web::bind(context.config().config.daemon.listen).await?;
    let path = socket::path(&data_dir);
    let listener = socket::listen(&path)
        .map_err(|e| OpError::failed(format!("{} cannot be made: {e}", path.display())))?;
    let server = tokio::spawn(socket::serve(listener, Arc::clone(&context)));
    let web = bound.serve(Arc::clone(&context));
    let failed = |e: std::io::Error| OpError::failed(format!("signals cannot be taken: {e}"));
    // From here on a signal ends it in order, however early it comes.
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let reload = Reload::new(Arc::clone(&context)).map_err(failed)?;
    // A connector that is compiled first may take longer than an end may.
    let engine = tokio::select! {
        engine = context.engine() => Some(engine?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some(engine) = engine else {
        let _ = std::fs::remove_file(&path);
        tracing::info!("camsync has ended before it was set up");
        return Ok(());
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = %context.config_file().display(), "camsync runs");
    let mut notifying = tokio::spawn({
        let (context, engine) = (Arc::clone(&context), Arc::clone(&engine));
        async move { notify::run(&context, &engine).await }
    });
    let mut telling = tokio::spawn({
        let (context, engine) = (Arc::clone(&context), Arc::clone(&engine));
        async move { messages::run(&context, &engine).await }
    });
    let purging = tokio::spawn({
        let (context, engine) = (Arc::clone(&context), Arc::clone(&engine));
        async move { retention::run(&context, &engine).await }
    });
    systemd::ready(&context);
    let reload = tokio::spawn(reload.run());
    let work = work(&context, &engine);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        () = &mut work => {}
        // In this task, so that it is silent when the work blocks it.
        () = systemd::watchdog(&path) => {}
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is in flight"),
        _ = interrupt.recv() => tracing::info!("SIGINT: finishing what is in flight"),
    }
    systemd::stopping();
    reload.abort();
    engine.stop();
    // The pass that runs ends after the attempts in flight; what was not recorded by then is resolved at the start.
    let notified = tokio::time::timeout(LAST_NOTIFICATION, async {
        tokio::join!(&mut notifying, &mut telling)
    });
    let last_words = async { tokio::join!(&mut work, web.stop(), notified) };
    if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
        tracing::warn!(
            "ended before everything in flight had answered; it is resolved at the next start"
        );
    }
    notifying.abort();
    telling.abort();
    purging.abort();
    server.abort();
    let _ = std::fs::remove_file(&path);
    tracing::info!("camsync has ended");
    Ok(())
}

/// The flow, each part at its own pace: crawl what is due, plan for what came, apply what waits.
async fn work(context: &Arc<Context>, engine: &Arc<Engine>) {
    let (found, gathered) = mpsc::channel(GATHERED);
    let recorded = Notify::new();
    // What was left behind at the last end is planned for from the stored snapshots, before anybody is crawled.
    let _ = found.send(engine.stored()).await;
    tokio::join!(
        crawl_what_is_due(context, engine, found.clone()),
        callbacks::follow(engine, found),
        plan_for_what_came(engine, gathered, &recorded),
        apply_what_waits(context, engine, &recorded),
    );
}

async fn crawl_what_is_due(
    context: &Arc<Context>,
    engine: &Arc<Engine>,
    found: mpsc::Sender<Gathered>,
) {
    let mut schedule = Schedule::default();
    let mut crawls = JoinSet::new();
    let mut planned_without = context.now();
    while !engine.stopped() {
        let due = match due(context, engine, &mut schedule) {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "what is due cannot be read");
                Vec::new()
            }
        };
        // Setting up may take as long as a connector takes to be compiled: nobody else waits for that.
        let (broken, due): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|name| engine.is_broken(name));
        let mut begin = |source: String| {
            let (engine, found) = (Arc::clone(engine), found.clone());
            crawls.spawn(async move { crawl(&engine, source, &found).await });
        };
        due.into_iter().for_each(&mut begin);
        if !broken.is_empty() {
            context.set_up_again().await;
            broken.into_iter().for_each(begin);
        }
        if context.now() - planned_without >= WITHOUT_CRAWLS && awaited(context) {
            planned_without = context.now();
            let _ = found.send(engine.stored()).await;
        }
        let pause = schedule
            .next(&engine.taken())
            .and_then(|at| (at - context.now()).to_std().ok())
            .unwrap_or(LONGEST_SLEEP)
            .min(LONGEST_SLEEP);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // What is due next follows from what was recorded now.
            () = engine.woken() => {}
            // Other rules call for another plan, whatever a crawl may bring.
            () = context.reloaded() => {
                let _ = found.send(engine.stored()).await;
            }
            Some(ended) = crawls.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a crawl broke off; this is a defect");
                }
            }
            () = engine.until_stopped() => {}
        }
    }
    while crawls.join_next().await.is_some() {}
}

/// Whether something comes due of a source that nobody crawls any more: the grace after it was unlinked.
fn awaited(context: &Context) -> bool {
    let rows = context.ledger().sources();
    rows.is_ok_and(|rows| rows.iter().any(|row| row.unlinked.is_some()))
}

/// The sources that are due at this moment.
fn due(
    context: &Context,
    engine: &Engine,
    schedule: &mut Schedule,
) -> Result<Vec<String>, LedgerError> {
    let rows = context.ledger().sources()?.into_iter();
    let rows = rows.map(|row| (row.name.clone(), row)).collect();
    Ok(schedule.due(
        &context.config().config.sources,
        &rows,
        // Until it is in the ledger, what a crawl found does not count, and the source seems due still.
        &engine.taken(),
        context.now(),
    ))
}

async fn crawl(engine: &Engine, source: String, found: &mpsc::Sender<Gathered>) {
    match engine
        .crawl(Some(std::slice::from_ref(&source)), &ProgressSink::none())
        .await
    {
        Ok(gathered) => {
            let _ = found.send(gathered).await;
        }
        Err(error) => tracing::error!(%error, source, "the crawl ended"),
    }
}

/// One plan for all that came while the last was made.
async fn plan_for_what_came(
    engine: &Engine,
    mut gathered: mpsc::Receiver<Gathered>,
    recorded: &Notify,
) {
    while let Some(mut round) = gathered.recv().await {
        while let Ok(more) = gathered.try_recv() {
            round.join(more);
        }
        if engine.stopped() {
            continue;
        }
        let sources: Vec<String> = round.ready.iter().map(|r| r.name.clone()).collect();
        let hinted = std::mem::take(&mut round.hinted);
        let called = |name: &String| hinted.iter().any(|(source, _)| source == name);
        let actor = if !hinted.is_empty() && sources.iter().all(called) {
            "callback"
        } else {
            "schedule"
        };
        let trigger = Trigger {
            actor: actor.into(),
            by_hand: false,
        };
        match engine.record(round, &trigger, &ProgressSink::none()).await {
            Ok(report) => {
                say_plan(&sources.join(", "), &report);
                for (source, since) in hinted {
                    let lag = engine.clock().now() - since;
                    engine.hints().followed(&source, lag);
                    engine
                        .metrics()
                        .callback_followed(&source, lag.to_std().unwrap_or_default());
                }
            }
            Err(error) => tracing::error!(%error, "no plan was recorded"),
        }
        recorded.notify_one();
        engine.wake();
    }
}

async fn apply_what_waits(context: &Context, engine: &Engine, recorded: &Notify) {
    while !engine.stopped() {
        let until = context.now() + WORKS;
        let pause = match engine
            .drain(Applier::Daemon, until, &ProgressSink::none())
            .await
        {
            Ok(report) => {
                say_applied(&report);
                if report.gave_way {
                    continue;
                }
                report
                    .next_at
                    .and_then(|at| (at - context.now()).to_std().ok())
            }
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be worked off");
                None
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)) => {}
            () = recorded.notified() => {}
            () = engine.until_stopped() => {}
        }
    }
}

/// What of a plan needs a person; the plan itself has a line of its own.
fn say_plan(sources: &str, report: &PassReport) {
    if let Some(error) = &report.error {
        tracing::error!(sources, "no plan: {error}");
        return;
    }
    if !report.recorded.newly_held.is_empty() {
        tracing::warn!(plans = ?report.recorded.newly_held, "removals wait for approval: camsync plans list");
    }
}

/// One line that tells what was done, when anything was.
fn say_applied(report: &Report) {
    for (change, username, failure) in &report.failed {
        tracing::warn!(change, username, "change failed: {failure}");
    }
    if let Some(stopped) = &report.stopped {
        tracing::error!("CAM refuses the key: {stopped}");
    }
    if report.applied + report.failed.len() + report.held.len() > 0 {
        tracing::info!(
            applied = report.applied,
            failed = report.failed.len(),
            held = report.held.len(),
            pending = report.pending,
            "applied"
        );
    }
}
