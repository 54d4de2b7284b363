//! The code table against the reference's section 7.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use camsync_connector_sdk::types::Failure;
use camsync_connector_wecom::{Class, TABLE, class_of};
use common::{Fake, code};

/// Every code of `wecom-api.md` 7, as the table there lists them.
const REFERENCE: &str = "-1 6000 40001 40003 40013 40014 40029 40031 40032 40035 40058 40056 40068 40078 40082 40083 \
    48003 40084 40085 41001 41002 41004 41009 41011 41017 41021 41022 41023 41024 41025 42001 42007 42009 42022 43009 \
    45009 45029 45033 46004 48001 48002 48004 48005 48006 48008 48009 50001 50003 40066 60003 60004 60123 60124 60011 \
    60020 50002 60021 60030 60031 60111 60136 81011 81013 84014 84015 301002 60110 301005 301007 301021 85005";

#[test]
fn the_table_is_complete_and_sorted() {
    let mut reference: Vec<i64> = REFERENCE
        .split_whitespace()
        .map(|code| code.parse().unwrap())
        .collect();
    reference.sort_unstable();
    assert_eq!(TABLE.iter().map(|row| row.0).collect::<Vec<_>>(), reference);
    assert_eq!(class_of(12345), Class::Refused);
}

/// What a crawl ends in when the range cannot be read for this code.
fn failure(errcode: i64) -> Failure {
    let fake = Fake::small().hook(move |_, ask| (ask.path == "agent/get").then(|| code(errcode)));
    let failure = fake.crawl().unwrap_err();
    if !matches!(failure, Failure::Bug(_)) {
        assert_eq!(failure.code(), Some(errcode.to_string().as_str()));
        assert_eq!(
            failure.detail().unwrap().subject.as_deref(),
            Some("agent/get")
        );
    }
    failure
}

#[test]
fn every_code_becomes_the_failure_that_its_action_calls_for() {
    for (code, class) in TABLE {
        let failure = failure(code);
        let fits = match class {
            Class::Secret | Class::Settings => matches!(failure, Failure::SettingsWrong(_)),
            Class::Permission | Class::MemberHidden | Class::TagDenied => {
                matches!(failure, Failure::NotPermitted(_))
            }
            Class::Throttled | Class::Crowded => matches!(failure, Failure::Throttled(_)),
            Class::Busy | Class::TokenStale => matches!(failure, Failure::Unavailable(_)),
            Class::Mistake => {
                matches!(&failure, Failure::Bug(text) if text.contains(&code.to_string()))
            }
            _ => matches!(failure, Failure::Refused(_)),
        };
        assert!(fits, "{code} {class:?}: {failure:?}");
    }
    assert!(
        matches!(failure(12345), Failure::Refused(_)),
        "an unknown code is passed on"
    );
}

#[test]
fn only_what_the_table_calls_retryable_is_tried_again() {
    for (errcode, class) in TABLE {
        let fake =
            Fake::small().hook(move |_, ask| (ask.path == "agent/get").then(|| code(errcode)));
        fake.crawl().unwrap_err();
        let tries = match class {
            Class::Busy => 3,
            Class::TokenStale | Class::Secret => 2,
            Class::Crowded => 6,
            _ => 1,
        };
        assert_eq!(fake.count("agent/get"), tries, "{errcode}");
    }
}

#[test]
fn a_code_may_be_text() {
    let fake = Fake::small().hook(|_, ask| {
        (ask.path == "agent/get")
            .then(|| common::Reply::Json(serde_json::json!({"errcode": "50003", "errmsg": "off"})))
    });
    assert_eq!(fake.crawl().unwrap_err().code(), Some("50003"));
    let odd = Fake::small().hook(|_, ask| {
        (ask.path == "agent/get")
            .then(|| common::Reply::Json(serde_json::json!({"errcode": [], "agentid": 1})))
    });
    assert!(matches!(odd.crawl().unwrap_err(), Failure::Unavailable(_)));
}
