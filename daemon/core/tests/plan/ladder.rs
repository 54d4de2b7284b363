//! Below sign-in: keys, the deny-all policy, and what camsync gave, of whoever is suspended.

use std::collections::BTreeMap;

use camsync_core::evidence::Absence;
use camsync_core::grants::{DenyAllPolicy, Given};
use camsync_core::object::{Object, ObjectKind};
use camsync_core::plan::Note;
use camsync_core::problem::Problem;
use camsync_core::rules::DenyAll;

use crate::world::{World, given, group, seconds_ago};

const ABSENT: &str =
    "absent: missing from a complete crawl, and the look-up says: 60111 | on absent";

/// Ann is missing.
fn leaver() -> World {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Absent);
    world
}

/// Ann is missing, and was suspended so many days ago.
fn suspended(days: i64) -> World {
    let mut world = leaver();
    world.suspend("ann", days);
    world
}

/// A person has suspended Ann, whom the rules admit.
fn stopped() -> World {
    let mut world = World::with(&["ann"]);
    world.stop("ann");
    world
}

fn keys(all: &[(&str, bool)]) -> Option<BTreeMap<String, bool>> {
    let keys = all.iter().map(|(key, active)| ((*key).to_owned(), *active));
    Some(keys.collect())
}

fn denial() -> Given {
    Given {
        rule: None,
        ..given(ObjectKind::Policy, "camsync-deny-all", 5)
    }
}

/// Camsync put the deny-all policy on Ann, and CAM shows it, or not.
fn denied(mut world: World, shown: bool) -> World {
    world.leavers.deny_all = DenyAll::Always;
    world.grants.deny_all = DenyAllPolicy::Denies(5);
    world.row("ann").given.push(denial());
    let policies = world.own("ann").policies.get_or_insert_default();
    if shown {
        policies.insert(5, "camsync-deny-all".into());
    }
    world
}

fn unreadable(action: &str) -> [Problem; 1] {
    let action = action.to_owned();
    [Problem::Unreadable { action }]
}

/// The lines after that of the suspension.
fn rungs(world: &World) -> Vec<String> {
    world.changes().split_off(1)
}

#[test]
fn an_adopted_account_is_not_let_go_of_before_all_of_it_is_taken() {
    let mut world = denied(suspended(30), false);
    world.adopted("ann");
    let draft = world.draft();
    assert!(draft.notes.is_empty(), "the policy was never attached");
    assert_eq!(draft.changes.len(), 1);
    let mut world = denied(suspended(30), true);
    world.adopted("ann");
    world.own("ann").keys = keys(&[("AKID1", true)]);
    assert!(world.draft().notes.is_empty(), "a key is on");
    world.own("ann").keys = keys(&[("AKID1", false)]);
    let released = [Note::Released { sub_user: 1 }];
    assert_eq!(world.draft().notes, released);
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    world.seen("ann").console_login = Some(true);
    let draft = world.draft();
    assert!(
        draft.notes.is_empty() && draft.changes.is_empty(),
        "no read has shown that sign-in is off"
    );
}

#[test]
fn a_leaver_s_keys_that_work_are_switched_off() {
    let mut world = leaver();
    world.own("ann").keys = keys(&[("AKID1", true), ("AKID2", false)]);
    assert_eq!(
        rungs(&world),
        [format!("disable_key ann [key AKID1]: {ABSENT}")]
    );
}

#[test]
fn that_keys_could_not_be_read_is_told() {
    let mut world = leaver();
    world.own("ann").keys = None;
    assert!(rungs(&world).is_empty());
    assert_eq!(world.problems("ann"), unreadable("ListAccessKeys"));
}

#[test]
fn a_key_that_works_during_the_grace_is_switched_off() {
    let line = "disable_key ann [key AKID1]: the key of a suspended sub-user works";
    for mut world in [suspended(1), stopped()] {
        world.own("ann").keys = keys(&[("AKID1", true)]);
        assert_eq!(world.changes(), [line]);
    }
}

#[test]
fn keys_go_before_the_sub_user_they_belong_to() {
    let mut world = suspended(30);
    world.own("ann").keys = keys(&[("AKID1", false)]);
    world.fresh = false;
    let waits = "| waits for a complete crawl of its source";
    let said = "the grace is over: suspended since 2024-09-04T00:00:00+00:00 | on expired";
    assert_eq!(
        world.changes(),
        [
            format!("delete_key ann [key AKID1]: {said} {waits}"),
            format!(
                "delete_user ann: {said} | was remark 'the rule's [camsync:mark1]', off {waits}"
            ),
        ]
    );
}

#[test]
fn denial_comes_before_anything_else_that_is_taken() {
    let mut world = leaver();
    world.leavers.deny_all = DenyAll::Always;
    world.grants.deny_all = DenyAllPolicy::Denies(5);
    world.own("ann").keys = keys(&[("AKID1", true)]);
    let attach = format!("attach_policy ann [policy camsync-deny-all 5]: {ABSENT}");
    let all = world.changes();
    assert_eq!(all[0], attach);
    assert!(all[1].starts_with("suspend_user"), "{all:?}");
    assert!(all[2].starts_with("disable_key"), "{all:?}");
}

#[test]
fn denial_is_for_those_whom_the_configuration_names() {
    let denied = |deny_all, adopted: bool| {
        let mut world = leaver();
        world.leavers.deny_all = deny_all;
        world.grants.deny_all = DenyAllPolicy::Denies(5);
        if adopted {
            world.adopted("ann");
        }
        world.changes().len() == 2
    };
    assert!(!denied(DenyAll::Never, true));
    assert!(!denied(DenyAll::Adopted, false));
    assert!(denied(DenyAll::Adopted, true));
    assert!(denied(DenyAll::Always, false));
}

#[test]
fn the_deny_all_policy_is_made_where_it_does_not_exist() {
    let mut world = leaver();
    world.leavers.deny_all = DenyAll::Always;
    world.grants.deny_all = DenyAllPolicy::Missing;
    let all = world.changes();
    assert_eq!(
        all[..2],
        [
            "create_policy [policy camsync-deny-all]: leavers are denied everything by it"
                .to_owned(),
            format!("attach_policy ann [policy camsync-deny-all]: {ABSENT}"),
        ]
    );
}

#[test]
fn a_policy_of_its_name_that_does_not_deny_everything_is_not_used() {
    let mut world = leaver();
    world.leavers.deny_all = DenyAll::Always;
    world.grants.deny_all = DenyAllPolicy::SaysOtherwise;
    assert!(rungs(&world).is_empty());
    assert_eq!(world.problems("ann"), [Problem::DenyAllSaysOtherwise]);
}

#[test]
fn a_deny_all_policy_that_was_not_read_is_not_used() {
    let mut world = leaver();
    world.leavers.deny_all = DenyAll::Always;
    assert!(rungs(&world).is_empty());
    assert_eq!(world.problems("ann"), []);
    world.grants.unreadable = Some("ListPolicies".into());
    assert!(rungs(&world).is_empty());
    assert_eq!(world.problems("ann"), unreadable("ListPolicies"));
}

#[test]
fn a_denial_that_somebody_took_off_the_suspended_comes_back() {
    let line = "attach_policy ann [policy camsync-deny-all 5]: \
         the deny-all policy is not on a suspended sub-user";
    for world in [suspended(1), stopped()] {
        assert_eq!(denied(world, false).changes(), [line]);
    }
}

#[test]
fn a_denial_that_cam_shows_is_confirmed_once() {
    let mut world = denied(suspended(1), true);
    assert_eq!(world.draft().notes, []);
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(5));
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    let object = Object::policy("camsync-deny-all", Some(5));
    let confirmed = Note::GrantConfirmed {
        sub_user: 1,
        object,
    };
    assert_eq!(draft.notes, [confirmed]);
}

#[test]
fn a_denial_that_no_read_has_shown_yet_is_lag_for_a_minute() {
    let mut world = denied(suspended(1), false);
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(59));
    assert!(world.changes().is_empty());
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(world.changes().len(), 1);
}

#[test]
fn a_denial_of_which_nothing_was_read_is_left_alone() {
    let mut world = denied(suspended(1), false);
    world.grants.own.clear();
    assert!(world.changes().is_empty());
}

#[test]
fn the_deny_all_policy_that_a_person_has_put_there_is_enough() {
    let mut world = denied(suspended(1), true);
    world.row("ann").given.clear();
    assert!(world.changes().is_empty());
    world.own("ann").policies.get_or_insert_default().clear();
    assert_eq!(world.changes().len(), 1);
}

#[test]
fn what_camsync_gave_a_leaver_is_taken_and_what_others_gave_is_not() {
    let mut world = leaver();
    let member = group(7, "rd", &[101]);
    world
        .grants
        .set_groups(vec![member, group(8, "ops", &[101])]);
    world.own("ann").policies = Some(BTreeMap::from([(3, "Read".into()), (4, "Own".into())]));
    world.row("ann").given = vec![
        given(ObjectKind::Group, "rd", 7),
        given(ObjectKind::Policy, "Read", 3),
    ];
    assert_eq!(
        rungs(&world),
        [
            format!("remove_from_group ann [group rd 7]: {ABSENT}"),
            format!("detach_policy ann [policy Read 3]: {ABSENT}"),
        ]
    );
}

#[test]
fn the_rest_of_what_camsync_gave_is_taken_during_the_grace() {
    let mut world = suspended(1);
    world.grants.set_groups(vec![group(7, "rd", &[101])]);
    world.row("ann").given = vec![given(ObjectKind::Group, "rd", 7)];
    assert_eq!(
        world.changes(),
        [format!("remove_from_group ann [group rd 7]: {ABSENT}").replace(" | on absent", "")]
    );
}

#[test]
fn what_somebody_took_from_a_leaver_before_is_forgotten() {
    let mut world = leaver();
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.row("ann").given = vec![given(ObjectKind::Group, "rd", 7)];
    let draft = world.draft();
    assert_eq!(draft.changes.len(), 1);
    let object = Object::group("rd", Some(7));
    let forgotten = |object| Note::GrantForgotten {
        sub_user: 1,
        object,
    };
    assert_eq!(draft.notes, [forgotten(object)]);
}

#[test]
fn what_was_given_within_the_last_minute_is_taken_though_no_read_has_shown_it() {
    let mut world = leaver();
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.row("ann").given = vec![given(ObjectKind::Group, "rd", 7)];
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(59));
    let draft = world.draft();
    assert_eq!((draft.changes.len(), draft.notes.len()), (2, 0));
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(60));
    let draft = world.draft();
    assert_eq!((draft.changes.len(), draft.notes.len()), (1, 1));
}

#[test]
fn what_was_given_and_not_read_is_taken() {
    let mut world = leaver();
    world.row("ann").given = vec![given(ObjectKind::Policy, "Read", 3)];
    assert_eq!(rungs(&world).len(), 1);
}

/// Ann is as she should be, camsync has switched two of her keys off, and a person asks for them.
fn keys_asked_for() -> World {
    let mut world = World::with(&["ann"]);
    world.row("ann").keys_off = vec!["AKID1".into(), "AKID2".into(), "AKID3".into()];
    world.row("ann").keys_requested = true;
    // The third was deleted since; the fourth is off by somebody else's hand.
    world.own("ann").keys = keys(&[("AKID1", false), ("AKID2", true), ("AKID4", false)]);
    world
}

#[test]
fn keys_that_camsync_switched_off_come_back_when_a_person_asks() {
    let mut world = keys_asked_for();
    let draft = world.draft();
    assert_eq!(
        crate::world::lines(&draft),
        ["enable_key ann [key AKID1]: a person asked that it work again"]
    );
    assert_eq!(draft.notes, []);
    world.row("ann").keys_requested = false;
    assert!(world.changes().is_empty());
}

#[test]
fn a_request_for_keys_is_settled_once_none_of_them_is_off() {
    let mut world = keys_asked_for();
    world.own("ann").keys = keys(&[("AKID1", true), ("AKID4", false)]);
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::KeysSettled { sub_user: 1 }]);
}

#[test]
fn a_request_for_keys_waits_while_they_cannot_be_read_or_a_person_suspends_it() {
    let mut world = keys_asked_for();
    world.own("ann").keys = None;
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty());
    assert_eq!(world.problems("ann"), unreadable("ListAccessKeys"));
    world.grants.own.clear();
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty() && draft.problems.is_empty());
    let mut world = keys_asked_for();
    world.own("ann").keys = keys(&[("AKID1", false)]);
    world.stop("ann");
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty());
}
