//! What stands now, by what the ledger and the process say. Pure.

use std::collections::HashSet;

use std::collections::{BTreeMap, BTreeSet};

use camsync_core::change::DriftKind;
use camsync_core::change::Hold;
use camsync_core::problem::Problem;
use camsync_core::retry::FailureClass;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ledger::{ApplicationRow, ChangeRow, KeptDrift, PlanRow, SourceRow};
use crate::pipeline::target::TargetFailure;

use super::cause::{Cause, change_key, permission_key, quota_key};

/// What may pass by itself is told after this.
pub(super) const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// What the ledger and the process say at one moment.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The moment.
    pub now: DateTime<Utc>,
    /// Sources that are in the file.
    pub configured: BTreeSet<String>,
    /// Sources that the ledger knows.
    pub sources: Vec<SourceRow>,
    /// Plans that are held.
    pub plans: Vec<PlanRow>,
    /// Applications that wait for a decision.
    pub applications: Vec<ApplicationRow>,
    /// Changes that failed for good.
    pub failed: Vec<ChangeRow>,
    /// Changes that are tried again.
    pub tried_again: Vec<ChangeRow>,
    /// What held changes wait for at the cloud.
    pub waits: Vec<(Hold, u64)>,
    /// Access that somebody else reduced.
    pub drift: Vec<KeptDrift>,
    /// Why the last pass could not read or write the cloud.
    pub target: Option<TargetFailure>,
    /// Why an edit of the configuration was refused.
    pub config_error: Option<String>,
}

/// Causes that stand, by key, and keys of which that is not known yet.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// What stands.
    pub causes: BTreeMap<String, Cause>,
    /// Neither new when it is not told yet, nor over when it is.
    pub undecided: BTreeSet<String>,
}

/// What stands.
#[must_use]
pub(super) fn standing(seen: &Seen) -> Standing {
    let causes = sources(seen)
        .chain(plans(seen))
        .chain(applications(seen))
        .chain(failed(seen))
        .chain(waits(seen))
        .chain(drift(seen))
        .chain(target(seen))
        .chain(seen.config_error.iter().map(|error| Cause::Config {
            error: error.clone(),
        }))
        .map(|cause| (cause.key(), cause))
        .collect();
    let undecided = seen.tried_again.iter().flat_map(undecided_by).collect();
    Standing { causes, undecided }
}

fn sources(seen: &Seen) -> impl Iterator<Item = Cause> {
    seen.sources.iter().filter_map(|row| {
        let source = row.name.clone();
        // What was unlinked is meant to be gone.
        if row.unlinked.is_some() {
            return None;
        }
        if !seen.configured.contains(&row.name) {
            return (row.members > 0).then_some(Cause::SourceGone {
                source,
                members: row.members,
            });
        }
        // Somebody who pauses a source knows of it.
        if row.paused {
            return None;
        }
        if let (Some(bound), Some(found)) = (&row.enterprise, &row.seen_enterprise) {
            return Some(Cause::AnotherEnterprise {
                source,
                bound: bound.clone(),
                found: found.clone(),
            });
        }
        let since = row.failing_since.filter(|at| *at + PATIENCE <= seen.now)?;
        let failure = row.error.clone();
        Some(Cause::SourceDown {
            source,
            since,
            failure: failure.and_then(|error| serde_json::from_value(error).ok()),
        })
    })
}

fn plans(seen: &Seen) -> impl Iterator<Item = Cause> {
    seen.plans.iter().map(|plan| Cause::PlanHeld {
        plan: plan.id,
        source: plan.source.clone(),
        evidence: plan.evidence,
        removals: plan.removals.len(),
        limit: plan.limit,
    })
}

fn applications(seen: &Seen) -> impl Iterator<Item = Cause> {
    seen.applications.iter().map(|row| Cause::Application {
        application: row.id,
        source: row.source.clone(),
        member: row.member.clone(),
    })
}

fn failed(seen: &Seen) -> impl Iterator<Item = Cause> {
    seen.failed.iter().filter_map(|row| {
        let failure = row.last_error.clone()?;
        let (change, kind) = (row.id, row.kind);
        let line = row.line();
        let username = row.of().to_owned();
        Some(if failure.code == "no_effect" {
            Cause::NoEffect {
                change,
                line,
                kind,
                username,
            }
        } else {
            Cause::ChangeFailed {
                change,
                line,
                kind,
                username,
                failure,
            }
        })
    })
}

fn waits(seen: &Seen) -> impl Iterator<Item = Cause> {
    seen.waits.iter().filter_map(|(hold, changes)| {
        let changes = *changes;
        match hold {
            Hold::Permission { action } => Some(Cause::Permission {
                action: action.clone(),
                changes,
            }),
            // A day's allowance comes back by itself.
            Hold::Quota { quota, .. } if quota != "new_sub_users_per_day" => Some(Cause::Quota {
                quota: quota.clone(),
                changes,
            }),
            _ => None,
        }
    })
}

fn drift(seen: &Seen) -> impl Iterator<Item = Cause> {
    let mut told = HashSet::new();
    seen.drift.iter().filter_map(move |drift| {
        let what = match drift.problem {
            Problem::DeletedByHand => DriftKind::Deleted,
            Problem::GrantTaken { .. } => DriftKind::GrantTaken,
            _ => DriftKind::SignInOff,
        };
        let cause = Cause::DriftKept {
            source: drift.source.clone(),
            member: drift.member.clone(),
            what,
        };
        // However many grants somebody took from one person, that is one thing to be told.
        told.insert(cause.key()).then_some(cause)
    })
}

fn target(seen: &Seen) -> impl Iterator<Item = Cause> {
    let failing = seen
        .target
        .iter()
        .filter(|failing| !failing.trouble.may_pass() || failing.since + PATIENCE <= seen.now);
    failing.map(|failing| Cause::Target {
        since: failing.since,
        trouble: failing.trouble.clone(),
    })
}

/// A change that is under way again may have been told as failed or as waiting: how it ends is not known yet.
fn undecided_by(row: &ChangeRow) -> Vec<String> {
    let mut keys = vec![change_key(&row.line(), row.kind)];
    if let Some(failure) = &row.last_error {
        match failure.class {
            FailureClass::Permission => {
                keys.extend(failure.action.as_deref().map(permission_key));
            }
            FailureClass::Quota => {
                keys.push(quota_key("sub_users"));
                keys.push(quota_key(&failure.code));
            }
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
