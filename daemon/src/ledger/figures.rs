//! Counts for whoever watches from outside.

use camsync_core::outbox::{Kind, Status};
use chrono::{DateTime, Utc};

use super::{Ledger, LedgerError, rows};

/// How much is in the outbox and what waits, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Changes in the outbox, by kind and status.
    pub outbox: Vec<(Kind, Status, u64)>,
    /// When the oldest of these was made.
    pub outbox_oldest: Option<DateTime<Utc>>,
    /// Changes that failed for good.
    pub failed: u64,
    /// Changes that are held, whatever for.
    pub held: u64,
    /// Removals that held plans show.
    pub for_approval: u64,
    /// Held plans, by source and evidence.
    pub held_plans: Vec<(String, String, u64)>,
    /// When the oldest of these was made.
    pub held_oldest: Option<DateTime<Utc>>,
}

impl Ledger {
    /// Counts what waits.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn figures(&self) -> Result<Figures, LedgerError> {
        self.read("count what waits", |c| {
            let outbox = c
                .prepare_cached(
                    "SELECT kind, status, count(*) FROM changes WHERE status IN ('pending', 'in_flight')
                     GROUP BY kind, status",
                )?
                .query_map([], |row| {
                    Ok((
                        rows::word(row, "kind", Kind::parse)?,
                        rows::word(row, "status", Status::parse)?,
                        row.get(2)?,
                    ))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let held_plans = c
                .prepare_cached(
                    "SELECT source, evidence, count(*) FROM plans WHERE status = 'held' GROUP BY source, evidence",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let count = |status: &str| -> rusqlite::Result<u64> {
                c.prepare_cached("SELECT count(*) FROM changes WHERE status = ?1")?
                    .query_row([status], |row| row.get(0))
            };
            Ok(Figures {
                outbox,
                outbox_oldest: c
                    .prepare_cached(
                        "SELECT min(created_at) AS at FROM changes WHERE status IN ('pending', 'in_flight')",
                    )?
                    .query_row([], |row| rows::optional_time(row, "at"))?,
                failed: count("failed")?,
                held: count("held")?,
                for_approval: c
                    .prepare_cached(
                        "SELECT count(*) FROM plan_removals r JOIN plans p ON p.id = r.plan WHERE p.status = 'held'",
                    )?
                    .query_row([], |row| row.get(0))?,
                held_plans,
                held_oldest: c
                    .prepare_cached("SELECT min(created_at) AS at FROM plans WHERE status = 'held'")?
                    .query_row([], |row| rows::optional_time(row, "at"))?,
            })
        })
    }

    /// How many members of a source something stands in the way of.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn members_with_problem(&self, source: &str) -> Result<u32, LedgerError> {
        self.read("count the problems", |c| {
            c.prepare_cached(
                "SELECT count(*) FROM members WHERE source = ?1 AND problems IS NOT NULL",
            )?
            .query_row([source], |row| row.get(0))
        })
    }

    /// The size of the ledger's file and its write-ahead log, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        let mut wal = self.path().as_os_str().to_owned();
        wal.push("-wal");
        [self.path().as_os_str(), &wal]
            .iter()
            .filter_map(|file| std::fs::metadata(file).ok())
            .map(|found| found.len())
            .sum()
    }
}
