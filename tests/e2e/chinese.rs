//! Chinese on the terminal: no English sentence is left, and JSON is the same whatever the reader's language.

use camsync_simulators::cam::UserKind;
use camsync_simulators::{When, cam, wecom};

use crate::world::{Wish, World, text};

/// What WeCom and CAM say stays in their own words.
const PROVIDERS_WORDS: [&str; 2] = ["userid not found", "An injected fault."];

/// Runs of three and more Latin words, which is what an English sentence is made of. What is quoted to be typed
/// (`...`), conditions and addresses are no sentences.
fn english(said: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in said.lines() {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("。");
        let mut run: Vec<&str> = Vec::new();
        for word in plain.split(' ').chain([""]) {
            let bare = word.trim_end_matches([',', ':', ';', '.']);
            let latin =
                !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphabetic() || c == '\'');
            if latin {
                run.push(word);
                continue;
            }
            let said = run.join(" ");
            if run.len() >= 3 && run[0] != "camsync" && !PROVIDERS_WORDS.contains(&said.as_str()) {
                found.push(said);
            }
            run.clear();
        }
    }
    found
}

/// A world with leavers, a held plan, conflicts, a failure, drift and a change that waits.
fn eventful() -> World {
    let world = World::with(Wish {
        rules: Some(
            r#"
[[admit]]
when = "member.name == 'guest'"
enroll = "exclude"

[[admit]]
when = "member.status == 'active'"
remark = "{{ member.name }}"
username = "{{ member.name if member.name in ['same', 'stranger'] else member.username }}"
"#
            .into(),
        ),
        ..Wish::default()
    });
    world.cam.add_user("stranger", UserKind::SubUser);
    world.join(1..=12);
    world.wecom.add_member("s1", "same", &[1]);
    world.wecom.add_member("s2", "same", &[1]);
    world.wecom.add_member("s3", "stranger", &[1]);
    world.wecom.add_department(2, "研发", 1);
    world.cam.inject(
        When::action("AddUser").key("m12"),
        cam::Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    world.run(&["sync"]);
    world.leave(1..=5);
    world.wecom.set_status("m6", wecom::Status::Disabled);
    world.does(&["members", "protect", "m7"]);
    world.does(&["members", "suspend", "m8"]);
    world.cam.set_sign_in("m9", false).unwrap();
    world.run(&["sync"]);
    world
}

#[test]
fn reading_commands_are_chinese_and_their_json_is_neutral() {
    let world = eventful();
    let mut commands: Vec<Vec<String>> = [
        "status",
        "sources list",
        "sources show acme",
        "members list",
        "changes list",
        "plans list",
        "plans show 1",
        "connector list",
        "audit",
        "plan",
    ]
    .iter()
    .map(|line| line.split(' ').map(str::to_owned).collect())
    .collect();
    for id in ["m1", "m6", "m7", "m8", "m9", "m10", "m12", "s1", "s3"] {
        for verb in ["show", "explain"] {
            commands.push(vec!["members".into(), verb.into(), id.into()]);
        }
    }
    for change in world.changes() {
        commands.push(vec![
            "changes".into(),
            "show".into(),
            change["id"].to_string(),
        ]);
    }
    let mut wrong = Vec::new();
    for command in &commands {
        let run = |extra: &[&str]| {
            let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
            words.extend(extra);
            world.run(&words)
        };
        let drawn = run(&["--lang", "zh"]);
        let said = text(&drawn.stdout) + &text(&drawn.stderr);
        assert!(drawn.status.success(), "{command:?}: {said}");
        for sentence in english(&said) {
            wrong.push(format!("{command:?}: {sentence}"));
        }
        if command.len() > 1 {
            let documents = ["zh", "en"].map(|l| text(&run(&["--json", "--lang", l]).stdout));
            let [zh, en] = documents.map(|d| without_next_crawl(&d));
            assert_eq!(zh, en, "{command:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The one time in these documents that the moment of asking may change.
fn without_next_crawl(document: &str) -> String {
    let lines = document
        .lines()
        .filter(|line| !line.contains("\"next_crawl\""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sentences_of_explain_and_the_reasons_are_said_in_chinese() {
    let world = eventful();
    let zh = |words: &[&str]| {
        let mut all = vec!["--lang", "zh"];
        all.extend(words);
        text(&world.run(&all).stdout)
    };
    let shows = |words: &[&str], parts: &[&str]| {
        let said = zh(words);
        for part in parts {
            assert!(said.contains(part), "{words:?} lacks {part}: {said}");
        }
    };
    shows(
        &["members", "explain", "m1"],
        &["起不在快照中", "受管", "移除等待批准（已消失）"],
    );
    shows(
        &["members", "explain", "m6"],
        &["已被禁用", "停用（提供方告知）", "之后可被删除"],
    );
    shows(
        &["members", "explain", "m8"],
        &["由人停用", "由 cli:tester 要求"],
    );
    shows(&["members", "explain", "m9"], &["控制台登录被他人关闭"]);
    shows(
        &["members", "explain", "m12"],
        &["变更", "新建子用户", "失败"],
    );
    shows(&["members", "show", "s1"], &["冲突", "也需要用户名 same"]);
    shows(
        &["members", "show", "s3"],
        &["用户名 stranger 已属于账号", "不由 camsync 管理"],
    );
    shows(
        &["plans", "show", "1"],
        &["停用子用户", "完整拉取中没有此人"],
    );
    shows(&["plan"], &["待批准", "等待"]);
}

#[test]
fn refusals_are_chinese_on_the_terminal_and_english_in_json() {
    let world = World::new();
    world.join(1..=1);
    world.sync();
    let cases: &[(&[&str], &str, &str)] = &[
        (
            &["members", "show", "nobody"],
            "快照中没有名为",
            "nobody in a snapshot",
        ),
        (
            &["changes", "show", "99"],
            "没有变更 99",
            "there is no change 99",
        ),
        (
            &["changes", "retry", "1"],
            "变更 1 已完成",
            "change 1 is applied",
        ),
        (
            &["plans", "approve", "9"],
            "没有计划 9",
            "there is no plan 9",
        ),
        (
            &["sources", "show", "acmee"],
            "您是指 `acme` 吗",
            "did you mean `acme`?",
        ),
        (
            &["members", "list", "--status", "lef"],
            "您是指 `left` 吗",
            "did you mean `left`?",
        ),
        (
            &["backup", "camsync.toml"],
            "已存在",
            "exists; name a new file",
        ),
        (
            &["restore", "absent.db"],
            "还没有台账",
            "there is no ledger yet",
        ),
    ];
    for (words, zh, en) in cases {
        let mut all = words.to_vec();
        all.extend(["--lang", "zh", "--json"]);
        let output = world.run(&all);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(err.contains(zh), "{words:?}: {err}");
        assert_eq!(english(&err), Vec::<String>::new(), "{words:?}: {err}");
        assert!(out.contains(en), "{words:?}: {out}");
    }
}

#[test]
fn a_decision_that_cam_stops_comes_with_the_remedy_in_both_languages() {
    let world = World::new();
    world.join(1..=12);
    world.sync();
    world.leave(1..=5);
    world.sync();
    let plan = world.held()["id"].to_string();
    world.cam.inject(
        When::action("AddUser").key("m13"),
        cam::Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    world.join(13..=13);
    world.sync_fails();
    let failed = world.changes_of("m13")[0]["id"].to_string();
    world.deny(&["GetUserAppId"]);
    let commands: [&[&str]; 4] = [
        &["changes", "retry", &failed],
        &["plans", "approve", &plan],
        &["members", "resume", "m8"],
        &["members", "suspend", "m9"],
    ];
    let statement = r#"{"effect":"allow","action":["cam:GetUserAppId"],"resource":["*"]}"#;
    for words in commands {
        for (language, remedy) in [
            ("zh", "→ 在密钥所属子用户的策略中加入："),
            ("en", "→ add to the policy of the key's sub-user: "),
        ] {
            let mut all = vec!["--lang", language];
            all.extend(words);
            let said = world.refuses(&all);
            // The first of the two has decided: what is left is refused for that.
            let decided = ["only a held plan", "only failed and held ones"];
            if language == "en" && decided.iter().any(|words| said.contains(words)) {
                continue;
            }
            assert!(
                said.contains(remedy) && said.contains(statement),
                "{all:?}: {said}"
            );
        }
    }
    world.does(&["freeze"]);
    let said = world.refuses(&["--lang", "zh", "thaw"]);
    assert!(said.contains(statement), "{said}");
    world.deny(&["UpdateUser"]);
    let said = world.refuses(&["--lang", "zh", "members", "suspend", "m9"]);
    assert!(
        said.contains("停用 m9 已记录") && said.contains("cam:UpdateUser"),
        "{said}"
    );
}
