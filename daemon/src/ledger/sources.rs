//! Sources: what the ledger remembers of each, besides what a crawl of it found.

use camsync_connector_host::types::Names;
use camsync_core::plan::Then;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::{Ledger, LedgerError, Unlinking, rows, time_text};

/// A source as the ledger has it.
#[derive(Debug, Clone)]
pub struct SourceRow {
    /// Its name.
    pub name: String,
    /// Its connector's name.
    pub connector: String,
    /// The enterprise that it is bound to.
    pub enterprise: Option<String>,
    /// What the enterprise and the application are called, as the last complete crawl says.
    pub names: Names,
    /// Another enterprise that answered instead.
    pub seen_enterprise: Option<String>,
    /// Not crawled until resumed.
    pub paused: bool,
    /// When the last crawl ended, complete or not.
    pub last_crawl_at: Option<DateTime<Utc>>,
    /// When the last complete crawl ended.
    pub last_complete_at: Option<DateTime<Utc>>,
    /// The configured visible range's fingerprint.
    pub range_fingerprint: Option<String>,
    /// Members in the snapshot.
    pub members: i64,
    /// Departments in the snapshot.
    pub departments: i64,
    /// Why the last crawl was not complete.
    pub error: Option<Value>,
    /// Since when no crawl has been complete.
    pub failing_since: Option<DateTime<Utc>>,
    /// Crawls that failed in a row.
    pub failures: u32,
    /// Not asked by itself before this.
    pub retry_at: Option<DateTime<Utc>>,
    /// Set once a person has unlinked it: it is not crawled, and no rule counts for it.
    pub unlinked: Option<Unlinking>,
}

impl Ledger {
    /// Makes sure that a source has its row; `former` renames one.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn ensure_source(
        &self,
        name: &str,
        connector: &str,
        former: Option<&str>,
    ) -> Result<(), LedgerError> {
        let known = self.source(name)?;
        if known.as_ref().is_some_and(|s| s.connector == connector) {
            return Ok(());
        }
        self.write("write a source", |t| {
            if let (None, Some(former)) = (&known, former) {
                t.execute_batch("PRAGMA defer_foreign_keys = ON")?;
                t.execute("UPDATE sources SET name = ?1 WHERE name = ?2", [name, former])?;
                for table in [
                    "crawls", "departments", "range_items", "range_changes", "members", "sub_users", "changes",
                    "plans", "approvals", "applications",
                ] {
                    t.execute(
                        &format!("UPDATE {table} SET source = ?1 WHERE source = ?2"),
                        [name, former],
                    )?;
                }
            }
            t.execute(
                "INSERT INTO sources (name, connector) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET connector = ?2",
                [name, connector],
            )?;
            Ok(())
        })
    }

    /// Lets a source be crawled at this moment, whatever its schedule and its last failure say.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn crawl_at(&self, name: &str, at: DateTime<Utc>) -> Result<(), LedgerError> {
        self.write("write a source", |t| {
            t.execute(
                "UPDATE sources SET retry_at = ?2 WHERE name = ?1",
                [name, &time_text(at)],
            )?;
            Ok(())
        })
    }

    /// A source's row.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn source(&self, name: &str) -> Result<Option<SourceRow>, LedgerError> {
        self.read("read a source", |c| {
            c.prepare_cached("SELECT * FROM sources WHERE name = ?1")?
                .query_row([name], source_row)
                .optional()
        })
    }

    /// Every source that the ledger knows, by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sources(&self) -> Result<Vec<SourceRow>, LedgerError> {
        self.read("read the sources", |c| {
            c.prepare_cached("SELECT * FROM sources ORDER BY name")?
                .query_map([], source_row)?
                .collect()
        })
    }

    /// Pauses or resumes a source.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn set_paused(&self, source: &str, paused: bool) -> Result<(), LedgerError> {
        self.write("write a source", |t| {
            t.execute(
                "UPDATE sources SET paused = ?2 WHERE name = ?1",
                params![source, paused],
            )
            .map(drop)
        })
    }

    /// Binds a source to an enterprise, or notes that another one answered.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn set_enterprise(
        &self,
        source: &str,
        bound: &str,
        seen: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.write("write a source", |t| {
            t.execute(
                "UPDATE sources SET enterprise = ?2, seen_enterprise = ?3,
                 enterprise_name = CASE WHEN enterprise IS ?2 THEN enterprise_name END,
                 application_name = CASE WHEN enterprise IS ?2 THEN application_name END WHERE name = ?1",
                params![source, bound, seen],
            )
            .map(drop)
        })
    }
}

fn source_row(row: &Row<'_>) -> rusqlite::Result<SourceRow> {
    Ok(SourceRow {
        name: row.get("name")?,
        connector: row.get("connector")?,
        enterprise: row.get("enterprise")?,
        names: Names {
            enterprise: row.get("enterprise_name")?,
            application: row.get("application_name")?,
        },
        seen_enterprise: row.get("seen_enterprise")?,
        paused: row.get("paused")?,
        last_crawl_at: rows::optional_time(row, "last_crawl_at")?,
        last_complete_at: rows::optional_time(row, "last_complete_at")?,
        range_fingerprint: row.get("range_fingerprint")?,
        members: row.get("members")?,
        departments: row.get("departments")?,
        error: rows::optional_json(row, "error")?,
        failing_since: rows::optional_time(row, "failing_since")?,
        failures: row.get("failures")?,
        retry_at: rows::optional_time(row, "retry_at")?,
        unlinked: match row.get::<_, Option<String>>("unlinked")? {
            None => None,
            Some(then) => Some(Unlinking {
                then: Then::parse(&then).ok_or_else(|| rows::unknown("unlinked"))?,
                at: rows::time(row, "unlinked_at")?,
                by: row.get("unlinked_by")?,
            }),
        },
    })
}
