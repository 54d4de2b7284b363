//! Privilege: no rule, name or adoption gives rights that administer unless the configuration names them literally.

use serde_json::json;

use crate::grants::{granting, groups, join, policies, regrant};
use crate::world::World;

const EVERYTHING: &str =
    r#"{"version":"2.0","statement":[{"effect":"allow","action":["*"],"resource":["*"]}]}"#;

fn powerful_group(world: &World, name: &str) {
    world.cam.add_group(name);
    world
        .cam
        .attach_to_group(name, "AdministratorAccess")
        .unwrap();
}

#[test]
fn named_literally_they_are_given() {
    let world = granting("[[grant]]\npolicies = [\"AdministratorAccess\"]\n");
    join(&world, 1..=1, 2);
    world.sync();
    assert_eq!(policies(&world, "m1"), ["AdministratorAccess"]);
}

#[test]
fn a_group_that_has_them_is_not_joined_unless_the_policy_is_named() {
    let world = granting("[[grant]]\ngroups = [\"bosses\"]\n");
    powerful_group(&world, "bosses");
    join(&world, 1..=1, 2);
    world.sync();
    assert!(groups(&world, "m1").is_empty());
    let problem = world.problem("m1");
    assert!(
        problem.contains("bosses") && problem.contains("AdministratorAccess"),
        "{problem}"
    );
    regrant(
        &world,
        "[[grant]]\ngroups = [\"bosses\"]\npolicies = [\"AdministratorAccess\"]\n",
    );
    world.sync();
    assert_eq!(groups(&world, "m1"), ["bosses"]);
}

#[test]
fn nobody_joins_a_powerful_group_by_naming_a_department_after_it() {
    let world = granting("[[grant]]\ngroups = [\"{{ member.main_department_name }}\"]\n");
    world.cam.add_group("R&D");
    join(&world, 1..=1, 2);
    join(&world, 2..=2, 3);
    world.sync();
    assert!(groups(&world, "m1").is_empty());
    assert!(
        world.problem("m1").contains("did not make"),
        "{}",
        world.problem("m1")
    );
    // What camsync made itself is joined, until somebody makes it powerful.
    assert_eq!(groups(&world, "m2"), ["Ops"]);
    world
        .cam
        .attach_to_group("Ops", "QcloudCamFullAccess")
        .unwrap();
    join(&world, 3..=3, 3);
    world.sync();
    assert!(groups(&world, "m3").is_empty());
    assert!(world.problem("m3").contains("QcloudCamFullAccess"));
    assert_eq!(
        groups(&world, "m2"),
        ["Ops"],
        "what was given is not camsync's to judge"
    );
}

#[test]
fn a_template_that_gains_them_is_not_followed_in_that() {
    let world = granting("[[grant]]\nlike = \"template-dev\"\n");
    world
        .cam
        .add_user("template-dev", camsync_simulators::cam::UserKind::SubUser);
    powerful_group(&world, "bosses");
    join(&world, 1..=1, 2);
    world.sync();
    world
        .cam
        .attach("template-dev", "AdministratorAccess")
        .unwrap();
    world.cam.join("template-dev", "bosses").unwrap();
    world.cam.add_policy("deploy");
    world.cam.attach("template-dev", "deploy").unwrap();
    world.sync();
    assert!(groups(&world, "m1").is_empty());
    assert_eq!(policies(&world, "m1"), ["deploy"]);
    assert!(world.problem("m1").contains("AdministratorAccess"));
}

#[test]
fn a_policy_replaced_under_the_same_name_is_not_given() {
    let world = granting("[[grant]]\npolicies = [\"deploy\"]\n");
    let first = world.cam.add_policy("deploy");
    join(&world, 1..=1, 2);
    world.sync();
    assert_eq!(policies(&world, "m1"), ["deploy"]);
    world
        .cam
        .by_hand("DeletePolicy", json!({"PolicyId": [first]}))
        .unwrap();
    world
        .cam
        .by_hand(
            "CreatePolicy",
            json!({"PolicyName": "deploy", "PolicyDocument": EVERYTHING}),
        )
        .unwrap();
    join(&world, 2..=2, 2);
    world.sync();
    assert!(policies(&world, "m1").is_empty() && policies(&world, "m2").is_empty());
    assert!(
        world.problem("m2").contains("not what it was"),
        "{}",
        world.problem("m2")
    );
    // Looked at, and said again.
    regrant(&world, "");
    world.sync();
    regrant(&world, "[[grant]]\npolicies = [\"deploy\"]\n");
    world.sync();
    assert_eq!(policies(&world, "m2"), ["deploy"]);
}

#[test]
fn an_account_that_has_them_is_not_adopted_by_its_name() {
    let world = granting("");
    world.edit(|text| text.replace("remark = ", "adopt = \"name\"\nremark = "));
    for name in ["m1", "m2", "m3"] {
        world
            .cam
            .add_user(name, camsync_simulators::cam::UserKind::SubUser);
    }
    powerful_group(&world, "bosses");
    world.cam.attach("m1", "AdministratorAccess").unwrap();
    world.cam.join("m2", "bosses").unwrap();
    join(&world, 1..=3, 2);
    world.sync();
    for id in ["m1", "m2"] {
        let problem = world.problem(id);
        assert!(problem.contains("AdministratorAccess"), "{problem}");
    }
    // The harmless one waits for a person, as ever.
    assert_eq!(world.held()["evidence"], "adopt");
}

#[test]
fn check_lists_every_account_that_would_be_taken_over_with_the_facts_of_both_sides() {
    let world = granting("");
    world.edit(|text| text.replace("remark = ", "adopt = \"name\"\nremark = "));
    world
        .cam
        .add_user("m1", camsync_simulators::cam::UserKind::SubUser);
    world.cam.set_remark("m1", "made by hand").unwrap();
    join(&world, 1..=2, 2);
    // Before anything was crawled, too; what is crawled for it stays nowhere.
    let found = world.read(&["check"]);
    assert_eq!(found["adoptions"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(
        world.read(&["members", "list"])["members"],
        serde_json::json!([])
    );
    world.read(&["plan"]);
    let requests = world.wecom.count("user/list");
    let found = world.read(&["check"]);
    let asked = world.wecom.count("user/list") - requests;
    assert_eq!(asked, 1, "only the check's own sample");
    let matches = found["adoptions"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "{found}");
    assert_eq!(matches[0]["member"], "m1");
    assert_eq!(matches[0]["name"], "成员1");
    assert_eq!(matches[0]["before"]["remark"], "made by hand");
    assert_eq!(matches[0]["held"], true);
    let said = world.run(&["check"]);
    let said = crate::world::text(&said.stdout);
    assert!(said.contains("made by hand"), "{said}");
}
