//! `camsync run`: it crawls by schedule, answers on its socket, takes rotated secrets, and ends in order.

use std::path::Path;
use std::time::{Duration, Instant};

use camsync_simulators::{When, wecom};
use serde_json::Value;

use crate::tools::{Process, Tuning, assert_sound, daemon, until, wait_for_socket, world};
use crate::world::{SECRETS, World};

const EVERY_SECOND: &str = "schedule = \"* * * * * *\"";
/// Seldom enough that no test meets it.
const YEARLY: &str = "schedule = \"0 0 1 1 *\"";

fn scheduled(schedule: &str) -> World {
    world(&Tuning {
        source: schedule.into(),
        ..Tuning::default()
    })
}

fn has(world: &World, username: &str) -> bool {
    world.cam.user(username).is_some()
}

/// SIGTERM; it must end well within ten seconds.
fn ends(process: &mut Process) {
    let asked = Instant::now();
    process.terminate();
    let status = process.wait();
    assert_eq!(status.code(), Some(0), "{}", process.stderr());
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?}");
}

#[test]
fn it_crawls_at_start_and_then_by_schedule_over_the_same_connections() {
    let world = scheduled(EVERY_SECOND);
    world.join(1..=3);
    let mut process = daemon(&world);
    until("everyone has a sub-user", || {
        world.cam.user_names() == ["m1", "m2", "m3"]
    });
    let connections = world.wecom.connections();
    world.join(4..=4);
    until("the joiner is noticed", || has(&world, "m4"));
    world.join(5..=5);
    until("the next joiner is noticed", || has(&world, "m5"));
    assert_eq!(
        world.wecom.connections(),
        connections,
        "crawls open connections of their own"
    );
    ends(&mut process);
    assert!(!world.data_dir().join("camsync.sock").exists());
    let lines = process.stderr();
    assert!(lines.lines().count() > 3, "{lines}");
    for line in lines.lines() {
        let parsed: Result<Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok_and(|v| v.is_object()), "not JSON: {line}");
    }
    assert_sound(&world);
}

#[test]
fn sigterm_ends_it_while_the_provider_never_answers() {
    let world = scheduled(EVERY_SECOND);
    world.join(1..=1);
    let fault = world.wecom.inject(When::any(), wecom::Fault::NeverAnswer);
    let mut process = daemon(&world);
    until("it waits for the provider", || {
        world.wecom.fault_hits(fault) > 0
    });
    ends(&mut process);
    world.wecom.clear_faults();
    world.sync();
    assert!(has(&world, "m1"));
}

#[test]
fn a_second_one_refuses_and_says_who_holds_the_ledger() {
    let world = scheduled(YEARLY);
    let process = daemon(&world);
    let mut second = Process::start(&world, &["run"]);
    assert_eq!(second.wait().code(), Some(1));
    let said = second.stderr();
    assert!(said.contains("held by"), "{said}");
    assert!(said.contains(&process.id().to_string()), "{said}");
    // The first is none the worse.
    assert_eq!(world.read(&["status"])["sources"][0]["name"], "acme");
}

#[test]
fn commands_go_through_its_socket_and_work_without_it() {
    let world = world(&Tuning {
        source: YEARLY.into(),
        guard: "max_removals = 1\nmax_removal_ratio = 0.0".into(),
        leavers: "delete_after = \"30d\"".into(),
        ..Tuning::default()
    });
    world.join(1..=10);
    let mut process = daemon(&world);
    until("everyone has a sub-user", || {
        world.cam.user_names().len() == 10
    });
    until("the first pass is over", || {
        world.read(&["status"])["sub_users"]["managed"] == 10
    });
    world.join(11..=11);
    world.sync();
    assert!(has(&world, "m11"));
    world.does(&["members", "suspend", "m1"]);
    assert!(!world.signs_in("m1"));
    world.leave(2..=6);
    world.sync();
    let plan = world.held();
    assert_eq!(world.signing_in(2..=6), 5);
    world.approve(&plan);
    world.sync();
    assert_eq!(world.signing_in(2..=6), 0);
    ends(&mut process);

    world.read(&["status"]);
    world.join(12..=12);
    world.sync();
    assert!(has(&world, "m12"));
    world.does(&["members", "suspend", "m12"]);
    assert!(!world.signs_in("m12"));
    world.leave(7..=10);
    world.sync();
    world.approve(&world.held());
    world.sync();
    assert_eq!(world.signing_in(7..=10), 0);
    assert_sound(&world);
}

#[test]
fn what_kill_9_leaves_behind_is_no_obstacle() {
    let world = scheduled(YEARLY);
    world.join(1..=1);
    let process = daemon(&world);
    until("the member has a sub-user", || has(&world, "m1"));
    process.kill();
    assert!(world.data_dir().join("camsync.sock").exists());
    // Commands do not take the file for somebody who listens.
    world.join(2..=2);
    world.sync();
    assert!(has(&world, "m2"));
    let mut process = daemon(&world);
    world.join(3..=3);
    world.sync();
    assert!(has(&world, "m3"));
    ends(&mut process);
    assert_sound(&world);
}

#[test]
fn one_failing_source_does_not_stop_the_other() {
    let world = world(&Tuning {
        source: EVERY_SECOND.into(),
        rules: "[[admit]]\nusername = \"{{ source.name }}-{{ member.username }}\"\n".into(),
        ..Tuning::default()
    });
    world.edit(|text| {
        let from = text.find("[[source]]").unwrap();
        let until = text.find("[[admit]]").unwrap();
        let other = text[from..until]
            .replace("acme", "beta")
            .replace("WECOM_SECRET", "WRONG_SECRET");
        format!("{}{other}{}", &text[..until], &text[until..])
    });
    world.join(1..=2);
    let mut process = Process::start_with(&world, &["run"], &[("WRONG_SECRET", "not-the-secret")]);
    wait_for_socket(&world, &mut process);
    until("the good source has its members", || has(&world, "acme-m2"));
    world.join(3..=3);
    until("the good source goes on", || has(&world, "acme-m3"));
    let mut beta = Value::Null;
    until("status shows the failure", || {
        let status = world.read(&["status"]);
        let sources = status["sources"].as_array().unwrap();
        let found = |name: &str| sources.iter().find(|s| s["name"] == name).unwrap().clone();
        assert_eq!(found("acme")["state"], "ok");
        beta = found("beta");
        beta["state"] != "ok" && beta.to_string().contains("40001")
    });
    assert!(!beta.to_string().contains("not-the-secret"));
    ends(&mut process);
    assert!(!has(&world, "beta-m1"));
}

/// As a careful administrator replaces a secret: whole, in one step.
fn put(folder: &Path, file: &str, secret: &str) {
    let new = folder.join(format!("{file}.new"));
    std::fs::write(&new, format!("{secret}\n")).unwrap();
    std::fs::rename(new, folder.join(file)).unwrap();
}

#[test]
fn rotated_secrets_are_taken_while_it_runs() {
    let world = world(&Tuning {
        source: EVERY_SECOND.into(),
        secret: "{ file = \"wecom.secret\" }".into(),
        target: "requests_per_second = 400\nsecret_key = { file = \"cam.key\" }".into(),
        ..Tuning::default()
    });
    let folder = world.dir.path();
    put(folder, "wecom.secret", SECRETS[0].1);
    put(folder, "cam.key", SECRETS[2].1);
    world.join(1..=1);
    let mut process = daemon(&world);
    until("the first member has a sub-user", || has(&world, "m1"));

    // The token of the old secret is good until the new one can be read: no crawl falls between the two.
    world.wecom.apps(|apps| {
        for app in apps.iter_mut().filter(|a| a.secret == SECRETS[0].1) {
            app.secret = "rotated-wecom-secret".into();
        }
    });
    put(folder, "wecom.secret", "rotated-wecom-secret");
    world.wecom.revoke_tokens();
    world.join(2..=2);
    until("the new WeCom secret is used", || {
        // A crawl that was under way may have met the revoked token: by hand, no back-off is waited out.
        has(&world, "m2") || {
            world.run(&["sync"]);
            false
        }
    });

    put(folder, "cam.key", "rotated-cam-key");
    world.cam.keys(|keys| {
        keys.get_mut(SECRETS[1].1).unwrap().secret_key = "rotated-cam-key".into();
    });
    world.join(3..=3);
    until("the new CAM key is used", || has(&world, "m3"));
    ends(&mut process);
    let said = process.stderr();
    assert!(!said.contains("rotated-wecom-secret") && !said.contains("rotated-cam-key"));
}

#[test]
fn a_backup_of_the_running_daemon_can_be_restored() {
    let world = scheduled(YEARLY);
    world.join(1..=3);
    let mut process = daemon(&world);
    until("the first pass is over", || {
        world.read(&["status"])["sub_users"]["managed"] == 3
    });
    world.does(&["backup", "copy.db"]);
    world.join(4..=4);
    world.sync();
    let said = world.refuses(&["restore", "copy.db"]);
    assert!(said.contains("held by"), "{said}");
    ends(&mut process);

    world.does(&["restore", "copy.db"]);
    assert_eq!(world.read(&["status"])["sub_users"]["managed"], 3);
    // What came after the backup is met again; nobody is created twice.
    world.run(&["sync", "--json"]);
    assert_eq!(world.cam.times_created("m4"), 1);
    assert_eq!(world.cam.user_names().len(), 4);

    let copy = rusqlite::Connection::open(world.dir.path().join("copy.db")).unwrap();
    let moved = copy
        .execute(
            "UPDATE meta SET value = '100000000999' WHERE key = 'owner_uin'",
            [],
        )
        .unwrap();
    assert_eq!(moved, 1, "the backup does not say whose it is");
    drop(copy);
    let said = world.refuses(&["restore", "copy.db"]);
    assert!(said.contains("100000000999"), "{said}");
    assert!(said.contains("--other-account"), "{said}");
    world.does(&["restore", "copy.db", "--other-account"]);
}
