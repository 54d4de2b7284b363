//! Attempts at sub-users themselves. CAM takes their name alone, so each write is preceded by a read that the name still
//! belongs to the recorded Uin (`cam-api.md` 0.2).

use camsync_cam::{
    Cam, Class, NamedUser, NewUser, SecretText, UserDetails, UserRef, UserType, UserUpdate,
};
use camsync_core::outbox::Kind;
use camsync_core::remark::carries;
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::SubUser;

use crate::ledger::{ChangeRow, Effect, Failure};

use super::{Outcome, Resolve, SignIn, applied, failure, gone, still_open, unknown};

pub(super) async fn create(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    if resolve != Resolve::No
        && let Some(outcome) = whose(cam, change, sub_user).await?
    {
        return Ok(outcome);
    }
    if resolve == Resolve::Only {
        return Err(still_open(change));
    }
    let after = change.after.clone().unwrap_or_default();
    let login = after.console_login.unwrap_or(false);
    let user = NewUser {
        name: change.username.clone(),
        remark: after.remark.unwrap_or_default(),
        console_login: login,
        need_reset_password: login,
        country_code: after.phone.as_ref().map(|_| "86".to_owned()),
        phone: after.phone,
        email: after.email,
    };
    match cam.add_user(&user).await {
        Ok(answer) => Ok(applied(
            Effect::Created {
                uin: answer.value.uin,
            },
            answer.request_id,
        )),
        Err(error) if error.class() == Class::Unknown || error.is_name_in_use() => {
            match whose(cam, change, sub_user).await {
                Ok(Some(outcome)) => Ok(outcome),
                // Not there, or not readable: the answer is still open, and the next attempt reads first.
                Ok(None) | Err(_) => Err(unknown(&error)),
            }
        }
        Err(error) => Err(failure(&error)),
    }
}

/// Whose is the account of this name? Ours if its Remark carries the mark that only this creation wrote.
async fn whose(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
) -> Result<Option<Outcome>, Failure> {
    let found = cam
        .get_user(&change.username)
        .await
        .map_err(|e| unknown(&e))?;
    let request_id = found.request_id;
    let (details, exact) = match found.value {
        None => return Ok(None),
        Some(NamedUser::Exact(details)) => (details, true),
        Some(NamedUser::OtherSpelling(details)) => (details, false),
    };
    let ours = exact
        && details
            .remark
            .as_deref()
            .is_some_and(|remark| carries(remark, &sub_user.mark));
    Ok(Some(if ours {
        applied(Effect::Created { uin: details.uin }, request_id)
    } else {
        Outcome::Failed(Failure {
            class: FailureClass::Permanent,
            code: "name_conflict".into(),
            message: format!(
                "the name {} belongs to the account {}, which camsync did not make; rename one of them, or set adopt or conflict = \"suffix\" in the rule",
                details.name, details.uin
            ),
            action: Some("AddUser".into()),
            request_id,
        })
    }))
}

pub(super) async fn update(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
    resolve: Resolve,
    sign_in: SignIn,
    password: &mut (dyn FnMut() -> SecretText + Send),
) -> Result<Outcome, Failure> {
    let (user, seen) = identify(cam, sub_user).await?;
    let after = change.after.clone().unwrap_or_default();
    let drifted =
        after.console_login.is_none() && seen.console_login.is_some_and(|on| on != sub_user.login);
    let was_off = seen
        .console_login
        .filter(|_| resolve == Resolve::No)
        .map(|on| !on);
    let effect = |confirmed| match change.kind {
        Kind::SuspendUser => Effect::Suspended { confirmed, was_off },
        Kind::ResumeUser => Effect::Resumed,
        _ if drifted => Effect::Remarked,
        _ => Effect::Updated,
    };
    let agrees = |seen: &UserDetails| {
        after
            .console_login
            .is_none_or(|login| seen.console_login == Some(login))
            && after
                .remark
                .as_ref()
                .is_none_or(|remark| seen.remark.as_ref() == Some(remark))
    };
    if resolve != Resolve::No && agrees(&seen) {
        return Ok(applied(effect(true), None));
    }
    if resolve == Resolve::Only {
        return Err(still_open(change));
    }
    let switches_on = after.console_login == Some(true) && seen.console_login != Some(true);
    let update = UserUpdate {
        remark: after.remark.clone(),
        // Whether 1 over 1 makes a new password is unconfirmed (`cam-api.md` 3.1): sent only when it changes.
        console_login: after.console_login.filter(|login| switches_on || !login),
        // A generated one would never be told to anybody (`cam-api.md` 0.2 point 7).
        password: (switches_on && !sign_in.sso).then(password),
        need_reset_password: (switches_on && !sign_in.sso).then_some(true),
        ..UserUpdate::default()
    };
    if update == UserUpdate::default() {
        return Ok(applied(effect(true), None));
    }
    let request_id = match cam.update_user(&user, &update).await {
        Ok(answer) => answer.request_id,
        Err(error) if error.class() == Class::Unknown => match identify(cam, sub_user).await {
            Ok((_, seen)) if agrees(&seen) && !switches_on => {
                return Ok(applied(effect(true), None));
            }
            _ => return Err(unknown(&error)),
        },
        Err(error) => return Err(failure(&error)),
    };
    if change.kind == Kind::SuspendUser {
        let suspended = |confirmed| applied(effect(confirmed), request_id.clone());
        return read_back(cam, sub_user, request_id.clone(), suspended).await;
    }
    Ok(applied(effect(false), request_id))
}

/// Gives a sub-user a password that must be changed at the next sign-in (`cam-api.md` 3.1); CAM's RequestId. Sending it
/// again after a lost answer sets the same one again (6.2).
///
/// # Errors
/// Why it was not accepted, or that this is not known.
pub(in crate::pipeline) async fn set_password(
    cam: &dyn Cam,
    sub_user: &SubUser,
    password: &SecretText,
) -> Result<Option<String>, Failure> {
    let (user, seen) = identify(cam, sub_user).await?;
    if seen.console_login == Some(false) {
        return Err(Failure {
            class: FailureClass::Permanent,
            code: "sign_in_off".into(),
            message: format!(
                "console sign-in of {} was switched off, and a password does not switch it on",
                user.name
            ),
            action: Some("GetUser".into()),
            request_id: None,
        });
    }
    let update = UserUpdate {
        password: Some(password.clone()),
        need_reset_password: Some(true),
        ..UserUpdate::default()
    };
    match cam.update_user(&user, &update).await {
        Ok(answer) => Ok(answer.request_id),
        Err(error) if error.class() == Class::Unknown => Err(unknown(&error)),
        Err(error) => Err(failure(&error)),
    }
}

/// A rung without effect must not pass for a suspension (`cam-api.md` 5.4: WeCom sub-users).
async fn read_back(
    cam: &dyn Cam,
    sub_user: &SubUser,
    request_id: Option<String>,
    suspended: impl Fn(bool) -> Outcome,
) -> Result<Outcome, Failure> {
    let Ok((user, seen)) = identify(cam, sub_user).await else {
        return Ok(suspended(false));
    };
    if seen.console_login == Some(false) {
        return Ok(suspended(true));
    }
    if seen.console_login != Some(true) {
        return Ok(suspended(false));
    }
    // Without an answer it must not pass for suspended either.
    let found = cam.sub_accounts(&[user.uin]).await;
    let wecom = found
        .map_err(|e| failure(&e))?
        .iter()
        .any(|a| a.uin == user.uin && a.user_type == UserType::WeComSubUser);
    if wecom {
        return Err(Failure {
            class: FailureClass::Permanent,
            code: "no_effect".into(),
            message: format!(
                "CAM accepted switching off the sign-in of {}, but it is still on: a console-imported WeCom sub-user keeps it. Take its groups, policies and keys away, or delete it by hand",
                user.name
            ),
            action: Some("UpdateUser".into()),
            request_id,
        });
    }
    // An ordinary sub-user whose read lags: a later read confirms, or the write is sent again.
    Ok(suspended(false))
}

pub(super) async fn delete(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let Some(uin) = sub_user.uin else {
        return Err(gone(sub_user, None));
    };
    let found = cam
        .get_user(&sub_user.username)
        .await
        .map_err(|e| unknown(&e))?;
    match found.value {
        Some(NamedUser::Exact(details)) if details.uin == uin => {}
        // Nobody of this name, or a stranger who has it since: ours is gone, and the stranger is left alone.
        _ => return Ok(applied(Effect::Deleted, found.request_id)),
    }
    if resolve == Resolve::Only {
        return Err(still_open(change));
    }
    let user = UserRef {
        uin,
        name: sub_user.username.clone(),
    };
    match cam.delete_user(&user, false).await {
        Ok(answer) => Ok(applied(Effect::Deleted, answer.request_id)),
        Err(error) if error.class() == Class::Done => {
            Ok(applied(Effect::Deleted, error.request_id))
        }
        Err(error) if error.class() == Class::Unknown => {
            match cam.get_user(&sub_user.username).await {
                Ok(answer) if !is(answer.value.as_ref(), uin) => {
                    Ok(applied(Effect::Deleted, answer.request_id))
                }
                _ => Err(unknown(&error)),
            }
        }
        Err(error) => Err(failure(&error)),
    }
}

fn is(found: Option<&NamedUser>, uin: u64) -> bool {
    matches!(found, Some(NamedUser::Exact(d) | NamedUser::OtherSpelling(d)) if d.uin == uin)
}

/// The account of the recorded name, if it is still the recorded one.
async fn identify(cam: &dyn Cam, sub_user: &SubUser) -> Result<(UserRef, UserDetails), Failure> {
    let found = cam.get_user(&sub_user.username).await.map_err(|e| {
        let mut failure = failure(&e);
        if failure.class == FailureClass::Unknown {
            failure.class = FailureClass::Transient;
        }
        failure
    })?;
    match (found.value, sub_user.uin) {
        (Some(NamedUser::Exact(details)), Some(uin)) if details.uin == uin => Ok((
            UserRef {
                uin,
                name: sub_user.username.clone(),
            },
            details,
        )),
        (Some(NamedUser::Exact(other) | NamedUser::OtherSpelling(other)), _) => Err(Failure {
            class: FailureClass::Permanent,
            code: "other_account".into(),
            message: format!(
                "the name {} now belongs to the account {}, not to {}; nothing was changed",
                sub_user.username,
                other.uin,
                sub_user.uin.unwrap_or_default()
            ),
            action: Some("GetUser".into()),
            request_id: found.request_id,
        }),
        (None, _) => Err(gone(sub_user, found.request_id)),
    }
}

/// A reset that was cut short: whatever password it set, nobody has seen it.
pub(super) fn password_lost() -> Failure {
    Failure {
        class: FailureClass::Permanent,
        code: "password_lost".into(),
        message: "camsync was stopped before the answer came, and the password was shown to nobody; ask for another".into(),
        action: None,
        request_id: None,
    }
}
