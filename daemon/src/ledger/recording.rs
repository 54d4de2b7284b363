//! Recording a plan: what the guard holds, what goes into the outbox, what an older plan left behind.

use std::collections::{BTreeSet, HashMap, HashSet};

use camsync_core::change::{Hold, Planned, Reason, RemovalKey};
use camsync_core::evidence::Evidence;
use camsync_core::guard::{Bucket, Decision, Judgement, Memory, bucket};
use camsync_core::model::fold;
use camsync_core::object::{Object, ObjectKind};
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::plan::Note;
use camsync_core::remark::with_mark;
use camsync_core::sub_user::SubUser;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::changes::{self, ChangeRow, NewChange};
use super::plans::{set_status, settle};
use super::snapshot::removal_columns;
use super::{
    Ledger, LedgerError, audit, grants, notes, rows, sub_users, time_text, unlinking, waiting,
};

/// A plan to be recorded.
pub struct Recording<'a> {
    /// When.
    pub now: DateTime<Utc>,
    /// Who caused it: `schedule`, `cli:root`, ...
    pub actor: &'a str,
    /// The changes, judged.
    pub changes: &'a [Planned],
    /// The facts of members, for the sub-users' admission: by source and folded id.
    pub facts: &'a super::KnownFacts,
    /// What to note.
    pub notes: &'a [Note],
    /// Sub-users of whom nothing could be decided: neither started nor ended is what waits of them.
    pub undecided: &'a BTreeSet<i64>,
    /// What the guard said.
    pub judgements: &'a [Judgement],
    /// What the guard knew.
    pub memory: &'a Memory,
    /// The sources that were planned for; all others are left as they are.
    pub sources: &'a HashSet<String>,
    /// Whether what failed for good is asked again.
    pub retry_failed: bool,
    /// Makes a mark that nobody else has.
    pub mark: &'a mut dyn FnMut() -> String,
}

/// What recording came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Plans that are held now, new or standing.
    pub held: Vec<i64>,
    /// Of these, the new ones: to be notified once.
    pub newly_held: Vec<i64>,
}

impl Ledger {
    /// Records a plan in one transaction.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing of the plan is.
    pub fn record_plan(&self, recording: &mut Recording<'_>) -> Result<Recorded, LedgerError> {
        self.write("record the plan", |t| {
            for note in recording.notes {
                notes::write_note(t, recording, note)?;
            }
            let (held, silenced) = write_judgements(t, recording)?;
            write_changes(t, recording, &held, &silenced)?;
            end_approvals(t, recording)?;
            let mut recorded = Recorded::default();
            for (id, new) in held.values() {
                recorded.held.push(*id);
                if *new {
                    recorded.newly_held.push(*id);
                }
            }
            recorded.held.sort_unstable();
            recorded.newly_held.sort_unstable();
            Ok(recorded)
        })
    }
}

type HeldPlans = HashMap<Bucket, (i64, bool)>;

/// Writes what the guard said of each bucket; which plans hold, and which buckets are silent.
fn write_judgements(
    t: &Connection,
    recording: &Recording<'_>,
) -> rusqlite::Result<(HeldPlans, HashSet<Bucket>)> {
    let mut held = HeldPlans::new();
    let mut silenced = HashSet::new();
    let mut judged = HashSet::new();
    for judgement in recording.judgements {
        judged.insert(&judgement.bucket);
        match judgement.decision {
            Decision::Free => {
                if let Some(standing) = recording.memory.standing.get(&judgement.bucket) {
                    set_status(t, standing.id, "superseded")?;
                }
            }
            Decision::Silenced(_) => {
                silenced.insert(judgement.bucket.clone());
            }
            Decision::StaysHeld(id) => {
                write_removals(t, recording, judgement, id, Some(id))?;
                held.insert(judgement.bucket.clone(), (id, false));
            }
            Decision::Held { replaces } => {
                let old = replaces.or_else(|| {
                    let standing = recording.memory.standing.get(&judgement.bucket);
                    standing.map(|s| s.id)
                });
                if let Some(old) = old {
                    set_status(t, old, "superseded")?;
                }
                t.prepare_cached(
                    "INSERT INTO plans (source, evidence, member, status, \"limit\", created_at)
                     VALUES (?1, ?2, ?3, 'held', ?4, ?5)",
                )?
                .execute(params![
                    judgement.bucket.source,
                    judgement.bucket.evidence.as_str(),
                    judgement.bucket.member,
                    judgement.limit,
                    time_text(recording.now)
                ])?;
                let id = t.last_insert_rowid();
                write_removals(t, recording, judgement, id, old)?;
                held.insert(judgement.bucket.clone(), (id, true));
                audit::append(
                    t,
                    recording.now,
                    recording.actor,
                    "plan.held",
                    &id.to_string(),
                    &json!({
                        "source": judgement.bucket.source,
                        "evidence": judgement.bucket.evidence.as_str(),
                        "removals": judgement.removals.len(),
                        "limit": judgement.limit,
                    }),
                )?;
            }
        }
    }
    // A standing plan whose evidence has ended altogether is over.
    for (bucket, standing) in &recording.memory.standing {
        if recording.sources.contains(&bucket.source) && !judged.contains(bucket) {
            set_status(t, standing.id, "superseded")?;
        }
    }
    Ok((held, silenced))
}

/// Writes the removals that a held plan shows, in place of those of the plan that it was or that it replaces. Of whom
/// nothing could be decided this time, it shows what that one showed.
fn write_removals(
    t: &Connection,
    recording: &Recording<'_>,
    judgement: &Judgement,
    plan: i64,
    old: Option<i64>,
) -> rusqlite::Result<()> {
    if let Some(old) = old.filter(|old| *old != plan) {
        t.prepare_cached(
            "INSERT INTO plan_removals SELECT ?1, subject, kind, member, username, reason FROM plan_removals WHERE plan = ?2",
        )?
        .execute([plan, old])?;
    }
    let standing = recording.memory.standing.get(&judgement.bucket);
    for key in standing.iter().flat_map(|s| &s.removals) {
        if !judgement.removals.contains(key) {
            let (subject, kind) = removal_columns(key);
            t.prepare_cached(
                "DELETE FROM plan_removals WHERE plan = ?1 AND subject = ?2 AND kind = ?3",
            )?
            .execute(params![plan, subject, kind])?;
        }
    }
    let mut statement = t.prepare_cached(
        "INSERT OR REPLACE INTO plan_removals (plan, subject, kind, member, username, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for change in recording.changes {
        if change.evidence != Some(judgement.bucket.evidence)
            || change.source != judgement.bucket.source
        {
            continue;
        }
        for key in change.removal_keys() {
            if !judgement.removals.contains(&key) {
                continue;
            }
            let (subject, kind) = removal_columns(&key);
            statement.execute(params![
                plan,
                subject,
                kind,
                change.member,
                change.username,
                rows::to_json(&change.reason)?
            ])?;
        }
    }
    Ok(())
}

/// Brings the outbox in line with the plan: keeps what is still called for, adds what is new, supersedes the rest.
fn write_changes(
    t: &Connection,
    recording: &mut Recording<'_>,
    held: &HeldPlans,
    silenced: &HashSet<Bucket>,
) -> rusqlite::Result<()> {
    let mut waiting: HashMap<What, Vec<ChangeRow>> = HashMap::new();
    for row in changes::waiting(t)? {
        let what = what(row.sub_user, row.kind, row.object.as_ref());
        waiting.entry(what).or_default().push(row);
    }
    for planned in recording.changes {
        let bucket = planned.evidence.map(|evidence| bucket(planned, evidence));
        let unapproved = planned.hold == Some(Hold::Approval);
        if unapproved && bucket.as_ref().is_some_and(|b| silenced.contains(b)) {
            continue;
        }
        let waits = planned.hold.is_some();
        if waits && planned.adoption.is_some() {
            // Nothing is taken over, and so nothing recorded, before a person agrees.
            continue;
        }
        let approved = planned.evidence.and_then(|evidence| {
            recording
                .memory
                .approved
                .get(&(planned.removal_key(), evidence))
                .copied()
        });
        let plan = match &bucket {
            Some(bucket) if unapproved => held.get(bucket).map(|(id, _)| *id),
            _ => approved,
        };
        let (sub_user, mark) = row_of(t, recording, planned)?;
        let mut after = planned.after.clone();
        if let (Some(state), true) = (
            after.as_mut(),
            planned.kind == Kind::CreateUser || planned.adoption.is_some(),
        ) {
            state.remark = state.remark.as_deref().map(|r| with_mark(r, &mark));
        }
        let object = planned.object.as_ref();
        let mut rows = waiting
            .remove(&what(sub_user, planned.kind, object))
            .unwrap_or_default();
        let same = rows.iter().position(|r| {
            let exactly =
                r.after == after && (r.evidence == planned.evidence || goes_on(r, planned));
            r.username == planned.username && (exactly || is_still_a_rung(r, planned))
        });
        if let Some(index) = same {
            let row = rows.swap_remove(index);
            keep(t, recording, &row, planned, plan)?;
        } else if !waits && planned.adoption.is_some() && after == planned.before {
            // Taken over as it is: there is nothing to write to CAM.
        } else {
            changes::insert(
                t,
                &NewChange {
                    sub_user,
                    source: &planned.source,
                    member: &planned.member,
                    username: &planned.username,
                    kind: planned.kind,
                    object,
                    reason: &planned.reason,
                    before: planned.before.as_ref(),
                    after: after.as_ref(),
                    evidence: planned.evidence,
                    removal: planned.evidence.map(|_| planned.removal()),
                    counted: planned.evidence.is_some() && !waits && approved.is_none(),
                    urgent: false,
                    rule_login: planned.rule_login,
                    plan,
                    hold: planned.hold.as_ref(),
                },
                recording.now,
            )?;
            let gives = [Kind::ResumeUser, Kind::AddToGroup, Kind::AttachPolicy];
            if let Some(id) = sub_user.filter(|_| gives.contains(&planned.kind)) {
                sub_users::seen_since_request(t, id)?;
            }
        }
        for stale in rows {
            waiting::end_waiting(t, &stale)?;
        }
    }
    for row in waiting.into_values().flatten() {
        if !recording.sources.contains(&row.source) {
            continue;
        }
        let open = row
            .sub_user
            .is_some_and(|id| recording.undecided.contains(&id));
        if open && row.evidence.is_some() {
            // Nothing starts it but a plan that calls for it again: not even an approval.
            waiting::wait_for(t, &row, &Hold::Crawl)?;
        } else {
            waiting::end_waiting(t, &row)?;
        }
    }
    Ok(())
}

/// What makes two changes the same step: the sub-user, what is done, and to what.
type What = (Option<i64>, Kind, Option<(ObjectKind, String)>);

fn what(sub_user: Option<i64>, kind: Kind, object: Option<&Object>) -> What {
    (sub_user, kind, object.map(|o| (o.kind, o.name.clone())))
}

/// A rung that was let through with the suspension, and is still to be done after it.
fn is_still_a_rung(row: &ChangeRow, planned: &Planned) -> bool {
    planned.object.is_some()
        && planned.evidence.is_none()
        && matches!(row.reason, Reason::Leaver { .. })
        && row.status != Status::Held
}

/// An adoption whose write is still to be done goes on as an ordinary update of what is managed by then.
fn goes_on(row: &ChangeRow, planned: &Planned) -> bool {
    row.evidence == Some(Evidence::Adopt) && planned.evidence.is_none()
}

/// A waiting change that the new plan calls for again.
fn keep(
    t: &Connection,
    recording: &Recording<'_>,
    row: &ChangeRow,
    planned: &Planned,
    plan: Option<i64>,
) -> rusqlite::Result<()> {
    let event = match (row.status, &planned.hold) {
        (Status::Pending, Some(_)) => Some(Event::Hold),
        (Status::Held, None) => Some(Event::Release),
        (Status::Failed, None) if recording.retry_failed => Some(Event::Retry),
        _ => None,
    };
    if let Some(event) = event {
        let status = changes::transition(t, row.id, event)?;
        if status == Status::Pending {
            t.prepare_cached(
                "UPDATE changes SET attempts = 0, next_attempt_at = NULL,
                 counted = CASE WHEN released_at IS NULL AND ?3 IS NOT NULL AND ?4 IS NULL THEN 1 ELSE counted END,
                 released_at = coalesce(released_at, ?2) WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                time_text(recording.now),
                planned.evidence.map(Evidence::as_str),
                plan
            ])?;
        }
    }
    if planned.evidence.is_some() && planned.hold.is_none() && plan.is_none() {
        // Let through by the guard alone, although an approval may have started it: that has ended, and so it counts from now.
        t.prepare_cached(
            "UPDATE changes SET counted = 1, released_at = ?2 WHERE id = ?1 AND counted = 0",
        )?
        .execute(params![row.id, time_text(recording.now)])?;
    }
    // What was to be made first may be there by now, by whomever.
    t.prepare_cached(
        "UPDATE changes SET hold = ?2, plan = coalesce(?3, plan), object_id = coalesce(?4, object_id) WHERE id = ?1",
    )?
    .execute(params![
        row.id,
        planned.hold.as_ref().map(rows::to_json).transpose()?,
        plan,
        planned.object.as_ref().and_then(|o| o.id)
    ])
    .map(drop)
}

/// The sub-user's row and mark for a planned change, made when there is none; no row for one about no sub-user.
fn row_of(
    t: &Connection,
    recording: &mut Recording<'_>,
    planned: &Planned,
) -> rusqlite::Result<(Option<i64>, String)> {
    if planned.sub_user_less() {
        let mark = (recording.mark)();
        if let (Some(object), Kind::CreateGroup | Kind::CreatePolicy) =
            (&planned.object, planned.kind)
        {
            grants::to_make(t, object, &mark)?;
        }
        return Ok((None, mark));
    }
    sub_user_of(t, recording, planned).map(|(id, mark)| (Some(id), mark))
}

fn sub_user_of(
    t: &Connection,
    recording: &mut Recording<'_>,
    planned: &Planned,
) -> rusqlite::Result<(i64, String)> {
    let facts = recording
        .facts
        .get(&planned.source)
        .and_then(|facts| facts.get(&fold(&planned.member)))
        .cloned();
    let existing: Option<(i64, String, String)> = match planned.sub_user {
        Some(id) => t
            .prepare_cached("SELECT id, mark, stage FROM sub_users WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?,
        // The first grants of one whose creation this very plan has just recorded.
        None => t
            .prepare_cached(
                "SELECT id, mark, stage FROM sub_users WHERE source = ?1 AND key = ?2 AND stage IN ('wanted', 'managed')",
            )?
            .query_row(params![planned.source, fold(&planned.member)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?,
    };
    let id = match existing {
        Some((id, mark, stage)) if stage != "wanted" => return Ok((id, mark)),
        Some((id, _, _)) => {
            t.prepare_cached("UPDATE sub_users SET username = ?2, member = ?3 WHERE id = ?1")?
                .execute(params![id, planned.username, planned.member])?;
            id
        }
        None => {
            let sub_user = SubUser {
                rule_login: planned.rule_login.unwrap_or(false),
                admitted: facts,
                ..SubUser::wanted(
                    &planned.source,
                    &planned.member,
                    &planned.username,
                    (recording.mark)(),
                )
            };
            sub_users::insert(t, &sub_user, recording.now)?
        }
    };
    if let Some(adoption) = &planned.adoption {
        t.prepare_cached(
            "UPDATE sub_users SET uin = ?2, origin = 'adopted', stage = 'managed', login = ?3, rule_login = ?4 WHERE id = ?1",
        )?
        .execute(params![
            id,
            adoption.uin,
            adoption.login,
            planned.rule_login.unwrap_or(adoption.login)
        ])?;
        audit::append(
            t,
            recording.now,
            recording.actor,
            "sub_user.adopted",
            &planned.username,
            &json!({
                "source": planned.source, "member": planned.member, "uin": adoption.uin,
                "reason": planned.reason.to_string(), "reason_details": planned.reason,
            }),
        )?;
    }
    t.prepare_cached("SELECT id, mark FROM sub_users WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// An approval ends with its time, and when what it was for is not called for any more: not while that cannot be told.
fn end_approvals(t: &Connection, recording: &Recording<'_>) -> rusqlite::Result<()> {
    let called: HashSet<(RemovalKey, Evidence)> = recording
        .changes
        .iter()
        .filter_map(|c| Some((c, c.evidence?)))
        .flat_map(|(c, evidence)| c.removal_keys().map(move |key| (key, evidence)))
        .collect();
    let mut ended = Vec::new();
    let mut statement = t.prepare_cached("SELECT * FROM approvals")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let key = RemovalKey {
            subject: row.get("subject")?,
            kind: rows::word(row, "kind", Kind::parse)?,
        };
        let evidence = rows::word(row, "evidence", Evidence::parse)?;
        let (source, plan): (String, i64) = (row.get("source")?, row.get("plan")?);
        let expired = rows::time(row, "expires_at")? <= recording.now;
        let over = if evidence == Evidence::Asked {
            unlinking::is_about_nobody(t, &key.subject)?
        } else {
            let undecided = |id| recording.undecided.contains(&id);
            recording.sources.contains(&source)
                && !key.sub_user().is_some_and(undecided)
                && !called.contains(&(key.clone(), evidence))
        };
        if expired || over {
            ended.push((key, evidence, plan));
        }
    }
    for (key, evidence, plan) in ended {
        let (subject, kind) = removal_columns(&key);
        t.prepare_cached(
            "DELETE FROM approvals WHERE subject = ?1 AND kind = ?2 AND evidence = ?3",
        )?
        .execute([subject, kind, evidence.as_str()])?;
        settle(t, Some(plan))?;
        // Nothing came of it, and nothing will.
        t.prepare_cached(
            "UPDATE plans SET status = 'superseded' WHERE id = ?1 AND status = 'approved'
             AND NOT EXISTS (SELECT 1 FROM approvals WHERE plan = ?1)
             AND NOT EXISTS (SELECT 1 FROM changes WHERE plan = ?1 AND (status IN ('pending', 'in_flight', 'failed')
             OR (status = 'held' AND json_extract(hold, '$.waits_for') <> 'approval')))",
        )?
        .execute([plan])?;
    }
    Ok(())
}
