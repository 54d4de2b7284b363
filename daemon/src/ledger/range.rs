//! The visible range as it came to be: what it holds, by name, and how it last changed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, rows, time_text};

/// So many items of a change are kept by name; the rest is counted.
const NAMED: usize = 50;
/// So many changes of a source are kept.
const KEPT: u32 = 20;

/// An item of a resolved range. What it is called in the range is the connector's own; of the usual forms
/// (`department:7`, `member:lisi`, `tag-member:lisi`) the name is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeItem {
    /// As the range has it.
    pub item: String,
    /// `department`, `member`, ...: what stands before the colon.
    pub kind: Option<String>,
    /// The department's or member's name, where it is known.
    pub name: Option<String>,
}

/// How a range changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeChange {
    /// When that was seen.
    pub at: DateTime<Utc>,
    /// Whether somebody changed the range itself, and not only what is in it.
    pub configured: bool,
    /// What came, the first of it by name.
    pub came: Vec<RangeItem>,
    /// How much came.
    pub came_count: u32,
    /// What went, the first of it by name.
    pub went: Vec<RangeItem>,
    /// How much went.
    pub went_count: u32,
}

impl Ledger {
    /// What a source's range holds, by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn range_items(&self, source: &str) -> Result<Vec<RangeItem>, LedgerError> {
        self.read("read the range", |c| {
            let items = range(c, source)?;
            items.iter().map(|item| named(c, source, item)).collect()
        })
    }

    /// How a source's range last changed, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn range_changes(&self, source: &str) -> Result<Vec<RangeChange>, LedgerError> {
        self.read("read how the range changed", |c| {
            c.prepare_cached("SELECT * FROM range_changes WHERE source = ?1 ORDER BY id DESC")?
                .query_map([source], |row| {
                    Ok(RangeChange {
                        at: rows::time(row, "at")?,
                        configured: row.get("configured")?,
                        came: rows::json(row, "came")?,
                        came_count: row.get("came_count")?,
                        went: rows::json(row, "went")?,
                        went_count: row.get("went_count")?,
                    })
                })?
                .collect()
        })
    }
}

pub(super) fn range(c: &Connection, source: &str) -> rusqlite::Result<BTreeSet<String>> {
    c.prepare_cached("SELECT item FROM range_items WHERE source = ?1")?
        .query_map([source], |row| row.get(0))?
        .collect()
}

pub(super) fn write(t: &Connection, source: &str, now: &BTreeSet<String>) -> rusqlite::Result<()> {
    if range(t, source)? == *now {
        return Ok(());
    }
    t.execute("DELETE FROM range_items WHERE source = ?1", [source])?;
    let mut statement =
        t.prepare_cached("INSERT INTO range_items (source, item) VALUES (?1, ?2)")?;
    for item in now {
        statement.execute([source, item])?;
    }
    Ok(())
}

/// A change that is about to be written: what goes still has its name.
pub(super) struct Changing {
    configured: bool,
    came: Vec<String>,
    went: Vec<RangeItem>,
    went_count: usize,
}

impl Changing {
    /// What a complete crawl changes of a source's range; nothing when it is the first one.
    pub(super) fn look(
        t: &Connection,
        source: &str,
        fingerprint: &str,
        now: &BTreeSet<String>,
    ) -> rusqlite::Result<Option<Self>> {
        let known: Option<String> = t
            .prepare_cached("SELECT range_fingerprint FROM sources WHERE name = ?1")?
            .query_row([source], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(known) = known else { return Ok(None) };
        let before = range(t, source)?;
        let configured = known != fingerprint;
        if !configured && before == *now {
            return Ok(None);
        }
        let went: Vec<&String> = before.difference(now).collect();
        Ok(Some(Self {
            configured,
            came: now.difference(&before).cloned().collect(),
            went_count: went.len(),
            went: went
                .into_iter()
                .take(NAMED)
                .map(|item| named(t, source, item))
                .collect::<rusqlite::Result<_>>()?,
        }))
    }

    /// Keeps it, once what came has its name.
    pub(super) fn keep(
        self,
        t: &Connection,
        source: &str,
        at: DateTime<Utc>,
    ) -> rusqlite::Result<()> {
        let came: Vec<RangeItem> = self
            .came
            .iter()
            .take(NAMED)
            .map(|item| named(t, source, item))
            .collect::<rusqlite::Result<_>>()?;
        t.prepare_cached(
            "INSERT INTO range_changes (source, at, configured, came, came_count, went, went_count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            source,
            time_text(at),
            self.configured,
            rows::to_json(&came)?,
            self.came.len(),
            rows::to_json(&self.went)?,
            self.went_count
        ])?;
        t.prepare_cached(
            "DELETE FROM range_changes WHERE source = ?1 AND id NOT IN
             (SELECT id FROM range_changes WHERE source = ?1 ORDER BY id DESC LIMIT ?2)",
        )?
        .execute(params![source, KEPT])
        .map(drop)
    }
}

fn named(c: &Connection, source: &str, item: &str) -> rusqlite::Result<RangeItem> {
    let parts = item.split_once(':');
    let query = match parts {
        Some(("department", _)) => {
            Some("SELECT name FROM departments WHERE source = ?1 AND id = ?2")
        }
        Some(("member" | "tag-member", _)) => {
            Some("SELECT json_extract(facts, '$.name') FROM members WHERE source = ?1 AND key = ?2")
        }
        _ => None,
    };
    let name: Option<String> = match (query, parts) {
        (Some(query), Some((_, id))) => c
            .prepare_cached(query)?
            .query_row([source, id], |row| row.get(0))
            .optional()?
            .flatten(),
        _ => None,
    };
    Ok(RangeItem {
        item: item.to_owned(),
        kind: parts.map(|(kind, _)| kind.to_owned()),
        name,
    })
}
