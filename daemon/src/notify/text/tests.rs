#![allow(clippy::unwrap_used)]

use camsync_core::change::DriftKind;
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use camsync_core::retry::FailureClass;

use super::*;
use crate::ledger::Failure;
use crate::pipeline::SourceFailure;
use crate::pipeline::target::Trouble;

/// One of each cause.
pub(in crate::notify) fn each() -> Vec<Cause> {
    let since = DateTime::UNIX_EPOCH;
    let failure = || Failure {
        class: FailureClass::Target,
        code: "AuthFailure.SecretIdNotFound".into(),
        message: "The SecretId is not found\nsecond line".into(),
        action: Some("AddUser".into()),
        request_id: Some("r-1".into()),
    };
    let source = || "acme".to_owned();
    vec![
        Cause::PlanHeld {
            plan: 12,
            source: source(),
            evidence: Evidence::Absent,
            removals: 40,
            limit: 3,
        },
        Cause::PlanHeld {
            plan: 13,
            source: source(),
            evidence: Evidence::Adopt,
            removals: 1,
            limit: 0,
        },
        Cause::Application {
            application: 3,
            source: source(),
            member: "m7".into(),
        },
        Cause::DriftKept {
            source: source(),
            member: "m1".into(),
            what: DriftKind::SignInOff,
        },
        Cause::DriftKept {
            source: source(),
            member: "m2".into(),
            what: DriftKind::Deleted,
        },
        Cause::SourceGone {
            source: source(),
            members: 9,
        },
        Cause::ChangeFailed {
            change: 7,
            line: "4".into(),
            kind: Kind::CreateUser,
            username: "li.lei".into(),
            failure: failure(),
        },
        Cause::NoEffect {
            change: 8,
            line: "5".into(),
            kind: Kind::SuspendUser,
            username: "han.mm".into(),
        },
        Cause::Target {
            since,
            trouble: Trouble::Cam(failure()),
        },
        Cause::Target {
            since,
            trouble: Trouble::AnotherAccount {
                bound: "100".into(),
                found: "200".into(),
            },
        },
        Cause::Permission {
            action: "AddUser".into(),
            changes: 3,
        },
        Cause::Quota {
            quota: "sub_users".into(),
            changes: 3,
        },
        Cause::AnotherEnterprise {
            source: source(),
            bound: "ww1".into(),
            found: "ww2".into(),
        },
        Cause::Config {
            error: "camsync.toml:3: unknown key".into(),
        },
        Cause::SourceDown {
            source: source(),
            since,
            failure: Some(SourceFailure::new("unavailable", "HTTP 502")),
        },
        Cause::SourceDown {
            source: source(),
            since,
            failure: None,
        },
        Cause::PlanHeld {
            plan: 14,
            source: source(),
            evidence: Evidence::Returned,
            removals: 1,
            limit: 0,
        },
    ]
}

pub(in crate::notify) fn notice(cause: Cause, over: Option<Ending>) -> Notice {
    Notice {
        row: 1,
        id: "msg_1".into(),
        key: cause.key(),
        cause,
        at: DateTime::UNIX_EPOCH,
        over,
    }
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..'\u{a000}').contains(&c))
}

#[test]
fn every_cause_is_told_in_both_languages_with_what_to_do_and_to_type() {
    for cause in each() {
        for tongue in [Tongue::Chinese, Tongue::English] {
            let told = said(tongue, &notice(cause.clone(), None));
            for part in [&told.title, &told.text, &told.remedy] {
                assert!(!part.is_empty() && !part.contains('\n'), "{told:?}");
            }
            assert!(told.command.starts_with("camsync "), "{told:?}");
            for part in [&told.title, &told.remedy] {
                assert_eq!(is_chinese(part), tongue == Tongue::Chinese, "{told:?}");
            }
            let over = said(tongue, &notice(cause.clone(), Some(Ending::Gone)));
            assert!(over.title.contains(&told.title), "{over:?}");
        }
    }
}

/// Who is to be taken over, or came back, is not told to be removed.
#[test]
fn what_gives_is_no_removal() {
    let told = |evidence| {
        let held = each()
            .into_iter()
            .find(|cause| matches!(cause, Cause::PlanHeld { evidence: of, .. } if *of == evidence));
        let notice = notice(held.unwrap(), None);
        [Tongue::Chinese, Tongue::English].map(|tongue| said(tongue, &notice).text)
    };
    for (evidence, removes) in [
        (Evidence::Absent, true),
        (Evidence::Adopt, false),
        (Evidence::Returned, false),
    ] {
        let [zh, en] = told(evidence);
        assert_eq!(
            (zh.contains("移除"), en.contains("removal")),
            (removes, removes),
            "{zh} {en}"
        );
    }
}

/// The commands that people are told to type are commands.
#[test]
fn commands_are_commands() {
    use clap::Parser as _;
    for cause in each() {
        for tongue in [Tongue::Chinese, Tongue::English] {
            let told = said(tongue, &notice(cause.clone(), None));
            let quoted = told.remedy.split('`').skip(1).step_by(2);
            for command in quoted
                .filter(|q| q.starts_with("camsync "))
                .chain([told.command.as_str()])
            {
                let words = command.split(' ');
                assert!(
                    crate::cli::args::Cli::try_parse_from(words).is_ok(),
                    "{command}"
                );
            }
        }
    }
}

/// A webhook's reader finds each cause on the page, and a row of the ledger becomes the cause again.
#[test]
fn every_cause_is_on_the_page_and_survives_the_ledger() {
    let page = include_str!("../../../../docs/notifications.md");
    for cause in each() {
        let kept = serde_json::to_value(&cause).unwrap();
        let word = kept["cause"].as_str().unwrap();
        let row = format!("| `{word}` | `{}` |", cause.event().as_str());
        assert!(page.contains(&row), "{row}");
        assert_eq!(serde_json::from_value::<Cause>(kept).unwrap(), cause);
    }
}

#[test]
fn what_comes_from_elsewhere_is_one_line_and_short() {
    assert_eq!(plain("a\nb\u{1b}[31m  c"), "a b [31m c");
    let long = plain(&"长".repeat(1000));
    assert_eq!(long.chars().count(), LONGEST + 1);
}
