//! What was decided about a member, as JSON of one shape.

use camsync_core::desired::Verdict;
use camsync_core::evidence::Witness;
use serde_json::{Value, json};

use crate::ledger::MemberRow;

use super::{Context, OpError};

/// What the rules said, in one shape whatever they said.
pub(super) fn verdict_json(verdict: Option<&Verdict>) -> Value {
    let Some(verdict) = verdict else {
        return Value::Null;
    };
    let (kind, admission, error) = match verdict {
        Verdict::Admitted(admission) => ("admitted", Some(admission), None),
        Verdict::AwaitingApplication { .. } => ("awaiting_application", None, None),
        Verdict::Excluded { .. } => ("excluded", None, None),
        Verdict::Unmatched => ("unmatched", None, None),
        Verdict::Disabled => ("disabled", None, None),
        Verdict::Left => ("left", None, None),
        Verdict::Failed { error, .. } => ("failed", None, Some(error)),
    };
    json!({
        "kind": kind,
        "rule": verdict.rule(),
        "username": admission.map(|a| &a.username),
        "remark": admission.map(|a| &a.remark),
        "console_login": admission.map(|a| a.console_login),
        "error": error,
    })
}

/// What a look-up, or several crawls, said of someone missing.
pub(super) fn witness_json(witness: Option<&Witness>) -> Value {
    let Some(witness) = witness else {
        return Value::Null;
    };
    let (answer, text, crawls) = match witness {
        Witness::Gone(text) => ("gone", Some(text), None),
        Witness::OutOfSight(text) => ("out-of-sight", Some(text), None),
        Witness::Unknown(text) => ("unknown", Some(text), None),
        Witness::Crawls { crawls, seconds } => ("crawls", None, Some((crawls, seconds))),
    };
    json!({
        "answer": answer,
        "text": text,
        "crawls": crawls.map(|(crawls, _)| crawls),
        "seconds": crawls.map(|(_, seconds)| seconds),
    })
}

/// Of what showed a member when last seen, what the visible range does not hold any more.
pub(super) fn lost_of_range(context: &Context, row: &MemberRow) -> Result<Vec<String>, OpError> {
    let (_, range) = context.ledger().departments_and_range(&row.source)?;
    let shown_by = row.facts.shown_by.iter();
    Ok(shown_by
        .filter(|item| !range.contains(*item))
        .cloned()
        .collect())
}
