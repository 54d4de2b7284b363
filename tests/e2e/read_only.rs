//! A data folder that cannot be written: nothing is sent to the cloud, the message names the place and the remedy, and
//! with write access all goes on. Where the tests run as root, which no permission stops, the binary runs as nobody.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::tools::until;
use crate::world::{World, text};

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Runs as a user whom permissions stop. What does not end, a daemon that started, is killed.
fn run(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    until(&format!("{arguments:?} ends"), || {
        child.try_wait().unwrap().is_some()
    });
    child.wait_with_output().unwrap()
}

/// Gives a file or folder to the user that the binary runs as, with these permissions.
fn give(path: &Path, mode: u32) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_refused(world: &World, commands: &[&[&str]]) {
    for arguments in commands {
        let output = run(world, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        for part in ["data", "cannot be written", "write access"] {
            assert!(said.contains(part), "{arguments:?}, {part}: {said}");
        }
    }
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
}

const WRITING: &[&[&str]] = &[&["sync"], &["sync", "--json"], &["run"], &["plan"]];

#[test]
fn a_folder_that_cannot_be_written_is_named_with_the_remedy_and_nothing_is_sent() {
    let world = World::new();
    world.join(1..=2);
    // The folder cannot even be made.
    give(world.dir.path(), 0o555);
    is_refused(&world, WRITING);
    // It is there, and holds nothing.
    give(world.dir.path(), 0o755);
    std::fs::create_dir(world.data_dir()).unwrap();
    give(&world.data_dir(), 0o555);
    is_refused(&world, WRITING);
    give(&world.data_dir(), 0o700);
    world.sync();
    assert_eq!(world.signing_in(1..=2), 2);
}

#[test]
fn a_ledger_that_cannot_be_written_any_more_stops_before_the_cloud() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    give(world.dir.path(), 0o755);
    give(&world.data_dir(), 0o700);
    world.join(3..=3);
    world.leave(1..=1);
    world.cam.clear_log();
    give(&world.data_dir().join("camsync.lock"), 0o600);
    // SQLite keeps its journal and its index beside the ledger.
    let files = |mode| {
        for name in ["camsync.db", "camsync.db-wal", "camsync.db-shm"] {
            let path = world.data_dir().join(name);
            if path.exists() {
                give(&path, mode);
            }
        }
    };
    files(0o400);
    is_refused(&world, WRITING);
    files(0o600);
    world.sync();
    assert!(world.signs_in("m3") && !world.signs_in("m1"));
}
