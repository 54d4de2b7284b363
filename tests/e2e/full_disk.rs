//! A disk that fills and is freed: nothing is sent that could not be written down first, and then it goes on by itself.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use crate::tools::{Process, Tuning, assert_nothing_twice, until, world};
use crate::world::text;

#[test]
#[allow(clippy::print_stderr)]
fn a_full_disk_is_survived_and_reported() {
    let world = world(&Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        ..Tuning::default()
    });
    world.join(1..=1);
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
    until("the first is served", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        world.cam.user("m1").is_some()
    });

    let mut filler = fs::File::create(data.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    world.join(2..=60);
    until("it says that the disk is full", || {
        running.stderr().contains("the disk is full")
    });
    let socket = socket.to_str().unwrap();
    let output = world.run(&["--socket", socket, "status", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(world.cam.user("m60").is_none());

    drop(filler);
    fs::remove_file(data.join("filler")).unwrap();
    until("all are served once there is room", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        (1..=60).all(|n| world.cam.user(&format!("m{n}")).is_some())
    });
    assert_nothing_twice(&world);
    running.terminate();
    assert!(running.wait().success());
}
