//! The HTTP API: every operation of its document, who may use it, and what it says when it says no.

use std::collections::{BTreeMap, BTreeSet};

use camsync_simulators::{When, cam, wecom};
use serde_json::{Value, json};

use crate::http::{CONSOLE, Served, serving};
use crate::tools::{Tuning, until, world};
use crate::world::{World, text};

/// Twelve members, a small guard, tokens for everybody.
fn guarded(console: &str) -> World {
    let world = world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        guard: "max_removals = 1\nmax_removal_ratio = 0.01\nmax_said_ratio = 0.01".into(),
        leavers: String::new(),
        extra: console.into(),
        ..Tuning::default()
    });
    world.join(1..=14);
    world.sync();
    world
}

fn absent(world: &World, ids: std::ops::RangeInclusive<u32>) {
    world.leave(ids);
}

fn disabled(world: &World, ids: std::ops::RangeInclusive<u32>) {
    for id in ids {
        world
            .wecom
            .set_status(&format!("m{id}"), wecom::Status::Disabled);
    }
}

fn held(served: &Served<'_>, evidence: &str) -> i64 {
    let plans = served.get("/api/v1/plans?status=held");
    let plans = plans["plans"].as_array().unwrap();
    let found = plans.iter().find(|p| p["evidence"] == evidence);
    found.unwrap_or_else(|| panic!("{plans:#?}"))["id"]
        .as_i64()
        .unwrap()
}

/// What the document says an answer holds.
fn assert_fits(document: &Value, schema: &Value, answer: &Value) {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::validator_for(&whole).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {answer:#}");
}

#[test]
fn every_operation_of_the_document_does_what_it_says_for_whom_it_says() {
    let world = guarded(CONSOLE);
    for id in ["f1", "f2"] {
        world.wecom.add_member(id, "不成", &[1]);
        let illegal = cam::Fault::Code("InvalidParameter.UserNameIllegal".into());
        world.cam.inject(When::action("AddUser").key(id), illegal);
    }
    absent(&world, 1..=5);
    disabled(&world, 6..=10);
    world.sync_fails();
    world.cam.clear_faults();
    let served = serving(&world);

    assert_eq!(served.ask("GET", "/api/v1/openapi.json", "").status, 401);
    let document = served.get("/api/v1/openapi.json");
    assert_eq!(document["openapi"], "3.1.1");
    let problem = &document["components"]["schemas"]["problem"];
    let change = |username: &str| {
        let changes = served.get("/api/v1/changes?status=failed");
        let rows = changes["changes"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|c| c["username"] == username);
        row.unwrap()["id"].to_string()
    };
    // What stands in the places of the paths.
    let places = BTreeMap::from([
        ("showChange", change("f1")),
        ("retryChange", change("f1")),
        ("cancelChange", change("f2")),
        ("showPlan", held(&served, "absent").to_string()),
        ("approvePlan", held(&served, "absent").to_string()),
        ("discardPlan", held(&served, "said").to_string()),
        ("suspendMember", "m11".into()),
        ("resumeMember", "m11".into()),
        ("protectMember", "m12".into()),
        ("releaseMember", "m13".into()),
        ("showMember", "m14".into()),
        ("explainMember", "m14".into()),
        ("linkMember", "m2".into()),
        ("resetPassword", "m14".into()),
        ("approveApplication", "1".into()),
        ("denyApplication", "2".into()),
    ]);
    // An approval is followed up later: without it a deletion could come before a look.
    let mut order: Vec<(&String, &str, &Value)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            order.push((path, method, operation));
        }
    }
    // Who resumes must have been suspended, who thaws frozen; what is linked again must have been unlinked, and takes
    // part in nothing meanwhile.
    order.sort_by_key(|(path, method, _)| {
        let last = match path.as_str() {
            "/api/v1/sources/{name}/unlink" => 2,
            "/api/v1/sources/{name}/link" => 3,
            path => u8::from(path.contains("resume")),
        };
        let frozen = !path.ends_with("/reset-password");
        (*method == "post", last, frozen, path.as_str())
    });
    let mut ids = BTreeSet::new();
    for (path, method, operation) in order {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} is there twice");
        let place = places.get(id).cloned().unwrap_or_else(|| "acme".into());
        let filled = path.replace("{id}", &place).replace("{name}", &place);
        let filled = match id {
            "showUnlinking" => filled + "?then=delete",
            "unlinkSource" => {
                let shown = served.get("/api/v1/sources/acme/unlinking?then=keep");
                let word = shown["unlink"]["confirm"].as_str().unwrap();
                format!("{filled}?then=keep&confirm={word}")
            }
            "linkMember" => filled + "?to=m14",
            _ => filled,
        };
        assert!(!filled.contains('{'), "{filled}");
        let method = method.to_uppercase();

        let nobody = served.ask(&method, &filled, "");
        assert_eq!(nobody.status, 401, "{id}");
        assert_fits(&document, problem, &nobody.body);
        let (may, may_not): (&str, &[&str]) = match operation["x-camsync-role"].as_str().unwrap() {
            "viewer" => ("vic", &[]),
            "approver" => ("ann", &["vic"]),
            "admin" => ("admin", &["vic", "ann"]),
            other => panic!("{other}"),
        };
        for who in may_not {
            let refused = served.ask(&method, &filled, who);
            assert_eq!(refused.status, 403, "{id} as {who}");
            assert!(refused.detail().contains(who), "{}", refused.detail());
        }
        if id.ends_with("Application") {
            // Just now: no rule asks these members for one, so the next plan would end it.
            let made = world.ledger().execute(
                "INSERT INTO applications (id, source, key, member, name, reason, status, created_at)
                 VALUES (?1, 'acme', 'm1' || (?1 + 1), 'm1' || (?1 + 1), '', '', 'pending', ?2)",
                [&place, &crate::portal::now()],
            );
            assert_eq!(made.unwrap(), 1);
        }
        let done = served.ask(&method, &filled, may);
        assert_eq!(done.status, 200, "{id}: {:#}", done.body);
        assert_eq!(done.header("content-type"), "application/json");
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema["$ref"].is_string(), "{id}");
        assert_fits(&document, schema, &done.body);
        // Each reading operation answers as the command line does.
        let words: Option<&[&str]> = match id {
            "listMembers" => Some(&["members", "list"]),
            "listChanges" => Some(&["changes", "list"]),
            "showPlan" => Some(&["plans", "show", &place]),
            "explainMember" => Some(&["members", "explain", &place]),
            _ => None,
        };
        if let Some(words) = words {
            assert_eq!(done.body, world.read(words), "{id}");
        }
    }
    assert_eq!(ids.len(), 36, "{ids:?}");

    // They had their effects, and the audit knows whose they were.
    assert!(!world.signs_in("m1"), "the approved removal");
    assert!(world.signs_in("m6"), "the discarded one");
    assert!(world.signs_in("m11"), "suspended and resumed");
    let audit = served.get("/api/v1/audit?limit=0");
    let by = |action: &str| {
        let rows = audit["audit"].as_array().unwrap();
        let row = rows.iter().find(|r| r["action"] == action);
        row.unwrap_or_else(|| panic!("no {action}"))["actor"].clone()
    };
    assert_eq!(by("plan.approved"), "api:ann");
    assert_eq!(by("plan.discarded"), "api:ann");
    assert_eq!(by("member.suspend"), "api:admin");
    assert_eq!(by("freeze"), "api:admin");
    let shown = audit.to_string() + &document.to_string();
    for (_, _, token) in crate::http::TOKENS {
        assert!(!shown.contains(token));
    }
}

#[test]
fn the_guide_names_every_path_with_its_role() {
    let world = World::new();
    world.edit(|text| text.to_owned() + CONSOLE);
    let served = serving(&world);
    let document = served.get("/api/v1/openapi.json");
    let guide = include_str!("../../docs/api.md");
    let mut rows = BTreeSet::new();
    for line in guide.lines().filter(|l| l.starts_with("| `/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        rows.insert((
            format!("/api/v1{}", cells[1].trim_matches('`')),
            cells[2].to_lowercase(),
            cells[3].to_owned(),
        ));
    }
    let mut offered = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-camsync-role"].as_str().unwrap().to_owned();
            offered.insert((path.clone(), method.clone(), role));
        }
    }
    assert_eq!(rows, offered);
}

#[test]
fn what_is_asked_wrongly_is_answered_with_what_to_do() {
    let world = guarded(CONSOLE);
    let served = serving(&world);
    let said = |method: &str, path: &str| {
        let answer = served.ask(method, path, "admin");
        (answer.status, answer.detail().to_owned())
    };
    let cases = [
        ("GET", "/api/v1/members/nobody", 404, "nobody"),
        ("GET", "/api/v1/sources/acm", 404, "`acme`"),
        ("GET", "/api/v1/plans/99", 404, "plan 99"),
        ("GET", "/api/v1/changes/0", 404, "change 0"),
        ("GET", "/api/v1/changes/x", 400, "number"),
        ("GET", "/api/v1/changes?status=done", 400, "applied"),
        ("GET", "/api/v1/changes?limt=1", 400, "`limit`"),
        ("GET", "/api/v1/changes?limit=-1", 400, "`limit`"),
        ("GET", "/api/v1/changes?limit=1&limit=2", 400, "twice"),
        ("GET", "/api/v1/changes?since=yesterday", 400, "2026-11-24"),
        ("GET", "/api/v1/status?limit=1", 400, "no parameter"),
        ("POST", "/api/v1/sync?wait=61", 400, "60"),
        ("POST", "/api/v1/changes/1/retry", 409, "applied"),
        ("GET", "/api/v1/nothing", 404, "openapi.json"),
        ("GET", "/nothing", 404, "nothing is at"),
        ("POST", "/api/v1/status", 405, "Allow"),
        ("DELETE", "/api/v1/changes/1", 405, "Allow"),
    ];
    for (method, path, status, words) in cases {
        let (got, detail) = said(method, path);
        assert_eq!(got, status, "{method} {path}: {detail}");
        assert!(detail.contains(words), "{method} {path}: {detail}");
    }
    let allowed = served.ask("POST", "/api/v1/status", "admin");
    assert!(allowed.header("allow").contains("GET"));
    // Who has no token learns nothing of what there is.
    assert_eq!(served.ask("GET", "/api/v1/nothing", "").status, 401);
    let body = served.ask_with("POST", "/api/v1/freeze", "admin", |r| {
        r.body("{\"frozen\": true}")
    });
    assert_eq!(body.status, 400);
    let empty = served.ask_with("POST", "/api/v1/sources/acme/pause", "admin", |r| {
        r.body("{}")
    });
    assert_eq!(empty.status, 200);
    assert_eq!(
        served.get("/api/v1/status")["sources"][0]["state"],
        "paused"
    );
}

#[test]
fn wrong_tokens_are_refused_and_too_many_of_them_make_the_address_wait() {
    let world = World::new();
    world.edit(|text| text.to_owned() + CONSOLE);
    let mut served = serving(&world);
    let none = served.ask("GET", "/api/v1/status", "");
    assert_eq!(none.status, 401);
    assert!(none.header("www-authenticate").starts_with("Bearer"));
    assert!(none.detail().contains("Authorization: Bearer"));
    // A token's beginning, and its name, are no token.
    for wrong in ["token-admin", "admin-x", "TOKEN_ADMIN"] {
        assert_eq!(served.ask("GET", "/api/v1/status", wrong).status, 401);
    }
    assert_eq!(served.ask("GET", "/api/v1/status", "vic").status, 200);
    for n in 0..7 {
        assert_eq!(
            served.ask("GET", "/events", &format!("guess-{n}")).status,
            401
        );
    }
    // The right one is not looked at either: a guess must not be told from a miss.
    let blocked = served.ask("GET", "/api/v1/status", "vic");
    assert_eq!(blocked.status, 429);
    let wait: u64 = blocked.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert!(blocked.detail().contains("wrong tokens"));
    assert_eq!(served.ask("GET", "/healthz", "").status, 200);
    served.process.terminate();
    assert!(served.process.wait().success());
    let log = served.process.stderr();
    assert!(log.contains("too many wrong tokens"), "{log}");
    assert!(!log.contains("guess-"), "a token is in the log");
}

#[test]
fn behind_a_proxy_each_client_waits_for_its_own_failures() {
    let world = World::new();
    world.edit(|text| {
        let seen = "[daemon]\npublic_url = \"https://camsync.example.com\"";
        text.replace("[daemon]", seen) + CONSOLE
    });
    let served = serving(&world);
    let from = |who: &str, forwarded: &'static str| {
        let answer = served.ask_with("GET", "/api/v1/status", who, |r| {
            r.header("x-forwarded-for", forwarded)
        });
        answer.status
    };
    for _ in 0..10 {
        // What the client itself put first is not believed.
        assert_eq!(from("wrong", "198.51.100.9, 203.0.113.7"), 401);
    }
    assert_eq!(from("vic", "203.0.113.7"), 429);
    assert_eq!(from("vic", "198.51.100.9"), 200);
}

#[test]
fn without_a_token_in_the_configuration_nobody_is_let_in() {
    let world = World::new();
    let served = serving(&world);
    for who in ["", "admin", "anything"] {
        let answer = served.ask("GET", "/api/v1/status", who);
        assert_eq!(answer.status, 401);
        assert!(
            answer.detail().contains("admin_token"),
            "{}",
            answer.detail()
        );
    }
    assert_eq!(served.ask("GET", "/events", "").status, 401);
}

const TWO: &str = "[console]\ntwo_person_approval = true";

fn two_person() -> World {
    let world = guarded(&CONSOLE.replace("[console]", TWO));
    absent(&world, 1..=5);
    world.sync();
    world
}

#[test]
fn where_two_people_must_approve_the_first_is_recorded_and_the_second_starts_it() {
    let world = two_person();
    let served = serving(&world);
    let id = held(&served, "absent");
    let approve = format!("/api/v1/plans/{id}/approve");
    assert_eq!(
        served.get("/api/v1/plans")["plans"][0]["approvals_missing"],
        2
    );
    let first = served.post(&approve, "ann");
    assert_eq!(first["plan"]["status"], "held");
    assert_eq!(first["plan"]["first_approval"]["by"], "api:ann");
    assert_eq!(first["plan"]["approvals_missing"], 1);
    assert!(world.signs_in("m1"), "one approval is not enough");
    let again = served.ask("POST", &approve, "ann");
    assert_eq!(again.status, 409);
    assert!(
        again.detail().contains("second person"),
        "{}",
        again.detail()
    );
    // A pass in between forgets nothing.
    world.sync();
    let shown = text(&world.run(&["plans", "show", &id.to_string()]).stdout);
    assert!(
        shown.contains("api:ann") && shown.contains("second"),
        "{shown}"
    );
    let second = served.post(&approve, "ben");
    assert_eq!(second["plan"]["approvals_missing"], 0);
    assert_eq!(second["plan"]["decided_by"], "api:ben");
    assert_eq!(second["plan"]["first_approval"]["by"], "api:ann");
    until("the removals are applied", || world.signing_in(1..=5) == 0);
    let audit = served.get("/api/v1/audit?limit=0").to_string();
    assert!(audit.contains("plan.first_approval"));
}

#[test]
fn a_command_counts_as_a_person_and_the_same_person_only_once() {
    let world = two_person();
    let id = world.held()["id"].to_string();
    world.does(&["plans", "approve", &id]);
    assert_eq!(
        world.plan_status(&Value::from(id.parse::<i64>().unwrap())),
        "held"
    );
    let said = world.refuses(&["plans", "approve", &id]);
    assert!(said.contains("second person"), "{said}");
    let served = serving(&world);
    let approve = format!("/api/v1/plans/{id}/approve");
    assert_eq!(
        served.ask("POST", &approve, "tester").status,
        409,
        "cli:tester is api:tester"
    );
    served.post(&approve, "ann");
    until("the removals are applied", || world.signing_in(1..=5) == 0);
}

#[test]
fn a_first_approval_ends_after_a_day() {
    let world = two_person();
    let id = world.held()["id"].to_string();
    world.does(&["plans", "approve", &id]);
    world
        .ledger()
        .execute(
            "UPDATE plans SET first_approval_at = '2020-01-01T00:00:00.000Z'",
            [],
        )
        .unwrap();
    assert_eq!(world.held()["approvals_missing"], 2);
    let served = serving(&world);
    let first = served.post(&format!("/api/v1/plans/{id}/approve"), "ann");
    assert_eq!(first["plan"]["status"], "held");
    assert_eq!(first["plan"]["first_approval"]["by"], "api:ann");
}

#[test]
fn what_takes_long_goes_on_when_nobody_waits_for_it() {
    let world = guarded(CONSOLE);
    let served = serving(&world);
    world.wecom.add_member("late", "后到", &[1]);
    let answer = served.ask("POST", "/api/v1/sources/acme/sync?wait=0", "admin");
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body["running"], true);
    let document = served.get("/api/v1/openapi.json");
    assert_fits(
        &document,
        &document["components"]["schemas"]["running"],
        &answer.body,
    );
    until("the pass has its effect", || {
        world.cam.user("late").is_some()
    });
}
