//! Input from outside that is changed here and there: bodies and paths of the API, and a ledger from the disk. A mutational
//! fuzzer without coverage, through the real binary, beside `api_body` and `ledger_row` in `tests/fuzz`: the same few hundred each
//! time, and as many as fit into CAMSYNC_FUZZ seconds where that is set (`make fuzz`).

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;

use crate::http::{CONSOLE, serving};
use crate::tools::{Dice, Tuning, world};
use crate::world::{World, text};

/// Calls `once` so many times, or for as long as is asked for; how many times it was.
#[allow(
    clippy::print_stderr,
    reason = "how far a fuzzer came is what it is run for"
)]
fn again_and_again(times: u32, mut once: impl FnMut(&mut Dice)) -> u32 {
    let seconds = std::env::var("CAMSYNC_FUZZ").ok();
    let seconds = seconds
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    let began = Instant::now();
    // Another beginning each time where it goes on for long, and it is told.
    let seed = seconds.map_or(7, |_| u64::from(std::process::id()));
    let mut dice = Dice(seed);
    let mut done = 0;
    while seconds.map_or(done < times, |limit| began.elapsed() < limit) {
        once(&mut dice);
        done += 1;
    }
    eprintln!("{done} times from seed {seed} in {:?}", began.elapsed());
    done
}

fn pick<T: Clone>(dice: &mut Dice, from: &[T]) -> T {
    let at = dice.below(from.len() as u64);
    from[usize::try_from(at).unwrap()].clone()
}

/// A text with one thing in it changed.
fn changed(dice: &mut Dice, from: &str) -> String {
    let chars: Vec<char> = from.chars().collect();
    let at = usize::try_from(dice.below(chars.len() as u64 + 1)).unwrap();
    let (before, after) = chars.split_at(at);
    let put = pick(
        dice,
        &[
            "",
            "\"",
            "\\",
            "%00",
            "%",
            "\u{202e}",
            "'",
            "-1",
            "18446744073709551616",
            "null",
            "{",
            "[[[[",
            "../",
            "&&",
            "=",
            "\u{0}",
            "长",
            "0",
            "?",
            ";",
        ],
    );
    let skip = usize::try_from(dice.below(4)).unwrap().min(after.len());
    before.iter().collect::<String>() + put + &after[skip..].iter().collect::<String>()
}

/// Whatever is asked of the API, it answers: never that it broke (a status of the 500s), never nothing.
#[test]
fn whatever_the_api_is_sent_it_answers() {
    let world = world(&Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        extra: CONSOLE.into(),
        ..Tuning::default()
    });
    world.join(1..=4);
    world.sync();
    let mut served = serving(&world);
    let asked = [
        ("GET", "/api/v1/status", ""),
        (
            "GET",
            "/api/v1/members?limit=10&source=acme&status=active",
            "",
        ),
        ("GET", "/api/v1/members/m1", ""),
        ("GET", "/api/v1/members/m1/explain?language=zh", ""),
        (
            "GET",
            "/api/v1/changes?since=2024-01-01T00:00:00Z&limit=3",
            "",
        ),
        ("GET", "/api/v1/changes/1", ""),
        ("GET", "/api/v1/plans/1", ""),
        ("GET", "/api/v1/audit?limit=5", ""),
        ("POST", "/api/v1/members/m2/protect?off=true", ""),
        ("POST", "/api/v1/members/m3/suspend", ""),
        ("POST", "/api/v1/plans/1/approve?wait=0", ""),
        (
            "POST",
            "/api/v1/applications/1/deny",
            r#"{"reason":"因为"}"#,
        ),
        ("POST", "/api/v1/sources/acme/pause", ""),
        ("POST", "/api/v1/sources/acme/resume", ""),
        (
            "POST",
            "/webhooks/acme?msg_signature=0&timestamp=1&nonce=2",
            "<xml><Encrypt>AA==</Encrypt></xml>",
        ),
        ("POST", "/portal/api/application", r#"{"reason":"请"}"#),
        ("GET", "/portal/acme/callback?code=x&state=y", ""),
    ];
    let mut refused = 0;
    let done = again_and_again(600, |dice| {
        let (method, path, body) = pick(dice, &asked);
        let method = pick(dice, &[method, method, method, "PUT", "DELETE", "POST"]);
        let (mut path, mut body) = (path.to_owned(), body.to_owned());
        for _ in 0..=dice.below(3) {
            if dice.below(2) == 0 || body.is_empty() {
                path = changed(dice, &path);
            } else {
                body = changed(dice, &body);
            }
        }
        // What is no address for a client cannot be sent by this one.
        let Ok(url) = reqwest::Url::parse(&served.url(&path)) else {
            return;
        };
        let path = url[url::Position::BeforePath..].to_owned();
        let who = pick(dice, &["admin", "admin", "vic"]);
        let answer = served.ask_with(method, &path, who, |request| {
            request
                .header("content-type", "application/json")
                .timeout(crate::tools::PATIENCE)
                .body(body.clone())
        });
        assert!(
            answer.status < 500,
            "{method} {path} {body}: {} {}",
            answer.status,
            answer.body
        );
        refused += u32::from(answer.status >= 400);
    });
    assert!(refused > done / 4, "only {refused} of {done} were refused");
    assert!(served.process.ended().is_none());
    assert_eq!(served.ask("GET", "/readyz", "").status, 200);
    let log = served.process.stderr();
    assert!(!log.contains("panicked"), "{log}");
}

/// What a cell may hold that nobody ever wrote there.
fn nonsense(dice: &mut Dice, was: &Value) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    if let Value::Text(was) = was
        && dice.below(2) == 0
    {
        return Value::Text(changed(dice, was));
    }
    pick(
        dice,
        &[
            Value::Null,
            Value::Integer(-1),
            Value::Integer(i64::MAX),
            Value::Integer(0),
            Value::Real(0.5),
            Value::Blob(vec![0xff, 0xfe, 0]),
            text(""),
            text("nonsense"),
            text("{}"),
            text("[]"),
            text("[[[[[["),
            text("9999-12-31T23:59:59.999Z"),
            text("0000-00-00T00:00:00Z"),
            text("\u{1b}[2J\u{202e}"),
        ],
    )
}

/// Changes a cell or two of a ledger, past all of its constraints; what was changed.
fn tamper(dice: &mut Dice, file: &Path) -> String {
    let ledger = rusqlite::Connection::open(file).unwrap();
    ledger
        .execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;")
        .unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = ledger.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let tables =
        names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let mut told = String::new();
    for _ in 0..=dice.below(2) {
        let table = pick(dice, &tables);
        let column = pick(
            dice,
            &names(&format!("SELECT name FROM pragma_table_info('{table}')")),
        );
        let cell = format!("SELECT rowid, \"{column}\" FROM \"{table}\" ORDER BY random() LIMIT 1");
        let found = ledger.query_row(&cell, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Value>(1)?))
        });
        let Ok((row, was)) = found else { continue };
        let now = nonsense(dice, &was);
        let update = format!("UPDATE \"{table}\" SET \"{column}\" = ?1 WHERE rowid = ?2");
        // A column that must be unique, or a table that takes no such value, keeps what it had.
        if ledger.execute(&update, rusqlite::params![now, row]).is_ok() {
            told += &format!("{table}.{column}: {was:?} -> {now:?}; ");
        }
    }
    told
}

const READING: [&[&str]; 8] = [
    &["status"],
    &["members", "list", "--limit", "0"],
    &["members", "explain", "m1"],
    &["changes", "list", "--limit", "0"],
    &["plans", "list"],
    &["sources", "show", "acme"],
    &["audit", "--limit", "0"],
    &["applications", "list"],
];

/// A ledger that somebody edited, or that a disk has changed, is read or refused in words (exit status 1); nothing panics.
#[test]
fn whatever_a_ledger_holds_it_is_read_or_refused() {
    let world = World::new();
    world.wecom.add_department(2, "研发", 1);
    world.join(1..=4);
    world.sync();
    world.leave(4..=4);
    world.sync();
    let ledger = world.data_dir().join("camsync.db");
    let good = world.dir.path().join("good.db");
    world.does(&["backup", "good.db"]);
    let mut refused = 0;
    let done = again_and_again(150, |dice| {
        for file in ["camsync.db-wal", "camsync.db-shm"] {
            let _ = std::fs::remove_file(world.data_dir().join(file));
        }
        std::fs::copy(&good, &ledger).unwrap();
        let told = if dice.below(4) == 0 {
            let mut bytes = std::fs::read(&ledger).unwrap();
            let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
            bytes[at] ^= 1 << dice.below(8);
            std::fs::write(&ledger, bytes).unwrap();
            format!("byte {at}")
        } else {
            tamper(dice, &ledger)
        };
        let mut command = pick(dice, &READING).to_vec();
        if dice.below(2) == 0 {
            command.push("--json");
        }
        let output = world.run(&command);
        let said = text(&output.stderr);
        let fine = output.status.code().is_some_and(|code| code < 2);
        assert!(
            fine && !said.contains("panicked"),
            "{told}{command:?}: {said}"
        );
        if !output.status.success() {
            refused += 1;
            assert!(
                // A chain that is broken is told with the rows.
                said.contains("error") || command[0] == "audit",
                "{told}{command:?}: {said}"
            );
        }
    });
    assert!(
        refused > 0 && refused < done,
        "{refused} of {done} were refused"
    );
}
