//! Tests of the ledger itself.
#![allow(clippy::unwrap_used)]

use super::*;
use camsync_core::outbox::{Event, Status};

/// Every table and column is in the manual.
#[test]
fn the_manual_names_every_table_and_column() {
    let manual = include_str!("../../../docs/ledger.md");
    let ledger = Ledger::empty().unwrap();
    let columns: Vec<(String, String)> = ledger
        .read("list the columns", |c| {
            c.prepare(
                "SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })
        .unwrap();
    assert!(columns.len() > 80);
    for (table, column) in columns {
        let row = manual
            .lines()
            .find(|line| line.starts_with(&format!("| `{table}` |")));
        assert!(
            row.is_some_and(|row| row.contains(&format!("`{column}`"))),
            "docs/ledger.md does not name {table}.{column}"
        );
    }
}

#[test]
fn a_newer_ledger_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("camsync.db");
    drop(Ledger::open(&path).unwrap());
    let raw = Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    assert!(matches!(
        Ledger::open(&path),
        Err(LedgerError::Version { found: 99, .. })
    ));
}

#[test]
fn a_removed_audit_row_shows() {
    let ledger = Ledger::empty().unwrap();
    let now = Utc::now();
    for subject in ["a", "b", "c"] {
        ledger
            .audit(now, "cli:root", "test", subject, &serde_json::Value::Null)
            .unwrap();
    }
    assert_eq!(ledger.audit_chain().unwrap().broken_at, None);
    ledger
        .write("tamper", |t| {
            t.execute("DELETE FROM audit WHERE id = 2", [])
        })
        .unwrap();
    assert_eq!(ledger.audit_chain().unwrap().broken_at, Some(3));
}

#[test]
fn a_removed_newest_audit_row_shows_and_goes_on_showing() {
    let ledger = Ledger::empty().unwrap();
    let append = |subject| {
        ledger
            .audit(
                Utc::now(),
                "cli:root",
                "test",
                subject,
                &serde_json::Value::Null,
            )
            .unwrap();
    };
    append("a");
    append("b");
    let before = ledger.audit_chain().unwrap();
    assert_eq!((before.rows, before.broken_at), (2, None));
    ledger
        .write("tamper", |t| {
            t.execute("DELETE FROM audit WHERE id = 2", [])
        })
        .unwrap();
    assert_eq!(ledger.audit_chain().unwrap().broken_at, Some(2));
    append("c");
    assert_eq!(ledger.audit_chain().unwrap().broken_at, Some(3));
    ledger
        .write("tamper", |t| t.execute("DELETE FROM audit", []))
        .unwrap();
    assert_eq!(ledger.audit_chain().unwrap().broken_at, Some(1));
}

#[test]
fn an_altered_audit_row_shows() {
    let ledger = Ledger::empty().unwrap();
    ledger
        .audit(
            Utc::now(),
            "cli:root",
            "test",
            "a",
            &serde_json::Value::Null,
        )
        .unwrap();
    ledger
        .write("tamper", |t| {
            t.execute("UPDATE audit SET actor = 'nobody' WHERE id = 1", [])
        })
        .unwrap();
    assert_eq!(ledger.audit_chain().unwrap().broken_at, Some(1));
}

#[test]
fn a_second_process_is_told_who_holds_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let _first = LedgerLock::take(dir.path(), "camsync run").unwrap();
    let second = LedgerLock::take(dir.path(), "camsync sync").unwrap_err();
    let said = second.to_string();
    assert!(
        said.contains("camsync run") && said.contains(&std::process::id().to_string()),
        "{said}"
    );
}

/// What CAM said is full is believed until there is room, a day has passed, or a person asks again.
#[test]
fn a_full_quota_is_believed_for_a_while() {
    use camsync_core::plan::quota::Quota;
    let ledger = Ledger::empty().unwrap();
    let now = Utc::now();
    let note = |quota: Quota, of, used| {
        let full = FullQuota {
            quota: quota.as_str().to_owned(),
            of,
            used,
            since: now,
            retry_at: now + chrono::TimeDelta::hours(24),
        };
        ledger.note_full_quota(&full).unwrap();
    };
    note(Quota::SubUsers, 0, None);
    note(Quota::GroupSubUsers, 7, Some(100));
    note(Quota::SubUserGroups, 100_001, Some(10));
    let known = [(Quota::Groups, 300)].into();
    let at = |now| ledger.quotas(&known, 40, now).unwrap();
    let learnt = at(now);
    assert_eq!(learnt.limit(Quota::Groups, 0), Some(300));
    assert_eq!(learnt.limit(Quota::SubUsers, 0), Some(40));
    assert_eq!(learnt.limit(Quota::GroupSubUsers, 7), Some(100));
    assert_eq!(learnt.limit(Quota::GroupSubUsers, 8), None);
    // Counted; more than was thought; room again; and one that nobody has read.
    let used = [((Quota::SubUsers, 0), 40), ((Quota::GroupSubUsers, 7), 101)];
    ledger.settle_quotas(&used.into(), now).unwrap();
    let counted: Vec<_> = ledger.full_quotas().unwrap();
    let counted: Vec<_> = counted.iter().map(|full| (full.of, full.used)).collect();
    assert_eq!(counted.len(), 3);
    assert!(counted.contains(&(0, Some(40))) && counted.contains(&(7, Some(101))));
    let room = [((Quota::SubUsers, 0), 39), ((Quota::GroupSubUsers, 7), 101)];
    ledger.settle_quotas(&room.into(), now).unwrap();
    assert_eq!(ledger.full_quotas().unwrap().len(), 2);
    let later = now + chrono::TimeDelta::hours(25);
    assert_eq!(at(later).full_at.len(), 0);
    ledger.settle_quotas(&Default::default(), later).unwrap();
    assert!(ledger.full_quotas().unwrap().is_empty());
    note(Quota::Groups, 0, Some(3));
    ledger.forget_full_quotas().unwrap();
    assert!(ledger.full_quotas().unwrap().is_empty());
}

/// A later plan's change has a later place in the line than a deletion that an earlier one left waiting.
#[test]
fn what_waits_for_a_sub_user_ends_with_its_deletion() {
    let ledger = Ledger::empty().unwrap();
    ledger
        .write("set up", |t| {
            t.execute_batch(
                r#"INSERT INTO sub_users (id, source, member, key, username, uin, origin, stage, mark, login, rule_login, created_at)
                   VALUES (1, 'acme', 'm1', 'm1', 'm1', 7, 'created', 'managed', 'k', 0, 1, '2026-01-01T00:00:00.000Z');
                   INSERT INTO changes (sub_user, source, member, username, kind, status, reason, created_at) VALUES
                   (1, 'acme', 'm1', 'm1', 'delete_user', 'pending', '{"because":"unconfirmed"}', '2026-01-01T00:00:00.000Z'),
                   (1, 'acme', 'm1', 'm1', 'attach_policy', 'pending', '{"because":"denial"}', '2026-01-01T00:00:00.000Z');"#,
            )
        })
        .unwrap();
    ledger.start_attempt(1, Utc::now()).unwrap().unwrap();
    let end = AttemptEnd {
        event: Event::Succeed,
        failure: None,
        next_attempt_at: None,
        hold: None,
        effect: Some(Effect::Deleted),
        request_id: None,
    };
    ledger.end_attempt(1, Utc::now(), &end).unwrap();
    let behind = ledger.change(2).unwrap().unwrap();
    assert_eq!(behind.status, Status::Superseded);
}

/// Somebody deleted the account by hand, and a person wants it back: the new one has nothing yet, by nobody's hand.
#[test]
fn what_the_former_account_was_given_is_forgotten_with_it() {
    let ledger = Ledger::empty().unwrap();
    ledger
        .write("set up", |t| {
            t.execute_batch(
                r#"INSERT INTO sub_users (id, source, member, key, username, uin, origin, stage, mark, login, rule_login, created_at)
                   VALUES (1, 'acme', 'm1', 'm1', 'm1', 7, 'created', 'managed', 'k', 1, 1, '2026-01-01T00:00:00.000Z');
                   INSERT INTO grants (sub_user, kind, cam_id, name, rule, given_at) VALUES (1, 'group', 3, 'rd', 1, '2026-01-01T00:00:00.000Z');
                   INSERT INTO keys_off (sub_user, key, off_at) VALUES (1, 'AKID1', '2026-01-01T00:00:00.000Z');
                   INSERT INTO changes (sub_user, source, member, username, kind, status, reason, created_at) VALUES
                   (1, 'acme', 'm1', 'm1', 'create_user', 'pending', '{"because":"unconfirmed"}', '2026-01-01T00:00:00.000Z');"#,
            )
        })
        .unwrap();
    let made = |uin| {
        ledger.start_attempt(1, Utc::now()).unwrap().unwrap();
        let end = AttemptEnd {
            event: Event::Succeed,
            failure: None,
            next_attempt_at: None,
            hold: None,
            effect: Some(Effect::Created { uin }),
            request_id: None,
        };
        ledger.end_attempt(1, Utc::now(), &end).unwrap();
        let sub_user = ledger.sub_user(1).unwrap().unwrap();
        (sub_user.uin, sub_user.given.len(), sub_user.keys_off.len())
    };
    assert_eq!(made(8), (Some(8), 0, 0));
}

/// One managed sub-user, with one change of this kind and `after` that waits.
fn with_change(kind: &str, after: &str) -> Ledger {
    let ledger = Ledger::empty().unwrap();
    ledger
        .write("set up", |t| {
            t.execute_batch(&format!(
                r#"INSERT INTO sub_users (id, source, member, key, username, uin, origin, stage, mark, login, rule_login, created_at)
                   VALUES (1, 'acme', 'm1', 'm1', 'm1', 7, 'created', 'managed', 'k', 1, 1, '2026-01-01T00:00:00.000Z');
                   INSERT INTO changes (sub_user, source, member, username, kind, status, reason, after, created_at) VALUES
                   (1, 'acme', 'm1', 'm1', '{kind}', 'pending', '{{"because":"unconfirmed"}}', '{after}', '2026-01-01T00:00:00.000Z');"#,
            ))
        })
        .unwrap();
    ledger
}

/// What a write is about is unconfirmed until a read shows it; sign-in that somebody switched off before is no such write.
#[test]
fn a_remark_that_was_written_makes_no_drifted_sign_in_unconfirmed() {
    for (effect, unconfirmed) in [(Effect::Remarked, false), (Effect::Updated, true)] {
        let ledger = with_change("update_user", r#"{"remark":"r","console_login":null}"#);
        ledger.start_attempt(1, Utc::now()).unwrap().unwrap();
        let end = AttemptEnd {
            event: Event::Succeed,
            failure: None,
            next_attempt_at: None,
            hold: None,
            effect: Some(effect),
            request_id: None,
        };
        ledger.end_attempt(1, Utc::now(), &end).unwrap();
        let sub_user = ledger.sub_user(1).unwrap().unwrap();
        assert_eq!(
            sub_user.unconfirmed_since.is_some(),
            unconfirmed,
            "{effect:?}"
        );
    }
}

/// Attempts are numbered from 1 again when a change that failed is asked again.
#[test]
fn attempts_are_told_oldest_first_also_after_a_retry() {
    let ledger = with_change("update_user", r#"{"remark":"r","console_login":null}"#);
    let mut now = Utc::now();
    for event in [Event::TryAgain, Event::Fail, Event::TryAgain] {
        ledger.start_attempt(1, now).unwrap().unwrap();
        let end = AttemptEnd {
            event,
            failure: None,
            next_attempt_at: None,
            hold: None,
            effect: None,
            request_id: None,
        };
        ledger.end_attempt(1, now, &end).unwrap();
        if event == Event::Fail {
            ledger.steer_change(1, Event::Retry, now, "test").unwrap();
        }
        now += chrono::TimeDelta::seconds(1);
    }
    let attempts = ledger.attempts(1).unwrap();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.is_sorted_by_key(|a| a.started_at));
}
