//! The daemon without its loops, between a provider and a cloud of its own: what it begins with, made once with the product's
//! own operations, and copied as often as it is needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use camsync::ledger::{FullQuota, Ledger, NotificationStep};
use camsync::ops::{self, Context, Request};
use camsync::pipeline::apply::SignIn;
use camsync::pipeline::{EngineParts, ProgressSink, Source, SystemClock};
use camsync::setup;
use camsync_cam::Cam;
use camsync_config::{Config, Loaded};
use camsync_connector_host::Compiler;
use camsync_simulators::cam::{Cloud, Options, Simulator};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::staff::Staff;

/// The source.
pub(crate) const SOURCE: &str = "acme";
/// Who leaves before the first input, and is suspended for it; so many more leave at once, which the guard holds.
const LEFT: u32 = 2;
const HELD: u32 = 7;

/// The folder whose files are the secrets.
const SECRETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/secrets");

/// What is kept beside a ledger, empty as it is, lies where everything lies that is made.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/tmp/fuzz");

/// What a file of it says.
pub(crate) fn secret(name: &str) -> String {
    let text = std::fs::read_to_string(Path::new(SECRETS).join(name));
    text.expect("a file of the repository").trim().to_owned()
}

/// What no answer may hold.
pub(crate) fn secrets() -> Vec<String> {
    let names = ["admin", "approver", "viewer", "cam-key", "wecom", "webhook"];
    names.map(secret).into()
}

/// A configuration of every part. With `https` each request may say from where it comes, so that none has to wait for
/// another's wrong tokens.
fn configuration(target: &str) -> Loaded {
    let text = format!(
        r#"
[daemon]
data_dir = "{data_dir}"
listen = "127.0.0.1:0"
public_url = "https://camsync.example.com"
[console]
admin_token = {{ file = "admin" }}
[[console.admin]]
name = "ann"
token = {{ file = "approver" }}
role = "approver"
[[console.admin]]
name = "vic"
token = {{ file = "viewer" }}
role = "viewer"
[target]
{target}
secret_id = {{ file = "cam-id" }}
secret_key = {{ file = "cam-key" }}
requests_per_second = 1000
[retry]
initial = "10ms"
max = "20ms"
attempts = 3
[guard]
max_removals = 3
[leavers]
delete_after = "30d"
[[source]]
name = "{SOURCE}"
connector = "./none.wasm"
schedule = "0 0 1 1 *"
[source.settings]
corp_id = "ww0123456789abcdef"
secret = {{ file = "wecom" }}
[[admit]]
when = "member.position == 'guest'"
enroll = "apply"
[[admit]]
remark = "{{{{ member.name }}}}"
[[grant]]
when = "'研发' in member.department_names"
groups = ["rd"]
policies = ["QcloudCVMReadOnlyAccess"]
[[notify]]
kind = "webhook"
url = {{ file = "webhook" }}
secret = {{ file = "webhook" }}
"#,
        data_dir = DATA,
    );
    let read = Config::parse(&text, "camsync.toml", Path::new(SECRETS));
    read.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What all inputs share.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    simulator: Simulator,
    cam: Arc<dyn Cam>,
    loaded: Loaded,
    /// Without a cloud: what changes is only recorded.
    recording: Loaded,
    /// What the ledger holds at first, and the cloud.
    pub(crate) ledger: Arc<Ledger>,
    cloud: Cloud,
}

/// The one of this process.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let options = Options {
            rate: None,
            ..Options::default()
        };
        let simulator = runtime.block_on(Simulator::start(options));
        let simulator = simulator.expect("a port");
        let loaded = configuration(&format!("endpoint = \"{}\"", simulator.url()));
        let cam = {
            let _in_it = runtime.enter();
            setup::cam(&loaded.config, &Arc::default(), "en")
        };
        let mut world = World {
            simulator,
            cam: cam.expect("a client").expect("of a cloud"),
            loaded,
            recording: configuration("kind = \"ledger\""),
            ledger: Arc::new(Ledger::empty().expect("a ledger in memory")),
            cloud: Cloud::default(),
            runtime,
        };
        world.runtime.block_on(world.begin());
        world.cloud = world.simulator.with(|cloud| cloud.clone());
        world
    })
}

impl World {
    /// A daemon on this ledger, with the cloud as it was at first.
    pub(crate) fn daemon(&self, ledger: Arc<Ledger>) -> Context {
        self.simulator.clear_log();
        self.simulator.with(|cloud| cloud.clone_from(&self.cloud));
        let staff = Arc::new(Staff::from(HELD));
        self.context(&self.loaded, Some(Arc::clone(&self.cam)), ledger, staff)
    }

    /// A daemon on this ledger that only records.
    pub(crate) fn recorder(&self, ledger: Arc<Ledger>) -> Context {
        let staff = Arc::new(Staff::from(HELD));
        self.context(&self.recording, None, ledger, staff)
    }

    fn context(
        &self,
        loaded: &Loaded,
        cam: Option<Arc<dyn Cam>>,
        ledger: Arc<Ledger>,
        staff: Arc<Staff>,
    ) -> Context {
        let source: Arc<dyn Source> = staff;
        let parts = EngineParts {
            ledger,
            cam,
            sources: BTreeMap::from([(SOURCE.to_owned(), source)]),
            broken: BTreeMap::new(),
            policy: setup::policy(&loaded.config),
            retry: loaded.config.retry,
            sign_in: SignIn { sso: false },
            clock: Arc::new(SystemClock),
            metrics: Arc::default(),
            seed: [7; 32],
        };
        // Compiling takes seconds, and is not what is fuzzed: no connector can be. What it is given is read to the end, for
        // a pipe that breaks ends a process in which libFuzzer's `main` comes before Rust's.
        let refuses = ["-c", "cat >/dev/null; exit 1"].map(Into::into);
        let none = Compiler::new("/bin/sh".into(), refuses.into(), Duration::from_secs(5));
        Context::of_parts(PathBuf::from("camsync.toml"), loaded.clone(), parts).compiling_with(none)
    }

    /// Lets a little of everything happen.
    async fn begin(&self) {
        let ledger = &self.ledger;
        setup::enrol(&self.loaded.config, ledger).expect("the source is entered");
        let staff = Arc::new(Staff::from(1));
        let cam = Some(Arc::clone(&self.cam));
        let context = self.context(&self.loaded, cam, Arc::clone(ledger), Arc::clone(&staff));
        let ask = async |request: Request| {
            let done = ops::run(&context, request, "cli:root", &ProgressSink::none()).await;
            done.unwrap_or_else(|error| panic!("{error}"))
        };
        let sync = || Request::Sync {
            source: None,
            timeout_seconds: 60,
        };
        let (id, source) = (|id: &str| id.to_owned(), None::<String>);
        ask(sync()).await;
        self.simulator.add_key("m9");
        ask(Request::Suspend {
            id: id("m9"),
            source: source.clone(),
        })
        .await;
        ask(Request::Protect {
            id: id("m8"),
            source: source.clone(),
            protected: true,
        })
        .await;
        staff.leave_below(LEFT);
        ask(sync()).await;
        staff.leave_below(HELD);
        ask(sync()).await;
        let now = Utc::now();
        for guest in ["m10", "m11"] {
            let new = camsync::ledger::NewApplication {
                source: SOURCE,
                key: guest,
                member: guest,
                name: guest,
                reason: "请",
                approved_by: None,
            };
            ledger
                .enter_application(&new, now, "member")
                .expect("it is made");
        }
        let (id, reason) = (2, Some("no".to_owned()));
        ask(Request::DenyApplication { id, reason }).await;
        ledger
            .notice_messages(&[SOURCE.to_owned()], now)
            .expect("they are noticed");
        ledger
            .note_full_quota(&FullQuota {
                quota: "groups".into(),
                of: 0,
                used: Some(300),
                since: now,
                retry_at: now + TimeDelta::hours(1),
            })
            .expect("it is noted");
        let notice = NotificationStep::Notice {
            target: "webhook".into(),
            cause: "held:1".into(),
            detail: json!({ "cause": "held", "plan": 1 }),
        };
        ledger.notice(now, &[notice]).expect("it is noticed");
        let later = now + TimeDelta::hours(1);
        ledger
            .undelivered("webhook", now, later, "no answer")
            .expect("it is noted");
    }
}
