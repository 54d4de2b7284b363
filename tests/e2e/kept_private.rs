//! What a local user of the host finds of camsync (invariant 9): no core dump with keys in it, no file and no socket that is
//! anybody else's to open, no secret on a command line or in a child's environment.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::tools::{Process, Tuning, until, world};
use crate::world::{SECRETS, World, text};

fn of_process(id: &str, file: &str) -> String {
    text(&std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Ends with the test, whatever becomes of that.
struct Ending(std::process::Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell with no limit on dumps, in whose place this program comes.
fn that_may_dump(world: &World, program: &str) -> Command {
    let mut command = world.dress(
        "sh",
        &["-c", &format!("ulimit -c unlimited; exec {program}")],
    );
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A crash leaves nothing to be read. Where this machine dumps nobody, the limit alone is proved.
#[test]
fn a_crash_dumps_no_memory() {
    let world = world(&Tuning::default());
    let itself = that_may_dump(&world, "sh -c 'kill -ABRT $$'")
        .status()
        .unwrap();
    let program = format!("{} run", env!("CARGO_BIN_EXE_camsync"));
    let mut running = Ending(that_may_dump(&world, &program).spawn().unwrap());
    let child = &mut running.0;
    let socket = world.data_dir().join("camsync.sock");
    until("the daemon answers", || {
        assert!(child.try_wait().unwrap().is_none());
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    let id = child.id().to_string();
    let limits = of_process(&id, "limits");
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let numbers: Vec<_> = limit.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"]);
    // Whoever may set limits of others takes it away; the kernel still dumps nothing.
    let lifted = Command::new("prlimit")
        .args(["--pid", &id, "--core=unlimited:unlimited"])
        .status();
    let lifted = lifted.is_ok_and(|status| status.success());
    let kill = Command::new("kill").args(["-ABRT", &id]).status();
    assert!(kill.unwrap().success());
    let ended = child.wait().unwrap();
    assert_eq!(ended.signal(), Some(6));
    assert!(
        !ended.core_dumped(),
        "a core was dumped (lifted: {lifted}, others dump here: {})",
        itself.core_dumped()
    );
}

/// Whatever the umask lets be made.
#[test]
fn ledger_and_socket_are_the_users_alone() {
    let world = world(&Tuning::default());
    world.join(1..=2);
    let program = format!("umask 0; exec {} run", env!("CARGO_BIN_EXE_camsync"));
    let child = world
        .dress("sh", &["-c", &program])
        .stderr(Stdio::null())
        .spawn();
    let running = Ending(child.unwrap());
    until("a sub-user is made", || world.cam.user("m2").is_some());
    world.does(&["status"]);
    let found: Vec<(String, u32)> = std::fs::read_dir(world.data_dir())
        .unwrap()
        .flatten()
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                mode(&entry.path()),
            )
        })
        .filter(|(name, _)| name.starts_with("camsync."))
        .collect();
    drop(running);
    assert!(
        found.len() >= 3,
        "the ledger, its log and the socket: {found:?}"
    );
    for (name, mode) in found {
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(mode(&world.data_dir()), 0o700);
}

/// Neither camsync nor what it starts has a secret in its arguments; what it starts has no environment at all.
#[test]
fn no_secret_is_on_a_command_line_or_in_a_childs_environment() {
    let world = world(&Tuning::default());
    let fresh = world.dir.path().join("fresh");
    let environment = [("CAMSYNC_CACHE_DIR", fresh.to_str().unwrap())];
    let mut running = Process::start_with(&world, &["run"], &environment);
    world.join(1..=1);
    let mut children = 0;
    // All that it ever starts by itself is the compiler, which takes a while for a connector that it has not seen.
    until("a sub-user is made", || {
        assert!(running.ended().is_none(), "{}", running.stderr());
        let id = running.id().to_string();
        let threads = std::fs::read_dir(format!("/proc/{id}/task"))
            .unwrap()
            .flatten();
        let below: String = threads
            .map(|thread| {
                let thread = thread.file_name().into_string().unwrap();
                of_process(&id, &format!("task/{thread}/children"))
            })
            .collect::<Vec<_>>()
            .join(" ");
        for process in below.split_whitespace().chain([id.as_str()]) {
            let line = of_process(process, "cmdline");
            for (name, secret) in SECRETS {
                assert!(!line.contains(secret), "{name}: {line}");
            }
            if process != id && line.contains("compile-connector") {
                children += 1;
                assert_eq!(of_process(process, "environ").trim(), "");
            }
        }
        world.cam.user("m1").is_some()
    });
    assert!(children > 0, "nothing was compiled by a child");
    world.does(&["backup", "copy.db"]);
    let line = of_process(&running.id().to_string(), "cmdline");
    assert!(line.contains("run") && SECRETS.iter().all(|(_, secret)| !line.contains(secret)));
}
