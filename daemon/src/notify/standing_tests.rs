#![allow(clippy::unwrap_used)]

use super::*;
use crate::ledger::Failure;
use crate::pipeline::target::Trouble;

fn now() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn source(failing_for: TimeDelta) -> SourceRow {
    SourceRow {
        name: "acme".into(),
        connector: "wecom".into(),
        enterprise: Some("ww1".into()),
        names: Default::default(),
        seen_enterprise: None,
        paused: false,
        unlinked: None,
        last_crawl_at: None,
        last_complete_at: None,
        range_fingerprint: None,
        members: 5,
        departments: 1,
        error: None,
        failing_since: Some(now() - failing_for),
        failures: 9,
        retry_at: None,
    }
}

fn keys(row: SourceRow, configured: bool) -> Vec<String> {
    let seen = Seen {
        now: now(),
        configured: configured.then(|| row.name.clone()).into_iter().collect(),
        sources: vec![row],
        ..Seen::default()
    };
    standing(&seen).causes.into_keys().collect()
}

#[test]
fn a_source_is_down_after_an_hour_and_not_before() {
    let hour = TimeDelta::hours(1);
    assert_eq!(keys(source(hour), true), ["source:acme"]);
    assert!(keys(source(hour - TimeDelta::seconds(1)), true).is_empty());
    let paused = SourceRow {
        paused: true,
        ..source(hour)
    };
    assert!(keys(paused, true).is_empty());
    assert_eq!(keys(source(hour), false), ["gone:acme"]);
    let moved = SourceRow {
        seen_enterprise: Some("ww2".into()),
        ..source(TimeDelta::zero())
    };
    assert_eq!(keys(moved, true), ["enterprise:acme"]);
}

#[test]
fn a_refused_key_is_told_at_once_and_silence_after_an_hour() {
    let told = |class, since| {
        let failure = Failure {
            class,
            code: "x".into(),
            message: "x".into(),
            action: None,
            request_id: None,
        };
        let seen = Seen {
            now: now(),
            target: Some(TargetFailure {
                since,
                trouble: Trouble::Cam(failure),
            }),
            ..Seen::default()
        };
        !standing(&seen).causes.is_empty()
    };
    assert!(told(FailureClass::Target, now()));
    for class in [FailureClass::Transient, FailureClass::Unknown] {
        assert!(!told(class, now() - TimeDelta::minutes(59)));
        assert!(told(class, now() - TimeDelta::minutes(60)));
    }
}

#[test]
fn a_quota_that_comes_back_by_itself_is_not_told() {
    let told = |quota: &str| {
        let hold = Hold::Quota {
            quota: quota.into(),
            limit: None,
            used: 1,
            wanted: 1,
        };
        let seen = Seen {
            now: now(),
            waits: vec![(hold, 1)],
            ..Seen::default()
        };
        standing(&seen).causes.len()
    };
    assert_eq!(told("sub_users"), 1);
    assert_eq!(told("new_sub_users_per_day"), 0);
}
