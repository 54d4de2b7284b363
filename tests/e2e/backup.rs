//! Backups of a ledger under load, and what a restored one leads to.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use camsync_simulators::When;
use camsync_simulators::cam::Fault;

use crate::tools::{
    Process, Tuning, assert_nothing_twice, assert_sound, daemon, until, world as tuned,
};
use crate::world::{World, text};

const MEMBERS: u32 = 300;

fn world() -> World {
    tuned(&Tuning {
        target: "requests_per_second = 80".into(),
        source: "schedule = \"0 0 1 1 *\"".into(),
        ..Tuning::default()
    })
}

/// Whether the copy is whole, and how many sub-users it knows to exist.
fn managed_in(copy: &Path) -> u32 {
    let copy = rusqlite::Connection::open(copy).unwrap();
    let one = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0));
    assert_eq!(
        one("PRAGMA integrity_check").unwrap(),
        rusqlite::types::Value::Text("ok".into())
    );
    match one("SELECT count(*) FROM sub_users WHERE stage = 'managed'").unwrap() {
        rusqlite::types::Value::Integer(count) => u32::try_from(count).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn copies_made_under_load_are_whole_and_a_restored_one_converges_without_creating_twice() {
    let world = world();
    world.join(1..=MEMBERS);
    let mut running = daemon(&world);
    until("sub-users are being created", || {
        world.cam.user_names().len() > 20
    });

    // Copies, for as long as it writes.
    let mut counts = Vec::new();
    while world.cam.user_names().len() < MEMBERS as usize {
        let name = format!("copy-{}.db", counts.len());
        world.does(&["backup", &name]);
        let copy = world.dir.path().join(&name);
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        counts.push(managed_in(&copy));
    }
    assert!(counts.len() >= 3, "the load was over too soon: {counts:?}");
    assert!(counts.is_sorted(), "a later copy knows less: {counts:?}");
    let first = counts[0];
    assert!(first < MEMBERS, "the first copy came too late: {counts:?}");
    until("the daemon is at rest", || {
        world.read(&["status"])["changes"]["applied"] == MEMBERS
    });

    // While it runs, no backup takes its ledger's place.
    let said = world.refuses(&["restore", "copy-0.db"]);
    assert!(said.contains("held by `camsync run`"), "{said}");
    running.terminate();
    assert!(running.wait().success(), "{}", running.stderr());

    let audit = world.read(&["audit", "--limit", "0"]);
    let noted = audit["audit"].as_array().unwrap().iter();
    assert_eq!(
        noted.filter(|row| row["action"] == "backup").count(),
        counts.len()
    );

    // `status` works on the copy, and says what was then.
    world.does(&["restore", "copy-0.db"]);
    assert_eq!(world.read(&["status"])["sub_users"]["managed"], first);

    // What was created since is met again. It is not created twice, nobody loses anything, and none of it is taken for
    // camsync's own by its mark alone: a person says so, account by account.
    world.cam.clear_log();
    world.sync();
    let missing: Vec<serde_json::Value> = unmanaged(&world);
    assert!(!missing.is_empty());
    for member in &missing {
        let problem = member["problem"].as_str().unwrap();
        assert!(problem.contains("is taken by the account"), "{problem}");
    }
    world.edit(|text| text.replace("[[admit]]", "[[admit]]\nadopt = \"name\""));
    world.sync();
    let held = world.plans("held");
    assert_eq!(held.len(), missing.len().min(100), "a plan for each");
    for plan in &held[..2] {
        assert_eq!(plan["evidence"], "adopt");
        world.approve(plan);
    }
    world.sync();
    assert_eq!(unmanaged(&world).len(), missing.len() - 2);
    assert!(
        world
            .cam
            .user_names()
            .iter()
            .all(|name| world.signs_in(name))
    );
    assert_eq!(world.cam.user_names().len(), MEMBERS as usize);
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Members without a sub-user of camsync's.
fn unmanaged(world: &World) -> Vec<serde_json::Value> {
    let mut members = world.read(&["members", "list", "--limit", "0"])["members"].take();
    let members = members.as_array_mut().unwrap();
    members.retain(|m| m["sub_user"]["managed"] != true);
    std::mem::take(members)
}

#[test]
fn a_backup_does_not_wait_for_the_daemon_nor_the_daemon_for_it() {
    let world = world();
    world.join(1..=3);
    // The first write of the pass is never answered: the daemon is busy, and stays so.
    world
        .cam
        .inject(When::action("AddUser"), Fault::NeverAnswer);
    let running = daemon(&world);
    until("a write is under way", || {
        world.read(&["status"])["changes"]["in_flight"] != 0
    });
    world.does(&["backup", "busy.db"]);
    assert_eq!(managed_in(&world.dir.path().join("busy.db")), 0);
    drop(running);
}

#[test]
fn a_backup_of_nothing_and_one_in_the_place_of_a_file_are_refused() {
    let world = world();
    let said = world.refuses(&["backup", "copy.db"]);
    assert!(said.contains("no ledger yet"), "{said}");
    assert!(!world.dir.path().join("copy.db").exists());
    world.sync();
    std::fs::write(world.dir.path().join("copy.db"), "mine").unwrap();
    let said = world.refuses(&["backup", "copy.db"]);
    assert!(said.contains("name a new file"), "{said}");
    let kept = std::fs::read(world.dir.path().join("copy.db")).unwrap();
    assert_eq!(text(&kept), "mine");
}

/// A log that stays behind is played into whatever ledger comes in its place.
#[test]
fn a_restore_moves_the_write_ahead_log_of_a_ledger_that_is_gone() {
    let world = world();
    world.join(1..=3);
    let running = daemon(&world);
    until("the first pass is over", || {
        world.read(&["status"])["changes"]["applied"] == 3
    });
    world.does(&["backup", "copy.db"]);
    running.kill();
    let log = world.data_dir().join("camsync.db-wal");
    assert!(log.exists(), "the crash left no log");
    std::fs::remove_file(world.data_dir().join("camsync.db")).unwrap();
    world.does(&["restore", "copy.db"]);
    assert_eq!(world.read(&["status"])["sub_users"]["managed"], 3);
    let aside = std::fs::read_dir(world.data_dir()).unwrap().any(|entry| {
        let name = entry.unwrap().file_name();
        let name = name.to_string_lossy().into_owned();
        name.contains("before-restore") && name.ends_with("-wal")
    });
    assert!(aside, "the old log is gone");
    world.sync();
    assert_sound(&world);
}

/// `sudo camsync plan` before the first start must not leave a ledger that the daemon's user cannot open.
#[test]
fn what_root_makes_in_the_data_folder_belongs_to_the_folders_owner() {
    let world = world();
    std::fs::create_dir(world.data_dir()).unwrap();
    if std::os::unix::fs::chown(world.data_dir(), Some(12345), Some(12345)).is_err() {
        eprintln!("SKIPPED: only root can give files away");
        return;
    }
    world.sync();
    for file in ["camsync.db", "camsync.lock"] {
        let seen = world.data_dir().join(file).metadata().unwrap();
        assert_eq!((seen.uid(), seen.mode() & 0o777), (12345, 0o600), "{file}");
    }
    world.does(&["backup", "copy.db"]);
    world.does(&["restore", "copy.db"]);
    let seen = world.data_dir().join("camsync.db").metadata().unwrap();
    assert_eq!((seen.uid(), seen.mode() & 0o777), (12345, 0o600));
    // What lands elsewhere belongs to whoever made it.
    let copy = world.dir.path().join("copy.db").metadata().unwrap();
    assert_eq!(copy.uid(), 0);
}

/// Two machines, one shared folder: whoever comes second waits outside, and may take over once the first is gone.
#[test]
fn a_standby_takes_over_a_shared_folder_only_when_the_first_is_gone() {
    let world = world();
    world.join(1..=3);
    let first = daemon(&world);
    until("the first pass is over", || {
        world.read(&["status"])["changes"]["applied"] == 3
    });
    let mut second = Process::start(&world, &["run"]);
    assert_eq!(second.wait().code(), Some(1));
    assert!(second.stderr().contains("held by"), "{}", second.stderr());
    first.kill();
    world.join(4..=4);
    world.sync();
    assert_eq!(world.read(&["status"])["sub_users"]["managed"], 4);
    assert_nothing_twice(&world);
    assert_sound(&world);
}
