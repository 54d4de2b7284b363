//! Attempts at groups themselves. The mark in the remark tells whose creation a group was when the answer was lost.

use camsync_cam::{Cam, Class, Group};
use camsync_core::model::fold;
use camsync_core::object::Object;
use camsync_core::remark::{carries, with_mark};
use camsync_core::retry::FailureClass;

use crate::ledger::{Effect, Failure};

use super::{About, Outcome, Resolve, applied, failure, found, still_open, unknown, unread};

/// What a person reads in the console, in front of the mark.
const REMARK: &str = "made by camsync for a grant rule";

/// Makes a group.
pub(super) async fn create(
    cam: &dyn Cam,
    about: &About<'_>,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let mark = about.mark(object)?;
    if resolve != Resolve::No {
        let group = cam.find_group(&object.name).await;
        if let Some(group) = group.map_err(|e| unread(&e, resolve))? {
            return whose(&group, mark);
        }
    }
    if resolve == Resolve::Only {
        return Err(still_open(about.change));
    }
    let remark = with_mark(REMARK, mark);
    match cam.create_group(&object.name, &remark).await {
        Ok(answer) => {
            let id = answer.value;
            Ok(applied(Effect::Made { id }, answer.request_id))
        }
        // Unknown, or the name is in use: by this creation's earlier attempt, or by a stranger.
        Err(error) if matches!(error.class(), Class::Unknown | Class::Done) => {
            match bearer(cam, &object.name, error.class() == Class::Done).await {
                Some(group) => whose(&group, mark),
                None => Err(unknown(&error)),
            }
        }
        Err(error) => Err(failure(&error)),
    }
}

/// The group that bears this name. Whether CAM tells upper from lower case is unconfirmed (`cam-api.md` 4.1): the one
/// that keeps the name from being used may be spelt in another way.
async fn bearer(cam: &dyn Cam, name: &str, in_use: bool) -> Option<Group> {
    match cam.find_group(name).await.ok()? {
        None if in_use => {
            let groups = cam.list_groups().await.ok()?;
            groups.into_iter().find(|g| fold(&g.name) == fold(name))
        }
        found => found,
    }
}

fn whose(group: &Group, mark: &str) -> Result<Outcome, Failure> {
    if group.remark.as_deref().is_some_and(|r| carries(r, mark)) {
        return Ok(applied(Effect::Made { id: group.id }, None));
    }
    Err(found(
        FailureClass::Permanent,
        "name_conflict",
        format!(
            "the name belongs to the group {} ({}), which camsync did not make; name it literally in the rule to use it, or rename one of them",
            group.name, group.id
        ),
        Some("CreateGroup"),
    ))
}

/// Deletes a group that camsync made. Never one that somebody is in, or has attached a policy to, since it was planned.
pub(super) async fn delete(
    cam: &dyn Cam,
    about: &About<'_>,
    object: &Object,
    resolve: Resolve,
) -> Result<Outcome, Failure> {
    let id = about.object_id(object)?;
    let members = match cam.group_members(id).await {
        Ok(members) => members.len(),
        // Some actions call a missing group a missing user (`cam-api.md` 0.2 point 9).
        Err(error) if error.is_group_not_found() || error.is_user_not_found() => {
            return Ok(applied(Effect::Unmade, error.request_id));
        }
        Err(error) => return Err(unread(&error, resolve)),
    };
    if resolve == Resolve::Only {
        return Err(still_open(about.change));
    }
    let policies = cam.policies_of_group(id).await;
    let policies = policies.map_err(|e| unread(&e, resolve))?.len();
    if members + policies > 0 {
        return Err(found(
            FailureClass::Permanent,
            "group_in_use",
            format!(
                "the {object} has {members} members and {policies} policies that others gave it meanwhile; it stays"
            ),
            Some("DeleteGroup"),
        ));
    }
    match cam.delete_group(id).await {
        Ok(answer) => Ok(applied(Effect::Unmade, answer.request_id)),
        Err(error) if error.class() == Class::Done => Ok(applied(Effect::Unmade, error.request_id)),
        Err(error) if error.class() == Class::Unknown => match cam.group_members(id).await {
            Err(read) if read.is_group_not_found() || read.is_user_not_found() => {
                Ok(applied(Effect::Unmade, error.request_id))
            }
            _ => Err(unknown(&error)),
        },
        Err(error) => Err(failure(&error)),
    }
}
