//! A person's emergencies: changes past guard, freeze and order.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::changes::{NewChange, insert};
use super::waiting::give_way;
use super::{Ledger, LedgerError};

impl Ledger {
    /// Records a person's emergency: past guard and order, before anything is sent. The changes are of one sub-user, and
    /// whatever else waits for it gives way. Their ids, in order.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn insert_urgent(
        &self,
        new: &[NewChange<'_>],
        at: DateTime<Utc>,
        actor: &str,
        action: &str,
    ) -> Result<Vec<i64>, LedgerError> {
        self.write("record a change", |t| {
            if let Some(sub_user) = new.first().and_then(|first| first.sub_user) {
                give_way(t, sub_user)?;
            }
            write_urgent(t, new, at, actor, action)
        })
    }

    /// Records what belongs to the same emergency and was found out later: what already waits for it stays.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn add_urgent(
        &self,
        new: &[NewChange<'_>],
        at: DateTime<Utc>,
        actor: &str,
        action: &str,
    ) -> Result<Vec<i64>, LedgerError> {
        self.write("record a change", |t| {
            write_urgent(t, new, at, actor, action)
        })
    }
}

fn write_urgent(
    t: &Connection,
    new: &[NewChange<'_>],
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
) -> rusqlite::Result<Vec<i64>> {
    let Some(first) = new.first() else {
        return Ok(Vec::new());
    };
    let ids = new
        .iter()
        .map(|change| insert(t, change, at))
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    super::audit::append(
        t,
        at,
        actor,
        action,
        first.username,
        &serde_json::json!({
            "change": ids.first(), "changes": ids, "source": first.source, "member": first.member,
        }),
    )?;
    Ok(ids)
}
