//! The outbox and its history: changes and their attempts.

use camsync_core::change::{Hold, Reason, UserState};
use camsync_core::evidence::Evidence;
use camsync_core::grants::DENY_ALL;
use camsync_core::object::{Object, ObjectKind};
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::retry::FailureClass;
use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, rows, time_text};

/// Why an attempt had no effect, as kind and fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What can be done about it.
    pub class: FailureClass,
    /// A short word for the kind: CAM's code, or `transport`, `name_conflict`, `no_effect`, ...
    pub code: String,
    /// What happened, in CAM's words where it spoke.
    pub message: String,
    /// The CAM action.
    pub action: Option<String>,
    /// CAM's RequestId.
    pub request_id: Option<String>,
}

impl Failure {
    /// [`Failure::code`] where camsync was stopped before the answer came.
    pub const CUT_SHORT: &str = "cut_short";
    /// The same where the answer never came.
    pub const UNANSWERED: &str = "unanswered";

    /// Whether it is no more than a read that shows no effect of an earlier attempt.
    #[must_use]
    pub fn shows_no_effect(&self) -> bool {
        [Self::CUT_SHORT, Self::UNANSWERED].contains(&self.code.as_str())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(request_id) = &self.request_id {
            write!(f, " (RequestId {request_id})")?;
        }
        Ok(())
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its id.
    pub id: i64,
    /// The sub-user that it is about; absent when it is about a group or policy alone.
    pub sub_user: Option<i64>,
    /// The source.
    pub source: String,
    /// The member's id; empty without a sub-user.
    pub member: String,
    /// The sub-user's name; likewise.
    pub username: String,
    /// What is done.
    pub kind: Kind,
    /// The group, policy or key that it is about.
    pub object: Option<Object>,
    /// Where it stands.
    pub status: Status,
    /// Why it is made.
    pub reason: Reason,
    /// Before.
    pub before: Option<UserState>,
    /// After.
    pub after: Option<UserState>,
    /// For removals: on what evidence.
    pub evidence: Option<Evidence>,
    /// A person's emergency.
    pub urgent: bool,
    /// What the rule says of console sign-in.
    pub rule_login: Option<bool>,
    /// The plan that held or released it.
    pub plan: Option<i64>,
    /// Why it waits.
    pub hold: Option<Hold>,
    /// Attempts so far.
    pub attempts: u32,
    /// Not before this.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt had no effect.
    pub last_error: Option<Failure>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When the guard let it through.
    pub released_at: Option<DateTime<Utc>>,
    /// When the cloud agreed.
    pub applied_at: Option<DateTime<Utc>>,
}

impl ChangeRow {
    /// Whether it gives back what a suspension takes: sign-in, a key, or what the deny-all policy denies.
    #[must_use]
    pub fn gives_back(&self) -> bool {
        let signs_in = self.after.as_ref().and_then(|a| a.console_login) == Some(true);
        let denial = self.object.as_ref().is_some_and(|o| o.name == DENY_ALL);
        match self.kind {
            Kind::EnableKey => true,
            Kind::DetachPolicy => denial,
            _ => signs_in,
        }
    }

    /// The sub-user's name; of a change about a group or policy alone, that one's.
    #[must_use]
    pub fn of(&self) -> &str {
        match &self.object {
            Some(object) if self.username.is_empty() => &object.name,
            _ => &self.username,
        }
    }

    /// What stays the same when a newer plan makes the same change in this one's place.
    #[must_use]
    pub fn line(&self) -> String {
        let sub_user = self.sub_user.map(|id| id.to_string());
        let object = self.object.as_ref().map(ToString::to_string);
        let parts: Vec<String> = sub_user.into_iter().chain(object).collect();
        parts.join(":")
    }
}

/// One try.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRow {
    /// From 1.
    pub number: u32,
    /// Recorded before anything was sent.
    pub started_at: DateTime<Utc>,
    /// When its outcome was known.
    pub ended_at: Option<DateTime<Utc>>,
    /// What came of it; absent while it is not known.
    pub outcome: Option<serde_json::Value>,
    /// CAM's RequestId.
    pub request_id: Option<String>,
}

/// A change to be recorded.
#[derive(Debug)]
pub struct NewChange<'a> {
    /// The sub-user, unless it is about a group or policy alone.
    pub sub_user: Option<i64>,
    /// The source.
    pub source: &'a str,
    /// The member's id.
    pub member: &'a str,
    /// The sub-user's name.
    pub username: &'a str,
    /// What is done.
    pub kind: Kind,
    /// The group, policy or key that it is about.
    pub object: Option<&'a Object>,
    /// Why.
    pub reason: &'a Reason,
    /// Before.
    pub before: Option<&'a UserState>,
    /// After.
    pub after: Option<&'a UserState>,
    /// The evidence of a removal.
    pub evidence: Option<Evidence>,
    /// Of a removal: the kind of change that it is a part of.
    pub removal: Option<Kind>,
    /// Counts in the guard's window.
    pub counted: bool,
    /// A person's emergency.
    pub urgent: bool,
    /// What the rule says of console sign-in.
    pub rule_login: Option<bool>,
    /// The plan that holds or released it.
    pub plan: Option<i64>,
    /// Why it waits.
    pub hold: Option<&'a Hold>,
}

/// Which changes a list shows.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only made since then.
    pub since: Option<DateTime<Utc>>,
    /// At most so many; absent for all.
    pub limit: Option<u32>,
}

impl Ledger {
    /// Changes for a list, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn changes(&self, filter: &ChangeFilter) -> Result<Vec<ChangeRow>, LedgerError> {
        self.read("read the changes", |c| {
            let mut statement = c.prepare_cached(
                "SELECT * FROM changes WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR source = ?2)
                 AND (?3 IS NULL OR created_at >= ?3) ORDER BY id DESC LIMIT ?4",
            )?;
            let found = statement.query_map(
                params![
                    filter.status.map(Status::as_str),
                    filter.source,
                    filter.since.map(time_text),
                    filter.limit.map_or(-1, i64::from)
                ],
                change_row,
            )?;
            found.collect()
        })
    }

    /// One change.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn change(&self, id: i64) -> Result<Option<ChangeRow>, LedgerError> {
        self.read("read a change", |c| {
            c.prepare_cached("SELECT * FROM changes WHERE id = ?1")?
                .query_row([id], change_row)
                .optional()
        })
    }

    /// The changes of one sub-user, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn changes_of(&self, sub_user: i64) -> Result<Vec<ChangeRow>, LedgerError> {
        self.read("read the changes", |c| {
            c.prepare_cached("SELECT * FROM changes WHERE sub_user = ?1 ORDER BY id")?
                .query_map([sub_user], change_row)?
                .collect()
        })
    }

    /// The attempts at a change, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn attempts(&self, change: i64) -> Result<Vec<AttemptRow>, LedgerError> {
        self.read("read the attempts", |c| {
            c.prepare_cached("SELECT * FROM attempts WHERE change = ?1 ORDER BY id")?
                .query_map([change], |row| {
                    Ok(AttemptRow {
                        number: row.get("number")?,
                        started_at: rows::time(row, "started_at")?,
                        ended_at: rows::optional_time(row, "ended_at")?,
                        outcome: rows::optional_json(row, "outcome")?,
                        request_id: row.get("request_id")?,
                    })
                })?
                .collect()
        })
    }

    /// How many changes stand at each status.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn change_counts(&self) -> Result<Vec<(Status, u64)>, LedgerError> {
        self.read("count the changes", |c| {
            c.prepare_cached("SELECT status, count(*) FROM changes GROUP BY status")?
                .query_map([], |row| {
                    Ok((rows::word(row, "status", Status::parse)?, row.get(1)?))
                })?
                .collect()
        })
    }

    /// What is in the outbox, in order: what is in flight, then a person's emergencies, then the rest. Of one
    /// sub-user only the first is next.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn outbox(&self) -> Result<Vec<ChangeRow>, LedgerError> {
        self.read("read the outbox", |c| {
            c.prepare_cached(
                "SELECT * FROM changes WHERE status IN ('pending', 'in_flight') ORDER BY status = 'in_flight' DESC, urgent DESC, id",
            )?
            .query_map([], change_row)?
            .collect()
        })
    }

    /// Moves a change by a person's event: retry or cancel. Says whether it could.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn steer_change(
        &self,
        change: i64,
        event: Event,
        at: DateTime<Utc>,
        actor: &str,
    ) -> Result<(), LedgerError> {
        self.write("write a change", |t| {
            transition(t, change, event)?;
            t.prepare_cached(
                "UPDATE changes SET hold = NULL, next_attempt_at = NULL,
                 attempts = CASE WHEN status = 'pending' THEN 0 ELSE attempts END WHERE id = ?1",
            )?
            .execute([change])?;
            let action = match event {
                Event::Retry => "change.retry",
                _ => "change.cancel",
            };
            super::audit::append(
                t,
                at,
                actor,
                action,
                &change.to_string(),
                &serde_json::Value::Null,
            )
        })
    }

    /// Puts a change behind the time of its next attempt without an attempt having been made.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn hold_change(&self, change: i64, hold: &Hold) -> Result<(), LedgerError> {
        self.write("hold a change", |t| {
            transition(t, change, Event::Hold)?;
            t.prepare_cached("UPDATE changes SET hold = ?2 WHERE id = ?1")?
                .execute(params![change, rows::to_json(hold)?])
                .map(drop)
        })
    }
}

/// Writes a new row; its id.
pub(super) fn insert(
    t: &Connection,
    new: &NewChange<'_>,
    at: DateTime<Utc>,
) -> rusqlite::Result<i64> {
    let status = if new.hold.is_some() {
        Status::Held
    } else {
        Status::Pending
    };
    t.prepare_cached(
        "INSERT INTO changes (sub_user, source, member, username, kind, status, reason, before, after, evidence,
         counted, urgent, rule_login, plan, hold, created_at, released_at, object_kind, object_name, object_id, removal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?
    .execute(params![
        new.sub_user,
        new.source,
        new.member,
        new.username,
        new.kind.as_str(),
        status.as_str(),
        rows::to_json(new.reason)?,
        new.before.map(rows::to_json).transpose()?,
        new.after.map(rows::to_json).transpose()?,
        new.evidence.map(Evidence::as_str),
        new.counted,
        new.urgent,
        new.rule_login,
        new.plan,
        new.hold.map(rows::to_json).transpose()?,
        time_text(at),
        new.hold.is_none().then(|| time_text(at)),
        new.object.map(|o| o.kind.as_str()),
        new.object.map(|o| &o.name),
        new.object.and_then(|o| o.id),
        new.removal.map(Kind::as_str)
    ])?;
    Ok(t.last_insert_rowid())
}

/// The one place where a change's status is written.
pub(super) fn transition(t: &Connection, change: i64, event: Event) -> rusqlite::Result<Status> {
    let status = t
        .prepare_cached("SELECT status FROM changes WHERE id = ?1")?
        .query_row([change], |row| rows::word(row, "status", Status::parse))?;
    let next = status
        .after(event)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))?;
    t.prepare_cached("UPDATE changes SET status = ?2 WHERE id = ?1")?
        .execute(params![change, next.as_str()])?;
    Ok(next)
}

/// A creation whose effect a listing has shown: it is applied, unless it was given up.
pub(super) fn settle_creation(
    t: &Connection,
    sub_user: i64,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let open = t
        .prepare_cached(
            "SELECT id, status FROM changes WHERE sub_user = ?1 AND kind = 'create_user' AND status IN ('pending', 'held', 'failed')",
        )?
        .query_map([sub_user], id_and_status)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    settle(t, &open, at)
}

/// The same of a group or policy.
pub(super) fn settle_making(
    t: &Connection,
    kind: ObjectKind,
    name: &str,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let open = t
        .prepare_cached(
            "SELECT id, status FROM changes WHERE sub_user IS NULL AND kind IN ('create_group', 'create_policy')
             AND object_kind = ?1 AND object_name = ?2 AND status IN ('pending', 'held', 'failed')",
        )?
        .query_map(params![kind.as_str(), name], id_and_status)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    settle(t, &open, at)
}

fn id_and_status(row: &Row<'_>) -> rusqlite::Result<(i64, Status)> {
    Ok((row.get(0)?, rows::word(row, "status", Status::parse)?))
}

fn settle(t: &Connection, open: &[(i64, Status)], at: DateTime<Utc>) -> rusqlite::Result<()> {
    for (change, status) in open {
        if *status != Status::Pending {
            transition(t, *change, Event::Retry)?;
        }
        transition(t, *change, Event::Start)?;
        transition(t, *change, Event::Succeed)?;
        t.prepare_cached(
            "UPDATE changes SET applied_at = ?2, hold = NULL, next_attempt_at = NULL WHERE id = ?1",
        )?
        .execute(params![change, time_text(at)])?;
    }
    Ok(())
}

/// All changes that are not final, but those in flight and a person's own.
pub(super) fn waiting(t: &Connection) -> rusqlite::Result<Vec<ChangeRow>> {
    t.prepare_cached(
        "SELECT * FROM changes WHERE status IN ('pending', 'held', 'failed') AND urgent = 0 ORDER BY id",
    )?
    .query_map([], change_row)?
    .collect()
}

pub(super) fn change_row(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    let evidence: Option<String> = row.get("evidence")?;
    Ok(ChangeRow {
        id: row.get("id")?,
        sub_user: row.get("sub_user")?,
        source: row.get("source")?,
        member: row.get("member")?,
        username: row.get("username")?,
        kind: rows::word(row, "kind", Kind::parse)?,
        object: object(row)?,
        status: rows::word(row, "status", Status::parse)?,
        reason: rows::json(row, "reason")?,
        before: rows::optional_json(row, "before")?,
        after: rows::optional_json(row, "after")?,
        evidence: evidence.as_deref().and_then(Evidence::parse),
        urgent: row.get("urgent")?,
        rule_login: row.get("rule_login")?,
        plan: row.get("plan")?,
        hold: rows::optional_json(row, "hold")?,
        attempts: row.get("attempts")?,
        next_attempt_at: rows::optional_time(row, "next_attempt_at")?,
        last_error: rows::optional_json(row, "last_error")?,
        created_at: rows::time(row, "created_at")?,
        released_at: rows::optional_time(row, "released_at")?,
        applied_at: rows::optional_time(row, "applied_at")?,
    })
}

fn object(row: &Row<'_>) -> rusqlite::Result<Option<Object>> {
    let kind: Option<String> = row.get("object_kind")?;
    let Some(kind) = kind else { return Ok(None) };
    Ok(Some(Object {
        kind: ObjectKind::parse(&kind).ok_or_else(|| rows::unknown("object_kind"))?,
        name: row.get("object_name")?,
        id: row.get("object_id")?,
    }))
}
