//! `plan` and `sync`: passes, and what their outcome is called.

use std::collections::HashMap;
use std::sync::Arc;

use camsync_config::Source;
use camsync_core::change::{Hold, Planned};
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use camsync_core::plan::quota::Forecast;
use camsync_core::problem::Problem;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::ledger::time_text;
use crate::pipeline::basis::Moved;
use crate::pipeline::passes::{Review, summary};
use crate::pipeline::reconcile::Made;
use crate::pipeline::{Applier, Engine, PassReport, ProgressSink, Trigger, reconcile};
use crate::say::{Blocked, refusals};

use super::plan_file::{self, Reviewed};
use super::{Context, OpError, changes, sources};

/// How long a decision by hand waits for its effect.
const DECISION_WAITS: TimeDelta = TimeDelta::seconds(60);
/// A one-shot command does not wait out a longer pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(10);

fn known(context: &Context, source: Option<&str>) -> Result<(), OpError> {
    match source {
        Some(name)
            if !context
                .config()
                .config
                .sources
                .iter()
                .any(|s| s.name == name) =>
        {
            Err(sources::unknown(context, name))
        }
        Some(name) => match context.ledger().source(name)? {
            Some(row) if row.unlinked.is_some() => Err(refusals::is_unlinked(name)),
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// The engine, for someone who asks the provider by hand. Its parts may be those of a daemon that has run for long: what a
/// source could not be set up for may have been put right since.
async fn engine(context: &Context, source: Option<&str>) -> Result<Arc<Engine>, OpError> {
    let fresh = !context.is_set_up();
    let engine = context.engine().await?;
    let asked = |name: &str| source.is_none_or(|only| only == name);
    let broken = |source: &Source| asked(&source.name) && engine.is_broken(&source.name);
    if !fresh && context.config().config.sources.iter().any(broken) {
        context.set_up_again().await;
    }
    Ok(engine)
}

pub(super) async fn plan(
    context: &Context,
    source: Option<&str>,
    with_basis: bool,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    known(context, source)?;
    let engine = engine(context, source).await?;
    let only = source.map(|s| [s.to_owned()]);
    let only = only.as_ref().map(<[_; 1]>::as_slice);
    let report = engine.plan(only, with_basis, progress).await?;
    report_json(context, &report, source)
}

/// Records and applies a plan that a person has read, unless what it was made from has moved on.
pub(super) async fn apply(
    context: &Context,
    source: Option<&str>,
    reviewed: &Reviewed,
    timeout_seconds: u64,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let review = |made: &Made| {
        let now = made.basis.as_ref()?;
        let mut moved = reviewed.basis.moved_on(now);
        if moved.is_empty() && rows_digest(made, source) != reviewed.changes {
            moved.push(Moved::Decisions);
        }
        (!moved.is_empty()).then_some(Blocked::MovedOn { moved })
    };
    let asked = Asked {
        source,
        timeout_seconds,
        actor,
    };
    let report = pass(context, asked, Some(&review), progress).await?;
    if let Some(why @ Blocked::MovedOn { .. }) = &report.error {
        return Err(refusals::moved_on(why));
    }
    if report.plan.is_some() {
        context.ledger().audit(
            context.now(),
            actor,
            "plan.apply",
            source.unwrap_or("all sources"),
            &json!({ "made_at": reviewed.made_at, "changes": reviewed.changes }),
        )?;
    }
    report_json(context, &report, source)
}

pub(super) async fn sync(
    context: &Context,
    source: Option<&str>,
    timeout_seconds: u64,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let asked = Asked {
        source,
        timeout_seconds,
        actor,
    };
    let report = pass(context, asked, None, progress).await?;
    report_json(context, &report, source)
}

/// A full pass by hand, as it was asked for.
struct Asked<'a> {
    source: Option<&'a str>,
    timeout_seconds: u64,
    actor: &'a str,
}

async fn pass(
    context: &Context,
    asked: Asked<'_>,
    review: Option<Review<'_>>,
    progress: &ProgressSink,
) -> Result<PassReport, OpError> {
    known(context, asked.source)?;
    let engine = engine(context, asked.source).await?;
    let trigger = Trigger {
        actor: asked.actor.to_owned(),
        by_hand: true,
    };
    let timeout = i64::try_from(asked.timeout_seconds).unwrap_or(i64::MAX / 2_000);
    let until = context.now() + TimeDelta::seconds(timeout);
    let only = asked.source.map(|s| [s.to_owned()]);
    let only = only.as_ref().map(<[_; 1]>::as_slice);
    Ok(engine.sync(only, &trigger, review, until, progress).await?)
}

/// The digest of a plan's changes as its document has them.
fn rows_digest(made: &Made, only: Option<&str>) -> String {
    let rows: Vec<Value> = shown(made, only)
        .map(|c| change_json(made, c, &HashMap::new()))
        .collect();
    plan_file::digest(&rows)
}

/// The changes that a plan of all sources, or of one, shows.
fn shown<'a>(made: &'a Made, only: Option<&'a str>) -> impl Iterator<Item = &'a Planned> {
    made.shown()
        .filter(move |c| only.is_none_or(|only| only == c.source))
}

fn change_json(made: &Made, c: &Planned, plans: &HashMap<Removal, i64>) -> Value {
    let key = c.removal_key();
    let waits = c.hold == Some(Hold::Approval);
    let object = c.object.as_ref();
    let (before, after) = changes::states(c.kind, object, c.before.as_ref(), c.after.as_ref());
    json!({
        "kind": c.kind,
        "username": changes::some(&c.username),
        "source": c.source,
        "member": changes::some(&c.member),
        "object": c.object,
        "name": made.name(&c.source, &c.member),
        "reason": c.reason.to_string(),
        "reason_details": c.reason,
        "evidence": c.evidence,
        "before": before,
        "after": after,
        "held": c.hold.is_some(),
        "waits_for": c.hold.as_ref().map(ToString::to_string),
        "waits_for_details": c.hold,
        "plan": waits.then(|| plans.get(&(c.evidence, key.subject, key.kind))).flatten(),
    })
}

/// Compares the stored snapshots anew after a decision, and applies what follows.
pub(super) async fn reconcile(
    context: &Context,
    actor: &str,
    progress: &ProgressSink,
) -> Result<PassReport, OpError> {
    let report = decided(context, actor, progress).await?;
    match &report.error {
        Some(why) => Err(refusals::not_carried_out(why)),
        None => Ok(report),
    }
}

/// A pass over what is known, right after a person's decision; the report says what kept it from planning.
pub(super) async fn decided(
    context: &Context,
    actor: &str,
    progress: &ProgressSink,
) -> Result<PassReport, OpError> {
    let engine = context.engine().await?;
    let trigger = Trigger {
        actor: actor.to_owned(),
        by_hand: false,
    };
    let until = context.now() + DECISION_WAITS;
    Ok(engine.reconcile(&trigger, until, progress).await?)
}

/// Works off what is due.
pub(super) async fn work(context: &Context, progress: &ProgressSink) -> Result<(), OpError> {
    let engine = context.engine().await?;
    if let Some(cam) = engine.cam() {
        reconcile::account(context.ledger(), &*cam)
            .await
            .map_err(refusals::reconcile)?;
    }
    engine
        .drain(Applier::Hand, context.now() + DECISION_WAITS, progress)
        .await?;
    Ok(())
}

pub(super) fn report_json(
    context: &Context,
    report: &PassReport,
    only: Option<&str>,
) -> Result<Value, OpError> {
    let shown: Vec<_> = report
        .plan
        .iter()
        .flat_map(|made| shown(made, only).map(move |c| (made, c)))
        .collect();
    let plans = held_plans(context, &report.recorded.held)?;
    let changes: Vec<Value> = shown
        .iter()
        .map(|(made, c)| change_json(made, c, &plans))
        .collect();
    let basis = report.plan.as_ref().and_then(|made| made.basis.as_ref());
    let sealed = plan_file::seal(basis, only, &changes, context.now());
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|(source, f)| {
            json!({
                "source": source, "kind": f.kind, "code": f.code, "message": f.message,
                "cause": f.cause, "remedy": f.remedy, "retry_after_seconds": f.retry_after_seconds,
                "about": f.about,
            })
        })
        .collect();
    let failed: Vec<Value> = report
        .outbox
        .failed
        .iter()
        .map(|(id, username, f)| json!({ "change": id, "username": username, "error": f, "message": f.to_string() }))
        .collect();
    let waiting: Vec<Value> = report
        .outbox
        .held
        .iter()
        .map(|(id, username, hold)| json!({ "change": id, "username": username, "waits_for": hold.to_string(), "waits_for_details": hold }))
        .collect();
    let held = report.plan.as_ref().is_some_and(reconcile::Made::held);
    let pause = report
        .outbox
        .next_at
        .is_some_and(|at| at - context.now() > LONGEST_PAUSE);
    let counts = report.plan.as_ref().map(reconcile::tally);
    let problems: Vec<Value> = report
        .plan
        .iter()
        .flat_map(|made| &made.draft.problems)
        .filter(|((source, _), _)| only.is_none_or(|only| only == source))
        .flat_map(|((source, key), problems)| {
            problems
                .iter()
                .map(move |p| json!({ "source": source, "member": key, "kind": kind_of(p), "problem": p.to_string(), "problem_details": p }))
        })
        .collect();
    let applies = context.config().config.target.kind != camsync_config::TargetKind::Ledger;
    Ok(json!({
        "changes": changes,
        "held": held,
        "summary": summary(shown.into_iter().map(|(_, c)| c)),
        "quotas": report.plan.iter().flat_map(|made| &made.draft.forecast).map(quota_json).collect::<Vec<_>>(),
        "held_plans": report.recorded.held,
        "problems": problems,
        "members": counts.map(|(admitted, not, failing)| json!({
            "admitted": admitted, "not_admitted": not, "rule_failed": failing,
        })),
        "failures": failures,
        "error": report.error.as_ref().map(ToString::to_string),
        "error_details": report.error,
        "remedy": report.error.as_ref().and_then(|why| why.remedy("en")),
        "applies": applies,
        "applied": report.outbox.applied,
        "failed": failed,
        "waiting": waiting,
        "pending": report.outbox.pending,
        "next_attempt_at": report.outbox.next_at.map(time_text),
        "full_quota": context.ledger().full_quotas()?.first().map(|q| json!({
            "quota": q.quota, "of": (q.of != 0).then_some(q.of), "since": time_text(q.since),
            "retry_at": time_text(q.retry_at),
        })),
        "long_pause": pause,
        "stopped": report.outbox.stopped.as_ref().map(ToString::to_string),
        "stopped_by": report.outbox.stopped,
        "frozen": report.outbox.frozen,
        "plan_file": sealed,
        "what_if": null,
        "ok": !report.failed() && (report.outbox.pending == 0 || report.outbox.frozen || !applies),
    }))
}

/// What a plan does to one quota.
fn quota_json(forecast: &Forecast) -> Value {
    let after = forecast.used + forecast.wanted;
    json!({
        "quota": forecast.quota.as_str(),
        "of": forecast.of,
        "limit": forecast.limit,
        "used": forecast.used,
        "wanted": forecast.wanted,
        "over": forecast.limit.map_or(0, |limit| after.saturating_sub(limit.max(forecast.used))),
    })
}

/// What a held plan holds: on what evidence, whose, and which kind of removal.
type Removal = (Option<Evidence>, String, Kind);

/// The ids of held plans by what they hold.
fn held_plans(context: &Context, ids: &[i64]) -> Result<HashMap<Removal, i64>, OpError> {
    let mut found = HashMap::new();
    for id in ids {
        let plan = context.ledger().plan(*id)?;
        for (evidence, removal) in plan
            .into_iter()
            .flat_map(|p| p.removals.into_iter().map(move |r| (p.evidence, r)))
        {
            found.insert((Some(evidence), removal.subject, removal.kind), *id);
        }
    }
    Ok(found)
}

/// The word for a problem's kind.
fn kind_of(problem: &Problem) -> Value {
    serde_json::to_value(problem)
        .map(|value| value["problem"].clone())
        .unwrap_or_default()
}

/// The exit status of a pass's document: 0 when all that could be asked for was done.
#[must_use]
pub fn exit_of(document: &Value) -> u8 {
    u8::from(document["ok"] == Value::Bool(false))
}
