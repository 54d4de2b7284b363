//! The demo ends in order when it is asked to, wherever it is in its story.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::tools::{Process, until};
use crate::world::World;

/// Processes whose command line names this folder.
fn about(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder.to_str().unwrap()))
        .collect()
}

#[test]
fn it_ends_within_seconds_of_sigterm_and_leaves_nothing() {
    let world = World::new();
    let temporary = world.dir.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    // While the first connector is compiled, while its daemon runs: no shell is there, nor any other program.
    let fresh = temporary.join("compiled");
    for (moment, cache) in [("camsync check", Some(&fresh)), ("✓", None)] {
        let mut command = world.command(&["--lang", "en", "demo"]);
        command.env("TMPDIR", &temporary).env("PATH", "/nowhere");
        if let Some(cache) = cache {
            command.env("CAMSYNC_CACHE_DIR", cache);
        }
        let mut running = Process::spawn(&world, command);
        until(moment, || {
            assert!(running.ended().is_none(), "{}", running.stderr());
            running.stdout().contains(moment)
        });
        if cache.is_some() {
            until("it compiles", || {
                let compiling = |line: &String| line.contains(" compile-connector ");
                about(&fresh).iter().any(compiling)
            });
        }
        let began = Instant::now();
        running.terminate();
        assert!(running.wait().success(), "{}", running.stderr());
        assert!(began.elapsed() < Duration::from_secs(10));
        until("nothing runs on", || about(&temporary).is_empty());
        let left = std::fs::read_dir(&temporary).unwrap().flatten();
        let left: Vec<_> = left.map(|e| e.path()).filter(|p| *p != fresh).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
