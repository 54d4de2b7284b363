//! What each target is to be told, from what stands and what it was told before. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use camsync_config::Event;
use serde_json::Value;

use crate::ledger::{NotificationRow, NotificationStep};

use super::standing::Standing;

/// The steps from what targets were told to what they are to be told. `wants` says what each target is told.
///
/// A cause is noticed once a target; told once, because what was told stays noticed for as long as it stands; and
/// over once. One that ended before it could be told is not told any more.
#[must_use]
pub(super) fn steps(
    standing: &Standing,
    rows: &[NotificationRow],
    wants: &BTreeMap<String, Vec<Event>>,
) -> Vec<NotificationStep> {
    let mut steps = Vec::new();
    let mut known: HashMap<&str, HashSet<&str>> = HashMap::new();
    for row in rows {
        known.entry(&row.target).or_default().insert(&row.cause);
        let wanted = wants.get(&row.target);
        let told_over = wanted.is_some_and(|on| on.contains(&Event::Recovered));
        let cause = standing.causes.get(&row.cause);
        let stands = cause.is_some();
        let unwanted = wanted.is_none_or(|on| cause.is_some_and(|c| !on.contains(&c.event())));
        let step = match (unwanted, stands, row.sent_at, row.over_at) {
            (true, ..) => Some(NotificationStep::Forget(row.id)),
            (_, true, _, Some(_)) => Some(NotificationStep::Back(row.id)),
            (_, true, ..) | (_, false, Some(_), Some(_)) => None,
            (_, false, ..) if standing.undecided.contains(&row.cause) => None,
            (_, false, Some(_), None) if told_over => Some(NotificationStep::Over(row.id)),
            (_, false, ..) => Some(NotificationStep::Forget(row.id)),
        };
        steps.extend(step);
    }
    for (target, on) in wants {
        let known = known.get(target.as_str());
        for (key, cause) in &standing.causes {
            let new = known.is_none_or(|known| !known.contains(key.as_str()));
            if new && on.contains(&cause.event()) {
                steps.push(NotificationStep::Notice {
                    target: target.clone(),
                    cause: key.clone(),
                    detail: serde_json::to_value(cause).unwrap_or(Value::Null),
                });
            }
        }
    }
    steps
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
