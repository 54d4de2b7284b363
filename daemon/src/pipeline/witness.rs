//! Witness: members who are missing from a complete crawl are looked up, in the same pass.

use std::sync::Arc;

use camsync_core::evidence::{Absence, Witness, judge_absence};
use camsync_core::model::Member;
use camsync_core::plan::Absent;
use chrono::{DateTime, Utc};

use crate::ledger::{Ledger, LedgerError, MissingMember};

use super::progress::{Progress, ProgressSink};
use super::source::{Presence, Source};

/// So many are asked for in one call of the connector.
const BATCH: usize = 200;

/// Looks up every missing member who has a managed sub-user, and records the answers. Those who are present after
/// all go back into the snapshot, and are returned.
///
/// # Errors
/// Only when the ledger fails: a provider that does not answer settles nothing, and is recorded so.
pub async fn look_up_missing(
    ledger: &Ledger,
    name: &str,
    source: &dyn Source,
    progress: &ProgressSink,
) -> Result<Vec<Arc<Member>>, LedgerError> {
    let mut present = Vec::new();
    if !source.can_look_up() {
        return Ok(present);
    }
    let missing = ledger.missing_members(name)?;
    if missing.is_empty() {
        return Ok(present);
    }
    progress.say(Progress::LookingUp {
        source: name.to_owned(),
        members: missing.len(),
    });
    for batch in missing.chunks(BATCH) {
        let ids: Vec<String> = batch.iter().map(|m| m.facts.id.clone()).collect();
        let answers = match source.look_up(&ids).await {
            Ok(answers) if answers.len() == ids.len() => answers,
            Ok(_) => {
                vec![
                    Presence::Unknown("the connector answered another number of members".into());
                    ids.len()
                ]
            }
            Err(failure) => vec![Presence::Unknown(failure.message); ids.len()],
        };
        let mut witnesses = Vec::new();
        let mut found = Vec::new();
        for (member, answer) in batch.iter().zip(answers) {
            match answer {
                Presence::Present(facts) => found.push(Arc::new(corrected(member, *facts))),
                Presence::Gone(text) => witnesses.push((member.key.clone(), Witness::Gone(text))),
                Presence::OutOfSight(text) => {
                    witnesses.push((member.key.clone(), Witness::OutOfSight(text)));
                }
                Presence::Unknown(text) => {
                    witnesses.push((member.key.clone(), unsettled(member.witness.as_ref(), text)));
                }
            }
        }
        ledger.record_witnesses(name, &witnesses)?;
        ledger.correct_members(name, &found)?;
        present.append(&mut found);
    }
    Ok(present)
}

/// What a look-up that settles nothing leaves of what an earlier one said.
fn unsettled(earlier: Option<&Witness>, text: String) -> Witness {
    match earlier {
        Some(Witness::Gone(_) | Witness::Doubted(_)) => Witness::Doubted(text),
        // This waits for a person in any case.
        Some(Witness::OutOfSight(said)) => Witness::OutOfSight(said.clone()),
        _ => Witness::Unknown(text),
    }
}

/// What a look-up says, with what only a crawl can say kept from the last one.
fn corrected(known: &MissingMember, mut found: Member) -> Member {
    found.id.clone_from(&known.facts.id);
    found.tags.clone_from(&known.facts.tags);
    found.shown_by.clone_from(&known.facts.shown_by);
    found
}

/// What each absence amounts to. `fresh` says that the look-ups are of this very pass; older ones settle nothing
/// that was not settled then.
///
/// # Errors
/// When the ledger cannot be read.
pub fn absences(
    ledger: &Ledger,
    name: &str,
    can_look_up: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Absent>, LedgerError> {
    let (_, range) = ledger.departments_and_range(name)?;
    let missing = ledger.missing_members(name)?;
    Ok(missing
        .into_iter()
        .map(|member| {
            let witness = if can_look_up {
                member
                    .witness
                    .unwrap_or_else(|| Witness::Unknown("not looked up yet".into()))
            } else {
                Witness::Crawls {
                    crawls: member.missing_crawls,
                    seconds: (now - member.missing_since).num_seconds(),
                }
            };
            let absence = judge_absence(&member.facts.shown_by, &range, &witness);
            let detail = match (&absence, &witness) {
                (Absence::Hidden(lost), _) => {
                    format!("no longer in the visible range: {}", lost.join(", "))
                }
                (_, Witness::Gone(text)) => {
                    format!("missing from a complete crawl, and the look-up says: {text}")
                }
                (_, Witness::OutOfSight(text)) => format!("out of sight: {text}"),
                (_, Witness::Unknown(text) | Witness::Doubted(text)) => {
                    format!("the look-up did not settle it: {text}")
                }
                (_, Witness::Crawls { crawls, seconds }) => format!(
                    "missing from {crawls} complete crawls over {} minutes",
                    seconds / 60
                ),
            };
            Absent {
                key: member.key,
                absence,
                detail,
            }
        })
        .collect())
}
