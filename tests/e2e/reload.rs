//! A running daemon takes over an edit of its configuration and of its secrets, and refuses a broken one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use camsync_simulators::{When, wecom};
use serde_json::Value;

use crate::tools::{
    PATIENCE, Process, Tuning, assert_sound, configure, daemon, until, wait_for_socket, world,
};
use crate::world::{EVERYONE, SECRETS, World, text};

/// Nothing but an edit leads to a pass.
fn quiet() -> Tuning {
    Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        guard: "window = \"1s\"\nmax_removals = 1000\nmax_removal_ratio = 1.0".into(),
        leavers: "delete_after = \"never\"".into(),
        ..Tuning::default()
    }
}

fn only(ids: &str) -> String {
    format!("[[admit]]\nwhen = \"member.id in [{ids}]\"")
}

fn file(world: &World) -> std::path::PathBuf {
    world.dir.path().join("camsync.toml")
}

/// A text put in a file's place by renaming, as editors do.
fn put(path: &Path, value: &str) {
    let new = path.with_extension("new");
    fs::write(&new, value).unwrap();
    fs::set_permissions(&new, PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(&new, path).unwrap();
}

/// Waits for what an edit leads to. It is noticed when it happens, long before files are looked at anyway.
fn soon(what: &str, holds: impl FnMut() -> bool) {
    let since = Instant::now();
    until(what, holds);
    assert!(since.elapsed() < Duration::from_secs(25), "late: {what}");
}

fn error_in(world: &World) -> Option<String> {
    // By the socket: the file may be the very thing that is broken.
    let output = world.run(&["--socket", "data/camsync.sock", "status", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["config"]["error"].as_str().map(str::to_owned)
}

fn reloads(world: &World) -> Vec<Value> {
    let mut rows = world.read(&["audit", "--limit", "0"])["audit"]
        .as_array()
        .unwrap()
        .clone();
    rows.retain(|row| row["action"].as_str().unwrap().ends_with(".reload"));
    rows.reverse();
    rows
}

fn has(world: &World, name: &str) -> bool {
    world.cam.user(name).is_some()
}

fn hang_up(process: &Process) {
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &process.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn an_edited_rule_leads_to_a_plan_and_to_a_row_of_the_audit() {
    let world = world(&Tuning {
        rules: only("'m1'"),
        ..quiet()
    });
    world.join(1..=3);
    let running = daemon(&world);
    until("the first is served", || has(&world, "m1"));
    let crawls = world.wecom.count("user/list");
    // Written in place, as `echo >` does.
    configure(
        &world,
        &Tuning {
            rules: only("'m1', 'm2'"),
            guard: "window = \"1s\"\nmax_removals = 30\nmax_removal_ratio = 1.0".into(),
            ..quiet()
        },
    );
    soon("the edit has its effect", || has(&world, "m2"));
    assert!(!has(&world, "m3"));
    assert_eq!(
        world.wecom.count("user/list"),
        crawls,
        "the stored snapshot is enough"
    );
    let rows = reloads(&world);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["actor"], "config");
    let detail = &rows[0]["detail"];
    assert_eq!(detail["guard.max_removals"], "1000 -> 30");
    assert_eq!(
        detail["admit[1].when"],
        "member.id in ['m1'] -> member.id in ['m1', 'm2']"
    );
    assert_eq!(detail.as_object().unwrap().len(), 2, "{detail}");

    // Touched, or written with the same words: nothing happened. SIGHUP is the proof that it was looked at.
    let before = fs::read_to_string(file(&world)).unwrap();
    put(&file(&world), &before);
    put(&file(&world), &before.replace("'m2'", "'m2', 'm3'"));
    hang_up(&running);
    soon("SIGHUP has its effect", || has(&world, "m3"));
    let rows = reloads(&world);
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!(rows[1]["detail"].as_object().unwrap().len(), 1);
    until("it is at rest", || {
        world.read(&["status"])["changes"]["applied"] == 3
    });
    assert_sound(&world);
}

#[test]
fn a_broken_edit_is_refused_and_the_old_one_goes_on() {
    let world = world(&Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        ..quiet()
    });
    world.join(1..=2);
    let running = daemon(&world);
    until("all are served", || has(&world, "m2"));
    let good = fs::read_to_string(file(&world)).unwrap();
    let line = |words: &str| good.lines().position(|l| l.contains(words)).unwrap() + 1;

    // What each mistake is, and where it is said to be.
    let mistakes = [
        (
            good.replace("[guard]", "[guard\n"),
            format!("camsync.toml:{}:", line("[guard]")),
        ),
        (
            good.replace("max_removals", "max_removal"),
            format!("camsync.toml:{}:1: ", line("max_removals")),
        ),
        // Only the connector's own schema can tell.
        (
            good.replace("agent_id = 1000002", "agent_id = \"x\""),
            format!("camsync.toml:{}:", line("agent_id")),
        ),
        (
            good.replace("data_dir = \"data\"", "data_dir = \"elsewhere\""),
            format!("camsync.toml:{}:1: ", line("data_dir")),
        ),
        (
            good.replace("{ env = \"WECOM_SECRET\" }", "{ env = \"NOT_SET\" }"),
            format!("camsync.toml:{}:", line("WECOM_SECRET")),
        ),
    ];
    for (broken, place) in mistakes {
        put(&file(&world), &broken);
        soon(&format!("the mistake at {place} is said"), || {
            error_in(&world).is_some_and(|said| said.contains(&place))
        });
        let said = running.stderr();
        assert!(said.contains("the configuration is refused"), "{said}");
        assert!(said.contains(&place), "{place}: {said}");
    }
    put(&file(&world), "[target");
    let said = world.refuses(&["status"]);
    assert!(said.contains("--socket DATA_DIR/camsync.sock"), "{said}");
    // What is in force goes on: a leaver is still handled.
    world.leave(2..=2);
    until("the leaver is suspended", || !world.signs_in("m2"));
    put(&file(&world), &good);
    soon("what was taken back is no error any more", || {
        error_in(&world).is_none()
    });
    assert!(reloads(&world).is_empty());
    assert_eq!(
        world.read(&["sources", "list"])["sources"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_config_map_is_followed_by_its_link_to_the_data() {
    let world = world(&quiet());
    world.join(1..=2);
    let dir = world.dir.path().join("mount");
    fs::create_dir(&dir).unwrap();
    let template = fs::read_to_string(file(&world)).unwrap();
    // Relative paths start from the folder of the file as it was named.
    let mount = |version: &str, rules: &str| {
        let text = template
            .replace("data_dir = \"data\"", "data_dir = \"../data\"")
            .replace(EVERYONE, rules);
        fs::create_dir(dir.join(version)).unwrap();
        fs::write(dir.join(version).join("camsync.toml"), text).unwrap();
        symlink(version, dir.join("..data_tmp")).unwrap();
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    };
    mount("..1", &only("'m1'"));
    symlink("..data/camsync.toml", dir.join("camsync.toml")).unwrap();
    let mut running = Process::start(&world, &["run", "--config", "mount/camsync.toml"]);
    wait_for_socket(&world, &mut running);
    until("the first is served", || has(&world, "m1"));
    mount("..2", EVERYONE);
    fs::remove_dir_all(dir.join("..1")).unwrap();
    soon("the swapped folder has its effect", || has(&world, "m2"));
    world.join(3..=3);
    mount("..3", &only("'m3'"));
    soon("and the next one", || !world.signs_in("m1"));
}

#[test]
fn a_folder_that_vanishes_is_survived_and_found_again() {
    let world = world(&quiet());
    world.join(1..=2);
    let dir = world.dir.path().join("etc");
    let text = fs::read_to_string(file(&world))
        .unwrap()
        .replace("data_dir = \"data\"", "data_dir = \"../data\"");
    let write = |rules: &str| {
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("camsync.toml"), text.replace(EVERYONE, rules)).unwrap();
    };
    write(&only("'m1'"));
    let mut running = Process::start(&world, &["run", "--config", "etc/camsync.toml"]);
    wait_for_socket(&world, &mut running);
    until("the first is served", || has(&world, "m1"));
    fs::remove_dir_all(&dir).unwrap();
    soon("it is said to be gone", || {
        error_in(&world).is_some_and(|said| said.contains("etc/camsync.toml"))
    });
    write(&only("'m1'"));
    soon("it is there again", || error_in(&world).is_none());
    fs::rename(&dir, world.dir.path().join("moved")).unwrap();
    write(EVERYONE);
    soon("another in its place has its effect", || has(&world, "m2"));
}

#[test]
fn of_a_burst_of_writes_the_last_one_wins() {
    let world = world(&Tuning {
        rules: only("'m0'"),
        ..quiet()
    });
    world.join(1..=50);
    let running = daemon(&world);
    until("it has crawled", || world.wecom.count("user/list") > 0);
    for n in 1..=50 {
        let rules = only(&format!("'m{n}'"));
        configure(&world, &Tuning { rules, ..quiet() });
    }
    soon("the last one has its effect", || has(&world, "m50"));
    let rows = reloads(&world);
    assert!(rows.len() < 10, "{} reloads", rows.len());
    assert!(
        !running.stderr().contains("the configuration is refused"),
        "no half-written file was read: {}",
        running.stderr()
    );
}

#[test]
fn secrets_in_files_are_taken_over_and_audited_without_their_values() {
    let tuning = Tuning {
        secret: "{ file = \"wecom\" }".into(),
        target: "requests_per_second = 400\nsecret_id = { file = \"id\" }\nsecret_key = { file = \"key\" }".into(),
        ..quiet()
    };
    let world = world(&tuning);
    let secret = |name: &str, value: &str| put(&world.dir.path().join(name), value);
    secret("wecom", SECRETS[0].1);
    secret("id", SECRETS[1].1);
    secret("key", SECRETS[2].1);
    world.join(1..=1);
    let running = daemon(&world);
    until("the first is served", || has(&world, "m1"));
    world
        .wecom
        .apps(|apps| apps[0].secret = "another-wecom-secret-88".into());
    world.wecom.revoke_tokens();
    world.join(2..=2);
    // Nobody asks for a pass: a source with another secret is crawled at once.
    secret("wecom", "another-wecom-secret-88");
    soon("the source is crawled with its new secret", || {
        has(&world, "m2")
    });
    world.cam.keys(|keys| {
        keys.get_mut(SECRETS[1].1).unwrap().secret_key = "another-cam-key-77".into();
    });
    secret("key", "another-cam-key-77");
    soon("the key is said to be reloaded", || {
        reloads(&world).len() == 2
    });
    world.join(3..=3);
    world.sync();
    assert!(has(&world, "m3"));
    let rows = reloads(&world);
    let told: Vec<String> = rows.iter().map(|r| r["detail"].to_string()).collect();
    assert_eq!(
        told,
        [
            r#"{"source[acme].settings.secret":"secret reloaded"}"#,
            r#"{"target.secret_key":"secret reloaded"}"#
        ]
    );
    // A secret that is gone is an error, not an end; what was good goes on.
    fs::remove_file(world.dir.path().join("wecom")).unwrap();
    soon("the missing one is named", || {
        error_in(&world).is_some_and(|said| said.contains("wecom"))
    });
    secret("wecom", "another-wecom-secret-88");
    soon("and back", || error_in(&world).is_none());
    let everything = format!("{rows:?}{}", running.stderr());
    for value in [
        SECRETS[0].1,
        SECRETS[2].1,
        "another-wecom-secret-88",
        "another-cam-key-77",
    ] {
        assert!(!everything.contains(value));
    }
}

#[test]
fn a_new_source_is_crawled_at_once_and_a_failing_one_asked_again() {
    let other = World::new();
    other.wecom.add_member("o1", "别家", &[1]);
    let world = world(&Tuning {
        secret: "{ env = \"TENCENTCLOUD_SECRET_KEY\" }".into(),
        ..quiet()
    });
    world.join(1..=1);
    let _running = daemon(&world);
    until("the source fails for its secret", || {
        world.read(&["status"])["sources"][0]["state"] == "failing"
    });
    configure(
        &world,
        &Tuning {
            extra: format!(
                "[[source]]\nname = \"other\"\nconnector = \"wecom\"\nschedule = \"0 0 1 1 *\"\n[source.settings]\n\
                 corp_id = \"ww0123456789abcdef\"\nagent_id = 1000002\nsecret = {{ env = \"WECOM_SECRET\" }}\napi_base = \"{}\"",
                other.wecom.url()
            ),
            ..quiet()
        },
    );
    soon("both are served", || has(&world, "m1") && has(&world, "o1"));
}

#[test]
fn an_edit_does_not_wait_for_a_pass_that_hangs() {
    let world = world(&quiet());
    world.join(1..=2);
    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::NeverAnswer);
    let _running = daemon(&world);
    world.block_on(world.wecom.wait_for("user/list", 1));
    let rules = only("'m1'");
    configure(&world, &Tuning { rules, ..quiet() });
    soon("the edit is in force", || reloads(&world).len() == 1);
}

/// What a service manager is told, a datagram at a time.
struct Manager(std::os::unix::net::UnixDatagram);

impl Manager {
    fn listen(world: &World) -> Self {
        let socket = std::os::unix::net::UnixDatagram::bind(world.dir.path().join("notify"));
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The next datagram with this line.
    fn hears(&self, line: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let length = self.0.recv(&mut bytes).expect(line);
            let said = text(&bytes[..length]);
            if said.lines().any(|l| l == line) {
                return said;
            }
        }
    }
}

#[test]
fn systemd_is_told_how_it_stands() {
    let world = world(&quiet());
    let manager = Manager::listen(&world);
    let socket = world.dir.path().join("notify");
    let environment = [
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
        ("WATCHDOG_USEC", "400000"),
    ];
    let mut running = Process::start_with(&world, &["run"], &environment);
    assert!(manager.hears("READY=1").contains("STATUS=1 source"));
    // Ready means that it answers.
    assert!(world.run(&["status"]).status.success());
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    hang_up(&running);
    assert!(manager.hears("RELOADING=1").contains("\nMONOTONIC_USEC="));
    manager.hears("READY=1");
    fs::write(file(&world), "[target\n").unwrap();
    let said = manager.hears("READY=1");
    assert!(
        said.contains("refused") && said.contains("camsync.toml:1:"),
        "{said}"
    );
    running.terminate();
    manager.hears("STOPPING=1");
    assert!(running.wait().success(), "{}", running.stderr());
}
