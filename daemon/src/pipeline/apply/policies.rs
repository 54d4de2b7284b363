//! The attempt at making the deny-all policy.

use camsync_cam::{Cam, Class, Error};
use camsync_core::grants::{DENY_ALL_DOCUMENT, same_document};
use camsync_core::object::Object;
use camsync_core::remark::with_mark;
use camsync_core::retry::FailureClass;

use crate::ledger::{Effect, Failure};

use super::{About, Outcome, Resolve, applied, failure, found, still_open, unknown, unread};

/// What a person reads in the console, in front of the mark.
const DESCRIPTION: &str = "made by camsync: denies leavers everything";

/// Makes the deny-all policy.
pub(super) async fn create(
    cam: &dyn Cam,
    about: &About<'_>,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let description = with_mark(DESCRIPTION, about.mark(object)?);
    if resolve != Resolve::No {
        let policy = bearer(cam, &object.name).await;
        if let Some(policy) = policy.map_err(|e| unread(&e, resolve))? {
            return judged(object, policy);
        }
    }
    if resolve == Resolve::Only {
        return Err(still_open(about.change));
    }
    let sent = cam.create_policy(&object.name, DENY_ALL_DOCUMENT, &description);
    match sent.await {
        Ok(answer) => {
            let id = answer.value;
            Ok(applied(Effect::Made { id }, answer.request_id))
        }
        Err(error) if matches!(error.class(), Class::Unknown | Class::Done) => {
            match bearer(cam, &object.name).await {
                Ok(Some(policy)) => judged(object, policy),
                Ok(None) | Err(_) => Err(unknown(&error)),
            }
        }
        Err(error) => Err(failure(&error)),
    }
}

/// The policy that bears this name: its id, and whether it says the same.
async fn bearer(cam: &dyn Cam, name: &str) -> Result<Option<(u64, bool)>, Error> {
    let Some(policy) = cam.find_policy(name).await? else {
        return Ok(None);
    };
    let details = cam.get_policy(policy.id).await?.value;
    Ok(details.map(|d| (policy.id, same_document(&d.document, DENY_ALL_DOCUMENT))))
}

/// One that says the same is as good as one's own, whoever made it: camsync never deletes it.
fn judged(object: &Object, (id, same): (u64, bool)) -> Result<Outcome, Failure> {
    if same {
        return Ok(applied(Effect::Made { id }, None));
    }
    Err(found(
        FailureClass::Permanent,
        "name_conflict",
        format!(
            "the {object} ({id}) is there and does not deny everything; delete it or make it do so, and camsync goes on"
        ),
        Some("CreatePolicy"),
    ))
}
