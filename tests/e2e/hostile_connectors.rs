//! Connectors that do their worst, as sources of a daemon that serves a good one beside them (invariant 11): the daemon, its
//! other sources and its memory stay as they were, and the reason is in `status`. What each limit does alone is tested
//! at the host (`daemon/connector-host/tests`), with the same guest.

use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::Value;

use crate::tools::{PATIENCE, Process, Tuning, assert_sound, daemon, until, world};
use crate::world::{World, text};

/// The guest that does what its setting `behaviour` says, built once.
fn guest() -> &'static [u8] {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    GUEST.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connector-host/tests/guest");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
        std::fs::read(camsync_connector_build::build(&folder, &target).unwrap()).unwrap()
    })
}

/// The same with another word for `describe`, which gets no settings.
fn guest_describing(word: &str) -> Vec<u8> {
    let mut bytes = guest().to_vec();
    let mark = b"DESCRIBE=";
    let found = bytes.windows(mark.len()).position(|window| window == mark);
    let at = found.unwrap() + mark.len();
    bytes[at..at + 48].copy_from_slice(format!("{word:48}").as_bytes());
    bytes
}

/// The same with a core module that never comes to the end of its `start`: it is not even there to be asked.
fn guest_that_never_starts() -> Vec<u8> {
    let text = wasmprinter::print_bytes(guest()).unwrap();
    // The component's first module is the guest's own; what lies two spaces in ends it.
    let module = text.find("(core module").unwrap();
    let end = module + text[module..].find("\n  )\n").unwrap();
    let (before, after) = text.split_at(end);
    let spin = "(func $spin (loop $again (br $again))) (start $spin)";
    wat::parse_str(format!("{before}\n{spin}{after}")).unwrap()
}

/// A source of this connector, crawled at the start and then when asked.
fn source(name: &str, connector: &str, keys: &str, settings: &str) -> String {
    format!(
        "[[source]]\nname = \"{name}\"\nconnector = \"./{connector}\"\nschedule = \"0 0 1 1 *\"\n{keys}\n\
         [source.settings]\n{settings}\n"
    )
}

/// What a connector does, the settings that make it do it, its limits, and what `status` says of it.
const CRAWLS: [(&str, &str, &str, &str); 11] = [
    ("loop", "", "idle = \"1s\"", "limits.idle"),
    (
        "busy-drip",
        "",
        "idle = \"1s\", time = \"2s\"",
        "limits.time",
    ),
    (
        "sleep",
        "ms = 600_000",
        "idle = \"1s\", time = \"1s\"",
        "limits.",
    ),
    ("memory", "", "memory = \"32MiB\"", "limits.memory"),
    ("stack", "", "", "stack"),
    ("trap", "", "", "unreachable"),
    ("log-flood", "", "", "log"),
    // Ten million members in batches of a hundred, and in one batch; a name of a gigabyte; an id that is none.
    ("members", "", "memory = \"8MiB\"", "limits.memory"),
    ("batch", "count = 10_000_000", "", "limits.memory"),
    ("huge", "bytes = 1_000_000_000", "", "limits.memory"),
    ("member", "id = \"a\\u0007b\"", "", "control character"),
];

/// Those that are refused before they are asked anything: what they are called, and what is said.
fn unfit() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let wants = |interface: &str| {
        let text = format!(
            r#"(component (import "{interface}" (instance))
            (instance $connector) (export "camsync:connector/connector@1.0.0" (instance $connector)))"#
        );
        wat::parse_str(text).unwrap()
    };
    vec![
        (
            "wants-files",
            wants("wasi:filesystem/types@0.2.0"),
            "wasi:filesystem",
        ),
        (
            "wants-sockets",
            wants("wasi:sockets/tcp@0.2.0"),
            "wasi:sockets",
        ),
        (
            "wants-environment",
            wants("wasi:cli/environment@0.2.0"),
            "wasi:cli",
        ),
        ("never-starts", guest_that_never_starts(), "limits.time"),
        ("describes-for-ever", guest_describing("loop"), "describe"),
        ("describes-a-bomb", guest_describing("memory"), "describe"),
    ]
}

/// The resident memory of a process in KiB.
fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().split_whitespace().next();
    kib.unwrap().parse().unwrap()
}

fn row(world: &World, name: &str) -> Value {
    let status = world.read(&["status"]);
    let mut rows = status["sources"].as_array().unwrap().iter();
    rows.find(|row| row["name"] == name).unwrap().clone()
}

/// A good source that is crawled every second, beside these.
fn beside(extra: String) -> World {
    let world = world(&Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        extra,
        ..Tuning::default()
    });
    std::fs::write(world.dir.path().join("guest.wasm"), guest()).unwrap();
    world.join(1..=3);
    world
}

/// Invariant 11.
#[test]
fn whatever_connectors_do_the_daemon_and_its_other_sources_go_on() {
    let mut sources = String::new();
    for (behaviour, settings, limits, _) in CRAWLS {
        let settings = format!("behaviour = \"{behaviour}\"\n{settings}");
        let limits = format!("limits = {{ {limits} }}");
        sources += &source(behaviour, "guest.wasm", &limits, &settings);
    }
    for (name, ..) in unfit() {
        sources += &source(name, &format!("{name}.wasm"), "", "");
    }
    let world = beside(sources);
    for (name, bytes, _) in unfit() {
        std::fs::write(world.dir.path().join(format!("{name}.wasm")), bytes).unwrap();
    }
    let mut running = daemon(&world);
    let served = |name: &str| until(name, || world.cam.user(name).is_some());
    served("m3");
    let reasons = CRAWLS.map(|(name, _, _, reason)| (name, reason));
    let unfit = unfit();
    let refused = unfit.iter().map(|(name, _, reason)| (*name, *reason));
    for (name, reason) in reasons.into_iter().chain(refused) {
        until(&format!("{name} is said to fail"), || {
            row(&world, name)["state"] == "failing"
        });
        let said = row(&world, name)["error"].as_str().unwrap().to_owned();
        assert!(said.contains(reason), "{name}: {said}");
    }
    // The good one was served all the while, and is.
    world.join(4..=4);
    served("m4");
    assert_eq!(row(&world, "acme")["state"], "ok");
    // Again and again: nothing piles up.
    let before = resident(&running);
    for _ in 0..3 {
        for (name, ..) in CRAWLS {
            world.refuses(&["sync", "--source", name]);
        }
    }
    let after = resident(&running);
    assert!(
        after < before + 96 * 1024,
        "{before} KiB before, {after} after"
    );
    world.join(5..=5);
    served("m5");
    assert!(running.ended().is_none());
    running.terminate();
    assert!(running.wait().success(), "{}", running.stderr());
    assert_eq!(world.cam.user_names().len(), 5);
    assert_sound(&world);
}

/// Invariant 11: `check` asks connectors, too. The loop in one of them ends, and the others are told about.
#[test]
fn a_loop_in_check_ends_and_the_good_source_is_checked() {
    let world = beside(source(
        "loop",
        "guest.wasm",
        "limits = { idle = \"1s\" }",
        "behaviour = \"loop\"",
    ));
    let started = Instant::now();
    let output = world.run(&["check", "--json"]);
    assert!(started.elapsed() < PATIENCE);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("limits.idle"), "{said}");
    assert!(said.contains("ww0123456789abcdef"), "{said}");
}

/// Invariant 11: whatever a source's file allows, addresses of this machine and of the cloud's metadata are out of reach;
/// and nothing at all of what it does not allow.
#[test]
fn no_connector_reaches_this_machine_or_the_metadata() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let allowed = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        "169.254.169.254".to_owned(),
        "[fd00:ec2::254]".to_owned(),
    ];
    let mut urls: Vec<String> = allowed
        .iter()
        .map(|host| format!("https://{host}/"))
        .collect();
    urls.push(format!("http://127.0.0.1:{port}/"));
    urls.push("http://169.254.169.254/latest/meta-data/".to_owned());
    urls.push("https://not-allowed.example/".to_owned());
    let wanted: Vec<_> = urls
        .iter()
        .map(|url| format!("{{ url = \"{url}\" }}"))
        .collect();
    let world = beside(source(
        "curious",
        "guest.wasm",
        &format!("allow_hosts = {allowed:?}"),
        &format!("behaviour = \"fetch\"\nrequests = [{}]", wanted.join(", ")),
    ));
    // The good one reaches its provider on this machine, for a setting of its own names it.
    let report = world.sync();
    let shown = world.read(&["sources", "show", "curious"]);
    let told = shown["departments"].as_array().unwrap();
    assert_eq!(told.len(), urls.len(), "{report:#} {shown:#}");
    for department in told {
        let name = department["name"].as_str().unwrap();
        assert!(name.starts_with("denied"), "{department}");
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    assert!(world.signs_in("m3"));
}

/// Invariants 9 and 11: two sources of one connector do not see what the other has kept.
#[test]
fn no_source_sees_what_another_one_has_kept() {
    let remembering = |name: &str| {
        let settings = format!("behaviour = \"remember-and-recall\"\ntoken = \"kept by {name}\"");
        source(name, "guest.wasm", "", &settings)
    };
    let world = beside(remembering("one") + &remembering("two"));
    let _running = daemon(&world);
    let recalled = |name: &str| {
        let shown = world.read(&["sources", "show", name]);
        shown["departments"][0]["name"].as_str().map(str::to_owned)
    };
    // What is kept is a secret from then on, and is not told as a name either: it comes back as the redaction's mark.
    for (name, other) in [("one", "two"), ("two", "one")] {
        until("both have kept something", || recalled(name).is_some());
        world.does(&["sync", "--source", name]);
        let now = recalled(name).unwrap();
        assert!(!now.contains(&format!("kept by {other}")), "{now}");
        assert_ne!(now, "nothing", "{name} forgot its own");
    }
}

/// Invariants 4 and 11: a tree of 30,000 departments, each below the one before: it is read, kept, shown and searched by rules
/// without a stack that runs out, and whoever is at its end is served.
#[test]
fn thirty_thousand_departments_below_each_other_are_taken_in() {
    let settings = "behaviour = \"chain\"\ncount = 30_000";
    let world = world(&Tuning {
        extra: source("deep", "guest.wasm", "", settings),
        rules:
            "[[admit]]\n[[grant]]\nwhen = \"'部门' in member.department_path\"\ngroups = [\"deep\"]"
                .into(),
        ..Tuning::default()
    });
    std::fs::write(world.dir.path().join("guest.wasm"), guest()).unwrap();
    world.sync();
    assert!(world.signs_in("deep"));
    let shown = row(&world, "deep");
    assert_eq!(shown["departments"], 30_000, "{shown}");
    assert!(world.run(&["sources", "show", "deep"]).status.success());
    assert!(world.run(&["members", "explain", "deep"]).status.success());
    assert_sound(&world);
}
