//! Every refusal that an administrator can meet is explained, in both languages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::codes::TABLE;
use crate::problem::{Cause, Problem};

fn failure(code: i64, message: &str) -> Failure {
    Problem {
        path: "user/list",
        cause: Cause::Code(code),
        message: message.to_owned(),
    }
    .failure()
}

#[test]
fn every_code_of_the_table_is_explained() {
    for (code, class) in TABLE {
        if class == Class::Refused && code != 48005 {
            continue;
        }
        let zh = explain(&failure(code, "m"), Language::Zh).unwrap_or_else(|| panic!("{code}"));
        let en = explain(&failure(code, "m"), Language::En).unwrap_or_else(|| panic!("{code}"));
        for text in [&zh.cause, &zh.remedy] {
            assert!(
                text.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)),
                "{code}: {text}"
            );
        }
        assert!(
            en.cause.is_ascii() || en.cause.contains('('),
            "{code}: {}",
            en.cause
        );
        assert!(!en.cause.is_empty() && !en.remedy.is_empty());
    }
    assert_eq!(
        explain(&failure(12345, "m"), Language::En),
        None,
        "WeCom's own words are all there is"
    );
}

#[test]
fn an_untrusted_address_is_named() {
    let message = "not allow to access from your ip, hint: [1700000000123456], from ip: 203.0.113.7, more info at \
                   https://open.work.weixin.qq.com/devtool/query?e=60020";
    for language in [Language::Zh, Language::En] {
        let told = explain(&failure(60020, message), language).unwrap();
        assert!(
            told.cause.contains("203.0.113.7") && told.remedy.contains("203.0.113.7"),
            "{told:?}"
        );
        assert!(told.remedy.contains("企业可信IP"), "{told:?}");
    }
    assert!(
        explain(&failure(60020, message), Language::En)
            .unwrap()
            .remedy
            .contains("a minute")
    );
    assert!(
        explain(&failure(60020, message), Language::Zh)
            .unwrap()
            .remedy
            .contains("一分钟")
    );
    let silent = explain(&failure(60020, "no address here"), Language::En).unwrap();
    assert!(silent.remedy.contains("public address"), "{silent:?}");
    assert_eq!(from_ip("from ip: 2001:db8::7, more"), Some("2001:db8::7"));
    assert_eq!(from_ip("from ip:"), None);
}

#[test]
fn the_kind_of_secret_is_named() {
    for code in [48009, 48002] {
        let told = explain(&failure(code, "m"), Language::En).unwrap();
        assert!(told.remedy.contains("self-built app's secret"), "{told:?}");
        assert!(
            explain(&failure(code, "m"), Language::Zh)
                .unwrap()
                .remedy
                .contains("自建应用的 Secret")
        );
    }
    assert!(
        explain(&failure(301_002, "m"), Language::En)
            .unwrap()
            .cause
            .contains("different apps")
    );
}

#[test]
fn failures_without_a_code_are_explained() {
    let detail = |message: &str| FailureDetail {
        code: None,
        message: message.to_owned(),
        subject: None,
    };
    let told = |failure: Failure| explain(&failure, Language::En).unwrap().cause;
    assert!(told(Failure::NotPermitted(detail(EMPTY))).contains("sees nobody"));
    assert!(told(Failure::NotPermitted(detail(CLOSED))).contains("switched off"));
    assert!(told(Failure::Unavailable(detail("answered HTTP 502"))).contains("did not answer"));
    assert!(told(Failure::SettingsWrong(detail("agent_id"))).contains("setting"));
    assert!(told(Failure::Bug("x".to_owned())).contains("fault of the WeCom connector"));
}
