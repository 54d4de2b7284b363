//! The portal and applications: members sign in with WeCom, apply, and are let in by a person or a rule.

use camsync_simulators::wecom::{Page, Status, Who};
use camsync_simulators::{When, cam};
use serde_json::{Value, json};

use crate::http::{CONSOLE, serving};
use crate::portal_browser::{Browser, DESKTOP, IN_APP};
use crate::tools::{Process, Tuning, assert_nothing_twice, assert_sound, configure, until, world};
use crate::world::World;

const APPLY: &str = r#"
[[admit]]
when = "member.position == 'guest'"
enroll = "exclude"
[[admit]]
when = "member.position == 'boss'"
[[admit]]
enroll = "apply"
approve_when = "member.position == 'SRE'"
remark = "{{ member.name }}"
"#;

fn tuning(extra: &str) -> Tuning {
    Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        rules: APPLY.into(),
        extra: format!("{CONSOLE}\n{extra}"),
        ..Tuning::default()
    }
}

/// Six members whom a rule asks for an application; nobody has a sub-user.
pub fn asking(extra: &str) -> World {
    let world = world(&tuning(extra));
    world.join(1..=6);
    world.sync();
    assert!(world.cam.user("m1").is_none());
    world
}

/// The moment, as the ledger writes it.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn position(world: &World, id: &str, position: &str) {
    world.wecom.with(|enterprise| {
        enterprise.change(id, |member| member.position = position.into());
    });
}

fn application(world: &World, id: i64) -> Value {
    let list = world.read(&["applications", "list"]);
    let rows = list["applications"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["id"] == id).unwrap()
}

fn audited(world: &World, action: &str) -> Vec<String> {
    let audit = world.read(&["audit", "--limit", "0"]);
    let rows = audit["audit"].as_array().unwrap().iter();
    rows.filter(|row| row["action"] == action)
        .map(|row| row["actor"].as_str().unwrap().to_owned())
        .collect()
}

fn made(world: &World, username: &str) {
    until("the sub-user is made", || {
        world.cam.user(username).is_some()
    });
}

#[test]
fn members_sign_in_by_the_qr_page_or_inside_the_app() {
    let world = asking("");
    let served = serving(&world);
    for (agent, wanted) in [(DESKTOP, Page::Qr), (IN_APP, Page::InApp)] {
        let browser = Browser::new(&world, &served, agent);
        let out = browser.get("/portal/api/me");
        assert_eq!(out.status, 401);
        assert_eq!(out.header("www-authenticate"), "");
        out.detail();
        let (page, back) = browser.go_through(Who::Member("m1".into()));
        assert_eq!(page, wanted);
        assert_eq!((back.status, back.header("location")), (303, "/portal"));
        for (name, seconds) in [("camsync-sign-in", 0), ("camsync-portal", 8 * 3600)] {
            let attributes = browser.attributes.borrow()[name].clone();
            for wanted in ["HttpOnly", "SameSite=Lax", "Path=/portal"] {
                assert!(attributes.contains(wanted), "{name}: {attributes}");
            }
            assert!(!attributes.contains("Secure"), "not behind https");
            assert!(
                attributes.contains(&format!("Max-Age={seconds}")),
                "{attributes}"
            );
        }
        let me = browser.me();
        for (field, value) in [
            ("source", json!("acme")),
            ("member", json!("m1")),
            ("name", json!("成员1")),
            ("sub_user", Value::Null),
            ("application", Value::Null),
            ("can_apply", json!(true)),
        ] {
            assert_eq!(me[field], value, "{field}");
        }
        assert!(me["csrf"].as_str().unwrap().len() > 20);
    }
    assert_eq!(audited(&world, "portal.sign_in"), ["member:acme/m1"; 2]);
    // Another's id is spelt as the provider likes it.
    assert_eq!(Browser::of(&world, &served, "M2").me()["member"], "m2");
}

#[test]
fn behind_https_the_cookies_are_for_this_host_and_encrypted_pages_alone() {
    let world = world(&Tuning {
        daemon: "public_url = \"https://camsync.example.com/access/\"".into(),
        ..tuning("")
    });
    world.join(1..=1);
    let served = serving(&world);
    let browser = Browser::new(&world, &served, DESKTOP);
    let there = browser.begin();
    let attributes = browser.attributes.borrow()["__Host-camsync-sign-in"].clone();
    for wanted in [
        "HttpOnly",
        "SameSite=Lax",
        "Path=/;",
        "Secure",
        "Max-Age=600",
    ] {
        assert!(attributes.contains(wanted), "{attributes}");
    }
    world
        .wecom
        .configure(|o| o.trusted_domain = Some("camsync.example.com".into()));
    let who = Some(Who::Member("m1".into()));
    let (_, back) = world.wecom.sign_in(&there, who).unwrap();
    let path = back
        .strip_prefix("https://camsync.example.com/access")
        .unwrap();
    until("the member is in the snapshot", || {
        world.read(&["status"])["sources"][0]["members"] == 1
    });
    let came = browser.get(path);
    assert_eq!(
        (came.status, came.header("location")),
        (303, "/access/portal")
    );
    assert!(
        browser
            .cookies
            .borrow()
            .contains_key("__Host-camsync-portal")
    );
    assert_eq!(browser.me()["member"], "m1");
    let page = browser.get("/portal").body;
    assert!(
        page.as_str()
            .unwrap()
            .contains("href=\"/access/portal/acme/sign-in\"")
    );
}

#[test]
fn an_application_is_approved_by_a_command_and_the_sub_user_made_at_once() {
    let world = asking("");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let id = browser.apply("  值班用\u{1b}[31m ");
    let me = browser.me();
    assert_eq!(me["application"]["status"], "pending");
    assert_eq!(
        (&me["can_apply"], &me["cannot_apply"]),
        (&json!(false), &json!("open-application"))
    );
    assert_eq!(world.read(&["status"])["applications"]["pending"], 1);
    let row = application(&world, id);
    assert_eq!(row["reason"], "值班用[31m");
    assert_eq!(row["member"], "m1");
    assert!(
        world.cam.user("m1").is_none(),
        "nothing before the decision"
    );
    let again = browser.act("POST", "application", None);
    assert_eq!(
        (again.status, &again.body["code"]),
        (409, &json!("open-application"))
    );

    let approved = world.read(&["applications", "approve", &id.to_string()]);
    assert_eq!(approved["application"]["status"], "approved");
    assert_eq!(approved["application"]["decided_by"], "cli:tester");
    assert!(world.signs_in("m1"), "made before the command ends");
    let me = browser.me();
    assert_eq!(me["sub_user"]["username"], "m1");
    assert_eq!(me["sub_user"]["suspended"], false);
    assert_eq!(me["application"]["status"], "approved");
    assert_eq!(me["cannot_apply"], "has-sub-user");
    assert_eq!(
        me["sign_in_url"],
        "https://cloud.tencent.com/login/subAccount"
    );
    assert!(me["account"].is_string());
    // A double click on approve, and somebody who clicks late.
    let twice = served.post(&format!("/api/v1/applications/{id}/approve"), "ann");
    assert_eq!(twice["application"]["decided_by"], "cli:tester");
    let late = served.ask("POST", &format!("/api/v1/applications/{id}/deny"), "ben");
    assert_eq!(late.status, 409);
    assert!(late.detail().contains("cli:tester"), "{}", late.detail());
    assert_eq!(audited(&world, "application.made"), ["member:acme/m1"]);
    assert_eq!(audited(&world, "application.approved"), ["cli:tester"]);
    assert_eq!(
        served
            .ask("POST", "/api/v1/applications/99/approve", "ann")
            .status,
        404
    );
    assert_nothing_twice(&world);
    assert_sound(&world);
}

#[test]
fn what_is_denied_is_told_with_the_reason_and_may_be_asked_again() {
    let world = asking("");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let id = browser.apply("");
    let path = format!("/api/v1/applications/{id}");
    assert_eq!(
        served.ask("POST", &format!("{path}/approve"), "vic").status,
        403
    );
    let denied = served.post(&format!("{path}/deny?reason=ask%20your%20lead"), "ann");
    assert_eq!(denied["application"]["status"], "denied");
    assert_eq!(denied["application"]["note"], "ask your lead");
    let again = served.post(&format!("{path}/deny"), "ann");
    assert_eq!(
        again["application"]["note"], "ask your lead",
        "decided once"
    );
    assert!(
        world
            .refuses(&["applications", "approve", &id.to_string()])
            .contains("api:ann")
    );
    let me = browser.me();
    assert_eq!(
        (&me["application"]["status"], &me["application"]["note"]),
        (&json!("denied"), &json!("ask your lead"))
    );
    assert!(world.cam.user("m1").is_none());
    let second = browser.apply("please");
    assert_ne!(second, id);
    served.post(&format!("/api/v1/applications/{second}/approve"), "ben");
    assert!(world.signs_in("m1"));
    let list = served.get("/api/v1/applications?status=denied");
    assert_eq!(list["applications"].as_array().unwrap().len(), 1);
    assert_eq!(
        served
            .ask("GET", "/api/v1/applications?status=open", "vic")
            .status,
        400
    );
}

#[test]
fn of_two_who_decide_at_once_one_decides_and_the_other_is_told_who_did() {
    let world = asking("");
    let served = serving(&world);
    for member in 1..=4 {
        let id = Browser::of(&world, &served, &format!("m{member}")).apply("");
        let decide = |how: &str, who: &str| {
            let url = served.url(&format!("/api/v1/applications/{id}/{how}"));
            let token = crate::http::token(who);
            async move {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let answer = client.post(url).bearer_auth(token).send().await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            }
        };
        let (ann, ben) = world.block_on(async {
            futures_util::future::join(decide("approve", "ann"), decide("deny", "ben")).await
        });
        let (won, lost, winner) = if ann.0 == 200 {
            (ann, ben, "api:ann")
        } else {
            (ben, ann, "api:ben")
        };
        assert_eq!((won.0, lost.0), (200, 409), "{won:?} {lost:?}");
        assert!(lost.1.contains(winner), "{}", lost.1);
        let username = format!("m{member}");
        assert_eq!(world.cam.user(&username).is_some(), winner == "api:ann");
    }
    assert_nothing_twice(&world);
    assert_sound(&world);
}

#[test]
fn a_rule_approves_by_itself_whom_it_names() {
    let world = asking("");
    position(&world, "m1", "SRE");
    position(&world, "m3", "boss");
    position(&world, "m4", "guest");
    world.sync();
    assert!(
        world.cam.user("m3").is_some(),
        "imported without an application"
    );
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    browser.apply("on call");
    made(&world, "m1");
    until("the page shows it", || {
        browser.me()["sub_user"]["username"] == "m1"
    });
    let me = browser.me();
    assert_eq!(me["application"]["status"], "approved");
    let file = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    let asks = file.lines().position(|line| line == "enroll = \"apply\"");
    // The rule's own line is the one above.
    let rule = format!("rule:{}", asks.unwrap());
    assert_eq!(me["application"]["decided_by"], rule);
    assert_eq!(audited(&world, "application.approved"), [rule]);
    // Whom it does not name waits for a person; whom no rule asks cannot apply.
    Browser::of(&world, &served, "m2").apply("");
    assert_eq!(served.get("/api/v1/status")["applications"]["pending"], 1);
    for (member, status, code) in [("m3", 409, "has-sub-user"), ("m4", 403, "not-offered")] {
        let refused = Browser::of(&world, &served, member).act("POST", "application", None);
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code))
        );
        refused.detail();
    }
}

#[test]
fn what_a_rule_comes_to_name_while_it_is_open_is_approved_by_the_next_plan() {
    let world = asking("");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    Browser::of(&world, &served, "m2").apply("");
    world.sync();
    assert_eq!(application(&world, id)["status"], "pending");
    position(&world, "m1", "SRE");
    // A plan shows what would be made, and decides nothing.
    let plan = world.read(&["plan"]);
    let changes = plan["changes"].as_array().unwrap();
    let names: Vec<&Value> = changes.iter().map(|c| &c["username"]).collect();
    assert_eq!(names, ["m1"]);
    assert_eq!(application(&world, id)["status"], "pending");
    world.sync();
    assert!(world.signs_in("m1"));
    assert!(world.cam.user("m2").is_none());
    let decided = application(&world, id);
    assert_eq!(decided["status"], "approved");
    let by = decided["decided_by"].as_str().unwrap();
    assert!(by.starts_with("rule:"), "{by}");
    assert_eq!(audited(&world, "application.approved"), [by]);
}

#[test]
fn what_a_person_denies_while_a_rule_is_about_to_approve_it_stays_denied() {
    let world = asking("[[grant]]\ngroups = [\"staff\"]\n");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    position(&world, "m1", "SRE");
    // The plan that the rule approves it in is being made: rules have been asked, and what they call for is read.
    let reading = world.cam.inject(
        When::action("ListGroups").once(),
        cam::Fault::Delay(std::time::Duration::from_secs(2)),
    );
    let mut pass = Process::start(&world, &["sync", "--json"]);
    until("CAM is being read", || world.cam.fault_hits(reading) > 0);
    world.does(&["applications", "deny", &id.to_string()]);
    assert!(pass.wait().success(), "{}", pass.stderr());
    assert_eq!(application(&world, id)["status"], "denied");
    assert!(world.cam.user("m1").is_none());
    assert!(audited(&world, "application.approved").is_empty());
}

#[test]
fn an_application_is_withdrawn_by_the_member() {
    let world = asking("");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    assert_eq!(browser.act("DELETE", "application", None).status, 409);
    let id = browser.apply("");
    let gone = browser.act("DELETE", "application", None);
    assert_eq!(
        (gone.status, &gone.body["application"]["ended"]),
        (200, &json!("member"))
    );
    let late = served.ask("POST", &format!("/api/v1/applications/{id}/approve"), "ann");
    assert_eq!(late.status, 409);
    assert!(late.detail().contains("took it back"), "{}", late.detail());
    assert_eq!(application(&world, id)["status"], "withdrawn");
    assert_eq!(audited(&world, "application.withdrawn"), ["member:acme/m1"]);
    assert_ne!(browser.apply(""), id, "and made again");
}

#[test]
fn an_application_that_nobody_answers_expires() {
    let world = asking("[applications]\nexpire_after = \"1s\"\n");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    until("it has expired", || {
        world.sync();
        application(&world, id)["status"] == "withdrawn"
    });
    assert_eq!(application(&world, id)["ended"], "expired");
    assert_eq!(audited(&world, "application.withdrawn"), ["camsync"]);
    let late = world.refuses(&["applications", "approve", &id.to_string()]);
    assert!(late.contains("in time"), "{late}");
    assert!(world.cam.user("m1").is_none());
}

#[test]
fn who_leaves_before_the_approval_is_not_let_in() {
    let world = asking("");
    let served = serving(&world);
    let by_crawl = Browser::of(&world, &served, "m1");
    let first = by_crawl.apply("");
    let second = Browser::of(&world, &served, "m2").apply("");
    let third = Browser::of(&world, &served, "m3").apply("");
    world.leave(1..=1);
    world.wecom.set_status("m3", Status::Disabled);
    world.sync();
    assert_eq!(application(&world, first)["ended"], "left");
    assert_eq!(application(&world, third)["ended"], "left");
    assert_eq!(application(&world, second)["status"], "pending");
    assert!(
        world
            .refuses(&["applications", "approve", &first.to_string()])
            .contains("withdrawn")
    );
    assert_eq!(
        by_crawl.get("/portal/api/me").status,
        401,
        "the session ends with the membership"
    );
    // No crawl has seen it yet: the approval looks itself.
    world.leave(2..=2);
    let late = served.ask(
        "POST",
        &format!("/api/v1/applications/{second}/approve"),
        "ann",
    );
    assert_eq!(late.status, 409, "{:#}", late.body);
    assert!(late.detail().contains("m2"), "{}", late.detail());
    assert_eq!(application(&world, second)["ended"], "left");
    world.sync();
    for member in ["m1", "m2", "m3"] {
        assert!(world.cam.user(member).is_none(), "{member}");
    }
    // Somebody new under an old id asks anew.
    world.join(1..=1);
    world.sync();
    assert!(world.cam.user("m1").is_none());
    assert_eq!(Browser::of(&world, &served, "m1").me()["can_apply"], true);
}

#[test]
fn an_approval_lasts_no_longer_than_the_sub_user() {
    let world = asking("");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    served.post(&format!("/api/v1/applications/{id}/approve"), "ann");
    assert!(world.signs_in("m1"));
    world.leave(1..=1);
    world.sync();
    assert!(!world.signs_in("m1"));
    until("the grace is over", || {
        world.sync();
        world.cam.user("m1").is_none()
    });
    world.sync();
    assert_eq!(application(&world, id)["ended"], "left");
    assert_eq!(application(&world, id)["decided_by"], "api:ann");
    world.join(1..=1);
    world.sync();
    assert!(
        world.cam.user("m1").is_none(),
        "somebody else, perhaps, under that id"
    );
}

#[test]
fn a_rule_that_asks_nobody_any_more_ends_what_is_open() {
    let world = asking("");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    let imports = APPLY.replace("enroll = \"apply\"", "enroll = \"import\"");
    drop(served);
    configure(
        &world,
        &Tuning {
            rules: imports.replace("approve_when", "# approve_when"),
            ..tuning("")
        },
    );
    world.sync();
    assert!(world.signs_in("m1"));
    assert_eq!(application(&world, id)["ended"], "not_asked");
}

#[test]
fn nobody_gets_in_who_did_not_sign_in_here() {
    let world = asking("");
    world.wecom.add_department(7, "外部", 1);
    let served = serving(&world);
    let browser = || Browser::new(&world, &served, DESKTOP);
    let refused = |browser: &Browser<'_>, path: &str, status: u16, code: &str| {
        let answer = browser.get(path);
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(code)),
            "{path}"
        );
        answer.detail();
        assert_eq!(browser.get("/portal/api/me").status, 401);
    };
    let who = || Some(Who::Member("m1".into()));
    // Another browser's sign-in, a state of one's own, none at all, another source, an old one.
    let (one, other) = (browser(), browser());
    let (_, back) = world.wecom.sign_in(&one.begin(), who()).unwrap();
    let back = one.path_of(&back);
    refused(&other, &back, 400, "state");
    other.begin();
    refused(&other, &back, 400, "state");
    let state = back.split("state=").nth(1).unwrap().to_owned();
    assert!(
        state.len() <= 128 && state.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{state}"
    );
    refused(&one, &back.replace(&state, "forged"), 400, "state");
    refused(&one, back.split('&').next().unwrap(), 400, "state");
    refused(
        &one,
        &back.replace("/acme/", "/other/"),
        404,
        "no-such-source",
    );
    refused(&one, "/portal/other/sign-in", 404, "no-such-source");
    // The right one works, and once.
    assert_eq!(one.get(&back).status, 303);
    refused(&browser(), &back, 400, "state");
    // The provider's word: declined, a used code, an outsider, a member who is out of sight.
    let third = browser();
    let (_, declined) = world.wecom.sign_in(&third.begin(), None).unwrap();
    refused(&third, &third.path_of(&declined), 403, "declined");
    let fourth = browser();
    let (_, fresh) = world.wecom.sign_in(&fourth.begin(), who()).unwrap();
    let used = fourth
        .path_of(&fresh)
        .replace("code=code-", "code=nonsense-");
    refused(&fourth, &used, 403, "code");
    for (who, code) in [
        (Who::Outsider("oX1".into()), "stranger"),
        (Who::Member("nobody".into()), "not-in-snapshot"),
    ] {
        let fifth = browser();
        let (_, answer) = fifth.go_through(who);
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!(code)));
        assert_eq!(fifth.get("/portal/api/me").status, 401);
    }
    // What a query says sends nobody anywhere.
    let (_, back) = world.wecom.sign_in(&one.begin(), who()).unwrap();
    let back = format!(
        "{}&redirect=https://evil.example&next=//evil.example",
        one.path_of(&back)
    );
    assert_eq!(one.get(&back).header("location"), "/portal");
    // A person sees a page, not JSON.
    let page = browser().ask("GET", "/portal/acme/callback?code=x&state=y", |r| {
        r.header("accept", "text/html,*/*")
            .header("accept-language", "zh-CN,zh;q=0.9")
    });
    assert_eq!(page.status, 400);
    let html = page.body.as_str().unwrap();
    assert!(
        html.contains("data-error=\"state\"") && html.contains("lang=\"zh\""),
        "{html}"
    );
}

#[test]
fn what_changes_something_needs_the_token_of_the_session() {
    let world = asking("");
    let served = serving(&world);
    let (browser, other) = (
        Browser::of(&world, &served, "m1"),
        Browser::of(&world, &served, "m2"),
    );
    let foreign = other.me()["csrf"].as_str().unwrap().to_owned();
    for (method, path) in [
        ("POST", "application"),
        ("DELETE", "application"),
        ("POST", "password"),
        ("POST", "sign-out"),
    ] {
        for token in ["", &foreign] {
            let refused = browser.ask(method, &format!("/portal/api/{path}"), |r| {
                if token.is_empty() {
                    r
                } else {
                    r.header("x-csrf-token", token)
                }
            });
            assert_eq!(
                (refused.status, &refused.body["code"]),
                (403, &json!("csrf")),
                "{method} {path}"
            );
        }
        let nobody = Browser::new(&world, &served, DESKTOP);
        let nobody = nobody.ask(method, &format!("/portal/api/{path}"), |r| {
            r.header("x-csrf-token", &foreign)
        });
        assert_eq!(nobody.status, 401, "{method} {path}");
    }
    assert_eq!(
        world.read(&["applications", "list"])["applications"],
        json!([])
    );
    // Bodies that are too large, or none of this kind.
    let large = browser.act(
        "POST",
        "application",
        Some(json!({ "reason": "x".repeat(70_000) })),
    );
    assert_eq!(large.status, 413);
    for wrong in [
        json!({ "reason": 7 }),
        json!([1]),
        json!({ "reason": "x".repeat(1001) }),
    ] {
        assert_eq!(
            browser
                .act("POST", "application", Some(wrong.clone()))
                .status,
            400,
            "{wrong}"
        );
    }
    // Who signs out is out, and so is the token.
    let kept = browser.cookies.borrow().clone();
    assert_eq!(browser.act("POST", "sign-out", None).status, 204);
    assert_eq!(browser.get("/portal/api/me").status, 401);
    *browser.cookies.borrow_mut() = kept;
    assert_eq!(browser.get("/portal/api/me").status, 401);
    assert_eq!(other.me()["member"], "m2", "nobody else is");
}

#[test]
fn the_page_holds_nothing_of_anybody_and_runs_nothing_of_others() {
    let world = asking("");
    let hostile = "<script>alert(1)</script>\"'>\u{202e}";
    world.wecom.rename_member("m1", hostile);
    world.sync();
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let page = browser.get("/portal");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    let html = page.body.as_str().unwrap();
    assert!(html.contains("/portal/acme/sign-in"));
    for inline in [
        "<script>",
        "onclick",
        "onload",
        "style=",
        "javascript:",
        "m1",
        "alert(",
    ] {
        assert!(!html.contains(inline), "{inline}");
    }
    for (path, kind) in [
        ("/portal/style.css", "text/css"),
        ("/portal/script.js", "text/javascript"),
    ] {
        let asset = browser.get(path);
        assert_eq!(asset.status, 200);
        assert!(asset.header("content-type").starts_with(kind));
        let text = asset.body.as_str().unwrap();
        for unsafe_one in [
            "innerHTML",
            "eval(",
            "document.write",
            "http://",
            "https://",
        ] {
            assert!(!text.contains(unsafe_one), "{path}: {unsafe_one}");
        }
    }
    let me = browser.get("/portal/api/me");
    assert_eq!(me.header("content-type"), "application/json");
    assert!(
        me.body["name"].as_str().unwrap().contains("<script>"),
        "as it is; the page puts it in as text"
    );
    assert_eq!(served.ask("GET", "/portal/", "").status, 200);
    assert_eq!(served.ask("POST", "/portal", "").status, 405);
    // An administrator's token is no member's session, and the other way round.
    assert_eq!(served.ask("GET", "/portal/api/me", "admin").status, 401);
    assert_eq!(browser.get("/api/v1/status").status, 401);
}

#[test]
fn whoever_asks_too_often_waits() {
    let world = asking("");
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(browser.act("POST", "application", None).status);
        browser.act("DELETE", "application", None);
    }
    assert_eq!(
        statuses.iter().filter(|s| **s == 201).count(),
        10,
        "{statuses:?}"
    );
    assert_eq!(statuses[10..], [429, 429]);
    let waits = browser.act("POST", "application", None);
    assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
    let other = Browser::of(&world, &served, "m2");
    assert_eq!(
        other.act("POST", "application", None).status,
        201,
        "each has an own allowance"
    );
}

#[test]
fn an_application_is_notified_once_and_so_is_its_decision() {
    let world = asking("[[notify]]\nkind = \"wecom-robot\"\nurl = { env = \"NOT_SET\" }\n");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    let told = || {
        let ledger = world.ledger();
        let mut found = ledger
            .prepare("SELECT cause, over_at IS NOT NULL FROM notifications")
            .unwrap();
        let rows = found
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.collect::<Result<Vec<(String, bool)>, _>>().unwrap()
    };
    until("it is to be told", || {
        told() == [(format!("application:{id}"), false)]
    });
    served.post(&format!("/api/v1/applications/{id}/deny"), "ann");
    // What is over before it could be told is not told any more.
    until("nothing is left to tell", || told().is_empty());
}

#[test]
fn explain_and_the_lists_say_how_it_stands() {
    let world = asking("");
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("for <b>work</b>");
    let told = world.read(&["members", "explain", "m1"])["member"]["answer"].to_string();
    assert!(
        told.contains(&format!("applications approve {id}")),
        "{told}"
    );
    for (arguments, wanted) in [
        (vec!["applications", "list"], "for <b>work</b>"),
        (vec!["--lang", "zh", "applications", "list"], "待执行"),
        (vec!["status"], "applications list --status pending"),
        (vec!["--lang", "zh", "status"], "待处理的申请"),
        (vec!["--lang", "zh", "members", "explain", "m1"], "待处理"),
    ] {
        let output = world.run(&arguments);
        let text = crate::world::text(&output.stdout);
        assert!(text.contains(wanted), "{arguments:?}: {text}");
    }
    let list = served.get("/api/v1/applications");
    assert_eq!(list, world.read(&["applications", "list"]));
}

#[test]
fn who_is_approved_and_yet_gets_no_sub_user_is_told_that_it_is_held_up() {
    let world = asking("");
    world
        .cam
        .add_user("m1", camsync_simulators::cam::UserKind::SubUser);
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let id = browser.apply("");
    served.post(&format!("/api/v1/applications/{id}/approve"), "ann");
    let me = browser.me();
    assert_eq!(me["sub_user"], Value::Null, "the name is another's");
    assert_eq!(
        (&me["application"]["status"], &me["cannot_apply"]),
        (&json!("approved"), &json!("approved"))
    );
    assert_eq!(
        (&me["being_made"], &me["held_up"]),
        (&json!(true), &json!(true))
    );
    assert_nothing_twice(&world);
}

#[test]
fn a_member_of_two_sources_is_two_members() {
    let world = asking("");
    let text = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    let from = text.find("[[source]]").unwrap();
    let to = text.find("[[admit]]").unwrap();
    let second = text[from..to].replace("name = \"acme\"", "name = \"beta\"");
    world.edit(|text| format!("{text}\n{second}"));
    world.sync();
    let served = serving(&world);
    let browser = Browser::new(&world, &served, DESKTOP);
    let page = browser.get("/portal").body;
    for source in ["acme", "beta"] {
        let link = format!("/portal/{source}/sign-in");
        assert!(page.as_str().unwrap().contains(&link), "{link}");
    }
    let at_acme = Browser::of(&world, &served, "m1");
    at_acme.apply("");
    let sent = browser.get("/portal/beta/sign-in");
    let who = Some(Who::Member("m1".into()));
    let (_, back) = world.wecom.sign_in(sent.header("location"), who).unwrap();
    let back = browser.path_of(&back);
    assert_eq!(
        browser.get(&back.replace("/beta/", "/acme/")).status,
        400,
        "another source"
    );
    assert_eq!(browser.get(&back).status, 303);
    let me = browser.me();
    assert_eq!(
        (&me["source"], &me["application"]),
        (&json!("beta"), &Value::Null)
    );
    assert_eq!(browser.act("DELETE", "application", None).status, 409);
    assert_eq!(at_acme.me()["application"]["status"], "pending");
}
