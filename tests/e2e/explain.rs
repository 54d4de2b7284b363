//! `members explain`: every case has its answer, in words and as kind and fields.

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, Quotas, UserKind};
use camsync_simulators::wecom::{Status, VisibleRange};
use serde_json::Value;

use crate::world::{EVERYONE, Wish, World};

fn explain(world: &World, id: &str) -> Value {
    world.read(&["members", "explain", id])["member"].clone()
}

/// What the sentence of this kind holds, and that the words go with it.
fn says(member: &Value, kind: &str, words: &str) -> Value {
    let details = member["answer_details"].as_array().unwrap();
    let at = details.iter().position(|d| d["says"] == kind);
    let at = at.unwrap_or_else(|| panic!("no {kind}: {member:#}"));
    let sentence = member["answer"][at].as_str().unwrap();
    assert!(sentence.contains(words), "{sentence}");
    details[at].clone()
}

/// The problem of this kind among the answer's.
fn problem(member: &Value, kind: &str, words: &str) -> Value {
    let details = member["answer_details"].as_array().unwrap();
    let found = details
        .iter()
        .filter(|d| d["says"] == "problem")
        .find(|d| d["details"].to_string().contains(kind));
    let found = found.unwrap_or_else(|| panic!("no {kind}: {member:#}"));
    assert!(member["answer"].to_string().contains(words), "{member:#}");
    found["details"].clone()
}

fn line_of(world: &World, text: &str) -> u64 {
    let file = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    let at = file.find(text).unwrap();
    u64::try_from(file[..at].matches('\n').count() + 1).unwrap()
}

#[test]
fn admitted_excluded_unmatched_disabled_and_by_which_line() {
    let world = World::with(Wish {
        rules: Some(
            "[[admit]]\nwhen = \"member.id == 'm1'\"\nenroll = \"exclude\"\n\
             [[admit]] # those of 成员2 and on\nwhen = \"member.id != 'm3'\"\n"
                .into(),
        ),
        ..Wish::default()
    });
    world.join(1..=4);
    world.wecom.set_status("m4", Status::Disabled);
    world.sync();
    let excluded = explain(&world, "m1");
    let said = says(&excluded, "excluded", "excludes m1");
    assert_eq!(
        said["rule"],
        line_of(&world, "[[admit]]\nwhen = \"member.id == 'm1'\"")
    );
    assert_eq!(excluded["rule_at"]["line"], said["rule"]);
    assert_eq!(excluded["rule_at"]["when"], "member.id == 'm1'");
    says(&excluded, "no_sub_user", "There is no sub-user");
    let admitted = explain(&world, "m2");
    let said = says(&admitted, "admitted", "calls for the sub-user m2");
    assert_eq!(said["rule"], line_of(&world, "[[admit]] # those"));
    says(&admitted, "managed", "is managed");
    says(
        &explain(&world, "m3"),
        "unmatched",
        "No admit rule matches m3",
    );
    says(
        &explain(&world, "m4"),
        "disabled",
        "disabled at the provider",
    );
}

#[test]
fn not_in_the_visible_range_any_more_and_held_for_approval() {
    let world = World::new();
    world.wecom.add_department(2, "研发", 1);
    world.wecom.add_department(3, "销售", 1);
    world.wecom.add_member("m1", "成员1", &[2]);
    world.wecom.add_member("m2", "成员2", &[3]);
    world.sync();
    world.wecom.set_range(VisibleRange::departments(&[3]));
    world.sync();
    let member = explain(&world, "m1");
    says(&member, "missing", "m1 is not in the snapshot");
    let said = says(&member, "out_of_range", "no longer in the visible range");
    assert_eq!(said["lost"][0], "department:2");
    problem(&member, "\"hidden\"", "removal held for approval (hidden)");
    says(&member, "managed", "is managed");
    // One who is there has nothing of it.
    assert!(
        !explain(&world, "m2")["answer_details"]
            .to_string()
            .contains("out_of_range")
    );
}

#[test]
fn in_conflict() {
    let world = World::new();
    let uin = world.cam.add_user("m1", UserKind::SubUser);
    world.join(1..=1);
    world.sync();
    let member = explain(&world, "m1");
    let said = problem(&member, "name_taken", "is taken by the account m1");
    assert!(said.to_string().contains(&uin.to_string()), "{said}");
    says(&member, "no_sub_user", "There is no sub-user");
}

#[test]
fn held_for_a_quota() {
    let world = World::with(Wish {
        cam: Some(Options {
            quotas: Quotas {
                users: 1,
                ..Quotas::default()
            },
            ..Options::default()
        }),
        ..Wish::default()
    });
    world.join(1..=1);
    world.sync();
    world.join(2..=2);
    world.run(&["sync"]);
    world.run(&["sync"]);
    let member = explain(&world, "m2");
    says(&member, "wanted", "is to be created");
    problem(&member, "sub_users", "the quota of sub_users is full");
}

#[test]
fn waiting_for_an_approval_and_suspended_until_when() {
    let world = World::new();
    world.join(1..=20);
    world.sync();
    world.leave(1..=4);
    world.sync();
    let held = explain(&world, "m1");
    problem(&held, "\"absent\"", "removal held for approval (absent)");
    assert_eq!(held["witness"]["answer"], "gone");
    world.approve(&world.held());
    let member = explain(&world, "m1");
    let said = says(&member, "suspended", "is suspended (absent) since");
    let at = |key: &str| {
        let text = said[key].as_str().unwrap_or_else(|| panic!("{said}"));
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    assert_eq!((at("delete_after") - at("since")).num_days(), 30);
    assert!(
        member["answer"]
            .to_string()
            .contains("may be deleted after")
    );
    world.configure("[leavers]\ndelete_after = \"never\"\n", EVERYONE);
    let said = says(&explain(&world, "m1"), "suspended", "is suspended");
    assert!(said["delete_after"].is_null());
    // By a person, and exempt.
    world.does(&["members", "suspend", "m9"]);
    says(
        &explain(&world, "m9"),
        "stopped",
        "was suspended by a person",
    );
    world.does(&["members", "protect", "m10"]);
    says(
        &explain(&world, "m10"),
        "protected",
        "protected from every removal",
    );
}

#[test]
fn failing_and_why() {
    let world = World::new();
    world.cam.inject(
        When::action("AddUser").key("m1"),
        Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    world.join(1..=1);
    world.run(&["sync"]);
    let member = explain(&world, "m1");
    let said = problem(
        &member,
        "InvalidParameter.UserNameIllegal",
        "UserNameIllegal",
    );
    assert!(said.to_string().contains("request_id"), "{said}");
    assert_eq!(member["changes"][0]["status"], "failed");
    // A rule that fails on somebody decides nothing.
    world.configure("", "[[admit]]\nwhen = \"member.tags[0] == 'x'\"\n");
    world.run(&["sync"]);
    says(&explain(&world, "m1"), "rule_failed", "fails on m1");
}

#[test]
fn unlinked_and_what_became_of_the_sub_user() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.does(&["unlink", "acme", "--suspend", "--yes"]);
    let member = explain(&world, "m1");
    let said = says(&member, "unlinked", "was unlinked by cli:tester");
    assert_eq!(said["source"], "acme");
    let said = says(&member, "suspended", "is suspended (asked)");
    assert!(said["delete_after"].is_null(), "nobody is deleted: {said}");
    // No rule counts any more.
    assert!(
        !member["answer_details"]
            .to_string()
            .contains("\"admitted\"")
    );
    world.does(&["unlink", "acme", "--keep", "--yes"]);
    says(&explain(&world, "m1"), "released", "not managed any more");
}
