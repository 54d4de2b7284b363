//! Which existing sub-users the rules would take over, with the facts of both sides: for a person to read before it
//! happens. From the stored snapshots; asks no provider and writes nothing.

use camsync_cam::Cam;
use camsync_core::change::Planned;
use camsync_core::rules::Adopt;
use serde_json::{Value, json};

use crate::pipeline::reconcile::{self, Made, Ready, ReconcileError};
use crate::setup;

use super::{Context, OpError, changes};

/// Every match, source by source; `None` where no rule takes anything over.
///
/// # Errors
/// When the ledger fails.
pub(super) async fn adoptions(
    context: &Context,
    cam: &dyn Cam,
) -> Result<Option<Result<Vec<Value>, ReconcileError>>, OpError> {
    let config = context.config();
    let takes_over = |rule: &camsync_core::rules::AdmitRule| rule.adopt != Adopt::Never;
    if !config.config.rules.admit.iter().any(takes_over) {
        return Ok(None);
    }
    match made(context, cam).await {
        Ok(made) => Ok(Some(Ok(listed(&made)))),
        Err(ReconcileError::Ledger(error)) => Err(error.into()),
        Err(error) => Ok(Some(Err(error))),
    }
}

async fn made(context: &Context, cam: &dyn Cam) -> Result<Made, ReconcileError> {
    let (ledger, config) = (context.ledger(), context.config());
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
