//! How a source ends: `unlink`, what it shows, what it does, and how it is taken back.

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, WecomSignIn};
use serde_json::Value;

use crate::world::{EVERYONE, Wish, World, json, text};

/// So many members with sub-users: by far more than the guard lets go.
fn linked(members: u32) -> World {
    let world = World::new();
    world.join(1..=members);
    world.sync();
    world
}

fn state(world: &World) -> Value {
    world.read(&["sources", "list"])["sources"][0].clone()
}

fn unlink(world: &World, how: &str) -> Value {
    world.read(&["unlink", "acme", how, "--yes"])["unlink"].clone()
}

/// Takes the source out of the file; another stands in its place, for a file needs one.
fn take_out(world: &World) {
    world.edit(|text| text.replace("name = \"acme\"", "name = \"other\""));
}

#[test]
fn what_becomes_of_everybody_is_shown_and_nothing_is_done_unless_confirmed() {
    let world = linked(3);
    world.does(&["members", "suspend", "m2"]);
    world.does(&["members", "protect", "m3"]);
    let writes = world.cam.writes().len();
    let said = world.refuses(&["unlink", "acme", "--delete"]);
    for part in [
        "m1",
        "deleted after",
        "it is protected",
        "Trusted Enterprise IP",
        "--yes",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = world.run(&["unlink", "acme", "--delete", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = json(&output);
    assert_eq!(
        (&shown["exit"], &shown["unlink"]["confirmed"]),
        (&2.into(), &false.into())
    );
    let members = shown["unlink"]["members"].as_array().unwrap();
    let becomes: Vec<_> = members
        .iter()
        .map(|m| m["becomes"].as_str().unwrap())
        .collect();
    assert_eq!(becomes, ["deleted", "deleted", "protected"]);
    assert_eq!(members[1]["suspended"], true);
    assert!(members[0]["at"].is_string() && members[2]["at"].is_null());
    assert_eq!(world.cam.writes().len(), writes);
    assert_eq!(state(&world)["state"], "ok");
    // One of the three must be said, and only one.
    assert_eq!(
        world.run(&["unlink", "acme", "--yes"]).status.code(),
        Some(2)
    );
    let two = world.run(&["unlink", "acme", "--keep", "--delete", "--yes"]);
    assert_eq!(two.status.code(), Some(2));
    assert_eq!(
        world
            .run(&["unlink", "nobody", "--keep", "--yes"])
            .status
            .code(),
        Some(2)
    );
    // In Chinese too.
    let chinese = world.run(&["--lang", "zh", "unlink", "acme", "--delete"]);
    assert!(text(&chinese.stdout).contains("企业可信 IP"));
}

#[test]
fn keep_leaves_the_cloud_as_it_is_and_can_be_taken_back() {
    let world = linked(8);
    let before = world.cam.history().len();
    let done = unlink(&world, "--keep");
    assert_eq!(
        (&done["confirmed"], &done["summary"]["released"]),
        (&true.into(), &8.into())
    );
    assert_eq!(state(&world)["state"], "unlinked");
    assert_eq!(world.member("m1")["sub_user"]["managed"], false);
    world.leave(1..=1);
    world.sync();
    assert_eq!(world.cam.history().len(), before, "something was written");
    assert_eq!(world.signing_in(1..=8), 8);
    world.does(&["unlink", "acme", "--undo"]);
    assert_eq!(state(&world)["state"], "ok");
    assert_eq!(world.member("m2")["sub_user"]["managed"], true);
    world.sync();
    assert!(!world.signs_in("m1"), "managed again, and a leaver");
    assert_eq!(world.cam.times_created("m2"), 1);
}

#[test]
fn suspend_passes_the_guard_for_exactly_those_shown_and_deletes_nobody() {
    let world = linked(12);
    let done = unlink(&world, "--suspend");
    assert_eq!(
        (&done["applied"], &done["pending"]),
        (&12.into(), &0.into())
    );
    assert_eq!(world.signing_in(1..=12), 0);
    assert!(world.plans("held").is_empty());
    let change = &world.changes_of("m1")[0];
    assert_eq!(
        (&change["kind"], &change["evidence"]),
        (&"suspend_user".into(), &"asked".into())
    );
    assert!(
        change["reason"]
            .as_str()
            .unwrap()
            .contains("unlinked by cli:tester")
    );
    world.end_grace();
    world.sync();
    assert_eq!(world.cam.user_names().len(), 12, "nobody is deleted");
    let audit = world.read(&["audit"])["audit"].clone();
    let row = audit
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["action"] == "source.unlink");
    assert_eq!(row.unwrap()["actor"], "cli:tester");
}

#[test]
fn delete_waits_for_the_grace_and_then_needs_neither_crawl_nor_guard() {
    let world = linked(12);
    unlink(&world, "--delete");
    assert_eq!(world.signing_in(1..=12), 0);
    world.sync();
    assert_eq!(
        world.cam.user_names().len(),
        12,
        "no shortcut past the grace"
    );
    let asked = world.wecom.log().len();
    world.end_grace();
    world.sync();
    assert_eq!(world.cam.user_names(), [""; 0]);
    assert_eq!(
        world.wecom.log().len(),
        asked,
        "an unlinked source is not asked"
    );
    assert!(world.plans("held").is_empty());
    assert_eq!(world.changes_of("m1")[0]["kind"], "delete_user");
}

#[test]
fn it_is_taken_back_until_the_grace_is_over() {
    let world = linked(6);
    unlink(&world, "--delete");
    assert_eq!(world.signing_in(1..=6), 0);
    world.does(&["sources", "link", "acme"]);
    assert_eq!(world.signing_in(1..=6), 6);
    assert_eq!(state(&world)["state"], "ok");
    world.sync();
    assert_eq!(world.signing_in(1..=6), 6);
    // What was confirmed then counts no more.
    let ledger = world.ledger();
    let left: u32 = ledger
        .query_row("SELECT count(*) FROM approvals", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    assert!(
        world
            .refuses(&["sources", "link", "acme"])
            .contains("nothing to take back")
    );
}

#[test]
fn a_source_gone_from_the_file_ends_by_it_too() {
    let world = linked(5);
    take_out(&world);
    world
        .wecom
        .set_range(camsync_simulators::wecom::VisibleRange::default());
    world.run(&["sync"]);
    let rows = world.read(&["sources", "list"])["sources"].clone();
    assert_eq!(rows[1]["state"], "frozen");
    assert_eq!(world.signing_in(1..=5), 5);
    unlink(&world, "--delete");
    assert_eq!(world.signing_in(1..=5), 0);
    world.end_grace();
    world.run(&["sync"]);
    assert_eq!(world.cam.user_names(), [""; 0]);
    let rows = world.read(&["sources", "list"])["sources"].clone();
    assert_eq!(rows[1]["state"], "unlinked");
    assert_eq!(rows[1]["unlinked"]["configured"], false);
}

#[test]
fn its_entry_in_the_file_is_ignored_with_a_warning_until_it_is_linked_again() {
    let world = linked(3);
    unlink(&world, "--keep");
    let asked = world.wecom.log().len();
    world.join(4..=4);
    world.sync();
    assert_eq!(world.wecom.log().len(), asked);
    assert!(world.cam.user("m4").is_none());
    let listed = text(&world.run(&["sources", "list"]).stdout);
    assert!(
        listed.contains("its entry in the file is ignored"),
        "{listed}"
    );
    assert!(
        world
            .refuses(&["sync", "--source", "acme"])
            .contains("is unlinked")
    );
    let checked = text(&world.run(&["check"]).stdout);
    assert!(checked.contains("is unlinked"), "{checked}");
    let explained = world.read(&["members", "explain", "m1"])["member"]["answer"].clone();
    assert!(
        explained.to_string().contains("was unlinked by cli:tester"),
        "{explained}"
    );
    world.does(&["sources", "link", "acme"]);
    world.sync();
    assert!(world.signs_in("m4"));
}

#[test]
fn what_was_not_shown_waits() {
    let world = linked(3);
    let shown = world.run(&["unlink", "acme", "--suspend", "--json"]);
    let word = json(&shown)["unlink"]["confirm"]
        .as_str()
        .unwrap()
        .to_owned();
    world.join(4..=4);
    world.sync();
    // Another set, another word.
    let shown = world.run(&["unlink", "acme", "--suspend", "--json"]);
    assert_ne!(json(&shown)["unlink"]["confirm"], word.as_str());
    unlink(&world, "--suspend");
    // Somebody of the source who comes to be managed all the same, as a lost creation does.
    world
        .ledger()
        .execute(
            "UPDATE approvals SET subject = 'sub-user:99' WHERE subject = 'sub-user:4'",
            [],
        )
        .unwrap();
    world
        .ledger()
        .execute("UPDATE sub_users SET leaving_since = NULL, leaving_evidence = NULL, login = 1 WHERE id = 4", [])
        .unwrap();
    world.cam.set_sign_in("m4", true).unwrap();
    world.sync();
    assert!(world.signs_in("m4"));
    assert_eq!(world.held()["evidence"], "asked");
    world.approve(&world.held());
    assert!(!world.signs_in("m4"));
}

#[test]
fn it_goes_on_after_a_failure_and_after_an_end_in_between() {
    let world = linked(4);
    world.cam.inject(
        When::action("UpdateUser"),
        Fault::Code("InternalError".into()),
    );
    let output = world.run(&["unlink", "acme", "--suspend", "--yes", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(state(&world)["state"], "unlinked");
    assert!(world.signing_in(1..=4) > 0);
    world.cam.clear_faults();
    world.sync();
    assert_eq!(world.signing_in(1..=4), 0);
    // The decision alone is enough, whatever became of the process that took it.
    let world = linked(4);
    world.deny(&["GetUserAppId"]);
    assert!(
        world
            .refuses(&["unlink", "acme", "--suspend", "--yes"])
            .contains("is recorded")
    );
    assert_eq!(world.signing_in(1..=4), 4);
    world.deny(&[]);
    world.sync();
    assert_eq!(world.signing_in(1..=4), 0);
}

#[test]
fn who_was_adopted_is_released_after_the_grace_and_who_is_protected_stays() {
    let world = World::with(Wish {
        rules: Some(EVERYONE.replace("remark", "adopt = \"wecom\"\nremark")),
        cam: Some(Options {
            wecom_sign_in: WecomSignIn::Accepted,
            ..Options::default()
        }),
        ..Wish::default()
    });
    world.cam.add_wecom_user("imported", "m1");
    world.join(1..=3);
    world.sync();
    world.does(&["members", "protect", "m3"]);
    let done = unlink(&world, "--delete");
    assert_eq!(done["summary"]["suspended_then_released"], 1);
    assert!(!world.signs_in("imported") && world.signs_in("m3"));
    world.end_grace();
    world.sync();
    assert!(world.cam.user("imported").is_some());
    assert_eq!(world.member("m1")["sub_user"]["managed"], false);
    assert!(world.cam.user("m2").is_none());
    assert!(world.signs_in("m3"));
    assert!(world.problem("m3").contains("protected"));
}

#[test]
fn the_daemon_that_runs_does_it_and_asks_the_source_no_more() {
    let world = crate::tools::world(&crate::tools::Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        ..Default::default()
    });
    world.join(1..=3);
    let mut daemon = crate::tools::daemon(&world);
    crate::tools::until("they have sub-users", || world.cam.user("m3").is_some());
    unlink(&world, "--keep");
    let asked = world.wecom.count("user/list");
    world.join(4..=4);
    // Longer than its schedule: one crawl may have been under way.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(world.wecom.count("user/list") <= asked + 1);
    assert!(world.cam.user("m4").is_none());
    world.does(&["sources", "link", "acme"]);
    crate::tools::until("it is crawled again", || world.cam.user("m4").is_some());
    daemon.terminate();
    daemon.wait();
}

#[test]
fn where_two_must_approve_one_alone_unlinks_and_suspends_nobody() {
    let world = linked(3);
    world.edit(|text| format!("{text}\n[console]\ntwo_person_approval = true\n"));
    let done = unlink(&world, "--suspend");
    assert_eq!(world.signing_in(1..=3), 3);
    let held = world.held();
    assert_eq!(
        (&done["held"], &held["evidence"]),
        (&held["id"], &"asked".into())
    );
    let again = world.refuses(&["plans", "approve", &held["id"].to_string()]);
    assert!(again.contains("second"), "{again}");
    let other = world
        .command(&["plans", "approve", &held["id"].to_string()])
        .env("USER", "other")
        .output()
        .unwrap();
    assert!(other.status.success(), "{}", text(&other.stderr));
    assert_eq!(world.signing_in(1..=3), 0);
    world.does(&["sources", "link", "acme"]);
    assert_eq!(world.signing_in(1..=3), 3);
}

#[test]
fn what_was_given_before_is_camsyncs_to_take_once_a_source_is_linked_again() {
    let world = World::with(Wish {
        rules: Some(format!("{EVERYONE}\n[[grant]]\ngroups = [\"rd\"]\n")),
        ..Wish::default()
    });
    world.join(1..=4);
    world.sync();
    unlink(&world, "--keep");
    world.does(&["unlink", "acme", "--undo"]);
    world.leave(1..=1);
    world.sync();
    assert!(!world.signs_in("m1"));
    let groups = |user: &str| world.cam.with(|cloud| cloud.groups_of(user));
    assert!(groups("m1").is_empty());
    assert_eq!(groups("m2"), ["rd"]);
}
