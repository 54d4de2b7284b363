//! Notifications: what each target is or was told, and how sending to it goes. What they are about is read here, too.

use camsync_core::change::Hold;
use camsync_core::problem::Problem;
use chrono::{DateTime, Utc};
use rusqlite::params;
use serde_json::Value;

use super::changes::change_row;
use super::{ChangeRow, Ledger, LedgerError, rows, time_text};

/// One cause, as one target is or was told it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRow {
    /// Its number.
    pub id: i64,
    /// The target, as the configuration names it.
    pub target: String,
    /// The cause's key.
    pub cause: String,
    /// The cause when it was noticed.
    pub detail: Value,
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// When the target took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it no longer stood.
    pub over_at: Option<DateTime<Utc>>,
}

/// One step from what targets were told to what they are to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum NotificationStep {
    /// A cause is new to a target.
    Notice {
        /// The target.
        target: String,
        /// The cause's key.
        cause: String,
        /// The cause.
        detail: Value,
    },
    /// It no longer stands, and the target was told of it.
    Over(i64),
    /// It stands again before the target was told that it was over.
    Back(i64),
    /// Nobody is told of it any more.
    Forget(i64),
}

/// How sending to a target goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRow {
    /// The target.
    pub target: String,
    /// When it last took something.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// Since when it takes nothing.
    pub failing_since: Option<DateTime<Utc>>,
    /// Attempts that failed in a row.
    pub attempts: u32,
    /// Not tried before this.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// Access that somebody else reduced, and that is kept so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDrift {
    /// The source.
    pub source: String,
    /// The member's id.
    pub member: String,
    /// What was done.
    pub problem: Problem,
}

impl Ledger {
    /// Everything that any target is or was told, in the order in which it was noticed.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn notifications(&self) -> Result<Vec<NotificationRow>, LedgerError> {
        self.read("read the notifications", |c| {
            c.prepare_cached("SELECT * FROM notifications ORDER BY id")?
                .query_map([], |row| {
                    Ok(NotificationRow {
                        id: row.get("id")?,
                        target: row.get("target")?,
                        cause: row.get("cause")?,
                        detail: rows::json(row, "detail")?,
                        noticed_at: rows::time(row, "noticed_at")?,
                        sent_at: rows::optional_time(row, "sent_at")?,
                        over_at: rows::optional_time(row, "over_at")?,
                    })
                })?
                .collect()
        })
    }

    /// Takes steps, all in one transaction.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn notice(&self, at: DateTime<Utc>, steps: &[NotificationStep]) -> Result<(), LedgerError> {
        self.write("write the notifications", |t| {
            for step in steps {
                match step {
                    NotificationStep::Notice {
                        target,
                        cause,
                        detail,
                    } => t
                        .prepare_cached(
                            "INSERT INTO notifications (target, cause, detail, noticed_at) VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute(params![target, cause, rows::to_json(detail)?, time_text(at)])?,
                    NotificationStep::Over(id) => t
                        .prepare_cached("UPDATE notifications SET over_at = ?2 WHERE id = ?1")?
                        .execute(params![id, time_text(at)])?,
                    NotificationStep::Back(id) => t
                        .prepare_cached("UPDATE notifications SET over_at = NULL WHERE id = ?1")?
                        .execute([id])?,
                    NotificationStep::Forget(id) => t
                        .prepare_cached("DELETE FROM notifications WHERE id = ?1")?
                        .execute([id])?,
                };
            }
            Ok(())
        })
    }

    /// Records that a target took these: what was new is told, and what was over is done with.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn delivered(
        &self,
        target: &str,
        at: DateTime<Utc>,
        ids: &[i64],
    ) -> Result<(), LedgerError> {
        self.write("write the notifications", |t| {
            for id in ids {
                t.prepare_cached(
                    "DELETE FROM notifications WHERE id = ?1 AND over_at IS NOT NULL",
                )?
                .execute([id])?;
                t.prepare_cached("UPDATE notifications SET sent_at = ?2 WHERE id = ?1")?
                    .execute(params![id, time_text(at)])?;
            }
            t.prepare_cached(
                "INSERT INTO notification_targets (target, last_sent_at) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET last_sent_at = ?2, failing_since = NULL, attempts = 0,
                 next_attempt_at = NULL, last_error = NULL",
            )?
            .execute(params![target, time_text(at)])
            .map(drop)
        })
    }

    /// Records that a target did not take what was sent, and when it is tried again.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn undelivered(
        &self,
        target: &str,
        at: DateTime<Utc>,
        next_attempt_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), LedgerError> {
        self.write("write the notifications", |t| {
            t.prepare_cached(
                "INSERT INTO notification_targets (target, failing_since, attempts, next_attempt_at, last_error)
                 VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT DO UPDATE SET failing_since = coalesce(failing_since, ?2),
                 attempts = attempts + 1, next_attempt_at = ?3, last_error = ?4",
            )?
            .execute(params![target, time_text(at), time_text(next_attempt_at), error])
            .map(drop)
        })
    }

    /// How sending goes, for every target that was ever sent to.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn notification_targets(&self) -> Result<Vec<TargetRow>, LedgerError> {
        self.read("read the notification targets", |c| {
            c.prepare_cached("SELECT * FROM notification_targets ORDER BY target")?
                .query_map([], |row| {
                    Ok(TargetRow {
                        target: row.get("target")?,
                        last_sent_at: rows::optional_time(row, "last_sent_at")?,
                        failing_since: rows::optional_time(row, "failing_since")?,
                        attempts: row.get("attempts")?,
                        next_attempt_at: rows::optional_time(row, "next_attempt_at")?,
                        last_error: row.get("last_error")?,
                    })
                })?
                .collect()
        })
    }

    /// Changes in the outbox that have failed or were held before: how they end is not known yet.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn changes_tried_again(&self) -> Result<Vec<ChangeRow>, LedgerError> {
        self.read("read the outbox", |c| {
            c.prepare_cached(
                "SELECT * FROM changes WHERE status IN ('pending', 'in_flight') AND last_error IS NOT NULL",
            )?
            .query_map([], change_row)?
            .collect()
        })
    }

    /// What held changes wait for at the cloud, and how many do: a permission or room in a quota.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn waits_for_cloud(&self) -> Result<Vec<(Hold, u64)>, LedgerError> {
        self.read("read the changes", |c| {
            c.prepare_cached(
                "SELECT hold, count(*) FROM changes WHERE status = 'held'
                 AND json_extract(hold, '$.waits_for') IN ('permission', 'quota')
                 GROUP BY json_extract(hold, '$.action'), json_extract(hold, '$.quota')",
            )?
            .query_map([], |row| Ok((rows::json(row, "hold")?, row.get(1)?)))?
            .collect()
        })
    }

    /// Access that somebody else reduced, as the last plan found it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn kept_drift(&self) -> Result<Vec<KeptDrift>, LedgerError> {
        self.read("read the members", |c| {
            c.prepare_cached(
                "SELECT m.source, m.id, p.value AS problem FROM members m, json_each(m.problems) p
                 WHERE m.problems IS NOT NULL
                 AND json_extract(p.value, '$.problem') IN ('sign_in_off', 'deleted_by_hand', 'grant_taken')",
            )?
            .query_map([], |row| {
                Ok(KeptDrift {
                    source: row.get("source")?,
                    member: row.get("id")?,
                    problem: rows::json(row, "problem")?,
                })
            })?
            .collect()
        })
    }
}
