//! What waits in the outbox: how it ends, is held, or has to be read first.

use camsync_core::change::Hold;
use camsync_core::outbox::{Event, Kind, Status};
use rusqlite::{Connection, params};

use super::changes::{ChangeRow, change_row, transition};
use super::{Ledger, LedgerError, rows};

impl Ledger {
    /// Whether an earlier attempt at a change may have had its effect: one that was sent, and of which nobody knows.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_open(&self, change: i64) -> Result<bool, LedgerError> {
        self.read("read the attempts", |c| is_open(c, change))
    }

    /// What has to be read before a plan can be trusted: attempts that were cut short, and changes that may have made
    /// something camsync's own without the ledger knowing. Of a sub-user, in order.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unsettled(&self) -> Result<Vec<ChangeRow>, LedgerError> {
        self.read("read the outbox", |c| {
            let giving = GIVING.map(|kind| format!("'{}'", kind.as_str())).join(", ");
            c.prepare_cached(&format!(
                "SELECT c.* FROM changes c WHERE c.status = 'in_flight' OR (c.status IN ('pending', 'held', 'failed')
                 AND c.kind IN ({giving}) AND {OPEN})
                 ORDER BY c.status = 'in_flight' DESC, c.id"
            ))?
            .query_map([], change_row)?
            .collect()
        })
    }
}

/// Of a change `c`: an attempt at it has ended, and nobody knows whether it had its effect.
const OPEN: &str = "EXISTS (SELECT 1 FROM attempts a WHERE a.change = c.id
    AND json_extract(a.outcome, '$.error.class') = 'unknown')";

/// Kinds that make something camsync's own.
const GIVING: [Kind; 5] = [
    Kind::CreateGroup,
    Kind::CreatePolicy,
    Kind::AddToGroup,
    Kind::AttachPolicy,
    Kind::DisableKey,
];

fn is_open(t: &Connection, change: i64) -> rusqlite::Result<bool> {
    t.prepare_cached(&format!(
        "SELECT EXISTS (SELECT 1 FROM changes c WHERE c.id = ?1 AND {OPEN})"
    ))?
    .query_row([change], |row| row.get(0))
}

/// Supersedes all that waits for a sub-user.
pub(super) fn drop_waiting(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    drop_where(t, sub_user, "1 = 1")
}

/// What waits for a sub-user gives way to a person's emergency.
pub(super) fn give_way(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    drop_urgent(t, sub_user)?;
    let rows: Vec<ChangeRow> = t
        .prepare_cached(
            "SELECT * FROM changes WHERE sub_user = ?1 AND status IN ('pending', 'held', 'failed')",
        )?
        .query_map([sub_user], change_row)?
        .collect::<rusqlite::Result<_>>()?;
    rows.iter().try_for_each(|row| end_waiting(t, row))
}

/// Ends a change that nothing calls for any more. What may have had its effect, and could not be read since, waits until
/// it has been, before the next plan: otherwise what it gave would be nobody's to take back.
pub(super) fn end_waiting(t: &Connection, row: &ChangeRow) -> rusqlite::Result<()> {
    let unread = GIVING.contains(&row.kind)
        && row
            .last_error
            .as_ref()
            .is_some_and(|f| !f.shows_no_effect())
        && is_open(t, row.id)?;
    if unread {
        wait_for(t, row, &Hold::Crawl)
    } else {
        transition(t, row.id, Event::Supersede).map(drop)
    }
}

/// Lets what is pending wait for this, and what waits already for this from now on.
pub(super) fn wait_for(t: &Connection, row: &ChangeRow, hold: &Hold) -> rusqlite::Result<()> {
    if row.status == Status::Pending {
        transition(t, row.id, Event::Hold)?;
    }
    t.prepare_cached("UPDATE changes SET hold = ?2 WHERE id = ?1 AND status = 'held'")?
        .execute(params![row.id, rows::to_json(hold)?])
        .map(drop)
}

/// Supersedes a person's own changes that wait for a sub-user.
pub(super) fn drop_urgent(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    drop_where(t, sub_user, "urgent = 1")
}

fn drop_where(t: &Connection, sub_user: i64, condition: &str) -> rusqlite::Result<()> {
    let waiting: Vec<i64> = t
        .prepare_cached(&format!(
            "SELECT id FROM changes WHERE sub_user = ?1 AND status IN ('pending', 'held', 'failed') AND {condition}"
        ))?
        .query_map([sub_user], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for change in waiting {
        transition(t, change, Event::Supersede)?;
    }
    Ok(())
}
