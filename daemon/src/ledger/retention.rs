//! Retention: what people who are gone leave behind is purged once it is old enough, and history shrinks to what tells
//! who did what. The table of decisions is in `docs/ledger.md`.
//!
//! Somebody is gone who is in no snapshot and has no sub-user that is wanted or managed. The ids stay: in the audit,
//! whose chain nothing may break, in changes, and on sub-users.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, audit, rows, set_meta, time_text};

/// So many rows are looked at in one transaction: no pass waits longer than that takes.
const STEP: i64 = 200;
/// The ledger's key for what an unfinished purge has taken so far.
const SO_FAR: &str = "purged_so_far";

/// How many rows a purge took something of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Members whose facts are gone.
    pub members: usize,
    /// Sub-users of which the facts that admitted them are gone.
    pub sub_users: usize,
    /// Changes without remark, phone and e-mail now.
    pub changes: usize,
    /// Applications without name and words now.
    pub applications: usize,
    /// Changes removed: an older plan's, of which nothing was ever sent.
    pub superseded: usize,
    /// Attempts removed: those before the last one of a change that is over.
    pub attempts: usize,
    /// Crawls removed.
    pub crawls: usize,
    /// Changes of a range removed.
    pub range_changes: usize,
}

/// A purge on its way through the ledger.
#[derive(Debug)]
pub struct Purge {
    before: String,
    walk: usize,
    after: i64,
}

impl Purge {
    /// One of everything that was over by then.
    #[must_use]
    pub fn of_before(before: DateTime<Utc>) -> Self {
        Self {
            before: time_text(before),
            walk: 0,
            after: 0,
        }
    }
}

/// What is walked through: rows, by what stands in `from` and `where`, and what is done with each.
struct Walk {
    rows: &'static str,
    each: fn(&Connection, &Row, &str, &mut Purged) -> rusqlite::Result<()>,
}

/// A row that a walk came to.
struct Row {
    id: i64,
    source: String,
    key: String,
}

const WALKS: [Walk; 7] = [
    Walk {
        rows: "SELECT id, source, key FROM sub_users WHERE stage NOT IN ('wanted', 'managed')",
        each: person,
    },
    Walk {
        rows: "SELECT id, source, key FROM applications WHERE status <> 'pending'",
        each: person,
    },
    // Of a source that was unlinked, nobody is crawled any more: being in its snapshot says nothing.
    Walk {
        rows: "SELECT m.rowid AS id, source, key FROM members m WHERE present = 0
               OR source IN (SELECT name FROM sources WHERE unlinked IS NOT NULL)",
        each: person,
    },
    Walk {
        rows: "SELECT id, '' AS source, '' AS key FROM attempts",
        each: attempt,
    },
    Walk {
        rows: "SELECT id, source, '' AS key FROM changes WHERE status = 'superseded'",
        each: superseded,
    },
    Walk {
        rows: "SELECT id, source, '' AS key FROM crawls",
        each: crawl,
    },
    Walk {
        rows: "SELECT id, source, '' AS key FROM range_changes",
        each: range_change,
    },
];

impl Ledger {
    /// Purges a little more, in a transaction of its own; what it has taken in all, once that was the last of it. A
    /// purge that was cut short is gone on with by the next one, and its counts are not lost.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn purge_on(
        &self,
        purge: &mut Purge,
        at: DateTime<Utc>,
    ) -> Result<Option<Purged>, LedgerError> {
        let Some(walk) = WALKS.get(purge.walk) else {
            return self.end_purge(purge, at).map(Some);
        };
        let found: Vec<Row> = self.read("look for what is to be purged", |c| {
            c.prepare_cached(&format!(
                "SELECT * FROM ({}) WHERE id > ?1 ORDER BY id LIMIT ?2",
                walk.rows
            ))?
            .query_map([purge.after, STEP], |row| {
                Ok(Row {
                    id: row.get(0)?,
                    source: row.get(1)?,
                    key: row.get(2)?,
                })
            })?
            .collect()
        })?;
        let Some(last) = found.last() else {
            (purge.walk, purge.after) = (purge.walk + 1, 0);
            return Ok(None);
        };
        self.write("purge", |t| {
            let before = so_far(t)?;
            let mut purged = before;
            for row in &found {
                (walk.each)(t, row, &purge.before, &mut purged)?;
            }
            if purged != before {
                set_meta(t, SO_FAR, Some(&rows::to_json(&purged)?))?;
            }
            Ok(())
        })?;
        purge.after = last.id;
        Ok(None)
    }

    /// Leaves the counts in the audit, and nothing of what was purged in the file.
    fn end_purge(&self, purge: &Purge, at: DateTime<Utc>) -> Result<Purged, LedgerError> {
        let purged = self.read("look for what was purged", so_far)?;
        if purged == Purged::default() {
            return Ok(purged);
        }
        let detail = serde_json::json!({ "before": purge.before, "rows": purged });
        self.write("purge", |t| {
            audit::append(t, at, "camsync", "retention.purge", "ledger", &detail)?;
            set_meta(t, SO_FAR, None)
        })?;
        self.empty_log()?;
        Ok(purged)
    }

    /// What was purged is overwritten in the database, and may still be read in the log beside it until that begins
    /// anew. Whoever reads at this moment is not waited for: the log begins anew by itself later.
    fn empty_log(&self) -> Result<(), LedgerError> {
        self.read("empty the log", |c| {
            c.busy_timeout(std::time::Duration::ZERO)?;
            let emptied = c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            c.busy_timeout(super::PATIENCE)?;
            match emptied {
                Err(e) if !super::busy(&e) => Err(e),
                _ => Ok(()),
            }
        })
    }
}

fn so_far(t: &Connection) -> rusqlite::Result<Purged> {
    use rusqlite::OptionalExtension as _;
    let kept: Option<String> = t
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([SO_FAR], |row| row.get(0))
        .optional()?;
    kept.map_or(Ok(Purged::default()), |text| rows::parse(&text))
}

/// Purges what is left of somebody, if gone for long enough.
fn person(t: &Connection, row: &Row, before: &str, purged: &mut Purged) -> rusqlite::Result<()> {
    let who = params![row.source, row.key];
    let gone: bool = t
        .prepare_cached(
            "SELECT NOT EXISTS (SELECT 1 FROM sub_users WHERE source = ?1 AND key = ?2
               AND (stage IN ('wanted', 'managed') OR coalesce(ended_at, created_at) >= ?3))
             AND NOT EXISTS (SELECT 1 FROM members m WHERE source = ?1 AND key = ?2 AND CASE
               WHEN present = 0 THEN missing_since >= ?3
               ELSE NOT EXISTS (SELECT 1 FROM sources s WHERE s.name = ?1 AND s.unlinked_at < ?3) END)
             AND NOT EXISTS (SELECT 1 FROM applications WHERE source = ?1 AND key = ?2
               AND coalesce(ended_at, decided_at, created_at) >= ?3)",
        )?
        .query_row(params![row.source, row.key, before], |row| row.get(0))?;
    if !gone {
        return Ok(());
    }
    purged.members += members(t, row)?;
    purged.sub_users += t
        .prepare_cached(
            "UPDATE sub_users SET admitted = NULL WHERE source = ?1 AND key = ?2 AND admitted IS NOT NULL",
        )?
        .execute(who)?;
    purged.applications += t
        .prepare_cached(
            "UPDATE applications SET name = '', reason = '', note = NULL WHERE source = ?1 AND key = ?2
             AND (name <> '' OR reason <> '' OR note IS NOT NULL)",
        )?
        .execute(who)?;
    // The row stays: without it the same news would be told once more.
    t.prepare_cached(
        "UPDATE messages SET last_error = NULL WHERE last_error IS NOT NULL AND application IN
         (SELECT id FROM applications WHERE source = ?1 AND key = ?2)",
    )?
    .execute(who)?;
    purged.changes += changes(t, row)?;
    Ok(())
}

/// A member's row goes; where a person may still take the unlinking back, so much stays that the sub-user's member can
/// be looked up then.
fn members(t: &Connection, row: &Row) -> rusqlite::Result<usize> {
    let kept = t
        .prepare_cached(
            "UPDATE members AS m SET present = 0, missing_since = coalesce(missing_since,
               (SELECT unlinked_at FROM sources WHERE name = ?1)),
             facts = json_object('id', id, 'username', '', 'name', '', 'alias', '', 'email', '', 'phone', '',
               'position', '', 'status', json_extract(facts, '$.status'), 'departments', json('[]'),
               'main_department', NULL, 'leader_of', json('[]'), 'tags', json('[]'), 'attributes', json('{}'),
               'shown_by', json_extract(facts, '$.shown_by')),
             facts_hash = '', witness = NULL, verdict = NULL, groups = NULL, policies = NULL, problems = NULL
             WHERE source = ?1 AND key = ?2 AND facts_hash <> ''
             AND EXISTS (SELECT 1 FROM sub_users s, sources o WHERE o.name = ?1 AND s.source = ?1 AND s.key = ?2
               AND s.stage = 'released' AND s.ended_at = o.unlinked_at)",
        )?
        .execute(params![row.source, row.key])?;
    let removed = t
        .prepare_cached("DELETE FROM members WHERE source = ?1 AND key = ?2 AND facts_hash <> ''")?
        .execute(params![row.source, row.key])?;
    if kept + removed > 0 {
        t.prepare_cached(
            "UPDATE sources SET members = (SELECT count(*) FROM members WHERE source = ?1 AND present = 1)
             WHERE name = ?1",
        )?
        .execute([&row.source])?;
    }
    Ok(kept + removed)
}

/// What was done stays; what it said of the person does not, nor do CAM's words, which may repeat it. A remark that was
/// written stays known as one that was.
fn changes(t: &Connection, row: &Row) -> rusqlite::Result<usize> {
    const BLANK: &str = "json_remove(json_replace({}, '$.remark',
         CASE WHEN json_extract({}, '$.remark') IS NOT NULL THEN '' END), '$.phone', '$.email')";
    const SAYS: &str =
        "(json_extract({}, '$.remark') <> '' OR json_extract({}, '$.phone') IS NOT NULL
         OR json_extract({}, '$.email') IS NOT NULL)";
    let of = |text: &str, column: &str| text.replace("{}", column);
    let blanked = t
        .prepare_cached(&format!(
            "UPDATE changes SET before = {}, after = {}, last_error = json_replace(last_error, '$.message', '')
             WHERE sub_user IN (SELECT id FROM sub_users WHERE source = ?1 AND key = ?2)
             AND status NOT IN ('pending', 'in_flight', 'held')
             AND ({} OR {} OR json_extract(last_error, '$.message') <> '')",
            of(BLANK, "before"),
            of(BLANK, "after"),
            of(SAYS, "before"),
            of(SAYS, "after"),
        ))?
        .execute(params![row.source, row.key])?;
    t.prepare_cached(
        "UPDATE attempts SET outcome = json_replace(outcome, '$.error.message', '') WHERE change IN
         (SELECT id FROM changes WHERE sub_user IN (SELECT id FROM sub_users WHERE source = ?1 AND key = ?2)
          AND status NOT IN ('pending', 'in_flight', 'held')) AND json_extract(outcome, '$.error.message') <> ''",
    )?
    .execute(params![row.source, row.key])?;
    Ok(blanked)
}

/// Of a change that is over, the attempt that ended it tells how, with CAM's RequestId.
fn attempt(t: &Connection, row: &Row, before: &str, purged: &mut Purged) -> rusqlite::Result<()> {
    purged.attempts += t
        .prepare_cached(
            "DELETE FROM attempts AS a WHERE id = ?1 AND ended_at < ?2
             AND EXISTS (SELECT 1 FROM attempts l WHERE l.change = a.change AND l.number > a.number)
             AND EXISTS (SELECT 1 FROM changes c WHERE c.id = a.change
               AND c.status IN ('applied', 'superseded', 'cancelled'))",
        )?
        .execute(params![row.id, before])?;
    Ok(())
}

/// A change of which nothing was sent, and on which neither the guard nor a plan counts. Never the last one: its number
/// would be given again.
fn superseded(
    t: &Connection,
    row: &Row,
    before: &str,
    purged: &mut Purged,
) -> rusqlite::Result<()> {
    purged.superseded += t
        .prepare_cached(
            "DELETE FROM changes AS c WHERE id = ?1 AND created_at < ?2 AND status = 'superseded' AND counted = 0
             AND plan IS NULL AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.change = c.id)
             AND id < (SELECT max(id) FROM changes)",
        )?
        .execute(params![row.id, before])?;
    Ok(())
}

fn crawl(t: &Connection, row: &Row, before: &str, purged: &mut Purged) -> rusqlite::Result<()> {
    purged.crawls += t
        .prepare_cached("DELETE FROM crawls WHERE id = ?1 AND ended_at < ?2")?
        .execute(params![row.id, before])?;
    Ok(())
}

fn range_change(
    t: &Connection,
    row: &Row,
    before: &str,
    purged: &mut Purged,
) -> rusqlite::Result<()> {
    purged.range_changes += t
        .prepare_cached("DELETE FROM range_changes WHERE id = ?1 AND at < ?2")?
        .execute(params![row.id, before])?;
    Ok(())
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
