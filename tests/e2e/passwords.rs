//! Passwords: accepted by CAM before they are shown, and kept nowhere.

use std::path::Path;
use std::time::Duration;

use camsync_simulators::wecom::Status;
use camsync_simulators::{When, cam};
use serde_json::{Value, json};

use crate::http::{CONSOLE, serving};
use crate::portal_browser::Browser;
use crate::tools::{Process, Tuning, assert_sound, until, world};
use crate::world::{World, text};

/// Three members with sub-users.
fn with_sub_users(target: &str, extra: &str) -> World {
    let world = world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        target: format!("requests_per_second = 400\n{target}"),
        extra: format!("{CONSOLE}\n{extra}"),
        leavers: "delete_after = \"30d\"".into(),
        ..Tuning::default()
    });
    world.join(1..=3);
    world.sync();
    assert!(world.signs_in("m1"));
    world
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

/// Nothing below the test's folder holds it: ledger, its journal, logs of the daemon.
fn assert_nowhere(world: &World, secret: &str) {
    let mut found = Vec::new();
    files(world.dir.path(), &mut found);
    assert!(found.iter().any(|(path, _)| path.ends_with("camsync.db")));
    for (path, bytes) in found {
        let holds = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!holds, "{path} holds a password");
    }
}

fn resets(world: &World) -> Vec<Value> {
    let mut changes = world.changes();
    changes.retain(|c| c["kind"] == "reset_password");
    changes
}

#[test]
fn a_member_gets_a_password_that_cam_accepted_and_that_is_kept_nowhere() {
    let world = with_sub_users("", "");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    assert_eq!(browser.me()["can_set_password"], true);
    let answer = browser.act("POST", "password", None);
    assert_eq!(answer.status, 200, "{:#}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let password = answer.body["password"].as_str().unwrap().to_owned();
    assert_eq!(answer.body["username"], "m1");
    assert_eq!(
        answer.body["sign_in_url"],
        "https://cloud.tencent.com/login/subAccount"
    );
    assert_eq!(
        answer.body["account"],
        world.read(&["status"])["target"]["owner_uin"]
    );
    let user = world.cam.user("m1").unwrap();
    assert!(user.takes(&password) && user.need_reset_password);
    assert_eq!(password.chars().count(), 32);
    let classes: [fn(&char) -> bool; 4] = [
        char::is_ascii_uppercase,
        char::is_ascii_lowercase,
        char::is_ascii_digit,
        char::is_ascii_punctuation,
    ];
    assert!(
        classes
            .iter()
            .all(|class| password.chars().any(|c| class(&c)))
    );
    // A change like any other, by whom, and without the password.
    let change = &resets(&world)[0];
    assert_eq!(
        (&change["status"], &change["attempts"]),
        (&json!("applied"), &json!(1))
    );
    assert_eq!(change["reason_details"]["actor"], "member:acme/m1");
    assert_eq!(
        (&change["before"], &change["after"]),
        (&Value::Null, &Value::Null)
    );
    let audit = world.read(&["audit"]);
    let rows = audit["audit"].as_array().unwrap();
    for action in ["member.reset_password", "change.reset_password"] {
        let row = rows.iter().find(|r| r["action"] == action);
        assert_eq!(row.unwrap()["actor"], "member:acme/m1", "{action}");
    }
    // Another one is another one.
    let second = browser.act("POST", "password", None);
    let second = second.body["password"].as_str().unwrap().to_owned();
    assert_ne!(second, password);
    let user = world.cam.user("m1").unwrap();
    assert!(user.takes(&second) && !user.takes(&password));
    world.sync();
    assert!(
        world.cam.user("m1").unwrap().takes(&second),
        "nothing repairs it away"
    );
    for password in [&password, &second] {
        assert_nowhere(&world, password);
        let metrics = served.ask("GET", "/metrics", "").body;
        assert!(!metrics.to_string().contains(password.as_str()));
    }
    drop(served);
    assert_nowhere(&world, &second);
    assert_sound(&world);
}

#[test]
fn an_administrator_resets_a_password_with_and_without_a_daemon() {
    let world = with_sub_users("", "");
    let shown = world.read(&["members", "reset-password", "m1"]);
    let password = shown["password"].as_str().unwrap();
    assert!(world.cam.user("m1").unwrap().takes(password));
    assert_eq!(shown["member"], "m1");
    let served = serving(&world);
    for who in ["vic", "ann"] {
        let refused = served.ask("POST", "/api/v1/members/m2/reset-password", who);
        assert_eq!(refused.status, 403);
    }
    let by_api = served.post("/api/v1/members/m2/reset-password", "admin");
    assert!(
        world
            .cam
            .user("m2")
            .unwrap()
            .takes(by_api["password"].as_str().unwrap())
    );
    let drawn = world.run(&["--lang", "zh", "members", "reset-password", "m3"]);
    let drawn = text(&drawn.stdout);
    let word = drawn
        .lines()
        .find_map(|line| line.trim().strip_prefix("密码"));
    assert!(
        world.cam.user("m3").unwrap().takes(word.unwrap().trim()),
        "{drawn}"
    );
    assert_nowhere(&world, by_api["password"].as_str().unwrap());
    let actors: Vec<Value> = resets(&world)
        .iter()
        .map(|c| c["reason_details"]["actor"].clone())
        .collect();
    assert_eq!(
        actors,
        [json!("cli:tester"), json!("api:admin"), json!("cli:tester")]
    );
    assert!(
        world
            .refuses(&["members", "reset-password", "nobody"])
            .contains("nobody")
    );
    assert_sound(&world);
}

#[test]
fn who_is_suspended_gets_no_password_in_an_old_session_either() {
    let world = with_sub_users("", "");
    let served = serving(&world);
    let (one, two) = (
        Browser::of(&world, &served, "m1"),
        Browser::of(&world, &served, "m2"),
    );
    assert_eq!(one.act("POST", "password", None).status, 200);
    world.does(&["members", "suspend", "m1"]);
    world.wecom.set_status("m2", Status::Disabled);
    world.sync();
    for (browser, username) in [(&one, "m1"), (&two, "m2")] {
        let refused = browser.act("POST", "password", None);
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (403, &json!("suspended"))
        );
        refused.detail();
        let user = world.cam.user(username).unwrap();
        assert!(!user.console_login, "{username}");
        assert_eq!(browser.me()["cannot_set_password"], "suspended");
        let said = world.refuses(&["members", "reset-password", username]);
        assert!(said.contains("suspended"), "{said}");
    }
    assert_eq!(
        resets(&world).len(),
        1,
        "nothing was recorded, nothing sent"
    );
    // Sign-in that somebody else switched off is not switched on by a password.
    world.cam.set_sign_in("m3", false).unwrap();
    let said = world.refuses(&["members", "reset-password", "m3"]);
    assert!(said.contains("switched off"), "{said}");
    assert!(!world.signs_in("m3"));
}

#[test]
fn a_sub_user_that_was_adopted_needs_an_administrator() {
    let world = world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        rules: "[[admit]]\nadopt = \"wecom\"\n".into(),
        extra: CONSOLE.into(),
        ..Tuning::default()
    });
    world.cam.add_wecom_user("old-name", "m1");
    world.join(1..=2);
    world.sync();
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    assert_eq!(browser.me()["sub_user"]["username"], "old-name");
    let refused = browser.act("POST", "password", None);
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (403, &json!("adopted"))
    );
    assert!(resets(&world).is_empty());
    let shown = world.read(&["members", "reset-password", "m1"]);
    assert!(
        world
            .cam
            .user("old-name")
            .unwrap()
            .takes(shown["password"].as_str().unwrap())
    );
}

#[test]
fn there_are_no_passwords_with_sso_nor_while_frozen_nor_for_what_is_released() {
    let world = with_sub_users("sign_in = \"sso\"", "");
    let said = world.refuses(&["members", "reset-password", "m1"]);
    assert!(said.contains("SSO"), "{said}");
    let served = serving(&world);
    let refused = Browser::of(&world, &served, "m1").act("POST", "password", None);
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (409, &json!("sso"))
    );
    drop(served);
    let world = with_sub_users("", "");
    world.does(&["freeze"]);
    assert!(
        world
            .refuses(&["members", "reset-password", "m1"])
            .contains("frozen")
    );
    world.does(&["thaw"]);
    world.does(&["members", "release", "m1"]);
    assert!(
        world
            .refuses(&["members", "reset-password", "m1"])
            .contains("no sub-user")
    );
    assert!(resets(&world).is_empty());
}

#[test]
fn after_a_lost_answer_the_same_password_is_sent_again_and_only_then_shown() {
    for lost in [
        cam::Fault::AnswerLost,
        cam::Fault::EffectLost,
        cam::Fault::InternalErrorAfter,
    ] {
        let world = with_sub_users("", "");
        let fault = When::action("UpdateUser").key("m1").times(2);
        let fault = world.cam.inject(fault, lost.clone());
        let shown = world.read(&["members", "reset-password", "m1"]);
        assert_eq!(world.cam.fault_hits(fault), 2, "{lost:?}");
        assert!(
            world
                .cam
                .user("m1")
                .unwrap()
                .takes(shown["password"].as_str().unwrap()),
            "{lost:?}"
        );
        let change = &resets(&world)[0];
        assert_eq!(
            (&change["status"], &change["attempts"]),
            (&json!("applied"), &json!(3))
        );
        assert_nowhere(&world, shown["password"].as_str().unwrap());
        assert_sound(&world);
    }
}

#[test]
fn what_cam_does_not_accept_is_not_shown_and_not_sent_later() {
    let world = with_sub_users("", "");
    let rules = cam::Fault::Code("InvalidParameter.PasswordViolatedRules".into());
    let fault = world.cam.inject(When::action("UpdateUser"), rules);
    let output = world.run(&["members", "reset-password", "m1", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(
        said.contains("PasswordViolatedRules") && !said.contains("\"password\""),
        "{said}"
    );
    assert_eq!(resets(&world)[0]["status"], "failed");
    let id = resets(&world)[0]["id"].to_string();
    let said = world.refuses(&["changes", "retry", &id]);
    assert!(said.contains("reset-password m1"), "{said}");
    world.cam.revoke_fault(fault);
    let before = world.cam.user("m1").unwrap().passwords_set;
    world.sync();
    assert_eq!(world.cam.user("m1").unwrap().passwords_set, before);
    assert_eq!(
        resets(&world)[0]["status"],
        "superseded",
        "a plan does not call for it"
    );
    // The key is refused: nobody waits for it, so nothing is left to be sent.
    let refused = cam::Fault::Code("AuthFailure.SecretIdNotFound".into());
    world.cam.inject(When::action("UpdateUser"), refused);
    assert!(
        !world
            .run(&["members", "reset-password", "m2"])
            .status
            .success()
    );
    assert_eq!(resets(&world)[0]["status"], "cancelled");
    world.cam.clear_faults();
    world.sync();
    assert_eq!(world.cam.user("m2").unwrap().passwords_set, 1);
    assert_sound(&world);
}

#[test]
fn a_crash_in_the_middle_sets_no_second_password() {
    let world = with_sub_users("", "");
    let slow = cam::Fault::SlowAnswer(Duration::from_secs(30));
    world.cam.inject(When::action("UpdateUser").key("m1"), slow);
    let cut = Process::start(&world, &["members", "reset-password", "m1"]);
    until("it is sent", || {
        world.cam.user("m1").unwrap().passwords_set == 2
    });
    cut.kill();
    world.cam.clear_faults();
    world.sync();
    assert_eq!(world.cam.user("m1").unwrap().passwords_set, 2);
    let change = resets(&world).remove(0);
    assert_eq!(change["last_error"]["code"], "password_lost");
    assert!(["failed", "superseded"].contains(&change["status"].as_str().unwrap()));
    let shown = world.read(&["members", "reset-password", "m1"]);
    assert!(
        world
            .cam
            .user("m1")
            .unwrap()
            .takes(shown["password"].as_str().unwrap())
    );
    world.sync();
    assert_sound(&world);
}

#[test]
fn passwords_are_not_asked_for_without_end() {
    let world = with_sub_users("", "");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let statuses: Vec<u16> = (0..7)
        .map(|_| browser.act("POST", "password", None).status)
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    let again = Browser::of(&world, &served, "m1").act("POST", "password", None);
    assert_eq!(again.status, 429, "another session of the same member");
    assert_eq!(
        Browser::of(&world, &served, "m2")
            .act("POST", "password", None)
            .status,
        200
    );
    assert_eq!(world.cam.user("m1").unwrap().passwords_set, 6);
}
