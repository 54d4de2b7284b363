//! Attempts: recorded before anything is sent, and their outcome after.

use camsync_core::change::Hold;
use camsync_core::outbox::{Event, Status};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::changes::{ChangeRow, Failure, change_row, transition};
use super::effects::{Effect, apply_effect};
use super::{Ledger, LedgerError, rows, time_text};

/// What ended an attempt.
#[derive(Debug)]
pub struct AttemptEnd<'a> {
    /// The event for the change.
    pub event: Event,
    /// Why it had no effect, if it had none.
    pub failure: Option<&'a Failure>,
    /// Not again before this.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why it now waits.
    pub hold: Option<&'a Hold>,
    /// What it made of the sub-user.
    pub effect: Option<Effect>,
    /// CAM's RequestId.
    pub request_id: Option<&'a str>,
}

impl Ledger {
    /// Records that an attempt begins; its number. Nothing may be sent before this returns. Absent when there is
    /// nothing to be done any more: someone has superseded, held or cancelled the change since it was read, or it
    /// would give back what a person has taken by a suspension since it was planned.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn start_attempt(
        &self,
        change: i64,
        at: DateTime<Utc>,
    ) -> Result<Option<u32>, LedgerError> {
        self.write("record an attempt", |t| {
            let row = t
                .prepare_cached("SELECT * FROM changes WHERE id = ?1")?
                .query_row([change], change_row)?;
            if row.status != Status::Pending {
                return Ok(None);
            }
            let stopped: bool = t
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM sub_users WHERE id = ?1 AND stopped_at IS NOT NULL)",
                )?
                .query_row([row.sub_user], |row| row.get(0))?;
            if stopped && row.gives_back() {
                transition(t, change, Event::Supersede)?;
                return Ok(None);
            }
            begin(t, change, at).map(Some)
        })
    }

    /// Records what came of an attempt, with its effect on the sub-user, in one transaction.
    ///
    /// # Errors
    /// When the ledger cannot be written, or the event cannot happen.
    pub fn end_attempt(
        &self,
        change: i64,
        at: DateTime<Utc>,
        end: &AttemptEnd<'_>,
    ) -> Result<(), LedgerError> {
        self.write("record an outcome", |t| {
            transition(t, change, end.event)?;
            let outcome = match end.failure {
                None => serde_json::json!({ "result": "applied" }),
                Some(failure) => serde_json::json!({ "result": "failed", "error": failure }),
            };
            let request_id = end
                .request_id
                .or_else(|| end.failure.and_then(|f| f.request_id.as_deref()));
            t.prepare_cached(
                "UPDATE attempts SET ended_at = ?2, outcome = ?3, request_id = ?4 WHERE change = ?1 AND ended_at IS NULL",
            )?
            .execute(params![change, time_text(at), rows::to_json(&outcome)?, request_id])?;
            t.prepare_cached(
                "UPDATE changes SET next_attempt_at = ?2, last_error = coalesce(?3, last_error), hold = ?4,
                 applied_at = CASE WHEN status = 'applied' THEN ?5 END WHERE id = ?1",
            )?
            .execute(params![
                change,
                end.next_attempt_at.map(time_text),
                end.failure.map(rows::to_json).transpose()?,
                end.hold.map(rows::to_json).transpose()?,
                time_text(at)
            ])?;
            if let Some(effect) = end.effect {
                let row = t
                    .prepare_cached("SELECT * FROM changes WHERE id = ?1")?
                    .query_row([change], change_row)?;
                apply_effect(t, &row, effect, at)?;
                super::plans::settle(t, row.plan)?;
            }
            Ok(())
        })
    }

    /// Asks a change again of which nobody knows whether it had its effect, to be read and not sent; its row as it is
    /// then. Absent when somebody else was faster.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn reopen(&self, change: i64) -> Result<Option<ChangeRow>, LedgerError> {
        self.write("write a change", |t| {
            let mut read = t.prepare_cached("SELECT * FROM changes WHERE id = ?1")?;
            let row = read.query_row([change], change_row)?;
            match row.status {
                Status::Failed | Status::Held => {
                    transition(t, change, Event::Retry)?;
                    read.query_row([change], change_row).map(Some)
                }
                Status::Pending | Status::InFlight => Ok(Some(row)),
                _ => Ok(None),
            }
        })
    }
}

/// An attempt at a pending change begins; its number.
pub(super) fn begin(t: &Connection, change: i64, at: DateTime<Utc>) -> rusqlite::Result<u32> {
    transition(t, change, Event::Start)?;
    t.prepare_cached(
        "UPDATE changes SET attempts = attempts + 1, next_attempt_at = NULL WHERE id = ?1",
    )?
    .execute([change])?;
    t.prepare_cached(
        "INSERT INTO attempts (change, number, started_at) SELECT id, attempts, ?2 FROM changes WHERE id = ?1",
    )?
    .execute(params![change, time_text(at)])?;
    t.query_row(
        "SELECT attempts FROM changes WHERE id = ?1",
        [change],
        |row| row.get(0),
    )
}
