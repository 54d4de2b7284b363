//! Password resets: recorded together with their first attempt, for nobody but whoever asks may send them.

use camsync_core::change::Reason;
use camsync_core::outbox::Kind;
use camsync_core::sub_user::{Origin, SubUser};
use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::attempts;
use super::changes::{self, NewChange};
use super::{Ledger, LedgerError, audit};

/// A reset whose first attempt is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedReset {
    /// The change.
    pub change: i64,
    /// The attempt's number.
    pub number: u32,
}

/// Why a sub-user gets no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetRefused {
    /// camsync does not manage it.
    NotManaged,
    /// It existed before camsync, and whoever asks may only have one that camsync made.
    Adopted,
    /// It is suspended, or about to be.
    Suspended,
    /// Its console sign-in is off.
    SignInOff,
    /// The account uses user SSO: there are no passwords.
    Sso,
    /// Another change of it is under way.
    Busy,
    /// No write is allowed at all, or none for its source.
    Frozen,
    /// Changes are only recorded: there is no cloud.
    NoCloud,
}

/// Why not, by what the ledger has of a sub-user.
#[must_use]
pub fn refused(sub_user: &SubUser, only_created: bool) -> Option<ResetRefused> {
    if sub_user.stage != camsync_core::sub_user::Stage::Managed || sub_user.uin.is_none() {
        Some(ResetRefused::NotManaged)
    } else if only_created && sub_user.origin != Origin::Created {
        Some(ResetRefused::Adopted)
    } else if sub_user.suspended() {
        Some(ResetRefused::Suspended)
    } else if !sub_user.login {
        Some(ResetRefused::SignInOff)
    } else {
        None
    }
}

impl Ledger {
    /// Records a reset with its first attempt, in one step: no worker finds it waiting and sends another password. Nothing
    /// may be sent before this returns.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn start_reset(
        &self,
        sub_user: &SubUser,
        at: DateTime<Utc>,
        actor: &str,
    ) -> Result<Result<StartedReset, ResetRefused>, LedgerError> {
        self.write("record a password reset", |t| {
            let (gone, stopped, busy): (bool, bool, bool) = t
                .prepare_cached(
                    "SELECT s.stage <> 'managed',
                     s.leaving_since IS NOT NULL OR s.stopped_at IS NOT NULL OR EXISTS (SELECT 1 FROM changes c
                     WHERE c.sub_user = s.id AND c.status = 'pending' AND c.kind IN ('suspend_user', 'delete_user')),
                     EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = s.id AND c.status = 'in_flight')
                     FROM sub_users s WHERE s.id = ?1",
                )?
                .query_row(params![sub_user.id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            match (gone, stopped, busy) {
                (true, ..) => return Ok(Err(ResetRefused::NotManaged)),
                (_, true, _) => return Ok(Err(ResetRefused::Suspended)),
                (.., true) => return Ok(Err(ResetRefused::Busy)),
                _ => {}
            }
            let change = changes::insert(
                t,
                &NewChange {
                    sub_user: Some(sub_user.id),
                    source: &sub_user.source,
                    member: &sub_user.member,
                    username: &sub_user.username,
                    kind: Kind::ResetPassword,
                    object: None,
                    reason: &Reason::Person {
                        actor: actor.to_owned(),
                    },
                    before: None,
                    after: None,
                    evidence: None,
                    removal: None,
                    counted: false,
                    urgent: false,
                    rule_login: None,
                    plan: None,
                    hold: None,
                },
                at,
            )?;
            audit::append(
                t,
                at,
                actor,
                "member.reset_password",
                &sub_user.username,
                &serde_json::json!({
                    "change": change, "source": sub_user.source, "member": sub_user.member,
                }),
            )?;
            let number = attempts::begin(t, change, at)?;
            Ok(Ok(StartedReset { change, number }))
        })
    }
}
