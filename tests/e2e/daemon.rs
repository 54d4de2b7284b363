//! `camsync run`: crawls at start and on schedule, answers on its socket, survives its providers, ends when told to.

use std::time::{Duration, Instant};

use camsync_simulators::{When, cam, wecom};
use chrono::{DateTime, TimeDelta, Utc};

use crate::tools::{
    Process, Tuning, assert_nothing_twice, assert_sound, configure, daemon, until, wait_for_socket,
    world,
};
use crate::world::{SECRETS, World, text};

/// Every second: the schedule itself is what is tested.
fn every_second() -> Tuning {
    Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        ..Tuning::default()
    }
}

fn once_a_year() -> Tuning {
    Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        ..Tuning::default()
    }
}

fn has(world: &World, name: &str) -> bool {
    world.cam.user(name).is_some()
}

#[test]
fn it_crawls_at_start_then_by_its_schedule_over_the_same_connections_and_ends_on_sigterm() {
    let world = world(&every_second());
    world.join(1..=3);
    let mut daemon = daemon(&world);
    until("the first crawl has its effect", || has(&world, "m3"));
    world.join(4..=4);
    until("the schedule fires", || has(&world, "m4"));
    let crawls = world.wecom.count("user/list");
    until("it fires again and again", || {
        world.wecom.count("user/list") >= crawls + 2
    });
    let (calls, connections) = (world.wecom.log().len(), world.wecom.connections());
    assert!(
        u64::try_from(calls).unwrap() > 2 * connections,
        "{calls} calls over {connections} connections"
    );
    daemon.terminate();
    let told = Instant::now();
    assert!(daemon.wait().success(), "{}", daemon.stderr());
    assert!(told.elapsed() < Duration::from_secs(10));
    assert!(!world.data_dir().join("camsync.sock").exists());
    assert_nothing_twice(&world);
    assert_sound(&world);
}

#[test]
fn sigterm_ends_it_in_time_when_a_provider_never_answers() {
    let world = world(&once_a_year());
    world.join(1..=2);
    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::NeverAnswer);
    let mut crawling = daemon(&world);
    world.block_on(world.wecom.wait_for("user/list", 1));
    crawling.terminate();
    let told = Instant::now();
    assert!(crawling.wait().success(), "{}", crawling.stderr());
    assert!(told.elapsed() < Duration::from_secs(10));

    world.wecom.clear_faults();
    world
        .cam
        .inject(When::action("AddUser"), cam::Fault::NeverAnswer);
    let mut applying = daemon(&world);
    world.block_on(world.cam.wait_for("AddUser", 1));
    applying.terminate();
    let told = Instant::now();
    assert!(applying.wait().success(), "{}", applying.stderr());
    assert!(told.elapsed() < Duration::from_secs(11));
    world.cam.clear_faults();
    // What was sent and had its effect is found, not sent again.
    world.sync();
    assert_nothing_twice(&world);
    assert_sound(&world);
}

#[test]
fn a_second_one_refuses_to_start_and_says_who_holds_the_ledger() {
    let world = world(&once_a_year());
    let first = daemon(&world);
    let mut second = Process::start(&world, &["run"]);
    assert_eq!(second.wait().code(), Some(1));
    let said = second.stderr();
    assert!(said.contains("camsync run"), "{said}");
    assert!(said.contains(&first.id().to_string()), "{said}");
    let restore = world.run(&["restore", "whatever.db"]);
    assert_eq!(restore.status.code(), Some(1));
    assert!(text(&restore.stderr).contains(&first.id().to_string()));
}

#[test]
fn commands_go_through_it_while_it_runs_and_to_the_file_when_it_does_not() {
    let world = world(&once_a_year());
    world.join(1..=3);
    let running = daemon(&world);
    until("the first crawl has its effect", || has(&world, "m3"));
    until("it is at rest", || {
        world.read(&["status"])["changes"]["in_flight"] == 0
    });
    world.join(4..=4);
    world.sync();
    assert!(has(&world, "m4"));
    let output = world.run(&["members", "suspend", "m1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!world.cam.user("m1").unwrap().console_login);
    assert_eq!(world.member("m1")["sub_user"]["suspended"], true);
    // `kill -9` leaves a socket behind that nobody answers at.
    running.kill();
    assert!(world.data_dir().join("camsync.sock").exists());
    assert_eq!(world.member("m1")["sub_user"]["suspended"], true);
    world.join(5..=5);
    world.sync();
    assert!(has(&world, "m5"));
    let again = daemon(&world);
    assert_eq!(world.read(&["status"])["sub_users"]["managed"], 5);
    drop(again);
}

#[test]
fn an_approval_through_it_is_carried_out() {
    let world = world(&Tuning {
        guard: "max_removals = 1\nmax_removal_ratio = 0.01".into(),
        ..once_a_year()
    });
    world.join(1..=10);
    world.sync();
    let _running = daemon(&world);
    for id in 1..=6 {
        world.wecom.remove_member(&format!("m{id}"));
    }
    let report = world.sync();
    let id = report["held_plans"][0].as_i64().unwrap().to_string();
    assert!(world.cam.user("m1").unwrap().console_login);
    let output = world.run(&["plans", "approve", &id]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for id in 1..=6 {
        let name = format!("m{id}");
        until("the approved removals are applied", || {
            world.cam.user(&name).is_none_or(|u| !u.console_login)
        });
    }
}

#[test]
fn a_source_that_cannot_be_set_up_stops_nobody_and_is_set_up_when_it_can_be() {
    let other = World::new();
    other.wecom.add_member("o1", "别家", &[1]);
    let world = world(&Tuning {
        extra: another_source("./broken.wasm", &other),
        ..every_second()
    });
    let file = world.dir.path().join("broken.wasm");
    let (good, bad) = (camsync::connectors::BUILT_IN[0].1, b"\0asm\x01\0\0\0");
    std::fs::write(&file, bad).unwrap();
    world.join(1..=2);
    let running = daemon(&world);
    until("the good source is served", || has(&world, "m2"));
    let row = || world.read(&["status"])["sources"][1].clone();
    until("the reason stands in status", || {
        let error = row()["error"].as_str().unwrap_or_default().to_owned();
        row()["state"] == "failing" && error.contains("broken.wasm")
    });
    // It is left alone for a while, however often the other one is crawled.
    let moment = |field: &str| -> DateTime<Utc> { row()[field].as_str().unwrap().parse().unwrap() };
    let tried = moment("last_crawl");
    let crawls = world.wecom.count("user/list");
    until("the other one is crawled on and on", || {
        world.wecom.count("user/list") >= crawls + 2
    });
    assert_eq!(moment("last_crawl"), tried);
    assert!(moment("next_crawl") - tried >= TimeDelta::minutes(1));

    // The file is put right. Once the while is over, the source is served without a restart.
    std::fs::write(&file, good).unwrap();
    let over = "UPDATE sources SET retry_at = '2020-01-01T00:00:00.000Z' WHERE name = 'other'";
    assert_eq!(world.ledger().execute(over, []).unwrap(), 1);
    until("the schedule serves it", || has(&world, "o1"));
    assert_eq!(row()["state"], "ok");
    drop(running);

    // Whoever asks by hand need not wait for that.
    std::fs::write(&file, bad).unwrap();
    let _running = daemon(&world);
    world.refuses(&["sync", "--source", "other"]);
    assert_eq!(row()["state"], "failing");
    std::fs::write(&file, good).unwrap();
    other.wecom.add_member("o2", "别家", &[1]);
    world.does(&["sync", "--source", "other"]);
    assert!(has(&world, "o2"));
}

/// A source "other" that shows what another world's WeCom has.
fn another_source(connector: &str, of: &World) -> String {
    format!(
        "[[source]]\nname = \"other\"\nconnector = \"{connector}\"\nschedule = \"0 0 1 1 *\"\n[source.settings]\n\
         corp_id = \"ww0123456789abcdef\"\nagent_id = 1000002\nsecret = {{ env = \"WECOM_SECRET\" }}\napi_base = \"{}\"",
        of.wecom.url()
    )
}

#[test]
fn a_ledger_that_takes_nothing_is_not_tried_again_and_again() {
    let world = world(&every_second());
    world.join(1..=1);
    let running = daemon(&world);
    until("the first crawl has its effect", || has(&world, "m1"));
    // As if the disk were full, for whoever writes how a crawl went.
    let ledger = world.ledger();
    let full = "CREATE TRIGGER full BEFORE INSERT ON crawls BEGIN SELECT RAISE(ABORT, 'full'); END";
    ledger.execute_batch(full).unwrap();
    until("the log says so", || {
        running.stderr().contains("no plan was recorded")
    });
    let crawls = world.wecom.count("user/list");
    // It answers all the while, and leaves the provider alone.
    for _ in 0..20 {
        world.read(&["status"]);
    }
    assert_eq!(world.wecom.count("user/list"), crawls);
    ledger.execute_batch("DROP TRIGGER full").unwrap();
    world.join(2..=2);
    world.sync();
    assert!(has(&world, "m2"));
}

/// One enterprise with m1 and m2, crawled every second, and another one with o1, as the source `other`.
fn two_enterprises() -> (World, World) {
    let other = World::new();
    other.wecom.add_member("o1", "别家", &[1]);
    let world = world(&Tuning {
        extra: another_source("wecom", &other),
        ..every_second()
    });
    world.join(1..=2);
    (world, other)
}

#[test]
fn a_source_that_fails_stops_nobody_else() {
    let (world, other) = two_enterprises();
    other.wecom.inject(When::any(), wecom::Fault::Http(502));
    let _running = daemon(&world);
    until("the good one is served", || has(&world, "m2"));
    let status = world.read(&["status"]);
    until("the failing one is said to fail", || {
        world.read(&["status"])["sources"][1]["state"] == "failing"
    });
    assert_ne!(status["sources"][0]["state"], "failing", "{status:#}");
    other.wecom.clear_faults();
    let output = world.run(&["sync", "--source", "other"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(has(&world, "o1"));
}

#[test]
fn a_source_that_never_answers_holds_up_nobody_else() {
    let (world, other) = two_enterprises();
    other
        .wecom
        .inject(When::action("user/list"), wecom::Fault::NeverAnswer);
    let _running = daemon(&world);
    until("the good one is served", || has(&world, "m2"));
    until("the other one is waited for", || {
        world.read(&["status"])["sources"][1]["state"] == "crawling"
    });
    // Crawls by schedule, decisions and passes by hand go on while it is waited for.
    world.join(3..=3);
    until("the schedule goes on", || has(&world, "m3"));
    world.join(4..=4);
    let output = world.run(&["sync", "--source", "acme"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(has(&world, "m4"));
    let output = world.run(&["members", "suspend", "m1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = world.run(&["members", "resume", "m1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(world.cam.user("m1").unwrap().console_login);
    assert_eq!(world.read(&["status"])["sources"][1]["state"], "crawling");
    assert!(!has(&world, "o1"));
}

#[test]
fn secrets_in_files_are_read_again_when_they_change() {
    let tuning = Tuning {
        secret: "{ file = \"wecom\" }".into(),
        target: "secret_id = { file = \"id\" }\nsecret_key = { file = \"key\" }".into(),
        ..every_second()
    };
    let world = world(&tuning);
    let put = |name: &str, value: &str| {
        let new = world.dir.path().join(format!("{name}.new"));
        std::fs::write(&new, value).unwrap();
        std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        std::fs::rename(&new, world.dir.path().join(name)).unwrap();
    };
    put("wecom", SECRETS[0].1);
    put("id", SECRETS[1].1);
    put("key", SECRETS[2].1);
    configure(&world, &tuning);
    world.join(1..=1);
    let mut running = Process::start(&world, &["run"]);
    wait_for_socket(&world, &mut running);
    until("the first is served", || has(&world, "m1"));
    // The key is rotated: the old one ends.
    world.cam.keys(|keys| {
        let mut key = keys.remove(SECRETS[1].1).unwrap();
        key.secret_key = "another-cam-key-77".into();
        keys.insert("AKIDanother000000000000000000000000".into(), key);
    });
    put("key", "another-cam-key-77");
    put("id", "AKIDanother000000000000000000000000");
    world
        .wecom
        .apps(|apps| apps[0].secret = "another-wecom-secret-88".into());
    world.wecom.revoke_tokens();
    put("wecom", "another-wecom-secret-88");
    world.join(2..=2);
    until("it goes on with the new ones", || {
        // A pass by hand asks at once, whatever back-off the moment of the change has left.
        world.run(&["sync"]);
        has(&world, "m2")
    });
}

#[test]
fn a_backup_is_made_while_it_runs_and_restored_when_it_has_ended() {
    let world = world(&once_a_year());
    world.join(1..=3);
    let running = daemon(&world);
    until("the first crawl has its effect", || has(&world, "m3"));
    until("it is at rest", || {
        world.read(&["status"])["changes"]["applied"] == 3
    });
    let output = world.run(&["backup", "kept.db"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(world.dir.path().join("kept.db").exists());
    drop(running);
    std::fs::write(world.data_dir().join("camsync.db"), b"not a ledger at all").unwrap();
    // Its write-ahead log alone would bring it back.
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.data_dir().join(format!("camsync.db{suffix}")));
    }
    assert_eq!(world.run(&["status"]).status.code(), Some(1));
    let output = world.run(&["restore", "kept.db"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    world.sync();
    assert_nothing_twice(&world);
    assert_sound(&world);
    // Another account's ledger is not put in this one's place.
    let other = World::new();
    other
        .cam
        .configure(|options| options.owner_uin = 100_000_000_777);
    other.cam.keys(|keys| {
        keys.values_mut()
            .for_each(|key| key.owner_uin = 100_000_000_777)
    });
    other.sync();
    let from = world.dir.path().join("kept.db");
    let refused = other.run(&["restore", &from.to_string_lossy()]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("100000000777"));
}
