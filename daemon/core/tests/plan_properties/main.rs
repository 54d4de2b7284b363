//! What every plan keeps to, on small made-up worlds full of collisions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../made_up/mod.rs"]
mod made_up;
mod world;

use std::collections::HashSet;
use std::sync::Arc;

use camsync_core::change::{DriftKind, Planned, Reason};
use camsync_core::desired::{Admission, Desired, Verdict};
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::grants::Entitlement;
use camsync_core::model::fold;
use camsync_core::outbox::Kind;
use camsync_core::plan::{Draft, Note, Then, Unlinked};
use camsync_core::problem::Problem;
use camsync_core::remark::with_mark;
use camsync_core::rules::{Adopt, OnConflict};
use camsync_core::sub_user::{AccountKind, ObservedUser, Origin, Stage, SubUser};
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::select;

use world::{SOURCES, World, account, member, note_id, now, sub_user, worlds};

/// All that a draft says, without the order of what has none.
fn said(draft: &Draft) -> (Vec<Planned>, Vec<String>, Vec<String>) {
    let mut notes: Vec<_> = draft.notes.iter().map(|n| format!("{n:?}")).collect();
    let mut problems: Vec<_> = draft
        .problems
        .iter()
        .flat_map(|(at, all)| all.iter().map(move |p| format!("{at:?} {p:?}")))
        .collect();
    notes.sort();
    problems.sort();
    (draft.changes.clone(), notes, problems)
}

/// Whether doing this plan may call for more: a name or account comes free, or a step comes before another.
fn leads_on(draft: &Draft) -> bool {
    let conflict = |p: &Problem| {
        matches!(
            p,
            Problem::NameTaken { .. }
                | Problem::NameShared { .. }
                | Problem::AdoptionAmbiguous { .. }
        )
    };
    let first_step = |c: &Planned| match (c.kind, &c.reason) {
        (Kind::ResumeUser, Reason::Returned { .. }) | (Kind::SuspendUser, Reason::Drift { .. }) => {
            true
        }
        // What a rule says of sign-in, and what is repaired, comes after what was not seen yet and after adoption.
        (Kind::UpdateUser, _) => {
            c.adoption.is_some() || c.after.as_ref().is_some_and(|a| a.console_login.is_some())
        }
        _ => false,
    };
    draft.problems.values().flatten().any(conflict) || draft.changes.iter().any(first_step)
}

fn free(draft: &Draft) -> Vec<Planned> {
    draft
        .changes
        .iter()
        .filter(|c| c.hold.is_none())
        .cloned()
        .collect()
}

fn is_removal(kind: Kind) -> bool {
    matches!(kind, Kind::SuspendUser | Kind::DeleteUser)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_done_is_not_planned_again(mut world in worlds()) {
        let mut draft = world.plan();
        for _ in 0..6 {
            let done = free(&draft);
            let more = leads_on(&draft);
            world.apply(&draft);
            draft = world.plan();
            let next = free(&draft);
            prop_assert!(more || next.is_empty(), "{next:#?} after {done:#?}");
            for change in &next {
                prop_assert!(!done.contains(change), "again: {change:#?}");
            }
        }
        prop_assert!(free(&draft).is_empty(), "never settles: {:#?}", free(&draft));
    }

    /// Whoever waits for nothing and has no problem has what is called for once all that is planned is done.
    #[test]
    fn what_is_planned_and_done_is_what_is_called_for(mut world in worlds()) {
        for _ in 0..6 {
            let draft = world.plan();
            world.apply(&draft);
        }
        let draft = world.plan();
        for (source, desired) in &world.desired {
            let said = draft.problems.get(&((*source).to_owned(), desired.key.clone()));
            let waits = |c: &Planned| c.source == *source && fold(&c.member) == desired.key;
            let row = world.sub_users.iter().find(|s| s.source == *source && s.key == desired.key);
            if said.is_some_and(|all| !all.is_empty()) || draft.changes.iter().any(waits) || row.is_some_and(|s| s.busy) {
                continue;
            }
            let user = row.and_then(|s| world.users.iter().find(|u| Some(u.uin) == s.uin));
            match (&desired.verdict, row, user) {
                (Verdict::Admitted(admission), Some(row), Some(user)) => {
                    prop_assert_eq!(row.stage, Stage::Managed);
                    prop_assert!(row.leaving.is_none());
                    // What was off when it was adopted stays so.
                    let either = row.origin == Origin::Adopted && !row.login;
                    let on = user.console_login.filter(|_| !either);
                    prop_assert!(on.is_none_or(|on| on == admission.console_login), "{row:#?} {user:#?} {admission:#?}");
                    let remark = with_mark(&admission.remark, &row.mark);
                    prop_assert!(user.remark.as_ref().map_or(row.marked, |r| *r == remark), "{row:#?} {user:#?}");
                }
                (Verdict::Admitted(_), ..) => prop_assert!(false, "{desired:#?} {row:#?}"),
                (_, Some(row), Some(user)) if desired.evidence.is_some() => {
                    prop_assert!(row.leaving.is_some() && user.console_login != Some(true), "{row:#?} {user:#?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_order_of_the_input_says_nothing(
        (world, shuffled) in worlds().prop_flat_map(|w| {
            let parts = (
                Just(w.desired.clone()).prop_shuffle(),
                Just(w.sub_users.clone()).prop_shuffle(),
                Just(w.users.clone()).prop_shuffle(),
            );
            (Just(w), parts)
        })
    ) {
        let (desired, sub_users, users) = shuffled;
        let other = World { desired, sub_users, users, ..world.clone() };
        prop_assert_eq!(said(&world.plan()), said(&other.plan()));
    }

    #[test]
    fn strangers_and_the_busy_are_left_alone(world in worlds()) {
        let draft = world.plan();
        let mut created = HashSet::new();
        let mut adopted = HashSet::new();
        for change in &draft.changes {
            let row = change.sub_user.map(|id| world.row(id));
            prop_assert!(row.is_none_or(|s| !s.busy), "busy: {change:#?}");
            if let Some(adoption) = &change.adoption {
                let account = world.users.iter().find(|u| u.uin == adoption.uin).unwrap();
                prop_assert!(!account.off_limits && account.kind != AccountKind::Other);
                prop_assert!(world.sub_users.iter().all(|s| s.uin != Some(account.uin)));
                prop_assert!(adopted.insert(account.uin), "adopted twice: {change:#?}");
            } else if change.kind == Kind::CreateUser {
                let name = fold(&change.username);
                prop_assert!(world.users.iter().all(|u| fold(&u.name) != name), "{change:#?}");
                let holds = |s: &&SubUser| s.stage == Stage::Managed && fold(&s.username) == name;
                prop_assert!(world.sub_users.iter().filter(holds).all(|s| Some(s.id) == change.sub_user));
                prop_assert!(created.insert(name), "created twice: {change:#?}");
            } else {
                prop_assert!(row.is_some_and(|s| s.stage == Stage::Managed), "{change:#?}");
            }
        }
        prop_assert!(draft.notes.iter().all(|n| !world.row(note_id(n)).busy));
    }

    #[test]
    fn nobody_is_removed_without_cause(world in worlds()) {
        for change in world.plan().changes.iter().filter(|c| is_removal(c.kind)) {
            let row = world.row(change.sub_user.unwrap());
            let here = world.facts(&row.source, &row.key).map(|d| &d.verdict);
            let unsettled = world.absent.iter().any(|(s, a)| {
                *s == row.source && a.key == row.key && a.absence == Absence::Unsettled
            });
            let again = change.kind == Kind::SuspendUser
                && row.stopped_at.is_some()
                && change.reason == (Reason::Drift { what: DriftKind::SignInOn });
            // What somebody switched on again of a leaver's goes off again, whatever is known of the leaver by now.
            let again = again || (unsettled && row.leaving.is_some() && change.evidence.is_none());
            // Only a leaver's sub-user that a person suspended goes down the ladder like any other.
            let entitled = matches!(here, Some(Verdict::Admitted(_) | Verdict::Failed { .. }));
            prop_assert!(again || !(row.protected || unsettled || entitled), "{change:#?} of {row:#?}");
            prop_assert!(!(change.kind == Kind::DeleteUser && matches!(here, Some(Verdict::Disabled))));
        }
    }

    #[test]
    fn nothing_new_is_taken_or_given_while_nothing_can_be_decided(world in worlds()) {
        let draft = world.plan();
        for change in draft.changes.iter().filter(|c| c.sub_user.is_some_and(|id| draft.undecided.contains(&id))) {
            let again = matches!(change.reason, Reason::Drift { .. }) && change.kind == Kind::SuspendUser;
            prop_assert!(again && change.evidence.is_none(), "{change:#?}");
        }
        for row in world.sub_users.iter().filter(|s| s.busy) {
            prop_assert!(draft.undecided.contains(&row.id));
        }
    }

    #[test]
    fn an_unlinked_source_gives_nobody_anything_and_takes_what_was_said(
        mut world in worlds(),
        then in select(vec![Then::Keep, Then::Suspend, Then::Delete]),
    ) {
        world.unlinked = Some(Unlinked { by: "ann".into(), then });
        let draft = world.plan();
        for change in draft.changes.iter().filter(|c| c.source == SOURCES[0]) {
            let row = world.row(change.sub_user.unwrap());
            prop_assert!(then != Then::Keep, "{:?}", change);
            prop_assert!(!row.protected && !row.busy, "{:?}", change);
            match change.kind {
                Kind::SuspendUser if row.leaving.is_none() => {
                    prop_assert_eq!(change.evidence, Some(Evidence::Asked));
                }
                Kind::SuspendUser => {}
                Kind::DeleteUser => {
                    prop_assert_eq!(then, Then::Delete);
                    prop_assert_eq!(change.evidence, Some(Evidence::Asked));
                    let since = row.leaving.unwrap().since;
                    prop_assert!(now() - since >= TimeDelta::days(30), "within the grace");
                    prop_assert!(row.origin == Origin::Created || world.delete_adopted);
                }
                _ => prop_assert!(false, "{:?}", change),
            }
        }
        if then == Then::Keep {
            let theirs = world.sub_users.iter().filter(|s| s.source == SOURCES[0]);
            for row in theirs.filter(|s| s.stage == Stage::Managed && !s.busy) {
                let released = Note::Released { sub_user: row.id };
                prop_assert!(draft.notes.contains(&released));
            }
        }
    }

    /// A cloud that is as the rules call for it, sub-user by sub-user: no change, no note, no problem.
    #[test]
    fn equal_states_have_no_difference(logins in proptest::collection::vec(any::<bool>(), 0..12)) {
        let mut world = World {
            desired: Vec::new(),
            absent: Vec::new(),
            sub_users: Vec::new(),
            users: vec![account(7, "a stranger")],
            less_access: camsync_core::rules::LessAccess::Keep,
            delete_adopted: false,
            fresh: true,
            unlinked: None,
        };
        for (n, console_login) in (0u64..).zip(logins) {
            let (source, key) = (SOURCES[usize::try_from(n % 2).unwrap()], format!("m{n}"));
            let facts = member(&key.to_uppercase(), "Zhang San");
            let mut row = sub_user(i64::try_from(n).unwrap() + 1, source, &key);
            row.username.clone_from(&key);
            row.stage = Stage::Managed;
            row.uin = Some(100 + n);
            (row.login, row.rule_login, row.marked) = (console_login, console_login, true);
            row.admitted = Some(Arc::clone(&facts));
            world.users.push(ObservedUser {
                remark: Some(with_mark("the rule's", &row.mark)),
                console_login: Some(console_login),
                ..account(100 + n, &key)
            });
            world.sub_users.push(row);
            let verdict = Verdict::Admitted(Admission {
                rule: 1,
                username: key.clone(),
                remark: "the rule's".into(),
                console_login,
                adopt: Adopt::Never,
                conflict: OnConflict::Hold,
                phone: None,
                email: None,
            });
            world.desired.push((source, Desired {
                member: facts,
                key,
                verdict,
                evidence: None,
                entitlement: Entitlement::default(),
                with_former_facts: None,
            }));
        }
        let draft = world.plan();
        prop_assert!(draft.changes.is_empty(), "{:#?}", draft.changes);
        prop_assert!(draft.problems.values().all(Vec::is_empty), "{:#?}", draft.problems);
        let lasting = draft.notes.iter().filter(|n| !matches!(n, Note::Admitted { .. } | Note::Confirmed { .. }));
        prop_assert_eq!(lasting.count(), 0);
    }
}
