//! Plans that the guard held: what it remembers of them, and a person's decisions.

use camsync_core::change::{Reason, RemovalKey};
use camsync_core::evidence::Evidence;
use camsync_core::guard::{Bucket, Memory, Standing};
use camsync_core::outbox::{Event, Kind};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::json;

use super::{Ledger, LedgerError, audit, changes, rows, time_text};

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
                    "SELECT DISTINCT sub_user, removal, evidence FROM changes WHERE counted = 1 AND sub_user IS NOT NULL AND (status IN ('pending', 'in_flight', 'failed')
                     OR (status = 'held' AND json_extract(hold, '$.waits_for') IN ('permission', 'quota', 'crawl')))",
                )?
                .query_map([], |row| {
                    let key = RemovalKey {
                        subject: format!("sub-user:{}", row.get::<_, i64>(0)?),
                        kind: rows::word(row, "removal", Kind::parse)?,
                    };
                    Ok((key, rows::word(row, "evidence", Evidence::parse)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            memory.used = c
                .prepare_cached(
                    // What was sent counts whatever became of it: it may have had its effect.
                    "SELECT evidence, count(DISTINCT sub_user || ' ' || removal) FROM changes WHERE counted = 1 AND released_at >= ?1
                     AND (status NOT IN ('superseded', 'cancelled') OR EXISTS (SELECT 1 FROM attempts a WHERE a.change = changes.id))
                     GROUP BY evidence",
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
            // crawl, whose witness it needs, and so does what nothing is known of at the moment.
            let waiting: Vec<i64> = t
                .prepare_cached(
                    "SELECT id FROM changes WHERE plan = ?1 AND status = 'held' AND removal <> 'delete_user'
                     AND json_extract(hold, '$.waits_for') = 'approval'",
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

pub(super) fn set_status(t: &Connection, plan: i64, status: &str) -> rusqlite::Result<()> {
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
