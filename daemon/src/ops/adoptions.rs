//! Which existing sub-users the rules would take over, with the facts of both sides: for a person to read before it
//! happens. From the stored snapshots; a source that has none is crawled, and what that finds is forgotten again.

use std::sync::Arc;

use camsync_cam::Cam;
use camsync_core::change::Planned;
use camsync_core::rules::Adopt;
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::pipeline::reconcile::{self, Made, Ready, ReconcileError};
use crate::pipeline::{Engine, ProgressSink, SourceFailure};
use crate::setup;

use super::{Context, OpError, changes};

/// What would be taken over.
pub(super) struct Adoptions {
    /// Every match, source by source.
    pub(super) matches: Vec<Value>,
    /// Sources whose members are not known, for they could not be crawled.
    pub(super) unknown: Vec<(String, SourceFailure)>,
}

/// Every match, source by source; `None` where no rule takes anything over.
///
/// # Errors
/// When the ledger fails.
pub(super) async fn adoptions(
    context: &Context,
    cam: &dyn Cam,
) -> Result<Option<Result<Adoptions, ReconcileError>>, OpError> {
    let config = context.config();
    let takes_over = |rule: &camsync_core::rules::AdmitRule| rule.adopt != Adopt::Never;
    if !config.config.rules.admit.iter().any(takes_over) {
        return Ok(None);
    }
    let crawled = crawl_the_unknown(context).await?;
    let (ledger, unknown) = match &crawled {
        Some((scratch, failures)) => (&**scratch, failures.clone()),
        None => (context.ledger(), Vec::new()),
    };
    match made(context, ledger, cam).await {
        Ok(made) => Ok(Some(Ok(Adoptions {
            matches: listed(&made),
            unknown,
        }))),
        Err(ReconcileError::Ledger(error)) => Err(error.into()),
        Err(error) => Ok(Some(Err(error))),
    }
}

/// Crawls the sources that were never crawled whole, into a copy of the ledger; nothing when there are none.
async fn crawl_the_unknown(
    context: &Context,
) -> Result<Option<(Arc<Ledger>, Vec<(String, SourceFailure)>)>, OpError> {
    let config = context.config();
    let rows = context.ledger().sources()?;
    let left_alone = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.is_some_and(|row| {
            row.last_complete_at.is_some() || row.unlinked.is_some() || row.paused
        })
    };
    let names = config.config.sources.iter().map(|source| &source.name);
    let never: Vec<String> = names.filter(|name| !left_alone(name)).cloned().collect();
    if never.is_empty() {
        return Ok(None);
    }
    let scratch = Arc::new(context.ledger().scratch()?);
    setup::enrol(&config.config, &scratch)?;
    let mut parts = context.parts(&config.config).await?;
    parts.ledger = Arc::clone(&scratch);
    let engine = Engine::new(parts);
    let report = engine
        .plan(Some(&never), false, &ProgressSink::none())
        .await?;
    Ok(Some((scratch, report.failures)))
}

async fn made(context: &Context, ledger: &Ledger, cam: &dyn Cam) -> Result<Made, ReconcileError> {
    let config = context.config();
    let policy = setup::policy(&config.config);
    let (_, observed) = reconcile::observed(ledger, Some(cam), &policy.rules).await?;
    let ready: Vec<Ready> = config
        .config
        .sources
        .iter()
        .map(|source| Ready {
            name: source.name.clone(),
            connector: setup::connector_name(&source.connector),
            can_look_up: true,
            crawl: None,
            looked_up: Vec::new(),
            alone: None,
        })
        .collect();
    let mut basis = reconcile::prepare(ledger, &policy, &ready, &observed, context.now())?;
    let grants =
        reconcile::grants(ledger, Some(cam), &policy, &mut basis, &observed, false).await?;
    reconcile::make(ledger, &policy, basis, &observed, &grants)
}

fn listed(made: &Made) -> Vec<Value> {
    let taken_over = |change: &Planned| {
        let adoption = change.adoption.as_ref()?;
        let (before, after) = changes::states(
            change.kind,
            None,
            change.before.as_ref(),
            change.after.as_ref(),
        );
        Some(json!({
            "source": change.source,
            "member": change.member,
            "name": made.name(&change.source, &change.member),
            "username": change.username,
            "uin": adoption.uin,
            "by": adoption.by,
            "reason": change.reason.to_string(),
            "reason_details": change.reason,
            "before": before,
            "after": after,
            "held": change.hold.is_some(),
        }))
    };
    made.shown().filter_map(taken_over).collect()
}
