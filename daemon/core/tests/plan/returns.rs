//! A leaver who is entitled again, and what a person suspended by hand.

use camsync_core::object::ObjectKind;
use camsync_core::plan::Note;
use camsync_core::problem::Problem;
use camsync_core::rules::LessAccess;

use crate::world::{World, called, given, group, lines, seconds_ago, wanted};

const BACK: &str =
    "resume_user ann: entitled again, by the rule in line 10 | was off | becomes on | rule says on";

/// Ann was suspended yesterday, and the rules admit her.
fn returned() -> World {
    let mut world = World::with(&["ann"]);
    world.suspend("ann", 1);
    world
}

/// The same, under the name of somebody else.
fn another() -> World {
    let mut world = returned();
    world.facts("ann").member = called("ann", "Another");
    world
}

#[test]
fn who_returns_has_sign_in_again() {
    assert_eq!(returned().changes(), [BACK]);
}

#[test]
fn what_was_off_before_the_suspension_stays_off() {
    let mut world = returned();
    world.row("ann").leaving.as_mut().unwrap().was_off = true;
    let as_it_is = BACK.replace("was off | becomes on", "was  | becomes ");
    assert_eq!(world.changes(), [as_it_is], "nothing is written");
    world.row("ann").resume_requested = true;
    assert_eq!(world.changes(), [BACK], "unless a person asks for it");
}

#[test]
fn who_returns_under_another_name_waits_for_a_person() {
    assert_eq!(
        another().changes(),
        [BACK.replace(" | was off", " | on returned | was off")]
    );
}

#[test]
fn who_returns_has_grants_in_the_same_plan_but_nobody_under_another_name() {
    let call = |mut world: World| {
        world.grants.set_groups(vec![group(7, "rd", &[])]);
        world.entitlement("ann").groups.push(wanted("rd"));
        world.changes()
    };
    assert_eq!(
        call(returned()),
        [
            BACK,
            "add_to_group ann [group rd 7]: granted by the rule in line 20"
        ]
    );
    assert_eq!(call(another()).len(), 1);
}

#[test]
fn the_denial_comes_off_with_the_return_and_waits_with_it() {
    let deny = |mut world: World| {
        let mut denial = given(ObjectKind::Policy, "camsync-deny-all", 5);
        denial.rule = None;
        world.row("ann").given.push(denial);
        world.changes()
    };
    let off =
        "detach_policy ann [policy camsync-deny-all 5]: entitled again, by the rule in line 10";
    assert_eq!(deny(returned()), [BACK, off]);
    assert_eq!(deny(another())[1], format!("{off} | on returned"));
}

#[test]
fn a_denial_that_is_left_over_comes_off_whoever_is_entitled() {
    let mut world = World::with(&["ann"]);
    let mut denial = given(ObjectKind::Policy, "camsync-deny-all", 5);
    denial.rule = None;
    world.row("ann").given.push(denial);
    let off =
        "detach_policy ann [policy camsync-deny-all 5]: entitled again, by the rule in line 10";
    assert_eq!(world.changes(), [off]);
    world.stop("ann");
    assert!(world.changes().is_empty(), "not while a person suspends it");
}

#[test]
fn what_a_person_suspended_is_told_and_left_as_it_is() {
    let mut world = World::with(&["ann"]);
    world.stop("ann");
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty());
    assert_eq!(world.problems("ann"), [Problem::SuspendedByPerson]);
    world.less_access = LessAccess::Repair;
    world.row("ann").resume_requested = true;
    assert!(world.changes().is_empty());
}

#[test]
fn sign_in_of_what_a_person_suspended_goes_off_again() {
    let mut world = World::with(&["ann"]);
    world.stop("ann");
    world.seen("ann").console_login = Some(true);
    assert_eq!(
        world.changes(),
        [
            "suspend_user ann: console sign-in was switched on by someone else | was on | becomes off"
        ]
    );
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    assert!(world.changes().is_empty(), "it may be lag");
}

#[test]
fn a_leaver_who_returns_while_a_person_suspends_it_is_no_leaver_any_more() {
    let mut world = returned();
    world.stop("ann");
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::NoLongerLeaving { sub_user: 1 }]);
    assert_eq!(world.problems("ann"), [Problem::SuspendedByPerson]);
}

#[test]
fn whether_it_is_the_same_person_is_asked_once_somebody_resumes_it() {
    let mut world = another();
    world.stop("ann");
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, []);
    assert_eq!(world.problems("ann"), [Problem::SuspendedByPerson]);
}

#[test]
fn nothing_is_granted_while_a_person_suspends_it() {
    let mut world = World::with(&["ann"]);
    world.stop("ann");
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.entitlement("ann").groups.push(wanted("rd"));
    let draft = world.draft();
    assert_eq!(lines(&draft), Vec::<String>::new());
}
