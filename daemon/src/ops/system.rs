//! `freeze`, `thaw`, `audit`, `backup`.

use std::path::Path;

use serde_json::{Value, json};

use crate::ledger::{LedgerError, time_text};
use crate::metrics::LAST_BACKUP;
use crate::pipeline::ProgressSink;
use crate::pipeline::outbox::FROZEN;
use crate::say::refusals;

use super::{Context, ListOptions, OpError, passes};

pub(super) async fn freeze(
    context: &Context,
    frozen: bool,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let ledger = context.ledger();
    let now = context.now();
    let was = ledger.meta(FROZEN)?;
    if was.is_some() == frozen {
        return Ok(json!({ "frozen": frozen, "changed": false }));
    }
    let text = json!({ "by": actor, "at": time_text(now) }).to_string();
    ledger.set_meta(FROZEN, frozen.then_some(&text))?;
    let action = if frozen { "freeze" } else { "thaw" };
    ledger.audit(now, actor, action, "target", &Value::Null)?;
    if !frozen {
        // What waited was planned before the freeze, perhaps days ago: approvals have ended and people have come back since.
        passes::reconcile(context, actor, progress).await?;
    }
    Ok(json!({ "frozen": frozen, "changed": true }))
}

pub(super) fn audit(context: &Context, options: &ListOptions) -> Result<Value, OpError> {
    let rows = context
        .ledger()
        .audit_rows(options.since, options.limit())?;
    let chain = context.ledger().audit_chain()?;
    Ok(json!({
        "ok": chain.broken_at.is_none(),
        "audit": rows,
        "rows": chain.rows,
        "head": chain.head,
        "broken_at": chain.broken_at,
    }))
}

pub(super) fn backup(context: &Context, file: &Path) -> Result<Value, OpError> {
    if file.exists() {
        return Err(refusals::file_exists(file));
    }
    let path = context.config().config.daemon.data_dir.join("camsync.db");
    // What stands in for a ledger that is not there yet is no backup of anything.
    if context.ledger().path() != path {
        return Err(LedgerError::Absent { path }.into());
    }
    context.ledger().backup(file)?;
    let bytes = std::fs::metadata(file).map(|m| m.len()).unwrap_or_default();
    Ok(json!({ "file": file, "bytes": bytes }))
}

pub(super) fn backed_up(
    context: &Context,
    file: &Path,
    bytes: u64,
    actor: &str,
) -> Result<Value, OpError> {
    let subject = file.display().to_string();
    let detail = json!({ "bytes": bytes });
    let at = time_text(context.now());
    context.ledger().set_meta(LAST_BACKUP, Some(&at))?;
    context
        .ledger()
        .audit(context.now(), actor, "backup", &subject, &detail)?;
    tracing::info!(actor, file = subject, bytes, "ledger backed up");
    Ok(Value::Null)
}
