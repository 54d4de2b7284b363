//! Quotas that CAM said are full, and until when that is believed.

use std::collections::HashMap;

use camsync_core::plan::quota::{Quota, Quotas};
use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Ledger, LedgerError, rows, time_text};

/// The word for the limit of new sub-users in a day; it is no number of things that are there.
pub const NEW_SUB_USERS: &str = "new_sub_users_per_day";

/// What the ledger remembers of a quota that CAM said is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullQuota {
    /// [`Quota::as_str`], or [`NEW_SUB_USERS`].
    pub quota: String,
    /// CAM's id of the group, or the Uin; 0 for the account.
    pub of: u64,
    /// How many there were then, or when CAM was next read; absent until that is known.
    pub used: Option<u64>,
    /// When CAM said so.
    pub since: DateTime<Utc>,
    /// Tried again by then at the latest.
    pub retry_at: DateTime<Utc>,
}

impl Ledger {
    /// Notes that CAM said that a quota is full.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_full_quota(&self, full: &FullQuota) -> Result<(), LedgerError> {
        self.write("note a full quota", |t| {
            t.prepare_cached(
                "INSERT OR REPLACE INTO full_quotas (quota, of, used, since, retry_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                full.quota,
                full.of,
                full.used,
                time_text(full.since),
                time_text(full.retry_at)
            ])
            .map(drop)
        })
    }

    /// Quotas that are full, by CAM's word: the account's own first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn full_quotas(&self) -> Result<Vec<FullQuota>, LedgerError> {
        self.read("read the full quotas", |c| {
            c.prepare_cached("SELECT * FROM full_quotas ORDER BY of <> 0, since DESC, quota, of")?
                .query_map([], |row| {
                    Ok(FullQuota {
                        quota: row.get("quota")?,
                        of: row.get("of")?,
                        used: row.get("used")?,
                        since: rows::time(row, "since")?,
                        retry_at: rows::time(row, "retry_at")?,
                    })
                })?
                .collect()
        })
    }

    /// Forgets them all: a person asks again.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn forget_full_quotas(&self) -> Result<(), LedgerError> {
        self.write("forget the full quotas", |t| {
            t.execute("DELETE FROM full_quotas", []).map(drop)
        })
    }

    /// What a plan has to know of quotas: those of the configuration, and what was learnt and still stands.
    /// `sub_users` is how many CAM shows.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn quotas(
        &self,
        known: &HashMap<Quota, u64>,
        sub_users: u64,
        now: DateTime<Utc>,
    ) -> Result<Quotas, LedgerError> {
        let mut quotas = Quotas {
            known: known.clone(),
            ..Quotas::default()
        };
        for full in self.full_quotas()? {
            let (quota, at) = match Quota::parse(&full.quota) {
                Some(Quota::SubUsers) => (Quota::SubUsers, full.used.unwrap_or(sub_users)),
                Some(quota) => (quota, full.used.unwrap_or(0)),
                // None may be made for now, however many there are.
                None => (Quota::SubUsers, sub_users),
            };
            if now < full.retry_at {
                let limit = quotas.full_at.entry((quota, full.of)).or_insert(at);
                *limit = at.min(*limit);
            }
        }
        Ok(quotas)
    }

    /// Brings what is known in line with what CAM shows: a quota with room again, or whose time has come, is forgotten;
    /// one that holds more than was thought is that large. `used` counts what there is, where that was read.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn settle_quotas(
        &self,
        used: &HashMap<(Quota, u64), u64>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let full = self.full_quotas()?;
        if full.is_empty() {
            return Ok(());
        }
        self.write("settle the full quotas", |t| {
            for full in full {
                let quota = Quota::parse(&full.quota);
                let seen = quota.and_then(|quota| used.get(&(quota, full.of)).copied());
                let room = seen.is_some_and(|seen| full.used.is_some_and(|used| seen < used));
                if room || now >= full.retry_at {
                    t.prepare_cached("DELETE FROM full_quotas WHERE quota = ?1 AND of = ?2")?
                        .execute(params![full.quota, full.of])?;
                } else if seen.is_some() {
                    t.prepare_cached(
                        "UPDATE full_quotas SET used = ?3 WHERE quota = ?1 AND of = ?2",
                    )?
                    .execute(params![full.quota, full.of, seen])?;
                }
            }
            Ok(())
        })
    }
}
