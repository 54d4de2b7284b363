//! Notifications: once a cause, once when it is over, to every target, whatever happens in between.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camsync_simulators::{When, cam, wecom};
use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::mail::MailServer;
use crate::receivers::{Answer, Inbox, Posted};
use crate::tools::{Process, Tuning, until, wait_for_socket, world};
use crate::world::{World, json, text};

/// The keys of the targets; none may show up anywhere.
const ROBOT_KEY: &str = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa";
const HOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MAIL_PASSWORD: &str = "mail-password-5e2c9d1f";

pub const ROBOT: &str =
    "[[notify]]\nkind = \"wecom-robot\"\nurl = { env = \"ROBOT_URL\" }\nlanguage = \"zh\"\n";
pub const HOOK: &str = "[[notify]]\nkind = \"webhook\"\nurl = { env = \"HOOK_URL\" }\nsecret = { env = \"HOOK_SECRET\" }\n";

/// A world with an inbox for a robot and a webhook.
pub struct Told {
    pub world: World,
    pub inbox: Inbox,
}

impl Told {
    pub fn with(targets: &str) -> Self {
        let world = world(&Tuning {
            guard: "max_removals = 1\nmax_removal_ratio = 0.01".into(),
            source: "schedule = \"0 0 1 1 *\"".into(),
            leavers: "delete_after = \"never\"".into(),
            retry_attempts: 2,
            extra: targets.into(),
            ..Tuning::default()
        });
        Self {
            world,
            inbox: Inbox::start(),
        }
    }

    fn environment(&self) -> [(&'static str, String); 4] {
        let robot = format!("/robot?key={ROBOT_KEY}");
        [
            ("ROBOT_URL", self.inbox.url(&robot)),
            ("HOOK_URL", self.inbox.url("/hook")),
            ("HOOK_SECRET", HOOK_SECRET.into()),
            ("MAIL_PASSWORD", MAIL_PASSWORD.into()),
        ]
    }

    pub fn daemon(&self) -> Process {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let trace = [("CAMSYNC_LOG", "trace")];
        let all: Vec<_> = environment.into_iter().chain(trace).collect();
        let mut process = Process::start_with(&self.world, &["run"], &all);
        wait_for_socket(&self.world, &mut process);
        process
    }

    /// Ten members of whom six leave: more than the guard lets go.
    fn hold_a_plan(&self) -> String {
        self.world.join(1..=10);
        self.world.sync();
        self.world.leave(1..=6);
        let report = self.world.sync();
        report["held_plans"][0].to_string()
    }

    pub fn robot(&self) -> Vec<String> {
        let posted = self.inbox.posted("/robot");
        posted.iter().map(Posted::markdown).collect()
    }

    /// Lets a few passes and looks go by.
    fn some_passes(&self) {
        for _ in 0..4 {
            self.world.run(&["sync", "--json"]);
        }
    }

    fn target(&self) -> serde_json::Value {
        self.world.read(&["status"])["notify"][0].clone()
    }
}

#[test]
fn a_held_plan_is_told_once_across_passes_and_restarts_and_once_when_it_is_over() {
    let told = Told::with(&format!("{ROBOT}{HOOK}"));
    let first = told.daemon();
    let plan = told.hold_a_plan();
    until("the webhook is told", || {
        !told.inbox.events("held").is_empty()
    });
    until("the robot is told", || !told.robot().is_empty());
    told.some_passes();
    first.kill();
    let second = told.daemon();
    told.some_passes();
    let held = told.inbox.events("held");
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["cause"], "plan_held");
    assert_eq!(held[0]["details"]["removals"], 6);
    assert_eq!(held[0]["command"], format!("camsync plans show {plan}"));
    let robot = told.robot();
    assert_eq!(robot.len(), 1, "{robot:?}");
    assert!(
        robot[0].contains(&format!("计划 {plan} 等待您批准")),
        "{robot:?}"
    );
    assert!(robot[0].contains(&format!("`camsync plans show {plan}`")));

    told.world.does(&["plans", "approve", &plan]);
    until("it is over", || told.inbox.events("recovered").len() == 1);
    until("the robot knows", || told.robot().len() == 2);
    drop(second);
    let _third = told.daemon();
    told.some_passes();
    let over = told.inbox.events("recovered");
    assert_eq!(over.len(), 1, "{over:?}");
    assert!(
        over[0]["text"]
            .as_str()
            .unwrap()
            .contains("cli:tester approved it"),
        "{over:?}"
    );
    assert_eq!(told.inbox.posted("/hook").len(), 2);
    assert!(told.robot()[1].contains("已解除"), "{:?}", told.robot());
}

#[test]
fn a_webhook_is_signed_by_the_standard() {
    let told = Told::with(HOOK);
    let _daemon = told.daemon();
    told.hold_a_plan();
    until("it is told", || !told.inbox.events("held").is_empty());
    let posted = &told.inbox.posted("/hook")[0];
    let header = |name: &str| posted.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), posted.json()["id"]);
    let age = chrono::Utc::now().timestamp() - header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    let key = STANDARD.decode(&HOOK_SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let signed = [
        header("webhook-id"),
        header("webhook-timestamp"),
        &posted.body,
    ]
    .join(".");
    mac.update(signed.as_bytes());
    let given = header("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&STANDARD.decode(given).unwrap()).unwrap();
    // The page names every field that is sent.
    let page = include_str!("../../docs/notifications.md");
    for field in posted.json().as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
    }
}

#[test]
fn a_source_is_told_after_an_hour_and_when_it_answers_again() {
    let told = Told::with(&format!("{ROBOT}{HOOK}"));
    told.world.join(1..=3);
    told.world.sync();
    told.world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Errcode(60011));
    let running = told.daemon();
    told.some_passes();
    assert_eq!(
        told.world.read(&["status"])["sources"][0]["state"],
        "failing"
    );
    drop(running);
    assert!(
        told.inbox.posted("/").is_empty(),
        "nobody is told of a minute"
    );
    let hour = (chrono::Utc::now() - chrono::TimeDelta::minutes(61)).to_rfc3339();
    let since = told
        .world
        .ledger()
        .execute("UPDATE sources SET failing_since = ?1", [hour]);
    assert_eq!(since.unwrap(), 1);
    let _daemon = told.daemon();
    until("it is told", || {
        told.inbox.events("source-down").len() == 1 && told.robot().len() == 1
    });
    told.some_passes();
    let down = told.inbox.events("source-down");
    assert_eq!(down.len(), 1, "{down:?}");
    assert_eq!(down[0]["details"]["source"], "acme");
    assert!(
        down[0]["text"].as_str().unwrap().contains("60011"),
        "{down:?}"
    );
    assert!(
        told.robot()[0].contains("来源 acme 自 "),
        "{:?}",
        told.robot()
    );
    told.world.wecom.clear_faults();
    told.world.sync();
    until("it is over", || told.inbox.events("recovered").len() == 1);
    assert_eq!(told.inbox.posted("/hook").len(), 2);
}

#[test]
fn a_target_that_takes_nothing_holds_nobody_up_and_is_told_later() {
    let told = Told::with(HOOK);
    told.inbox.answer(Answer::Silence);
    let _daemon = told.daemon();
    told.hold_a_plan();
    until("it is sent", || told.inbox.posted("/hook").len() == 1);
    // It is being waited for; a pass takes no notice.
    told.world.join(11..=11);
    let started = Instant::now();
    told.world.sync();
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    assert!(told.world.cam.user("m11").is_some());
    assert_eq!(told.target()["standing"], 0);
    told.inbox.answer(Answer::Status(503));
    until("the failure stands in status", || {
        told.target()["error"]
            .as_str()
            .is_some_and(|e| e.contains("503"))
    });
    let shown = text(&told.world.run(&["status"]).stdout);
    assert!(shown.contains("webhook env:HOOK_URL"), "{shown}");
    told.inbox.answer(Answer::Taken);
    until("it is taken", || told.target()["standing"] == 1);
    let target = told.target();
    assert_eq!(target["error"], serde_json::Value::Null, "{target}");
    assert_eq!(target["waiting"], 0);
    // Every attempt was the same message.
    let ids: std::collections::BTreeSet<String> = told
        .inbox
        .events("held")
        .iter()
        .map(|d| d["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn what_fails_for_good_and_what_the_cloud_refuses_is_told() {
    let told = Told::with(HOOK);
    let world = &told.world;
    let _daemon = told.daemon();
    world.join(1..=3);
    world.cam.inject(
        When::action("AddUser").key("m3"),
        cam::Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    world.sync_fails();
    until("the change is told", || {
        told.inbox.events("failed").len() == 1
    });
    world.sync_fails();
    // A key that is refused.
    world.cam.inject(
        When::any(),
        cam::Fault::Code("AuthFailure.SecretIdNotFound".into()),
    );
    world.sync_fails();
    until("the key is told", || told.inbox.events("failed").len() == 2);
    world.sync_fails();
    let failed = told.inbox.events("failed");
    assert_eq!(failed[0]["cause"], "change_failed");
    assert_eq!(failed[0]["details"]["username"], "m3");
    assert_eq!(failed[1]["cause"], "target", "{failed:?}");
    assert!(
        failed[1]["remedy"]
            .as_str()
            .unwrap()
            .contains("target.secret_id")
    );
    world.cam.clear_faults();
    world.sync();
    until("both are over", || {
        told.inbox.events("recovered").len() == 2
    });
    // A permission that is missing.
    told.world.deny(&["AddUser"]);
    world.join(4..=5);
    world.run(&["sync"]);
    until("the permission is told", || {
        told.inbox.events("failed").len() == 3
    });
    world.run(&["sync"]);
    assert_eq!(
        told.inbox.events("failed")[2]["details"]["action"],
        "AddUser"
    );
    world.deny(&[]);
    world.sync();
    until("it is over", || told.inbox.events("recovered").len() == 3);
    // Access that somebody else took is kept, and told.
    world.cam.set_sign_in("m1", false).unwrap();
    world.sync();
    until("the drift is told", || told.inbox.events("held").len() == 1);
    assert_eq!(told.inbox.events("held")[0]["cause"], "drift_kept");
    world.does(&["members", "resume", "m1"]);
    until("it is over", || told.inbox.events("recovered").len() == 4);
    assert_eq!(told.inbox.posted("/hook").len(), 8);
}

#[test]
fn a_removal_without_effect_is_an_alarm() {
    let told = Told::with(HOOK);
    let world = &told.world;
    world
        .cam
        .configure(|o| o.wecom_sign_in = cam::WecomSignIn::Ignored);
    world.cam.add_wecom_user("imported", "m1");
    world.edit(|text| text.replace("[[admit]]", "[[admit]]\nadopt = \"wecom\""));
    world.join(1..=3);
    world.sync();
    let _daemon = told.daemon();
    world.leave(1..=1);
    world.sync_fails();
    until("the alarm is raised", || {
        told.inbox.events("failed").len() == 1
    });
    let alarm = &told.inbox.events("failed")[0];
    assert_eq!(alarm["cause"], "no_effect", "{alarm}");
    assert!(
        alarm["title"]
            .as_str()
            .unwrap()
            .contains("imported can still sign in")
    );
}

#[test]
fn a_mail_is_signed_in_addressed_and_readable_and_only_what_was_asked_for_is_sent() {
    let server = MailServer::start();
    let told = Told::with(&format!(
        "[[notify]]\nkind = \"email\"\nserver = \"{}\"\nfrom = \"camsync <camsync@example.com>\"\n\
         to = [\"it@example.com\", \"ops@example.com\"]\nusername = \"camsync\"\npassword = {{ env = \"MAIL_PASSWORD\" }}\n\
         language = \"en\"\non = [\"held\"]\n",
        server.address()
    ));
    let _daemon = told.daemon();
    let plan = told.hold_a_plan();
    until("a mail comes", || !server.mails().is_empty());
    told.world.does(&["plans", "approve", &plan]);
    told.some_passes();
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    assert_eq!(
        mail.signed_in.as_deref(),
        Some(format!("\0camsync\0{MAIL_PASSWORD}").as_str())
    );
    assert!(mail.from.contains("<camsync@example.com>"), "{mail:?}");
    assert_eq!(mail.to.len(), 2);
    let said = mail.data.replace("=\r\n", "");
    assert!(
        said.contains(&format!(
            "Subject: camsync: plan {plan} waits for your approval"
        )),
        "{said}"
    );
    assert!(said.contains("Auto-Submitted: auto-generated"));
    assert!(
        said.contains(&format!("camsync plans show {plan}")),
        "{said}"
    );
}

#[test]
fn a_test_goes_to_every_target_and_says_which_took_it() {
    let told = Told::with(&format!("{ROBOT}{HOOK}"));
    let test = |lang: &str| {
        let mut command = told
            .world
            .command(&["--lang", lang, "notify", "test", "--json"]);
        command.envs(told.environment());
        command.output().unwrap()
    };
    let output = test("en");
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert!(told.robot()[0].contains("测试消息"));
    assert_eq!(told.inbox.events("test").len(), 1);
    // A robot's refusal comes as HTTP 200.
    told.inbox.answer(Answer::Body(
        r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1]"}"#.into(),
    ));
    let output = test("en");
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    assert_eq!(document["ok"], false);
    assert!(
        document["targets"][0]["error"]
            .as_str()
            .unwrap()
            .contains("93000"),
        "{document}"
    );
    assert_eq!(document["targets"][1]["error"], serde_json::Value::Null);
    // Nobody is told in a language of the process only: the webhook has none of its own.
    test("zh");
    assert_eq!(told.inbox.events("test")[2]["title"], "测试消息");
}

#[test]
fn addresses_and_keys_of_targets_appear_nowhere() {
    let server = MailServer::start();
    let mail = format!(
        "[[notify]]\nkind = \"email\"\nserver = \"{}\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n\
         username = \"camsync\"\npassword = {{ env = \"MAIL_PASSWORD\" }}\n",
        server.address()
    );
    let told = Told::with(&format!("{ROBOT}{HOOK}{mail}"));
    told.inbox.answer(Answer::Status(404));
    let daemon = told.daemon();
    told.hold_a_plan();
    let failing = || {
        let status = told.world.read(&["status"]);
        let targets = status["notify"].as_array().unwrap().clone();
        targets.iter().filter(|t| !t["error"].is_null()).count()
    };
    until("two fail", || failing() == 2);
    until("one does not", || !server.mails().is_empty());
    let mut said: Vec<Vec<u8>> = vec![daemon.stderr().into_bytes()];
    for words in [
        &["status", "--json"][..],
        &["status"],
        &["notify", "test"],
        &["config", "show"],
        &["check"],
    ] {
        let output = told.world.run(words);
        said.extend([output.stdout, output.stderr]);
    }
    // Nobody listens at all.
    drop(daemon);
    let mut command = told.world.command(&["notify", "test"]);
    command.envs(told.environment());
    command.env(
        "ROBOT_URL",
        format!("http://127.0.0.1:9/robot?key={ROBOT_KEY}"),
    );
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    said.extend([output.stdout, output.stderr]);
    for entry in std::fs::read_dir(told.world.data_dir()).unwrap().flatten() {
        said.extend(std::fs::read(entry.path()));
    }
    let code = HOOK_SECRET.trim_start_matches("whsec_");
    for secret in [ROBOT_KEY, code, MAIL_PASSWORD] {
        for place in &said {
            let found = place
                .windows(secret.len())
                .position(|w| w == secret.as_bytes());
            let near = found.map(|at| text(&place[at.saturating_sub(200)..at]));
            assert_eq!(near, None, "{secret}");
        }
    }
}
