//! Who is purged, of what, and who is not.
#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::types::Value;

use super::super::{AuditChain, CrawlEnd, Ledger};
use super::*;

/// Long ago: everything in the ledgers below was over a day after.
fn then() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// A ledger with one person each of several kinds; `name-*` is their display name, and stands in all that is personal.
fn people(path: Option<&std::path::Path>) -> Ledger {
    let ledger = path.map_or_else(Ledger::empty, Ledger::open).unwrap();
    let facts = |id: &str| {
        format!(
            r#"{{"id":"{id}","username":"","name":"name-{id}","alias":"","email":"","phone":"","position":"","status":"active",
            "departments":[],"main_department":null,"leader_of":[],"tags":[],"attributes":{{}},"shown_by":["department:1"]}}"#
        )
    };
    let person = |id: &str, present: bool, stage: &str, source: &str| {
        let (facts, ended) = (facts(id), stage != "managed" && stage != "wanted");
        let ended = if ended {
            "'2026-01-02T00:00:00.000Z'"
        } else {
            "NULL"
        };
        let missing = if present {
            "NULL"
        } else {
            "'2026-01-01T00:00:00.000Z'"
        };
        format!(
            r#"INSERT INTO members (source, key, id, facts, facts_hash, present, missing_since)
               VALUES ('{source}', '{id}', '{id}', '{facts}', 'h', {present}, {missing});
               INSERT INTO sub_users (source, member, key, username, uin, origin, stage, mark, login, rule_login, admitted, created_at, ended_at)
               VALUES ('{source}', '{id}', '{id}', 'user-{id}', {uin}, 'created', '{stage}', 'mark-{source}-{id}', 0, 1, '{facts}', '2026-01-01T00:00:00.000Z', {ended});
               INSERT INTO changes (sub_user, source, member, username, kind, status, reason, before, after, last_error, attempts, created_at, applied_at)
               SELECT id, source, member, username, 'create_user', 'applied', '{{"because":"unconfirmed"}}', NULL,
               '{{"remark":"name-{id}","console_login":true,"phone":"name-{id}","email":"name-{id}"}}',
               '{{"class":"transient","code":"X","message":"name-{id}","action":null,"request_id":null}}', 2, created_at, created_at
               FROM sub_users WHERE key = '{id}' AND source = '{source}';
               INSERT INTO attempts (change, number, started_at, ended_at, outcome, request_id)
               SELECT c.id, n.value, c.created_at, c.created_at,
               CASE n.value WHEN 1 THEN '{{"error":{{"class":"transient","message":"name-{id}"}}}}' ELSE '"applied"' END, 'r-{id}-' || n.value
               FROM changes c, json_each('[1,2]') n WHERE c.member = '{id}' AND c.source = '{source}';
               INSERT INTO applications (source, key, member, name, reason, status, created_at, decided_at, note)
               VALUES ('{source}', '{id}', '{id}', 'name-{id}', 'name-{id}', 'denied', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'name-{id}');
               INSERT INTO messages (application, about, noticed_at, last_error)
               SELECT id, 'denied', created_at, 'name-{id}' FROM applications WHERE source = '{source}' AND key = '{id}';"#,
            uin = id.bytes().map(u32::from).sum::<u32>() + u32::try_from(source.len()).unwrap() * 7,
        )
    };
    ledger.ensure_source("acme", "wecom", None).unwrap();
    ledger.ensure_source("past", "wecom", None).unwrap();
    ledger
        .write("set up", |t| {
            t.execute_batch(&person("deleted", false, "deleted", "acme"))?;
            t.execute_batch(&person("released", false, "released", "acme"))?;
            t.execute_batch(&person("managed", true, "managed", "acme"))?;
            t.execute_batch(&person("leaving", false, "managed", "acme"))?;
            t.execute_batch(&person("wanted", true, "wanted", "acme"))?;
            t.execute_batch(&person("stays", true, "released", "acme"))?;
            t.execute_batch(&person("kept", true, "released", "past"))?;
            t.execute_batch(
                "UPDATE sources SET unlinked = 'keep', unlinked_at = '2026-01-02T00:00:00.000Z', unlinked_by = 'cli:root',
                 last_complete_at = '2026-01-01T00:00:00.000Z' WHERE name = 'past';
                 INSERT INTO crawls (source, started_at, ended_at, complete, members, departments) VALUES
                 ('acme', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1, 5, 1),
                 ('acme', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', 1, 5, 1);
                 INSERT INTO range_changes (source, at, configured, came, came_count, went, went_count)
                 VALUES ('acme', '2026-01-01T00:00:00.000Z', 0, '[]', 0, '[{\"name\":\"name-deleted\"}]', 1);",
            )
        })
        .unwrap();
    let ids = serde_json::json!({ "member": "deleted" });
    ledger
        .audit(then(), "cli:root", "test", "user-deleted", &ids)
        .unwrap();
    ledger
}

fn purge(ledger: &Ledger, before: DateTime<Utc>) -> Purged {
    let mut purge = Purge::of_before(before);
    loop {
        if let Some(purged) = ledger
            .purge_on(&mut purge, before + TimeDelta::days(90))
            .unwrap()
        {
            return purged;
        }
    }
}

/// Every place where `needle` stands: table and column.
fn found(ledger: &Ledger, needle: &str) -> Vec<String> {
    ledger
        .read("look", |c| {
            let columns: Vec<(String, String)> = c
                .prepare("SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut places = Vec::new();
            for (table, column) in columns {
                let mut rows = c.prepare(&format!("SELECT \"{column}\" FROM {table}"))?;
                let values: Vec<Value> = rows.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                if values.iter().any(|v| matches!(v, Value::Text(text) if text.contains(needle))) {
                    places.push(format!("{table}.{column}"));
                }
            }
            Ok(places)
        })
        .unwrap()
}

#[test]
fn what_people_who_are_gone_leave_is_purged_and_ids_and_history_stay() {
    let ledger = people(None);
    let before = found(&ledger, "name-deleted");
    for place in [
        "members.facts",
        "sub_users.admitted",
        "changes.after",
        "changes.last_error",
        "attempts.outcome",
        "applications.name",
        "applications.reason",
        "applications.note",
        "messages.last_error",
        "range_changes.went",
    ] {
        assert!(before.contains(&place.to_owned()), "{place}");
    }
    // Not a day too early.
    assert_eq!(purge(&ledger, then()), Purged::default());
    assert_eq!(found(&ledger, "name-deleted"), before);
    let purged = purge(&ledger, then() + TimeDelta::days(2));
    for id in ["deleted", "released", "kept"] {
        assert_eq!(
            found(&ledger, &format!("name-{id}")),
            [""; 0],
            "{id}: {purged:?}"
        );
    }
    // Who did what, and when.
    let changes = ledger.changes(&Default::default()).unwrap();
    let row = changes.iter().find(|c| c.member == "deleted").unwrap();
    assert_eq!(row.username, "user-deleted");
    let after = row.after.clone().unwrap();
    assert_eq!(
        (after.remark.as_deref(), after.console_login),
        (Some(""), Some(true))
    );
    let attempts = ledger.attempts(row.id).unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].request_id.as_deref(), Some("r-deleted-2"));
    let gone = ledger.latest_sub_user_of("acme", "deleted").unwrap();
    assert!(gone.unwrap().uin.is_some());
    let crawls: i64 = ledger
        .read("count", |c| {
            c.query_row("SELECT count(*) FROM crawls", [], |r| r.get(0))
        })
        .unwrap();
    assert_eq!(crawls, 1);
    // With the counts, and unbroken.
    let audit = ledger.audit_rows(None, None).unwrap();
    assert_eq!(audit[0].action, "retention.purge");
    assert_eq!(audit[0].detail["rows"]["members"], 3);
    assert_eq!(audit[1].detail["member"], "deleted");
    assert!(matches!(
        ledger.audit_chain().unwrap(),
        AuditChain {
            rows: 2,
            broken_at: None,
            ..
        }
    ));
    // Once.
    assert_eq!(
        purge(&ledger, then() + TimeDelta::days(2)),
        Purged::default()
    );
    assert_eq!(ledger.audit_rows(None, None).unwrap().len(), 2);
}

#[test]
fn the_living_are_not_purged_however_old_all_of_theirs_is() {
    let ledger = people(None);
    let living = ["managed", "leaving", "wanted", "stays"];
    let before = living.map(|id| found(&ledger, &format!("name-{id}")));
    purge(&ledger, then() + TimeDelta::days(3000));
    // What an attempt that was repeated met is nobody's facts, and goes with time.
    for (id, mut before) in living.into_iter().zip(before) {
        before.retain(|place| place != "attempts.outcome");
        assert_eq!(found(&ledger, &format!("name-{id}")), before, "{id}");
    }
}

#[test]
fn somebody_who_comes_back_after_it_is_as_good_as_new() {
    let ledger = people(None);
    purge(&ledger, then() + TimeDelta::days(2));
    let member: camsync_core::model::Member = serde_json::from_value(serde_json::json!({
        "id": "Deleted", "username": "", "name": "Somebody", "alias": "", "email": "", "phone": "", "position": "",
        "status": "active", "departments": [], "main_department": null, "leader_of": [], "tags": [], "attributes": {},
        "shown_by": [],
    }))
    .unwrap();
    let at = then() + TimeDelta::days(100);
    let (range, names) = Default::default();
    let end = CrawlEnd {
        started_at: at,
        ended_at: at,
        enterprise: "e",
        range_fingerprint: "f",
        range: &range,
        names: &names,
        departments: &[],
        members: &[std::sync::Arc::new(member)],
        witnesses: &[],
    };
    ledger.end_complete_crawl("acme", &end).unwrap();
    let back = ledger.member_row("acme", "deleted").unwrap().unwrap();
    assert_eq!((back.present, back.facts.name.as_str()), (true, "Somebody"));
    let living = ledger.living_sub_users().unwrap();
    assert!(living.iter().all(|s| s.key != "deleted"));
    // And is not purged for being there once.
    purge(&ledger, then() + TimeDelta::days(3000));
    assert!(!found(&ledger, "Somebody").is_empty());
}

/// `sources link` gives back the sub-users that unlinking released; their members must still be found by their id then.
#[test]
fn a_source_that_is_linked_again_after_it_knows_whom_to_look_up() {
    let ledger = people(None);
    purge(&ledger, then() + TimeDelta::days(2));
    assert_eq!(ledger.snapshot("past").unwrap().members.len(), 0);
    ledger.link("past", Utc::now(), "cli:root").unwrap();
    let missing = ledger.missing_members("past").unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].facts.id, "kept");
    assert_eq!(missing[0].facts.shown_by, ["department:1"]);
}

/// What was purged cannot be read in the files any more either.
#[test]
fn nothing_of_it_is_left_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("camsync.db");
    let ledger = people(Some(&path));
    let left = || {
        let files = std::fs::read_dir(dir.path()).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(12).any(|w| w == b"name-deleted"))
    };
    assert!(left());
    purge(&ledger, then() + TimeDelta::days(2));
    assert!(!left());
}

/// A purge that was cut short leaves its counts to the next one.
#[test]
fn a_purge_that_is_cut_short_is_counted_in_the_end() {
    let ledger = people(None);
    let before = then() + TimeDelta::days(2);
    let mut first = Purge::of_before(before);
    assert_eq!(ledger.purge_on(&mut first, before).unwrap(), None);
    drop(first);
    assert!(purge(&ledger, before).members > 0);
    let audit = ledger.audit_rows(None, None).unwrap();
    assert_eq!(audit[0].detail["rows"]["members"], 3);
    assert_eq!(audit[0].detail["rows"]["applications"], 3);
}
