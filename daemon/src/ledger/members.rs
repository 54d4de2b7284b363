//! Members as lists and explanations show them: facts, and what the last plan said.

use std::collections::HashMap;

use camsync_core::desired::Verdict;
use camsync_core::evidence::Witness;
use camsync_core::grants::Wanted;
use camsync_core::model::Member;
use camsync_core::problem::Problem;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, LedgerError, rows};

/// A member for a list: the snapshot's row and the sub-user's, joined.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// The source.
    pub source: String,
    /// The folded id.
    pub key: String,
    /// The last facts known.
    pub facts: Member,
    /// In the snapshot.
    pub present: bool,
    /// Since when not.
    pub missing_since: Option<DateTime<Utc>>,
    /// What the last look-up said.
    pub witness: Option<Witness>,
    /// What the rules said in the last plan.
    pub verdict: Option<Verdict>,
    /// Groups called for.
    pub groups: Vec<(String, u32)>,
    /// Policies called for.
    pub policies: Vec<(String, u32)>,
    /// What stood in the way in the last plan.
    pub problems: Vec<Problem>,
}

/// What the last plan said of one member.
#[derive(Debug, Clone, Default)]
pub struct Said<'a> {
    /// The rules' verdict; absent for someone who is missing.
    pub verdict: Option<&'a Verdict>,
    /// Groups called for.
    pub groups: &'a [Wanted],
    /// Policies called for.
    pub policies: &'a [Wanted],
    /// What stands in the way.
    pub problems: &'a [Problem],
}

impl Ledger {
    /// Keeps what the last plan said of each member, writing only what changed.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn record_verdicts(
        &self,
        source: &str,
        said: &HashMap<&str, Said<'_>>,
    ) -> Result<(), LedgerError> {
        let changed = self.read("read verdicts", |c| {
            let mut statement = c.prepare_cached(
                "SELECT key, verdict, groups, policies, problems FROM members WHERE source = ?1",
            )?;
            let mut stored = statement.query([source])?;
            let mut changed = Vec::new();
            while let Some(row) = stored.next()? {
                let Some((key, now)) = said.get_key_value(row.get_ref(0)?.as_str()?) else {
                    continue;
                };
                let columns = now.columns()?;
                for (at, column) in (1..).zip(&columns) {
                    if row.get_ref(at)?.as_str_or_null()? != column.as_deref() {
                        changed.push((*key, columns));
                        break;
                    }
                }
            }
            Ok(changed)
        })?;
        if changed.is_empty() {
            return Ok(());
        }
        self.write("write verdicts", |t| {
            let mut statement = t.prepare_cached(
                "UPDATE members SET verdict = ?3, groups = ?4, policies = ?5, problems = ?6
                 WHERE source = ?1 AND key = ?2",
            )?;
            for (key, [verdict, groups, policies, problems]) in &changed {
                statement.execute(params![source, key, verdict, groups, policies, problems])?;
            }
            Ok(())
        })
    }

    /// Who was suspected, in the last plan, to be the same person as whom: folded id, and the other's id.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn suspicions(&self, source: &str) -> Result<Vec<(String, String)>, LedgerError> {
        self.read("read the members", |c| {
            c.prepare_cached(
                "SELECT m.key, json_extract(p.value, '$.other') FROM members m, json_each(m.problems) p
                 WHERE m.source = ?1 AND m.problems IS NOT NULL
                 AND json_extract(p.value, '$.problem') = 'maybe_same_person'",
            )?
            .query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })
    }

    /// Everyone in a snapshot or with a sub-user.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn member_rows(&self, source: Option<&str>) -> Result<Vec<MemberRow>, LedgerError> {
        self.read("read the members", |c| {
            let mut statement = c.prepare_cached(
                "SELECT * FROM members WHERE ?1 IS NULL OR source = ?1 ORDER BY source, key",
            )?;
            let found = statement.query_map([source], member_row)?;
            found.collect()
        })
    }

    /// One member of a source, by folded id, in the snapshot or not.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn member_row(&self, source: &str, key: &str) -> Result<Option<MemberRow>, LedgerError> {
        self.read("read a member", |c| {
            c.prepare_cached("SELECT * FROM members WHERE source = ?1 AND key = ?2")?
                .query_row([source, key], member_row)
                .optional()
        })
    }
}

impl Said<'_> {
    fn columns(&self) -> rusqlite::Result<[Option<String>; 4]> {
        let list = |items: &[Wanted]| -> rusqlite::Result<Option<String>> {
            let items: Vec<(&str, u32)> = items.iter().map(|w| (&*w.name, w.rule)).collect();
            (!items.is_empty())
                .then(|| rows::to_json(&items))
                .transpose()
        };
        Ok([
            self.verdict.map(rows::to_json).transpose()?,
            list(self.groups)?,
            list(self.policies)?,
            (!self.problems.is_empty())
                .then(|| rows::to_json(&self.problems))
                .transpose()?,
        ])
    }
}

fn member_row(row: &Row<'_>) -> rusqlite::Result<MemberRow> {
    Ok(MemberRow {
        source: row.get("source")?,
        key: row.get("key")?,
        facts: rows::json(row, "facts")?,
        present: row.get("present")?,
        missing_since: rows::optional_time(row, "missing_since")?,
        witness: rows::optional_json(row, "witness")?,
        verdict: rows::optional_json(row, "verdict")?,
        groups: rows::optional_json(row, "groups")?.unwrap_or_default(),
        policies: rows::optional_json(row, "policies")?.unwrap_or_default(),
        problems: rows::optional_json(row, "problems")?.unwrap_or_default(),
    })
}
