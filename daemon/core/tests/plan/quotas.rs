//! Quotas: what does not fit waits, with the numbers; the rest goes on.

use std::collections::BTreeMap;

use camsync_core::change::Hold;
use camsync_core::plan::quota::{Forecast, Quota, used};
use camsync_core::sub_user::{AccountKind, Observed, ObservedUser};

use crate::world::{World, account, group, policies, policy, wanted};

/// These are admitted and have no sub-users, in an account with room for so many.
fn newcomers(keys: &[&str], limit: u64) -> World {
    let mut world = World::empty();
    for key in keys {
        world.admit(key);
    }
    world.quotas.known.insert(Quota::SubUsers, limit);
    world
}

/// What each change waits for, by the name of its sub-user.
fn holds(world: &World) -> Vec<(String, Option<Hold>)> {
    let changes = world.draft().changes.into_iter();
    changes.map(|c| (c.username, c.hold)).collect()
}

fn full(quota: &str, limit: u64, used: u64, wanted: u64) -> Hold {
    Hold::Quota {
        quota: quota.into(),
        limit: Some(limit),
        used,
        wanted,
    }
}

fn forecast(quota: Quota, of: Option<&str>, numbers: (Option<u64>, u64, u64)) -> Forecast {
    let (limit, used, wanted) = numbers;
    Forecast {
        quota,
        of: of.map(str::to_owned),
        limit,
        used,
        wanted,
    }
}

#[test]
fn sub_users_that_do_not_fit_wait_with_the_numbers() {
    let mut world = newcomers(&["ann", "bob", "cid"], 3);
    world.users.push(account(900, "somebody"));
    // The root account is no sub-user.
    world.users.push(ObservedUser {
        kind: AccountKind::Other,
        ..account(901, "root")
    });
    let cid = full("sub_users", 3, 1, 3);
    assert_eq!(
        holds(&world),
        [
            ("ann".to_owned(), None),
            ("bob".to_owned(), None),
            ("cid".to_owned(), Some(cid)),
        ]
    );
    let told = forecast(Quota::SubUsers, None, (Some(3), 1, 3));
    assert_eq!(world.draft().forecast, [told]);
}

#[test]
fn what_the_account_is_to_have_is_forecast_where_no_limit_is_known_either() {
    let mut world = newcomers(&["ann"], 3);
    world.quotas.known.clear();
    assert_eq!(holds(&world), [("ann".to_owned(), None)]);
    let told = forecast(Quota::SubUsers, None, (None, 0, 1));
    assert_eq!(world.draft().forecast, [told]);
}

#[test]
fn what_a_sub_user_is_given_waits_with_its_creation() {
    let mut world = newcomers(&["ann", "bob"], 1);
    world.grants.policies = policies(&[policy(3, "Read")]);
    for key in ["ann", "bob"] {
        world.entitlement(key).policies.push(wanted("Read"));
    }
    let waits = full("sub_users", 1, 0, 2);
    assert_eq!(
        holds(&world),
        [
            ("ann".to_owned(), None),
            ("ann".to_owned(), None),
            ("bob".to_owned(), Some(waits.clone())),
            ("bob".to_owned(), Some(waits)),
        ]
    );
}

#[test]
fn who_is_to_join_a_group_waits_with_its_making_and_others_do_not() {
    let mut world = World::with(&["ann", "bob"]);
    world.quotas.known.insert(Quota::Groups, 1);
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.entitlement("ann").groups.push(wanted("new"));
    world.entitlement("bob").groups.push(wanted("rd"));
    let waits = full("groups", 1, 1, 1);
    assert_eq!(
        holds(&world),
        [
            (String::new(), Some(waits.clone())),
            ("ann".to_owned(), Some(waits)),
            ("bob".to_owned(), None),
        ]
    );
}

/// Ann, Bob and Cid are called into rd, where two are already, with room for so many.
fn crowded(limit: u64) -> World {
    let mut world = World::with(&["ann", "bob", "cid"]);
    world.quotas.known.insert(Quota::GroupSubUsers, limit);
    world.grants.set_groups(vec![group(7, "rd", &[900, 901])]);
    for key in ["ann", "bob", "cid"] {
        world.entitlement(key).groups.push(wanted("rd"));
    }
    world
}

#[test]
fn a_group_takes_no_more_than_it_has_room_for() {
    let waits = full("users_per_group", 4, 2, 3);
    assert_eq!(
        holds(&crowded(4)),
        [
            ("ann".to_owned(), None),
            ("bob".to_owned(), None),
            ("cid".to_owned(), Some(waits)),
        ]
    );
    let told = forecast(Quota::GroupSubUsers, Some("rd"), (Some(4), 2, 3));
    assert_eq!(crowded(4).draft().forecast, [told]);
    assert!(holds(&crowded(5)).iter().all(|(_, hold)| hold.is_none()));
    assert_eq!(crowded(5).draft().forecast, [], "it fits exactly");
}

#[test]
fn a_group_that_is_yet_to_be_made_is_empty_and_has_its_room() {
    let mut world = crowded(2);
    world.grants.set_groups(Vec::new());
    let waits = full("users_per_group", 2, 0, 3);
    assert_eq!(
        holds(&world),
        [
            (String::new(), None),
            ("ann".to_owned(), None),
            ("bob".to_owned(), None),
            ("cid".to_owned(), Some(waits)),
        ]
    );
    let groups = forecast(Quota::Groups, None, (None, 0, 1));
    let members = forecast(Quota::GroupSubUsers, Some("rd"), (Some(2), 0, 3));
    assert_eq!(world.draft().forecast, [groups, members]);
}

#[test]
fn two_groups_that_are_yet_to_be_made_have_room_of_their_own() {
    let mut world = World::with(&["ann", "bob"]);
    world.quotas.known.insert(Quota::GroupSubUsers, 1);
    world.grants.set_groups(Vec::new());
    world.entitlement("ann").groups.push(wanted("new"));
    world.entitlement("bob").groups.push(wanted("rd"));
    assert!(holds(&world).iter().all(|(_, hold)| hold.is_none()));
}

/// Ann has two policies of her own, is to get two more, and may have so many.
fn laden(limit: u64) -> World {
    let mut world = World::with(&["ann"]);
    world.quotas.known.insert(Quota::SubUserPolicies, limit);
    world.grants.policies = policies(&[policy(3, "Read"), policy(4, "Write")]);
    world.entitlement("ann").policies = vec![wanted("Read"), wanted("Write")];
    world.own("ann").policies = Some(BTreeMap::from([(8, "A".into()), (9, "B".into())]));
    world
}

#[test]
fn a_sub_user_gets_no_more_policies_than_it_may_have() {
    let waits = full("policies_per_user", 3, 2, 2);
    let ann = || "ann".to_owned();
    assert_eq!(holds(&laden(3)), [(ann(), None), (ann(), Some(waits))]);
    let told = forecast(Quota::SubUserPolicies, Some("ann"), (Some(3), 2, 2));
    assert_eq!(laden(3).draft().forecast, [told]);
    assert_eq!(holds(&laden(4)), [(ann(), None), (ann(), None)]);
}

#[test]
fn a_sub_user_joins_no_more_groups_than_it_may_be_in() {
    let mut world = World::with(&["ann"]);
    world.quotas.known.insert(Quota::SubUserGroups, 2);
    world.grants.set_groups(vec![
        group(7, "rd", &[]),
        group(8, "ops", &[101]),
        group(9, "zoo", &[]),
    ]);
    world.entitlement("ann").groups = vec![wanted("rd"), wanted("zoo")];
    let waits = full("groups_per_user", 2, 1, 2);
    let ann = || "ann".to_owned();
    assert_eq!(holds(&world), [(ann(), None), (ann(), Some(waits))]);
    world.own("ann").groups = Some(BTreeMap::from([(8, "ops".into()), (6, "x".into())]));
    let waits = full("groups_per_user", 2, 2, 2);
    assert_eq!(
        holds(&world),
        [(ann(), Some(waits.clone())), (ann(), Some(waits))],
        "what was read of its own counts before what groups show"
    );
    let told = forecast(Quota::SubUserGroups, Some("ann"), (Some(2), 2, 2));
    assert_eq!(world.draft().forecast, [told]);
}

#[test]
fn newcomers_have_room_of_their_own() {
    let mut world = newcomers(&["ann", "bob"], 9);
    world.quotas.known.insert(Quota::SubUserPolicies, 1);
    world.grants.policies = policies(&[policy(3, "Read")]);
    for key in ["ann", "bob"] {
        world.entitlement(key).policies.push(wanted("Read"));
    }
    assert!(holds(&world).iter().all(|(_, hold)| hold.is_none()));
}

#[test]
fn one_of_the_same_id_in_another_source_has_room_of_its_own() {
    let mut world = newcomers(&["ann"], 9);
    world.admit_at("beta", "ann");
    world.quotas.known.insert(Quota::SubUserPolicies, 1);
    world.grants.policies = policies(&[policy(3, "Read")]);
    for desired in world.desired.values_mut().flatten() {
        desired.entitlement.policies.push(wanted("Read"));
    }
    if let camsync_core::desired::Verdict::Admitted(admission) =
        &mut world.desired.get_mut("beta").unwrap()[0].verdict
    {
        admission.username = "ann-beta".into();
    }
    let all = holds(&world);
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|(_, hold)| hold.is_none()), "{all:?}");
}

#[test]
fn what_waits_leaves_its_room_to_others() {
    let mut world = World::with(&["ann", "bob"]);
    world.quotas.known.insert(Quota::GroupSubUsers, 1);
    world.quotas.full_at.insert((Quota::SubUserGroups, 101), 0);
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    for key in ["ann", "bob"] {
        world.entitlement(key).groups.push(wanted("rd"));
    }
    let waits = full("groups_per_user", 0, 0, 1);
    assert_eq!(
        holds(&world),
        [("ann".to_owned(), Some(waits)), ("bob".to_owned(), None)]
    );
}

#[test]
fn of_what_is_known_and_what_was_learnt_the_smaller_binds() {
    let mut quotas = newcomers(&[], 5).quotas;
    assert_eq!(quotas.limit(Quota::SubUsers, 0), Some(5));
    quotas.full_at.insert((Quota::SubUsers, 0), 3);
    assert_eq!(quotas.limit(Quota::SubUsers, 0), Some(3));
    quotas.full_at.insert((Quota::SubUsers, 0), 7);
    assert_eq!(quotas.limit(Quota::SubUsers, 0), Some(5));
    assert_eq!(quotas.limit(Quota::Groups, 0), None);
    quotas.full_at.insert((Quota::SubUserGroups, 101), 2);
    assert_eq!(quotas.limit(Quota::SubUserGroups, 101), Some(2));
    assert_eq!(quotas.limit(Quota::SubUserGroups, 102), None);
}

#[test]
fn what_cam_said_stands_until_all_are_counted() {
    let mut world = World::with(&["ann"]);
    world.quotas.full_at.insert((Quota::SubUserGroups, 101), 3);
    let mut unread = group(8, "ops", &[]);
    unread.members = None;
    world.grants.set_groups(vec![group(7, "rd", &[]), unread]);
    world.entitlement("ann").groups.push(wanted("rd"));
    let waits = full("groups_per_user", 3, 3, 1);
    assert_eq!(holds(&world), [("ann".to_owned(), Some(waits))]);
    let ops = group(8, "ops", &[101]);
    world.grants.set_groups(vec![group(7, "rd", &[]), ops]);
    assert_eq!(holds(&world), [("ann".to_owned(), None)], "room was made");
}

#[test]
fn what_is_used_is_known_only_where_it_was_read_whole() {
    let observed = Observed::new(vec![account(900, "x")]);
    let mut world = World::empty();
    let count = |world: &World, quota, of| used(&observed, &world.grants, quota, of);
    assert_eq!(count(&world, Quota::SubUsers, 0), Some(1));
    assert_eq!(count(&world, Quota::Groups, 0), None);
    assert_eq!(count(&world, Quota::GroupSubUsers, 7), None);
    assert_eq!(count(&world, Quota::SubUserPolicies, 101), None);
    let mut unread = group(8, "ops", &[]);
    unread.members = None;
    world
        .grants
        .set_groups(vec![group(7, "rd", &[101, 102]), unread]);
    assert_eq!(count(&world, Quota::Groups, 0), Some(2));
    assert_eq!(count(&world, Quota::GroupSubUsers, 7), Some(2));
    assert_eq!(count(&world, Quota::GroupSubUsers, 8), None);
    assert_eq!(count(&world, Quota::SubUserGroups, 101), None);
    world.grants.set_groups(vec![group(7, "rd", &[101, 102])]);
    assert_eq!(count(&world, Quota::SubUserGroups, 101), Some(1));
    assert_eq!(count(&world, Quota::SubUserGroups, 103), Some(0));
}

#[test]
fn words_for_quotas_are_read_back() {
    for (quota, word) in [
        (Quota::SubUsers, "sub_users"),
        (Quota::Groups, "groups"),
        (Quota::GroupSubUsers, "users_per_group"),
        (Quota::SubUserGroups, "groups_per_user"),
        (Quota::SubUserPolicies, "policies_per_user"),
    ] {
        assert_eq!(quota.as_str(), word);
        assert_eq!(Quota::parse(word), Some(quota));
    }
    assert_eq!(Quota::parse("keys"), None);
}
