//! `freeze`, `thaw`, `audit`, `backup`.

use std::path::Path;

use serde_json::{Value, json};

use crate::ledger::time_text;
use crate::metrics::LAST_BACKUP;
use crate::pipeline::ProgressSink;
use crate::pipeline::outbox::FROZEN;

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
        passes::work(context, progress).await?;
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

pub(super) fn backup(context: &Context, file: &Path, actor: &str) -> Result<Value, OpError> {
    if file.exists() {
        return Err(OpError::usage(format!(
            "{} exists; name a new file",
            file.display()
        )));
    }
    context.ledger().backup(file)?;
    let bytes = std::fs::metadata(file).map(|m| m.len()).unwrap_or_default();
    if context.holds_ledger() {
        let at = time_text(context.now());
        context.ledger().set_meta(LAST_BACKUP, Some(&at))?;
    }
    tracing::info!(actor, file = %file.display(), bytes, "ledger backed up");
    Ok(json!({ "file": file, "bytes": bytes }))
}
