//! `notify`: how it goes with telling people, and a test of it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::ledger::time_text;
use crate::notify::Target;

use super::{Context, OpError};

/// Sends a test message to every target, and says which took it.
pub(super) async fn test(context: &Context) -> Result<Value, OpError> {
    let targets = Target::all(&context.config().config, context.language())?;
    let now = context.now();
    let tests = targets.iter().map(|target| async move {
        let error = target.test(now).await.err().map(|refusal| refusal.message);
        json!({ "target": target.name, "kind": target.kind, "error": error })
    });
    let tested = join_all(tests).await;
    let ok = tested.iter().all(|target| target["error"].is_null());
    Ok(json!({ "ok": ok, "targets": tested }))
}

/// How sending to each configured target goes.
pub(super) fn targets(context: &Context) -> Result<Vec<Value>, OpError> {
    let config = context.config();
    if config.config.notify.is_empty() {
        return Ok(Vec::new());
    }
    let rows = context.ledger().notifications()?;
    let states = context.ledger().notification_targets()?;
    Ok(config
        .config
        .notify
        .iter()
        .map(|notify| {
            let name = notify.name();
            let state = states.iter().find(|s| s.target == name);
            let told = |waiting: bool| {
                rows.iter()
                    .filter(|r| r.target == name)
                    .filter(|r| (r.sent_at.is_none() || r.over_at.is_some()) == waiting)
                    .count()
            };
            json!({
                "on": notify.on.iter().map(|event| event.as_str()).collect::<Vec<_>>(),
                "standing": told(false),
                "waiting": told(true),
                "last_sent_at": state.and_then(|s| s.last_sent_at).map(time_text),
                "failing_since": state.and_then(|s| s.failing_since).map(time_text),
                "next_attempt_at": state.and_then(|s| s.next_attempt_at).map(time_text),
                "error": state.and_then(|s| s.last_error.clone()),
                "target": name,
            })
        })
        .collect())
}
