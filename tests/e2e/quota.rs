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
