//! `plans`: what the guard held, and what a person says to it.

use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::ledger::{APPROVAL_HOLDS, PlanRow, time_text};
use crate::pipeline::ProgressSink;
use crate::say::refusals;

use super::{Context, ListOptions, OpError, passes, sources};

const STATUSES: [&str; 5] = ["held", "approved", "discarded", "applied", "superseded"];

/// The first of two approvals, while it counts.
fn first_approval<'p>(context: &Context, plan: &'p PlanRow) -> Option<&'p (DateTime<Utc>, String)> {
    let first = plan.first_approval.as_ref()?;
    (plan.status != "held" || first.0 + APPROVAL_HOLDS > context.now()).then_some(first)
}

/// How many people must still approve a plan before it starts.
fn approvals_missing(context: &Context, plan: &PlanRow) -> u8 {
    let two = context.config().config.console.two_person_approval;
    match plan.status.as_str() {
        "held" if two && first_approval(context, plan).is_none() => 2,
        "held" => 1,
        _ => 0,
    }
}

fn row_json(context: &Context, plan: &PlanRow) -> Value {
    let mut summary: BTreeMap<Kind, usize> = BTreeMap::new();
    for removal in &plan.removals {
        *summary.entry(removal.kind).or_default() += 1;
    }
    let summary: BTreeMap<&str, usize> = summary
        .into_iter()
        .map(|(kind, count)| (kind.as_str(), count))
        .collect();
    json!({
        "id": plan.id,
        "source": plan.source,
        "status": plan.status,
        "evidence": plan.evidence,
        "created_at": time_text(plan.created_at),
        "summary": summary,
        "removals": plan.removals.len(),
        "limit": plan.limit,
        "decided_at": plan.decided_at.map(time_text),
        "decided_by": plan.decided_by,
        "first_approval": first_approval(context, plan)
            .map(|(at, by)| json!({ "by": by, "at": time_text(*at) })),
        "approvals_missing": approvals_missing(context, plan),
    })
}

pub(super) fn list(context: &Context, options: &ListOptions) -> Result<Value, OpError> {
    sources::known(context, options.source.as_deref())?;
    options.status_among(&STATUSES)?;
    let rows = context.ledger().plans(
        options.status.as_deref(),
        options.source.as_deref(),
        options.since,
        options.limit(),
    )?;
    let rows: Vec<Value> = rows.iter().map(|row| row_json(context, row)).collect();
    Ok(json!({ "plans": rows }))
}

fn find(context: &Context, id: i64) -> Result<PlanRow, OpError> {
    context
        .ledger()
        .plan(id)?
        .ok_or_else(|| refusals::no_plan(id))
}

pub(super) fn show(context: &Context, id: i64) -> Result<Value, OpError> {
    let plan = find(context, id)?;
    let mut made = row_json(context, &plan);
    made["items"] = plan
        .removals
        .iter()
        .map(|removal| {
            json!({
                "kind": removal.kind,
                "member": removal.member,
                "username": removal.username,
                "reason": removal.reason.to_string(),
                "reason_details": removal.reason,
            })
        })
        .collect();
    Ok(json!({ "plan": made }))
}

fn held(context: &Context, id: i64) -> Result<PlanRow, OpError> {
    let plan = find(context, id)?;
    if plan.status != "held" {
        return Err(refusals::plan_not_held(id, &plan.status));
    }
    Ok(plan)
}

/// Who somebody is, by whatever way they came: `cli:ann` and `api:ann` are one person.
fn person(actor: &str) -> String {
    let name = actor.split_once(':').map_or(actor, |(_, name)| name);
    name.to_lowercase()
}

pub(super) async fn approve(
    context: &Context,
    id: i64,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let plan = held(context, id)?;
    if context.config().config.console.two_person_approval {
        match first_approval(context, &plan) {
            None => {
                let noted = context
                    .ledger()
                    .note_first_approval(&plan, context.now(), actor)?;
                return if noted {
                    show(context, id)
                } else {
                    Err(refusals::plan_overtaken(id))
                };
            }
            Some((_, first)) if person(first) == person(actor) => {
                return Err(refusals::needs_a_second_person(id, first));
            }
            Some(_) => {}
        }
    }
    if !context.ledger().approve_plan(&plan, context.now(), actor)? {
        return Err(refusals::plan_overtaken(id));
    }
    let deletes = plan.removals.iter().any(|r| r.kind == Kind::DeleteUser);
    if deletes && plan.evidence != Evidence::Asked {
        // Nobody is deleted without a complete crawl and a witness of this moment.
        passes::sync(context, Some(&plan.source), 60, actor, progress).await?;
    } else {
        passes::reconcile(context, actor, progress).await?;
    }
    show(context, id)
}

pub(super) fn discard(context: &Context, id: i64, actor: &str) -> Result<Value, OpError> {
    let plan = held(context, id)?;
    if !context.ledger().discard_plan(&plan, context.now(), actor)? {
        return Err(refusals::plan_overtaken(id));
    }
    show(context, id)
}
