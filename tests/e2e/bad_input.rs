//! Bad input: each piece is refused with one clear message, nothing is lost, and what is good goes on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use camsync_simulators::cam;
use serde_json::Value;

use crate::world::{Wish, World, json, text};

/// Ends with this status, and says all of this in a message that is short enough to be read.
fn refused(output: &Output, status: i32, saying: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{}{said}",
        text(&output.stdout)
    );
    for part in saying {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
    assert!(
        said.lines().count() <= 12 && said.len() < 2000,
        "too long: {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

/// What lies in a folder, and what is in it.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    names
        // The lock's file says who was last, which is no loss.
        .filter(|entry| entry.path().is_file() && entry.file_name() != "camsync.lock")
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// The configuration is replaced by `make`; every command must refuse it, saying all of this.
fn configuration_refused(make: impl Fn(&Path), saying: &[&str]) {
    let world = World::new();
    let file = world.dir.path().join("camsync.toml");
    fs::remove_file(&file).unwrap();
    make(&file);
    let mut all = vec!["camsync.toml"];
    all.extend(saying);
    for words in [&["status"][..], &["sync"], &["run"], &["plan"]] {
        refused(&world.run(words), 2, &all);
    }
    refused(&world.run(&["plan", "--detailed-exitcode"]), 1, &all);
    refused(
        &world.run(&["--config", "camsync.toml", "check"]),
        2,
        saying,
    );
    let document = json(&world.run(&["status", "--json"]));
    assert_eq!(document["exit"], 2, "{document}");
    assert!(!world.data_dir().exists(), "a data folder was made");
}

#[test]
fn an_absent_configuration_says_where_it_was_looked_for() {
    configuration_refused(|_| {}, &["--config"]);
}

#[test]
fn an_empty_configuration_shows_the_least_one() {
    configuration_refused(
        |file| fs::write(file, "").unwrap(),
        &["empty", "[[source]]", "connector ="],
    );
    configuration_refused(
        |file| fs::write(file, "\u{feff}# nothing yet\n").unwrap(),
        &["empty", "[[source]]"],
    );
}

#[test]
fn a_binary_configuration_is_called_one() {
    configuration_refused(
        |file| fs::write(file, b"\x7fELF\x02\x01\x01\0\0\xff\xfe\x80").unwrap(),
        &["binary", "is it the right one"],
    );
    configuration_refused(
        |file| fs::write(file, b"[daemon]\n# caf\xe9\n").unwrap(),
        &["line 2", "UTF-8"],
    );
}

#[test]
fn a_huge_configuration_is_not_read() {
    configuration_refused(
        |file| File::create(file).unwrap().set_len(50 << 20).unwrap(),
        &["large"],
    );
    // Small enough to be read, and deep enough to exhaust the stack of a careless parser.
    configuration_refused(
        |file| fs::write(file, format!("a = {}", "[".repeat(500_000))).unwrap(),
        &["1:"],
    );
}

#[test]
fn a_folder_or_a_loop_in_the_configurations_place_is_named() {
    configuration_refused(|file| fs::create_dir(file).unwrap(), &["folder"]);
    configuration_refused(
        |file| symlink("camsync.toml", file).unwrap(),
        &["symbolic link that cannot be followed", "put the file"],
    );
    configuration_refused(
        |file| symlink("nowhere", file).unwrap(),
        &["symbolic link", "does not exist"],
    );
}

#[test]
fn a_misspelt_key_is_named_with_its_line_and_the_nearest() {
    let world = World::new();
    world.edit(|before| before.replace("data_dir", "data_dri"));
    let before = fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    let line = 1 + before.lines().position(|l| l.contains("data_dri")).unwrap();
    let place = format!("camsync.toml:{line}:");
    let saying = [
        place.as_str(),
        "`daemon.data_dri`",
        "did you mean `data_dir`",
    ];
    refused(&world.run(&["sync"]), 2, &saying);
    refused(&world.run(&["plan", "--detailed-exitcode"]), 1, &saying);
    assert!(!world.data_dir().exists());
}

#[test]
fn a_file_that_is_no_connector_fails_its_own_source_only() {
    let world = World::new();
    world.join(1..=3);
    let folder = world.dir.path();
    let wecom = camsync::connectors::BUILT_IN[0].1;
    let component = |export: &str| {
        let text = format!("(component (instance $i) (export \"{export}\" (instance $i)))");
        wat::parse_str(text).unwrap()
    };
    let files: [(&str, Vec<u8>, &str); 8] = [
        (
            "core",
            wat::parse_str("(module)").unwrap(),
            "core WebAssembly module",
        ),
        (
            "world",
            component("wasi:cli/run@0.2.0"),
            "wasi:cli/run@0.2.0",
        ),
        (
            "future",
            component("camsync:connector/connector@3.1.4"),
            "version 3.1.4",
        ),
        (
            "hollow",
            component("camsync:connector/connector@1.0.0"),
            "describe",
        ),
        ("cut", wecom[..wecom.len() / 2].to_vec(), "cut short"),
        ("nothing", Vec::new(), "it is empty"),
        ("other", wecom.to_vec(), "sha256"),
        (
            "html",
            b"<html>404</html>".to_vec(),
            "not a WebAssembly file",
        ),
    ];
    let mut extra = String::from("[[source]]\nname = \"absent\"\nconnector = \"./absent.wasm\"\n");
    let mut reasons = vec![("absent", "absent.wasm")];
    for (name, bytes, reason) in &files {
        fs::write(folder.join(format!("{name}.wasm")), bytes).unwrap();
        extra += &format!("[[source]]\nname = \"{name}\"\nconnector = \"./{name}.wasm\"\n");
        if *name == "other" {
            extra += &format!("sha256 = \"{}\"\n", "0".repeat(64));
        }
        reasons.push((name, reason));
    }
    fs::create_dir(folder.join("folder.wasm")).unwrap();
    extra += "[[source]]\nname = \"folder\"\nconnector = \"./folder.wasm\"\n";
    reasons.push(("folder", "folder.wasm"));
    world.edit(|before| format!("{before}\n{extra}"));

    let report = world.sync_fails();
    assert_eq!(world.cam.user_names(), ["m1", "m2", "m3"], "{report}");
    let plan = world.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(1));
    let sync = text(&world.run(&["sync"]).stdout);
    let status = world.read(&["status"]);
    let said = text(&world.run(&["status"]).stdout);
    let source = |name: &str| -> Value {
        let all = status["sources"].as_array().unwrap();
        all.iter().find(|s| s["name"] == name).unwrap().clone()
    };
    assert_eq!(source("acme")["state"], "ok", "{status}");
    assert_eq!(source("acme")["members"], 3, "{status}");
    for (name, reason) in reasons {
        let row = source(name);
        assert_eq!(row["state"], "failing", "{row}");
        assert!(
            row["error"].as_str().unwrap().contains(reason),
            "{reason:?} is missing in {row}"
        );
        let failures = report["failures"].as_array().unwrap();
        let failure = failures.iter().find(|f| f["source"] == name).unwrap();
        assert!(failure.to_string().contains(reason), "{failure}");
        for shown in [&sync, &said] {
            assert!(shown.contains(reason), "{reason:?} is missing in {shown}");
        }
    }
    // What was repaired is taken up again, and the rest still fails.
    fs::write(folder.join("hollow.wasm"), b"").unwrap();
    world.leave(3..=3);
    world.sync_fails();
    assert!(!world.signs_in("m3"), "the good source goes on");
}

/// A world whose ledger is in one file, with two sub-users in it.
fn with_ledger() -> World {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    // One file and no log beside it: then "untouched" can be told from its bytes.
    let ledger = world.ledger();
    ledger
        .pragma_update(None, "journal_mode", "delete")
        .unwrap();
    drop(ledger);
    world
}

/// Whatever is asked of this ledger is refused, and no byte of it changes.
fn ledger_refused(world: &World, saying: &[&str]) {
    world.join(3..=3);
    world.cam.clear_log();
    let before = contents(&world.data_dir());
    let mut all = vec!["camsync.db"];
    all.extend(saying);
    for words in [
        &["sync"][..],
        &["plan"],
        &["plan", "--detailed-exitcode"],
        &["status"],
        &["members", "list"],
        &["run"],
        &["freeze"],
    ] {
        refused(&world.run(words), 1, &all);
        assert!(
            contents(&world.data_dir()) == before,
            "{words:?} touched the data folder"
        );
    }
    assert!(world.cam.writes().is_empty());
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let world = with_ledger();
    world
        .ledger()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    ledger_refused(&world, &["version 99", "knows 1", "newer camsync"]);
    world
        .ledger()
        .pragma_update(None, "user_version", 1)
        .unwrap();
    world.sync();
    assert_eq!(world.cam.times_created("m1"), 1);
    assert_eq!(world.cam.user_names(), ["m1", "m2", "m3"]);
}

#[test]
fn a_corrupt_ledger_is_left_alone_and_a_backup_brings_it_back() {
    let world = with_ledger();
    world.does(&["backup", "good.db"]);
    let file = world.data_dir().join("camsync.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[..100].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    ledger_refused(&world, &["not a camsync ledger, or damaged", "restore"]);
    world.does(&["restore", "good.db"]);
    world.sync();
    assert_eq!(world.cam.times_created("m1"), 1);
    assert_eq!(world.cam.user_names(), ["m1", "m2", "m3"]);
}

#[test]
fn another_programs_database_is_not_made_a_ledger() {
    let world = World::new();
    fs::create_dir(world.data_dir()).unwrap();
    let theirs = world.ledger();
    theirs.execute_batch("CREATE TABLE theirs (id)").unwrap();
    drop(theirs);
    ledger_refused(&world, &["not a camsync ledger"]);
}

#[test]
fn a_bad_backup_does_not_replace_the_ledger() {
    let world = with_ledger();
    world.does(&["backup", "newer.db"]);
    rusqlite::Connection::open(world.dir.path().join("newer.db"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    fs::write(world.dir.path().join("text.db"), "no ledger at all").unwrap();
    let before = contents(&world.data_dir());
    refused(&world.run(&["restore", "newer.db"]), 1, &["version 99"]);
    refused(&world.run(&["restore", "text.db"]), 1, &["text.db"]);
    refused(&world.run(&["restore", "absent.db"]), 1, &["absent.db"]);
    assert!(contents(&world.data_dir()) == before, "the ledger changed");
}

#[test]
fn a_data_folder_below_a_file_is_refused() {
    let world = World::new();
    let file = world.dir.path().join("file");
    fs::write(&file, "precious").unwrap();
    world.edit(|before| before.replace("data_dir = \"data\"", "data_dir = \"file/data\""));
    for words in [
        &["sync"][..],
        &["plan", "--detailed-exitcode"],
        &["status"],
        &["run"],
    ] {
        refused(&world.run(words), 1, &["file/data"]);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(world.cam.writes().is_empty());
}

#[test]
fn nasty_members_are_created_once_and_conflicts_are_told() {
    let world = World::with(Wish {
        cam: Some(cam::Options {
            names: cam::NameRule::Seen,
            ..cam::Options::default()
        }),
        ..Wish::default()
    });
    let nasty = world.wecom.with(|enterprise| enterprise.add_nasty());
    world.wecom.change_range(|range| {
        range.departments.extend(&nasty.departments);
    });
    // One userid to WeCom, whatever its case: one person, and one sub-user (`wecom-api.md 2.1`).
    let twins = ["Case.Twin", "case.twin"];
    let report = world.sync();
    let mut expected: Vec<&str> = nasty.members.iter().map(String::as_str).collect();
    expected.retain(|id| !twins.contains(id));
    for id in &expected {
        assert_eq!(world.cam.times_created(id), 1, "{id}: {report}");
    }
    let names = world.cam.user_names();
    assert_eq!(names.len(), expected.len() + 1, "{names:?}");
    let twin = names.iter().find(|n| n.eq_ignore_ascii_case(twins[0]));
    assert_eq!(world.cam.times_created(twin.unwrap()), 1);
    let members = world.read(&["members", "list"]);
    let rows = members["members"].as_array().unwrap();
    assert_eq!(rows.len(), names.len(), "{members}");
    let row = |id: &str| rows.iter().find(|r| r["id"] == id).unwrap();
    let twenty = row("twenty")["departments"].as_array().unwrap();
    assert_eq!(twenty.len(), 20, "{twenty:?}");

    world.cam.clear_log();
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());

    for words in [&["members", "list"][..], &["members", "explain", "rtl"]] {
        let said = text(&world.run(words).stdout);
        let steers = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!said.contains(steers), "{said:?}");
    }
}

#[test]
fn a_name_that_the_cloud_refuses_stops_nobody_else() {
    let world = World::new();
    // Sixty-four bytes are legal in WeCom. It comes first, and there are more than are worked on side by side.
    let long = "l".repeat(64);
    world.join(1..=40);
    world.wecom.add_member(&long, "六十四字节", &[1]);
    let report = world.sync_fails();
    assert_eq!(world.cam.user_names().len(), 40, "{report}");
    assert_eq!(report["failed"][0]["username"], long.as_str(), "{report}");
    assert_eq!(world.changes_of(&long)[0]["status"], "failed");
    world.sync_fails();
    for id in ["m1", "m2"] {
        assert_eq!(world.cam.times_created(id), 1);
    }
}
