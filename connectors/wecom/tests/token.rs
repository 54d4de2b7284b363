//! The access token: one call for many, one retry a request, never a second try with a wrong secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use camsync_connector_sdk::Connector;
use camsync_connector_sdk::types::Failure;
use camsync_connector_wecom::WeCom;
use common::{Fake, Reply, code};
use serde_json::json;

#[test]
fn a_token_serves_until_it_nearly_expires() {
    let fake = Fake::small();
    fake.crawl().unwrap();
    fake.crawl().unwrap();
    assert_eq!(fake.count("gettoken"), 1);
    fake.advance(6_800_000.0);
    fake.crawl().unwrap();
    assert_eq!(fake.count("gettoken"), 1, "6900 s of 7200 are used");
    fake.advance(150_000.0);
    fake.crawl().unwrap();
    assert_eq!(fake.count("gettoken"), 2);
}

#[test]
fn a_token_that_expires_with_many_in_flight_is_refreshed_once() {
    let fake = Fake::wide(300).hook(|corp, ask| {
        // At the 150th list WeCom revokes the token: everything sent with the old one is refused from here.
        if ask.path == "user/list" && ask.before == 150 {
            corp.token = 2;
        }
        None
    });
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(fake.count("gettoken"), 2);
    assert_eq!(fake.members.borrow().len(), 300);
    assert!(*fake.most_in_flight.borrow() >= 8);
}

#[test]
fn a_token_refused_again_and_again_is_not_asked_for_again_and_again() {
    let fake = Fake::small().hook(|_, ask| (ask.path == "agent/get").then(|| code(40014)));
    let failure = fake.crawl().unwrap_err();
    assert_eq!(failure.code(), Some("40014"));
    assert_eq!(
        (fake.count("agent/get"), fake.count("gettoken")),
        (2, 2),
        "one retry, one refresh"
    );
    fake.crawl().unwrap_err();
    assert_eq!(
        fake.count("gettoken"),
        2,
        "within 30 s of a refresh there is no other"
    );
    fake.advance(31_000.0);
    fake.crawl().unwrap_err();
    assert_eq!(fake.count("gettoken"), 3);
}

#[test]
fn a_wrong_secret_is_tried_once() {
    let fake = Fake::small().hook(|_, ask| (ask.path == "gettoken").then(|| code(40001)));
    for _ in 0..3 {
        let failure = fake.crawl().unwrap_err();
        assert!(matches!(failure, Failure::SettingsWrong(_)), "{failure:?}");
    }
    assert_eq!(fake.count("gettoken"), 1);
    assert_eq!(
        fake.asked.borrow().len(),
        1,
        "nothing is sent without a token"
    );
    let other = Fake::settings().replace(common::SECRET, "corrected");
    WeCom::crawl(&fake, &other).unwrap_err();
    assert_eq!(
        fake.count("gettoken"),
        2,
        "a corrected secret is tried at once"
    );
    fake.advance(31_000.0);
    fake.crawl().unwrap_err();
    assert_eq!(fake.count("gettoken"), 3);
}

#[test]
fn a_secret_that_is_reset_elsewhere_refreshes_once_and_then_says_so() {
    let fake = Fake::small().hook(|_, ask| (ask.path != "gettoken").then(|| code(40001)));
    let failure = fake.crawl().unwrap_err();
    assert!(matches!(failure, Failure::SettingsWrong(_)), "{failure:?}");
    assert_eq!(fake.count("gettoken"), 2);
}

#[test]
fn a_busy_gettoken_is_tried_three_times() {
    let fake =
        Fake::small().hook(|_, ask| (ask.path == "gettoken" && ask.before < 2).then(|| code(-1)));
    assert!(fake.crawl().unwrap().complete);
    assert_eq!(fake.count("gettoken"), 3);
    let fake = Fake::small()
        .hook(|_, ask| (ask.path == "gettoken").then(|| Reply::Raw(502, b"<html>".to_vec())));
    let failure = fake.crawl().unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
    assert_eq!(fake.count("gettoken"), 3);
}

#[test]
fn a_token_without_a_lifetime_still_serves_the_crawl() {
    for expires_in in [
        json!(0),
        json!("7200"),
        json!(null),
        json!(-5),
        json!("soon"),
    ] {
        let fake = Fake::small().hook(move |_, ask| {
            (ask.path == "gettoken").then(|| {
                Reply::Json(
                    json!({"errcode": "0", "access_token": "token-1", "expires_in": expires_in}),
                )
            })
        });
        assert!(fake.crawl().unwrap().complete);
        assert_eq!(fake.count("gettoken"), 1);
    }
}

#[test]
fn no_secret_and_no_token_reaches_a_message() {
    let echo = |_: &mut common::Corp, ask: &common::Ask| match ask.path.as_str() {
        "gettoken" | "department/list" => None,
        _ => {
            let words = format!(
                "bad GET https://h/cgi-bin/x?access_token={}&userid=1 with {}",
                ask.query["access_token"],
                common::SECRET
            );
            Some(Reply::Json(json!({"errcode": 60020, "errmsg": words})))
        }
    };
    let fake = Fake::small().hook(echo);
    let said = format!("{:?} {}", fake.crawl().unwrap_err(), fake.log_text());
    assert!(said.contains("60020"), "{said}");
    assert!(
        !said.contains("token-1") && !said.contains(common::SECRET),
        "{said}"
    );
}
