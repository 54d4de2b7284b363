//! The other exports: describe, check, look-up and sign-in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use camsync_connector_sdk::Connector;
use camsync_connector_sdk::types::{
    CheckReport, Failure, HttpFailure, Language, MemberStatus, Message, Presence, Severity,
    SignInRequest, SignedIn,
};
use camsync_connector_wecom::{Settings, WeCom};
use common::{Ask, Corp, Fake, Reply, code, member};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn the_description_says_what_the_settings_are() {
    let description = WeCom::describe();
    assert_eq!(
        (description.name.as_str(), &description.hosts[..]),
        ("wecom", &["qyapi.weixin.qq.com".to_owned()][..])
    );
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 9);
    for (name, property) in properties {
        assert!(
            property["title"].is_string() && property["description"].is_string(),
            "{name}"
        );
        let secret = name.contains("secret") || name.contains("token") || name.contains("aes_key");
        assert_eq!(property["x-camsync-secret"] == true, secret, "{name}");
    }
    assert_eq!(properties["api_base"]["x-camsync-endpoint"], true);
}

#[test]
fn settings_that_do_not_fit_are_refused_without_being_repeated() {
    let whole = json!({"corp_id": "ww1", "agent_id": 1, "secret": "hunter2"});
    for (name, value) in [
        ("secret", json!("")),
        ("corp_id", json!(" ")),
        ("agent_id", json!("hunter2")),
        ("secret", json!(["hunter2"])),
        ("hunter2", json!(1)),
        ("api_base", json!("ftp://x")),
        ("api_base", json!("qyapi.weixin.qq.com")),
    ] {
        let mut settings = whole.clone();
        settings[name] = value;
        let failure = Settings::parse(&settings.to_string()).err().unwrap();
        assert!(matches!(failure, Failure::SettingsWrong(_)), "{failure:?}");
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
    assert!(Settings::parse("").is_err() && Settings::parse("[]").is_err());
    assert_eq!(
        Settings::parse(&whole.to_string()).ok().unwrap().api_base,
        "https://qyapi.weixin.qq.com"
    );
}

fn check(fake: &Fake, language: Language) -> CheckReport {
    WeCom::check(fake, &Fake::settings(), language).unwrap()
}

/// The messages of the findings this serious.
fn found(report: &CheckReport, severity: Severity) -> Vec<&str> {
    report
        .findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| finding.message.as_str())
        .collect()
}

#[test]
fn check_tells_whose_range_it_is() {
    let fake = Fake::small();
    let report = check(&fake, Language::En);
    assert!(
        fake.members.borrow().is_empty() && fake.departments.borrow().is_empty(),
        "nothing is handed over"
    );
    assert_eq!(report.enterprise, "ww1");
    assert_eq!(report.range_summary, "departments 1, members 0, tags 0");
    assert_eq!(
        report.range_fingerprint,
        fake.crawl().unwrap().range_fingerprint
    );
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert!(found(&report, Severity::Info)[0].contains("No callback"));
    assert_eq!(
        check(&fake, Language::Zh).range_summary,
        "部门 1，成员 0，标签 0"
    );
}

#[test]
fn check_tells_of_an_app_that_is_off_or_sees_nobody() {
    let fake = Fake::small();
    fake.corp.borrow_mut().closed = true;
    assert!(found(&check(&fake, Language::En), Severity::Error)[0].contains("switched off"));
    let fake = Fake::small();
    fake.corp.borrow_mut().range_departments.clear();
    assert!(found(&check(&fake, Language::Zh), Severity::Error)[0].contains("可见范围为空"));
}

#[test]
fn check_fails_as_a_crawl_would() {
    for (path, errcode) in [
        ("agent/get", 301_002),
        ("department/list", 48009),
        ("user/list", 60020),
        ("gettoken", 40013),
    ] {
        let fake = Fake::small().hook(move |_, ask| (ask.path == path).then(|| code(errcode)));
        let failure = WeCom::check(&fake, &Fake::settings(), Language::En).unwrap_err();
        assert_eq!(failure.code(), Some(errcode.to_string().as_str()));
        assert!(WeCom::explain(&failure, Language::En).is_some());
    }
}

#[test]
fn check_notices_what_is_suspicious() {
    let fake = Fake::small().hook(|_, ask| (ask.path == "tag/list").then(|| code(48002)));
    fake.corp.borrow_mut().members =
        vec![json!({"userid": "a", "name": "A", "department": [1], "status": 1})];
    let report = check(&fake, Language::En);
    assert!(
        found(&report, Severity::Warning)[0].contains("equals the userid"),
        "{report:?}"
    );
    assert!(
        found(&report, Severity::Info)
            .iter()
            .any(|message| message.contains("may not list tags"))
    );
    let mut settings: Value = serde_json::from_str(&Fake::settings()).unwrap();
    settings["contact_sync_secret"] = json!("wrong");
    let report = WeCom::check(&Fake::small(), &settings.to_string(), Language::En).unwrap();
    assert!(
        found(&report, Severity::Warning)[0].contains("contact_sync_secret"),
        "{report:?}"
    );
    settings["contact_sync_secret"] = json!(common::SECRET);
    let report = WeCom::check(&Fake::small(), &settings.to_string(), Language::En).unwrap();
    assert!(
        found(&report, Severity::Warning)[0].contains("the same as secret"),
        "{report:?}"
    );
}

fn look_up(fake: &Fake, ids: &[&str]) -> Result<Vec<Presence>, Failure> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    WeCom::look_up(fake, &Fake::settings(), &ids)
}

#[test]
fn look_up_tells_presence_apart() {
    let fake = Fake::small().hook(|_, ask| match ask.id().as_str() {
        id if id.starts_with("code") => Some(code(id[4..].parse().unwrap())),
        "other" => Some(Reply::Json(member("else", &[]))),
        "empty" => Some(Reply::Json(json!({"errcode": 0, "errmsg": "ok"}))),
        "html" => Some(Reply::Raw(200, b"<html>".to_vec())),
        "odd" => Some(Reply::Json(json!({"userid": "odd", "status": 9}))),
        "left" => Some(Reply::Json(json!({"userid": "left", "status": 5}))),
        _ => None,
    });
    let ids = [
        "ZHANGSAN",
        "code60111",
        "code40003",
        "code46004",
        "code60136",
        "code60011",
        "code60021",
        "code50002",
        "code60030",
        "code-1",
        "code12345",
        "code45033",
        "code40058",
        "other",
        "empty",
        "html",
        "odd",
        "left",
        "",
        "nobody",
    ];
    let found = look_up(&fake, &ids).unwrap();
    let kinds: String = found
        .iter()
        .map(|presence| match presence {
            Presence::Present(_) => 'p',
            Presence::Gone(_) => 'g',
            Presence::OutOfSight(_) => 'o',
            Presence::Unknown(_) => '?',
        })
        .collect();
    assert_eq!(kinds, "pggggoooo????????p?g");
    let Presence::Present(zhangsan) = &found[0] else {
        panic!()
    };
    assert_eq!(
        (zhangsan.id.as_str(), zhangsan.departments.len()),
        ("zhangsan", 1)
    );
    let Presence::Present(left) = &found[17] else {
        panic!()
    };
    assert_eq!(left.status, MemberStatus::Left);
}

#[test]
fn look_up_fails_when_nothing_can_be_settled() {
    for errcode in [60020, 50003, 48009, 45009] {
        let fake =
            Fake::small().hook(move |_, ask| (ask.path == "user/get").then(|| code(errcode)));
        assert_eq!(
            look_up(&fake, &["a", "b"]).unwrap_err().code(),
            Some(errcode.to_string().as_str())
        );
    }
    let fake = Fake::small()
        .hook(|_, ask| (ask.path == "user/get").then_some(Reply::Fail(HttpFailure::Timeout)));
    let ids: Vec<String> = (0..500).map(|id| format!("u{id}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(matches!(look_up(&fake, &ids), Err(Failure::Unavailable(_))));
    assert!(fake.count("user/get") < 100);
    assert!(look_up(&Fake::small(), &[]).unwrap().is_empty());
}

#[test]
fn many_are_looked_up_at_once() {
    let fake = Fake::wide(200);
    let ids: Vec<String> = (2..202).map(|id| format!("user{id}")).collect();
    let found = WeCom::look_up(&fake, &Fake::settings(), &ids).unwrap();
    for (id, presence) in ids.iter().zip(found) {
        assert!(matches!(presence, Presence::Present(member) if member.id == *id));
    }
    assert!(*fake.most_in_flight.borrow() > 8);
}

#[test]
fn sign_in_sends_the_browser_where_wecom_wants_it() {
    let request = |inside_app, language| SignInRequest {
        redirect_uri: "https://c.example:8443/portal/acme/callback?x=1".into(),
        state: "abc123".into(),
        inside_app,
        language,
    };
    let url = |request| WeCom::sign_in_url(&Fake::small(), &Fake::settings(), &request).unwrap();
    assert_eq!(
        url(request(true, Language::Zh)),
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1\
         &redirect_uri=https%3A%2F%2Fc.example%3A8443%2Fportal%2Facme%2Fcallback%3Fx%3D1&response_type=code\
         &scope=snsapi_base&state=abc123&agentid=1000002#wechat_redirect"
    );
    assert_eq!(
        url(request(false, Language::En)),
        "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww1&agentid=1000002\
         &redirect_uri=https%3A%2F%2Fc.example%3A8443%2Fportal%2Facme%2Fcallback%3Fx%3D1&state=abc123&lang=en"
    );
}

#[test]
fn a_code_names_a_member_or_a_stranger() {
    let who = |answer: Value| {
        let fake = Fake::small().hook(move |_, ask: &Ask| {
            (ask.path == "auth/getuserinfo" && ask.query["code"] == "C+/ode")
                .then(|| Reply::Json(answer.clone()))
        });
        WeCom::who_signed_in(&fake, &Fake::settings(), "C+/ode")
    };
    let member = |id: &str| SignedIn::Member(id.to_owned());
    assert_eq!(
        who(json!({"errcode": 0, "userid": "ZhangSan", "user_ticket": "T"})).unwrap(),
        member("ZhangSan")
    );
    assert_eq!(
        who(json!({"errcode": 0, "UserId": "lisi", "DeviceId": ""})).unwrap(),
        member("lisi")
    );
    assert_eq!(
        who(json!({"openid": "oX", "external_userid": "wm"})).unwrap(),
        SignedIn::Stranger
    );
    assert_eq!(who(json!({"OpenId": "oX"})).unwrap(), SignedIn::Stranger);
    assert_eq!(
        who(json!({"userid": "ww2/zhangsan"})).unwrap(),
        SignedIn::Stranger
    );
    assert!(matches!(
        who(json!({"errcode": 0})),
        Err(Failure::Unavailable(_))
    ));
    for errcode in [40029, 42022] {
        assert!(matches!(
            who(json!({"errcode": errcode})),
            Err(Failure::Refused(_))
        ));
    }
    for code in ["", &"x".repeat(513)] {
        let failure = WeCom::who_signed_in(&Fake::small(), &Fake::settings(), code).unwrap_err();
        assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
    }
}

/// Bytes that are JSON more often than chance would have it.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"errcode\"",
        "\"userlist\"",
        "\"department\"",
        "\"userid\"",
        "\"status\"",
        "0",
        "1",
        "-1",
        "1e9",
        "null",
        "true",
        "\"x\"",
        "\"id\"",
        "\"extattr\"",
        "\"attrs\"",
        "99999999999999999999",
    ]);
    let json = prop::collection::vec(words, 0..40).prop_map(|words| words.concat().into_bytes());
    prop_oneof![json, prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_body_makes_anything_panic(body in body(), place in 0usize..7) {
        let paths = ["gettoken", "agent/get", "department/list", "user/list", "tag/list", "tag/get", "user/get"];
        let fake = Fake::small().hook(move |_: &mut Corp, ask: &Ask| {
            (ask.path == paths[place]).then(|| Reply::Raw(200, body.clone()))
        });
        fake.corp.borrow_mut().tags.insert(7, ("t".into(), vec![], vec![]));
        fake.corp.borrow_mut().range_users = vec!["alone".into()];
        let _ = fake.crawl();
        let _ = look_up(&fake, &["zhangsan"]);
        let _ = WeCom::check(&fake, &Fake::settings(), Language::Zh);
        let _ = WeCom::who_signed_in(&fake, &Fake::settings(), "c");
    }
}

/// What an answer to `message/send` leads to.
fn sent(member: &str, text: &str, answer: Value) -> (Result<(), Failure>, Vec<Value>) {
    let bodies = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = bodies.clone();
    let fake = Fake::small().hook(move |_, ask: &Ask| {
        (ask.path == "message/send").then(|| {
            let body = ask.body.as_deref().unwrap_or_default();
            seen.borrow_mut()
                .push(serde_json::from_slice(body).unwrap());
            Reply::Json(answer.clone())
        })
    });
    let message = Message {
        title: "Ready".into(),
        text: text.into(),
        link: Some(("https://c.example/portal".into(), "Open".into())),
    };
    // A contact-sync secret may not send (48002): it is not even asked for a token.
    let mut settings: Value = serde_json::from_str(&Fake::settings()).unwrap();
    settings["contact_sync_secret"] = json!("contact-sync");
    let outcome = WeCom::send_message(&fake, &settings.to_string(), member, &message);
    assert!(fake.count("gettoken") <= 1);
    let bodies = bodies.borrow().clone();
    (outcome, bodies)
}

#[test]
fn a_message_is_a_card_for_one_member() {
    let (outcome, bodies) = sent("LiSi", "a <b>\nc", json!({"errcode": 0, "msgid": "1"}));
    outcome.unwrap();
    assert_eq!(
        bodies,
        [json!({
            "touser": "LiSi", "agentid": 1_000_002, "msgtype": "textcard",
            "enable_duplicate_check": 1, "duplicate_check_interval": 14400,
            "textcard": {"title": "Ready", "description": "a ＜b＞\nc",
                         "url": "https://c.example/portal", "btntxt": "Open"},
        })]
    );
    // What a card would cut off is text.
    let (_, bodies) = sent("lisi", &"长".repeat(171), json!({"errcode": 0}));
    assert_eq!(bodies[0]["msgtype"], "text");
    let text = bodies[0]["text"]["content"].as_str().unwrap();
    assert!(text.starts_with("Ready\n长") && text.ends_with("长\nOpen: https://c.example/portal"));
}

#[test]
fn a_message_that_would_reach_others_is_not_sent() {
    for id in ["@all", "a|b", "", "a b", "a\n", "长", &"x".repeat(65)] {
        let (outcome, bodies) = sent(id, "x", json!({"errcode": 0}));
        assert!(matches!(outcome, Err(Failure::Refused(_))), "{id}");
        assert!(bodies.is_empty(), "{id}");
    }
}

#[test]
fn a_message_that_wecom_does_not_take_is_a_typed_failure() {
    for (answer, kind) in [
        (json!({"errcode": 0, "invaliduser": "lisi"}), "refused"),
        (json!({"errcode": 0, "unlicenseduser": "lisi"}), "refused"),
        (json!({"errcode": 81013}), "not permitted"),
        (json!({"errcode": 60020}), "not permitted"),
        (json!({"errcode": 48002}), "not permitted"),
        (json!({"errcode": 301_002}), "settings"),
        (json!({"errcode": 45009}), "throttled"),
        (json!({"errcode": -1}), "unavailable"),
    ] {
        let failure = sent("lisi", "x", answer.clone()).0.unwrap_err();
        let found = match failure {
            Failure::Refused(_) => "refused",
            Failure::NotPermitted(_) => "not permitted",
            Failure::SettingsWrong(_) => "settings",
            Failure::Throttled(_) => "throttled",
            Failure::Unavailable(_) => "unavailable",
            Failure::Bug(_) => "bug",
        };
        assert_eq!(found, kind, "{answer}");
    }
}
