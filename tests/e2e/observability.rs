//! Logs, metrics, alerts, traces and the audit: what an operator sees from outside, and what must not be seen there.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use camsync::metrics::{self, catalogue};
use camsync::ops::{self, Access, Context, Request};
use camsync::pipeline::{ProgressSink, SystemClock};
use camsync_config::Config;
use camsync_simulators::{When, cam, wecom};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::Value;

use crate::http::serving;
use crate::tools::{Process, Tuning, until, wait_for_socket, world};
use crate::world::{SECRETS, World, text};

/// A file of the repository.
fn committed(path: &str) -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// A world whose secrets are in files: they serve this process too, which has no such environment.
fn world_of_files() -> World {
    let world = world(&Tuning {
        target: "requests_per_second = 400\nsecret_id = { file = \"id\" }\nsecret_key = { file = \"key\" }"
            .into(),
        secret: "{ file = \"secret\" }".into(),
        ..Tuning::default()
    });
    // What compiled connectors are kept in is shared with the processes of all tests.
    std::fs::create_dir(world.data_dir()).unwrap();
    let shared = concat!(env!("CARGO_TARGET_TMPDIR"), "/connectors");
    std::os::unix::fs::symlink(shared, world.data_dir().join("cache")).unwrap();
    for (file, (_, secret)) in ["secret", "id", "key"].iter().zip(SECRETS) {
        std::fs::write(world.dir.path().join(file), secret).unwrap();
    }
    world
}

fn context(world: &World) -> Context {
    let file = world.dir.path().join("camsync.toml");
    let loaded = Config::load(&file).unwrap();
    let clock = Arc::new(SystemClock);
    Context::open(file, loaded, Access::Write, "a test", clock, "en").unwrap()
}

fn sync(world: &World, context: &Context) -> Value {
    let request = Request::Sync {
        source: None,
        timeout_seconds: 60,
    };
    let progress = ProgressSink::none();
    world
        .block_on(ops::run(context, request, "cli:tester", &progress))
        .unwrap()
}

/// The value of one sample, by its name and labels as they are written.
fn sample(scraped: &str, name: &str) -> f64 {
    let line = scraped
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{scraped}"))
        .parse()
        .unwrap()
}

#[test]
fn metrics_tell_what_the_ledger_holds_and_what_has_happened() {
    let world = world_of_files();
    world.join(1..=5);
    // One answer of CAM's is that it is asked too often.
    world.cam.inject(
        When::action("AddUser").times(1),
        cam::Fault::Code("RequestLimitExceeded".into()),
    );
    let context = context(&world);
    assert_eq!(sync(&world, &context)["ok"], true);
    let scraped = metrics::render(&context).unwrap();
    let is = |name: &str, value: f64| assert_eq!(sample(&scraped, name), value, "{name}");
    is("camsync_source_members{source=\"acme\"}", 5.0);
    is("camsync_source_failing_seconds{source=\"acme\"}", 0.0);
    is("camsync_sub_users{state=\"active\"}", 5.0);
    is("camsync_outbox_depth", 0.0);
    is("camsync_outbox_oldest_age_seconds", 0.0);
    is("camsync_frozen", 0.0);
    is(
        "camsync_crawls_total{source=\"acme\",result=\"complete\"}",
        1.0,
    );
    is("camsync_plans_total{result=\"made\"}", 1.0);
    is("camsync_plan_changes{kind=\"create_user\"}", 5.0);
    is(
        "camsync_attempts_total{kind=\"create_user\",result=\"applied\"}",
        5.0,
    );
    is(
        "camsync_attempts_total{kind=\"create_user\",result=\"transient\"}",
        1.0,
    );
    is("camsync_cam_throttles_total{scope=\"action\"}", 1.0);
    is(
        "camsync_cam_requests_total{action=\"AddUser\",result=\"ok\"}",
        5.0,
    );
    let age = "camsync_source_last_complete_crawl_age_seconds{source=\"acme\"}";
    assert!((0.0..60.0).contains(&sample(&scraped, age)), "{scraped}");
    let more_than_nothing = [
        "camsync_provider_requests_total{source=\"acme\",result=\"2xx\"}",
        "camsync_connector_memory_peak_bytes{source=\"acme\",call=\"crawl\"}",
        "camsync_connector_computing_seconds_total{source=\"acme\",call=\"crawl\"}",
        "camsync_ledger_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
    ];
    for name in more_than_nothing {
        assert!(sample(&scraped, name) > 0.0, "{name}");
    }

    // What goes wrong shows too: a provider that fails, removals that wait, a frozen target.
    world.leave(1..=4);
    world.join(6..=6);
    std::fs::write(
        world.dir.path().join("camsync.toml"),
        std::fs::read_to_string(world.dir.path().join("camsync.toml"))
            .unwrap()
            .replace("max_removals = 1000", "max_removals = 0"),
    )
    .unwrap();
    drop(context);
    let context = self::context(&world);
    let progress = ProgressSink::none();
    let freeze = Request::Freeze { frozen: true };
    world
        .block_on(ops::run(&context, freeze, "cli:tester", &progress))
        .unwrap();
    sync(&world, &context);
    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Errcode(-1));
    sync(&world, &context);
    let scraped = metrics::render(&context).unwrap();
    let is = |name: &str, value: f64| assert_eq!(sample(&scraped, name), value, "{name}");
    is("camsync_frozen", 1.0);
    is("camsync_outbox_depth", 1.0);
    is(
        "camsync_outbox_changes{kind=\"create_user\",status=\"pending\"}",
        1.0,
    );
    is("camsync_source_failures{source=\"acme\"}", 1.0);
    is("camsync_source_members{source=\"acme\"}", 2.0);
    is(
        "camsync_held_plans{source=\"acme\",evidence=\"absent\"}",
        1.0,
    );
    is("camsync_changes_held{waits_for=\"approval\"}", 4.0);
    is("camsync_plan_held_changes", 4.0);
    assert!(scraped.ends_with("# EOF\n"));

    for (_, secret) in SECRETS {
        assert!(!scraped.contains(secret));
    }
    for personal in ["成员", "\"m1\"", "\"m6\""] {
        assert!(!scraped.contains(personal), "{personal} in\n{scraped}");
    }
    // Whatever was scraped is in the catalogue, with its kind and its labels.
    for line in scraped.lines().filter_map(|l| l.strip_prefix("# TYPE ")) {
        let (stem, kind) = line.split_once(' ').unwrap();
        let known = catalogue().into_iter().any(|d| {
            d.kind == kind && (d.name == stem || d.name.strip_suffix("_total") == Some(stem))
        });
        assert!(known, "{line}");
    }
}

#[test]
fn metrics_are_served_to_whoever_scrapes() {
    let world = World::new();
    world.join(1..=1);
    let served = serving(&world);
    let scrape = || {
        let mut answer = String::new();
        let mut stream = std::net::TcpStream::connect(&served.address).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .unwrap();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    until("the member is managed", || {
        scrape().contains("camsync_sub_users{state=\"active\"} 1")
    });
    let answer = scrape();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let kind = format!("content-type: {}", metrics::CONTENT_TYPE);
    assert!(answer.contains(&kind), "{answer}");
    for name in ["camsync_source_members{source=\"acme\"} 1", "# EOF"] {
        assert!(answer.contains(name), "{name} in {answer}");
    }
}

#[test]
fn edits_of_the_configuration_are_counted_by_what_became_of_them() {
    let world = World::new();
    let served = serving(&world);
    let counted = |applied: u32, refused: u32| {
        let scraped = served.ask("GET", "/metrics", "").body;
        let scraped = scraped.as_str().unwrap();
        let is = |result: &str, count: u32| {
            let name = format!("camsync_config_reloads_total{{result=\"{result}\"}}");
            sample(scraped, &name) == f64::from(count)
        };
        is("applied", applied) && is("refused", refused)
    };
    assert!(counted(0, 0), "an alert needs the counter before it counts");
    world.edit(|text| text.replace("attempts = 8", "attempts = 9"));
    until("an edit is counted", || counted(1, 0));
    world.edit(|text| text.replace("attempts = 9", "attempts = 0"));
    until("a broken one is counted", || counted(1, 1));
    world.edit(|text| text.replace("attempts = 0", "attempts = 9"));
    until("what is taken back is no edit", || {
        served.process.stderr().contains("again as it is in force")
    });
    assert!(counted(1, 1));
}

/// Names in an expression or a text that could be metrics of ours.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with("camsync_") || word.starts_with("process_"))
        .map(|word| {
            let histogram = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix));
            histogram.unwrap_or(word).to_owned()
        })
        .collect()
}

/// Every text in a JSON document that stands under one of these keys.
fn texts(document: &Value, keys: &[&str], found: &mut String) {
    match document {
        Value::Object(map) => {
            for (key, value) in map {
                if let (true, Some(text)) = (keys.contains(&key.as_str()), value.as_str()) {
                    found.push_str(text);
                    found.push('\n');
                }
                texts(value, keys, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, keys, found)),
        _ => {}
    }
}

#[test]
fn alerts_dashboard_and_manual_name_the_metrics_that_there_are() {
    let known: BTreeSet<String> = catalogue().iter().map(|d| d.name.to_owned()).collect();
    assert!(known.len() > 40, "{known:?}");
    let rules = committed("config/prometheus/camsync.rules.yml");
    let expressions: String = rules
        .lines()
        .filter(|line| line.trim_start().starts_with("expr:"))
        .collect();
    let unknown: Vec<_> = named(&expressions).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "the rules name {unknown:?}");
    assert!(named(&expressions).len() > 15);
    // Each alert says what it is about, what to do, and how bad it is.
    let count = |word: &str| rules.matches(word).count();
    for word in ["severity: ", "summary: ", "runbook: ", "expr: "] {
        assert_eq!(count("- alert: "), count(word), "{word}");
    }

    let dashboard: Value = serde_json::from_str(&committed("config/grafana/camsync.json")).unwrap();
    let mut expressions = String::new();
    texts(&dashboard, &["expr", "query"], &mut expressions);
    let unknown: Vec<_> = named(&expressions).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "the dashboard names {unknown:?}");
    let unseen: Vec<_> = known
        .difference(&named(&(expressions + &rules)))
        .cloned()
        .collect();
    assert!(unseen.len() < 12, "neither alert nor panel for {unseen:?}");

    let told = named(&committed("docs/observability.md"));
    let untrue: Vec<_> = told.difference(&known).collect();
    assert!(untrue.is_empty(), "docs/observability.md names {untrue:?}");
}

/// The manual's table, as the catalogue makes it.
fn table() -> String {
    let mut table = "| metric | kind | labels | says |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in catalogue() {
        let labels = match metric.labels.join("`, `") {
            none if none.is_empty() => none,
            some => format!("`{some}`"),
        };
        table.push_str(&format!(
            "| `{}` | {} | {labels} | {} |\n",
            metric.name, metric.kind, metric.help
        ));
    }
    table
}

/// `UPDATE=1` writes the manual's table anew.
#[test]
fn the_manual_has_every_metric() {
    let manual = committed("docs/observability.md");
    let (before, rest) = manual.split_once("| metric |").unwrap();
    let after = rest.split_once("\n\n").unwrap().1;
    let made = format!("{before}{}\n{after}", table());
    if std::env::var_os("UPDATE").is_some() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        std::fs::write(root.join("docs/observability.md"), &made).unwrap();
    }
    assert!(
        manual == made,
        "docs/observability.md is out of date: UPDATE=1 and this test write it anew"
    );
}

#[test]
fn where_promtool_is_installed_it_accepts_rules_and_metrics() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let rules = root.join("config/prometheus/camsync.rules.yml");
    let Ok(output) = std::process::Command::new("promtool")
        .arg("check")
        .arg("rules")
        .arg(rules)
        .output()
    else {
        return;
    };
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A process that does not outlive its test.
struct Ending(std::process::Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the daemon until a line of its log holds all of `words`; the log. `stream` makes `JOURNAL_STREAM` of the file
/// that the log goes to.
fn log_until(
    world: &World,
    words: &[&str],
    stream: impl Fn(&std::fs::Metadata) -> Option<String>,
) -> String {
    let path = world.dir.path().join("log");
    let file = std::fs::File::create(&path).unwrap();
    let mut command = world.command(&["run"]);
    if let Some(stream) = stream(&file.metadata().unwrap()) {
        command.env("JOURNAL_STREAM", stream);
    }
    let ending = Ending(command.stderr(file).spawn().unwrap());
    let read = || std::fs::read_to_string(&path).unwrap();
    until("the line comes", || {
        read()
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    });
    drop(ending);
    read()
}

#[test]
fn a_crawl_and_a_plan_are_one_line_of_json_each() {
    let world = World::new();
    world.join(1..=2);
    let log = log_until(&world, &["\"applied\":2"], |_| None);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let told = |message: &str| -> Vec<&Value> {
        lines.iter().filter(|l| l["message"] == message).collect()
    };
    let crawl = told("crawl complete");
    assert_eq!(crawl.len(), 1, "{log}");
    assert_eq!(crawl[0]["joined"], 2);
    assert_eq!(crawl[0]["source"], "acme");
    assert_eq!(crawl[0]["members"], 2);
    assert_eq!(crawl[0]["gone"], 0);
    assert!(crawl[0]["requests"].as_u64().unwrap() >= 2, "{log}");
    let plans = told("plan");
    assert!(
        plans.iter().any(|p| p["changes"] == "create_user 2"),
        "{log}"
    );
    assert!(plans.iter().all(|p| p["actor"] == "schedule"), "{log}");

    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Errcode(-1));
    world
        .ledger()
        .execute("UPDATE sources SET last_crawl_at = NULL", [])
        .unwrap();
    let log = log_until(&world, &["crawl failed"], |_| None);
    let failed: Vec<&str> = log.lines().filter(|l| l.contains("crawl failed")).collect();
    assert_eq!(failed.len(), 1, "{log}");
    let failed: Value = serde_json::from_str(failed[0]).unwrap();
    assert_eq!(failed["level"], "WARN");
    assert_eq!(failed["source"], "acme");
    assert!(!failed["message"].as_str().unwrap().contains('\n'));
}

#[test]
fn the_journal_gets_levels_and_nobody_else_does() {
    let world = World::new();
    world.join(1..=1);
    let of = |file: &std::fs::Metadata| format!("{}:{}", file.dev(), file.ino());
    let journal = log_until(&world, &["applied=1"], |file| Some(of(file)));
    assert!(
        journal.lines().any(|l| l.starts_with("<6>crawl complete")),
        "{journal}"
    );
    assert!(
        journal.lines().all(|l| ["<3>", "<4>", "<6>", "<7>"]
            .iter()
            .any(|p| l.starts_with(p))),
        "{journal}"
    );
    // The variable is inherited by whatever a unit starts; only the very stream that it names is the journal.
    let elsewhere = log_until(&world, &["camsync runs"], |_| Some("1:1".into()));
    assert!(elsewhere.lines().all(|l| l.starts_with('{')), "{elsewhere}");
}

/// What a collector was sent.
#[derive(Default)]
struct Collected {
    bodies: Vec<Vec<u8>>,
    headers: Vec<String>,
}

impl Collected {
    fn spans(&self) -> Vec<Span> {
        self.bodies
            .iter()
            .flat_map(|body| {
                ExportTraceServiceRequest::decode(body.as_slice())
                    .unwrap()
                    .resource_spans
            })
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

/// A collector on loopback; its address.
fn collector(world: &World, collected: &Arc<Mutex<Collected>>) -> String {
    let collected = Arc::clone(collected);
    world.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let take = move |headers: axum::http::HeaderMap, body: axum::body::Bytes| async move {
            let mut collected = collected.lock().unwrap();
            let header = headers.get("x-collector-key").map(|h| h.to_str().unwrap());
            collected
                .headers
                .push(header.unwrap_or_default().to_owned());
            collected.bodies.push(body.to_vec());
        };
        let app = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}")
    })
}

fn word<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|a| a.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn spans_reach_the_collector_without_secrets_and_without_names() {
    let world = World::new();
    world.join(1..=2);
    let collected = Arc::<Mutex<Collected>>::default();
    let address = collector(&world, &collected);
    world.edit(|file| {
        format!(
            "{file}\n[telemetry]\notlp_endpoint = \"{address}\"\notlp_headers = {{ env = \"COLLECTOR\" }}\n"
        )
    });
    let key = "collector-key-5c1d";
    let header = format!("x-collector-key={key}");
    let mut daemon = Process::start_with(&world, &["run"], &[("COLLECTOR", &header)]);
    wait_for_socket(&world, &mut daemon);
    until("the members have accounts", || {
        daemon.stderr().contains("\"applied\":2")
    });
    world.does(&["sync"]);
    // What has not been sent by then is sent at the end.
    daemon.terminate();
    assert!(daemon.wait().success(), "{}", daemon.stderr());

    let collected = collected.lock().unwrap();
    assert!(!collected.headers.is_empty());
    assert!(collected.headers.iter().all(|h| h == key));
    let spans = collected.spans();
    let names: BTreeSet<&str> = spans.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        BTreeSet::from(["apply", "attempt", "crawl", "pass", "plan"])
    );
    let crawls: Vec<&Span> = spans.iter().filter(|s| s.name == "crawl").collect();
    for crawl in &crawls {
        assert_eq!(word(crawl, "source"), Some("acme"));
        assert_eq!(word(crawl, "result"), Some("complete"));
        assert!(crawl.end_time_unix_nano > crawl.start_time_unix_nano);
    }
    let pass = spans.iter().find(|s| s.name == "pass").unwrap();
    assert!(crawls.iter().any(|s| s.parent_span_id == pass.span_id));
    let attempts: Vec<&Span> = spans.iter().filter(|s| s.name == "attempt").collect();
    assert_eq!(attempts.len(), 2);
    assert!(
        attempts
            .iter()
            .all(|s| word(s, "kind") == Some("create_user"))
    );
    assert!(
        attempts
            .iter()
            .all(|s| word(s, "result") == Some("applied"))
    );
    for span in &spans {
        assert!(
            span.events.is_empty(),
            "log lines may name people: {span:?}"
        );
        let said = format!("{span:?}");
        for never in ["成员", "\"m1\"", "\"m2\"", "tester", key] {
            assert!(!said.contains(never), "{never} in {said}");
        }
        for (_, secret) in SECRETS {
            assert!(!said.contains(secret), "{said}");
        }
    }
    assert!(!daemon.stderr().contains(key));
}

#[test]
fn a_collector_that_is_not_there_is_said_once_and_stops_nothing() {
    let world = World::new();
    world.join(1..=1);
    world.edit(|file| format!("{file}\n[telemetry]\notlp_endpoint = \"http://127.0.0.1:9\"\n"));
    let mut daemon = Process::start(&world, &["run"]);
    wait_for_socket(&world, &mut daemon);
    until("the member has an account", || {
        world.cam.user("m1").is_some()
    });
    daemon.terminate();
    assert!(daemon.wait().success(), "{}", daemon.stderr());
    let said = daemon.stderr().matches("takes no spans").count();
    assert_eq!(said, 1, "{}", daemon.stderr());

    world.edit(|file| format!("{file}otlp_headers = {{ env = \"USER\" }}\n"));
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("name=value"));
}

#[test]
fn the_audit_says_who_what_when_and_why_and_shows_a_removed_row() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.does(&["members", "suspend", "m1"]);
    world.does(&["freeze"]);
    world.does(&["thaw"]);
    let lines = text(&world.run(&["audit", "--jsonl", "--limit", "0"]).stdout);
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = |action: &str| {
        let found = rows.iter().find(|r| r["action"] == action);
        found.unwrap_or_else(|| panic!("no {action} in {lines}"))
    };
    // Who: a rule by its line, a person by name.
    let created = row("change.create_user");
    assert!(
        created["actor"].as_str().unwrap().starts_with("rule:"),
        "{created}"
    );
    assert!(
        created["detail"]["reason"]
            .as_str()
            .unwrap()
            .contains("admitted by the rule in line"),
        "{created}"
    );
    assert_eq!(created["detail"]["member"], "m1");
    assert!(created["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(row("freeze")["actor"], "cli:tester");
    assert_eq!(row("change.suspend_user")["actor"], "cli:tester");

    let whole = world.run(&["audit", "--verify"]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stdout));
    let last = rows.last().unwrap()["hash"].as_str().unwrap();
    assert!(
        text(&whole.stdout).contains(last),
        "{}",
        text(&whole.stdout)
    );
    assert_eq!(world.read(&["audit"])["rows"], rows.len());

    // The newest row goes, which no row after it could tell.
    world
        .ledger()
        .execute(
            "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
            [],
        )
        .unwrap();
    for arguments in [
        &["audit", "--verify"][..],
        &["audit", "--jsonl"],
        &["audit"],
        &["check"],
    ] {
        let said = world.refuses(arguments);
        let row = format!("row {}", rows.len());
        assert!(said.contains(&row), "{arguments:?}: {said}");
    }
}
