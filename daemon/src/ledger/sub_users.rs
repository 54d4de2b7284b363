//! Sub-users as the ledger has them.

use std::collections::HashMap;
use std::sync::Arc;

use camsync_core::evidence::Evidence;
use camsync_core::model::Member;
use camsync_core::sub_user::{Leaving, Origin, Stage, SubUser};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Ledger, LedgerError, grants, rows, time_text};

/// What [`sub_user_row`] reads, in its order: by place, for a name is looked up anew in every row.
macro_rules! columns {
    () => {
        "s.id, s.source, s.member, s.key, s.username, s.uin, s.origin, s.stage, s.mark, s.login, s.rule_login,
         s.unconfirmed_since, s.leaving_evidence, s.leaving_since, s.login_before, s.stopped_at, s.protected,
         s.resume_requested, s.admitted, s.keys_requested, s.replaced_by"
    };
}

macro_rules! busy_and_marked {
    () => {
        "EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'in_flight'),
         s.origin = 'created' OR EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'applied'
         AND json_extract(c.after, '$.remark') IS NOT NULL)"
    };
}

/// Members of snapshots in memory: by source, then by folded id.
pub type KnownFacts = HashMap<String, HashMap<String, Arc<Member>>>;

/// What was last written of a sub-user and no read has shown yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The sub-user.
    pub sub_user: i64,
    /// Its Uin.
    pub uin: u64,
    /// Console sign-in.
    pub login: bool,
    /// The remark, if one was ever written.
    pub remark: Option<String>,
}

/// What `resume_requested` is once a plan brings something back for it: CAM has shown the sub-user since. 1 before.
const SEEN_SINCE: u8 = 2;

/// Notes that a plan brings something back to a sub-user that CAM shows, where a person asked for it.
pub(super) fn seen_since_request(t: &Connection, id: i64) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE sub_users SET resume_requested = ?2 WHERE id = ?1 AND resume_requested = 1",
    )?
    .execute(params![id, SEEN_SINCE])
    .map(drop)
}

impl Ledger {
    /// What has been written and not been shown by a read.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unconfirmed(&self) -> Result<Vec<Written>, LedgerError> {
        self.read("read what is unconfirmed", |c| {
            c.prepare_cached(
                "SELECT s.id, s.uin, s.login, (SELECT json_extract(c.after, '$.remark') FROM changes c
                 WHERE c.sub_user = s.id AND c.status = 'applied' AND json_extract(c.after, '$.remark') IS NOT NULL
                 ORDER BY c.id DESC LIMIT 1)
                 FROM sub_users s WHERE s.stage = 'managed' AND s.unconfirmed_since IS NOT NULL AND s.uin IS NOT NULL",
            )?
            .query_map([], |row| {
                Ok(Written {
                    sub_user: row.get(0)?,
                    uin: row.get(1)?,
                    login: row.get(2)?,
                    remark: row.get(3)?,
                })
            })?
            .collect()
        })
    }

    /// Every sub-user that is wanted or managed.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn living_sub_users(&self) -> Result<Vec<SubUser>, LedgerError> {
        self.living_sub_users_among(&KnownFacts::new())
    }

    /// The same; who was last admitted with the very facts that the snapshot holds shares those in `known`, which is
    /// that snapshot, and takes neither time nor memory for a copy of his own.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn living_sub_users_among(&self, known: &KnownFacts) -> Result<Vec<SubUser>, LedgerError> {
        self.read("read the sub-users", |c| {
            c.prepare_cached(concat!(
                "SELECT ",
                columns!(),
                ", ",
                busy_and_marked!(),
                ", m.facts IS s.admitted AND m.present FROM sub_users s
                 LEFT JOIN members m ON m.source = s.source AND m.key = s.key
                 WHERE s.stage IN ('wanted', 'managed') ORDER BY s.id"
            ))?
            .query_map([], |row| {
                let same: Option<bool> = row.get(23)?;
                sub_user_row(row, |source, key| {
                    same.filter(|same| *same)
                        .and_then(|_| known.get(source)?.get(key))
                        .map(Arc::clone)
                })
            })?
            .collect::<rusqlite::Result<Vec<SubUser>>>()
            .and_then(|found| grants::attach(c, found))
        })
    }

    /// Uin and name of every managed sub-user.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn managed_names(&self) -> Result<Vec<(u64, String)>, LedgerError> {
        self.read("read the sub-users", |c| {
            c.prepare_cached(
                "SELECT uin, username FROM sub_users WHERE stage = 'managed' AND uin IS NOT NULL ORDER BY id",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })
    }

    /// One sub-user, whatever its stage.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sub_user(&self, id: i64) -> Result<Option<SubUser>, LedgerError> {
        self.read("read a sub-user", |c| {
            c.prepare_cached(concat!(
                "SELECT ",
                columns!(),
                ", 0, 1 FROM sub_users s WHERE id = ?1"
            ))?
            .query_row([id], |row| sub_user_row(row, |_, _| None))
            .optional()?
            .map(|found| grants::attach_one(c, found))
            .transpose()
        })
    }

    /// The latest sub-user of every member who has or had one, whatever its stage but abandoned.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn latest_sub_users(&self) -> Result<Vec<SubUser>, LedgerError> {
        self.read("read the sub-users", |c| {
            c.prepare_cached(
                concat!("SELECT ", columns!(), ", 0, 1 FROM sub_users s WHERE s.stage <> 'abandoned' AND s.id =
                 (SELECT max(id) FROM sub_users o WHERE o.source = s.source AND o.key = s.key AND o.stage <> 'abandoned')"),
            )?
            .query_map([], |row| sub_user_row(row, |_, _| None))?
            .collect::<rusqlite::Result<Vec<SubUser>>>()
            .and_then(|found| grants::attach(c, found))
        })
    }

    /// The latest sub-user of one member, by folded id, whatever its stage but abandoned.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn latest_sub_user_of(
        &self,
        source: &str,
        key: &str,
    ) -> Result<Option<SubUser>, LedgerError> {
        self.read("read a sub-user", |c| {
            c.prepare_cached(concat!(
                "SELECT ",
                columns!(),
                ", ",
                busy_and_marked!(),
                " FROM sub_users s WHERE s.source = ?1 AND s.key = ?2 AND s.stage <> 'abandoned'
                 ORDER BY s.id DESC LIMIT 1"
            ))?
            .query_row([source, key], |row| sub_user_row(row, |_, _| None))
            .optional()
        })
    }

    /// How many sub-users are managed, and how many of these are suspended.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn managed_counts(&self) -> Result<(u32, u32), LedgerError> {
        self.read("count the sub-users", |c| {
            c.prepare_cached(
                "SELECT count(*), count(*) FILTER (WHERE leaving_since IS NOT NULL OR stopped_at IS NOT NULL)
                 FROM sub_users WHERE stage = 'managed'",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }

    /// Marks a sub-user as suspended by a person.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn stop_sub_user(&self, id: i64, at: DateTime<Utc>, by: &str) -> Result<(), LedgerError> {
        self.write("write a sub-user", |t| {
            t.execute(
                "UPDATE sub_users SET stopped_at = ?2, stopped_by = ?3, resume_requested = 0, keys_requested = 0 WHERE id = ?1",
                params![id, time_text(at), by],
            )?;
            // The next plan reads its keys anew: one may have been made since they were last read.
            grants::forget_own(t, id)
        })
    }

    /// Takes a person's suspension back, with what of it is still to be done, and asks that reduced access come back;
    /// with `keys`, the API keys that camsync switched off too.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn request_resume(&self, id: i64, keys: bool) -> Result<(), LedgerError> {
        self.write("write a sub-user", |t| {
            super::waiting::drop_urgent(t, id)?;
            t.execute(
                "UPDATE sub_users SET stopped_at = NULL, stopped_by = NULL, resume_requested = 1, replaced_by = NULL,
                 keys_requested = keys_requested OR ?2 WHERE id = ?1",
                params![id, keys],
            )?;
            super::unlinking::take_back(t, id)
        })
    }

    /// Forgets that keys were asked for: the pass that was to give them back came to nothing.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn forget_keys_request(&self, id: i64) -> Result<(), LedgerError> {
        self.write("write a sub-user", |t| {
            t.execute(
                "UPDATE sub_users SET keys_requested = 0 WHERE id = ?1",
                [id],
            )
            .map(drop)
        })
    }

    /// Forgets a resume that nothing came of, so that it never undoes what a person does later: of this sub-user, or of
    /// all, when a process begins whose forerunner was killed in the midst of one. Writes only where there is one.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn end_idle_resumes(&self, id: Option<i64>) -> Result<(), LedgerError> {
        const IDLE: &str = "resume_requested <> 0 AND (?1 IS NULL OR id = ?1) AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = sub_users.id
             AND c.kind IN ('create_user', 'resume_user', 'add_to_group', 'attach_policy') AND c.status IN ('pending', 'in_flight', 'held', 'failed'))";
        let any: bool = self.read("read the sub-users", |c| {
            let any = format!("SELECT EXISTS (SELECT 1 FROM sub_users WHERE {IDLE})");
            c.query_row(&any, [id], |row| row.get(0))
        })?;
        if !any {
            return Ok(());
        }
        self.write("write a sub-user", |t| {
            let end = format!("UPDATE sub_users SET resume_requested = 0 WHERE {IDLE}");
            t.execute(&end, [id]).map(drop)
        })
    }

    /// The marks of creations that were tried and never settled.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unsettled_marks(&self) -> Result<std::collections::HashSet<String>, LedgerError> {
        self.read("read the marks", |c| {
            c.prepare_cached(
                "SELECT mark FROM sub_users s WHERE uin IS NULL AND stage IN ('wanted', 'abandoned') AND EXISTS
                 (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.kind = 'create_user' AND c.attempts > 0)",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })
    }

    /// Takes in accounts that a creation of this ledger made although its answer was lost: each is named by the mark
    /// that only that creation wrote. A creation that was given up meanwhile is taken in all the same, so that what it
    /// made is not left behind unmanaged. Says which were taken in.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn claim_by_mark(
        &self,
        found: &[(&str, u64, bool)],
        at: DateTime<Utc>,
    ) -> Result<Vec<i64>, LedgerError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.write("take in lost creations", |t| {
            let mut claimed = Vec::new();
            for (mark, uin, login) in found {
                if let Some(id) = claim(t, mark, *uin, *login, at)? {
                    claimed.push(id);
                }
            }
            Ok(claimed)
        })
    }

    /// Notes that a read has shown what was last written of these.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn confirm(&self, ids: &[i64]) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write("write the sub-users", |t| {
            let mut statement =
                t.prepare_cached("UPDATE sub_users SET unconfirmed_since = NULL WHERE id = ?1")?;
            for id in ids {
                statement.execute([id])?;
            }
            Ok(())
        })
    }

    /// Exempts a sub-user from removals, or ends that.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn set_protected(&self, id: i64, protected: bool) -> Result<(), LedgerError> {
        self.write("write a sub-user", |t| {
            t.execute(
                "UPDATE sub_users SET protected = ?2 WHERE id = ?1",
                params![id, protected],
            )
            .map(drop)
        })
    }

    /// Makes a sub-user unmanaged, unless a change of it is in flight: that would be sent, or sent again, to what is
    /// nobody's by then. Says whether it did.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn release_sub_user(&self, id: i64, at: DateTime<Utc>) -> Result<bool, LedgerError> {
        self.write("write a sub-user", |t| {
            let busy: bool = t
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM changes WHERE sub_user = ?1 AND status = 'in_flight')",
                )?
                .query_row([id], |row| row.get(0))?;
            if !busy {
                end_stage(t, id, Stage::Released, at)?;
                super::waiting::drop_waiting(t, id)?;
            }
            Ok(!busy)
        })
    }
}

/// A new row; its id.
pub(super) fn insert(
    t: &Connection,
    sub_user: &SubUser,
    at: DateTime<Utc>,
) -> rusqlite::Result<i64> {
    t.prepare_cached(
        "INSERT INTO sub_users (source, member, key, username, uin, origin, stage, mark, login, rule_login, admitted, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        sub_user.source,
        sub_user.member,
        sub_user.key,
        sub_user.username,
        sub_user.uin,
        match sub_user.origin {
            Origin::Created => "created",
            Origin::Adopted => "adopted",
        },
        sub_user.stage.as_str(),
        sub_user.mark,
        sub_user.login,
        sub_user.rule_login,
        sub_user
            .admitted
            .as_deref()
            .map(rows::to_json)
            .transpose()?,
        time_text(at)
    ])?;
    Ok(t.last_insert_rowid())
}

fn claim(
    t: &Connection,
    mark: &str,
    uin: u64,
    login: bool,
    at: DateTime<Utc>,
) -> rusqlite::Result<Option<i64>> {
    // Only where an attempt was made: a mark that somebody copied gives nobody anything.
    let lost: Option<(i64, String, String)> = t
        .prepare_cached(
            "SELECT id, source, key FROM sub_users s WHERE mark = ?1 AND uin IS NULL AND stage IN ('wanted', 'abandoned')
             AND EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.kind = 'create_user' AND c.attempts > 0)
             AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'in_flight')",
        )?
        .query_row([mark], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, source, key)) = lost else {
        return Ok(None);
    };
    let rival: Option<i64> = t
        .prepare_cached(
            "SELECT id FROM sub_users WHERE source = ?1 AND key = ?2 AND id <> ?3 AND stage IN ('wanted', 'managed')",
        )?
        .query_row(params![source, key, id], |row| row.get(0))
        .optional()?;
    if let Some(rival) = rival {
        let managed: bool = t
            .prepare_cached("SELECT stage = 'managed' FROM sub_users WHERE id = ?1")?
            .query_row([rival], |row| row.get(0))?;
        if managed {
            return Ok(None);
        }
        super::waiting::drop_waiting(t, rival)?;
        end_stage(t, rival, Stage::Abandoned, at)?;
    }
    super::changes::settle_creation(t, id, at)?;
    t.prepare_cached(
        "UPDATE sub_users SET uin = ?2, stage = 'managed', origin = 'created', login = ?3, ended_at = NULL WHERE id = ?1",
    )?
    .execute(params![id, uin, login])?;
    super::audit::append(
        t,
        at,
        "camsync",
        "sub_user.found_by_mark",
        &key,
        &serde_json::json!({ "source": source, "uin": uin }),
    )?;
    Ok(Some(id))
}

/// Ends a sub-user's life in the ledger.
pub(super) fn end_stage(
    t: &Connection,
    id: i64,
    stage: Stage,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE sub_users SET stage = ?2, ended_at = ?3 WHERE id = ?1")?
        .execute(params![id, stage.as_str(), time_text(at)])?;
    grants::forget_own(t, id)?;
    if stage == Stage::Released {
        // It may be managed again, and then what it was given is camsync's to take as before.
        return Ok(());
    }
    grants::forget_all(t, id)
}

fn sub_user_row(
    row: &Row<'_>,
    known: impl FnOnce(&str, &str) -> Option<Arc<Member>>,
) -> rusqlite::Result<SubUser> {
    let source: String = row.get(1)?;
    let key: String = row.get(3)?;
    let evidence: Option<String> = row.get(12)?;
    let since = rows::optional_time(row, 13)?;
    let was_off = row.get::<_, Option<bool>>(14)?.is_some();
    let admitted = match row.get_ref(18)?.as_str_or_null()? {
        None => None,
        Some(facts) => Some(match known(&source, &key) {
            Some(same) => same,
            None => Arc::new(rows::parse(facts)?),
        }),
    };
    Ok(SubUser {
        id: row.get(0)?,
        source,
        member: row.get(2)?,
        key,
        username: row.get(4)?,
        uin: row.get(5)?,
        origin: if row.get_ref(6)?.as_str()? == "adopted" {
            Origin::Adopted
        } else {
            Origin::Created
        },
        stage: Stage::parse(row.get_ref(7)?.as_str()?).ok_or_else(|| rows::unknown("stage"))?,
        mark: row.get(8)?,
        login: row.get(9)?,
        rule_login: row.get(10)?,
        unconfirmed_since: rows::optional_time(row, 11)?,
        leaving: evidence
            .as_deref()
            .and_then(Evidence::parse)
            .zip(since)
            .map(|(evidence, since)| Leaving {
                evidence,
                since,
                was_off,
            }),
        stopped_at: rows::optional_time(row, 15)?,
        protected: row.get(16)?,
        resume_requested: row.get(17)?,
        seen_since_request: row.get::<_, u8>(17)? == SEEN_SINCE,
        admitted,
        keys_requested: row.get(19)?,
        given: Vec::new(),
        keys_off: Vec::new(),
        replaced_by: row.get(20)?,
        busy: row.get(21)?,
        marked: row.get(22)?,
    })
}
