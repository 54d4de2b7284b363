//! A provider that lies, wavers or changes its mind: nobody loses access for it without a person (invariants 4 and 6).
//! Its 30,000 departments are in `connectors/wecom/tests/completeness.rs` and, at the daemon, in `hostile_connectors`.

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Status, VisibleRange};
use std::collections::BTreeSet;

use crate::tools::{self, Tuning, assert_nothing_twice, assert_sound};
use crate::world::World;

/// A world whose guard is the usual one.
fn guarded() -> World {
    tools::world(&Tuning {
        guard: String::new(),
        leavers: String::new(),
        ..Tuning::default()
    })
}

/// Whoever is here has sign-in, and nothing was done to anybody but made.
fn assert_nobody_lost_anything(world: &World, label: &str) {
    for write in world.cam.writes() {
        assert_eq!(write.action, "AddUser", "{label}: {write:?}");
    }
}

/// Invariants 4 and 6: departments come and go from the visible range at every crawl. What is out of sight is held,
/// the held plan ends when it is back, and whoever joins meanwhile is served.
#[test]
fn a_range_that_flaps_takes_nobodys_access() {
    let world = guarded();
    for department in 2..=4 {
        world.wecom.add_department(department, "部门", 1);
    }
    for id in 1..=9 {
        let department = 2 + id % 3;
        world
            .wecom
            .add_member(&format!("m{id}"), "成员", &[department]);
    }
    let wide = || VisibleRange::departments(&[2, 3, 4]);
    world.wecom.set_range(wide());
    world.sync();
    let narrow = [
        VisibleRange::departments(&[2]),
        VisibleRange::departments(&[3]),
        // Nothing at all: no crawl is complete.
        VisibleRange::default(),
        VisibleRange::departments(&[2, 3]),
    ];
    for (round, range) in narrow.into_iter().enumerate() {
        let label = format!("range {range:?}");
        world.wecom.set_range(range);
        world
            .wecom
            .add_member(&format!("j{round}"), "来者", &[2, 3]);
        world.run(&["sync"]);
        assert_nobody_lost_anything(&world, &label);
        world.wecom.set_range(wide());
        world.sync();
        assert_nobody_lost_anything(&world, &label);
        assert!(world.plans("held").is_empty(), "{label}");
        assert!(world.signs_in(&format!("j{round}")), "{label}");
    }
    assert_eq!(world.signing_in(1..=9), 9);
    assert_sound(&world);
}

/// Invariant 6: what a provider itself says is believed of a few, and waits for a person when it is about everybody.
#[test]
fn a_provider_that_says_that_everybody_left_is_not_believed_at_once() {
    for status in [Status::Quit, Status::Disabled] {
        let world = guarded();
        world.join(1..=20);
        world.sync();
        let say = |status| {
            for id in 1..=20 {
                world.wecom.set_status(&format!("m{id}"), status);
            }
        };
        say(status);
        world.sync();
        assert_nobody_lost_anything(&world, "all left");
        let held = world.held();
        assert_eq!(
            (&held["evidence"], &held["removals"]),
            (&"said".into(), &20.into())
        );
        say(Status::Active);
        world.sync();
        assert!(world.plans("held").is_empty());
        assert_nobody_lost_anything(&world, "all back");
        assert_sound(&world);
    }
}

/// Invariant 6: lists and look-ups agree that nearly everybody is gone. No witness contradicts them, and a person is asked.
#[test]
fn what_a_provider_says_with_one_voice_waits_for_a_person() {
    let world = guarded();
    world.join(1..=20);
    world.sync();
    let missed: Vec<String> = (2..=20).map(|id| format!("m{id}")).collect();
    for endpoint in ["user/list", "user/get"] {
        world
            .wecom
            .inject(When::action(endpoint), Fault::MissMembers(missed.clone()));
    }
    for _ in 0..3 {
        world.sync();
        let held = world.held();
        assert_eq!(
            (&held["evidence"], &held["removals"]),
            (&"absent".into(), &19.into())
        );
    }
    world.wecom.clear_faults();
    world.sync();
    assert!(world.plans("held").is_empty());
    assert_nobody_lost_anything(&world, "one voice");
    assert_eq!(world.signing_in(1..=20), 20);
}

/// Invariants 2 and 6: every id changes at once, and back again. The old ones are held as absent; nobody is made twice.
#[test]
fn ids_that_all_shift_take_nobodys_access() {
    let world = guarded();
    world.join(1..=20);
    world.sync();
    let shift = |from: &str, to: &str| {
        world.wecom.with(|enterprise| {
            for id in 1..=20 {
                enterprise.change_userid(&format!("{from}{id}"), &format!("{to}{id}"));
            }
        });
    };
    for round in 0..2 {
        shift("m", "n");
        world.sync();
        assert_nobody_lost_anything(&world, &format!("shifted, round {round}"));
        assert_eq!(world.held()["evidence"], "absent");
        shift("n", "m");
        world.sync();
        assert_nobody_lost_anything(&world, &format!("shifted back, round {round}"));
        assert_eq!(world.signing_in(1..=20), 20);
    }
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Invariant 2: one id in several spellings and in several departments is one member with one sub-user.
#[test]
fn an_id_that_comes_twice_is_one_member() {
    let world = guarded();
    for department in 2..=40 {
        world.wecom.add_department(department, "部门", 1);
    }
    let all: Vec<u32> = (1..=40).collect();
    world.wecom.add_member("Everywhere", "处处", &all);
    world.wecom.add_member("everywhere", "处处", &all);
    world.join(1..=3);
    for _ in 0..3 {
        world.sync();
        let made: BTreeSet<String> = world
            .cam
            .user_names()
            .into_iter()
            .map(|name| name.to_lowercase())
            .collect();
        assert_eq!(made.len(), 4, "{made:?}");
        assert_eq!(world.cam.user_names().len(), 4);
    }
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Invariant 4: somebody moves to a department that came to be when the tree had been read already: no list of this crawl
/// shows them, and the crawl is complete. The look-up finds them.
#[test]
fn who_moves_while_the_list_is_crawled_is_not_missed() {
    let world = guarded();
    world.wecom.add_department(2, "部门", 1);
    world.join(1..=5);
    world.wecom.add_member("mover", "移动", &[2]);
    world.sync();
    world.wecom.clear_log();
    let moved = world.wecom.inject(
        When::action("user/list").once(),
        Fault::edit(|enterprise| {
            enterprise.add_department(9, "新部门", 1);
            enterprise.change("mover", |member| {
                member.departments = vec![9];
                member.main_department = 9;
            });
        }),
    );
    let report = world.sync();
    assert_eq!(world.wecom.fault_hits(moved), 1);
    let looked_up = world
        .wecom
        .log()
        .into_iter()
        .any(|request| request.action == "user/get");
    assert!(looked_up, "the crawl showed them: {report:#}");
    assert_nobody_lost_anything(&world, "moved");
    assert_eq!(world.problem("mover"), "");
    world.sync();
    assert_nobody_lost_anything(&world, "crawled again");
    assert!(world.plans("held").is_empty());
}
