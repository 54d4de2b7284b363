//! A managed sub-user whose member is not entitled any more: the leaver's ladder, the grace, the end.

use crate::change::{DriftKind, Hold, Planned, Reason, UserState};
use crate::desired::{Desired, Verdict};
use crate::evidence::Evidence;
use crate::grants::{DENY_ALL, DenyAllPolicy, Given};
use crate::grounds::Grounds;
use crate::object::{Object, ObjectKind};
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::rules::{DenyAll, Leavers};
use crate::sub_user::{Origin, SubUser};

use super::grants::taking;
use super::managed::{At, confirm};
use super::{Draft, LAG, Note, Then, is_over};

/// Whether the deny-all policy is a rung of this sub-user's ladder.
pub(super) fn wants_denial(leavers: &Leavers, sub_user: &SubUser) -> bool {
    match leavers.deny_all {
        DenyAll::Never => false,
        DenyAll::Adopted => sub_user.origin == Origin::Adopted,
        DenyAll::Always => true,
    }
}

pub(super) fn leaver(
    at: &At<'_>,
    here: Option<&Desired>,
    evidence: Evidence,
    grounds: Grounds,
    draft: &mut Draft,
) {
    let sub_user = at.sub_user;
    if sub_user.protected {
        draft.problem(
            at.source.name,
            &sub_user.key,
            Problem::Protected { evidence },
        );
        return;
    }
    let reason = Reason::Leaver { evidence, grounds };
    let Some(leaving) = sub_user.leaving else {
        let suspend = at.change(
            Kind::SuspendUser,
            reason.clone(),
            Some(UserState::login(false)),
        );
        let mut rungs = vec![suspend];
        rungs.extend(deny_all(at, &reason, draft));
        rungs.extend(keys_off(at, &reason, draft));
        rungs.extend(grants_off(at, &reason, draft));
        for mut rung in rungs {
            rung.evidence = Some(evidence);
            draft.changes.push(rung);
        }
        return;
    };
    let taken = take_again(at, &reason, draft);
    if taken == Taken::SignInToo {
        return;
    }
    // What a person asked for rests on no crawl.
    let asked = evidence == Evidence::Asked;
    let disabled = !asked && here.is_some_and(|d| matches!(d.verdict, Verdict::Disabled));
    let stays = at.source.unlinked.is_some_and(|u| u.then != Then::Delete);
    if !is_over(at.input, sub_user) || disabled || stays {
        return;
    }
    let fresh = asked || at.source.fresh;
    if sub_user.origin == Origin::Adopted && !at.input.leavers.delete_adopted {
        // What is let go of is nobody's to take anything from: the ladder comes to its end before.
        if fresh && taken == Taken::Nothing && !at.login_differs() {
            draft.notes.push(Note::Released {
                sub_user: sub_user.id,
            });
        }
        return;
    }
    let expired = Reason::Expired {
        since: leaving.since,
    };
    let keys = at.grants.own(sub_user).and_then(|own| own.keys.as_ref());
    let keys = keys
        .into_iter()
        .flatten()
        .map(|(key, _)| at.about(Kind::DeleteKey, Object::key(key), expired.clone()));
    let mut end: Vec<Planned> = keys.collect();
    end.push(at.change(Kind::DeleteUser, expired.clone(), None));
    for mut change in end {
        change.evidence = Some(match evidence {
            // Someone who may only have been moved out of sight is deleted by a person's word alone.
            Evidence::Hidden | Evidence::Asked => evidence,
            _ => Evidence::Expired,
        });
        // What a fresh crawl called for stays on the list, so that a held plan keeps its set and an approval its
        // pairs; but it waits.
        change.hold = (!fresh).then_some(Hold::Crawl);
        draft.changes.push(change);
    }
}

/// One who is missing, and nothing settles why: what was taken from a leaver stays off, and that is all.
pub(super) fn unsettled(at: &At<'_>, grounds: Grounds, draft: &mut Draft) {
    match at.sub_user.leaving {
        Some(leaving) if !at.sub_user.protected => {
            let evidence = leaving.evidence;
            take_again(at, &Reason::Leaver { evidence, grounds }, draft);
        }
        _ => confirm(at, draft),
    }
}

/// What there is to take again.
#[derive(PartialEq)]
enum Taken {
    Nothing,
    NotSignIn,
    SignInToo,
}

/// Takes again what somebody gave back to one whose sign-in is off as a leaver's, or what could not be taken yet.
fn take_again(at: &At<'_>, reason: &Reason, draft: &mut Draft) -> Taken {
    let before = draft.changes.len();
    let again = |what| Reason::Drift { what };
    let denial = deny_all(at, &again(DriftKind::DenialTaken), draft);
    let keys = keys_off(at, &again(DriftKind::KeyOn), draft);
    let grants = grants_off(at, reason, draft);
    draft
        .changes
        .extend(denial.into_iter().chain(keys).chain(grants));
    if at.seen.console_login == Some(true) && !at.lag {
        draft.changes.push(at.change(
            Kind::SuspendUser,
            again(DriftKind::SignInOn),
            Some(UserState::login(false)),
        ));
        return Taken::SignInToo;
    }
    confirm(at, draft);
    match draft.changes.len() == before {
        true => Taken::Nothing,
        false => Taken::NotSignIn,
    }
}

/// The deny-all policy, where it is a rung and is not there.
pub(super) fn deny_all(at: &At<'_>, reason: &Reason, draft: &mut Draft) -> Option<Planned> {
    let sub_user = at.sub_user;
    if !wants_denial(at.input.leavers, sub_user) {
        return None;
    }
    let given = sub_user.given.iter().find(|g| g.denies());
    if let Some(given) = given {
        match at.grants.has(at.seen.uin, ObjectKind::Policy, given.id) {
            Some(true) => {
                confirm_grant(at, given, draft);
                return None;
            }
            None => return None,
            Some(false) => {
                let lag = given
                    .unconfirmed_since
                    .is_some_and(|since| at.input.now - since < LAG);
                if lag {
                    return None;
                }
            }
        }
    }
    let id = match at.grants.observed.deny_all {
        // A person has put it there: it denies as well, and is not camsync's to take off.
        DenyAllPolicy::Denies(id)
            if given.is_none()
                && at.grants.has(at.seen.uin, ObjectKind::Policy, id) == Some(true) =>
        {
            return None;
        }
        DenyAllPolicy::Denies(id) => Some(id),
        DenyAllPolicy::Missing => {
            draft
                .deny_all_to_make
                .get_or_insert_with(|| at.source.name.to_owned());
            None
        }
        DenyAllPolicy::Unread => {
            if let Some(action) = at.grants.observed.unreadable.clone() {
                draft.problem(
                    at.source.name,
                    &sub_user.key,
                    Problem::Unreadable { action },
                );
            }
            return None;
        }
        DenyAllPolicy::SaysOtherwise => {
            draft.problem(at.source.name, &sub_user.key, Problem::DenyAllSaysOtherwise);
            return None;
        }
    };
    Some(at.about(
        Kind::AttachPolicy,
        Object::policy(DENY_ALL, id),
        reason.clone(),
    ))
}

/// Keys that work.
pub(super) fn keys_off(at: &At<'_>, reason: &Reason, draft: &mut Draft) -> Vec<Planned> {
    let Some(own) = at.grants.own(at.sub_user) else {
        return Vec::new();
    };
    let Some(keys) = &own.keys else {
        draft.problem(at.source.name, &at.sub_user.key, keys_unread());
        return Vec::new();
    };
    keys.iter()
        .filter(|(_, active)| **active)
        .map(|(key, _)| at.about(Kind::DisableKey, Object::key(key), reason.clone()))
        .collect()
}

/// Whether there are keys is not known.
pub(super) fn keys_unread() -> Problem {
    Problem::Unreadable {
        action: "ListAccessKeys".into(),
    }
}

/// What camsync gave.
fn grants_off(at: &At<'_>, reason: &Reason, draft: &mut Draft) -> Vec<Planned> {
    let mut rungs = Vec::new();
    for given in at.sub_user.given.iter().filter(|g| !g.denies()) {
        let object = Object {
            kind: given.kind,
            name: given.name.clone(),
            id: Some(given.id),
        };
        let lag = given
            .unconfirmed_since
            .is_some_and(|since| at.input.now - since < LAG);
        let there = at.grants.has(at.seen.uin, given.kind, given.id);
        if there == Some(false) && !lag {
            draft.notes.push(Note::GrantForgotten {
                sub_user: at.sub_user.id,
                object,
            });
        } else {
            rungs.push(at.about(taking(given.kind), object, reason.clone()));
        }
    }
    rungs
}

/// Notes that a read has shown a grant.
pub(super) fn confirm_grant(at: &At<'_>, given: &Given, draft: &mut Draft) {
    if given.unconfirmed_since.is_some() {
        draft.notes.push(Note::GrantConfirmed {
            sub_user: at.sub_user.id,
            object: Object {
                kind: given.kind,
                name: given.name.clone(),
                id: Some(given.id),
            },
        });
    }
}
