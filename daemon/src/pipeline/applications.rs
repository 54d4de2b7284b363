//! Applications that a rule approves: asked when one is made, and again in every plan while it is open, for rules and
//! facts change.

use std::collections::HashMap;
use std::sync::Arc;

use camsync_core::departments::Departments;
use camsync_core::desired::{Prospect, prospect};
use camsync_core::model::Member;
use camsync_core::rules::AdmitRule;
use chrono::{DateTime, Utc};

use crate::ledger::{Decided, Decision, Ledger, LedgerError};
use crate::say::Blocked;

use super::reconcile::ReconcileError;

/// An open application that a rule approves as rules and facts are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByRule {
    /// The application.
    id: i64,
    /// Line of the rule.
    rule: u32,
}

/// The open applications of a source that a rule approves now, by the member's folded id. Writes nothing.
///
/// # Errors
/// When the ledger cannot be read, or a rule does not compile.
pub(super) fn approved_by_rule(
    ledger: &Ledger,
    rules: &[AdmitRule],
    (source, connector): (&str, &str),
    members: &HashMap<String, Arc<Member>>,
    departments: &Arc<Departments>,
) -> Result<HashMap<String, ByRule>, ReconcileError> {
    let mut approved = HashMap::new();
    if rules.iter().all(|rule| rule.approve_when.is_none()) {
        return Ok(approved);
    }
    for open in ledger.applications(Some("pending"), Some(source), None, None)? {
        let Some(member) = members.get(&open.key) else {
            continue;
        };
        let prospect =
            prospect(rules, member, departments, source, connector).map_err(|error| {
                ReconcileError::Blocked(Blocked::Rule {
                    error: error.to_string(),
                })
            })?;
        if let Prospect::ByRule { rule } = prospect {
            approved.insert(open.key, ByRule { id: open.id, rule });
        }
    }
    Ok(approved)
}

/// Records that these are approved. Whether all of them are: what a person has decided meanwhile stays as it is.
///
/// # Errors
/// When the ledger cannot be written.
pub(super) fn approve(
    ledger: &Ledger,
    approved: &[ByRule],
    at: DateTime<Utc>,
) -> Result<bool, LedgerError> {
    let mut all = true;
    for ByRule { id, rule } in approved {
        let actor = format!("rule:{rule}");
        let decided = ledger.decide_application(*id, Decision::Approve, None, at, &actor)?;
        all &= match decided {
            Decided::Now(_) => true,
            Decided::Before(row) => row.status == Decision::Approve.status(),
            Decided::Unknown => false,
        };
    }
    Ok(all)
}
