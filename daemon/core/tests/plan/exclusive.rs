//! A rule that alone gives: what others gave by hand goes.

use std::collections::BTreeMap;

use camsync_core::object::ObjectKind;

use crate::world::{World, given, group, policies, policy, wanted};

const BECAUSE: &str = "given by someone else, and the rule in line 30 is exclusive | on excluded";

/// Somebody has put Ann into ops and given her Write; the rule says that it alone gives, and gives nothing.
fn exclusive() -> World {
    let mut world = World::with(&["ann"]);
    world.entitlement("ann").exclusive = Some(30);
    world.grants.set_groups(vec![group(8, "ops", &[101])]);
    world.grants.harmless.insert(4);
    let own = world.own("ann");
    own.groups = Some(BTreeMap::from([(8, "ops".into())]));
    own.policies = Some(BTreeMap::from([(4, "Write".into())]));
    world
}

fn groups_and_policies() -> [String; 2] {
    [
        format!("remove_from_group ann [group ops 8]: {BECAUSE}"),
        format!("detach_policy ann [policy Write 4]: {BECAUSE}"),
    ]
}

#[test]
fn what_others_gave_goes() {
    assert_eq!(exclusive().changes(), groups_and_policies());
    let mut world = exclusive();
    world.entitlement("ann").exclusive = None;
    assert!(world.changes().is_empty());
}

#[test]
fn what_the_rules_call_for_stays_also_where_others_gave_it() {
    let mut world = exclusive();
    world.entitlement("ann").groups.push(wanted("ops"));
    world.grants.policies = policies(&[policy(4, "Write")]);
    world.entitlement("ann").policies.push(wanted("Write"));
    assert!(world.changes().is_empty());
}

#[test]
fn what_camsync_gave_is_taken_as_its_own() {
    let mut world = exclusive();
    world.row("ann").given = vec![
        given(ObjectKind::Group, "ops", 8),
        given(ObjectKind::Policy, "Write", 4),
    ];
    let all = world.changes();
    assert_eq!(all.len(), 2, "each once: {all:?}");
    assert!(all.iter().all(|c| c.contains("no grant rule calls for it")));
}

#[test]
fn what_denies_or_may_deny_stays() {
    let mut world = exclusive();
    world.grants.harmless.clear();
    let mut denies = group(8, "ops", &[101]);
    denies.denies = true;
    world.grants.set_groups(vec![denies]);
    assert!(world.changes().is_empty());
    world.grants.set_groups(Vec::new());
    assert!(world.changes().is_empty(), "of that group nothing is known");
}

#[test]
fn nothing_goes_while_something_that_is_called_for_cannot_be_told_apart() {
    let mut world = exclusive();
    world.grants.policies.insert("Read".into(), None);
    world.entitlement("ann").policies.push(wanted("Read"));
    assert!(world.changes().is_empty());
    let mut world = exclusive();
    world.entitlement("ann").groups.push(wanted("OPS"));
    assert!(world.changes().is_empty());
    let mut world = exclusive();
    world.entitlement("ann").like.push(wanted("zoe"));
    assert!(world.changes().is_empty());
}

#[test]
fn nothing_goes_where_it_was_not_read() {
    let mut world = exclusive();
    world.grants.own.clear();
    assert!(world.changes().is_empty());
}

#[test]
fn a_group_that_came_to_administer_is_neither_given_nor_taken() {
    let mut world = exclusive();
    world.entitlement("ann").groups.push(wanted("ops"));
    let mut admins = group(8, "ops", &[101]);
    admins.administers = Some("Admin".into());
    world.grants.set_groups(vec![admins]);
    assert_eq!(world.changes(), groups_and_policies()[1..]);
}

#[test]
fn what_camsync_gave_shields_nothing_else() {
    let mut world = exclusive();
    let groups = vec![group(7, "rd", &[101]), group(8, "ops", &[101])];
    world.grants.set_groups(groups);
    world.entitlement("ann").groups.push(wanted("rd"));
    world.grants.policies = policies(&[policy(8, "Read")]);
    world.entitlement("ann").policies.push(wanted("Read"));
    world.row("ann").given = vec![
        given(ObjectKind::Group, "rd", 7),
        // Of the same number as the group that others gave.
        given(ObjectKind::Policy, "Read", 8),
    ];
    let own = world.own("ann");
    own.groups.get_or_insert_default().insert(7, "rd".into());
    own.policies
        .get_or_insert_default()
        .insert(8, "Read".into());
    assert_eq!(world.changes(), groups_and_policies());
}
