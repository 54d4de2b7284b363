//! When a crawl may be called complete, and what ends one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::rc::Rc;

use camsync_connector_sdk::types::{Failure, HttpFailure};
use common::{Fake, Reply, code, member};
use serde_json::json;

/// What is missing from a crawl whose hook answers like this.
fn missing(
    hook: impl FnMut(&mut common::Corp, &common::Ask) -> Option<Reply> + 'static,
) -> Vec<String> {
    let summary = Fake::small().hook(hook).crawl().unwrap();
    assert_eq!(summary.complete, summary.missing.is_empty());
    summary.missing
}

#[test]
fn a_department_without_an_answer_makes_the_crawl_incomplete() {
    let missing = missing(|_, ask| ask.is("user/list", "2").then(|| code(60011)));
    assert_eq!(missing.len(), 1);
    assert!(
        missing[0].contains("department 2") && missing[0].contains("60011"),
        "{missing:?}"
    );
}

#[test]
fn every_answer_that_is_none_is_tried_three_times_and_then_missing() {
    let bodies: [Reply; 14] = [
        Reply::Raw(200, b"<!DOCTYPE html><html>login</html>".to_vec()),
        Reply::Raw(
            200,
            br#"{"errcode":0,"userlist":[{"userid":"zhang"#.to_vec(),
        ),
        Reply::Raw(200, b"[]".to_vec()),
        Reply::Raw(200, br#"[0,"ok",[]]"#.to_vec()),
        Reply::Raw(200, b"".to_vec()),
        Reply::Raw(200, b"null".to_vec()),
        Reply::Raw(200, vec![0xff, 0xfe, 0x00]),
        Reply::Raw(502, b"{\"errcode\":0,\"userlist\":[]}".to_vec()),
        Reply::Json(json!({})),
        Reply::Json(json!({"errcode": 0, "errmsg": "ok"})),
        Reply::Json(json!({"errcode": 0, "userlist": null})),
        Reply::Json(json!({"errcode": 0, "userlist": {"userid": "x"}})),
        Reply::Json(json!({"errcode": 0, "userlist": ["zhangsan"]})),
        Reply::Fail(HttpFailure::Timeout),
    ];
    for body in bodies {
        let fake = Fake::small().hook(move |_, ask| ask.is("user/list", "2").then(|| body.clone()));
        let summary = fake.crawl().unwrap();
        assert!(!summary.complete);
        assert_eq!(summary.missing.len(), 1, "{:?}", summary.missing);
        assert!(
            summary.missing[0].starts_with("department 2: user/list"),
            "{:?}",
            summary.missing
        );
        assert_eq!(fake.count("user/list"), 2 + 3);
    }
}

#[test]
fn a_passing_fault_passes() {
    for fault in [
        code(-1),
        code(6000),
        Reply::Raw(503, vec![]),
        Reply::Fail(HttpFailure::Timeout),
    ] {
        let fake = Fake::small()
            .hook(move |_, ask| (ask.path == "user/list" && ask.before < 2).then(|| fault.clone()));
        let start = *fake.now.borrow();
        assert!(fake.crawl().unwrap().complete);
        assert!(
            *fake.now.borrow() - start >= 1000.0,
            "the first pause is a second"
        );
    }
}

#[test]
fn a_crowd_halves_what_is_in_flight_and_nothing_is_lost() {
    let fake = Fake::wide(400).hook(|_, ask| {
        (ask.path == "user/list" && (100..105).contains(&ask.before)).then(|| code(45033))
    });
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(fake.count("user/list"), 401 + 5);
    assert_eq!(fake.members.borrow().len(), 400);
    let always = Fake::small().hook(|_, ask| (ask.path == "user/list").then(|| code(45033)));
    let summary = always.crawl().unwrap();
    assert_eq!(
        summary.missing.len(),
        3,
        "a crowd that never leaves is not waited for without end"
    );
}

/// WeCom's largest enterprise has 30,000 departments, and WeCom refuses the 10,001st call of one interface in a minute
/// (`wecom-api.md` 2.1, 6.1), however fast it answers.
#[test]
fn more_departments_than_calls_a_minute_are_crawled_whole() {
    let fake = Fake::wide(29_999);
    let clock = Rc::clone(&fake.now);
    let mut minute: VecDeque<f64> = VecDeque::new();
    let fake = fake.hook(move |_, ask| {
        if ask.path != "user/list" {
            return None;
        }
        let now = *clock.borrow();
        while minute.front().is_some_and(|at| now - at >= 60_000.0) {
            minute.pop_front();
        }
        minute.push_back(now);
        Some(if minute.len() > 10_000 {
            code(45009)
        } else {
            Reply::Json(
                json!({"errcode": 0, "userlist": [member(&format!("user{}", ask.id()), &[1])]}),
            )
        })
    });
    let start = *fake.now.borrow();
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(fake.count("user/list"), 30_000);
    assert_eq!(fake.departments.borrow().len(), 30_000);
    let minutes = (*fake.now.borrow() - start) / 60_000.0;
    assert!((2.5..6.0).contains(&minutes), "{minutes} minutes");
    // What nearly everybody has is not slowed down at all.
    let usual = Fake::wide(2_000);
    let start = *usual.now.borrow();
    assert!(usual.crawl().unwrap().complete);
    let seconds = (*usual.now.borrow() - start) / 1000.0;
    assert!(seconds < 2_001.0 * 0.005 + 0.1, "{seconds} s");
}

#[test]
fn what_concerns_the_whole_app_ends_the_crawl() {
    for (errcode, throttled) in [
        (60020, false),
        (50003, false),
        (48009, false),
        (301_007, false),
        (45009, true),
    ] {
        let fake = Fake::wide(100).hook(move |_, ask| {
            (ask.path == "user/list" && ask.before > 10).then(|| code(errcode))
        });
        let failure = fake.crawl().unwrap_err();
        assert_eq!(failure.code(), Some(errcode.to_string().as_str()));
        assert_eq!(
            matches!(failure, Failure::Throttled(_)),
            throttled,
            "{failure:?}"
        );
        assert!(fake.count("user/list") < 40, "the rest is not asked for");
    }
}

#[test]
fn the_second_frequency_limit_is_the_hours() {
    let fake = Fake::small().hook(|_, ask| (ask.path == "agent/get").then(|| code(45009)));
    let wait = |failure| match failure {
        Failure::Throttled(throttle) => throttle.retry_after_seconds,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(fake.crawl().unwrap_err()), 60);
    fake.advance(61_000.0);
    assert_eq!(wait(fake.crawl().unwrap_err()), 3600);
}

#[test]
fn a_provider_that_falls_silent_is_not_asked_for_everything() {
    let fake = Fake::wide(1000).hook(|_, ask| {
        (ask.path == "user/list" && ask.before > 20).then_some(Reply::Fail(HttpFailure::Timeout))
    });
    let failure = fake.crawl().unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
    assert!(fake.count("user/list") < 100, "{}", fake.count("user/list"));
}

#[test]
fn a_department_deleted_during_the_crawl_is_gone() {
    let fake = Fake::small().hook(|corp, ask| {
        if ask.path == "user/list" && ask.before == 0 {
            corp.departments.remove(&3);
            corp.departments.insert(4, (1, "New".into()));
            corp.members.push(member("four", &[4]));
        }
        None
    });
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(
        summary.range,
        ["department:1", "department:2", "department:4"]
    );
    assert_eq!(
        fake.departments.borrow().keys().collect::<Vec<_>>(),
        ["1", "2", "4"]
    );
    assert_eq!(fake.member("four").shown_by, ["department:4"]);
    assert_eq!(fake.count("department/list"), 2);
}

#[test]
fn a_department_that_is_listed_and_denied_is_missing() {
    for errcode in [60003, 60123] {
        let missing = missing(move |_, ask| ask.is("user/list", "3").then(|| code(errcode)));
        assert_eq!(missing.len(), 1);
        assert!(
            missing[0].contains("department 3") && missing[0].contains(&errcode.to_string()),
            "{missing:?}"
        );
    }
}

#[test]
fn the_slow_department_list_has_a_substitute() {
    for fault in [
        code(45029),
        code(-1),
        Reply::Fail(HttpFailure::Timeout),
        Reply::Fail(HttpFailure::TooLarge(1)),
    ] {
        let fake = Fake::small()
            .hook(move |_, ask| (ask.path == "department/list").then(|| fault.clone()));
        let summary = fake.crawl().unwrap();
        assert!(summary.complete, "{:?}", summary.missing);
        assert_eq!(fake.count("department/get"), 3);
        assert_eq!(fake.departments.borrow()["3"].name, "Core");
    }
    let unnamed = Fake::small().hook(|_, ask| match ask.path.as_str() {
        "department/list" => Some(code(45029)),
        "department/get" if ask.id() == "3" => Some(code(60011)),
        _ => None,
    });
    let summary = unnamed.crawl().unwrap();
    assert_eq!(summary.missing.len(), 1, "{:?}", summary.missing);
}

#[test]
fn a_department_list_that_is_none_ends_the_crawl() {
    let list = json!({"errcode": 0, "department": [{"name": "no id"}]});
    for body in [
        Reply::Json(json!({"errcode": 0})),
        Reply::Json(list),
        Reply::Raw(200, b"<html>".to_vec()),
    ] {
        let failure = Fake::small()
            .hook(move |_, ask| (ask.path == "department/list").then(|| body.clone()))
            .crawl();
        assert!(
            matches!(failure, Err(Failure::Unavailable(_))),
            "{failure:?}"
        );
    }
}

#[test]
fn tags_that_may_not_be_listed_are_done_without() {
    for errcode in [48001, 48002, 60011, 81011, 301_002] {
        let fake =
            Fake::small().hook(move |_, ask| (ask.path == "tag/list").then(|| code(errcode)));
        fake.corp
            .borrow_mut()
            .tags
            .insert(7, ("SRE".into(), vec!["zhangsan".into()], vec![]));
        fake.corp.borrow_mut().range_tags = vec![7];
        let summary = fake.crawl().unwrap();
        assert!(summary.complete, "{:?}", summary.missing);
        assert_eq!(fake.member("zhangsan").tags, ["SRE"]);
        assert!(fake.log_text().contains(&errcode.to_string()));
    }
    for fault in [
        code(-1),
        Reply::Json(json!({"errcode": 0})),
        Reply::Raw(200, b"<html>".to_vec()),
    ] {
        let missing = missing(move |_, ask| (ask.path == "tag/list").then(|| fault.clone()));
        assert_eq!(missing.len(), 1, "{missing:?}");
    }
}

#[test]
fn a_tag_without_an_answer_is_missing_unless_it_is_only_a_name() {
    for (in_range, errcode, complete) in [
        (false, 40068, true),
        (false, 81011, true),
        (true, 40068, false),
        (true, 81011, false),
        (false, 60011, false),
    ] {
        let fake = Fake::small().hook(move |_, ask| ask.is("tag/get", "7").then(|| code(errcode)));
        fake.corp
            .borrow_mut()
            .tags
            .insert(7, ("SRE".into(), vec![], vec![]));
        if in_range {
            fake.corp.borrow_mut().range_tags = vec![7];
        }
        let summary = fake.crawl().unwrap();
        assert_eq!(
            summary.complete, complete,
            "{errcode} {in_range} {:?}",
            summary.missing
        );
    }
}

#[test]
fn a_named_member_is_stale_or_missing() {
    for (errcode, complete) in [
        (60111, true),
        (40003, true),
        (60011, false),
        (60021, false),
        (-1, false),
        (12345, false),
    ] {
        let fake =
            Fake::small().hook(move |_, ask| ask.is("user/get", "Gone").then(|| code(errcode)));
        fake.corp.borrow_mut().range_users = vec!["Gone".into()];
        let summary = fake.crawl().unwrap();
        assert_eq!(
            summary.complete, complete,
            "{errcode}: {:?}",
            summary.missing
        );
        assert!(
            summary.range.contains(&"member:gone".to_owned()),
            "it is still configured"
        );
        let said = if complete {
            fake.log_text()
        } else {
            summary.missing.join("\n")
        };
        assert!(said.contains(&errcode.to_string()), "{said}");
    }
    let missing = missing(|corp, ask| {
        corp.range_users = vec!["someone".into()];
        ask.is("user/get", "someone")
            .then(|| Reply::Json(member("other", &[])))
    });
    assert_eq!(missing.len(), 1, "an answer about somebody else is none");
}

#[test]
fn a_status_that_is_not_known_makes_the_crawl_incomplete() {
    for status in [json!(3), json!(null), json!("new"), json!(true)] {
        let missing = missing(move |_, ask| {
            let list = json!({"userlist": [{"userid": "x", "status": status}]});
            ask.is("user/list", "2").then_some(Reply::Json(list))
        });
        assert_eq!(missing.len(), 1);
        assert!(missing[0].contains("member x"), "{missing:?}");
    }
}

#[test]
fn an_entry_without_a_usable_id_is_skipped_and_reported() {
    let long = "x".repeat(65);
    let fake = Fake::small().hook(move |_, ask| {
        let list = json!({"userlist": [{"userid": "", "status": 1}, {"userid": long, "status": 1},
            {"status": 1}, {"userid": "y".repeat(64), "status": 1}]});
        ask.is("user/list", "2").then_some(Reply::Json(list))
    });
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(
        fake.logged
            .borrow()
            .iter()
            .filter(|(_, line)| line.contains("unusable"))
            .count(),
        3
    );
    fake.member(&"y".repeat(64));
    let nobody = Fake::small().hook(|_, ask| {
        (ask.path == "user/list")
            .then(|| Reply::Json(json!({"userlist": [{"userid": "", "status": 1}]})))
    });
    assert!(
        !nobody.crawl().unwrap().complete,
        "a crawl in which every id is unusable proves nothing"
    );
}

#[test]
fn a_range_that_lost_an_entry_is_no_answer() {
    let bodies = [
        json!({}),
        json!({"errcode": 0}),
        json!({"agentid": 1, "allow_partys": {"partyid": [1, "x"]}}),
        json!({"agentid": 1, "allow_userinfos": {"user": [{}]}}),
        json!({"agentid": 1, "allow_userinfos": {"user": [{"userid": ""}]}}),
        json!({"agentid": 1, "allow_partys": [1]}),
    ];
    for body in bodies {
        let fake = Fake::small()
            .hook(move |_, ask| (ask.path == "agent/get").then(|| Reply::Json(body.clone())));
        let failure = fake.crawl().unwrap_err();
        assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
    }
    let sparse = json!({"agentid": "1", "allow_userinfos": null, "allow_partys": {"partyid": ["1"]}, "allow_tags": {"tagid": null}});
    let fake = Fake::small()
        .hook(move |_, ask| (ask.path == "agent/get").then(|| Reply::Json(sparse.clone())));
    assert!(fake.crawl().unwrap().complete);
}
