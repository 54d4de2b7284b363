#![allow(clippy::unwrap_used)]

use super::*;
use crate::ledger::{Decision, Entered, NewApplication};

const ACME: &str = "acme";

fn applied(ledger: &Ledger, key: &str, at: DateTime<Utc>) -> i64 {
    let new = NewApplication {
        source: ACME,
        key,
        member: key,
        name: key,
        reason: "",
        approved_by: None,
    };
    match ledger.enter_application(&new, at, "member").unwrap() {
        Entered::Made(row) | Entered::Standing(row) => row.id,
    }
}

fn decided(ledger: &Ledger, key: &str, decision: Decision, at: DateTime<Utc>) -> i64 {
    let id = applied(ledger, key, at);
    ledger
        .decide_application(id, decision, None, at, "cli:x")
        .unwrap();
    id
}

/// What waits after a look at this moment, as application and subject.
fn waiting(ledger: &Ledger, at: DateTime<Utc>) -> Vec<(i64, About)> {
    ledger.notice_messages(&[ACME.into()], at).unwrap();
    let rows = ledger.messages_waiting().unwrap();
    rows.iter().map(|m| (m.application.id, m.about)).collect()
}

fn sub_user(ledger: &Ledger, key: &str, at: DateTime<Utc>) {
    ledger
        .write("make a sub-user", |t| {
            t.execute(
                "INSERT INTO sub_users (source, member, key, username, origin, stage, mark, login, rule_login, created_at)
                 VALUES (?1, ?2, ?2, ?2, 'created', 'managed', ?2, 1, 1, ?3)",
                params![ACME, key, time_text(at)],
            )
        })
        .unwrap();
}

#[test]
fn an_approval_is_told_alone_only_where_the_sub_user_is_late() {
    let ledger = Ledger::empty().unwrap();
    let now = Utc::now();
    let second = TimeDelta::seconds(1);
    let (soon, late) = (
        decided(&ledger, "soon", Decision::Approve, now),
        decided(&ledger, "late", Decision::Approve, now),
    );
    assert_eq!(waiting(&ledger, now + second), []);
    sub_user(&ledger, "soon", now);
    assert_eq!(waiting(&ledger, now + second), [(soon, About::Ready)]);
    let minute = now + TOGETHER;
    assert_eq!(
        waiting(&ledger, minute),
        [(soon, About::Ready), (late, About::Approved)]
    );
    // The promise is not sent once it is kept.
    sub_user(&ledger, "late", now);
    let both = [(soon, About::Ready), (late, About::Ready)];
    assert_eq!(waiting(&ledger, minute), both);
    for row in ledger.messages_waiting().unwrap() {
        ledger.message_sent(row.id, minute).unwrap();
    }
    assert_eq!(waiting(&ledger, minute + second), []);
}

#[test]
fn what_is_no_news_is_not_told() {
    let ledger = Ledger::empty().unwrap();
    let now = Utc::now();
    let denied = decided(&ledger, "denied", Decision::Deny, now);
    applied(&ledger, "back", now);
    ledger
        .withdraw_application(ACME, "back", now, "member")
        .unwrap();
    let expired = applied(&ledger, "expired", now - NEWS);
    ledger
        .expire_applications(now - TimeDelta::hours(1), now)
        .unwrap();
    decided(&ledger, "old", Decision::Deny, now - NEWS * 2);
    let nobody: [String; 0] = [];
    ledger.notice_messages(&nobody, now).unwrap();
    assert_eq!(ledger.messages_waiting().unwrap(), []);
    let mut told = waiting(&ledger, now);
    told.sort_by_key(|(id, _)| *id);
    assert_eq!(told, [(denied, About::Denied), (expired, About::Expired)]);
    let row = &ledger.messages_waiting().unwrap()[0];
    ledger.message_refused(row.id, now, None, "x").unwrap();
    assert_eq!(waiting(&ledger, now).len(), 1, "given up for good");
}
