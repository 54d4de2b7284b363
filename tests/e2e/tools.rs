//! Tools of the attackers: a configuration with every limit small, processes that are killed, and what must hold
//! in a ledger whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use camsync_simulators::cam;
use rusqlite::OptionalExtension as _;

use crate::world::{EVERYONE, Wish, World};

/// Longer than anything here may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What is written into the configuration's places that [`World::configure`] has no room for.
#[derive(Clone)]
pub struct Tuning {
    pub daemon: String,
    pub target: String,
    pub retry_attempts: u32,
    pub guard: String,
    pub leavers: String,
    pub source: String,
    pub secret: String,
    pub rules: String,
    pub extra: String,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            daemon: String::new(),
            target: "requests_per_second = 400".into(),
            retry_attempts: 12,
            guard: "window = \"1s\"\nmax_removals = 1000\nmax_removal_ratio = 1.0\nmax_said_ratio = 1.0".into(),
            leavers: "delete_after = \"1s\"".into(),
            source: String::new(),
            secret: "{ env = \"WECOM_SECRET\" }".into(),
            rules: EVERYONE.into(),
            extra: String::new(),
        }
    }
}

/// A world with an account that has no rate limit, so that faults are met quickly.
pub fn world(tuning: &Tuning) -> World {
    let world = World::with(Wish {
        cam: Some(cam::Options {
            rate: None,
            ..cam::Options::default()
        }),
        ..Wish::default()
    });
    configure(&world, tuning);
    world
}

pub fn configure(world: &World, tuning: &Tuning) {
    let Tuning {
        daemon,
        target,
        retry_attempts,
        guard,
        leavers,
        source,
        secret,
        rules,
        extra,
    } = tuning;
    let text = format!(
        r#"
[daemon]
data_dir = "data"
listen = "127.0.0.1:0"
{daemon}

[target]
endpoint = "{cam}"
{target}

[retry]
initial = "10ms"
max = "100ms"
attempts = {retry_attempts}

[guard]
{guard}

[leavers]
{leavers}

[[source]]
name = "acme"
connector = "wecom"
{source}
[source.settings]
corp_id = "ww0123456789abcdef"
agent_id = 1000002
secret = {secret}
api_base = "{wecom}"

{rules}
{extra}
"#,
        cam = world.cam.url(),
        wecom = world.wecom.url(),
    );
    std::fs::write(world.dir.path().join("camsync.toml"), text).unwrap();
}

/// Waits until `holds`; says what it waited for when it does not come.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A process that is under way; killed when dropped.
pub struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        Self::start_with(world, arguments, &[])
    }

    pub fn start_with(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = world.command(arguments);
        command.envs(environment.iter().copied());
        Self::spawn(world, command)
    }

    pub fn spawn(world: &World, mut command: std::process::Command) -> Self {
        static SERIAL: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let stdout = world.dir.path().join(format!("stdout-{serial}"));
        let stderr = world.dir.path().join(format!("stderr-{serial}"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stdout).unwrap()).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `camsync run`, answering on its socket.
pub fn daemon(world: &World) -> Process {
    let mut process = Process::start(world, &["run"]);
    wait_for_socket(world, &mut process);
    process
}

pub fn wait_for_socket(world: &World, process: &mut Process) {
    let socket = world.data_dir().join("camsync.sock");
    until("the daemon answers", || {
        assert!(process.ended().is_none(), "{}", process.stderr());
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
}

/// What holds in every ledger at rest: it is whole, its audit is unbroken, no attempt is open, nothing waits, and each
/// sub-user that it manages is the one that CAM has.
pub fn assert_sound(world: &World) {
    let ledger = world.ledger();
    let word: String = ledger
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(word, "ok");
    let broken = ledger
        .query_row("PRAGMA foreign_key_check", [], |row| {
            row.get::<_, String>(0)
        })
        .optional()
        .unwrap();
    assert_eq!(broken, None, "a row refers to nothing");
    assert_eq!(world.read(&["audit"])["broken_at"], serde_json::Value::Null);
    let count = |sql: &str| -> u32 { ledger.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        count("SELECT count(*) FROM attempts WHERE ended_at IS NULL"),
        0,
        "an attempt has no outcome"
    );
    assert_eq!(
        count("SELECT count(*) FROM changes WHERE status IN ('pending', 'in_flight')"),
        0,
        "a change still waits"
    );
    let mut statement = ledger
        .prepare("SELECT username, uin FROM sub_users WHERE stage = 'managed'")
        .unwrap();
    let managed: Vec<(String, Option<u64>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (username, uin) in managed {
        let user = world.cam.user(&username);
        assert_eq!(user.map(|u| u.uin), uin, "{username}");
    }
}

/// No user was created or deleted twice, and no write that CAM answered well left everything as it was: what had been
/// done already was not sent again. Of requests that were struck by a fault, that is not asked: they may have to be.
pub fn assert_nothing_twice(world: &World) {
    let mut created: BTreeMap<String, u32> = BTreeMap::new();
    let mut deleted: BTreeSet<u64> = BTreeSet::new();
    for write in world.cam.history() {
        if write.by == cam::Actor::ByHand {
            continue;
        }
        match write.action.as_str() {
            "AddUser" => *created.entry(write.name).or_default() += 1,
            "DeleteUser" => assert!(
                deleted.insert(write.uin.unwrap()),
                "{} was deleted twice",
                write.name
            ),
            _ => {}
        }
    }
    for (name, times) in created {
        assert_eq!(times, 1, "{name} was created {times} times");
    }
    for request in world.cam.log() {
        let writes = ["AddUser", "UpdateUser", "DeleteUser"].contains(&request.action.as_str());
        let in_vain = writes && request.outcome == "ok" && !request.effect;
        assert!(!in_vain || request.faulted, "written again: {request:?}");
    }
}

/// Small, and the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
