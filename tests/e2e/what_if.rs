//! What-if: other rules against the stored snapshot, without asking the provider and without writing anything.

use serde_json::Value;

use crate::world::{EVERYONE, SECRETS, World, json, text};

const NOT_M1: &str = "
[[admit]]
when = \"member.id == 'm1'\"
enroll = \"exclude\"
[[admit]]
when = \"member.status == 'active'\"
remark = \"{{ member.name }}\"
";

/// Three members with sub-users; other rules in `new.toml`.
fn known() -> World {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    let current = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    std::fs::write(
        world.dir.path().join("new.toml"),
        current.replace(EVERYONE, NOT_M1),
    )
    .unwrap();
    world
}

fn changes(document: &Value) -> Vec<(String, String)> {
    let rows = document["changes"].as_array().unwrap().iter();
    rows.map(|c| {
        let word = |key: &str| c[key].as_str().unwrap().to_owned();
        (word("kind"), word("username"))
    })
    .collect()
}

/// All rows of the ledger that anybody could mind.
fn rows(world: &World) -> String {
    let ledger = world.ledger();
    let mut said = String::new();
    for table in [
        "sources",
        "crawls",
        "members",
        "sub_users",
        "changes",
        "plans",
        "audit",
        "meta",
    ] {
        let mut statement = ledger.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                said += &format!("{:?}|", row.get_ref(column).unwrap());
            }
            said.push('\n');
        }
    }
    said
}

#[test]
fn other_rules_are_tried_on_the_stored_snapshot_and_nothing_is_asked_or_written() {
    let world = known();
    // What the provider would say now is of no interest.
    world.join(4..=4);
    let (before, asked) = (rows(&world), world.wecom.log().len());
    let writes = world.cam.writes().len();
    let document = world.read(&["plan", "--with", "new.toml"]);
    assert_eq!(changes(&document), [("suspend_user".into(), "m1".into())]);
    assert_eq!(document["changes"][0]["evidence"], "excluded");
    assert!(
        document["what_if"]["config"]
            .as_str()
            .unwrap()
            .ends_with("new.toml")
    );
    assert_eq!(document["what_if"]["cloud_read"], true);
    assert_eq!(document["what_if"]["snapshots"][0]["source"], "acme");
    assert!(document["what_if"]["snapshots"][0]["taken_at"].is_string());
    assert_eq!(world.wecom.log().len(), asked, "the provider was asked");
    assert_eq!(world.cam.writes().len(), writes);
    assert_eq!(rows(&world), before, "something was written");
    // The rules in force are what they were.
    assert_eq!(
        changes(&world.read(&["plan"])),
        [("create_user".into(), "m4".into())]
    );
}

#[test]
fn config_behind_plan_means_the_same_where_there_is_a_ledger_to_compare_with() {
    let world = known();
    for words in [
        &["plan", "--config", "new.toml"][..],
        &["plan", "--config=new.toml"],
        &["-c", "camsync.toml", "plan", "--config", "new.toml"],
        &["plan", "--config", "new.toml", "-c", "camsync.toml"],
    ] {
        let document = world.read(words);
        assert_eq!(changes(&document).len(), 1, "{words:?}");
        assert!(document["what_if"].is_object(), "{words:?}");
    }
    // Its own configuration is no other one, and neither is one with a ledger of its own.
    let own = world.read(&["plan", "--config", "camsync.toml"]);
    assert!(own["what_if"].is_null());
    std::fs::create_dir(world.dir.path().join("other")).unwrap();
    let text = std::fs::read_to_string(world.dir.path().join("new.toml")).unwrap();
    std::fs::write(world.dir.path().join("other/camsync.toml"), text).unwrap();
    world.does(&["-c", "other/camsync.toml", "plan"]);
    let theirs = world.read(&["plan", "--config", "other/camsync.toml"]);
    assert!(theirs["what_if"].is_null());
}

#[test]
fn without_a_ledger_config_behind_plan_is_the_configuration() {
    let world = World::new();
    world.join(1..=2);
    let text = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    std::fs::write(world.dir.path().join("new.toml"), text).unwrap();
    let document = world.read(&["plan", "--config", "new.toml"]);
    assert!(document["what_if"].is_null());
    assert_eq!(changes(&document).len(), 2);
}

#[test]
fn it_works_without_the_sources_secret_and_says_when_the_cloud_was_not_read() {
    let world = known();
    let run = |without: &[&str]| {
        let mut command = world.command(&["plan", "--with", "new.toml", "--json"]);
        for name in without {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        json(&output)
    };
    assert_eq!(run(&[SECRETS[0].0])["what_if"]["cloud_read"], true);
    let blind = run(&[SECRETS[0].0, SECRETS[1].0]);
    assert_eq!(blind["what_if"]["cloud_read"], false);
    assert!(blind["what_if"]["cloud_error"].is_string());
    assert_eq!(changes(&blind), [("suspend_user".into(), "m1".into())]);
    let output = world
        .command(&["plan", "--with", "new.toml"])
        .env_remove(SECRETS[1].0)
        .output()
        .unwrap();
    assert!(text(&output.stdout).contains("CAM could not be read"));
}

#[test]
fn a_broken_file_is_refused_and_exit_statuses_are_a_plans() {
    let world = known();
    std::fs::write(
        world.dir.path().join("broken.toml"),
        "[[admit]]\nwhen = \"(\"\n",
    )
    .unwrap();
    let code = |words: &[&str]| world.run(words).status.code();
    assert_eq!(code(&["plan", "--with", "broken.toml"]), Some(2));
    assert_eq!(
        code(&["plan", "--with", "broken.toml", "--detailed-exitcode"]),
        Some(1)
    );
    assert_eq!(code(&["plan", "--with", "absent.toml"]), Some(2));
    assert_eq!(
        code(&["plan", "--with", "new.toml", "--detailed-exitcode"]),
        Some(2)
    );
    assert_eq!(
        code(&["plan", "--with", "camsync.toml", "--detailed-exitcode"]),
        Some(0)
    );
    assert_eq!(
        code(&["plan", "--with", "new.toml", "--out", "x.json"]),
        Some(2)
    );
}

#[test]
fn a_source_that_was_never_crawled_is_said_to_be_unknown() {
    let world = known();
    let file = world.dir.path().join("new.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("name = \"acme\"", "name = \"beta\"")).unwrap();
    let document = world.read(&["plan", "--with", "new.toml"]);
    assert_eq!(changes(&document), [], "acme is frozen, beta unknown");
    assert!(document["what_if"]["snapshots"][0]["taken_at"].is_null());
}

#[test]
fn the_daemon_that_runs_answers_too() {
    let world = known();
    let mut daemon = crate::tools::daemon(&world);
    crate::tools::wait_for_socket(&world, &mut daemon);
    let document = world.read(&["plan", "--with", "new.toml"]);
    assert!(changes(&document).contains(&("suspend_user".into(), "m1".into())));
    daemon.terminate();
    daemon.wait();
}

/// Every path that the manual's policy reads is there in a real plan.
#[test]
fn the_policy_in_the_manual_reads_what_a_plan_holds() {
    let page = include_str!("../../docs/plan.md");
    let from = page.find("```rego").unwrap();
    let policy = &page[from..page[from..].rfind("```").map(|at| from + at).unwrap()];
    let world = known();
    world.join(4..=4);
    let ordinary = world.read(&["plan"]);
    // A rule that fails on a member makes a problem.
    world.edit(|text| {
        text.replace(
            "[[admit]]",
            "[[admit]]\nwhen = \"member.tags[0] == 'x'\"\n[[admit]]",
        )
    });
    world.does(&["plan", "--out", "reviewed.json"]);
    let written = std::fs::read(world.dir.path().join("reviewed.json")).unwrap();
    let failing: Value = serde_json::from_slice(&written).unwrap();
    let what_if = world.read(&["plan", "--with", "new.toml"]);
    let mut read = 0;
    for (name, of) in [
        ("input", ""),
        ("change", "/changes/0"),
        ("problem", "/problems/0"),
    ] {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        for at in policy.match_indices(&format!("{name}.")).map(|(at, _)| at) {
            if policy[..at].ends_with(word) {
                continue;
            }
            let path: String = policy[at..].chars().take_while(|c| word(*c)).collect();
            let path = path
                .trim_end_matches('.')
                .replacen(name, of, 1)
                .replace('.', "/");
            read += 1;
            assert!(
                [&what_if, &failing, &ordinary]
                    .iter()
                    .any(|d| d.pointer(&path).is_some()),
                "{path} is in no plan: {what_if:#}"
            );
        }
    }
    assert!(read > 12, "only {read} paths were found");
}
