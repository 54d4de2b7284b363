//! The command line as people and scripts meet it: exit statuses, explanations, harmless text.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use camsync_simulators::{When, cam, wecom};

use crate::world::{SECRETS, Wish, World, json, text};

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Fails with this status, and says all of this on standard error.
fn fails(output: &Output, status: i32, saying: &[&str]) {
    assert_eq!(code(output), status, "{}", said(output));
    let stderr = text(&output.stderr);
    for part in saying {
        assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
    }
}

/// A world whose five members have sub-users.
fn settled() -> World {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    world
}

#[test]
fn words_that_make_no_sense_end_with_2_and_name_the_nearest() {
    let world = World::new();
    fails(&world.run(&["statsu"]), 2, &["statsu", "status"]);
    fails(&world.run(&["members", "lst"]), 2, &["list"]);
    fails(
        &world.run(&["changes", "list", "--since", "yesterday"]),
        2,
        &["yesterday", "2h"],
    );
    fails(
        &world.run(&["changes", "list", "--status", "fialed"]),
        2,
        &["`failed`"],
    );
    fails(
        &world.run(&["members", "list", "--source", "acne"]),
        2,
        &["acne", "`acme`"],
    );
    fails(
        &world.run(&["sync", "--source", "acne"]),
        2,
        &["acne", "`acme`"],
    );
    fails(
        &world.run(&["changes", "show", "77"]),
        2,
        &["77", "changes list"],
    );
    fails(
        &world.run(&["plans", "approve", "77"]),
        2,
        &["77", "plans list"],
    );
    assert_eq!(code(&world.run(&["--help"])), 0);
    assert_eq!(code(&world.run(&["--version"])), 0);
}

#[test]
fn an_unknown_member_is_answered_with_the_nearest_known_one() {
    let world = World::new();
    world.wecom.add_member("zhang.san", "张三", &[1]);
    world.sync();
    fails(
        &world.run(&["members", "show", "zhang.sam"]),
        2,
        &["zhang.sam", "`zhang.san`"],
    );
}

#[test]
fn a_broken_configuration_ends_with_2_and_says_where() {
    let world = World::new();
    world.configure("[gaurd]\nmax_removals = 3\n", "");
    let output = world.run(&["status", "--json"]);
    fails(&output, 2, &["camsync.toml", "gaurd", "guard"]);
    let document = json(&output);
    assert_eq!(document["exit"], 2);
    assert!(
        document["error"].as_str().unwrap().contains("gaurd"),
        "{document}"
    );
    std::fs::remove_file(world.dir.path().join("camsync.toml")).unwrap();
    fails(&world.run(&["status"]), 2, &["camsync.toml", "--config"]);
}

#[test]
fn a_plan_with_detailed_exitcode_tells_0_2_and_1() {
    let world = World::new();
    let plan = ["plan", "--detailed-exitcode"];
    assert_eq!(code(&world.run(&plan)), 0);
    world.join(1..=2);
    let output = world.run(&plan);
    assert_eq!(code(&output), 2, "{}", said(&output));
    assert_eq!(code(&world.run(&["plan"])), 0);
    world.wecom.configure(|o| o.ip_trusted = false);
    assert_eq!(code(&world.run(&plan)), 1);
    assert_eq!(
        code(&world.run(&["plan", "--detailed-exitcode", "--bogus"])),
        1
    );
    world.configure("[gaurd]\n", "");
    assert_eq!(code(&world.run(&plan)), 1);
    assert_eq!(code(&world.run(&["plan"])), 2);
}

#[test]
fn a_plan_reads_like_a_plan_and_changes_nothing() {
    let world = World::new();
    assert!(text(&world.run(&["plan"]).stdout).contains("No changes."));
    world.wecom.add_member("zhang.san", "张三", &[1]);
    let output = world.run(&["plan"]);
    let plan = text(&output.stdout);
    let line = plan.lines().find(|l| l.contains("zhang.san")).unwrap();
    for part in ["+", "create_user", "(张三)", "admitted by the rule in line"] {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
    assert!(plan.contains("Plan: 1 to create."), "{plan}");
    assert!(world.cam.writes().is_empty());
}

#[test]
fn a_sync_that_could_not_crawl_or_apply_ends_with_1_and_says_what() {
    let world = World::new();
    world.join(1..=2);
    world.cam.inject(
        When::action("AddUser").key("m1"),
        cam::Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    let output = world.run(&["sync"]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    let report = text(&output.stdout);
    for part in [
        "m1",
        "InvalidParameter.UserNameIllegal",
        "RequestId",
        "→ make the rule's username",
    ] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    assert!(world.cam.user("m2").is_some());
    world.cam.clear_faults();
    world.wecom.configure(|o| o.ip_trusted = false);
    let output = world.run(&["sync"]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(text(&output.stdout).contains("60020"), "{}", said(&output));
}

#[test]
fn a_held_plan_is_no_failure_and_is_said_last() {
    let world = World::new();
    world.join(1..=8);
    world.sync();
    for id in 1..=6 {
        world.wecom.remove_member(&format!("m{id}"));
    }
    let output = world.run(&["sync"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let report = text(&output.stdout);
    let last = report.lines().last().unwrap();
    assert!(
        last.contains("plan 1") && last.contains("camsync plans approve 1"),
        "{report}"
    );
    let status = text(&world.run(&["status"]).stdout);
    assert!(status.contains("Held plans: 1."), "{status}");
    let plan = world.read(&["plans", "show", "1"]);
    assert_eq!(plan["plan"]["items"].as_array().unwrap().len(), 6);
    assert_eq!(code(&world.run(&["plans", "approve", "1"])), 0);
    assert!(!world.cam.user("m1").unwrap().console_login);
}

#[test]
fn a_one_shot_command_does_not_wait_out_a_throttle() {
    let world = World::with(Wish::default());
    let file = world.dir.path().join("camsync.toml");
    let slow = std::fs::read_to_string(&file)
        .unwrap()
        .replace("initial = \"20ms\"", "initial = \"30s\"")
        .replace("max = \"200ms\"", "max = \"60s\"");
    std::fs::write(&file, slow).unwrap();
    world.join(1..=1);
    world.cam.inject(
        When::action("AddUser"),
        cam::Fault::Code("RequestLimitExceeded".into()),
    );
    let begun = Instant::now();
    let output = world.run(&["sync", "--json"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(code(&output), 1, "{}", said(&output));
    let report = json(&output);
    assert_eq!(report["pending"], 1, "{report}");
    assert!(report["next_attempt_at"].is_string(), "{report}");
    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Errcode(45009));
    let begun = Instant::now();
    let output = world.run(&["plan", "--json"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert_eq!(json(&output)["failures"][0]["kind"], "throttled");
}

#[test]
fn what_is_piped_is_nothing_but_text() {
    let world = settled();
    for words in [
        &["status"][..],
        &["check"],
        &["plan"],
        &["sync"],
        &["sources", "list"],
        &["sources", "show", "acme"],
        &["members", "list"],
        &["members", "show", "m1"],
        &["members", "explain", "m1"],
        &["changes", "list"],
        &["changes", "show", "1"],
        &["plans", "list"],
        &["audit"],
        &["audit", "--jsonl"],
        &["connector", "list"],
        &["connector", "inspect", "wecom"],
        &["config", "show"],
        &["config", "schema"],
    ] {
        let output = world.run(words);
        assert_eq!(code(&output), 0, "{words:?}: {}", said(&output));
        let said = said(&output);
        assert!(!text(&output.stdout).is_empty(), "{words:?}");
        assert!(!said.contains('\u{1b}'), "{words:?}: {said:?}");
        for (_, secret) in SECRETS {
            assert!(!said.contains(secret), "{words:?} shows a secret");
        }
    }
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let world = World::new();
    world
        .wecom
        .add_member("mallory", "a\u{1b}]0;x\u{7}\u{9b}31m\n\u{202e}b", &[1]);
    let plan = world.run(&["plan"]);
    world.sync();
    for output in [
        plan,
        world.run(&["members", "list"]),
        world.run(&["members", "show", "mallory"]),
        world.run(&["members", "explain", "mallory"]),
        world.run(&["changes", "show", "1"]),
        world.run(&["members", "list", "--json"]),
        world.run(&["audit", "--jsonl"]),
    ] {
        let said = said(&output);
        assert!(
            said.contains("mallory") || said.contains("member"),
            "{said}"
        );
        let steering = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(steering), "{said:?}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let world = settled();
    let mut child = world
        .command(&["connector", "inspect", "wecom"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn check_explains_in_the_readers_language() {
    let world = World::new();
    world.wecom.configure(|o| o.ip_trusted = false);
    let zh = |world: &World| text(&world.run(&["--lang", "zh", "check"]).stdout);
    let report = zh(&world);
    for part in ["60020", "203.0.113.7", "企业可信IP", "✗", "→"] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    let output = world.run(&["check"]);
    assert_eq!(code(&output), 1);
    assert!(
        text(&output.stdout).contains("trusted IPs"),
        "{}",
        said(&output)
    );
    let mut command = world.command(&["check"]);
    let output = command.env("LANG", "zh_CN.UTF-8").output().unwrap();
    assert!(
        text(&output.stdout).contains("来源 acme"),
        "{}",
        said(&output)
    );
    world.wecom.configure(|o| o.ip_trusted = true);

    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Errcode(48009));
    let report = zh(&world);
    for part in ["48009", "通讯录同步", "自建应用的 Secret"] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
}

#[test]
fn check_explains_wrong_secrets_and_keys() {
    let world = World::new();
    let zh = |name: &str, value: &str| {
        let mut command = world.command(&["--lang", "zh", "check"]);
        text(&command.env(name, value).output().unwrap().stdout)
    };
    let report = zh("WECOM_SECRET", "not-the-secret");
    assert!(
        report.contains("40001") && report.contains("Secret 不正确"),
        "{report}"
    );
    assert!(!report.contains("not-the-secret"), "{report}");
    let report = zh("TENCENTCLOUD_SECRET_KEY", "not-the-key");
    for part in [
        "AuthFailure.SignatureFailure",
        "SecretKey 与 SecretId 不匹配",
        "RequestId",
    ] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    assert!(!report.contains("not-the-key"), "{report}");
    let report = zh("TENCENTCLOUD_SECRET_ID", "AKIDnobody");
    assert!(report.contains("密钥不存在或已禁用"), "{report}");
}

#[test]
fn check_spells_out_the_policy_statement_that_is_missing() {
    let world = World::new();
    for action in ["ListAccounts", "ListUsers"] {
        world.cam.inject(
            When::action(action),
            cam::Fault::Code("AuthFailure.UnauthorizedOperation".into()),
        );
    }
    for (language, words) in [("zh", "密钥缺少权限"), ("en", "lacks the permission")] {
        let output = world.run(&["--lang", language, "check"]);
        assert_eq!(code(&output), 1);
        let report = text(&output.stdout);
        assert!(report.contains(words), "{report}");
        let statement = r#"{"effect":"allow","action":["cam:ListAccounts"],"resource":["*"]}"#;
        assert!(report.contains(statement), "{report}");
    }
}

#[test]
fn a_daemon_that_answers_check_does_so_in_the_askers_language() {
    let world = World::new();
    let mut daemon = world
        .command(&["run"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let socket = world.data_dir().join("camsync.sock");
    wait_for(&socket);
    let report = text(&world.run(&["--lang", "zh", "check"]).stdout);
    let second = world.run(&["run"]);
    let broken = world.dir.path().join("camsync.toml");
    std::fs::write(broken, "nonsense").unwrap();
    let status = world.run(&["--socket", socket.to_str().unwrap(), "status"]);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(report.contains("来源 acme"), "{report}");
    fails(&second, 1, &["camsync.lock", "`camsync run`"]);
    assert_eq!(code(&status), 0, "{}", said(&status));
    // What it leaves behind is a socket without a process.
    let dead = world.run(&["--socket", socket.to_str().unwrap(), "status"]);
    fails(&dead, 1, &["camsync.sock", "is gone"]);
    fails(
        &world.run(&["--socket", "nowhere.sock", "status"]),
        1,
        &["nowhere.sock"],
    );
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no daemon");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let world = World::new();
    std::fs::write(world.data_dir(), "a file where the folder should be").unwrap();
    fails(
        &world.run(&["sync"]),
        1,
        &["data", "cannot make the data folder"],
    );
}

#[test]
fn lists_can_be_narrowed() {
    let world = settled();
    let ids = |words: &[&str]| {
        let document = world.read(words);
        document["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&["changes", "list", "--limit", "2"]), [5, 4]);
    assert_eq!(ids(&["changes", "list", "--limit", "0"]).len(), 5);
    assert_eq!(ids(&["changes", "list", "--status", "failed"]).len(), 0);
    assert_eq!(ids(&["changes", "list", "--since", "1h"]).len(), 5);
    assert_eq!(
        ids(&["changes", "list", "--since", "2999-01-01T00:00:00Z"]).len(),
        0
    );
    let members = world.read(&["members", "list", "--since", "2999-01-01T00:00:00Z"]);
    assert_eq!(members["members"].as_array().unwrap().len(), 0);
}

#[test]
fn an_audit_goes_to_other_systems_line_by_line() {
    let world = settled();
    world.run(&["freeze"]);
    world.run(&["thaw"]);
    let lines = text(&world.run(&["audit", "--jsonl"]).stdout);
    let actions: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["action"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        actions.ends_with(&["freeze".into(), "thaw".into()]),
        "{actions:?}"
    );
}

#[test]
fn completions_and_manual_pages_come_from_the_same_words() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = world.run(&["completions", shell]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        let script = text(&output.stdout);
        for word in ["camsync", "explain", "detailed-exitcode"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(code(&world.run(&["man", "pages"])), 0);
    for page in ["camsync.1", "camsync-members-explain.1", "camsync-plan.1"] {
        assert!(world.dir.path().join("pages").join(page).exists(), "{page}");
    }
}
