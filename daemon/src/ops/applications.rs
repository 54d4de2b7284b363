//! `applications`: members' own requests, and what a person says to them.

use std::sync::Arc;

use camsync_core::departments::Departments;
use camsync_core::desired::{Prospect, Verdict, prospect};
use camsync_core::sub_user::Stage;
use serde_json::{Value, json};

use crate::ledger::{
    ApplicationRow, Decided, Decision, Entered, MemberRow, NewApplication, time_text,
};
use crate::pipeline::{ProgressSink, Trigger};
use crate::say::refusals;

use super::{Context, ListOptions, OpError, passes, sources};

const STATUSES: [&str; 4] = ["pending", "approved", "denied", "withdrawn"];

/// An application as JSON.
pub(crate) fn row_json(row: &ApplicationRow) -> Value {
    json!({
        "id": row.id,
        "source": row.source,
        "member": row.member,
        "name": row.name,
        "reason": row.reason,
        "status": row.status,
        "created_at": time_text(row.created_at),
        "decided_at": row.decided_at.map(time_text),
        "decided_by": row.decided_by,
        "note": row.note,
        "ended": row.ended.map(crate::ledger::Ended::as_str),
        "ended_at": row.ended_at.map(time_text),
    })
}

pub(super) fn list(context: &Context, options: &ListOptions) -> Result<Value, OpError> {
    sources::known(context, options.source.as_deref())?;
    options.status_among(&STATUSES)?;
    let rows = context.ledger().applications(
        options.status.as_deref(),
        options.source.as_deref(),
        options.since,
        options.limit(),
    )?;
    let rows: Vec<Value> = rows.iter().map(row_json).collect();
    Ok(json!({ "applications": rows }))
}

fn find(context: &Context, id: i64) -> Result<ApplicationRow, OpError> {
    context
        .ledger()
        .application(id)?
        .ok_or_else(|| refusals::no_application(id))
}

fn show(context: &Context, id: i64) -> Result<Value, OpError> {
    Ok(json!({ "application": row_json(&find(context, id)?) }))
}

pub(super) async fn approve(
    context: &Context,
    id: i64,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let row = find(context, id)?;
    if row.status == "pending" {
        look(context, &row, actor, progress).await?;
    }
    if decide(context, id, Decision::Approve, None, actor)? || !is_made(context, &row)? {
        passes::reconcile(context, actor, progress).await?;
    }
    show(context, id)
}

pub(super) fn deny(
    context: &Context,
    id: i64,
    reason: Option<&str>,
    actor: &str,
) -> Result<Value, OpError> {
    let reason = reason.map(str::trim).filter(|r| !r.is_empty());
    decide(context, id, Decision::Deny, reason, actor)?;
    show(context, id)
}

/// Decides; whether that was now. The same decision once more changes nothing and is no error: a double click is one.
fn decide(
    context: &Context,
    id: i64,
    decision: Decision,
    said: Option<&str>,
    actor: &str,
) -> Result<bool, OpError> {
    let decided = context
        .ledger()
        .decide_application(id, decision, said, context.now(), actor)?;
    match decided {
        Decided::Now(_) => {
            if let Some(engine) = context.engine_in_use() {
                engine.tell();
            }
            Ok(true)
        }
        Decided::Before(row) if row.status == decision.status() => Ok(false),
        Decided::Before(row) => Err(refusals::application_decided(&row)),
        Decided::Unknown => Err(refusals::no_application(id)),
    }
}

fn is_made(context: &Context, row: &ApplicationRow) -> Result<bool, OpError> {
    let latest = context.ledger().latest_sub_user_of(&row.source, &row.key)?;
    Ok(latest.is_some_and(|s| s.stage == Stage::Managed))
}

/// Nobody is let in who has left meanwhile: the snapshot is asked, and the provider where it answers about one member.
async fn look(
    context: &Context,
    row: &ApplicationRow,
    actor: &str,
    progress: &ProgressSink,
) -> Result<(), OpError> {
    let ledger = context.ledger();
    let present = |row: &ApplicationRow| -> Result<bool, OpError> {
        let known = ledger.member_row(&row.source, &row.key)?;
        Ok(known.is_some_and(|m| m.present))
    };
    if !present(row)? {
        return Err(refusals::applicant_gone(row));
    }
    let engine = context.engine().await?;
    let ids = [row.member.clone()];
    let looked_up = engine.look_up(&row.source, &ids).await?;
    let gone = looked_up
        .gathered
        .ready
        .iter()
        .flat_map(|ready| &ready.looked_up)
        .any(|found| found.what.is_err());
    if !gone {
        return Ok(());
    }
    let trigger = Trigger {
        actor: actor.to_owned(),
        by_hand: false,
    };
    engine
        .record(looked_up.gathered, &trigger, progress)
        .await?;
    Err(refusals::applicant_gone(row))
}

/// Why a member cannot apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CannotApply {
    /// There is a sub-user already.
    HasSubUser,
    /// An application is open.
    Open,
    /// One is approved, and the sub-user is on its way.
    Approved,
    /// A sub-user comes without an application.
    NotNeeded,
    /// The rules do not let this member apply.
    NotOffered,
}

/// What an application of a member would come to now, or why there can be none.
///
/// # Errors
/// When the ledger cannot be read, or a rule does not compile.
pub(crate) fn prospect_of(
    context: &Context,
    member: &MemberRow,
) -> Result<Result<Prospect, CannotApply>, OpError> {
    let ledger = context.ledger();
    let sub_user = ledger.latest_sub_user_of(&member.source, &member.key)?;
    if sub_user.is_some_and(|s| s.stage == Stage::Managed) {
        return Ok(Err(CannotApply::HasSubUser));
    }
    let latest = ledger.latest_application(&member.source, &member.key)?;
    match latest.as_ref().map(|row| row.status.as_str()) {
        Some("pending") => return Ok(Err(CannotApply::Open)),
        Some("approved") => return Ok(Err(CannotApply::Approved)),
        _ => {}
    }
    let config = context.config();
    let connector = ledger.source(&member.source)?.map(|row| row.connector);
    let (departments, _) = ledger.departments_and_range(&member.source)?;
    let prospect = prospect(
        &config.config.rules.admit,
        &Arc::new(member.facts.clone()),
        &Arc::new(Departments::new(departments)),
        &member.source,
        connector.as_deref().unwrap_or_default(),
    )
    .map_err(|error| OpError::failed(error.to_string()))?;
    Ok(match prospect {
        Prospect::Pointless(Verdict::Admitted(_)) => Err(CannotApply::NotNeeded),
        Prospect::Pointless(_) => Err(CannotApply::NotOffered),
        asked => Ok(asked),
    })
}

/// A member applies.
///
/// # Errors
/// When the ledger cannot be written, or a rule does not compile.
pub(crate) fn apply(
    context: &Context,
    member: &MemberRow,
    reason: &str,
    actor: &str,
) -> Result<Result<ApplicationRow, CannotApply>, OpError> {
    let approved_by = match prospect_of(context, member)? {
        Ok(Prospect::ByRule { rule }) => Some(rule),
        Ok(Prospect::ByPerson { rule, error }) => {
            if let Some(error) = error {
                tracing::warn!(
                    source = member.source,
                    member = member.facts.id,
                    rule,
                    error,
                    "approve_when cannot be evaluated; a person decides"
                );
            }
            None
        }
        Ok(Prospect::Pointless(_)) => return Ok(Err(CannotApply::NotOffered)),
        Err(why) => return Ok(Err(why)),
    };
    let entered = context.ledger().enter_application(
        &NewApplication {
            source: &member.source,
            key: &member.key,
            member: &member.facts.id,
            name: &member.facts.name,
            reason,
            approved_by,
        },
        context.now(),
        actor,
    )?;
    Ok(match entered {
        Entered::Made(row) => Ok(row),
        Entered::Standing(row) if row.status == "approved" => Err(CannotApply::Approved),
        Entered::Standing(_) => Err(CannotApply::Open),
    })
}

/// Has the sub-user made that a rule has just approved.
pub(crate) async fn carry_out(context: &Context, row: &ApplicationRow) {
    let actor = row.decided_by.as_deref().unwrap_or("camsync");
    if let Err(error) = passes::reconcile(context, actor, &ProgressSink::none()).await {
        // The decision is recorded; the next plan carries it out.
        tracing::warn!(application = row.id, %error, "an approved application waits for the next plan");
    }
}
