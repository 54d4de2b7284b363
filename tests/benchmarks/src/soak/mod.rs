//! The soak: the real daemon for a bounded time, with churn and faults, and an account of what it holds. Seconds stand
//! for days: it crawls each second, the grace is over after twenty, and what is older than a minute is purged.

mod churn;
mod watch;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camsync_simulators::{cam, wecom};

use serde_json::Value;

use churn::Churn;
use watch::Watch;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is purged each minute goes up and down: less than this tells nothing.
const SHORTEST: u64 = 300;
/// Between two things that happen in the enterprise.
const BEAT: Duration = Duration::from_millis(400);
/// Between two looks at the daemon.
const SAMPLE: Duration = Duration::from_secs(5);
/// When all is quiet, the cloud agrees within this: the longest grace and a little.
const SETTLES: Duration = Duration::from_secs(180);
/// The simulators' log is emptied this often: they are not what is measured.
const EMPTIED: Duration = Duration::from_secs(30);

/// Soaks for so many seconds; fails unless everything stayed flat and the cloud agrees in the end.
pub(crate) fn run(seconds: u64) -> Result<()> {
    if seconds < SHORTEST {
        return Err(
            format!("at least {SHORTEST} seconds, for each half to see several purges").into(),
        );
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let (wecom, cam) = runtime.block_on(simulators())?;
    let folder = Folder::new()?;
    std::fs::write(folder.0.join("camsync.toml"), configuration(&wecom, &cam))?;
    let mut churn = Churn::new(&wecom, &cam);
    let mut daemon = Daemon::start(&folder.0)?;
    // The first start compiles the connector: nothing is churned before everybody is there.
    settle(&wecom, &cam, &mut daemon)?;
    let mut watch = Watch::new(daemon.child.id(), folder.0.join("data/camsync.db"));
    let (began, lasts) = (Instant::now(), Duration::from_secs(seconds));
    let (mut sampled, mut emptied) = (began, began);
    let mut in_vain = 0;
    while began.elapsed() < lasts {
        daemon.is_alive()?;
        churn.beat();
        if sampled.elapsed() >= SAMPLE {
            sampled = Instant::now();
            daemon.ask()?;
            watch.look(began.elapsed())?;
        }
        if emptied.elapsed() >= EMPTIED {
            emptied = Instant::now();
            in_vain += written_in_vain(&cam);
            wecom.clear_log();
            cam.clear_log();
        }
        std::thread::sleep(BEAT);
    }
    wecom.clear_faults();
    cam.clear_faults();
    settle(&wecom, &cam, &mut daemon)?;
    in_vain += written_in_vain(&cam);
    daemon.end()?;
    let mut wrong = watch.tell();
    println!("\n{churn}");
    println!(
        "{in_vain} writes in vain, {} deleted twice",
        deleted_twice(&cam)
    );
    if in_vain + deleted_twice(&cam) > 0 {
        wrong.push("something was done twice".into());
    }
    wrong.extend(watch.unsound()?);
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(wrong.join("\n").into()),
    }
}

async fn simulators() -> std::io::Result<(wecom::Simulator, cam::Simulator)> {
    let wecom = wecom::Simulator::start(wecom::Options {
        per_minute: None,
        ..wecom::Options::default()
    });
    let cam = cam::Simulator::start(cam::Options {
        rate: None,
        quotas: cam::Quotas {
            users: 1_000_000,
            ..cam::Quotas::default()
        },
        ..cam::Options::default()
    });
    let (wecom, cam) = (wecom.await?, cam.await?);
    wecom.set_range(wecom::VisibleRange::departments(&[1]));
    Ok((wecom, cam))
}

fn configuration(wecom: &wecom::Simulator, cam: &cam::Simulator) -> String {
    let settings = wecom::Options::default();
    format!(
        r#"
[daemon]
data_dir = "data"
listen = "127.0.0.1:0"
[target]
endpoint = "{}"
requests_per_second = 400
[retry]
initial = "20ms"
max = "1s"
attempts = 1000
[guard]
window = "1s"
max_removals = 100000
max_removal_ratio = 1.0
max_said_ratio = 1.0
[leavers]
delete_after = "20s"
[retention]
snapshots = "60s"
[[source]]
name = "acme"
connector = "wecom"
schedule = "* * * * * *"
[source.settings]
corp_id = "{}"
agent_id = {}
secret = {{ env = "WECOM_SECRET" }}
api_base = "{}"
[[admit]]
when = "member.status == 'active'"
remark = "{{{{ member.name }}}}"
[[grant]]
groups = ["dept-{{{{ member.main_department }}}}"]
policies = ["QcloudCVMReadOnlyAccess"]
"#,
        cam.url(),
        settings.corp_id,
        settings.agent_id,
        wecom.url(),
    )
}

/// A folder of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("camsync-soak-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `camsync run`, of the program that lies beside this one.
struct Daemon {
    child: Child,
    folder: PathBuf,
    /// What an administrator asks: a source that fails is left alone for minutes otherwise.
    asking: Option<Child>,
}

impl Daemon {
    fn start(folder: &Path) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("camsync");
        let log = std::fs::File::create(folder.join("log"))?;
        let child = Command::new(program)
            .arg("run")
            .current_dir(folder)
            .env("WECOM_SECRET", wecom::Options::default().secret)
            .env("TENCENTCLOUD_SECRET_ID", cam::Options::default().secret_id)
            .env(
                "TENCENTCLOUD_SECRET_KEY",
                cam::Options::default().secret_key,
            )
            .env("CAMSYNC_LOG", "error")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self {
            child,
            folder: folder.to_owned(),
            asking: None,
        })
    }

    /// Approves what is held, and has the source crawled now unless that was asked for and is not done yet.
    fn ask(&mut self) -> Result<()> {
        if let Some(asking) = &mut self.asking
            && asking.try_wait()?.is_none()
        {
            return Ok(());
        }
        let mut list = self.camsync(&["plans", "list", "--status", "held", "--json"])?;
        let held: Value = serde_json::from_slice(&list.output()?.stdout).unwrap_or_default();
        // Somebody who was renamed unseen, left, and came back is held: it might be somebody else.
        for plan in held["plans"].as_array().into_iter().flatten() {
            let id = plan["id"].to_string();
            self.camsync(&["plans", "approve", &id])?.output()?;
        }
        let mut asking = self.camsync(&["sources", "sync", "acme"])?;
        self.asking = Some(asking.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        Ok(())
    }

    fn camsync(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?.with_file_name("camsync"));
        command.args(arguments).current_dir(&self.folder);
        Ok(command)
    }

    fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the daemon has ended: {status}").into()),
        }
    }

    fn end(&mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let status = self.child.wait()?;
        status
            .success()
            .then_some(())
            .ok_or_else(|| format!("the daemon ended with {status}").into())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(asking) = &mut self.asking {
            let _ = asking.kill();
            let _ = asking.wait();
        }
    }
}

/// Waits until the cloud is what the enterprise calls for.
fn settle(wecom: &wecom::Simulator, cam: &cam::Simulator, daemon: &mut Daemon) -> Result<()> {
    let began = Instant::now();
    loop {
        daemon.is_alive()?;
        daemon.ask()?;
        let differs = differences(wecom, cam);
        if differs.is_empty() {
            println!(
                "the cloud agreed after {:.0} s",
                began.elapsed().as_secs_f64()
            );
            return Ok(());
        }
        if began.elapsed() > SETTLES {
            return Err(format!("the cloud does not agree: {differs:?}").into());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Who has not what the rules call for.
fn differences(wecom: &wecom::Simulator, cam: &cam::Simulator) -> Vec<String> {
    let members = wecom.with(|enterprise| enterprise.members.clone());
    let mut found = Vec::new();
    for member in members.values() {
        let active = member.status == wecom::Status::Active;
        let user = cam.user(&member.userid);
        if active != user.as_ref().is_some_and(|user| user.console_login) {
            found.push(format!("{}: sign-in", member.userid));
        }
        let groups = cam.with(|cloud| cloud.groups_of(&member.userid));
        if active && groups != [format!("dept-{}", member.main_department)] {
            found.push(format!("{}: {groups:?}", member.userid));
        }
    }
    let present: BTreeSet<&String> = members.keys().collect();
    let left = cam
        .user_names()
        .into_iter()
        .filter(|name| !present.contains(name));
    found.extend(left.map(|name| format!("{name}: is still there")));
    found
}

/// Writes that CAM answered well and that left everything as it was: what had been done was sent again. Those that a
/// fault struck may have to be.
fn written_in_vain(cam: &cam::Simulator) -> usize {
    let in_vain = |request: &camsync_simulators::Request| {
        ["AddUser", "UpdateUser", "DeleteUser"].contains(&request.action.as_str())
            && request.outcome == "ok"
            && !request.effect
            && !request.faulted
    };
    cam.log().iter().filter(|request| in_vain(request)).count()
}

fn deleted_twice(cam: &cam::Simulator) -> usize {
    let mut deleted = BTreeSet::new();
    let history = cam.history();
    let deletions = history.iter().filter(|write| write.action == "DeleteUser");
    deletions.filter(|write| !deleted.insert(write.uin)).count()
}
