//! The audit: who did what, when, and why. Rows are chained by hash, so that a removed one shows.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Ledger, LedgerError, rows, time_text};

/// One row of the audit.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: `cli:root`, `schedule`, `rule`, ...
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The particulars.
    pub detail: Value,
    /// Covers this row and the hash before it.
    pub hash: String,
}

/// The ledger's key for the number and hash of the last row: without it nobody would miss the newest rows.
const HEAD: &str = "audit_head";

/// Whether the audit is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChain {
    /// How many rows there are.
    pub rows: i64,
    /// The last row's hash: whoever has noted it somewhere else can tell that nothing before it was altered.
    pub head: Option<String>,
    /// The first row that does not follow from the one before, or is gone; absent when the chain is whole.
    pub broken_at: Option<i64>,
}

/// The last row that was written, whether or not it is still there.
fn head(c: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    let noted: Option<String> = c
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([HEAD], |row| row.get(0))
        .optional()?;
    Ok(noted.and_then(|text| {
        let (id, hash) = text.split_once(' ')?;
        Some((id.parse().ok()?, hash.to_owned()))
    }))
}

/// Appends within a transaction.
pub(super) fn append(
    t: &Connection,
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &Value,
) -> rusqlite::Result<()> {
    let (last, previous) = head(t)?.unwrap_or_default();
    let at = time_text(at);
    let detail = rows::to_json(detail)?;
    let hash = chain(&previous, last + 1, &[&at, actor, action, subject, &detail]);
    t.prepare_cached(
        "INSERT INTO audit (id, at, actor, action, subject, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![last + 1, at, actor, action, subject, detail, hash])?;
    super::set_meta(t, HEAD, Some(&format!("{} {hash}", last + 1)))
}

/// Each field goes in with its length, so that no two rows can look alike.
fn chain(previous: &str, id: i64, fields: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(id.to_be_bytes());
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

impl Ledger {
    /// Appends to the audit.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn audit(
        &self,
        at: DateTime<Utc>,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &Value,
    ) -> Result<(), LedgerError> {
        self.write("write the audit", |t| {
            append(t, at, actor, action, subject, detail)
        })
    }

    /// The audit, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn audit_rows(
        &self,
        since: Option<DateTime<Utc>>,
        limit: Option<u32>,
    ) -> Result<Vec<AuditRow>, LedgerError> {
        let since = since.map(time_text).unwrap_or_default();
        let limit = limit.map_or(-1, i64::from);
        self.read("read the audit", |c| {
            let mut statement =
                c.prepare_cached("SELECT * FROM audit WHERE at >= ?1 ORDER BY id DESC LIMIT ?2")?;
            let found = statement.query_map(params![since, limit], |row| {
                Ok(AuditRow {
                    id: row.get("id")?,
                    at: rows::time(row, "at")?,
                    actor: row.get("actor")?,
                    action: row.get("action")?,
                    subject: row.get("subject")?,
                    detail: rows::json(row, "detail")?,
                    hash: row.get("hash")?,
                })
            })?;
            found.collect()
        })
    }

    /// Follows the whole chain. A row that was altered or removed shows, the newest ones too.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn audit_chain(&self) -> Result<AuditChain, LedgerError> {
        self.read("check the audit", |c| {
            let mut statement = c.prepare(
                "SELECT id, at, actor, action, subject, detail, hash FROM audit ORDER BY id",
            )?;
            let mut found = statement.query([])?;
            let (mut previous, mut expected) = (String::new(), 1_i64);
            let mut chain_of = AuditChain {
                rows: 0,
                head: None,
                broken_at: None,
            };
            while let Some(row) = found.next()? {
                let id: i64 = row.get(0)?;
                let fields: Vec<String> = (1..=5).map(|i| row.get(i)).collect::<Result<_, _>>()?;
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                let hash: String = row.get(6)?;
                if id != expected || chain(&previous, id, &fields) != hash {
                    chain_of.broken_at = chain_of.broken_at.or(Some(id));
                }
                chain_of.rows += 1;
                (previous, expected) = (hash, id + 1);
            }
            let last = (expected - 1, previous);
            if chain_of.broken_at.is_none() && last != head(c)?.unwrap_or_default() {
                chain_of.broken_at = Some(expected);
            }
            chain_of.head = (chain_of.rows > 0).then_some(last.1);
            Ok(chain_of)
        })
    }
}
