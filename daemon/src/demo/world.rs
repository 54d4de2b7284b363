//! Where the demo plays: two simulators, a temporary folder with a configuration, and the daemon as a child process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camsync_simulators::{cam, wecom};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::ops::{OpError, Request};
use crate::pipeline::ProgressSink;
use crate::socket;

/// What is waited for comes within a second or so; whatever takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// The daemon's own limit for its last words is 10 s.
const LAST_WORDS: Duration = Duration::from_secs(12);
/// The first department that the application does not see, counted from the last.
const OUT_OF_SIGHT: u32 = 2;
/// The same enterprise each time.
const SEED: u64 = 20;

/// The demo's only source.
pub(super) const SOURCE: &str = "acme";

/// The world.
pub(super) struct World {
    pub(super) wecom: wecom::Simulator,
    pub(super) cam: cam::Simulator,
    folder: tempfile::TempDir,
    daemon: Mutex<Option<Child>>,
    language: &'static str,
}

impl World {
    /// Starts the simulators with an enterprise of so many members, and writes a configuration. Nothing runs yet.
    pub(super) async fn open(members: usize, language: &'static str) -> Result<Self, OpError> {
        let failed = |e: std::io::Error| OpError::failed(format!("the demo cannot be set up: {e}"));
        let wecom_options = wecom::Options {
            latency: Duration::from_millis(15),
            ..wecom::Options::default()
        };
        let mut cam_options = cam::Options {
            latency: Duration::from_millis(20),
            ..cam::Options::default()
        };
        cam_options.quotas.users = usize::MAX;
        let secrets = [
            ("wecom-secret", wecom_options.secret.clone()),
            ("cam-secret-id", cam_options.secret_id.clone()),
            ("cam-secret-key", cam_options.secret_key.clone()),
        ];
        let (corp_id, agent_id) = (wecom_options.corp_id.clone(), wecom_options.agent_id);
        let wecom = wecom::Simulator::start(wecom_options)
            .await
            .map_err(failed)?;
        let cam = cam::Simulator::start(cam_options).await.map_err(failed)?;
        let departments = 10 + members / 100;
        wecom.load(wecom::Enterprise::generate(SEED, members, departments));
        let last = u32::try_from(departments).unwrap_or(u32::MAX);
        let seen: Vec<u32> = (2..=last - OUT_OF_SIGHT).collect();
        wecom.set_range(wecom::VisibleRange::departments(&seen));
        let folder = tempfile::Builder::new()
            .prefix("camsync-demo-")
            .tempdir()
            .map_err(failed)?;
        for (name, secret) in secrets {
            std::fs::write(folder.path().join(name), secret).map_err(failed)?;
        }
        let world = Self {
            wecom,
            cam,
            folder,
            daemon: Mutex::new(None),
            language,
        };
        let configuration = world.configuration(&corp_id, agent_id);
        std::fs::write(world.config_file(), configuration).map_err(failed)?;
        Ok(world)
    }

    fn configuration(&self, corp_id: &str, agent_id: u32) -> String {
        format!(
            r#"# The demo's configuration. See config/camsync.toml for every key.
[daemon]
data_dir = "data"
listen = "127.0.0.1:0"

[target]
kind = "cam"
endpoint = "{cam}"
secret_id = {{ file = "cam-secret-id" }}
secret_key = {{ file = "cam-secret-key" }}

[retry]
initial = "200ms"
max = "5s"

[guard]
window = "5m"          # a demo's day; the default is 24h

[[source]]
name = "{SOURCE}"
connector = "wecom"
schedule = "*/10 * * * * *"
timezone = "Asia/Shanghai"
[source.settings]
corp_id = "{corp_id}"
agent_id = {agent_id}
secret = {{ file = "wecom-secret" }}
api_base = "{wecom}"

[[admit]]
when = "member.status == 'active'"
remark = "{{{{ member.name }}}}, {{{{ member.main_department_name }}}}"
"#,
            cam = self.cam.url(),
            wecom = self.wecom.url(),
        )
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.path().join("camsync.toml")
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket::path(&self.folder.path().join("data"))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }

    fn program(&self, arguments: &[&str]) -> Result<Command, OpError> {
        let program = std::env::current_exe()
            .map_err(|e| OpError::failed(format!("this program cannot be found again: {e}")))?;
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(self.config_file())
            .args(["--lang", self.language])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CAMSYNC_CONFIG")
            .env_remove("CAMSYNC_SOCKET")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs a command that needs no daemon; its JSON document.
    pub(super) async fn command(&self, arguments: &[&str]) -> Result<Value, OpError> {
        let output = self
            .program(arguments)?
            .arg("--json")
            .output()
            .await
            .map_err(|e| OpError::failed(format!("camsync cannot be started: {e}")))?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            OpError::failed(format!(
                "camsync {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
        })
    }

    /// Starts the daemon, and returns once it answers.
    pub(super) async fn start_daemon(&self) -> Result<(), OpError> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .map_err(|e| OpError::failed(format!("{}: {e}", self.log_file().display())))?;
        let child = self
            .program(&["run"])?
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|e| OpError::failed(format!("the daemon cannot be started: {e}")))?;
        *self.daemon() = Some(child);
        let socket = self.socket();
        self.until("the daemon answers", async || {
            let quiet = ProgressSink::none();
            let asked = socket::call(&socket, &Request::Status, "demo", &quiet).await;
            Ok(asked.and_then(Result::ok).map(drop))
        })
        .await
    }

    /// `kill -9`.
    pub(super) async fn kill_daemon(&self) -> Result<(), OpError> {
        let child = self.daemon().take();
        if let Some(mut child) = child {
            child
                .kill()
                .await
                .map_err(|e| OpError::failed(format!("the daemon cannot be killed: {e}")))?;
        }
        Ok(())
    }

    /// Asks the daemon, as any command does.
    pub(super) async fn ask(&self, request: Request) -> Result<Value, OpError> {
        self.ask_with(request, &ProgressSink::none()).await
    }

    /// The same, with the progress that the daemon tells.
    pub(super) async fn ask_with(
        &self,
        request: Request,
        progress: &ProgressSink,
    ) -> Result<Value, OpError> {
        match socket::call(&self.socket(), &request, "demo", progress).await {
            Some(answer) => answer,
            None => Err(OpError::failed(format!(
                "the daemon does not answer at {}{}",
                self.socket().display(),
                self.last_log_lines()
            ))),
        }
    }

    /// Looks until there is something to see.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>, OpError>,
    ) -> Result<T, OpError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            let ended = self
                .daemon()
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = ended {
                return Err(OpError::failed(format!(
                    "the daemon ended ({status}) before {what}{}",
                    self.last_log_lines()
                )));
            }
            if tokio::time::Instant::now() > deadline {
                return Err(OpError::failed(format!(
                    "not within {} s: {what}{}",
                    PATIENCE.as_secs(),
                    self.last_log_lines()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn daemon(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_log_lines(&self) -> String {
        let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(8)..];
        if tail.is_empty() {
            return String::new();
        }
        format!("; its last words:\n{}", tail.join("\n"))
    }

    /// Userids of the active members that the application sees: those who are to have a sub-user.
    pub(super) fn expected(&self) -> Vec<String> {
        let range = self.wecom.apps(|apps| {
            apps.first()
                .map(|app| app.range.departments.clone())
                .unwrap_or_default()
        });
        self.wecom.with(|enterprise| {
            let seen = enterprise.subtree(range);
            enterprise
                .members
                .values()
                .filter(|m| m.status == wecom::Status::Active)
                .filter(|m| m.departments.iter().any(|d| seen.contains(d)))
                .map(|m| m.userid.clone())
                .collect()
        })
    }

    /// Stops the daemon as systemd would, and removes the folder.
    pub(super) async fn close(self) -> Result<(), OpError> {
        let child = self.daemon().take();
        if let Some(mut child) = child {
            // As systemd does; there may be no shell here whose `kill` could.
            let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
            if let Some(pid) = pid {
                let _ = kill_process(pid, Signal::TERM);
            }
            if tokio::time::timeout(LAST_WORDS, child.wait())
                .await
                .is_err()
            {
                let _ = child.kill().await;
                return Err(OpError::failed(format!(
                    "the daemon did not end within {} s of SIGTERM",
                    LAST_WORDS.as_secs()
                )));
            }
        }
        let path = self.folder.path().to_owned();
        self.folder
            .close()
            .map_err(|e| OpError::failed(format!("{} cannot be removed: {e}", path.display())))
    }
}
