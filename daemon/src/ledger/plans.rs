//! Recording a plan: what the guard holds, what goes into the outbox, what an older plan left behind.

use std::collections::{HashMap, HashSet};

use camsync_core::change::{Hold, Planned, Reason, RemovalKey, UserState};
use camsync_core::evidence::Evidence;
use camsync_core::guard::{Bucket, Decision, Judgement, Memory, Standing, bucket};
use camsync_core::model::fold;
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::plan::Note;
use camsync_core::remark::with_mark;
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::{Origin, Stage, SubUser};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::json;

use super::changes::{self, ChangeRow, NewChange};
use super::snapshot::removal_columns;
use super::{Ledger, LedgerError, audit, rows, sub_users, time_text, unlinking};

/// An approval ends after this.
pub const APPROVAL_HOLDS: TimeDelta = TimeDelta::hours(24);

/// One bucket that the guard held.
#[derive(Debug, Clone)]
pub struct PlanRow {
    /// Its id.
    pub id: i64,
    /// The source.
    pub source: String,
    /// The evidence.
    pub evidence: Evidence,
    /// For an adoption: whose.
    pub member: Option<String>,
    /// `held`, `approved`, `discarded`, `applied` or `superseded`.
    pub status: String,
    /// How many would have been free.
    pub limit: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When a person decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Where two people must approve: when the first did, and who.
    pub first_approval: Option<(DateTime<Utc>, String)>,
    /// The pairs that it shows.
    pub removals: Vec<PlanRemoval>,
}

/// One pair that a plan shows: what would be done to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanRemoval {
    /// The sub-user or account.
    #[serde(skip)]
    pub subject: String,
    /// What would be done.
    pub kind: Kind,
    /// The member's id.
    pub member: String,
    /// The sub-user's name.
    pub username: String,
    /// Why.
    #[serde(rename = "reason_details")]
    pub reason: Reason,
}

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
    /// What the guard must remember.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn guard_memory(
        &self,
        now: DateTime<Utc>,
        window: TimeDelta,
    ) -> Result<Memory, LedgerError> {
        self.read("read the guard's memory", |c| {
            let mut memory = Memory::default();
            for plan in plan_rows(c, "status IN ('held', 'discarded')", &[])? {
                let key = Bucket {
                    source: plan.source.clone(),
                    evidence: plan.evidence,
                    member: plan.member.clone(),
                };
                let standing = Standing {
                    id: plan.id,
                    removals: plan.removals.iter().map(PlanRemoval::key).collect(),
                    discarded: plan.status == "discarded",
                };
                memory.standing.insert(key, standing);
            }
            let mut statement = c.prepare_cached(
                "SELECT subject, kind, evidence, plan FROM approvals WHERE expires_at > ?1",
            )?;
            let mut found = statement.query([time_text(now)])?;
            while let Some(row) = found.next()? {
                let key = RemovalKey {
                    subject: row.get("subject")?,
                    kind: rows::word(row, "kind", Kind::parse)?,
                };
                let evidence = rows::word(row, "evidence", Evidence::parse)?;
                memory.approved.insert((key, evidence), row.get("plan")?);
            }
            memory.released = c
                .prepare_cached(
                    // Approved ones are not among them: they are free only as long as the approval is. One that
                    // waits for a permission, a quota or a crawl is still counted and still free.
                    "SELECT sub_user, kind FROM changes WHERE counted = 1 AND (status IN ('pending', 'in_flight', 'failed')
                     OR (status = 'held' AND json_extract(hold, '$.waits_for') IN ('permission', 'quota', 'crawl')))",
                )?
                .query_map([], |row| {
                    Ok(RemovalKey {
                        subject: format!("sub-user:{}", row.get::<_, i64>(0)?),
                        kind: rows::word(row, "kind", Kind::parse)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            memory.used = c
                .prepare_cached(
                    "SELECT evidence, count(*) FROM changes WHERE counted = 1 AND released_at >= ?1
                     AND status NOT IN ('superseded', 'cancelled') GROUP BY evidence",
                )?
                .query_map([time_text(now - window)], |row| {
                    Ok((rows::word(row, "evidence", Evidence::parse)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            memory.managed = c.query_row(
                "SELECT count(*) FROM sub_users WHERE stage = 'managed'",
                [],
                |row| row.get(0),
            )?;
            Ok(memory)
        })
    }

    /// Records a plan in one transaction.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing of the plan is.
    pub fn record_plan(&self, recording: &mut Recording<'_>) -> Result<Recorded, LedgerError> {
        self.write("record the plan", |t| {
            for note in recording.notes {
                write_note(t, recording, note)?;
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

    /// Plans, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn plans(
        &self,
        status: Option<&str>,
        source: Option<&str>,
        since: Option<DateTime<Utc>>,
        limit: Option<u32>,
    ) -> Result<Vec<PlanRow>, LedgerError> {
        self.read("read the plans", |c| {
            let mut found = plan_rows(
                c,
                "(?1 IS NULL OR status = ?1) AND (?2 IS NULL OR source = ?2) AND (?3 IS NULL OR created_at >= ?3)",
                &[&status, &source, &since.map(time_text)],
            )?;
            if let Some(limit) = limit {
                found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            Ok(found)
        })
    }

    /// One plan.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn plan(&self, id: i64) -> Result<Option<PlanRow>, LedgerError> {
        self.read("read a plan", |c| {
            plan_rows(c, "id = ?1", &[&id]).map(|p| p.into_iter().next())
        })
    }

    /// A person approves exactly what a held plan shows. Says whether it was still held.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn approve_plan(
        &self,
        plan: &PlanRow,
        now: DateTime<Utc>,
        actor: &str,
    ) -> Result<bool, LedgerError> {
        self.write("approve a plan", |t| {
            if !is_held(t, plan.id)? {
                return Ok(false);
            }
            for removal in &plan.removals {
                t.prepare_cached(
                    "INSERT OR REPLACE INTO approvals (subject, kind, evidence, source, plan, approved_by, approved_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    removal.subject,
                    removal.kind.as_str(),
                    plan.evidence.as_str(),
                    plan.source,
                    plan.id,
                    actor,
                    time_text(now),
                    time_text(now + APPROVAL_HOLDS)
                ])?;
            }
            // What was shown and recorded starts now; nothing else does. A deletion starts with the next complete
            // crawl, whose witness it needs.
            let waiting: Vec<i64> = t
                .prepare_cached(
                    "SELECT id FROM changes WHERE plan = ?1 AND status = 'held' AND kind <> 'delete_user'",
                )?
                .query_map([plan.id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for change in waiting {
                changes::transition(t, change, Event::Release)?;
                t.prepare_cached("UPDATE changes SET hold = NULL, released_at = ?2 WHERE id = ?1")?
                    .execute(params![change, time_text(now)])?;
            }
            decide(t, plan, "approved", now, actor)?;
            Ok(true)
        })
    }

    /// Notes that a first person approves a held plan, in place of any first approval before. Says whether it was
    /// still held.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_first_approval(
        &self,
        plan: &PlanRow,
        now: DateTime<Utc>,
        actor: &str,
    ) -> Result<bool, LedgerError> {
        self.write("note a first approval", |t| {
            if !is_held(t, plan.id)? {
                return Ok(false);
            }
            t.execute(
                "UPDATE plans SET first_approval_at = ?2, first_approval_by = ?3 WHERE id = ?1",
                params![plan.id, time_text(now), actor],
            )?;
            audit_plan(t, plan, "first_approval", now, actor)?;
            Ok(true)
        })
    }

    /// A person discards a held plan: silent until it grows. Says whether it was still held.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn discard_plan(
        &self,
        plan: &PlanRow,
        now: DateTime<Utc>,
        actor: &str,
    ) -> Result<bool, LedgerError> {
        self.write("discard a plan", |t| {
            if !is_held(t, plan.id)? {
                return Ok(false);
            }
            let waiting: Vec<i64> = t
                .prepare_cached("SELECT id FROM changes WHERE plan = ?1 AND status = 'held'")?
                .query_map([plan.id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for change in waiting {
                changes::transition(t, change, Event::Cancel)?;
            }
            decide(t, plan, "discarded", now, actor)?;
            Ok(true)
        })
    }
}

impl PlanRemoval {
    fn key(&self) -> RemovalKey {
        RemovalKey {
            subject: self.subject.clone(),
            kind: self.kind,
        }
    }
}

fn is_held(t: &Connection, plan: i64) -> rusqlite::Result<bool> {
    t.prepare_cached("SELECT status = 'held' FROM plans WHERE id = ?1")?
        .query_row([plan], |row| row.get(0))
}

fn decide(
    t: &Connection,
    plan: &PlanRow,
    status: &str,
    now: DateTime<Utc>,
    actor: &str,
) -> rusqlite::Result<()> {
    set_status(t, plan.id, status)?;
    t.execute(
        "UPDATE plans SET decided_at = ?2, decided_by = ?3 WHERE id = ?1",
        params![plan.id, time_text(now), actor],
    )?;
    audit_plan(t, plan, status, now, actor)
}

fn audit_plan(
    t: &Connection,
    plan: &PlanRow,
    what: &str,
    now: DateTime<Utc>,
    actor: &str,
) -> rusqlite::Result<()> {
    audit::append(
        t,
        now,
        actor,
        &format!("plan.{what}"),
        &plan.id.to_string(),
        &json!({
            "source": plan.source, "evidence": plan.evidence.as_str(),
            "removals": plan.removals,
        }),
    )
}

fn set_status(t: &Connection, plan: i64, status: &str) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE plans SET status = ?2 WHERE id = ?1")?
        .execute(params![plan, status])
        .map(drop)
}

/// An approved plan of which nothing is left to do is applied, or superseded when nothing came of it.
pub(super) fn settle(t: &Connection, plan: Option<i64>) -> rusqlite::Result<()> {
    let Some(plan) = plan else { return Ok(()) };
    let (open, applied): (i64, i64) = t
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE status IN ('pending', 'in_flight', 'held', 'failed')),
             count(*) FILTER (WHERE status = 'applied') FROM changes WHERE plan = ?1",
        )?
        .query_row([plan], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if open == 0 && applied > 0 {
        t.prepare_cached(
            "UPDATE plans SET status = 'applied' WHERE id = ?1 AND status = 'approved'",
        )?
        .execute([plan])?;
    }
    Ok(())
}

fn write_note(t: &Connection, recording: &Recording<'_>, note: &Note) -> rusqlite::Result<()> {
    let now = recording.now;
    match note {
        Note::Admitted {
            sub_user,
            source,
            key,
        } => {
            if let Some(facts) = recording.facts.get(source).and_then(|f| f.get(key)) {
                t.prepare_cached("UPDATE sub_users SET admitted = ?2 WHERE id = ?1")?
                    .execute(params![sub_user, rows::to_json(&**facts)?])?;
            }
            Ok(())
        }
        Note::Confirmed { sub_user } => t
            .prepare_cached("UPDATE sub_users SET unconfirmed_since = NULL WHERE id = ?1")?
            .execute([sub_user])
            .map(drop),
        Note::GoneByHand { sub_user } => {
            sub_users::end_stage(t, *sub_user, Stage::Deleted, now)?;
            changes::drop_waiting(t, *sub_user)?;
            note_audit(t, recording, "sub_user.gone_by_hand", *sub_user)
        }
        Note::Released { sub_user } => {
            sub_users::end_stage(t, *sub_user, Stage::Released, now)?;
            changes::drop_waiting(t, *sub_user)?;
            note_audit(t, recording, "sub_user.released", *sub_user)
        }
        Note::ResumeSettled { sub_user } => t
            .prepare_cached("UPDATE sub_users SET resume_requested = 0 WHERE id = ?1")?
            .execute([sub_user])
            .map(drop),
        Note::NoLongerLeaving { sub_user } => t
            .prepare_cached(
                "UPDATE sub_users SET leaving_evidence = NULL, leaving_since = NULL, login_before = NULL WHERE id = ?1",
            )?
            .execute([sub_user])
            .map(drop),
        Note::Unwanted { sub_user } => {
            // A creation whose outcome is unknown keeps its row: its mark may stand in CAM already.
            let unknown: bool = t
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM changes WHERE sub_user = ?1 AND json_extract(last_error, '$.class') = ?2)",
                )?
                .query_row(
                    params![sub_user, json!(FailureClass::Unknown).as_str()],
                    |row| row.get(0),
                )?;
            changes::drop_waiting(t, *sub_user)?;
            if unknown {
                return Ok(());
            }
            sub_users::end_stage(t, *sub_user, Stage::Abandoned, now)
        }
    }
}

fn note_audit(
    t: &Connection,
    recording: &Recording<'_>,
    action: &str,
    sub_user: i64,
) -> rusqlite::Result<()> {
    let (source, member, username): (String, String, String) = t
        .prepare_cached("SELECT source, member, username FROM sub_users WHERE id = ?1")?
        .query_row([sub_user], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    audit::append(
        t,
        recording.now,
        recording.actor,
        action,
        &username,
        &json!({ "source": source, "member": member }),
    )
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
                t.execute("DELETE FROM plan_removals WHERE plan = ?1", [id])?;
                write_removals(t, recording, judgement, id)?;
                held.insert(judgement.bucket.clone(), (id, false));
            }
            Decision::Held { replaces } => {
                if let Some(old) = replaces.or_else(|| {
                    recording
                        .memory
                        .standing
                        .get(&judgement.bucket)
                        .map(|s| s.id)
                }) {
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
                write_removals(t, recording, judgement, id)?;
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

fn write_removals(
    t: &Connection,
    recording: &Recording<'_>,
    judgement: &Judgement,
    plan: i64,
) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached(
        "INSERT OR REPLACE INTO plan_removals (plan, subject, kind, member, username, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for change in recording.changes {
        let key = change.removal_key();
        if change.evidence == Some(judgement.bucket.evidence)
            && change.source == judgement.bucket.source
            && judgement.removals.contains(&key)
        {
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
    let mut waiting: HashMap<(i64, Kind), Vec<ChangeRow>> = HashMap::new();
    for row in changes::waiting(t)? {
        waiting
            .entry((row.sub_user, row.kind))
            .or_default()
            .push(row);
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
        let mut rows = waiting
            .remove(&(sub_user, planned.kind))
            .unwrap_or_default();
        let same = rows.iter().position(|r| {
            let exactly = r.after == after && r.evidence == planned.evidence;
            r.username == planned.username && (exactly || goes_on(r, planned, after.as_ref()))
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
                    reason: &planned.reason,
                    before: planned.before.as_ref(),
                    after: after.as_ref(),
                    evidence: planned.evidence,
                    counted: planned.evidence.is_some() && !waits && approved.is_none(),
                    urgent: false,
                    rule_login: planned.rule_login,
                    plan,
                    hold: planned.hold.as_ref(),
                },
                recording.now,
            )?;
        }
        for stale in rows {
            changes::transition(t, stale.id, Event::Supersede)?;
        }
    }
    for stale in waiting.into_values().flatten() {
        if recording.sources.contains(&stale.source) {
            changes::transition(t, stale.id, Event::Supersede)?;
        }
    }
    Ok(())
}

/// An adoption whose write is still to be done goes on as an ordinary update of what is managed by then.
fn goes_on(row: &ChangeRow, planned: &Planned, after: Option<&UserState>) -> bool {
    row.evidence == Some(Evidence::Adopt)
        && planned.evidence.is_none()
        && after.is_some_and(|now| {
            now.console_login.is_none()
                && row
                    .after
                    .as_ref()
                    .is_some_and(|then| then.remark == now.remark)
        })
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
    t.prepare_cached("UPDATE changes SET hold = ?2, plan = coalesce(?3, plan) WHERE id = ?1")?
        .execute(params![
            row.id,
            planned.hold.as_ref().map(rows::to_json).transpose()?,
            plan
        ])
        .map(drop)
}

/// The sub-user's row and mark for a planned change, made when there is none.
fn row_of(
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
        None => None,
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
                id: 0,
                source: planned.source.clone(),
                member: planned.member.clone(),
                key: fold(&planned.member),
                username: planned.username.clone(),
                uin: None,
                origin: Origin::Created,
                stage: Stage::Wanted,
                mark: (recording.mark)(),
                login: false,
                rule_login: planned.rule_login.unwrap_or(false),
                unconfirmed_since: None,
                leaving: None,
                stopped_at: None,
                protected: false,
                resume_requested: false,
                replaced_by: None,
                admitted: facts,
                marked: true,
                busy: false,
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

/// An approval ends with its time, and when what it was for is not called for any more.
fn end_approvals(t: &Connection, recording: &Recording<'_>) -> rusqlite::Result<()> {
    let called: HashSet<(String, &str, &str)> = recording
        .changes
        .iter()
        .filter_map(|c| {
            let key = c.removal_key();
            Some((key.subject, c.kind.as_str(), c.evidence?.as_str()))
        })
        .collect();
    let mut ended = Vec::new();
    let mut statement = t.prepare_cached("SELECT * FROM approvals")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (subject, kind, evidence): (String, String, String) =
            (row.get("subject")?, row.get("kind")?, row.get("evidence")?);
        let (source, plan): (String, i64) = (row.get("source")?, row.get("plan")?);
        let expired = rows::time(row, "expires_at")? <= recording.now;
        let over = if evidence == Evidence::Asked.as_str() {
            unlinking::is_about_nobody(t, &subject)?
        } else {
            recording.sources.contains(&source)
                && !called.contains(&(subject.clone(), kind.as_str(), evidence.as_str()))
        };
        if expired || over {
            ended.push((subject, kind, evidence, plan));
        }
    }
    for (subject, kind, evidence, plan) in ended {
        t.prepare_cached(
            "DELETE FROM approvals WHERE subject = ?1 AND kind = ?2 AND evidence = ?3",
        )?
        .execute([&subject, &kind, &evidence])?;
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

fn plan_rows(
    c: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<PlanRow>> {
    let mut plans = c
        .prepare_cached(&format!(
            "SELECT * FROM plans WHERE {condition} ORDER BY id DESC"
        ))?
        .query_map(values, plan_row)?
        .collect::<rusqlite::Result<Vec<PlanRow>>>()?;
    let mut statement =
        c.prepare_cached("SELECT * FROM plan_removals WHERE plan = ?1 ORDER BY member, kind")?;
    for plan in &mut plans {
        plan.removals = statement
            .query_map([plan.id], |row| {
                Ok(PlanRemoval {
                    subject: row.get("subject")?,
                    kind: rows::word(row, "kind", Kind::parse)?,
                    member: row.get("member")?,
                    username: row.get("username")?,
                    reason: rows::json(row, "reason")?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
    }
    Ok(plans)
}

fn plan_row(row: &Row<'_>) -> rusqlite::Result<PlanRow> {
    Ok(PlanRow {
        id: row.get("id")?,
        source: row.get("source")?,
        evidence: rows::word(row, "evidence", Evidence::parse)?,
        member: row.get("member")?,
        status: row.get("status")?,
        limit: row.get("limit")?,
        created_at: rows::time(row, "created_at")?,
        decided_at: rows::optional_time(row, "decided_at")?,
        decided_by: row.get("decided_by")?,
        first_approval: rows::optional_time(row, "first_approval_at")?
            .zip(row.get("first_approval_by")?),
        removals: Vec::new(),
    })
}
