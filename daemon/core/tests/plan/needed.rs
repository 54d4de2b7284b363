//! What of CAM's grants a plan has to see: no more than it decides about.

use camsync_core::desired::Verdict;
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::grants::{Needs, OwnNeed};
use camsync_core::object::ObjectKind;
use camsync_core::plan::quota::Quota;
use camsync_core::rules::{Adopt, DenyAll};

use crate::objects::made;
use crate::world::{World, account, given, wanted};

const PLAIN: OwnNeed = OwnNeed {
    fresh: false,
    groups: false,
    keys: false,
};
const KEYS: OwnNeed = OwnNeed {
    keys: true,
    ..PLAIN
};
const FRESH_KEYS: OwnNeed = OwnNeed {
    fresh: true,
    ..KEYS
};

/// What of Ann's own is to be read.
fn own(world: &World) -> Option<OwnNeed> {
    world.needs().own.get(&101).copied()
}

fn leaver() -> World {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Absent);
    world
}

#[test]
fn nothing_is_read_where_no_rule_grants_and_nobody_leaves() {
    let mut world = World::with(&["ann"]);
    world.admit("bob");
    assert_eq!(world.needs(), Needs::default());
    assert!(!world.needs().groups());
}

#[test]
fn what_rules_call_for_is_read_by_its_name() {
    let mut world = World::with(&["ann"]);
    let entitlement = world.entitlement("ann");
    entitlement.groups.push(wanted("rd"));
    assert_eq!(own(&world), None, "a group shows its members");
    world.entitlement("ann").policies.push(wanted("Read"));
    assert_eq!(own(&world), Some(PLAIN));
    world.entitlement("ann").policies.clear();
    world.entitlement("ann").like.push(wanted("zoe"));
    assert_eq!(own(&world), Some(PLAIN));
    world.entitlement("ann").policies.push(wanted("Read"));
    let needs = world.needs();
    assert_eq!(needs.group_names, ["rd".to_owned()].into());
    assert_eq!(needs.policies, ["Read".to_owned()].into());
    assert_eq!(needs.templates, ["zoe".to_owned()].into());
    assert!(needs.groups());
}

#[test]
fn nothing_is_read_for_those_whom_no_rule_admits() {
    let mut world = World::empty();
    world.admit("bob");
    world.entitlement("bob").groups.push(wanted("rd"));
    world.facts("bob").verdict = Verdict::Unmatched;
    assert_eq!(world.needs(), Needs::default());
}

#[test]
fn what_camsync_gave_or_made_is_read() {
    let mut world = World::with(&["ann"]);
    world.row("ann").given = vec![given(ObjectKind::Group, "rd", 7)];
    world.made.push(made(8, "ops"));
    let mut policy = made(9, "camsync-deny-all");
    policy.kind = ObjectKind::Policy;
    world.made.push(policy);
    let needs = world.needs();
    assert_eq!(needs.group_ids, [7, 8].into());
    assert!(needs.own.is_empty() && !needs.deny_all);
    assert!(needs.groups());
    world.row("ann").given = vec![given(ObjectKind::Policy, "Read", 3)];
    assert_eq!(world.needs().group_ids, [8].into());
    assert_eq!(own(&world), Some(PLAIN));
}

#[test]
fn where_a_rule_alone_gives_all_groups_are_read() {
    let mut world = World::with(&["ann"]);
    world.entitlement("ann").exclusive = Some(30);
    let need = OwnNeed {
        groups: true,
        ..PLAIN
    };
    assert_eq!(own(&world), Some(need));
    assert!(world.needs().groups());
}

#[test]
fn an_account_of_a_newcomer_s_name_is_read_where_it_may_be_taken_over() {
    let mut world = World::with(&["ann"]);
    world.admit("bob");
    world.users.push(account(900, "BOB"));
    assert!(world.needs().candidates.is_empty());
    world.admission("bob").adopt = Adopt::Name;
    world.admission("ann").adopt = Adopt::Name;
    let needs = world.needs();
    assert_eq!(needs.candidates, [900].into(), "ann has hers");
    assert!(needs.groups());
}

#[test]
fn a_new_leaver_s_own_is_read_at_once_with_keys() {
    assert_eq!(own(&leaver()), Some(FRESH_KEYS));
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Left, Some(Evidence::Said));
    assert_eq!(own(&world), Some(FRESH_KEYS));
    world.row("ann").protected = true;
    assert_eq!(own(&world), None, "the protected lose nothing");
    let mut world = World::with(&["ann"]);
    world.row("ann").replaced_by = Some("eve".into());
    assert_eq!(own(&world), Some(FRESH_KEYS));
}

#[test]
fn the_own_of_the_suspended_is_read_as_of_late_and_anew_when_the_grace_is_over() {
    let mut world = leaver();
    world.suspend("ann", 1);
    assert_eq!(own(&world), Some(KEYS));
    world.suspend("ann", 30);
    assert_eq!(own(&world), Some(FRESH_KEYS));
    world.row("ann").protected = true;
    assert_eq!(own(&world), Some(KEYS));
    let mut world = World::with(&["ann"]);
    world.stop("ann");
    assert_eq!(own(&world), Some(KEYS));
}

#[test]
fn the_own_of_who_returns_is_read() {
    let mut world = World::with(&["ann"]);
    world.suspend("ann", 40);
    assert_eq!(own(&world), Some(KEYS), "nobody is deleted who is entitled");
}

#[test]
fn keys_are_read_anew_when_a_person_asks_for_them() {
    let mut world = World::with(&["ann"]);
    world.row("ann").keys_requested = true;
    assert_eq!(own(&world), Some(FRESH_KEYS));
}

#[test]
fn the_deny_all_policy_is_read_where_it_is_a_rung_or_was_given() {
    assert!(!leaver().needs().deny_all);
    let mut world = leaver();
    world.leavers.deny_all = DenyAll::Always;
    assert!(world.needs().deny_all);
    world.leavers.deny_all = DenyAll::Adopted;
    assert!(!world.needs().deny_all);
    world.adopted("ann");
    assert!(world.needs().deny_all);
    let mut world = World::with(&["ann"]);
    world.leavers.deny_all = DenyAll::Always;
    assert!(!world.needs().deny_all);
    let mut denial = given(ObjectKind::Policy, "camsync-deny-all", 5);
    denial.rule = None;
    world.row("ann").given.push(denial);
    assert!(world.needs().deny_all);
}

#[test]
fn nobody_s_own_is_read_who_is_not_managed_or_of_another_source() {
    let mut world = leaver();
    world.row("ann").stage = camsync_core::sub_user::Stage::Released;
    assert_eq!(own(&world), None);
    let mut world = leaver();
    world.row("ann").source = "beta".into();
    assert_eq!(own(&world), None);
    let mut world = leaver();
    world.row("ann").uin = None;
    assert!(world.needs().own.is_empty());
}

#[test]
fn what_was_full_is_counted_anew() {
    let mut world = World::with(&["ann"]);
    let full = &mut world.quotas.full_at;
    full.insert((Quota::SubUsers, 0), 9);
    full.insert((Quota::Groups, 0), 9);
    assert_eq!(world.needs(), Needs::default());
    world.quotas.full_at.insert((Quota::GroupSubUsers, 7), 9);
    assert_eq!(world.needs().group_ids, [7].into());
    let policies = OwnNeed {
        fresh: true,
        ..PLAIN
    };
    world
        .quotas
        .full_at
        .insert((Quota::SubUserPolicies, 101), 9);
    assert_eq!(own(&world), Some(policies));
    world.quotas.full_at.insert((Quota::SubUserGroups, 101), 9);
    let groups = OwnNeed {
        groups: true,
        ..policies
    };
    assert_eq!(own(&world), Some(groups));
    world.users.clear();
    assert_eq!(own(&world), None, "it is not there any more");
}
