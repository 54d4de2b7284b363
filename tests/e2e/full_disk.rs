//! A disk that fills and is freed: nothing is sent that could not be written down first, and then it goes on by itself.
//!
//! Everywhere, the system is told to let the daemon's files grow no further. Where this machine lets anybody have a disk of their own, a
//! real one is filled, too, for the words that a full disk has.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::tools::{Process, Tuning, assert_nothing_twice, assert_sound, until, world};
use crate::world::{World, text};

fn every_second() -> World {
    let world = world(&Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        ..Tuning::default()
    });
    world.join(1..=1);
    world
}

/// Fills and frees what the ledger lies on, and looks how the daemon bears it. `refusal` is how it says so.
fn is_borne(
    world: &World,
    running: &mut Process,
    socket: &str,
    refusal: &str,
    fill: impl FnOnce(),
    free: impl FnOnce(),
) {
    until("the first is served", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        world.cam.user("m1").is_some()
    });
    fill();
    world.join(2..=60);
    until("it says that nothing can be written", || {
        running.stderr().contains(refusal)
    });
    let output = world.run(&["--socket", socket, "status", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(world.cam.user("m60").is_none());

    free();
    until("all are served once there is room", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        (1..=60).all(|n| world.cam.user(&format!("m{n}")).is_some())
    });
    assert_nothing_twice(world);
    running.terminate();
    assert!(running.wait().success());
}

#[test]
fn a_ledger_that_takes_nothing_is_survived_and_reported_and_then_it_goes_on() {
    let world = every_second();
    // The signal that comes with the limit is left alone, as a full disk sends none. What is logged goes through another
    // process, for the limit would hold for a file of the log as well.
    let script = format!(
        "mkfifo log; cat log >&2 & trap '' XFSZ; exec {} run 2>log",
        env!("CARGO_BIN_EXE_camsync")
    );
    let mut running = Process::spawn(&world, world.dress("sh", &["-c", &script]));
    let pid = Pid::from_raw(running.id().try_into().unwrap());
    let grow = |current| {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current, maximum };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    };
    let sizes = || {
        ["camsync.db", "camsync.db-wal"]
            .map(|name| fs::metadata(world.data_dir().join(name)).unwrap().len())
    };
    let before = std::cell::Cell::new([0; 2]);
    is_borne(
        &world,
        &mut running,
        "data/camsync.sock",
        "camsync.db: cannot",
        || {
            grow(Some(1));
            before.set(sizes());
        },
        || {
            assert_eq!(sizes(), before.get(), "something was written");
            grow(getrlimit(Resource::Fsize).current);
        },
    );
    assert_sound(&world);
}

#[test]
#[allow(clippy::print_stderr)]
fn a_full_disk_is_survived_and_reported_where_one_can_be_had() {
    let world = every_second();
    fs::create_dir(world.data_dir()).unwrap();
    // A small disk of its own, seen by the daemon alone; it goes away with it.
    let started = std::process::Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(world.data_dir())
        .output();
    if !started.is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: this machine lets nobody have a disk of their own");
        return;
    }
    let script = format!(
        "mount -t tmpfs -o size=16m tmpfs data && exec {} run",
        env!("CARGO_BIN_EXE_camsync")
    );
    let mut running = Process::spawn(
        &world,
        world.dress("unshare", &["-rm", "sh", "-c", &script]),
    );
    let seen_there = format!("/proc/{}/root{}", running.id(), world.data_dir().display());
    let data = PathBuf::from(&seen_there);
    let socket = data.join("camsync.sock");
    is_borne(
        &world,
        &mut running,
        socket.to_str().unwrap(),
        "the disk is full",
        || {
            let mut filler = fs::File::create(data.join("filler")).unwrap();
            while filler.write_all(&[0; 4096]).is_ok() {}
        },
        || fs::remove_file(data.join("filler")).unwrap(),
    );
}
