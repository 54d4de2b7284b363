//! Drift: less access is kept until a person says otherwise, more access and looks are repaired, lag is neither.

use std::time::Duration;

use camsync_simulators::cam::UserKind;

use crate::grants::{granting, join};
use crate::tools::{self, Tuning, until};
use crate::world::{EVERYONE, Wish, World, text};

fn of(count: u32) -> World {
    let world = World::new();
    world.join(1..=count);
    world.sync();
    world
}

fn nothing_is_planned(world: &World) {
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn sign_in_switched_off_by_hand_is_kept_until_resumed() {
    let world = of(3);
    // Right after it was made, and again later: the write has been shown by a read, so this is drift.
    world.cam.set_sign_in("m1", false).unwrap();
    for _ in 0..2 {
        nothing_is_planned(&world);
        assert!(!world.signs_in("m1"));
        assert!(world.problem("m1").contains("switched console sign-in off"));
    }
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn a_resume_is_said_once_and_undoes_nothing_later() {
    let world = of(3);
    world.does(&["members", "resume", "m1"]);
    world.cam.set_sign_in("m1", false).unwrap();
    nothing_is_planned(&world);
    world.sync();
    assert!(!world.signs_in("m1"));
    assert!(world.problem("m1").contains("switched console sign-in off"));
}

#[test]
fn repair_mode_undoes_it() {
    let world = of(3);
    world.configure("[drift]\nless_access = \"repair\"\n", EVERYONE);
    world.cam.set_sign_in("m1", false).unwrap();
    world.cam.delete_user("m2").unwrap();
    world.sync();
    assert!(world.signs_in("m1"));
    assert!(world.signs_in("m2"));
    assert_eq!(world.cam.times_created("m2"), 2);
    // What a person suspended through camsync is not drift.
    world.does(&["members", "suspend", "m3"]);
    // A read has shown it: what comes next is more than lag.
    world.sync();
    world.cam.delete_user("m3").unwrap();
    let report = world.sync();
    assert!(world.cam.user("m3").is_none());
    // Recording would drop it, too; but it is not even planned.
    assert_eq!(report["changes"], serde_json::json!([]));
}

#[test]
fn sign_in_switched_on_by_hand_is_switched_off_again_for_the_suspended() {
    let world = of(5);
    world.leave(1..=1);
    world.sync();
    world.does(&["members", "suspend", "m2"]);
    world.cam.set_sign_in("m1", true).unwrap();
    world.cam.set_sign_in("m2", true).unwrap();
    let report = world.sync();
    assert_eq!(report["summary"]["suspend_user"], 2, "{report}");
    assert!(!world.signs_in("m1") && !world.signs_in("m2"));
    let rules = EVERYONE.replace("remark", "console_login = false\nremark");
    world.configure("", &rules);
    world.join(6..=6);
    world.sync();
    assert!(!world.signs_in("m6"));
    world.cam.set_sign_in("m6", true).unwrap();
    world.sync();
    assert!(!world.signs_in("m6"));
}

#[test]
fn the_remark_is_repaired() {
    let world = of(3);
    let before = world.cam.user("m1").unwrap().remark;
    assert!(before.starts_with("成员1"), "{before}");
    world.cam.set_remark("m1", "mine now").unwrap();
    let report = world.sync();
    assert_eq!(report["summary"]["update_user"], 1, "{report}");
    assert_eq!(world.cam.user("m1").unwrap().remark, before);
    world.wecom.rename_member("m1", "New Name");
    world.sync();
    assert!(world.cam.user("m1").unwrap().remark.starts_with("New Name"));
    nothing_is_planned(&world);
}

#[test]
fn deleted_by_hand_is_kept_until_resumed_which_makes_it_anew() {
    let world = of(3);
    world.cam.delete_user("m1").unwrap();
    for _ in 0..2 {
        nothing_is_planned(&world);
        assert!(world.cam.user("m1").is_none());
        assert!(world.problem("m1").contains("deleted the sub-user"));
    }
    let listed = world.read(&["members", "list"]);
    let row = listed["members"]
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["id"] == "m1")
        .unwrap()
        .clone();
    assert_eq!(row["username"], "m1");
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.cam.times_created("m1"), 2);
    nothing_is_planned(&world);
    // Somebody else's account of that name is nobody's to take.
    world.cam.delete_user("m2").unwrap();
    world
        .cam
        .add_user("m2", camsync_simulators::cam::UserKind::SubUser);
    let theirs = world.cam.uin("m2");
    world.does(&["members", "resume", "m2"]);
    assert!(
        world.problem("m2").contains("conflict"),
        "{}",
        world.problem("m2")
    );
    assert!(
        world
            .cam
            .history()
            .iter()
            .all(|w| w.uin != Some(theirs) || w.by == camsync_simulators::cam::Actor::ByHand)
    );
}

#[test]
fn a_leaver_deleted_by_hand_is_gone_for_good() {
    let world = of(3);
    world.leave(1..=1);
    world.sync();
    world.cam.delete_user("m1").unwrap();
    nothing_is_planned(&world);
    let member = world.member("m1");
    assert_eq!(member["sub_user"], serde_json::Value::Null);
    world.join(1..=1);
    world.sync();
    assert!(world.signs_in("m1"));
    assert_eq!(world.cam.times_created("m1"), 2);
}

#[test]
fn what_reads_do_not_show_yet_is_lag_and_not_drift() {
    let world = World::new();
    world.cam.set_read_lag(Duration::from_secs(600));
    world.join(1..=3);
    world.sync();
    for _ in 0..2 {
        nothing_is_planned(&world);
        assert_eq!(world.problem("m1"), "");
    }
    world.cam.settle();
    nothing_is_planned(&world);
    world.wecom.rename_member("m1", "New Name");
    world.leave(2..=2);
    world.sync();
    for _ in 0..2 {
        nothing_is_planned(&world);
    }
    world.cam.settle();
    nothing_is_planned(&world);
    for id in 1..=3 {
        assert_eq!(world.cam.times_created(&format!("m{id}")), 1);
    }
    assert_eq!(world.done_to("m1"), ["AddUser", "UpdateUser"]);
    assert_eq!(world.done_to("m2"), ["AddUser", "UpdateUser"]);
}

/// Whoever asked knows that it was cut short; what is done since is not to be undone for it.
#[test]
fn a_resume_that_a_crash_cut_short_undoes_nothing_that_is_done_later() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    // As it is left by a process that is killed right after it has noted the wish.
    let noted = "UPDATE sub_users SET resume_requested = 1 WHERE key = 'm1'";
    assert_eq!(world.ledger().execute(noted, []).unwrap(), 1);
    world.cam.set_sign_in("m1", false).unwrap();
    world.sync();
    assert!(!world.signs_in("m1"));
    assert!(world.problem("m1").contains("resume"));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
}

/// Whoever asked was told that it came to nothing; what is done since is not to be undone for it.
#[test]
fn a_resume_that_came_to_nothing_undoes_nothing_that_is_done_later() {
    let world = tools::world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        ..Tuning::default()
    });
    world.join(1..=2);
    let _daemon = tools::daemon(&world);
    until("the first pass has its effect", || {
        world.cam.user("m2").is_some()
    });
    world.sync();
    let fault = world.cam.inject(
        camsync_simulators::When::action("GetUserAppId"),
        camsync_simulators::cam::Fault::Http(502),
    );
    let output = world.run(&["members", "resume", "m1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("nothing came back, and the request is forgotten")
            && said.contains("GetUserAppId"),
        "{said}"
    );
    world.cam.revoke_fault(fault);
    world.cam.set_sign_in("m1", false).unwrap();
    world.sync();
    assert!(!world.signs_in("m1"));
    assert!(world.problem("m1").contains("resume"));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
}

/// Nor does it leave anybody suspended without a word.
#[test]
fn whose_resume_a_crash_cut_short_is_told_and_can_be_resumed() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.does(&["members", "suspend", "m1"]);
    let noted = "UPDATE sub_users SET stopped_at = NULL, stopped_by = NULL, resume_requested = 1 WHERE key = 'm1'";
    assert_eq!(world.ledger().execute(noted, []).unwrap(), 1);
    world.sync();
    assert!(!world.signs_in("m1"));
    let problem = world.problem("m1");
    assert!(problem.contains("resume"), "{problem}");
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

/// A rule that allows no sign-in is followed by whoever is adopted, too, and what that takes is counted by the guard.
#[test]
fn adopted_sub_users_lose_the_sign_in_that_their_rule_does_not_allow() {
    let world = World::with(Wish {
        rules: Some(
            "[[admit]]\nwhen = \"member.status == 'active'\"\nadopt = \"wecom\"\nconsole_login = false\n"
                .into(),
        ),
        cam: Some(camsync_simulators::cam::Options {
            wecom_sign_in: camsync_simulators::cam::WecomSignIn::Accepted,
            ..Default::default()
        }),
        ..Wish::default()
    });
    for n in 1..=4 {
        world
            .cam
            .add_wecom_user(&format!("imported{n}"), &format!("m{n}"));
    }
    world.join(1..=4);
    world.sync();
    world.sync();
    let plan = world.held();
    assert_eq!(
        (&plan["evidence"], &plan["removals"]),
        (&"excluded".into(), &4.into())
    );
    assert!(world.signs_in("imported1"));
    world.approve(&plan);
    assert!((1..=4).all(|n| !world.signs_in(&format!("imported{n}"))));
    nothing_is_planned(&world);
}

/// Nor does its write, which may wait for hours while somebody takes sign-in by hand.
#[test]
fn adoption_that_waits_gives_back_nothing_that_was_taken_meanwhile() {
    let world = World::with(Wish {
        rules: Some("[[admit]]\nwhen = \"member.status == 'active'\"\nadopt = \"name\"\n".into()),
        ..Wish::default()
    });
    world.cam.add_user("m1", UserKind::SubUser);
    world.cam.set_sign_in("m1", true).unwrap();
    world.join(1..=1);
    world.sync();
    world.deny(&["UpdateUser"]);
    world.run(&["plans", "approve", &world.held()["id"].to_string()]);
    assert_eq!(world.changes_of("m1")[0]["status"], "held");
    world.cam.set_sign_in("m1", false).unwrap();
    world.deny(&[]);
    world.sync();
    world.sync();
    assert!(!world.signs_in("m1"));
    assert!(
        world.problem("m1").contains("sign-in"),
        "{}",
        world.problem("m1")
    );
    // What was written is the mark.
    let written = world.cam.user("m1").unwrap().remark;
    assert!(written.contains("camsync"), "{written}");
}

/// A console-imported sub-user without sign-in, adopted.
fn adopted_without_sign_in() -> World {
    let world = World::with(Wish {
        rules: Some("[[admit]]\nwhen = \"member.status == 'active'\"\nadopt = \"wecom\"\n".into()),
        cam: Some(camsync_simulators::cam::Options {
            wecom_sign_in: camsync_simulators::cam::WecomSignIn::Accepted,
            ..Default::default()
        }),
        ..Wish::default()
    });
    world.cam.add_wecom_user("imported", "m1");
    world.cam.set_sign_in("imported", false).unwrap();
    world.join(1..=2);
    world.sync();
    world
}

#[test]
fn adoption_never_switches_sign_in_on() {
    let world = adopted_without_sign_in();
    nothing_is_planned(&world);
    assert!(!world.signs_in("imported"));
    assert_eq!(world.problem("m1"), "");
    // Nor does a departure and a return.
    world.leave(1..=1);
    world.sync();
    world.join(1..=1);
    world.sync();
    world.sync();
    assert!(!world.signs_in("imported"));
    assert_eq!(world.problem("m1"), "");
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("imported"));
}

/// What a person gives whom the rule gives it as well is no drift: it stays, and is given back after a return.
#[test]
fn sign_in_that_a_person_gives_whom_the_rule_gives_it_stays() {
    let world = adopted_without_sign_in();
    world.cam.set_sign_in("imported", true).unwrap();
    world.sync();
    assert!(world.signs_in("imported"));
    nothing_is_planned(&world);
    assert_eq!(world.problem("m1"), "");
    let audit = world.read(&["audit", "--limit", "0"]).to_string();
    assert!(audit.contains("sub_user.signs_in_by_hand"), "{audit}");
    world.leave(1..=1);
    world.sync();
    assert!(!world.signs_in("imported"));
    world.join(1..=1);
    world.sync();
    assert!(world.signs_in("imported"));
}

/// What waits for thaw gives back what was there when a person asked.
#[test]
fn a_resume_that_waits_makes_nobody_again_whom_somebody_deletes_meanwhile() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.does(&["members", "suspend", "m1"]);
    world.does(&["freeze"]);
    world.run(&["members", "resume", "m1"]);
    assert_eq!(world.changes_of("m1")[0]["kind"], "resume_user");
    world.cam.delete_user("m1").unwrap();
    world.does(&["thaw"]);
    world.sync();
    assert_eq!(world.cam.times_created("m1"), 1);
    assert!(world.cam.user("m1").is_none());
    world.sync();
    nothing_is_planned(&world);
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
}

#[test]
fn nor_does_one_that_only_a_group_waits_for() {
    let world = granting("[[grant]]\ngroups = [\"staff\"]\n");
    join(&world, 1..=2, 2);
    world.sync();
    world.sync();
    world.cam.leave("m1", "staff").unwrap();
    world.sync();
    world.does(&["freeze"]);
    world.run(&["members", "resume", "m1"]);
    assert_eq!(world.changes_of("m1")[0]["kind"], "add_to_group");
    world.cam.delete_user("m1").unwrap();
    world.does(&["thaw"]);
    world.sync();
    assert!(world.cam.user("m1").is_none());
    assert!(
        world.problem("m1").contains("deleted"),
        "{}",
        world.problem("m1")
    );
}
