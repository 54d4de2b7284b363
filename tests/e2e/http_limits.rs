//! HTTP in operation: health, live updates, limits, a port that is taken, the end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::time::{Duration, Instant};

use camsync_simulators::{When, wecom};
use serde_json::Value;

use crate::http::{CONSOLE, Served, serving, token};
use crate::tools::{Tuning, until, world};
use crate::world::{World, text};

fn quiet() -> World {
    world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        extra: CONSOLE.into(),
        ..Tuning::default()
    })
}

#[test]
fn it_is_ready_only_while_the_ledger_can_be_written() {
    let world = quiet();
    let served = serving(&world);
    until("it is ready", || {
        served.ask("GET", "/readyz", "").status == 200
    });
    let ready = served.ask("GET", "/readyz", "").body;
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["reasons"], serde_json::json!([]));
    let ledger = world.ledger();
    ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut last = Value::Null;
    until("another's lock is noticed", || {
        let answer = served.ask("GET", "/readyz", "");
        last = answer.body;
        answer.status == 503
    });
    let reasons = last["reasons"].to_string();
    assert!(
        reasons.contains("ledger") && !reasons.contains('/'),
        "{reasons}"
    );
    assert_eq!(served.ask("GET", "/healthz", "").body["alive"], true);
    ledger.execute_batch("ROLLBACK").unwrap();
    until("it is ready again", || {
        served.ask("GET", "/readyz", "").status == 200
    });
}

#[test]
fn a_port_that_is_taken_ends_the_start_before_anything_has_begun() {
    let world = quiet();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.edit(|text| text.replace("127.0.0.1:0", &address));
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains(&address) && said.contains("listen"), "{said}");
    assert!(said.contains("[daemon]"), "{said}");
    assert!(!world.data_dir().join("camsync.sock").exists());
    assert_eq!(world.wecom.log().len(), 0, "nobody was asked anything");
}

#[test]
fn a_token_that_would_travel_readable_is_warned_of() {
    let world = World::new();
    let warned = |world: &World| {
        let findings = world.read(&["check"])["findings"].clone();
        findings.to_string().contains("readable on the network")
    };
    assert!(!warned(&world), "loopback needs no TLS");
    world.edit(|text| text.replace("127.0.0.1:0", "0.0.0.0:0") + CONSOLE);
    assert!(warned(&world));
    // Tokens that cannot be had are worth one, too: `check` has them not in its environment.
    let missing = world.read(&["check"])["findings"].to_string();
    assert!(missing.contains("TOKEN_ANN"), "{missing}");
    let served = serving(&world);
    until("the log warns", || {
        served.process.stderr().contains("readable on the network")
    });
    drop(served);
    let public = "[daemon]\npublic_url = \"https://camsync.example.com\"";
    world.edit(|text| text.replace("[daemon]", public));
    assert!(!warned(&world), "a proxy speaks TLS");
}

#[test]
fn every_answer_tells_browsers_to_keep_out() {
    let world = quiet();
    let served = serving(&world);
    for (path, who) in [
        ("/api/v1/status", "vic"),
        ("/api/v1/status", ""),
        ("/healthz", ""),
        ("/none", ""),
    ] {
        let answer = served.ask("GET", path, who);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
}

/// What comes back on a connection until it is closed.
fn rest(stream: &mut std::net::TcpStream) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    text(&all)
}

#[test]
fn too_much_is_refused_and_too_slow_is_cut_off_while_others_are_served() {
    let world = quiet();
    let served = serving(&world);
    // Headers that never end, each a little late: begun first, so that the others pass meanwhile.
    let mut slow = served.connect();
    let begun = Instant::now();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        .unwrap();
    let mut idle = served.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut body = served.connect();
    let head = format!(
        "POST /api/v1/freeze HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 9\r\n\r\n{{",
        token("admin")
    );
    body.write_all(head.as_bytes()).unwrap();

    let large = served.ask_with("POST", "/api/v1/freeze", "admin", |r| {
        r.body(vec![b' '; 65 * 1024])
    });
    assert_eq!(large.status, 413);
    assert!(large.detail().contains("65536"), "{}", large.detail());
    let mut long = served.connect();
    let header = format!(
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "x".repeat(100 * 1024)
    );
    let _ = long.write_all(header.as_bytes());
    // 431, or cut off with so much still unread that not even that arrives.
    assert!(!rest(&mut long).contains("200 OK"));
    let mut many = served.connect();
    let lines: String = (0..70).map(|n| format!("x-{n}: 1\r\n")).collect();
    many.write_all(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{lines}\r\n").as_bytes())
        .unwrap();
    assert!(rest(&mut many).starts_with("HTTP/1.1 431"));
    assert_eq!(
        served.ask("GET", "/api/v1/status", "vic").body["frozen"],
        Value::Null
    );

    let said = rest(&mut slow);
    assert!(!said.contains("200 OK"), "{said}");
    let said = rest(&mut idle);
    assert!(said.contains("200 OK"), "{said}");
    let said = rest(&mut body);
    assert!(said.contains("HTTP/1.1 400"), "{said}");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(5) && took < Duration::from_secs(30),
        "{took:?}"
    );
}

#[test]
fn connections_beyond_the_limit_wait_and_are_served_when_there_is_room() {
    let world = quiet();
    let served = serving(&world);
    let mut open: Vec<_> = (0..512).map(|_| served.connect()).collect();
    // The last one waits in the kernel's queue: nobody reads what it says.
    let mut waiting = served.connect();
    waiting
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    waiting
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut byte = [0];
    assert!(
        waiting.read(&mut byte).is_err(),
        "it was served beyond the limit"
    );
    open.truncate(400);
    waiting
        .set_read_timeout(Some(crate::tools::PATIENCE))
        .unwrap();
    assert!(rest(&mut waiting).contains("200 OK"));
}

/// The events of a stream, each with its name and data.
struct Stream(BufReader<std::net::TcpStream>);

impl Stream {
    fn open(served: &Served<'_>) -> Self {
        let mut stream = served.connect();
        let head = format!(
            "GET /events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
            token("vic")
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event; nothing when the stream has ended.
    fn next(&mut self) -> Option<(u64, String, Value)> {
        let (mut id, mut name, mut data) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                text.clone_into(&mut data);
            } else if line.is_empty() && !data.is_empty() {
                return Some((id, name, serde_json::from_str(&data).unwrap()));
            }
        }
    }

    /// Reads until an event is the one that is waited for.
    fn until(&mut self, what: &str, holds: impl Fn(&str, &Value) -> bool) {
        let mut last = 0;
        loop {
            let (id, name, data) = self.next().unwrap_or_else(|| panic!("ended before {what}"));
            assert!(id >= last, "numbers grow");
            last = id;
            if holds(&name, &data) {
                return;
            }
        }
    }
}

#[test]
fn whoever_listens_is_told_what_changes() {
    let world = world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        guard: "max_removals = 1\nmax_removal_ratio = 0.01".into(),
        extra: CONSOLE.into(),
        ..Tuning::default()
    });
    world.join(1..=6);
    world.sync();
    let served = serving(&world);
    let mut stream = Stream::open(&served);
    let (_, name, data) = stream.next().unwrap();
    assert_eq!(name, "status");
    assert_eq!(data, served.get("/api/v1/status"));
    world.leave(1..=5);
    world.sync();
    stream.until("a plan is held", |name, data| {
        name == "plan" && data["held"] == true
    });
    stream.until("the status says so", |name, data| {
        name == "status" && data["held"] != serde_json::json!([])
    });
    let plan = served.get("/api/v1/plans?status=held")["plans"][0]["id"].to_string();
    served.post(&format!("/api/v1/plans/{plan}/approve"), "ann");
    stream.until("it is held no longer", |name, data| {
        name == "plan" && data["held"] == false
    });
    served.post("/api/v1/sources/acme/pause", "admin");
    stream.until("the source is paused", |name, data| {
        name == "source" && data["state"] == "paused"
    });
    served.post("/api/v1/freeze", "admin");
    stream.until("writing is frozen", |name, data| {
        name == "status" && data["frozen"]["by"] == "api:admin"
    });
}

#[test]
fn so_many_may_listen_and_no_more() {
    let world = quiet();
    let served = serving(&world);
    let mut streams: Vec<Stream> = (0..64).map(|_| Stream::open(&served)).collect();
    for stream in &mut streams {
        assert_eq!(stream.next().unwrap().1, "status");
    }
    let refused = served.ask("GET", "/events", "vic");
    assert_eq!(refused.status, 503);
    assert!(refused.detail().contains("/api/v1/status"));
    streams.pop();
    served.post("/api/v1/freeze", "admin");
    until("the place is free again", || {
        let mut stream = Stream::open(&served);
        let mut line = String::new();
        stream.0.read_line(&mut line).unwrap();
        line.contains("200")
    });
}

#[test]
fn the_end_lets_what_was_asked_be_answered_and_streams_end() {
    let world = quiet();
    world.join(1..=2);
    let mut served = serving(&world);
    until("the start is over", || world.cam.user("m2").is_some());
    let mut stream = Stream::open(&served);
    assert_eq!(stream.next().unwrap().1, "status");
    // An answer that takes a second: the provider is slow.
    world.wecom.inject(
        When::action("user/list"),
        wecom::Fault::Delay(Duration::from_secs(1)),
    );
    let calls = world.wecom.count("user/list");
    let mut asking = served.connect();
    let head = format!(
        "POST /api/v1/plan HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token("admin")
    );
    asking.write_all(head.as_bytes()).unwrap();
    until("the plan is being made", || {
        world.wecom.count("user/list") > calls
    });
    served.process.terminate();
    let told = Instant::now();
    assert!(
        rest(&mut asking).contains("HTTP/1.1 200"),
        "who asked before is answered"
    );
    while stream.next().is_some() {}
    assert!(
        served.process.wait().success(),
        "{}",
        served.process.stderr()
    );
    assert!(told.elapsed() < Duration::from_secs(10));
    assert!(std::net::TcpStream::connect(&served.address).is_err());
}
