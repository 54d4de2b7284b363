//! Every write to the cloud is in the ledger before it is sent, and its outcome after.

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::cam::Fault;

use crate::tools::{self, Process, Tuning, assert_nothing_twice, assert_sound, until};
use crate::world::{EVERYONE, World};

/// How often the client asks before a read fails.
const READ_ATTEMPTS: u32 = 3;

/// The status of the newest change of this kind, and how many of its attempts have no outcome.
fn recorded(world: &World, kind: &str) -> (String, u32) {
    let found = world.ledger().query_row(
        "SELECT status, (SELECT count(*) FROM attempts WHERE change = changes.id AND ended_at IS NULL)
         FROM changes WHERE kind = ?1 ORDER BY id DESC LIMIT 1",
        [kind],
        |row| Ok((row.get(0)?, row.get(1)?)),
    );
    found.unwrap()
}

/// Runs a pass, and looks into the ledger while `action` is with CAM and has had no effect yet.
fn is_recorded_while_it_is_sent(world: &World, action: &str, kind: &str) {
    let held = world.cam.inject(
        When::action(action).once(),
        Fault::Delay(Duration::from_secs(60)),
    );
    let pass = Process::start(world, &["sync", "--json"]);
    until(&format!("{action} is with CAM"), || {
        world.cam.fault_hits(held) > 0
    });
    assert_eq!(recorded(world, kind), ("in_flight".into(), 1), "{action}");
    pass.kill();
    world.cam.clear_faults();
    // What was cut short is settled by the next pass, and has its outcome.
    world.sync();
    assert_eq!(recorded(world, kind), ("applied".into(), 0), "{action}");
}

#[test]
fn a_write_is_recorded_before_it_is_sent_and_its_outcome_after() {
    let world = tools::world(&Tuning {
        leavers: "delete_after = \"30d\"".into(),
        ..Tuning::default()
    });
    world.join(1..=1);
    is_recorded_while_it_is_sent(&world, "AddUser", "create_user");
    world.wecom.rename_member("m1", "另名");
    is_recorded_while_it_is_sent(&world, "UpdateUser", "update_user");
    world.join(2..=2);
    world.sync();
    world.leave(1..=1);
    is_recorded_while_it_is_sent(&world, "UpdateUser", "suspend_user");
    world.end_grace();
    is_recorded_while_it_is_sent(&world, "DeleteUser", "delete_user");
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// What an earlier process planned is not sent by the next one before a plan has looked at it.
#[test]
fn a_retry_sends_nothing_that_is_not_called_for_any_more() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    let but_m2 = "[[admit]]\nwhen = \"member.id == 'm2'\"\nenroll = \"exclude\"\n";
    world.configure("", &format!("{but_m2}{EVERYONE}"));
    world.deny(&["UpdateUser"]);
    world.sync_fails();
    let waiting = world.changes();
    let waiting: Vec<_> = waiting.iter().filter(|c| c["status"] == "held").collect();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    world.configure("", EVERYONE);
    world.deny(&[]);
    world.does(&["changes", "retry", &waiting[0]["id"].to_string()]);
    assert!(world.signs_in("m2"), "the rules admit m2 again");
}

#[test]
fn a_newer_plan_supersedes_what_still_waits_of_an_older_one() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.does(&["freeze"]);
    for name in ["甲", "乙"] {
        world.wecom.rename_member("m1", name);
        world.sync();
    }
    world.leave(2..=2);
    world.sync();
    world.join(2..=2);
    world.sync();
    let statuses = |username: &str| -> Vec<String> {
        let changes = world.changes_of(username);
        let waiting = changes.iter().filter(|c| c["kind"] != "create_user");
        waiting
            .map(|c| c["status"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(statuses("m1"), ["pending", "superseded"]);
    assert_eq!(statuses("m2"), ["superseded"]);
    world.does(&["thaw"]);
    world.sync();
    assert_eq!(world.done_to("m1"), ["AddUser", "UpdateUser"]);
    assert_eq!(world.done_to("m2"), ["AddUser"]);
    assert!(world.cam.user("m1").unwrap().remark.starts_with("乙"));
}

#[test]
fn a_write_whose_answer_and_read_were_both_lost_is_read_before_it_is_sent_again() {
    let world = World::new();
    world.join(1..=1);
    world.sync();
    world.wecom.rename_member("m1", "另名");
    let about = |action| When::action(action).key("m1");
    world
        .cam
        .inject(about("UpdateUser").once(), Fault::AnswerLost);
    // Before the write it is read whose name it is; the read after it fails, as often as the client asks by itself.
    let unread = world.cam.inject(
        about("GetUser").after(1).times(READ_ATTEMPTS),
        Fault::EffectLost,
    );
    world.sync();
    assert_eq!(world.cam.fault_hits(unread), READ_ATTEMPTS);
    assert_eq!(world.cam.count("UpdateUser"), 1);
    assert_eq!(recorded(&world, "update_user"), ("applied".into(), 0));
}
