//! The leaver's ladder, the grace, and the return.

use camsync_simulators::When;
use camsync_simulators::cam::{Options, WecomSignIn};
use camsync_simulators::wecom::{self, Fault};

use crate::world::{EVERYONE, Wish, World};

const ADOPT: &str = "[[admit]]\nwhen = \"member.status == 'active'\"\nadopt = \"wecom\"\n";

fn gone(members: u32, leaving: std::ops::RangeInclusive<u32>) -> World {
    let world = World::new();
    world.join(1..=members);
    world.sync();
    world.leave(leaving);
    world.sync();
    world
}

/// A console-imported sub-user, adopted.
fn imported(sign_in: WecomSignIn) -> World {
    let world = World::with(Wish {
        rules: Some(ADOPT.into()),
        cam: Some(Options {
            wecom_sign_in: sign_in,
            ..Options::default()
        }),
        ..Wish::default()
    });
    world.cam.add_wecom_user("imported", "m1");
    world.join(1..=3);
    world.sync();
    assert_eq!(world.member("m1")["username"], "imported");
    assert_eq!(world.cam.times_created("m1"), 0);
    world
}

#[test]
fn a_rung_without_effect_raises_an_alarm_and_passes_for_nothing() {
    let world = imported(WecomSignIn::Ignored);
    world.leave(1..=1);
    let report = world.sync_fails();
    assert_eq!(
        report["failed"][0]["error"]["code"], "no_effect",
        "{report}"
    );
    let change = &world.changes_of("imported")[0];
    assert_eq!(change["kind"], "suspend_user");
    assert_eq!(change["status"], "failed");
    assert_eq!(world.member("m1")["sub_user"]["suspended"], false);
    assert_eq!(world.read(&["status"])["sub_users"]["suspended"], 0);
}

#[test]
fn adopted_sub_users_are_released_instead_of_deleted() {
    let world = imported(WecomSignIn::Accepted);
    world.leave(1..=1);
    world.sync();
    assert!(!world.signs_in("imported"));
    world.end_grace();
    world.sync();
    assert!(world.cam.user("imported").is_some());
    assert_eq!(world.member("m1")["sub_user"]["managed"], false);
    assert!(!world.done_to("imported").contains(&"DeleteUser".into()));
}

/// Nothing is written to an account that camsync has let go of.
#[test]
fn adopted_sub_users_are_not_released_before_all_is_taken() {
    let world = imported(WecomSignIn::Accepted);
    world.deny(&["AttachUserPolicy"]);
    world.leave(1..=1);
    world.sync_fails();
    world.end_grace();
    world.sync_fails();
    assert_eq!(world.member("m1")["sub_user"]["managed"], true);
    world.deny(&[]);
    world.sync();
    let written = world.done_to("imported");
    assert_eq!(written.last().unwrap(), "AttachUserPolicy", "{written:?}");
    world.sync();
    assert_eq!(world.member("m1")["sub_user"]["managed"], false);
    assert_eq!(world.done_to("imported"), written);
}

#[test]
fn adopted_sub_users_are_deleted_where_the_configuration_says_so() {
    let world = imported(WecomSignIn::Accepted);
    world.configure("[leavers]\ndelete_adopted = true\n", ADOPT);
    world.leave(1..=1);
    world.sync();
    world.end_grace();
    world.sync();
    assert!(world.cam.user("imported").is_none());
}

#[test]
fn deletion_needs_the_grace_a_complete_crawl_and_a_witness_of_that_moment() {
    let world = gone(5, 1..=1);
    world.sync();
    assert!(world.cam.user("m1").is_some(), "within the grace");
    world.end_grace();
    world
        .wecom
        .inject(When::action("user/list"), Fault::Http(500));
    world.sync_fails();
    assert!(world.cam.user("m1").is_some(), "the crawl failed");
    world.wecom.clear_faults();
    world
        .wecom
        .inject(When::action("user/get"), Fault::Http(500));
    world.sync();
    assert!(world.cam.user("m1").is_some(), "the look-up failed");
    world.wecom.clear_faults();
    let report = world.sync();
    assert_eq!(report["summary"]["delete_user"], 1, "{report}");
    assert!(world.cam.user("m1").is_none());
    assert_eq!(world.changes_of("m1")[0]["kind"], "delete_user");
}

#[test]
fn delete_after_never_keeps_them_suspended() {
    let world = gone(5, 1..=1);
    world.configure("[leavers]\ndelete_after = \"never\"\n", EVERYONE);
    world.end_grace();
    world.sync();
    assert!(world.cam.user("m1").is_some_and(|u| !u.console_login));
}

#[test]
fn protected_accounts_are_exempt_from_every_removal() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.does(&["members", "protect", "m1"]);
    world.leave(1..=1);
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert!(world.signs_in("m1"));
    assert!(world.problem("m1").contains("protected"));
    world.does(&["members", "protect", "m1", "--off"]);
    world.sync();
    assert!(!world.signs_in("m1"));
    world.does(&["members", "protect", "m1"]);
    world.end_grace();
    world.sync();
    assert!(world.cam.user("m1").is_some());
}

#[test]
fn many_deletions_wait_for_a_person_whose_approval_is_not_lost() {
    let world = gone(20, 1..=5);
    world.approve(&world.held());
    assert_eq!(world.signing_in(1..=5), 0);
    world.end_grace();
    world.sync();
    let plan = world.held();
    assert_eq!(plan["evidence"], "expired");
    assert_eq!(plan["summary"]["delete_user"], 5);
    assert_eq!(world.cam.user_names().len(), 20);
    // A decision elsewhere makes a plan without a crawl: the held plan stays what it is.
    world.does(&["members", "resume", "m20"]);
    assert_eq!(world.held()["id"], plan["id"]);
    // Without a crawl nobody is deleted, and the approval waits for one.
    world
        .wecom
        .inject(When::action("user/list"), Fault::Http(500));
    world.run(&["plans", "approve", &plan["id"].to_string()]);
    assert_eq!(world.cam.user_names().len(), 20);
    assert_eq!(world.plan_status(&plan["id"]), "approved");
    let waiting = &world.changes_of("m1")[0];
    assert_eq!(waiting["status"], "held", "{waiting}");
    let refused = world.refuses(&["changes", "retry", &waiting["id"].to_string()]);
    assert!(refused.contains("crawl"), "{refused}");
    world.wecom.clear_faults();
    world.sync();
    assert_eq!(world.cam.user_names().len(), 15);
    assert_eq!(world.plan_status(&plan["id"]), "applied");
}

#[test]
fn someone_who_returns_gets_back_what_camsync_took() {
    let world = gone(5, 1..=1);
    assert!(!world.signs_in("m1"));
    world.join(1..=1);
    let report = world.sync();
    assert_eq!(report["summary"]["resume_user"], 1, "{report}");
    assert!(world.signs_in("m1"));
    assert_eq!(world.member("m1")["sub_user"]["suspended"], false);
    assert_eq!(world.cam.times_created("m1"), 1);
}

#[test]
fn sign_in_that_was_off_before_stays_off_after_a_return() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.cam.set_sign_in("m1", false).unwrap();
    world.wecom.set_status("m1", wecom::Status::Disabled);
    world.sync();
    assert_eq!(world.member("m1")["sub_user"]["suspended"], true);
    world.wecom.set_status("m1", wecom::Status::Active);
    world.sync();
    world.sync();
    assert!(!world.signs_in("m1"), "somebody else switched it off");
    assert!(world.problem("m1").contains("switched console sign-in off"));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn so_does_what_somebody_switched_off_while_the_suspension_waited() {
    let world = gone(20, 1..=4);
    let plan = world.held();
    world.cam.set_sign_in("m1", false).unwrap();
    world.approve(&plan);
    assert_eq!(world.signing_in(1..=4), 0);
    world.join(1..=4);
    world.sync();
    world.sync();
    assert_eq!(world.signing_in(2..=4), 3, "what camsync took comes back");
    assert!(!world.signs_in("m1"), "somebody else switched it off");
    let problem = world.problem("m1");
    assert!(problem.contains("resume"), "and that is said: {problem}");
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn another_name_under_an_old_id_waits_for_a_person() {
    let world = gone(5, 1..=1);
    world.wecom.add_member("m1", "Somebody Else", &[1]);
    let report = world.sync();
    assert_eq!(report["held"], true, "{report}");
    assert!(!world.signs_in("m1"));
    let plan = world.held();
    assert_eq!(plan["evidence"], "returned");
    world.sync();
    assert!(!world.signs_in("m1"));
    assert_eq!(world.held()["id"], plan["id"]);
    let problem = world.problem("m1");
    assert!(
        problem.starts_with("came back under another name"),
        "{problem}"
    );
    world.approve(&plan);
    assert!(world.signs_in("m1"));
    assert_eq!(world.plan_status(&plan["id"]), "applied");
    world.sync();
    assert!(world.signs_in("m1"));
}

#[test]
fn another_name_under_the_id_of_someone_a_person_suspended_waits_too() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.does(&["members", "suspend", "m1"]);
    world.leave(1..=1);
    world.sync();
    world.wecom.add_member("m1", "Somebody Else", &[1]);
    world.sync();
    world.does(&["members", "resume", "m1"]);
    assert!(!world.signs_in("m1"));
    assert_eq!(world.held()["evidence"], "returned");
}

#[test]
fn a_new_id_with_the_name_of_somebody_gone_is_shown_on_both() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    world.wecom.remove_member("m1");
    world.wecom.add_member("m1b", "成员1", &[1]);
    world.sync();
    assert!(!world.signs_in("m1"));
    assert!(world.signs_in("m1b"));
    for pass in 0..2 {
        let old = world.problem("m1");
        let new = world.problem("m1b");
        assert!(old.contains("same person as m1b"), "{pass}: {old}");
        assert!(new.contains("same person as m1;"), "{pass}: {new}");
        world.sync();
    }
}
