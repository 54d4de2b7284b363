//! What a change that was applied has made of the ledger.

use camsync_core::change::{Reason, UserState};
use camsync_core::sub_user::Stage;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::changes::ChangeRow;
use super::waiting::drop_waiting;
use super::{grants, sub_users, time_text};

/// What a change that was applied has made of its sub-user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It exists, with this Uin.
    Created {
        /// CAM's id.
        uin: u64,
    },
    /// Its remark or sign-in was updated.
    Updated,
    /// Its remark was, while sign-in was not as camsync had made it: that must not pass for a write of camsync's that no
    /// read shows yet, for somebody may have switched it off.
    Remarked,
    /// Its sign-in is off; whether a read has shown it.
    Suspended {
        /// A read has shown it.
        confirmed: bool,
        /// Somebody had switched it off before, by the read right before the write; absent when an earlier attempt may
        /// have done so. A change may have waited for long since it was planned.
        was_off: Option<bool>,
    },
    /// Its sign-in is as the rule says again.
    Resumed,
    /// It is gone.
    Deleted,
    /// The group or policy was made, with this id.
    Made {
        /// CAM's id.
        id: u64,
    },
    /// The group or policy is gone.
    Unmade,
    /// It is in the group, or has the policy.
    Granted {
        /// CAM's id of the group or policy.
        id: u64,
        /// A read has shown it.
        confirmed: bool,
    },
    /// It is no longer in the group, or no longer has the policy.
    Taken {
        /// CAM's id of the group or policy.
        id: u64,
    },
    /// The key works no more.
    KeyOff,
    /// The key works again.
    KeyOn,
    /// The key is gone.
    KeyDeleted,
    /// It has another password, which is recorded nowhere.
    PasswordSet,
    /// It was so already, by somebody else's hand: nothing becomes camsync's.
    Already,
}

/// Who a change goes back to: a person, a rule, or nobody but camsync.
fn author(reason: &Reason) -> String {
    match reason {
        Reason::Admitted { rule }
        | Reason::Adopted { rule, .. }
        | Reason::RuleFollowed { rule }
        | Reason::Returned { rule }
        | Reason::Granted { rule, .. }
        | Reason::NotGranted { rule }
        | Reason::Exclusive { rule } => format!("rule:{rule}"),
        Reason::Person { actor } => actor.clone(),
        Reason::Drift { .. }
        | Reason::Unconfirmed
        | Reason::Leaver { .. }
        | Reason::Expired { .. }
        | Reason::Unused
        | Reason::Denial
        | Reason::KeysRequested => "camsync".to_owned(),
    }
}

/// Writes it, with its line in the audit.
pub(super) fn apply_effect(
    t: &Connection,
    change: &ChangeRow,
    effect: Effect,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let at_text = time_text(at);
    let login = change.after.as_ref().and_then(|a| a.console_login);
    match effect {
        Effect::Created { uin } => {
            grants::forget_former_account(t, change.sub_user, uin)?;
            t.prepare_cached(
                "UPDATE sub_users SET uin = ?2, stage = 'managed', origin = 'created', login = ?3, rule_login = coalesce(?4, rule_login),
                 unconfirmed_since = ?5, leaving_evidence = NULL, leaving_since = NULL, login_before = NULL, resume_requested = 0
                 WHERE id = ?1",
            )?
            .execute(params![
                change.sub_user,
                uin,
                login.unwrap_or(false),
                change.rule_login,
                at_text
            ])?
        }
        Effect::Updated => t
            .prepare_cached(
                "UPDATE sub_users SET login = coalesce(?2, login), rule_login = coalesce(?3, rule_login),
                 unconfirmed_since = ?4 WHERE id = ?1",
            )?
            .execute(params![change.sub_user, login, change.rule_login, at_text])?,
        Effect::Suspended { confirmed, was_off } => {
            let planned_off = || change.before.as_ref().and_then(|b| b.console_login) == Some(false);
            let leaver = match &change.reason {
                Reason::Leaver { evidence, .. } => Some(evidence.as_str()),
                _ => None,
            };
            t.prepare_cached(
                "UPDATE sub_users SET unconfirmed_since = CASE WHEN ?2 THEN NULL ELSE ?3 END,
                 login_before = CASE WHEN ?4 IS NOT NULL AND leaving_since IS NULL AND stopped_at IS NULL AND ?5
                 THEN login ELSE login_before END, login = 0,
                 leaving_since = CASE WHEN ?4 IS NULL THEN leaving_since ELSE coalesce(leaving_since, ?3) END,
                 leaving_evidence = coalesce(leaving_evidence, ?4) WHERE id = ?1",
            )?
            .execute(params![
                change.sub_user,
                confirmed,
                at_text,
                leaver,
                was_off.unwrap_or_else(planned_off),
            ])?
        }
        Effect::Resumed => t
            .prepare_cached(
                "UPDATE sub_users SET login = CASE WHEN ?2 THEN 1 ELSE coalesce(login_before, ?2, login) END,
                 rule_login = coalesce(?3, rule_login), unconfirmed_since = CASE WHEN ?2 THEN ?4 END,
                 leaving_evidence = NULL, leaving_since = NULL, login_before = NULL,
                 resume_requested = resume_requested * EXISTS (SELECT 1 FROM changes c WHERE c.sub_user = ?1
                 AND c.kind IN ('add_to_group', 'attach_policy') AND c.status IN ('pending', 'in_flight', 'held', 'failed'))
                 WHERE id = ?1",
            )?
            .execute(params![change.sub_user, login, change.rule_login, at_text])?,
        Effect::Deleted => {
            if let Some(sub_user) = change.sub_user {
                sub_users::end_stage(t, sub_user, Stage::Deleted, at)?;
                // What a later plan added behind the deletion has nobody left to be done to.
                drop_waiting(t, sub_user)?;
            }
            1
        }
        Effect::Made { .. }
        | Effect::Unmade
        | Effect::Granted { .. }
        | Effect::Taken { .. }
        | Effect::KeyOff
        | Effect::KeyOn
        | Effect::KeyDeleted => {
            grants::apply_effect(t, change, effect, at)?;
            1
        }
        Effect::Remarked | Effect::PasswordSet | Effect::Already => 1,
    };
    // The audit outlasts the people in it, and holds no more of them than ids.
    let without = |state: &Option<UserState>| state.as_ref().map(UserState::without_person);
    super::audit::append(
        t,
        at,
        &author(&change.reason),
        &format!("change.{}", change.kind.as_str()),
        change.of(),
        &serde_json::json!({
            "change": change.id, "source": change.source, "member": change.member,
            "reason": change.reason.to_string(), "reason_details": change.reason,
            "before": without(&change.before), "after": without(&change.after), "object": change.object,
            "plan": change.plan, "already": effect == Effect::Already,
        }),
    )
}
