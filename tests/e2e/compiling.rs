//! A connector that was never compiled here is compiled by a process of its own, which knows nothing and may not have everything.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::tools::{Process, until};
use crate::world::World;

fn read(pid: &Path, name: &str) -> String {
    let bytes = std::fs::read(pid.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The process under this one that compiles.
fn compiler(parent: u32) -> Option<PathBuf> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.map(|entry| entry.path()).find(|pid| {
        read(pid, "cmdline").contains(" compile-connector ")
            && read(pid, "status").contains(&format!("PPid:\t{parent}\n"))
    })
}

#[test]
fn a_connector_is_compiled_apart_within_limits_and_an_end_does_not_wait_for_it() {
    let world = World::new();
    let fresh = world.dir.path().join("fresh");
    let environment = [("CAMSYNC_CACHE_DIR", fresh.to_str().unwrap())];
    let mut running = Process::start_with(&world, &["run"], &environment);
    let mut found = None;
    until("a process of its own compiles", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        found = compiler(running.id());
        found.is_some()
    });
    let apart = found.unwrap();
    until("its memory is bounded", || {
        let limits = read(&apart, "limits");
        let bound = limits.lines().find(|l| l.starts_with("Max address space"));
        bound.is_some_and(|line| line.matches("4294967296").count() == 2)
    });
    assert_eq!(read(&apart, "environ").trim(), "");
    let began = Instant::now();
    running.terminate();
    assert!(running.wait().success(), "{}", running.stderr());
    assert!(began.elapsed() < Duration::from_secs(10));
    until("and it has ended, too", || {
        !read(&apart, "cmdline").contains(" compile-connector ")
    });
    assert!(!world.data_dir().join("camsync.sock").exists());
}

#[test]
fn what_does_not_compile_is_refused_with_the_compilers_words() {
    let world = World::new();
    let unsound = r#"(component
        (core module (func (result i32)))
        (instance $connector) (export "camsync:connector/connector@1.0.0" (instance $connector)))"#;
    let file = world.dir.path().join("unsound.wasm");
    std::fs::write(&file, wat::parse_str(unsound).unwrap()).unwrap();
    let said = world.refuses(&["connector", "inspect", "unsound.wasm"]);
    assert!(said.contains("does not compile"), "{said}");
    assert!(said.contains("type mismatch"), "{said}");
    // It was said by the other process, and this one had nothing to compile.
    assert!(!said.contains("own process"), "{said}");
}
