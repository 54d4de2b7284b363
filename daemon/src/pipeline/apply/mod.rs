//! Apply: one attempt at one change. The only module that writes to the cloud.
//!
//! A write whose answer was lost is resolved by reading CAM, never by guessing (`cam-api.md` 6.2). What was so already
//! counts as done; it becomes camsync's, to be taken back later, only when an earlier attempt may have made it so.

mod grants;
mod groups;
mod keys;
mod policies;
#[cfg(test)]
mod tests;
mod users;

use camsync_cam::{Cam, Class, Error, ErrorKind, SecretText};
use camsync_core::object::Object;
use camsync_core::outbox::{Kind, Status};
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::SubUser;

use crate::ledger::{ChangeRow, Effect, Failure};

pub(super) use grants::count;
pub(super) use users::set_password;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The cloud agrees.
    Applied {
        /// What that makes of the ledger.
        effect: Effect,
        /// CAM's RequestId, when the attempt's own answer had one.
        request_id: Option<String>,
    },
    /// It does not, and this is why.
    Failed(Failure),
}

/// How sub-users sign in: decides whether a password is made when sign-in comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// The account uses user SSO: no passwords are made.
    pub sso: bool,
}

/// Whether CAM is read before the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// No earlier attempt can have had its effect.
    No,
    /// One may have: read, and send only if it has not.
    First,
    /// One may have, and nothing is sent: whether it is still called for is for a plan to say.
    Only,
}

/// What a change is about, as the ledger has it when its attempt begins.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The change.
    pub change: &'a ChangeRow,
    /// Its sub-user, if it is about one.
    pub sub_user: Option<&'a SubUser>,
    /// Of a group or policy that camsync makes: CAM's id once there is one, and the mark of its creation.
    pub made: Option<&'a (Option<u64>, String)>,
}

impl About<'_> {
    /// CAM's id of the group or policy: as planned, or of what an earlier change of the same plan has made.
    fn object_id(&self, object: &Object) -> Result<u64, Failure> {
        let made = || self.made.and_then(|(id, _)| *id);
        object
            .id
            .or_else(made)
            .ok_or_else(|| self.unrecorded(object))
    }

    /// The mark of the creation that this change is.
    fn mark(&self, object: &Object) -> Result<&str, Failure> {
        let mark = self.made.map(|(_, mark)| mark.as_str());
        mark.ok_or_else(|| self.unrecorded(object))
    }

    /// A newer plan has forgotten the creation meanwhile, and makes this change anew where it is still called for.
    fn unrecorded(&self, object: &Object) -> Failure {
        found(
            FailureClass::Permanent,
            "unrecorded",
            format!(
                "the ledger no longer knows of making the {object}; the next plan decides anew"
            ),
            None,
        )
    }
}

/// Makes one attempt. `password` makes a first password that nobody will know.
pub async fn attempt(
    cam: &dyn Cam,
    about: &About<'_>,
    resolve: Resolve,
    sign_in: SignIn,
    password: &mut (dyn FnMut() -> SecretText + Send),
) -> Outcome {
    let change = about.change;
    let made = match (change.kind, about.sub_user, &change.object) {
        (Kind::CreateUser, Some(sub_user), _) => {
            users::create(cam, change, sub_user, resolve).await
        }
        (Kind::UpdateUser | Kind::SuspendUser | Kind::ResumeUser, Some(sub_user), _) => {
            users::update(cam, change, sub_user, resolve, sign_in, password).await
        }
        (Kind::DeleteUser, Some(sub_user), _) => {
            users::delete(cam, change, sub_user, resolve).await
        }
        // Whoever asked for it is not there any more, and nobody else may be shown it.
        (Kind::ResetPassword, ..) => Err(users::password_lost()),
        (Kind::AddToGroup | Kind::AttachPolicy, Some(sub_user), Some(object)) => {
            grants::give(cam, about, sub_user, object, resolve).await
        }
        (Kind::RemoveFromGroup | Kind::DetachPolicy, Some(sub_user), Some(object)) => {
            grants::take(cam, about, sub_user, object, resolve).await
        }
        (Kind::CreateGroup, None, Some(object)) => {
            groups::create(cam, about, object, resolve).await
        }
        (Kind::DeleteGroup, None, Some(object)) => {
            groups::delete(cam, about, object, resolve).await
        }
        (Kind::CreatePolicy, None, Some(object)) => {
            policies::create(cam, about, object, resolve).await
        }
        (Kind::DisableKey, Some(sub_user), Some(object)) => {
            keys::switch(cam, change, sub_user, object, false, resolve).await
        }
        (Kind::EnableKey, Some(sub_user), Some(object)) => {
            keys::switch(cam, change, sub_user, object, true, resolve).await
        }
        (Kind::DeleteKey, Some(sub_user), Some(object)) => {
            keys::delete(cam, change, sub_user, object, resolve).await
        }
        (other, _, _) => Err(found(
            FailureClass::Permanent,
            "unsupported",
            format!("this version cannot apply {}", other.as_str()),
            None,
        )),
    };
    made.unwrap_or_else(Outcome::Failed)
}

fn applied(effect: Effect, request_id: Option<String>) -> Outcome {
    Outcome::Applied { effect, request_id }
}

/// A failure of camsync's own finding, met at this action.
fn found(class: FailureClass, code: &str, message: String, action: Option<&str>) -> Failure {
    Failure {
        class,
        code: code.to_owned(),
        message,
        action: action.map(str::to_owned),
        request_id: None,
    }
}

fn gone(sub_user: &SubUser, request_id: Option<String>) -> Failure {
    Failure {
        class: FailureClass::Transient,
        code: "not_visible".into(),
        message: format!(
            "CAM shows no sub-user {}: it was deleted, or is not visible yet",
            sub_user.username
        ),
        action: Some("GetUser".into()),
        request_id,
    }
}

/// CAM's error as the ledger keeps it.
#[must_use]
pub fn failure(error: &Error) -> Failure {
    Failure {
        class: match error.class() {
            Class::Transient { .. } => FailureClass::Transient,
            Class::Unknown => FailureClass::Unknown,
            Class::Configuration => FailureClass::Target,
            Class::ConfigurationForAction => FailureClass::Permission,
            Class::Quota => FailureClass::Quota,
            Class::Permanent | Class::Done => FailureClass::Permanent,
        },
        code: error.code.clone().unwrap_or_else(|| {
            match error.kind {
                ErrorKind::Credentials => "no_key",
                ErrorKind::OwnAccount => "own_account",
                _ => "transport",
            }
            .into()
        }),
        message: error.message.clone(),
        action: Some(error.action.clone()),
        request_id: error.request_id.clone(),
    }
}

/// An earlier attempt of which nobody knows whether it had an effect; a read shows none so far. It may still arrive, so
/// the next one reads first.
fn still_open(change: &ChangeRow) -> Failure {
    let (code, message) = if change.status == Status::InFlight {
        (
            Failure::CUT_SHORT,
            "camsync was stopped before the answer came; CAM shows no effect",
        )
    } else {
        (
            Failure::UNANSWERED,
            "the answer to an earlier attempt never came; CAM shows no effect",
        )
    };
    found(FailureClass::Unknown, code, message.into(), None)
}

/// An error after which the write may have had its effect.
fn unknown(error: &Error) -> Failure {
    Failure {
        class: match error.class() {
            // The key, the permission: a read that is refused for these settles nothing, and will not soon.
            Class::Configuration => FailureClass::Target,
            _ => FailureClass::Unknown,
        },
        ..failure(error)
    }
}

/// The error of a read before the write: nothing was sent yet, but an earlier attempt may have been.
fn unread(error: &Error, resolve: Resolve) -> Failure {
    if resolve != Resolve::No {
        return unknown(error);
    }
    let mut failure = failure(error);
    if failure.class == FailureClass::Unknown {
        failure.class = FailureClass::Transient;
    }
    failure
}

/// Whether CAM has refused in a way that may only mean "it is so already": what it says to a repeat is unconfirmed
/// (`cam-api.md` 3.2 and 3.3), so a read decides.
fn may_be_a_repeat(error: &Error) -> bool {
    error.kind == ErrorKind::Refused && matches!(error.class(), Class::Unknown | Class::Permanent)
}
