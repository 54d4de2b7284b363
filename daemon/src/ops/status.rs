//! `status`: everything at a glance.

use serde_json::{Map, Value, json};

use crate::ledger::time_text;
use crate::pipeline::outbox::FROZEN;

use super::{Context, OpError, notify, sources};

pub(super) fn status(context: &Context) -> Result<Value, OpError> {
    let ledger = context.ledger();
    let sources = sources::rows(context)?;
    let (managed, suspended) = ledger.managed_counts()?;
    let mut changes: Map<String, Value> = camsync_core::outbox::Status::ALL
        .iter()
        .map(|status| (status.as_str().to_owned(), json!(0)))
        .collect();
    for (status, count) in ledger.change_counts()? {
        changes.insert(status.as_str().to_owned(), json!(count));
    }
    let held_plans = ledger.plans(Some("held"), None, None, None)?;
    let held: Vec<i64> = held_plans.iter().map(|p| p.id).collect();
    // What is held waits for a person, or for room or a permission: these call for different things.
    let for_approval: usize = held_plans.iter().map(|p| p.removals.len()).sum();
    let all_held = changes["held"].as_u64().unwrap_or(0);
    let for_room = all_held.saturating_sub(for_approval as u64);
    let (loaded_at, error) = context.config_state();
    let frozen: Value = ledger
        .meta(FROZEN)?
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null);
    Ok(json!({
        "sources": sources,
        "sub_users": { "managed": managed, "suspended": suspended },
        "changes": changes,
        "held": held,
        "waiting": { "approval": all_held - for_room, "quota_or_permission": for_room },
        "applications": { "pending": ledger.pending_applications()? },
        "notify": notify::targets(context)?,
        "config": { "loaded_at": time_text(loaded_at), "error": error },
        "frozen": frozen,
        "target": { "owner_uin": ledger.meta(crate::pipeline::reconcile::OWNER_UIN)? },
        "ledger": ledger.path(),
        "listen": context.listens_at(),
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
