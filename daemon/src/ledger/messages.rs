//! What members are told about their applications: noticed, sent, or given up.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Row, params};

use super::applications::application_row;
use super::{ApplicationRow, Ledger, LedgerError, rows, time_text};

/// An approval whose sub-user is made within this is told together with it: one message, not two.
const TOGETHER: TimeDelta = TimeDelta::minutes(1);
/// What was decided longer ago than this is no news.
const NEWS: TimeDelta = TimeDelta::days(1);
/// A sub-user that follows an approval so late is none of its news.
const LATE: TimeDelta = TimeDelta::days(30);

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The application was approved, and there is a sub-user.
    Ready,
    /// It was approved; the sub-user is still to come.
    Approved,
    /// It was denied.
    Denied,
    /// Nobody answered it in time.
    Expired,
    /// No rule asks this member for one any more.
    NotAsked,
}

impl About {
    const ALL: [Self; 5] = [
        Self::Ready,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::NotAsked,
    ];

    /// The word in the ledger and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::NotAsked => "not_asked",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|about| about.as_str() == word)
    }
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its number.
    pub id: i64,
    /// What it is about.
    pub about: About,
    /// The application: whose, and what was said to it.
    pub application: ApplicationRow,
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// Attempts that failed.
    pub attempts: u32,
    /// Not tried before this.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

impl Ledger {
    /// Notices what members of these sources are to be told and have not been yet. The members' own withdrawals are no
    /// news to them, and who left is told nothing.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn notice_messages(
        &self,
        sources: &[String],
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        const FRESH: &str = "SELECT a.id, CASE WHEN status = 'denied' THEN 'denied'
             WHEN status = 'withdrawn' THEN ended
             WHEN EXISTS (SELECT 1 FROM sub_users s WHERE s.source = a.source AND s.key = a.key
               AND s.stage = 'managed') THEN 'ready'
             WHEN decided_at <= ?4 AND decided_at >= ?2 THEN 'approved' END AS about
             FROM applications a WHERE source IN (SELECT value FROM json_each(?1))
             AND ((status = 'denied' AND decided_at >= ?2) OR (status = 'approved' AND decided_at >= ?3)
               OR (status = 'withdrawn' AND ended IN ('expired', 'not_asked') AND ended_at >= ?2))";
        let list = serde_json::to_string(sources).unwrap_or_default();
        let bounds = [
            list,
            time_text(at - NEWS),
            time_text(at - LATE),
            time_text(at - TOGETHER),
        ];
        let new = format!(
            "SELECT f.id, f.about FROM ({FRESH}) f WHERE f.about IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM messages m WHERE m.application = f.id AND m.about = f.about)"
        );
        let any = self.read("read the messages", |c| {
            c.prepare_cached(&new)?
                .exists(rusqlite::params_from_iter(&bounds))
        })?;
        if !any {
            return Ok(());
        }
        self.write("write the messages", |t| {
            let found: Vec<(i64, String)> = t
                .prepare_cached(&new)?
                .query_map(rusqlite::params_from_iter(&bounds), |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            for (application, about) in found {
                // Nobody is told that it will come once it is there.
                if about == About::Ready.as_str() {
                    t.prepare_cached(
                        "DELETE FROM messages WHERE application = ?1 AND about = 'approved' AND sent_at IS NULL",
                    )?
                    .execute([application])?;
                }
                t.prepare_cached(
                    "INSERT INTO messages (application, about, noticed_at) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![application, about, time_text(at)])?;
            }
            Ok(())
        })
    }

    /// The messages that are still to be sent, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn messages_waiting(&self) -> Result<Vec<MessageRow>, LedgerError> {
        self.read("read the messages", |c| {
            c.prepare_cached(
                "SELECT a.*, m.id AS message, m.about, m.noticed_at, m.attempts, m.next_attempt_at
                 FROM messages m JOIN applications a ON a.id = m.application
                 WHERE m.sent_at IS NULL AND m.given_up_at IS NULL ORDER BY m.id",
            )?
            .query_map([], message_row)?
            .collect()
        })
    }

    /// Records that the provider took a message.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn message_sent(&self, id: i64, at: DateTime<Utc>) -> Result<(), LedgerError> {
        self.write("write the messages", |t| {
            t.prepare_cached(
                "UPDATE messages SET sent_at = ?2, next_attempt_at = NULL, last_error = NULL WHERE id = ?1",
            )?
            .execute(params![id, time_text(at)])
            .map(drop)
        })
    }

    /// Records that it did not, and when it is tried again; without that, it is given up.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn message_refused(
        &self,
        id: i64,
        at: DateTime<Utc>,
        next_attempt_at: Option<DateTime<Utc>>,
        error: &str,
    ) -> Result<(), LedgerError> {
        let given_up_at = next_attempt_at.is_none().then(|| time_text(at));
        self.write("write the messages", |t| {
            t.prepare_cached(
                "UPDATE messages SET attempts = attempts + 1, next_attempt_at = ?2, given_up_at = ?3, last_error = ?4
                 WHERE id = ?1",
            )?
            .execute(params![id, next_attempt_at.map(time_text), given_up_at, error])
            .map(drop)
        })
    }

    /// Has messages wait that were not tried, for what another one of their source has met.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn messages_postponed(&self, ids: &[i64], until: DateTime<Utc>) -> Result<(), LedgerError> {
        self.write("write the messages", |t| {
            for id in ids {
                t.prepare_cached(
                    "UPDATE messages SET next_attempt_at = max(coalesce(next_attempt_at, ''), ?2) WHERE id = ?1",
                )?
                .execute(params![id, time_text(until)])?;
            }
            Ok(())
        })
    }
}

fn message_row(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: row.get("message")?,
        about: rows::word(row, "about", About::parse)?,
        application: application_row(row)?,
        noticed_at: rows::time(row, "noticed_at")?,
        attempts: row.get("attempts")?,
        next_attempt_at: rows::optional_time(row, "next_attempt_at")?,
    })
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
