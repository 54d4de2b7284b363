//! `changes`: the outbox and its history.

use camsync_core::change::{Hold, UserState};
use camsync_core::object::{Object, ObjectKind};
use camsync_core::outbox::{Event, Kind, Status};
use serde_json::{Value, json};

use crate::ledger::{ChangeFilter, ChangeRow, time_text};
use crate::pipeline::ProgressSink;
use crate::say::refusals;

use super::{Context, ListOptions, OpError, passes, sources};

/// Before and after of a change: of a sub-user's own facts, or of the group, policy or key that it is about. All fields
/// are there: absent values are null, not left out.
pub(super) fn states(
    kind: Kind,
    object: Option<&Object>,
    before: Option<&UserState>,
    after: Option<&UserState>,
) -> (Value, Value) {
    let Some(object) = object else {
        let facts = |state: Option<&UserState>| {
            state.map_or(Value::Null, |state| state_json(state, None, None))
        };
        return (facts(before), facts(after));
    };
    let state = |active| state_json(&UserState::default(), Some(object), active);
    match kind {
        Kind::CreateGroup | Kind::CreatePolicy | Kind::AddToGroup | Kind::AttachPolicy => {
            (Value::Null, state(None))
        }
        Kind::DisableKey => (state(Some(true)), state(Some(false))),
        Kind::EnableKey => (state(Some(false)), state(Some(true))),
        _ => (state(None), Value::Null),
    }
}

fn state_json(state: &UserState, object: Option<&Object>, active: Option<bool>) -> Value {
    let named = |kind| object.filter(|o| o.kind == kind).map(|o| &o.name);
    json!({
        "remark": state.remark,
        "console_login": state.console_login,
        "phone": state.phone,
        "email": state.email,
        "group": named(ObjectKind::Group),
        "policy": named(ObjectKind::Policy),
        "key": named(ObjectKind::Key),
        "active": active,
    })
}

/// A text that may be absent.
pub(super) fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A change as JSON.
pub(super) fn row_json(row: &ChangeRow) -> Value {
    let (before, after) = states(
        row.kind,
        row.object.as_ref(),
        row.before.as_ref(),
        row.after.as_ref(),
    );
    json!({
        "id": row.id,
        "kind": row.kind,
        "username": some(&row.username),
        "source": row.source,
        "member": some(&row.member),
        "object": row.object,
        "status": row.status,
        "reason": row.reason.to_string(),
        "reason_details": row.reason,
        "evidence": row.evidence,
        "before": before,
        "after": after,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "waits_for": row.hold.as_ref().map(ToString::to_string),
        "waits_for_details": row.hold,
        "plan": row.plan,
        "created_at": time_text(row.created_at),
        "next_attempt_at": row.next_attempt_at.map(time_text),
        "applied_at": row.applied_at.map(time_text),
    })
}

pub(super) fn list(context: &Context, options: &ListOptions) -> Result<Value, OpError> {
    sources::known(context, options.source.as_deref())?;
    let status = options
        .status
        .as_deref()
        .map(|word| {
            Status::parse(word).ok_or_else(|| {
                let known: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
                refusals::unknown_status(word, &known)
            })
        })
        .transpose()?;
    let rows = context.ledger().changes(&ChangeFilter {
        status,
        source: options.source.clone(),
        since: options.since,
        limit: options.limit(),
    })?;
    let rows: Vec<Value> = rows.iter().map(row_json).collect();
    Ok(json!({ "changes": rows }))
}

fn find(context: &Context, id: i64) -> Result<ChangeRow, OpError> {
    context
        .ledger()
        .change(id)?
        .ok_or_else(|| refusals::no_change(id))
}

pub(super) fn show(context: &Context, id: i64) -> Result<Value, OpError> {
    let row = find(context, id)?;
    let mut made = row_json(&row);
    made["history"] = json!(context.ledger().attempts(id)?);
    Ok(json!({ "change": made }))
}

pub(super) async fn retry(
    context: &Context,
    id: i64,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let row = find(context, id)?;
    match (&row.hold, row.plan) {
        (Some(Hold::Approval), plan) if row.status == Status::Held => {
            let plan = plan.unwrap_or_default();
            return Err(refusals::change_waits_for_approval(id, plan));
        }
        (Some(Hold::Crawl), _) if row.status == Status::Held => {
            return Err(refusals::change_waits_for_crawl(id));
        }
        _ if row.kind == Kind::ResetPassword => {
            return Err(refusals::password_not_retried(id, &row.member));
        }
        _ => {}
    }
    if !matches!(row.status, Status::Failed | Status::Held) {
        return Err(refusals::not_retriable(id, row.status.as_str()));
    }
    context.ledger().forget_full_quotas()?;
    context
        .ledger()
        .steer_change(id, Event::Retry, context.now(), actor)?;
    if context.engine().await?.planned().contains(&row.source) {
        passes::work(context, progress).await?;
    } else {
        // What an earlier process planned may not be called for any more.
        passes::reconcile(context, actor, progress).await?;
    }
    show(context, id)
}

pub(super) fn cancel(context: &Context, id: i64, actor: &str) -> Result<Value, OpError> {
    let row = find(context, id)?;
    if row.status.after(Event::Cancel).is_err() {
        return Err(refusals::not_cancellable(id, row.status.as_str()));
    }
    context
        .ledger()
        .steer_change(id, Event::Cancel, context.now(), actor)?;
    show(context, id)
}
