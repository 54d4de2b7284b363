//! What camsync gave and made: memberships, policies, keys switched off, groups and policies of its own.

use std::collections::{BTreeMap, HashMap};

use camsync_core::change::Reason;
use camsync_core::grants::{CalledForBy, DENY_ALL, Given, Made, Own};
use camsync_core::object::{Object, ObjectKind};
use camsync_core::sub_user::SubUser;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::changes::ChangeRow;
use super::effects::Effect;
use super::{Ledger, LedgerError, rows, time_text};

impl Ledger {
    /// Groups and policies that camsync made, or is about to make.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn made_objects(&self) -> Result<Vec<Made>, LedgerError> {
        self.read("read what was made", |c| {
            c.prepare_cached(
                "SELECT m.*, EXISTS (SELECT 1 FROM changes c WHERE c.sub_user IS NULL AND c.object_kind = m.kind
                 AND c.object_name = m.name AND c.status = 'in_flight') AS busy FROM made_objects m ORDER BY m.id",
            )?
            .query_map([], |row| {
                Ok(Made {
                    id: row.get("id")?,
                    kind: rows::word(row, "kind", ObjectKind::parse)?,
                    name: row.get("name")?,
                    cam_id: row.get("cam_id")?,
                    unconfirmed_since: rows::optional_time(row, "unconfirmed_since")?,
                    busy: row.get("busy")?,
                })
            })?
            .collect()
        })
    }

    /// CAM's id of what camsync made under this name, and its mark; absent when it was never to be made.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn made_object(
        &self,
        kind: ObjectKind,
        name: &str,
    ) -> Result<Option<(Option<u64>, String)>, LedgerError> {
        self.read("read what was made", |c| {
            c.prepare_cached("SELECT cam_id, mark FROM made_objects WHERE kind = ?1 AND name = ?2")?
                .query_row(params![kind.as_str(), name], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
    }

    /// Memberships that camsync gave and no read has shown yet: by group, the sub-users with their Uins.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unconfirmed_memberships(&self) -> Result<BTreeMap<u64, Vec<(i64, u64)>>, LedgerError> {
        self.read("read what is unconfirmed", |c| {
            let mut found: BTreeMap<u64, Vec<(i64, u64)>> = BTreeMap::new();
            let mut statement = c.prepare_cached(
                "SELECT g.cam_id, g.sub_user, s.uin FROM grants g JOIN sub_users s ON s.id = g.sub_user
                 WHERE g.kind = 'group' AND g.unconfirmed_since IS NOT NULL AND s.uin IS NOT NULL",
            )?;
            let mut read = statement.query([])?;
            while let Some(row) = read.next()? {
                let member = (row.get(1)?, row.get(2)?);
                found.entry(row.get(0)?).or_default().push(member);
            }
            Ok(found)
        })
    }

    /// Notes that a read has shown these memberships, each a sub-user and a group.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn confirm_memberships(&self, shown: &[(i64, u64)]) -> Result<(), LedgerError> {
        if shown.is_empty() {
            return Ok(());
        }
        self.write("write what is confirmed", |t| {
            let mut statement = t.prepare_cached(
                "UPDATE grants SET unconfirmed_since = NULL WHERE sub_user = ?1 AND kind = 'group' AND cam_id = ?2",
            )?;
            for (sub_user, group) in shown {
                statement.execute(params![sub_user, group])?;
            }
            Ok(())
        })
    }

    /// What sub-users had of their own when they were last read, by Uin, and when that was.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn own_grants(&self) -> Result<HashMap<u64, (Own, DateTime<Utc>)>, LedgerError> {
        self.read("read the sub-users' own grants", |c| {
            c.prepare_cached("SELECT uin, own, read_at FROM own_grants")?
                .query_map([], |row| {
                    let own = (rows::json(row, "own")?, rows::time(row, "read_at")?);
                    Ok((row.get("uin")?, own))
                })?
                .collect()
        })
    }

    /// Keeps what sub-users have of their own, as just read.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn keep_own_grants(
        &self,
        read: &[(u64, Own)],
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        if read.is_empty() {
            return Ok(());
        }
        self.write("keep the sub-users' own grants", |t| {
            let mut statement = t.prepare_cached(
                "INSERT OR REPLACE INTO own_grants (uin, own, read_at) VALUES (?1, ?2, ?3)",
            )?;
            for (uin, own) in read {
                statement.execute(params![uin, rows::to_json(own)?, time_text(at)])?;
            }
            Ok(())
        })
    }
}

/// The row of what is to be made, made when there is none.
pub(super) fn to_make(t: &Connection, object: &Object, mark: &str) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR IGNORE INTO made_objects (kind, name, mark) VALUES (?1, ?2, ?3)")?
        .execute(params![object.kind.as_str(), object.name, mark])
        .map(drop)
}

/// Reads what these sub-users were given.
pub(super) fn attach(c: &Connection, mut found: Vec<SubUser>) -> rusqlite::Result<Vec<SubUser>> {
    let mut given: HashMap<i64, Vec<Given>> = HashMap::new();
    let mut statement = c.prepare_cached("SELECT * FROM grants ORDER BY sub_user, kind, name")?;
    let mut read = statement.query([])?;
    while let Some(row) = read.next()? {
        given
            .entry(row.get("sub_user")?)
            .or_default()
            .push(given_row(row)?);
    }
    let mut off: HashMap<i64, Vec<String>> = HashMap::new();
    let mut statement =
        c.prepare_cached("SELECT sub_user, key FROM keys_off ORDER BY sub_user, key")?;
    let mut read = statement.query([])?;
    while let Some(row) = read.next()? {
        off.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    if given.is_empty() && off.is_empty() {
        return Ok(found);
    }
    for sub_user in &mut found {
        sub_user.given = given.remove(&sub_user.id).unwrap_or_default();
        sub_user.keys_off = off.remove(&sub_user.id).unwrap_or_default();
    }
    Ok(found)
}

/// Reads what one sub-user was given.
pub(super) fn attach_one(c: &Connection, mut sub_user: SubUser) -> rusqlite::Result<SubUser> {
    sub_user.given = c
        .prepare_cached("SELECT * FROM grants WHERE sub_user = ?1 ORDER BY kind, name")?
        .query_map([sub_user.id], given_row)?
        .collect::<rusqlite::Result<_>>()?;
    sub_user.keys_off = c
        .prepare_cached("SELECT key FROM keys_off WHERE sub_user = ?1 ORDER BY key")?
        .query_map([sub_user.id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(sub_user)
}

fn given_row(row: &Row<'_>) -> rusqlite::Result<Given> {
    Ok(Given {
        kind: rows::word(row, "kind", ObjectKind::parse)?,
        name: row.get("name")?,
        id: row.get("cam_id")?,
        rule: row.get("rule")?,
        like: row.get("template")?,
        unconfirmed_since: rows::optional_time(row, "unconfirmed_since")?,
    })
}

/// What a change about a group, a policy or a key has made of the ledger.
pub(super) fn apply_effect(
    t: &Connection,
    change: &ChangeRow,
    effect: Effect,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let Some(object) = &change.object else {
        return Ok(());
    };
    let at_text = time_text(at);
    let (kind, name) = (object.kind.as_str(), &object.name);
    match effect {
        Effect::Made { id } => {
            t.prepare_cached(
                "UPDATE made_objects SET cam_id = ?3, unconfirmed_since = ?4, made_at = ?4 WHERE kind = ?1 AND name = ?2",
            )?
            .execute(params![kind, name, id, at_text])?;
        }
        Effect::Unmade => {
            t.prepare_cached("DELETE FROM made_objects WHERE kind = ?1 AND name = ?2")?
                .execute(params![kind, name])?;
        }
        Effect::Granted { id, confirmed } => {
            let (rule, like) = match &change.reason {
                Reason::Granted { rule, like } => (Some(*rule), like.as_ref()),
                _ => (None, None),
            };
            let rule = rule.or((name != DENY_ALL).then_some(0));
            t.prepare_cached(
                "INSERT INTO grants (sub_user, kind, cam_id, name, rule, given_at, unconfirmed_since, template)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?8 THEN NULL ELSE ?6 END, ?7) ON CONFLICT (sub_user, kind, cam_id)
                 DO UPDATE SET name = excluded.name, unconfirmed_since = excluded.unconfirmed_since",
            )?
            .execute(params![change.sub_user, kind, id, name, rule, at_text, like, confirmed])?;
        }
        Effect::Taken { id } => {
            t.prepare_cached(
                "DELETE FROM grants WHERE sub_user = ?1 AND kind = ?2 AND cam_id = ?3",
            )?
            .execute(params![change.sub_user, kind, id])?;
        }
        Effect::KeyOff => {
            t.prepare_cached(
                "INSERT OR IGNORE INTO keys_off (sub_user, key, off_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![change.sub_user, name, at_text])?;
        }
        Effect::KeyOn | Effect::KeyDeleted => {
            t.prepare_cached("DELETE FROM keys_off WHERE sub_user = ?1 AND key = ?2")?
                .execute(params![change.sub_user, name])?;
        }
        _ => {}
    }
    if let Some(sub_user) = change.sub_user {
        forget_own(t, sub_user)?;
    }
    Ok(())
}

/// What was given to the account that a sub-user had before, and what was switched off there, went with that account: the
/// new one is given all that is called for, and nothing of it was taken by anybody's hand.
pub(super) fn forget_former_account(
    t: &Connection,
    sub_user: Option<i64>,
    uin: u64,
) -> rusqlite::Result<()> {
    for table in ["grants", "keys_off"] {
        t.prepare_cached(&format!(
            "DELETE FROM {table} WHERE sub_user = (SELECT id FROM sub_users WHERE id = ?1 AND uin IS NOT NULL AND uin <> ?2)"
        ))?
        .execute(params![sub_user, uin])?;
    }
    Ok(())
}

/// What was read of a sub-user before it was written to counts no more.
pub(super) fn forget_own(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    t.prepare_cached(
        "DELETE FROM own_grants WHERE uin = (SELECT uin FROM sub_users WHERE id = ?1)",
    )?
    .execute([sub_user])
    .map(drop)
}

/// Forgets a grant that is not there any more.
pub(super) fn forget(t: &Connection, sub_user: i64, object: &Object) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM grants WHERE sub_user = ?1 AND kind = ?2 AND cam_id = ?3")?
        .execute(params![sub_user, object.kind.as_str(), object.id])
        .map(drop)
}

/// Notes what a grant goes back to now.
pub(super) fn called_for(
    t: &Connection,
    sub_user: i64,
    object: &Object,
    by: &CalledForBy,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE grants SET rule = ?4, template = ?5 WHERE sub_user = ?1 AND kind = ?2 AND cam_id = ?3",
    )?
    .execute(params![
        sub_user,
        object.kind.as_str(),
        object.id,
        by.rule,
        by.like
    ])
    .map(drop)
}

/// Notes that a read has shown a grant.
pub(super) fn confirm(t: &Connection, sub_user: i64, object: &Object) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE grants SET unconfirmed_since = NULL WHERE sub_user = ?1 AND kind = ?2 AND cam_id = ?3",
    )?
    .execute(params![sub_user, object.kind.as_str(), object.id])
    .map(drop)
}

/// Notes that a read has shown what was made.
pub(super) fn confirm_made(t: &Connection, made: i64) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE made_objects SET unconfirmed_since = NULL WHERE id = ?1")?
        .execute([made])
        .map(drop)
}

/// Forgets what was made and is not there any more.
pub(super) fn forget_made(t: &Connection, made: i64) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM made_objects WHERE id = ?1")?
        .execute([made])
        .map(drop)
}

/// Notes that the keys which a person asked for are on, or gone.
pub(super) fn keys_settled(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE sub_users SET keys_requested = 0 WHERE id = ?1")?
        .execute([sub_user])?;
    t.prepare_cached("DELETE FROM keys_off WHERE sub_user = ?1")?
        .execute([sub_user])
        .map(drop)
}

/// Forgets everything that was given to a sub-user whose life in the ledger ends.
pub(super) fn forget_all(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM grants WHERE sub_user = ?1")?
        .execute([sub_user])?;
    t.prepare_cached("DELETE FROM keys_off WHERE sub_user = ?1")?
        .execute([sub_user])
        .map(drop)
}
