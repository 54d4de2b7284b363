//! What a person says about many sub-users at once, or about whose one is: unlinking a source, and giving a sub-user
//! to another id of its member. What was shown is written as an approval of exactly that, in one transaction with the
//! decision: whatever happens then, the next plan goes on with it.

use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use camsync_core::plan::Then;
use camsync_core::sub_user::Stage;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::{Ledger, LedgerError, audit, changes, rows, sub_users, time_text, waiting};

/// What was shown and confirmed lasts until it is taken back: the deletion that it is about comes after the grace.
const LASTS: &str = "9999-12-31T00:00:00.000Z";
/// A sub-user made longer ago is not taken for one that an id change has made.
const FRESH: &str = "-1 day";

/// A person's word on a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinking {
    /// What becomes of its sub-users.
    pub then: Then,
    /// When it was said.
    pub at: DateTime<Utc>,
    /// Who said it.
    pub by: String,
}

/// One removal that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRemoval {
    /// The sub-user.
    pub sub_user: i64,
    /// What is done to it.
    pub kind: Kind,
    /// Why.
    pub reason: camsync_core::change::Reason,
}

/// Who says it, and whether that is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// Who.
    pub by: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether a second person must approve what follows for others.
    pub needs_second: bool,
}

/// Why a sub-user is not given to another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMoved {
    /// The old id has no managed sub-user.
    NotManaged,
    /// The new id is in no snapshot.
    Unknown,
    /// The old id is still there.
    StillThere,
    /// A change of one of them is in flight.
    Busy,
    /// The new id has had a sub-user of its own for long, or an adopted one: only a person may say that it goes.
    HasItsOwn,
}

/// A sub-user that belongs to another id now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTo {
    /// Its name in CAM.
    pub username: String,
    /// The name of the fresh one that goes, if there is one.
    pub replaced: Option<String>,
}

impl Ledger {
    /// Unlinks a source, approving exactly these removals. Where a second person must approve, says which plan waits
    /// for that.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing has happened.
    pub fn unlink(
        &self,
        source: &str,
        then: Then,
        shown: &[ShownRemoval],
        word: Word<'_>,
    ) -> Result<Option<i64>, LedgerError> {
        let Word { by, at, .. } = word;
        self.write("unlink a source", |t| {
            forget(t, source)?;
            t.execute(
                "UPDATE sources SET unlinked = ?2, unlinked_at = ?3, unlinked_by = ?4 WHERE name = ?1",
                params![source, then.as_str(), time_text(at), by],
            )?;
            let released = match then {
                Then::Keep => release(t, source, at)?,
                _ => 0,
            };
            let plan = approve(t, source, shown, word)?;
            t.execute(
                "UPDATE sources SET unlinked_plan = ?2 WHERE name = ?1",
                params![source, plan],
            )?;
            audit::append(
                t,
                at,
                by,
                "source.unlink",
                source,
                &json!({ "then": then, "released": released, "removals": shown.len(), "plan": plan }),
            )?;
            Ok(plan.filter(|_| word.needs_second))
        })
    }

    /// Links a source again: what was asked for when it was unlinked is asked no more, and whom that released is
    /// managed again. Says whether it was unlinked.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn link(&self, source: &str, at: DateTime<Utc>, by: &str) -> Result<bool, LedgerError> {
        self.write("link a source", |t| {
            let since: Option<String> = t
                .prepare_cached("SELECT unlinked_at FROM sources WHERE name = ?1")?
                .query_row([source], |row| row.get(0))
                .optional()?
                .flatten();
            let Some(since) = since else {
                return Ok(false);
            };
            let restored = t.execute(
                "UPDATE sub_users AS s SET stage = 'managed', ended_at = NULL WHERE source = ?1 AND stage = 'released'
                 AND ended_at = ?2 AND NOT EXISTS (SELECT 1 FROM sub_users o WHERE o.stage IN ('wanted', 'managed')
                 AND ((o.source = s.source AND o.key = s.key) OR o.uin = s.uin))",
                params![source, since],
            )?;
            forget(t, source)?;
            t.execute(
                "UPDATE sources SET unlinked = NULL, unlinked_at = NULL, unlinked_by = NULL, unlinked_plan = NULL WHERE name = ?1",
                [source],
            )?;
            audit::append(t, at, by, "source.link", source, &json!({ "managed_again": restored }))?;
            Ok(true)
        })
    }

    /// Gives the sub-user of one id to another id of the same member. One that was made for the other id goes as if a
    /// person had said so. By the provider's word alone (`by_provider`) only one that is fresh does.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing has happened.
    pub fn move_sub_user(
        &self,
        source: &str,
        (old, new): (&str, &str),
        word: Word<'_>,
        by_provider: bool,
    ) -> Result<Result<MovedTo, NotMoved>, LedgerError> {
        let Word { by, at, .. } = word;
        self.write("give a sub-user to another id", |t| {
            let living = |key: &str| -> rusqlite::Result<Option<Living>> {
                t.prepare_cached(
                    "SELECT id, username, member, stage = 'managed', origin = 'created' AND created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', ?3, ?4),
                     EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'in_flight')
                     FROM sub_users s WHERE source = ?1 AND key = ?2 AND stage IN ('wanted', 'managed')",
                )?
                .query_row(params![source, key, time_text(at), FRESH], |row| {
                    Ok(Living {
                        id: row.get(0)?,
                        username: row.get(1)?,
                        member: row.get(2)?,
                        managed: row.get(3)?,
                        fresh: row.get(4)?,
                        busy: row.get(5)?,
                    })
                })
                .optional()
            };
            let Some(ours) = living(old)?.filter(|s| s.managed) else {
                return Ok(Err(NotMoved::NotManaged));
            };
            let there = |key: &str| -> rusqlite::Result<Option<(String, String, bool)>> {
                t.prepare_cached(
                    "SELECT id, facts, json_extract(facts, '$.status') IN ('active', 'invited') FROM members
                     WHERE source = ?1 AND key = ?2 AND present = 1",
                )?
                .query_row([source, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
            };
            if there(old)?.is_some_and(|(_, _, active)| active) {
                return Ok(Err(NotMoved::StillThere));
            }
            let Some((new_id, facts, _)) = there(new)? else {
                return Ok(Err(NotMoved::Unknown));
            };
            let theirs = living(new)?;
            if ours.busy || theirs.as_ref().is_some_and(|s| s.busy) {
                return Ok(Err(NotMoved::Busy));
            }
            if by_provider && theirs.as_ref().is_some_and(|s| !s.fresh) {
                return Ok(Err(NotMoved::HasItsOwn));
            }
            waiting::drop_waiting(t, ours.id)?;
            // Out of the way of the index for a moment: a member has one living sub-user.
            t.execute("UPDATE sub_users SET key = key || char(10) || id WHERE id = ?1", [ours.id])?;
            if let Some(theirs) = &theirs {
                waiting::drop_waiting(t, theirs.id)?;
                t.execute(
                    "UPDATE sub_users SET member = ?2, key = ?3, replaced_by = ?4 WHERE id = ?1",
                    params![theirs.id, ours.member, old, by],
                )?;
                if !theirs.managed {
                    sub_users::end_stage(t, theirs.id, Stage::Abandoned, at)?;
                }
                let reason = camsync_core::change::Reason::Leaver {
                    evidence: Evidence::Asked,
                    grounds: camsync_core::grounds::Grounds::Replaced { by: by.to_owned() },
                };
                let shown = [Kind::SuspendUser, Kind::DeleteUser].map(|kind| ShownRemoval {
                    sub_user: theirs.id,
                    kind,
                    reason: reason.clone(),
                });
                approve(t, source, &shown, word)?;
            }
            t.execute(
                "UPDATE sub_users SET member = ?2, key = ?3, admitted = ?4 WHERE id = ?1",
                params![ours.id, new_id, new, facts],
            )?;
            let replaced = theirs.map(|s| s.username);
            audit::append(
                t,
                at,
                by,
                "member.link",
                &ours.username,
                &json!({ "source": source, "from": ours.member, "to": new_id, "replaced": replaced }),
            )?;
            Ok(Ok(MovedTo {
                username: ours.username,
                replaced,
            }))
        })
    }

    /// Whether a look-up has said that the one id is gone while the other is in the snapshot.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_gone_and_there(
        &self,
        source: &str,
        (old, new): (&str, &str),
    ) -> Result<bool, LedgerError> {
        self.read("read the members", |c| {
            c.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM members WHERE source = ?1 AND key = ?2 AND present = 0
                 AND json_extract(witness, '$.answer') = 'gone')
                 AND EXISTS (SELECT 1 FROM members WHERE source = ?1 AND key = ?3 AND present = 1)",
            )?
            .query_row([source, old, new], |row| row.get(0))
        })
    }
}

/// A sub-user that is wanted or managed.
struct Living {
    id: i64,
    username: String,
    member: String,
    managed: bool,
    fresh: bool,
    busy: bool,
}

/// Makes everybody of a source unmanaged; who has a change in flight is left to the next plan.
fn release(t: &Connection, source: &str, at: DateTime<Utc>) -> rusqlite::Result<usize> {
    let found: Vec<i64> = t
        .prepare_cached(
            "SELECT id FROM sub_users s WHERE source = ?1 AND stage = 'managed' AND NOT EXISTS
             (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'in_flight')",
        )?
        .query_map([source], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &found {
        waiting::drop_waiting(t, *id)?;
        sub_users::end_stage(t, *id, Stage::Released, at)?;
    }
    Ok(found.len())
}

/// Writes what was shown as a plan that is approved, or that a second person must approve; its id. Nothing when nothing
/// was shown.
fn approve(
    t: &Connection,
    source: &str,
    shown: &[ShownRemoval],
    word: Word<'_>,
) -> rusqlite::Result<Option<i64>> {
    if shown.is_empty() {
        return Ok(None);
    }
    let (now, by, evidence) = (time_text(word.at), word.by, Evidence::Asked.as_str());
    let decided = match word.needs_second {
        true => "'held', ?3, NULL, NULL, ?3, ?4",
        false => "'approved', ?3, ?3, ?4, NULL, NULL",
    };
    t.execute(
        &format!(
            "INSERT INTO plans (source, evidence, \"limit\", status, created_at, decided_at, decided_by, first_approval_at, first_approval_by)
             VALUES (?1, ?2, 0, {decided})"
        ),
        params![source, evidence, now, by],
    )?;
    let plan = t.last_insert_rowid();
    for removal in shown {
        let subject = format!("sub-user:{}", removal.sub_user);
        let kind = removal.kind.as_str();
        t.prepare_cached(
            "INSERT INTO plan_removals (plan, subject, kind, member, username, reason)
             SELECT ?1, ?2, ?3, member, username, ?4 FROM sub_users WHERE id = ?5",
        )?
        .execute(params![
            plan,
            subject,
            kind,
            rows::to_json(&removal.reason)?,
            removal.sub_user
        ])?;
        if word.needs_second {
            continue;
        }
        t.prepare_cached(
            "INSERT OR REPLACE INTO approvals (subject, kind, evidence, source, plan, approved_by, approved_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![subject, kind, evidence, source, plan, by, now, LASTS])?;
    }
    Ok(Some(plan))
}

/// Takes back what was approved when a source was unlinked, and what of it is still to be done.
fn forget(t: &Connection, source: &str) -> rusqlite::Result<()> {
    let plan: Option<i64> = t
        .prepare_cached("SELECT unlinked_plan FROM sources WHERE name = ?1")?
        .query_row([source], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(plan) = plan else { return Ok(()) };
    t.execute("DELETE FROM approvals WHERE plan = ?1", [plan])?;
    t.execute(
        "UPDATE plans SET status = 'superseded' WHERE id = ?1 AND status IN ('held', 'approved')",
        [plan],
    )?;
    let waiting: Vec<i64> = t
        .prepare_cached(
            "SELECT id FROM changes WHERE source = ?1 AND evidence = 'asked' AND status IN ('pending', 'held', 'failed')
             AND sub_user IN (SELECT id FROM sub_users WHERE replaced_by IS NULL)",
        )?
        .query_map([source], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for change in waiting {
        changes::transition(t, change, camsync_core::outbox::Event::Supersede)?;
    }
    Ok(())
}

/// What was approved of one sub-user, by a person who shows by another decision that it is not to go, counts no more.
pub(super) fn take_back(t: &Connection, sub_user: i64) -> rusqlite::Result<()> {
    let (subject, evidence) = (format!("sub-user:{sub_user}"), Evidence::Asked.as_str());
    t.prepare_cached("DELETE FROM approvals WHERE subject = ?1 AND evidence = ?2")?
        .execute([subject.as_str(), evidence])
        .map(drop)
}

/// Whether an approval of what a person asked for is still about somebody: what comes after the grace is called for by
/// no plan before.
pub(super) fn is_about_nobody(t: &Connection, subject: &str) -> rusqlite::Result<bool> {
    t.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM sub_users WHERE 'sub-user:' || id = ?1 AND stage IN ('wanted', 'managed'))",
    )?
    .query_row([subject], |row| row.get(0))
}
