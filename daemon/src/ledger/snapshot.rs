//! Crawls and the snapshot.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use camsync_connector_host::types::Names;
use camsync_core::change::RemovalKey;
use camsync_core::evidence::Witness;
use camsync_core::model::{Department, Member, fold};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::range::{self, Changing};
use super::{Ledger, LedgerError, rows, time_text};

/// What a complete crawl changed of a snapshot, in members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many were not in it.
    pub joined: usize,
    /// Of how many the facts are others now.
    pub changed: usize,
    /// How many are not in it any more.
    pub gone: usize,
    /// The folded ids of all of these.
    pub keys: Vec<String>,
}

/// A crawl that was complete.
#[derive(Debug)]
pub struct CrawlEnd<'a> {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The enterprise that answered.
    pub enterprise: &'a str,
    /// The configured range's fingerprint.
    pub range_fingerprint: &'a str,
    /// The resolved range.
    pub range: &'a BTreeSet<String>,
    /// What the enterprise and the application are called.
    pub names: &'a Names,
    /// Every department.
    pub departments: &'a [Department],
    /// Every member.
    pub members: &'a [Arc<Member>],
    /// What look-ups said of those who are missing, by folded id.
    pub witnesses: &'a [(String, Witness)],
}

/// A managed member who is missing from the snapshot.
#[derive(Debug, Clone)]
pub struct MissingMember {
    /// The folded id.
    pub key: String,
    /// The last facts known.
    pub facts: Member,
    /// Since when.
    pub missing_since: DateTime<Utc>,
    /// Complete crawls without them.
    pub missing_crawls: u32,
    /// What the last look-up said.
    pub witness: Option<Witness>,
}

/// What a verified look-up says of one member.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The folded id.
    pub key: String,
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// The facts, or the provider's words that there is no such member.
    pub what: Result<Arc<Member>, String>,
}

/// A member whom the ledger knows.
#[derive(Debug, Clone)]
pub struct KnownMember {
    /// The last facts known.
    pub facts: Member,
    /// With a managed sub-user.
    pub managed: bool,
}

/// The snapshot of one source.
#[derive(Debug, Default)]
pub struct StoredSnapshot {
    /// Everyone present.
    pub members: Vec<Arc<Member>>,
    /// Every department.
    pub departments: Vec<Department>,
    /// The resolved range.
    pub range: BTreeSet<String>,
}

/// A stable hash of a member's facts.
#[must_use]
pub fn facts_hash(json: &str) -> String {
    super::digest::hex(&Sha256::digest(json.as_bytes()))
}

impl Ledger {
    /// Records a crawl that was not complete. The snapshot stays as it is.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn end_partial_crawl(
        &self,
        source: &str,
        started_at: DateTime<Utc>,
        ended_at: DateTime<Utc>,
        counts: (usize, usize),
        error: &Value,
        retry_at: Option<DateTime<Utc>>,
    ) -> Result<(), LedgerError> {
        let (members, departments) = counts;
        self.write("write a crawl", |t| {
            insert_crawl(
                t,
                source,
                started_at,
                ended_at,
                false,
                (members, departments),
                Some(error),
            )?;
            t.prepare_cached(
                "UPDATE sources SET last_crawl_at = ?2, error = ?3, failures = failures + 1, retry_at = ?4,
                 failing_since = coalesce(failing_since, ?2) WHERE name = ?1",
            )?
            .execute(params![
                source,
                time_text(ended_at),
                rows::to_json(error)?,
                retry_at.map(time_text)
            ])?;
            Ok(())
        })
    }

    /// Makes a complete crawl the snapshot, writing only what changed, and tells what that was.
    ///
    /// # Errors
    /// When the ledger cannot be written; then the snapshot is the old one, whole.
    pub fn end_complete_crawl(
        &self,
        source: &str,
        end: &CrawlEnd<'_>,
    ) -> Result<Moved, LedgerError> {
        self.write("write the snapshot", |t| {
            insert_crawl(
                t,
                source,
                end.started_at,
                end.ended_at,
                true,
                (end.members.len(), end.departments.len()),
                None,
            )?;
            let changing = Changing::look(t, source, end.range_fingerprint, end.range)?;
            write_departments(t, source, end.departments)?;
            range::write(t, source, end.range)?;
            let moved = write_members(t, source, end)?;
            if let Some(changing) = changing {
                changing.keep(t, source, end.ended_at)?;
            }
            write_witnesses(t, source, end.witnesses)?;
            t.prepare_cached(
                "UPDATE sources SET last_crawl_at = ?2, last_complete_at = ?2, range_fingerprint = ?3,
                 members = ?4, departments = ?5, enterprise_name = COALESCE(?6, enterprise_name),
                 application_name = COALESCE(?7, application_name), error = NULL,
                 failures = 0, failing_since = NULL, retry_at = NULL WHERE name = ?1",
            )?
            .execute(params![
                source,
                time_text(end.ended_at),
                end.range_fingerprint,
                end.members.len(),
                end.departments.len(),
                end.names.enterprise,
                end.names.application,
            ])?;
            Ok(moved)
        })
    }

    /// Members with a managed sub-user who are not in the snapshot.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn missing_members(&self, source: &str) -> Result<Vec<MissingMember>, LedgerError> {
        self.read("read the missing", |c| {
            let mut statement = c.prepare_cached(
                "SELECT m.* FROM members m JOIN sub_users s ON s.source = m.source AND s.key = m.key
                 AND s.stage = 'managed' WHERE m.source = ?1 AND m.present = 0 ORDER BY m.key",
            )?;
            let found = statement.query_map([source], |row| {
                Ok(MissingMember {
                    key: row.get("key")?,
                    facts: rows::json(row, "facts")?,
                    missing_since: rows::time(row, "missing_since")?,
                    missing_crawls: row.get("missing_crawls")?,
                    witness: rows::optional_json(row, "witness")?,
                })
            })?;
            found.collect()
        })
    }

    /// The last known facts of everyone with a managed sub-user but those with these folded ids.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn managed_members_besides(
        &self,
        source: &str,
        found: &HashSet<String>,
    ) -> Result<Vec<Member>, LedgerError> {
        self.read("read the members", |c| {
            let mut statement = c.prepare_cached(
                "SELECT m.key, m.facts FROM members m JOIN sub_users s ON s.source = m.source AND s.key = m.key
                 AND s.stage = 'managed' WHERE m.source = ?1 ORDER BY m.key",
            )?;
            let mut managed = statement.query([source])?;
            let mut besides = Vec::new();
            while let Some(row) = managed.next()? {
                if !found.contains(row.get_ref(0)?.as_str()?) {
                    besides.push(rows::json(row, "facts")?);
                }
            }
            Ok(besides)
        })
    }

    /// Corrects the snapshot by what verified look-ups found.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn correct_members(&self, source: &str, found: &[Finding]) -> Result<(), LedgerError> {
        self.write("correct the snapshot", |t| {
            let mut gone = t.prepare_cached(
                "UPDATE members SET present = 0, missing_since = coalesce(missing_since, ?3), witness = ?4
                 WHERE source = ?1 AND key = ?2",
            )?;
            for finding in found {
                match &finding.what {
                    Ok(facts) => upsert_member(t, source, facts, &rows::to_json(&**facts)?)?,
                    Err(text) => {
                        let witness = rows::to_json(&Witness::Gone(text.clone()))?;
                        gone.execute(params![source, finding.key, time_text(finding.at), witness])?;
                    }
                }
            }
            forget_strangers(t, source)?;
            t.prepare_cached(
                "UPDATE sources SET members = (SELECT count(*) FROM members WHERE source = ?1 AND present = 1)
                 WHERE name = ?1",
            )?
            .execute([source])
            .map(drop)
        })
    }

    /// Those of these members whom the ledger knows, by folded id.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn known_members(
        &self,
        source: &str,
        ids: &[String],
    ) -> Result<HashMap<String, KnownMember>, LedgerError> {
        self.read("read the members", |c| {
            let mut statement = c.prepare_cached(
                "SELECT facts, EXISTS (SELECT 1 FROM sub_users s WHERE s.source = m.source AND s.key = m.key
                 AND s.stage = 'managed') AS managed FROM members m WHERE source = ?1 AND key = ?2",
            )?;
            let mut known = HashMap::new();
            for key in ids.iter().map(|id| fold(id)) {
                let found = statement
                    .query_row([source, &key], |row| {
                        Ok(KnownMember {
                            facts: rows::json(row, "facts")?,
                            managed: row.get("managed")?,
                        })
                    })
                    .optional()?;
                known.extend(found.map(|found| (key, found)));
            }
            Ok(known)
        })
    }

    /// The snapshot of a source.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn snapshot(&self, source: &str) -> Result<StoredSnapshot, LedgerError> {
        self.read("read the snapshot", |c| {
            let members = c
                .prepare_cached(
                    "SELECT facts FROM members WHERE source = ?1 AND present = 1 ORDER BY key",
                )?
                .query_map([source], |row| rows::json(row, "facts").map(Arc::new))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(StoredSnapshot {
                members,
                departments: departments(c, source)?,
                range: range::range(c, source)?,
            })
        })
    }

    /// The departments and the resolved range of a source.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn departments_and_range(
        &self,
        source: &str,
    ) -> Result<(Vec<Department>, BTreeSet<String>), LedgerError> {
        self.read("read the snapshot", |c| {
            Ok((departments(c, source)?, range::range(c, source)?))
        })
    }
}

fn insert_crawl(
    t: &Connection,
    source: &str,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    complete: bool,
    (members, departments): (usize, usize),
    error: Option<&Value>,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT INTO crawls (source, started_at, ended_at, complete, members, departments, error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        source,
        time_text(started_at),
        time_text(ended_at),
        complete,
        members,
        departments,
        error.map(rows::to_json).transpose()?
    ])
    .map(drop)
}

fn departments(c: &Connection, source: &str) -> rusqlite::Result<Vec<Department>> {
    c.prepare_cached("SELECT id, parent, name FROM departments WHERE source = ?1 ORDER BY id")?
        .query_map([source], |row| {
            Ok(Department {
                id: row.get(0)?,
                parent: row.get(1)?,
                name: row.get(2)?,
            })
        })?
        .collect()
}

fn write_departments(t: &Connection, source: &str, now: &[Department]) -> rusqlite::Result<()> {
    let mut sorted: Vec<&Department> = now.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    if departments(t, source)?.iter().eq(sorted.iter().copied()) {
        return Ok(());
    }
    t.execute("DELETE FROM departments WHERE source = ?1", [source])?;
    let mut statement = t.prepare_cached(
        "INSERT OR REPLACE INTO departments (source, id, parent, name) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for department in sorted {
        statement.execute(params![
            source,
            department.id,
            department.parent,
            department.name
        ])?;
    }
    Ok(())
}

fn write_members(t: &Connection, source: &str, end: &CrawlEnd<'_>) -> rusqlite::Result<Moved> {
    let mut moved = Moved::default();
    let mut stored: HashMap<String, (String, bool)> = t
        .prepare_cached("SELECT key, facts_hash, present FROM members WHERE source = ?1")?
        .query_map([source], |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for member in end.members {
        let json = rows::to_json(&**member)?;
        match stored.remove(&member.key()) {
            Some((hash, true)) if hash == facts_hash(&json) => continue,
            Some((_, true)) => moved.changed += 1,
            _ => moved.joined += 1,
        }
        upsert_member(t, source, member, &json)?;
        moved.keys.push(member.key());
    }
    let mut missing = t.prepare_cached(
        "UPDATE members SET present = 0, missing_since = coalesce(missing_since, ?3),
         missing_crawls = missing_crawls + 1 WHERE source = ?1 AND key = ?2",
    )?;
    for (key, (_, present)) in stored {
        missing.execute(params![source, key, time_text(end.ended_at)])?;
        if present {
            moved.gone += 1;
            moved.keys.push(key);
        }
    }
    drop(missing);
    forget_strangers(t, source)?;
    Ok(moved)
}

/// Someone who is gone and never had a sub-user is nobody's concern any more.
fn forget_strangers(t: &Connection, source: &str) -> rusqlite::Result<()> {
    t.prepare_cached(
        "DELETE FROM members WHERE source = ?1 AND present = 0 AND NOT EXISTS
         (SELECT 1 FROM sub_users s WHERE s.source = members.source AND s.key = members.key AND s.stage <> 'abandoned')",
    )?
    .execute([source])
    .map(drop)
}

fn write_witnesses(
    t: &Connection,
    source: &str,
    witnesses: &[(String, Witness)],
) -> rusqlite::Result<()> {
    let mut statement =
        t.prepare_cached("UPDATE members SET witness = ?3 WHERE source = ?1 AND key = ?2")?;
    for (key, witness) in witnesses {
        let witness = rows::to_json(witness)?;
        statement.execute(params![source, key, witness])?;
    }
    Ok(())
}

fn upsert_member(
    t: &Connection,
    source: &str,
    member: &Member,
    json: &str,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT INTO members (source, key, id, facts, facts_hash, present) VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT DO UPDATE SET id = ?3, facts = ?4, facts_hash = ?5, present = 1,
         missing_since = NULL, missing_crawls = 0, witness = NULL",
    )?
    .execute(params![
        source,
        member.key(),
        member.id,
        json,
        facts_hash(json)
    ])
    .map(drop)
}

/// A removal as a row's columns.
pub(super) fn removal_columns(key: &RemovalKey) -> (&str, &'static str) {
    (&key.subject, key.kind.as_str())
}
