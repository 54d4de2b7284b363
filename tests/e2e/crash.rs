//! `kill -9`, again and again: whatever the instant, the end is the same, and nothing is done twice.

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::cam::Fault;

use crate::tools::{Dice, Process, Tuning, assert_nothing_twice, assert_sound, until, world};
use crate::world::{World, text};

const MEMBERS: u32 = 60;

/// Runs `arguments` and kills it at an instant of the `round`'s kind, unless it ends before. Says whether it was killed.
fn killed(
    world: &World,
    arguments: &[&str],
    actions: &[&str],
    round: u32,
    dice: &mut Dice,
) -> bool {
    let action = actions[usize::try_from(round).unwrap() / 3 % actions.len()];
    let pass = u32::try_from(dice.below(4)).unwrap();
    let instant = match round % 3 {
        // The request has arrived and has had no effect yet.
        0 => Some(Fault::Delay(Duration::from_secs(30))),
        // It has had its effect, and the answer is on no wire.
        1 => Some(Fault::NeverAnswer),
        // Anywhere.
        _ => None,
    };
    let random = Duration::from_millis(60 + dice.below(250));
    let fault = instant.map(|fault| {
        world
            .cam
            .inject(When::action(action).after(pass).once(), fault)
    });
    let mut process = Process::start(world, arguments);
    let started = std::time::Instant::now();
    let mut ended = false;
    until("the instant comes, or the process ends", || {
        ended = process.ended().is_some();
        let struck = fault.map(|id| world.cam.fault_hits(id) > 0);
        ended
            || struck.unwrap_or(started.elapsed() >= random)
            || started.elapsed() > Duration::from_secs(3)
    });
    process.kill();
    world.cam.clear_faults();
    !ended
}

fn expect_users(world: &World, names: impl Iterator<Item = String>) {
    let mut expected: Vec<String> = names.collect();
    expected.sort();
    assert_eq!(world.cam.user_names(), expected);
}

#[test]
fn a_first_sync_killed_again_and_again_creates_each_member_exactly_once() {
    let world = world(&Tuning {
        target: "requests_per_second = 150".into(),
        ..Tuning::default()
    });
    world.join(1..=MEMBERS);
    let mut dice = Dice(1);
    let kills = (0..18)
        .filter(|round| killed(&world, &["sync", "--json"], &["AddUser"], *round, &mut dice))
        .count();
    world.sync();
    expect_users(&world, (1..=MEMBERS).map(|id| format!("m{id}")));
    assert_nothing_twice(&world);
    assert_sound(&world);
    world.cam.clear_log();
    assert_eq!(world.sync()["changes"].as_array().unwrap().len(), 0);
    assert!(world.cam.writes().is_empty());
    assert!(kills >= 9, "only {kills} kills");
}

#[test]
fn updates_suspensions_and_deletions_survive_being_killed() {
    let world = world(&Tuning {
        target: "requests_per_second = 150".into(),
        ..Tuning::default()
    });
    world.join(1..=40);
    world
        .cam
        .add_user("stranger", camsync_simulators::cam::UserKind::SubUser);
    world.sync();
    // The second pass sees what the first made: only then is a difference more than lag.
    world.sync();
    for id in 1..=20 {
        world
            .wecom
            .rename_member(&format!("m{id}"), &format!("新名{id}"));
    }
    for id in 21..=40 {
        world.wecom.remove_member(&format!("m{id}"));
    }
    let mut dice = Dice(2);
    let kills = (0..18)
        .filter(|round| {
            let actions = if *round < 9 {
                ["UpdateUser", "GetUser"]
            } else {
                ["DeleteUser", "UpdateUser"]
            };
            killed(&world, &["sync", "--json"], &actions, *round, &mut dice)
        })
        .count();
    // The grace of a second runs from the suspension.
    until("every leaver is deleted", || {
        world.sync();
        world.cam.user_names().len() == 21
    });
    expect_users(
        &world,
        (1..=20)
            .map(|id| format!("m{id}"))
            .chain(["stranger".to_owned()]),
    );
    for id in 1..=20 {
        let remark = world.cam.user(&format!("m{id}")).unwrap().remark;
        assert!(
            remark.starts_with(&format!("新名{id}")),
            "m{id} is still {remark}: {:#}",
            world.read(&["changes", "list"])
        );
    }
    assert_nothing_twice(&world);
    assert_sound(&world);
    assert!(kills >= 7, "only {kills} kills");
}

#[test]
fn a_daemon_killed_again_and_again_converges() {
    let world = world(&Tuning {
        target: "requests_per_second = 150".into(),
        ..Tuning::default()
    });
    let mut dice = Dice(3);
    let mut kills = 0;
    for round in 0..12 {
        // Something new to do each time. A source that was crawled waits for its schedule, so a pass by hand follows.
        world.join(round * 4 + 1..=round * 4 + 4);
        let fault = match round % 3 {
            0 => Fault::Delay(Duration::from_secs(30)),
            1 => Fault::NeverAnswer,
            _ => Fault::SlowAnswer(Duration::from_millis(dice.below(60))),
        };
        let id = world.cam.inject(
            When::action("AddUser")
                .after(u32::try_from(dice.below(3)).unwrap())
                .once(),
            fault,
        );
        let daemon = crate::tools::daemon(&world);
        let pass = Process::start(&world, &["sync", "--json"]);
        until("a write is in flight", || world.cam.fault_hits(id) > 0);
        daemon.kill();
        let mut pass = pass;
        assert!(!pass.wait().success(), "{}", pass.stdout());
        assert!(pass.stderr().contains("went away"), "{}", pass.stderr());
        world.cam.clear_faults();
        kills += 1;
    }
    // The socket that the killed one left does not stop the next.
    let output = world.run(&["sync", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    expect_users(&world, (1..=48).map(|id| format!("m{id}")));
    assert_nothing_twice(&world);
    assert_sound(&world);
    assert_eq!(kills, 12);
}
