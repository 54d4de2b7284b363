//! Groups that a creation made although its answer was lost: each is known by the mark that only that creation wrote.

use std::collections::HashSet;

use camsync_core::object::ObjectKind;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Ledger, LedgerError, time_text};

/// Only where an attempt was made: a mark that somebody copied gives nobody anything. And not while one is in flight,
/// which has its own way to learn what came of it.
const LOST: &str = "SELECT m.mark, m.name FROM made_objects m WHERE m.kind = 'group' AND m.cam_id IS NULL
    AND EXISTS (SELECT 1 FROM changes c WHERE c.sub_user IS NULL AND c.kind = 'create_group' AND c.object_name = m.name
                AND c.attempts > 0)
    AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.sub_user IS NULL AND c.object_kind = 'group'
                    AND c.object_name = m.name AND c.status = 'in_flight')";

impl Ledger {
    /// Takes in groups, by mark and CAM's id, that a creation of this ledger made although its answer was lost. Says
    /// CAM's ids of those taken in.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn claim_made(
        &self,
        found: &[(&str, u64)],
        at: DateTime<Utc>,
    ) -> Result<Vec<u64>, LedgerError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let lost: HashSet<String> = self.read("read what was made", |c| {
            c.prepare_cached(LOST)?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        let found: Vec<_> = found
            .iter()
            .filter(|(mark, _)| lost.contains(*mark))
            .collect();
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.write("take in lost groups", |t| {
            let mut claimed = Vec::new();
            for (mark, cam_id) in found {
                if claim(t, mark, *cam_id, at)? {
                    claimed.push(*cam_id);
                }
            }
            Ok(claimed)
        })
    }
}

fn claim(t: &Connection, mark: &str, cam_id: u64, at: DateTime<Utc>) -> rusqlite::Result<bool> {
    let name: Option<String> = t
        .prepare_cached(&format!("{LOST} AND m.mark = ?1"))?
        .query_row([mark], |row| row.get(1))
        .optional()?;
    let Some(name) = name else {
        return Ok(false);
    };
    t.prepare_cached(
        "UPDATE made_objects SET cam_id = ?2, made_at = ?3, unconfirmed_since = NULL WHERE mark = ?1",
    )?
    .execute(params![mark, cam_id, time_text(at)])?;
    super::changes::settle_making(t, ObjectKind::Group, &name, at)?;
    super::audit::append(
        t,
        at,
        "camsync",
        "group.found_by_mark",
        &name,
        &serde_json::json!({ "group": cam_id }),
    )?;
    Ok(true)
}
