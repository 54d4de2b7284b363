//! Quotas and permissions: what CAM refuses waits with its numbers, the rest goes on.

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, Quotas, UserKind};

use crate::world::{EVERYONE, Wish, World};

fn room_for(users: usize) -> World {
    World::with(Wish {
        cam: Some(Options {
            quotas: Quotas {
                users,
                ..Quotas::default()
            },
            ..Options::default()
        }),
        ..Wish::default()
    })
}

fn with_status(world: &World, status: &str) -> usize {
    let found = world.changes();
    found.iter().filter(|c| c["status"] == status).count()
}

#[test]
fn a_full_account_holds_creations_and_lets_the_rest_go_on() {
    let world = room_for(4);
    world.join(1..=3);
    world.sync();
    world.join(4..=7);
    world.leave(1..=1);
    world.run(&["sync"]);
    assert_eq!(world.cam.user_names().len(), 4);
    assert_eq!(with_status(&world, "held"), 3);
    assert!(!world.signs_in("m1"), "the rest goes on");
    world.cam.clear_log();
    let report = world.sync();
    assert_eq!(
        world.cam.count("AddUser"),
        0,
        "asked for no more than needed"
    );
    let waits = report["changes"][0]["waits_for"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        waits.contains("4 used") && waits.contains("3 more wanted"),
        "{waits}"
    );
    let waiting = (4..=7).filter(|id| world.problem(&format!("m{id}")).contains("quota"));
    assert_eq!(waiting.count(), 3);
    // Room appears: tried again by itself.
    world.cam.delete_user("m1").unwrap();
    world.sync();
    assert_eq!(world.cam.user_names().len(), 4);
    assert!(world.cam.user("m1").is_none());
    world.cam.configure(|o| o.quotas.users = 100);
    let held = world
        .changes()
        .into_iter()
        .find(|c| c["status"] == "held")
        .unwrap();
    world.does(&["changes", "retry", &held["id"].to_string()]);
    world.sync();
    assert_eq!(world.cam.user_names().len(), 6);
    assert_eq!(with_status(&world, "held"), 0);
}

#[test]
fn a_limit_of_new_sub_users_a_day_holds_them() {
    let world = World::new();
    world.join(1..=3);
    let limited = Fault::Code("RequestLimitExceeded.CreateUser".into());
    world.cam.inject(When::action("AddUser"), limited);
    world.run(&["sync"]);
    assert_eq!(with_status(&world, "held"), 3);
    world.cam.clear_faults();
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("AddUser"), 0);
    let held = &world.changes()[0];
    world.does(&["changes", "retry", &held["id"].to_string()]);
    world.sync();
    assert_eq!(world.cam.user_names().len(), 3);
}

#[test]
fn a_known_quota_is_forecast() {
    let world = World::new();
    world.edit(|text| text.replace("[target]", "[target]\nquotas = { sub_users = 3 }"));
    world.cam.add_user("stranger", UserKind::SubUser);
    world.join(1..=5);
    let report = world.read(&["plan"]);
    let held = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["held"] == true);
    let waits: Vec<&str> = held.map(|c| c["waits_for"].as_str().unwrap()).collect();
    assert_eq!(waits.len(), 3, "{report}");
    assert!(waits[0].contains("1 used of 3, 5 more wanted"), "{waits:?}");
    world.sync();
    assert_eq!(world.cam.count("AddUser"), 2);
    assert_eq!(world.cam.user_names().len(), 3);
    world.edit(|text| text.replace("sub_users = 3", "sub_users = 10"));
    world.sync();
    assert_eq!(world.cam.user_names().len(), 6);
}

#[test]
fn a_missing_permission_parks_that_kind_alone() {
    let world = World::new();
    world.join(1..=4);
    world.sync();
    world.deny(&["AddUser"]);
    world.join(5..=9);
    world.leave(1..=1);
    world.cam.clear_log();
    let report = world.sync_fails();
    assert!(!world.signs_in("m1"));
    assert_eq!(with_status(&world, "held"), 5);
    let waits = report["waiting"][0]["waits_for"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(waits.contains("cam:AddUser"), "{waits}");
    world.deny(&[]);
    world.configure("", EVERYONE);
    world.sync();
    assert_eq!(world.cam.user_names().len(), 9);
    for id in 5..=9 {
        assert_eq!(world.cam.times_created(&format!("m{id}")), 1);
    }
}

/// Everybody in these groups and with these policies, in an account with these quotas.
fn granting(groups: &str, policies: &str, quotas: Quotas) -> World {
    World::with(Wish {
        cam: Some(Options {
            quotas,
            ..Options::default()
        }),
        rules: Some(format!(
            "{EVERYONE}\n[[grant]]\nwhen = \"true\"\ngroups = {groups}\npolicies = {policies}\n"
        )),
        ..Wish::default()
    })
}

fn waits_for(world: &World) -> Vec<String> {
    let mut held = world.changes();
    held.retain(|c| c["status"] == "held");
    let said = held.iter().map(|c| c["waits_for"].as_str().unwrap());
    said.map(str::to_owned).collect()
}

fn full_quotas(world: &World) -> u32 {
    let count = "SELECT count(*) FROM full_quotas";
    let ledger = world.ledger();
    ledger.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_full_group_holds_those_who_do_not_fit_and_takes_them_when_there_is_room() {
    let quotas = Quotas {
        users_per_group: 3,
        ..Quotas::default()
    };
    let world = granting("[\"staff\", \"all\"]", "[]", quotas);
    world.join(1..=4);
    let report = world.read(&["sync"]);
    let members = |group: &str| world.cam.with(|cloud| cloud.members_of(group).len());
    assert_eq!((members("staff"), members("all")), (3, 3), "{report}");
    assert_eq!(world.cam.user_names().len(), 4, "the rest goes on");
    let waits = waits_for(&world);
    assert_eq!(waits.len(), 2, "{waits:?}");
    assert_eq!(full_quotas(&world), 2);
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("AddUserToGroup"), 0, "not asked again");
    let waits = waits_for(&world);
    let told = |said: &String| said.contains("users_per_group") && said.contains("3 used of 3");
    assert!(waits.iter().all(told), "{waits:?}");
    // Room in one of them: that is used, the other still waits.
    let leaver = world.cam.with(|cloud| cloud.members_of("all").remove(0));
    world.cam.leave(&leaver, "all").unwrap();
    world.sync();
    assert_eq!((members("staff"), members("all")), (3, 3));
    assert_eq!(full_quotas(&world), 1);
    // A person asks again: everything learnt is forgotten.
    world.cam.configure(|o| o.quotas.users_per_group = 100);
    let mut held = world.changes();
    held.retain(|c| c["status"] == "held");
    world.does(&["changes", "retry", &held[0]["id"].to_string()]);
    world.sync();
    assert_eq!((members("staff"), waits_for(&world).len()), (4, 0));
    assert_eq!(full_quotas(&world), 0);
}

#[test]
fn one_with_too_many_groups_or_policies_waits_alone() {
    let quotas = Quotas {
        groups_per_user: 2,
        policies_per_entity: 1,
        ..Quotas::default()
    };
    let policies = "[\"QcloudCVMReadOnlyAccess\", \"QcloudCOSReadOnlyAccess\"]";
    let world = granting("[\"a\", \"b\", \"c\"]", policies, quotas);
    world.join(1..=3);
    world.run(&["sync"]);
    for name in ["m1", "m2", "m3"] {
        let user = world.cam.user(name).unwrap();
        assert_eq!((user.groups.len(), user.policies.len()), (2, 1), "{name}");
    }
    let waits = waits_for(&world);
    assert_eq!(waits.len(), 6, "{waits:?}");
    assert_eq!(full_quotas(&world), 6);
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("AddUserToGroup"), 0);
    assert_eq!(world.cam.count("AttachUserPolicy"), 0);
    let waits = waits_for(&world);
    let of = |word: &str| waits.iter().filter(|said| said.contains(word)).count();
    assert_eq!((of("groups_per_user"), of("policies_per_user")), (3, 3));
}

#[test]
fn no_room_for_a_group_holds_it_and_whoever_is_to_join_it() {
    let quotas = Quotas {
        groups: 1,
        ..Quotas::default()
    };
    let world = granting("[\"a\", \"b\"]", "[]", quotas);
    world.join(1..=2);
    world.run(&["sync"]);
    assert_eq!(world.cam.with(|cloud| cloud.groups.len()), 1);
    for name in ["m1", "m2"] {
        assert_eq!(world.cam.user(name).unwrap().groups.len(), 1, "{name}");
    }
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("CreateGroup"), 0);
    world.cam.configure(|o| o.quotas.groups = 10);
    let mut held = world.changes();
    held.retain(|c| c["status"] == "held" && c["kind"] == "create_group");
    world.does(&["changes", "retry", &held[0]["id"].to_string()]);
    world.sync();
    for name in ["m1", "m2"] {
        assert_eq!(world.cam.user(name).unwrap().groups.len(), 2, "{name}");
    }
    assert!(waits_for(&world).is_empty());
}
