//! Groups and policies themselves: made when they are missing, removed when camsync made them and nothing calls for
//! them; and what a plan would leave empty.

use std::collections::{HashMap, HashSet};

use crate::change::{Planned, Reason};
use crate::desired::Verdict;
use crate::grants::{DENY_ALL, DenyAllPolicy, Made};
use crate::object::{Object, ObjectKind};
use crate::outbox::Kind;

use super::grants::Grants;
use super::{Draft, LAG, Note, PlanInput};

/// Plans what is to be made and what is left over, and notes what reads have shown of what was made.
pub(super) fn objects(input: &PlanInput<'_>, grants: &Grants<'_>, draft: &mut Draft) {
    let busy: HashSet<&str> = input
        .made
        .iter()
        .filter(|m| m.busy)
        .map(|m| m.name.as_str())
        .collect();
    let to_make = std::mem::take(&mut draft.groups_to_make);
    for (name, (source, rule)) in to_make {
        if !busy.contains(name.as_str()) {
            let reason = Reason::Granted { rule, like: None };
            let object = Object::group(name, None);
            draft
                .changes
                .push(change(Kind::CreateGroup, object, source, reason));
        }
    }
    if let Some(source) = draft
        .deny_all_to_make
        .take()
        .filter(|_| !busy.contains(DENY_ALL))
    {
        let object = Object::policy(DENY_ALL, None);
        draft
            .changes
            .push(change(Kind::CreatePolicy, object, source, Reason::Denial));
    }
    let called_for = called_for(input);
    for made in input.made.iter().filter(|m| !m.busy) {
        match shown(made, grants) {
            Some(true) if made.unconfirmed_since.is_some() => {
                draft.notes.push(Note::MadeConfirmed { made: made.id });
            }
            Some(true) if made.kind == ObjectKind::Group => {
                unused(input, grants, made, &called_for, draft);
            }
            Some(false)
                if made
                    .unconfirmed_since
                    .is_none_or(|since| input.now - since >= LAG) =>
            {
                draft.notes.push(Note::MadeGone { made: made.id });
            }
            _ => {}
        }
    }
}

/// Names of groups that somebody is called into.
fn called_for<'a>(input: &PlanInput<'a>) -> HashSet<&'a str> {
    let desired = input.sources.iter().flat_map(|s| s.desired);
    desired
        .filter(|d| matches!(d.verdict, Verdict::Admitted(_)))
        .flat_map(|d| d.entitlement.groups.iter().map(|w| &*w.name))
        .collect()
}

/// A group that camsync made goes when nothing calls for it, nobody is in it, and nobody has attached a policy to it.
fn unused(
    input: &PlanInput<'_>,
    grants: &Grants<'_>,
    made: &Made,
    called_for: &HashSet<&str>,
    draft: &mut Draft,
) {
    let Some(group) = made.cam_id.and_then(|id| grants.observed.group(id)) else {
        return;
    };
    let given = input.sub_users.iter().any(|s| {
        s.given
            .iter()
            .any(|g| g.kind == ObjectKind::Group && g.id == group.id)
    });
    let empty = group.members.as_ref().is_some_and(HashSet::is_empty) && group.policies == Some(0);
    if input.whole && empty && !given && !called_for.contains(made.name.as_str()) {
        let source = input.sources.first().map_or("", |s| s.name);
        let object = Object::group(&*group.name, Some(group.id));
        draft.changes.push(change(
            Kind::DeleteGroup,
            object,
            source.to_owned(),
            Reason::Unused,
        ));
    }
}

/// Whether CAM shows it; absent when that was not read.
fn shown(made: &Made, grants: &Grants<'_>) -> Option<bool> {
    let id = made.cam_id?;
    match made.kind {
        ObjectKind::Group => {
            grants.observed.group_count?;
            Some(grants.observed.group(id).is_some())
        }
        ObjectKind::Policy => match grants.observed.deny_all {
            DenyAllPolicy::Unread => None,
            DenyAllPolicy::Denies(seen) => Some(seen == id),
            DenyAllPolicy::Missing | DenyAllPolicy::SaysOtherwise => Some(false),
        },
        ObjectKind::Key => None,
    }
}

fn change(kind: Kind, object: Object, source: String, reason: Reason) -> Planned {
    Planned {
        sub_user: None,
        kind,
        object: Some(object),
        source,
        member: String::new(),
        username: String::new(),
        reason,
        before: None,
        after: None,
        evidence: None,
        adoption: None,
        rule_login: None,
        empties: Vec::new(),
        hold: None,
    }
}

/// A removal that, with the others of its plan, takes the last holder off a policy or group, or more than half of a
/// group's members, counts against the guard like one more person.
pub(super) fn count_what_empties(grants: &Grants<'_>, draft: &mut Draft) {
    let mut taken: HashMap<(ObjectKind, u64), usize> = HashMap::new();
    let takes = |change: &Planned| {
        let object = change
            .object
            .as_ref()
            .filter(|_| change.evidence.is_some())?;
        matches!(change.kind, Kind::RemoveFromGroup | Kind::DetachPolicy)
            .then_some((object.kind, object.id?))
    };
    for key in draft.changes.iter().filter_map(takes) {
        *taken.entry(key).or_default() += 1;
    }
    for change in &mut draft.changes {
        let Some((kind, id)) = takes(change) else {
            continue;
        };
        let less = taken.get(&(kind, id)).copied().unwrap_or_default();
        let holders = match kind {
            ObjectKind::Group => grants
                .observed
                .group(id)
                .and_then(|g| g.members.as_ref())
                .map(HashSet::len),
            _ => grants.holders.get(&id).copied(),
        };
        // That one of two leaves says nothing.
        let holders = holders.filter(|had| *had > 2);
        let emptied = holders.is_some_and(|had| match kind {
            ObjectKind::Group => less * 2 > had,
            _ => less >= had,
        });
        if emptied {
            change.empties.extend(change.object.clone());
        }
    }
}
