//! Attempts at API keys. Their actions default to the caller's own keys (`cam-api.md` 3.4): the Uin is always sent.
//!
//! A key that the listing does not show is asked of CAM by the write itself: a listing that comes up empty for once must
//! not pass for a key that is gone.

use camsync_cam::{Cam, Class, Error};
use camsync_core::object::Object;
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::SubUser;

use crate::ledger::{ChangeRow, Effect, Failure};

use super::{Outcome, Resolve, applied, failure, found, gone, still_open, unknown, unread};

/// Whether a key works; absent when CAM shows no such key.
async fn works(cam: &dyn Cam, uin: u64, key: &str) -> Result<Option<bool>, Error> {
    let keys = cam.access_keys(uin).await?;
    Ok(keys.into_iter().find(|k| k.id == key).map(|k| k.active))
}

/// Reads before the write. A sub-user that is gone has no keys any more.
async fn before(
    cam: &dyn Cam,
    uin: u64,
    key: &str,
    resolve: Resolve,
) -> Result<Result<Option<bool>, Outcome>, Failure> {
    match works(cam, uin, key).await {
        Ok(seen) => Ok(Ok(seen)),
        Err(error) if error.is_user_not_found() => {
            Ok(Err(applied(Effect::KeyDeleted, error.request_id)))
        }
        Err(error) => Err(unread(&error, resolve)),
    }
}

/// Switches a key off or on.
pub(super) async fn switch(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
    object: &Object,
    on: bool,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let uin = sub_user.uin.ok_or_else(|| gone(sub_user, None))?;
    let key = object.name.as_str();
    let done = if on { Effect::KeyOn } else { Effect::KeyOff };
    let seen = match before(cam, uin, key, resolve).await? {
        Ok(seen) => seen,
        Err(outcome) => return Ok(outcome),
    };
    if seen == Some(on) {
        let ours = on || resolve != Resolve::No || sub_user.keys_off.iter().any(|k| k == key);
        // Switched off by somebody else: it is not camsync's to bring back.
        return Ok(applied(if ours { done } else { Effect::Already }, None));
    }
    if resolve == Resolve::Only {
        return Err(still_open(change));
    }
    match cam.set_access_key(uin, key, on).await {
        Ok(answer) if on => Ok(applied(done, answer.request_id)),
        Ok(answer) => read_back(cam, uin, key, answer.request_id).await,
        Err(error) => match error.class() {
            Class::Done => Ok(applied(Effect::KeyDeleted, error.request_id)),
            Class::Unknown => match works(cam, uin, key).await {
                Ok(Some(now)) if now == on => Ok(applied(done, error.request_id)),
                _ => Err(unknown(&error)),
            },
            _ if error.is_user_not_found() => Ok(applied(Effect::KeyDeleted, error.request_id)),
            _ => Err(failure(&error)),
        },
    }
}

/// A rung without effect must not pass for one: a key that still works is read again until the read agrees, or for good
/// does not.
async fn read_back(
    cam: &dyn Cam,
    uin: u64,
    key: &str,
    request_id: Option<String>,
) -> Result<Outcome, Failure> {
    match works(cam, uin, key).await {
        Ok(Some(false)) => Ok(applied(Effect::KeyOff, request_id)),
        Ok(_) => Err(Failure {
            request_id,
            ..found(
                FailureClass::Unknown,
                "key_not_off",
                format!("CAM accepted switching the key {key} off, but does not show it off"),
                Some("UpdateAccessKey"),
            )
        }),
        Err(error) => Err(unknown(&error)),
    }
}

/// Deletes a key for good. One that works is left: whether CAM would take that is unconfirmed (`cam-api.md` 3.4), and a
/// key goes off first, by a change of its own.
pub(super) async fn delete(
    cam: &dyn Cam,
    change: &ChangeRow,
    sub_user: &SubUser,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let uin = sub_user.uin.ok_or_else(|| gone(sub_user, None))?;
    let key = object.name.as_str();
    let seen = match before(cam, uin, key, resolve).await? {
        Ok(seen) => seen,
        Err(outcome) => return Ok(outcome),
    };
    if resolve != Resolve::No && seen.is_none() {
        return Ok(applied(Effect::KeyDeleted, None));
    }
    if resolve == Resolve::Only {
        return Err(still_open(change));
    }
    if seen == Some(true) {
        return Err(found(
            FailureClass::Transient,
            "key_active",
            format!("the key {key} works; it is switched off before it is deleted"),
            Some("DeleteAccessKey"),
        ));
    }
    match cam.delete_access_key(uin, key).await {
        Ok(answer) => Ok(applied(Effect::KeyDeleted, answer.request_id)),
        Err(error) => match error.class() {
            Class::Done => Ok(applied(Effect::KeyDeleted, error.request_id)),
            Class::Unknown => match works(cam, uin, key).await {
                Ok(None) => Ok(applied(Effect::KeyDeleted, error.request_id)),
                _ => Err(unknown(&error)),
            },
            _ => Err(failure(&error)),
        },
    }
}
