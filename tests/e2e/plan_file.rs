//! A plan as a document: `plan --out`, `apply`, and when it is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::tools::{Tuning, daemon, wait_for_socket, world as tuned};
use crate::world::{EVERYONE, World, json, text};

fn file(world: &World) -> PathBuf {
    world.dir.path().join("reviewed.json")
}

fn document(world: &World) -> Value {
    serde_json::from_slice(&std::fs::read(file(world)).unwrap()).unwrap()
}

/// Three members with sub-users, a fourth who has just come, and the plan about it in a file.
fn planned() -> World {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.join(4..=4);
    world.does(&["plan", "--out", "reviewed.json"]);
    world
}

fn apply(world: &World) -> String {
    world.refuses(&["apply", "reviewed.json"])
}

/// Refused for this reason, with nothing written to the cloud and nothing recorded.
fn refused(world: &World, why: &str) {
    let (writes, changes) = (world.cam.writes().len(), world.changes().len());
    let said = apply(world);
    assert!(said.contains(why), "{said}");
    assert_eq!(world.cam.writes().len(), writes, "{said}");
    assert_eq!(world.changes().len(), changes, "{said}");
}

#[test]
fn what_was_reviewed_is_done_and_the_document_is_the_plans_own() {
    let world = planned();
    assert!(world.cam.user("m4").is_none(), "a plan writes nothing");
    let mode = file(&world).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = document(&world);
    let plan = world.read(&["plan"]);
    assert_eq!(written["changes"], plan["changes"]);
    assert_eq!(written["plan_file"]["version"], 1);
    assert!(plan["plan_file"].is_null());
    let applied = world.read(&["apply", "reviewed.json"]);
    assert_eq!(
        (&applied["applied"], &applied["ok"]),
        (&1.into(), &true.into())
    );
    assert!(world.signs_in("m4"));
    let audit = world.read(&["audit"]);
    assert!(
        audit["audit"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["action"] == "plan.apply"),
        "{audit}"
    );
    // A second time the cloud has moved on: by this very plan.
    assert!(apply(&world).contains("the cloud has moved on"));
}

#[test]
fn a_crawl_that_finds_nothing_new_leaves_the_document_good() {
    let world = planned();
    world.does(&["plan"]);
    world.does(&["plan"]);
    world.does(&["apply", "reviewed.json"]);
    assert!(world.signs_in("m4"));
}

#[test]
fn it_is_refused_once_the_source_has_moved_on() {
    let world = planned();
    world.join(5..=5);
    refused(&world, "the source acme has moved on");
    // Also when the daemon, and not this command, saw it; and when it is a fact that no rule asks for.
    world.does(&["plan", "--out", "reviewed.json"]);
    world.wecom.rename_member("m1", "改名");
    world.does(&["plan"]);
    refused(&world, "the source acme has moved on");
}

#[test]
fn it_is_refused_once_the_cloud_has_moved_on() {
    let world = planned();
    world.cam.set_remark("m2", "something else").unwrap();
    refused(&world, "the cloud has moved on");
    world.does(&["plan", "--out", "reviewed.json"]);
    world
        .cam
        .add_user("m4", camsync_simulators::cam::UserKind::SubUser);
    refused(&world, "the cloud has moved on");
}

#[test]
fn it_is_refused_once_the_rules_have_changed() {
    let world = planned();
    world.configure(
        "",
        &EVERYONE.replace("{{ member.name }}", "{{ member.id }}"),
    );
    refused(&world, "the rules in the configuration have changed");
    world.configure("[guard]\nmax_removals = 1\n", EVERYONE);
    refused(&world, "the rules in the configuration have changed");
    // Back to what it was: the document is good again.
    world.configure("", EVERYONE);
    world.does(&["apply", "reviewed.json"]);
}

#[test]
fn it_is_refused_once_a_person_has_decided_something() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.leave(1..=1);
    world.does(&["plan", "--out", "reviewed.json"]);
    world.does(&["members", "protect", "m1"]);
    refused(&world, "a person has decided something meanwhile");
}

#[test]
fn another_accounts_key_applies_nothing() {
    let world = planned();
    let ledger = world.ledger();
    ledger
        .execute("UPDATE meta SET value = '42' WHERE key = 'owner_uin'", [])
        .unwrap();
    drop(ledger);
    let writes = world.cam.writes().len();
    assert!(apply(&world).contains("belongs to"));
    assert_eq!(world.cam.writes().len(), writes);
}

#[test]
fn a_source_that_does_not_answer_cannot_be_known_to_be_as_it_was() {
    let world = planned();
    world.wecom.configure(|o| o.ip_trusted = false);
    let writes = world.cam.writes().len();
    assert!(apply(&world).contains("acme"));
    assert_eq!(world.cam.writes().len(), writes);
    // Nor is a plan of it written.
    std::fs::remove_file(file(&world)).unwrap();
    world.refuses(&["plan", "--out", "reviewed.json"]);
    assert!(!file(&world).exists());
}

#[test]
fn who_applies_a_reviewed_plan_does_not_pass_the_guard() {
    let world = World::new();
    world.join(1..=20);
    world.sync();
    world.leave(1..=4);
    world.join(21..=21);
    world.does(&["plan", "--out", "reviewed.json"]);
    assert_eq!(document(&world)["held"], true);
    let applied = world.read(&["apply", "reviewed.json"]);
    assert_eq!(applied["held"], true);
    assert!(world.signs_in("m21"), "additions go on");
    assert_eq!(world.signing_in(1..=4), 4, "removals wait");
    assert_eq!(world.held()["removals"], 4);
}

#[test]
fn only_what_camsync_wrote_is_taken() {
    let world = planned();
    let whole = std::fs::read_to_string(file(&world)).unwrap();
    let with = |text: &str| {
        std::fs::write(file(&world), text).unwrap();
        let output = world.run(&["apply", "reviewed.json", "--json"]);
        assert_eq!(output.status.code(), Some(2), "{}", text_of(&output.stdout));
        assert_eq!(json(&output)["exit"], 2);
        text_of(&output.stderr)
    };
    assert!(with("not JSON").contains("not a plan"));
    assert!(with("{\"changes\": []}").contains("not a plan"));
    assert!(with(&whole.replace("\"version\": 1", "\"version\": 9")).contains("version 9"));
    assert!(with(&whole.replace("\"m4\"", "\"m5\"")).contains("were edited"));
    assert!(with(&whole[..whole.len() / 2]).contains("not a plan"));
    assert!(
        world
            .refuses(&["apply", "absent.json"])
            .contains("absent.json")
    );
    assert!(world.cam.user("m4").is_none());
    // Another program may have written the same document in its own way.
    let mut same: Value = serde_json::from_str(&whole).unwrap();
    same["changes"][0]["reason"] = "said otherwise".into();
    std::fs::write(file(&world), same.to_string()).unwrap();
    world.does(&["apply", "reviewed.json"]);
    assert!(world.signs_in("m4"));
}

fn text_of(bytes: &[u8]) -> String {
    text(bytes)
}

#[test]
fn a_plan_of_one_source_stays_one() {
    let world = planned();
    world.does(&["plan", "--source", "acme", "--out", "reviewed.json"]);
    assert_eq!(document(&world)["plan_file"]["source"], "acme");
    world.does(&["apply", "reviewed.json"]);
    assert!(world.signs_in("m4"));
}

#[test]
fn it_goes_through_the_daemon_that_runs() {
    let world = tuned(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        ..Tuning::default()
    });
    world.join(1..=3);
    world.sync();
    let mut daemon = daemon(&world);
    wait_for_socket(&world, &mut daemon);
    // What it plans at its start must not take in who joins after it.
    crate::tools::until("its first plan is made", || {
        daemon.stderr().contains("\"message\":\"plan\"")
    });
    world.join(4..=4);
    world.does(&["plan", "--out", "reviewed.json"]);
    world.does(&["apply", "reviewed.json"]);
    assert!(world.signs_in("m4"));
    refused(&world, "the cloud has moved on");
    daemon.terminate();
    daemon.wait();
}
