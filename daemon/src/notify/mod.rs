//! Notifications: what needs a person is told once to each target, and once more when it is over.
//!
//! ```text
//! ledger and process -> seen -> standing -> steps -> ledger -> notices -> targets
//! ```
//! `standing` and `due` are pure. What is to be told is recorded before it is sent, and that it was taken after: a
//! restart tells nothing twice, except what was taken in the moment of a crash. Sending is a task of its own, which a
//! sync never waits for.

mod cause;
mod due;
mod notice;
mod send;
mod standing;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use camsync_config::Loaded;
use camsync_core::outbox::Status;
use camsync_core::retry::{self, FailureClass, Next};
use camsync_core::rules::Retry;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use crate::ledger::{ChangeFilter, Ledger, LedgerError, TargetRow};
use crate::ops::Context;
use crate::pipeline::{Engine, target};

use cause::Cause;
use notice::{Ending, Notice};
use send::{Again, Refusal};
use standing::Seen;

pub use send::Target;

/// What nobody tells the task of, such as a plan that was discarded or an hour that is over, it finds within this.
const LOOK: Duration = Duration::from_secs(10);
/// One target is sent to for no longer than this before the others have their turn again.
const TURN: Duration = Duration::from_secs(30);

/// Tells targets what needs a person until the engine is to end.
pub async fn run(context: &Context, engine: &Engine) {
    let mut made: Option<(Arc<Loaded>, Vec<Target>)> = None;
    while !engine.stopped() {
        let config = context.config();
        if !made
            .as_ref()
            .is_some_and(|(of, _)| Arc::ptr_eq(of, &config))
        {
            match Target::all(&config.config, context.language()) {
                Ok(targets) => made = Some((Arc::clone(&config), targets)),
                Err(error) => tracing::error!(%error, "notifications cannot be sent"),
            }
        }
        let targets = made.as_ref().map_or(&[][..], |(_, targets)| targets);
        let next = match round(context, targets, &config.config.retry).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "notifications cannot be kept");
                None
            }
        };
        let pause = next
            .and_then(|at| (at - context.now()).to_std().ok())
            .map_or(LOOK, |pause| pause.min(LOOK));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.until_passed() => {}
            () = engine.until_stopped() => {}
        }
    }
}

/// Looks once what stands, records what is to be told, and sends what is due; when something is due next.
///
/// # Errors
/// When the ledger fails.
pub async fn round(
    context: &Context,
    targets: &[Target],
    policy: &Retry,
) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let ledger = context.ledger();
    let told = ledger.notifications()?;
    if targets.is_empty() && told.is_empty() {
        return Ok(None);
    }
    let standing = standing::standing(&look(context)?);
    let wants = targets
        .iter()
        .map(|target| (target.name.clone(), target.on.clone()))
        .collect::<BTreeMap<_, _>>();
    let steps = due::steps(&standing, &told, &wants);
    if !steps.is_empty() {
        ledger.notice(context.now(), &steps)?;
    }
    let mut due = notices(ledger)?;
    let states: HashMap<String, TargetRow> = ledger
        .notification_targets()?
        .into_iter()
        .map(|row| (row.target.clone(), row))
        .collect();
    let sending = targets.iter().filter_map(|target| {
        let notices = due.remove(&target.name)?;
        Some(deliver(
            context,
            target,
            notices,
            states.get(&target.name),
            policy,
        ))
    });
    let next: Vec<Option<DateTime<Utc>>> = join_all(sending)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    Ok(next.into_iter().flatten().min())
}

/// What the ledger and the process say now.
fn look(context: &Context) -> Result<Seen, LedgerError> {
    let ledger = context.ledger();
    let config = context.config();
    Ok(Seen {
        now: context.now(),
        configured: config
            .config
            .sources
            .iter()
            .map(|s| s.name.clone())
            .collect(),
        sources: ledger.sources()?,
        plans: ledger.plans(Some("held"), None, None, None)?,
        applications: ledger.applications(Some("pending"), None, None, None)?,
        failed: ledger.changes(&ChangeFilter {
            status: Some(Status::Failed),
            ..ChangeFilter::default()
        })?,
        tried_again: ledger.changes_tried_again()?,
        waits: ledger.waits_for_cloud()?,
        drift: ledger.kept_drift()?,
        target: target::failure(ledger)?,
        config_error: context.config_state().1,
    })
}

/// What is to be sent to each target.
fn notices(ledger: &Ledger) -> Result<HashMap<String, Vec<Notice>>, LedgerError> {
    let mut due: HashMap<String, Vec<Notice>> = HashMap::new();
    for row in ledger.notifications()? {
        let ending = |cause: &Cause| match cause {
            Cause::PlanHeld { plan, .. } => match ledger.plan(*plan) {
                Ok(Some(plan)) => Ending::Decided {
                    status: plan.status,
                    by: plan.decided_by,
                },
                _ => Ending::Gone,
            },
            Cause::Application { application, .. } => match ledger.application(*application) {
                Ok(Some(row)) => Ending::Decided {
                    status: row.status,
                    by: row.decided_by,
                },
                _ => Ending::Gone,
            },
            _ => Ending::Gone,
        };
        if let Some(notice) = Notice::of(&row, ending) {
            due.entry(row.target).or_default().push(notice);
        }
    }
    Ok(due)
}

/// Sends to one target what is due; when it is to be tried again, if anything is left.
async fn deliver(
    context: &Context,
    target: &Target,
    notices: Vec<Notice>,
    state: Option<&TargetRow>,
    policy: &Retry,
) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let ledger = context.ledger();
    let now = context.now();
    // A clock that went back makes neither pause longer.
    let spaced = state
        .and_then(|s| s.last_sent_at)
        .filter(|at| *at <= now)
        .map(|at| at + target.spacing())
        .filter(|at| *at > now);
    let backed_off = state
        .and_then(|s| s.next_attempt_at)
        .filter(|at| !retry::is_due(policy, *at, now));
    let wait = spaced.max(backed_off);
    if wait.is_some() {
        return Ok(wait);
    }
    let started = tokio::time::Instant::now();
    let mut left = &notices[..];
    while !left.is_empty() && started.elapsed() < TURN {
        match target.send(left, context.now()).await {
            Ok(taken) => {
                context.metrics().notification(target.kind, true);
                let ids: Vec<i64> = left.iter().take(taken).map(|n| n.row).collect();
                ledger.delivered(&target.name, context.now(), &ids)?;
                left = left.get(taken..).unwrap_or_default();
            }
            Err(refusal) => {
                context.metrics().notification(target.kind, false);
                let attempt = state.map_or(0, |s| s.attempts) + 1;
                if attempt == 1 {
                    tracing::warn!(
                        target = target.name,
                        error = refusal.message,
                        "a notification is not taken; it is sent again"
                    );
                }
                let next = context.now() + pause(policy, &refusal, attempt);
                ledger.undelivered(&target.name, context.now(), next, &refusal.message)?;
                return Ok(Some(next));
            }
        }
    }
    Ok((!left.is_empty()).then(|| context.now()))
}

/// How long a target is left alone that has not taken a message. It is never given up: somebody may put it right.
fn pause(policy: &Retry, refusal: &Refusal, attempt: u32) -> TimeDelta {
    let policy = Retry {
        attempts: u32::MAX,
        ..*policy
    };
    let backed_off = match retry::next(
        &policy,
        FailureClass::Transient,
        attempt,
        rand::random_range(0.0..1.0),
    ) {
        Next::After(pause) => pause,
        _ => policy.max,
    };
    let pause = match refusal.again {
        Again::Soon => backed_off,
        Again::After(asked) => asked.max(backed_off),
        Again::Seldom => policy.max,
    };
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::hours(1))
}
