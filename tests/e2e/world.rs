//! A world to test in: a WeCom, a CAM, a folder with a configuration, and the binary.

use std::path::PathBuf;
use std::process::{Command, Output};

use camsync_simulators::{cam, wecom};
use serde_json::Value;
use tempfile::TempDir;

/// Secrets of the world; none of them may ever show up anywhere.
pub const SECRETS: [(&str, &str); 3] = [
    ("WECOM_SECRET", "wecom-secret-3f1c0de5a1b2c3d4"),
    (
        "TENCENTCLOUD_SECRET_ID",
        "AKIDTESTSECRETID0000000000000000000",
    ),
    ("TENCENTCLOUD_SECRET_KEY", "cam-secret-key-9a8b7c6d5e4f3a2b"),
];

pub struct World {
    pub wecom: wecom::Simulator,
    pub cam: cam::Simulator,
    pub dir: TempDir,
    runtime: tokio::runtime::Runtime,
}

/// What a test wants changed of the usual world.
#[derive(Default)]
pub struct Wish {
    /// Appended to the configuration.
    pub config: String,
    pub wecom: Option<wecom::Options>,
    pub cam: Option<cam::Options>,
    /// `[[admit]]` and `[[grant]]` rules; everyone who is active by default.
    pub rules: Option<String>,
}

pub const EVERYONE: &str = r#"
[[admit]]
when = "member.status == 'active'"
remark = "{{ member.name }}"
"#;

impl World {
    /// The usual world: an app that sees department 1, nobody in it, an empty CAM.
    pub fn new() -> Self {
        Self::with(Wish::default())
    }

    pub fn with(wish: Wish) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut wecom_options = wish.wecom.unwrap_or_default();
        wecom_options.secret = SECRETS[0].1.into();
        let mut cam_options = wish.cam.unwrap_or_default();
        cam_options.secret_id = SECRETS[1].1.into();
        cam_options.secret_key = SECRETS[2].1.into();
        let wecom = runtime
            .block_on(wecom::Simulator::start(wecom_options))
            .unwrap();
        let cam = runtime
            .block_on(cam::Simulator::start(cam_options))
            .unwrap();
        wecom.set_range(wecom::VisibleRange::departments(&[1]));
        let world = Self {
            wecom,
            cam,
            dir: TempDir::new().unwrap(),
            runtime,
        };
        world.configure(&wish.config, wish.rules.as_deref().unwrap_or(EVERYONE));
        world
    }

    /// Writes the configuration.
    pub fn configure(&self, extra: &str, rules: &str) {
        let text = format!(
            r#"
[daemon]
data_dir = "data"
listen = "127.0.0.1:0"

[target]
endpoint = "{cam}"

[retry]
initial = "20ms"
max = "200ms"
attempts = 8

[[source]]
name = "acme"
connector = "wecom"
[source.settings]
corp_id = "ww0123456789abcdef"
agent_id = 1000002
secret = {{ env = "WECOM_SECRET" }}
api_base = "{wecom}"
{rules}
{extra}
"#,
            cam = self.cam.url(),
            wecom = self.wecom.url(),
        );
        std::fs::write(self.dir.path().join("camsync.toml"), text).unwrap();
    }

    /// Members with ids m1, m2, ... in department 1.
    pub fn join(&self, ids: std::ops::RangeInclusive<u32>) {
        for id in ids {
            self.wecom
                .add_member(&format!("m{id}"), &format!("成员{id}"), &[1]);
        }
    }

    /// A full pass that must succeed; its document.
    pub fn sync(&self) -> Value {
        let output = self.run(&["sync", "--json"]);
        assert!(
            output.status.success(),
            "sync failed, {}: {}\n{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        json(&output)
    }

    /// The document of a reading command.
    pub fn read(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all);
        assert!(output.status.success(), "{}", text(&output.stderr));
        json(&output)
    }

    /// A pass that must fail; its document.
    pub fn sync_fails(&self) -> Value {
        let output = self.run(&["sync", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        json(&output)
    }

    /// A command that must succeed.
    pub fn does(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }

    /// A command that must not; what it says.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} went through");
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Rewrites the configuration's text.
    pub fn edit(&self, change: impl Fn(&str) -> String) {
        let file = self.dir.path().join("camsync.toml");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(&before)).unwrap();
    }

    /// What stands in a member's way; empty when nothing does.
    pub fn problem(&self, id: &str) -> String {
        let problem = &self.member(id)["problem"];
        problem.as_str().unwrap_or_default().to_owned()
    }

    /// Plans of this status, newest first.
    pub fn plans(&self, status: &str) -> Vec<Value> {
        let found = self.read(&["plans", "list", "--status", status]);
        found["plans"].as_array().unwrap().clone()
    }

    /// The one plan that is held.
    pub fn held(&self) -> Value {
        let mut held = self.plans("held");
        assert_eq!(held.len(), 1, "{held:?}");
        held.remove(0)
    }

    pub fn plan_status(&self, id: &Value) -> String {
        let shown = self.read(&["plans", "show", &id.to_string()]);
        shown["plan"]["status"].as_str().unwrap().to_owned()
    }

    pub fn approve(&self, plan: &Value) {
        self.does(&["plans", "approve", &plan["id"].to_string()]);
    }

    /// Changes, newest first.
    pub fn changes(&self) -> Vec<Value> {
        let found = self.read(&["changes", "list", "--limit", "0"]);
        found["changes"].as_array().unwrap().clone()
    }

    /// Changes of one sub-user, newest first.
    pub fn changes_of(&self, username: &str) -> Vec<Value> {
        let mut found = self.changes();
        found.retain(|c| c["username"] == username);
        found
    }

    /// Whether console sign-in is on in the cloud.
    pub fn signs_in(&self, username: &str) -> bool {
        self.cam.user(username).unwrap().console_login
    }

    /// How many of these users may sign in.
    pub fn signing_in(&self, ids: std::ops::RangeInclusive<u32>) -> usize {
        ids.filter(|id| {
            self.cam
                .user(&format!("m{id}"))
                .is_some_and(|u| u.console_login)
        })
        .count()
    }

    /// What camsync itself did to this account, in order.
    pub fn done_to(&self, username: &str) -> Vec<String> {
        self.cam
            .history_of(username)
            .into_iter()
            .filter(|w| w.by != cam::Actor::ByHand)
            .map(|w| w.action)
            .collect()
    }

    /// Lets the grace of every leaver be over.
    pub fn end_grace(&self) {
        let done = self.ledger().execute(
            "UPDATE sub_users SET leaving_since = '2020-01-01T00:00:00.000Z' WHERE leaving_since IS NOT NULL",
            [],
        );
        assert!(done.unwrap() > 0, "nobody is leaving");
    }

    /// Takes these permissions from the CAM key, and gives it all others.
    pub fn deny(&self, actions: &[&str]) {
        let denied: Vec<String> = actions.iter().map(|&a| a.to_owned()).collect();
        self.cam
            .keys(|keys| keys.get_mut(SECRETS[1].1).unwrap().denied = denied);
    }

    pub fn leave(&self, ids: std::ops::RangeInclusive<u32>) {
        for id in ids {
            self.wecom.remove_member(&format!("m{id}"));
        }
    }

    pub fn member(&self, id: &str) -> Value {
        self.read(&["members", "show", id])["member"].clone()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn ledger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data_dir().join("camsync.db")).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.dress(env!("CARGO_BIN_EXE_camsync"), arguments)
    }

    /// A program in the folder and the environment that camsync has here.
    pub fn dress(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("USER", "tester")
            // Compiled connectors are shared by all tests: what a connector is does not depend on the world.
            .env(
                "CAMSYNC_CACHE_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/connectors"),
            );
        for (name, value) in SECRETS {
            command.env(name, value);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs beside the test until it ends.
    pub fn spawn(&self, task: impl std::future::Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    pub fn block_on<T>(&self, future: impl std::future::Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!(
            "not JSON ({e}): {}\n{}",
            text(&output.stdout),
            text(&output.stderr)
        )
    })
}
