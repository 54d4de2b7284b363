//! Witness: members who are missing from a complete crawl are looked up, in the same pass.

use std::collections::HashSet;
use std::sync::Arc;

use camsync_core::evidence::{Absence, Witness, judge_absence};
use camsync_core::grounds::Grounds;
use camsync_core::model::Member;
use camsync_core::plan::Absent;
use chrono::{DateTime, Utc};

use crate::ledger::{Ledger, LedgerError};

use super::progress::{Progress, ProgressSink};
use super::source::{Presence, Source};

/// So many are asked for in one call of the connector.
const BATCH: usize = 200;

/// What look-ups said.
#[derive(Debug, Default)]
pub struct LookedUp {
    /// Those who are present after all.
    pub present: Vec<Arc<Member>>,
    /// The others, by folded id.
    pub witnesses: Vec<(String, Witness)>,
}

/// Looks up everyone with a managed sub-user who is not among `found`. Writes nothing.
///
/// # Errors
/// Only when the ledger fails: a provider that does not answer settles nothing, and that is what is said then.
pub async fn look_up_missing(
    ledger: &Ledger,
    name: &str,
    source: &dyn Source,
    found: &[Arc<Member>],
    progress: &ProgressSink,
) -> Result<LookedUp, LedgerError> {
    let mut looked_up = LookedUp::default();
    if !source.can_look_up() {
        return Ok(looked_up);
    }
    let found: HashSet<String> = found.iter().map(|m| m.key()).collect();
    let missing = ledger.managed_members_besides(name, &found)?;
    if missing.is_empty() {
        return Ok(looked_up);
    }
    progress.say(Progress::LookingUp {
        source: name.to_owned(),
        members: missing.len(),
    });
    for batch in missing.chunks(BATCH) {
        let ids: Vec<String> = batch.iter().map(|m| m.id.clone()).collect();
        for (member, answer) in batch.iter().zip(answers(source, &ids).await) {
            match witness_of(answer) {
                Ok(facts) => looked_up.present.push(Arc::new(corrected(member, &facts))),
                Err(witness) => looked_up.witnesses.push((member.key(), witness)),
            }
        }
    }
    Ok(looked_up)
}

/// An answer for each id, whatever the provider does.
pub(super) async fn answers(source: &dyn Source, ids: &[String]) -> Vec<Presence> {
    match source.look_up(ids).await {
        Ok(answers) if answers.len() == ids.len() => answers,
        Ok(_) => {
            let text = "the connector answered another number of members";
            vec![Presence::Unknown(text.into()); ids.len()]
        }
        Err(failure) => vec![Presence::Unknown(failure.message); ids.len()],
    }
}

/// The facts of who is present, or what is witnessed instead.
fn witness_of(answer: Presence) -> Result<Member, Witness> {
    match answer {
        Presence::Present(facts) => Ok(*facts),
        Presence::Gone(text) => Err(Witness::Gone(text)),
        Presence::OutOfSight(text) => Err(Witness::OutOfSight(text)),
        Presence::Unknown(text) => Err(Witness::Unknown(text)),
    }
}

/// What a look-up says, with what only a crawl can say kept from the last one.
pub(super) fn corrected(known: &Member, found: &Member) -> Member {
    Member {
        id: known.id.clone(),
        tags: known.tags.clone(),
        shown_by: known.shown_by.clone(),
        ..found.clone()
    }
}

/// What each absence amounts to, as the last crawl and its look-ups have it.
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
            let grounds = match (&absence, witness) {
                (Absence::Hidden(lost), _) => Grounds::OutOfRange { lost: lost.clone() },
                (_, Witness::Gone(text)) => Grounds::Gone { text },
                (_, Witness::OutOfSight(text) | Witness::Unknown(text)) => {
                    Grounds::Undecided { text }
                }
                (_, Witness::Crawls { crawls, seconds }) => Grounds::Crawls { crawls, seconds },
            };
            Absent {
                key: member.key,
                absence,
                grounds,
            }
        })
        .collect())
}
