//! Retention: has the ledger purged at the start and once a day, a little at a time.

use std::time::Duration;

use chrono::TimeDelta;

use crate::ledger::{LedgerError, Purge, Purged};
use crate::ops::Context;
use crate::pipeline::Engine;

/// What is kept for less is looked at as often as that.
const DAILY: TimeDelta = TimeDelta::days(1);
/// How often is looked whether it is time: a machine that slept, a clock that was set and an edit all show.
const LOOK: Duration = Duration::from_secs(60);
/// Between two steps, so that whoever waits for the ledger gets it.
const BREATH: Duration = Duration::from_millis(10);

/// Purges until the engine is to end.
pub(crate) async fn run(context: &Context, engine: &Engine) {
    let mut purged_at = None;
    while !engine.stopped() {
        let limit = limit(context);
        let every = limit.min(DAILY);
        let now = context.now();
        // After a clock that went back, too.
        if purged_at.is_none_or(|at| now - at >= every || now < at) {
            match purge(context, engine, limit).await {
                Ok(purged) if purged == Purged::default() => {}
                Ok(purged) => tracing::info!(?purged, "what people who are gone left was purged"),
                Err(error) => tracing::error!(%error, "nothing can be purged"),
            }
            purged_at = Some(now);
        }
        let pause = every.to_std().unwrap_or(LOOK).min(LOOK);
        tokio::select! {
            () = engine.clock().sleep(pause) => {}
            () = engine.until_stopped() => {}
        }
    }
}

fn limit(context: &Context) -> TimeDelta {
    TimeDelta::from_std(context.config().config.retention.snapshots).unwrap_or(TimeDelta::MAX)
}

/// Purges what was over longer ago than the limit. What is left undone at an end is done after the next start.
async fn purge(
    context: &Context,
    engine: &Engine,
    limit: TimeDelta,
) -> Result<Purged, LedgerError> {
    let now = context.now();
    let Some(before) = now.checked_sub_signed(limit) else {
        return Ok(Purged::default());
    };
    let mut purge = Purge::of_before(before);
    while !engine.stopped() {
        if let Some(purged) = context.ledger().purge_on(&mut purge, now)? {
            return Ok(purged);
        }
        engine.clock().sleep(BREATH).await;
    }
    Ok(Purged::default())
}
