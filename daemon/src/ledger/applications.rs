//! Members' own requests: made, decided once, withdrawn, and ended when they have lost their object.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::{Ledger, LedgerError, audit, rows, time_text};

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRow {
    /// Its id.
    pub id: i64,
    /// The source.
    pub source: String,
    /// The member's id, folded.
    pub key: String,
    /// The member's id.
    pub member: String,
    /// The display name when it was made.
    pub name: String,
    /// The member's words; may be empty.
    pub reason: String,
    /// `pending`, `approved`, `denied`, `withdrawn`.
    pub status: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided: a person, or `rule:LINE`.
    pub decided_by: Option<String>,
    /// What whoever denied it had to say.
    pub note: Option<String>,
    /// Why it is withdrawn.
    pub ended: Option<Ended>,
    /// Since when.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Why an application is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The member took it back.
    Member,
    /// Nobody answered in time.
    Expired,
    /// The member is not in the snapshot any more, or disabled.
    Left,
    /// No rule asks this member for an application any more.
    NotAsked,
}

impl Ended {
    const ALL: [Self; 4] = [Self::Member, Self::Expired, Self::Left, Self::NotAsked];

    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Expired => "expired",
            Self::Left => "left",
            Self::NotAsked => "not_asked",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == word)
    }
}

/// An application to be made.
#[derive(Debug)]
pub struct NewApplication<'a> {
    /// The source.
    pub source: &'a str,
    /// The member's id, folded.
    pub key: &'a str,
    /// The member's id.
    pub member: &'a str,
    /// The display name.
    pub name: &'a str,
    /// The member's words.
    pub reason: &'a str,
    /// The line of the rule that approves it at once.
    pub approved_by: Option<u32>,
}

/// What came of making one.
#[derive(Debug, PartialEq, Eq)]
pub enum Entered {
    /// It was made.
    Made(ApplicationRow),
    /// Another one is open, or approved already.
    Standing(ApplicationRow),
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The sub-user may be made.
    Approve,
    /// It may not.
    Deny,
}

impl Decision {
    /// The status that it makes.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Deny => "denied",
        }
    }
}

/// What came of a decision.
#[derive(Debug, PartialEq, Eq)]
pub enum Decided {
    /// It is decided now.
    Now(ApplicationRow),
    /// It was not open any more: somebody was faster, or it was withdrawn. Nothing was written.
    Before(ApplicationRow),
    /// There is none of this id.
    Unknown,
}

/// What a plan says of an applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationStanding {
    /// A rule asks for an application, or nothing is decided.
    Stands,
    /// A sub-user is called for: by the application that was approved, or without any.
    Admitted,
    /// Disabled, or left.
    Left,
    /// No rule asks for one.
    NotAsked,
}

impl Ledger {
    /// Makes an application, approved at once where a rule does so. A member has one that is open or approved at most.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn enter_application(
        &self,
        new: &NewApplication<'_>,
        at: DateTime<Utc>,
        actor: &str,
    ) -> Result<Entered, LedgerError> {
        self.write("write an application", |t| {
            let standing = t
                .prepare_cached(
                    "SELECT * FROM applications WHERE source = ?1 AND key = ?2 AND status IN ('pending', 'approved')
                     ORDER BY id DESC LIMIT 1",
                )?
                .query_row([new.source, new.key], application_row)
                .optional()?;
            if let Some(row) = standing {
                return Ok(Entered::Standing(row));
            }
            t.prepare_cached(
                "INSERT INTO applications (source, key, member, name, reason, status, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6)",
            )?
            .execute(params![
                new.source,
                new.key,
                new.member,
                new.name,
                new.reason,
                time_text(at)
            ])?;
            let id = t.last_insert_rowid();
            let row = one(t, id)?;
            note(t, at, actor, "application.made", &row, Value::Null)?;
            if let Some(line) = new.approved_by {
                decide(t, &row, Decision::Approve, None, at, &format!("rule:{line}"))?;
            }
            one(t, id).map(Entered::Made)
        })
    }

    /// Applications for a list, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn applications(
        &self,
        status: Option<&str>,
        source: Option<&str>,
        since: Option<DateTime<Utc>>,
        limit: Option<u32>,
    ) -> Result<Vec<ApplicationRow>, LedgerError> {
        self.read("read the applications", |c| {
            c.prepare_cached(
                "SELECT * FROM applications WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR source = ?2)
                 AND (?3 IS NULL OR created_at >= ?3) ORDER BY id DESC LIMIT ?4",
            )?
            .query_map(
                params![
                    status,
                    source,
                    since.map(time_text),
                    limit.map_or(-1, i64::from)
                ],
                application_row,
            )?
            .collect()
        })
    }

    /// One application.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn application(&self, id: i64) -> Result<Option<ApplicationRow>, LedgerError> {
        self.read("read an application", |c| one(c, id).optional())
    }

    /// A member's latest application, by folded id.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn latest_application(
        &self,
        source: &str,
        key: &str,
    ) -> Result<Option<ApplicationRow>, LedgerError> {
        self.read("read an application", |c| {
            c.prepare_cached(
                "SELECT * FROM applications WHERE source = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([source, key], application_row)
            .optional()
        })
    }

    /// How many applications wait for a decision.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn pending_applications(&self) -> Result<u64, LedgerError> {
        self.read("count the applications", |c| {
            c.prepare_cached("SELECT count(*) FROM applications WHERE status = 'pending'")?
                .query_row([], |row| row.get(0))
        })
    }

    /// Folded ids whose application was approved.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn approved_applicants(&self, source: &str) -> Result<HashSet<String>, LedgerError> {
        self.read("read the applications", |c| {
            c.prepare_cached(
                "SELECT key FROM applications WHERE source = ?1 AND status = 'approved'",
            )?
            .query_map([source], |row| row.get(0))?
            .collect()
        })
    }

    /// Decides, if it is still open: of two who decide at once the first one does.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn decide_application(
        &self,
        id: i64,
        decision: Decision,
        said: Option<&str>,
        at: DateTime<Utc>,
        actor: &str,
    ) -> Result<Decided, LedgerError> {
        self.write("decide an application", |t| {
            let Some(row) = one(t, id).optional()? else {
                return Ok(Decided::Unknown);
            };
            if row.status != "pending" {
                return Ok(Decided::Before(row));
            }
            decide(t, &row, decision, said, at, actor)?;
            one(t, id).map(Decided::Now)
        })
    }

    /// The member takes an open application back; absent when there is none.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn withdraw_application(
        &self,
        source: &str,
        key: &str,
        at: DateTime<Utc>,
        actor: &str,
    ) -> Result<Option<ApplicationRow>, LedgerError> {
        self.write("withdraw an application", |t| {
            let open = t
                .prepare_cached(
                    "SELECT * FROM applications WHERE source = ?1 AND key = ?2 AND status = 'pending'",
                )?
                .query_row([source, key], application_row)
                .optional()?;
            let Some(row) = open else { return Ok(None) };
            end(t, &row, Ended::Member, at, actor)?;
            one(t, row.id).map(Some)
        })
    }

    /// Ends what nobody answered since `before`.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn expire_applications(
        &self,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let due = |c: &Connection| -> rusqlite::Result<Vec<ApplicationRow>> {
            c.prepare_cached(
                "SELECT * FROM applications WHERE status = 'pending' AND created_at < ?1",
            )?
            .query_map([time_text(before)], application_row)?
            .collect()
        };
        if self.read("read the applications", due)?.is_empty() {
            return Ok(());
        }
        self.write("end applications", |t| {
            due(t)?
                .iter()
                .try_for_each(|row| end(t, row, Ended::Expired, at, "camsync"))
        })
    }

    /// Ends the applications of a source that have lost their object, by what a plan says of each member, by folded id;
    /// who is not among them is not in the snapshot. An approved one lasts as long as the sub-user that it led to: whoever
    /// comes back later under the same id asks anew.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn settle_applications(
        &self,
        source: &str,
        standing: &HashMap<&str, ApplicationStanding>,
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let over = |c: &Connection| -> rusqlite::Result<Vec<(ApplicationRow, Ended)>> {
            let open: Vec<ApplicationRow> = c
                .prepare_cached(
                    "SELECT * FROM applications a WHERE source = ?1 AND (status = 'pending' OR (status = 'approved'
                     AND NOT EXISTS (SELECT 1 FROM sub_users s WHERE s.source = a.source AND s.key = a.key
                     AND s.stage IN ('wanted', 'managed'))))",
                )?
                .query_map([source], application_row)?
                .collect::<rusqlite::Result<_>>()?;
            let ends = |row: &ApplicationRow| match standing.get(row.key.as_str()) {
                Some(ApplicationStanding::Stands) => None,
                Some(ApplicationStanding::Admitted) => {
                    (row.status == "pending").then_some(Ended::NotAsked)
                }
                Some(ApplicationStanding::NotAsked) => Some(Ended::NotAsked),
                Some(ApplicationStanding::Left) | None => Some(Ended::Left),
            };
            Ok(open
                .into_iter()
                .filter_map(|row| ends(&row).map(|ended| (row, ended)))
                .collect())
        };
        if self.read("read the applications", over)?.is_empty() {
            return Ok(());
        }
        self.write("end applications", |t| {
            over(t)?
                .iter()
                .try_for_each(|(row, ended)| end(t, row, *ended, at, "camsync"))
        })
    }
}

fn decide(
    t: &Connection,
    row: &ApplicationRow,
    decision: Decision,
    said: Option<&str>,
    at: DateTime<Utc>,
    actor: &str,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE applications SET status = ?2, decided_at = ?3, decided_by = ?4, note = ?5
         WHERE id = ?1 AND status = 'pending'",
    )?
    .execute(params![
        row.id,
        decision.status(),
        time_text(at),
        actor,
        said
    ])?;
    let action = format!("application.{}", decision.status());
    note(t, at, actor, &action, row, json!({ "note": said }))
}

fn end(
    t: &Connection,
    row: &ApplicationRow,
    ended: Ended,
    at: DateTime<Utc>,
    actor: &str,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE applications SET status = 'withdrawn', ended = ?2, ended_at = ?3 WHERE id = ?1",
    )?
    .execute(params![row.id, ended.as_str(), time_text(at)])?;
    let detail = json!({ "ended": ended.as_str() });
    note(t, at, actor, "application.withdrawn", row, detail)
}

/// One row of the audit: whose application, and what `more` says. The member's own words stay in the application.
fn note(
    t: &Connection,
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
    row: &ApplicationRow,
    more: Value,
) -> rusqlite::Result<()> {
    let mut detail = json!({ "source": row.source, "member": row.member });
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    audit::append(t, at, actor, action, &row.id.to_string(), &detail)
}

fn one(c: &Connection, id: i64) -> rusqlite::Result<ApplicationRow> {
    c.prepare_cached("SELECT * FROM applications WHERE id = ?1")?
        .query_row([id], application_row)
}

pub(super) fn application_row(row: &Row<'_>) -> rusqlite::Result<ApplicationRow> {
    let ended: Option<String> = row.get("ended")?;
    Ok(ApplicationRow {
        id: row.get("id")?,
        source: row.get("source")?,
        key: row.get("key")?,
        member: row.get("member")?,
        name: row.get("name")?,
        reason: row.get("reason")?,
        status: row.get("status")?,
        created_at: rows::time(row, "created_at")?,
        decided_at: rows::optional_time(row, "decided_at")?,
        decided_by: row.get("decided_by")?,
        note: row.get("note")?,
        ended: ended.as_deref().and_then(Ended::parse),
        ended_at: rows::optional_time(row, "ended_at")?,
    })
}
