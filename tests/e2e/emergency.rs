//! Emergencies: a person suspends at once, freezes everything, and nothing undoes it.

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::cam::Fault;

use crate::world::{EVERYONE, World, text};

fn of(count: u32) -> World {
    let world = World::new();
    world.join(1..=count);
    world.sync();
    world
}

#[test]
fn a_suspension_by_a_person_is_never_undone_by_a_pass() {
    let world = of(3);
    world.does(&["members", "suspend", "m1"]);
    assert!(!world.signs_in("m1"));
    assert_eq!(world.member("m1")["sub_user"]["suspended"], true);
    for _ in 0..2 {
        world.sync();
        assert!(!world.signs_in("m1"));
        assert!(world.problem("m1").contains("suspended by a person"));
    }
    // Neither a new rule nor a departure and a return do.
    world.configure(
        "",
        &EVERYONE.replace("remark", "console_login = false\nremark"),
    );
    world.sync();
    world.configure("", EVERYONE);
    world.sync();
    world.leave(1..=1);
    world.sync();
    world.join(1..=1);
    world.sync();
    world.sync();
    assert!(!world.signs_in("m1"));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn someone_a_person_suspended_stays_so_through_a_departure_and_a_return() {
    let world = of(5);
    world.does(&["members", "suspend", "m1"]);
    world.leave(1..=1);
    world.sync();
    world.join(1..=1);
    for _ in 0..2 {
        world.sync();
        assert!(!world.signs_in("m1"));
        assert!(world.problem("m1").contains("suspended by"));
    }
    // The other way round: who had left already when a person suspended them.
    world.leave(2..=2);
    world.sync();
    world.does(&["members", "suspend", "m2"]);
    world.join(2..=2);
    world.sync();
    assert!(!world.signs_in("m2"));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1") && !world.signs_in("m2"));
}

#[test]
fn a_suspension_goes_past_freeze_and_guard_while_all_else_waits() {
    let world = of(8);
    world.does(&["freeze"]);
    world.leave(1..=1);
    world.join(9..=9);
    let report = world.sync();
    assert_eq!(report["frozen"], true, "{report}");
    assert!(world.signs_in("m1"));
    assert!(world.cam.user("m9").is_none());
    for id in 2..=7 {
        world.does(&["members", "suspend", &format!("m{id}")]);
    }
    assert_eq!(world.signing_in(2..=7), 0);
    assert!(world.signs_in("m1"), "frozen still");
    world.does(&["members", "resume", "m2"]);
    assert!(
        !world.signs_in("m2"),
        "giving back is a write like any other"
    );
    world.does(&["thaw"]);
    assert!(!world.signs_in("m1"), "what was recorded is applied");
    assert!(world.cam.user("m9").is_some());
    assert!(world.signs_in("m2"));
    assert_eq!(world.signing_in(3..=7), 0);
}

#[test]
fn a_resume_takes_back_a_suspension_that_was_not_applied_yet() {
    let world = of(3);
    world.deny(&["UpdateUser"]);
    world.refuses(&["members", "suspend", "m1"]);
    world.run(&["members", "resume", "m1"]);
    world.deny(&[]);
    world.sync();
    world.sync();
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn a_suspension_that_was_refused_is_tried_until_it_holds() {
    let world = of(3);
    world.cam.inject(
        When::action("UpdateUser").times(2),
        Fault::InternalErrorBefore,
    );
    world.does(&["members", "suspend", "m1"]);
    assert!(!world.signs_in("m1"));
}

#[test]
fn a_suspension_meets_a_running_pass_and_wins() {
    let world = of(40);
    world.configure(
        "",
        &EVERYONE.replace("{{ member.name }}", "edited {{ member.name }}"),
    );
    world.cam.clear_log();
    world.cam.inject(
        When::action("UpdateUser"),
        Fault::Delay(Duration::from_millis(300)),
    );
    let pass = world
        .command(&["sync", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    world.block_on(world.cam.wait_for("UpdateUser", 4));
    // One whose change is under way or done, one whose turn is still to come.
    for id in ["m1", "m9"] {
        world.does(&["members", "suspend", id]);
        assert!(!world.signs_in(id));
    }
    let output = pass.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert!(!world.signs_in("m1") && !world.signs_in("m9"));
    world.cam.clear_faults();
    world.sync();
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert!(!world.signs_in("m1") && !world.signs_in("m9"));
    assert!(world.cam.user("m9").unwrap().remark.starts_with("edited"));
}

#[test]
fn frozen_means_that_nothing_at_all_is_written() {
    let world = of(3);
    world.does(&["freeze"]);
    world.cam.clear_log();
    world.leave(1..=1);
    world.join(4..=5);
    world.cam.set_remark("m2", "other").unwrap();
    for _ in 0..2 {
        world.sync();
    }
    world.run(&["changes", "retry", "1"]);
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
    world.does(&["thaw"]);
    assert_eq!(world.cam.user_names().len(), 5);
    for id in 1..=5 {
        assert_eq!(world.cam.times_created(&format!("m{id}")), 1);
    }
}
