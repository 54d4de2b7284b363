//! Attempts at memberships and attached policies. CAM takes the Uin, so no name has to be compared.

use camsync_cam::{Answer, Cam, Class, Error};
use camsync_core::object::{Object, ObjectKind};
use camsync_core::plan::quota::Quota;
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::SubUser;

use crate::ledger::{Effect, Failure};

use super::{About, Outcome, Resolve, applied, failure, gone, may_be_a_repeat};
use super::{still_open, unknown, unread};

/// A group or policy, and whose it is to be.
struct Grant<'a> {
    cam: &'a dyn Cam,
    sub_user: &'a SubUser,
    uin: u64,
    object: &'a Object,
    id: u64,
}

impl<'a> Grant<'a> {
    fn of(
        cam: &'a dyn Cam,
        about: &About<'_>,
        sub_user: &'a SubUser,
        object: &'a Object,
    ) -> Result<Self, Failure> {
        Ok(Self {
            cam,
            sub_user,
            uin: sub_user.uin.ok_or_else(|| gone(sub_user, None))?,
            object,
            id: about.object_id(object)?,
        })
    }

    fn is_group(&self) -> bool {
        self.object.kind == ObjectKind::Group
    }

    /// Whether CAM shows it.
    async fn there(&self) -> Result<bool, Error> {
        Ok(if self.is_group() {
            let groups = self.cam.groups_of_user(self.uin).await?;
            groups.iter().any(|group| group.id == self.id)
        } else {
            let policies = self.cam.policies_of_user(self.uin).await?;
            policies.iter().any(|policy| policy.id == self.id)
        })
    }

    async fn send(&self, give: bool) -> Result<Answer<()>, Error> {
        let (cam, id, uin) = (self.cam, self.id, self.uin);
        match (self.is_group(), give) {
            (true, true) => cam.add_to_group(id, uin).await,
            (true, false) => cam.remove_from_group(id, uin).await,
            (false, true) => cam.attach_user_policy(id, uin).await,
            (false, false) => cam.detach_user_policy(id, uin).await,
        }
    }

    /// Why it could not be given. What was made a moment ago may not be known everywhere yet (`cam-api.md` 6.3).
    fn refused(&self, error: &Error) -> Failure {
        if error.is_user_not_found() {
            return gone(self.sub_user, error.request_id.clone());
        }
        let made_just_now = self.object.id.is_none();
        if made_just_now && (error.is_group_not_found() || error.is_policy_not_found()) {
            return Failure {
                class: FailureClass::Transient,
                code: "not_visible".into(),
                message: format!(
                    "the {} was made a moment ago and is not visible yet",
                    self.object
                ),
                ..failure(error)
            };
        }
        failure(error)
    }
}

/// Puts a sub-user into a group, or attaches a policy to it.
pub(super) async fn give(
    cam: &dyn Cam,
    about: &About<'_>,
    sub_user: &SubUser,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let grant = Grant::of(cam, about, sub_user, object)?;
    let given = |g: &camsync_core::grants::Given| g.kind == object.kind && g.id == grant.id;
    // Nothing that camsync has sent can have made it so: somebody else has, and it stays theirs.
    let by_others = resolve == Resolve::No && !sub_user.given.iter().any(given);
    let ours = |confirmed| Effect::Granted {
        id: grant.id,
        confirmed,
    };
    let found = if by_others {
        Effect::Already
    } else {
        ours(true)
    };
    match grant.there().await {
        Ok(true) => return Ok(applied(found, None)),
        Ok(false) => {}
        Err(error) if error.is_user_not_found() => {
            return Err(gone(sub_user, error.request_id.clone()));
        }
        Err(error) => return Err(unread(&error, resolve)),
    }
    if resolve == Resolve::Only {
        return Err(still_open(about.change));
    }
    let error = match grant.send(true).await {
        Ok(answer) => {
            // Memberships are read back a group at a time, once for all.
            let confirmed = !grant.is_group() && matches!(grant.there().await, Ok(true));
            return Ok(applied(ours(confirmed), answer.request_id));
        }
        Err(error) => error,
    };
    match error.class() {
        Class::Unknown => match grant.there().await {
            Ok(true) => Ok(applied(ours(true), error.request_id)),
            _ => Err(unknown(&error)),
        },
        _ if may_be_a_repeat(&error) => match grant.there().await {
            Ok(true) => Ok(applied(found, error.request_id)),
            _ => Err(grant.refused(&error)),
        },
        _ => Err(grant.refused(&error)),
    }
}

/// Takes a sub-user out of a group, or detaches a policy from it.
///
/// A reading that does not show it keeps nobody from sending: what lags, or comes up empty for once, must not pass for
/// taken. What CAM says to a repeat is settled by reading again.
pub(super) async fn take(
    cam: &dyn Cam,
    about: &About<'_>,
    sub_user: &SubUser,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let grant = Grant::of(cam, about, sub_user, object)?;
    let taken = Effect::Taken { id: grant.id };
    let gone = |read: &Result<bool, Error>| match read {
        Ok(there) => !there,
        Err(error) => error.is_user_not_found(),
    };
    if resolve != Resolve::No {
        let read = grant.there().await;
        if gone(&read) {
            return Ok(applied(taken, None));
        }
        if let Err(error) = read {
            return Err(unread(&error, resolve));
        }
        if resolve == Resolve::Only {
            return Err(still_open(about.change));
        }
    }
    let error = match grant.send(false).await {
        Ok(answer) => return Ok(applied(taken, answer.request_id)),
        Err(error) => error,
    };
    let open = error.class() == Class::Unknown;
    if error.class() == Class::Done
        || (open || may_be_a_repeat(&error)) && gone(&grant.there().await)
    {
        return Ok(applied(taken, error.request_id));
    }
    Err(if open {
        unknown(&error)
    } else {
        failure(&error)
    })
}

/// How many there are of what CAM has just called full; absent when that cannot be read.
pub(in crate::pipeline) async fn count(cam: &dyn Cam, quota: Quota, of: u64) -> Option<u64> {
    let count = match quota {
        // Counted when the account is next listed.
        Quota::SubUsers => return None,
        Quota::Groups => cam.list_groups().await.ok()?.len(),
        Quota::GroupSubUsers => cam.group_members(of).await.ok()?.len(),
        Quota::SubUserGroups => cam.groups_of_user(of).await.ok()?.len(),
        Quota::SubUserPolicies => cam.policies_of_user(of).await.ok()?.len(),
    };
    Some(count as u64)
}
