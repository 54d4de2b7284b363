//! Grants: what rules call for is given, what camsync gave is taken back, and nothing else is touched.

use crate::world::{EVERYONE, Wish, World};

/// A world with departments 2 (R&D) and 3 (Ops), whose members the rules put into groups.
pub(crate) fn granting(grants: &str) -> World {
    let world = World::with(Wish {
        rules: Some(format!("{EVERYONE}\n{grants}")),
        ..Wish::default()
    });
    world.wecom.add_department(2, "R&D", 1);
    world.wecom.add_department(3, "Ops", 1);
    world
}

pub(crate) fn regrant(world: &World, grants: &str) {
    world.configure("", &format!("{EVERYONE}\n{grants}"));
}

pub(crate) fn join(world: &World, ids: std::ops::RangeInclusive<u32>, department: u32) {
    for id in ids {
        let name = format!("成员{id}");
        world
            .wecom
            .add_member(&format!("m{id}"), &name, &[department]);
    }
}

pub(crate) fn groups(world: &World, user: &str) -> Vec<String> {
    world.cam.with(|cloud| cloud.groups_of(user))
}

pub(crate) fn policies(world: &World, user: &str) -> Vec<String> {
    world.cam.with(|cloud| cloud.policies_of(user))
}

fn quiet(world: &World) {
    let report = world.sync();
    assert_eq!(report["changes"], serde_json::json!([]), "{report}");
}

const DEPARTMENTS: &str = r#"
[[grant]]
when = "'R&D' in member.department_path"
groups = ["rd"]
policies = ["QcloudCVMReadOnlyAccess"]

[[grant]]
groups = ["dept-{{ member.main_department }}"]
"#;

#[test]
fn one_pass_makes_sub_users_groups_memberships_and_policies() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=3, 2);
    join(&world, 4..=5, 3);
    let report = world.sync();
    assert_eq!(report["summary"]["create_group"], 3, "{report}");
    assert_eq!(report["summary"]["add_to_group"], 8, "{report}");
    assert_eq!(groups(&world, "m1"), ["dept-2", "rd"]);
    assert_eq!(groups(&world, "m4"), ["dept-3"]);
    assert_eq!(policies(&world, "m1"), ["QcloudCVMReadOnlyAccess"]);
    assert!(policies(&world, "m4").is_empty());
    quiet(&world);
    let shown = world.member("m1");
    assert_eq!(shown["groups"], serde_json::json!(["dept-2", "rd"]));
    assert_eq!(
        shown["policies"],
        serde_json::json!(["QcloudCVMReadOnlyAccess"])
    );
}

#[test]
fn a_plan_shows_all_of_it_before_it_happens() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=1, 2);
    let plan = world.read(&["plan"]);
    let kinds: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "create_group",
            "create_group",
            "create_user",
            "add_to_group",
            "add_to_group",
            "attach_policy"
        ]
    );
    let joins = &plan["changes"][4];
    assert_eq!(joins["object"]["name"], "rd", "{joins}");
    assert_eq!(joins["after"]["group"], "rd", "{joins}");
    assert_eq!(plan["changes"][0]["username"], serde_json::Value::Null);
    assert!(world.cam.writes().is_empty());
}

#[test]
fn what_others_gave_by_hand_stays() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=1, 2);
    world.sync();
    world.cam.add_group("friends");
    world.cam.add_policy("by-hand");
    world.cam.join("m1", "friends").unwrap();
    world.cam.attach("m1", "by-hand").unwrap();
    // Also what a rule comes to call for later on: it was there, and it is not camsync's to take.
    regrant(
        &world,
        &format!("{DEPARTMENTS}\n[[grant]]\ngroups = [\"friends\"]\n"),
    );
    quiet(&world);
    regrant(&world, "");
    world.sync();
    assert_eq!(groups(&world, "m1"), ["friends"]);
    assert_eq!(policies(&world, "m1"), ["by-hand"]);
}

#[test]
fn exclusive_takes_what_others_gave() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    world.cam.add_group("friends");
    world.cam.add_policy("by-hand");
    for user in ["m1", "m2"] {
        world.cam.join(user, "friends").unwrap();
    }
    world.cam.attach("m1", "by-hand").unwrap();
    regrant(
        &world,
        &DEPARTMENTS.replacen(
            "groups = [\"rd\"]",
            "groups = [\"rd\"]\nexclusive = true",
            1,
        ),
    );
    let report = world.sync();
    assert_eq!(groups(&world, "m1"), ["dept-2", "rd"], "{report}");
    assert_eq!(groups(&world, "m2"), ["dept-2", "rd"]);
    assert_eq!(policies(&world, "m1"), ["QcloudCVMReadOnlyAccess"]);
}

#[test]
fn exclusive_gives_nobody_access_back() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    // In an emergency somebody denies by hand: with a policy, and by a group that has one.
    let document =
        r#"{"version":"2.0","statement":[{"effect":"deny","action":["*"],"resource":["*"]}]}"#;
    let policy = serde_json::json!({"PolicyName": "no-more", "PolicyDocument": document});
    world.cam.by_hand("CreatePolicy", policy).unwrap();
    world.cam.add_group("quarantine");
    world.cam.attach_to_group("quarantine", "no-more").unwrap();
    world.cam.add_group("friends");
    world.cam.attach("m1", "no-more").unwrap();
    world.cam.join("m2", "quarantine").unwrap();
    world.cam.join("m2", "friends").unwrap();
    let exclusive = "groups = [\"rd\"]\nexclusive = true";
    regrant(
        &world,
        &DEPARTMENTS.replacen("groups = [\"rd\"]", exclusive, 1),
    );
    world.sync();
    assert!(policies(&world, "m1").contains(&"no-more".to_owned()));
    assert_eq!(groups(&world, "m2"), ["dept-2", "quarantine", "rd"]);
}

#[test]
fn exclusive_takes_nothing_while_what_is_called_for_cannot_be_seen() {
    let world = granting("[[grant]]\nlike = \"template-dev\"\nexclusive = true\n");
    let template = camsync_simulators::cam::UserKind::SubUser;
    world.cam.add_user("template-dev", template);
    world.cam.add_group("devs");
    world.cam.join("template-dev", "devs").unwrap();
    join(&world, 1..=1, 2);
    world.sync();
    // This one was not given by camsync, but the template had it, too.
    world.cam.add_group("ops");
    world.cam.join("m1", "ops").unwrap();
    world.cam.join("template-dev", "ops").unwrap();
    quiet(&world);
    world.cam.delete_user("template-dev").unwrap();
    world
        .ledger()
        .execute("DELETE FROM own_grants", [])
        .unwrap();
    quiet(&world);
    assert_eq!(groups(&world, "m1"), ["devs", "ops"]);
}

#[test]
fn the_protected_lose_no_grant() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    world.does(&["members", "protect", "m1"]);
    regrant(&world, "");
    world.sync();
    assert_eq!(groups(&world, "m1"), ["dept-2", "rd"]);
    assert_eq!(policies(&world, "m1"), ["QcloudCVMReadOnlyAccess"]);
    assert!(
        world.problem("m1").contains("protected"),
        "{}",
        world.problem("m1")
    );
    assert!(groups(&world, "m2").is_empty());
    world.does(&["members", "protect", "m1", "--off"]);
    world.sync();
    assert!(groups(&world, "m1").is_empty());
}

#[test]
fn a_resume_that_cam_throttles_is_not_forgotten_by_the_next_plan() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=1, 2);
    world.sync();
    world.cam.leave("m1", "rd").unwrap();
    quiet(&world);
    let when = camsync_simulators::When::action("AddUserToGroup");
    let fault = camsync_simulators::cam::Fault::Http(502);
    let fault = world.cam.inject(when, fault);
    let _ = world.run(&["members", "resume", "m1"]);
    world.cam.revoke_fault(fault);
    world.sync();
    assert_eq!(groups(&world, "m1"), ["dept-2", "rd"]);
}

#[test]
fn a_rule_edit_and_changed_facts_are_told_apart() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=3, 2);
    world.sync();
    world.wecom.move_member("m1", &[3]);
    let report = world.sync();
    let taken: Vec<&str> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["before"]["group"] == "rd" || c["before"]["policy"].is_string())
        .map(|c| c["evidence"].as_str().unwrap())
        .collect();
    assert_eq!(taken, ["regrouped", "regrouped"], "{report}");
    assert_eq!(groups(&world, "m1"), ["dept-3"]);
    assert!(policies(&world, "m1").is_empty());
    regrant(&world, "");
    let report = world.sync();
    let evidence = report["changes"][0]["evidence"].as_str();
    assert_eq!(evidence, Some("excluded"), "{report}");
    // The groups that camsync made are empty and nothing calls for them.
    world.sync();
    assert!(world.cam.with(|cloud| cloud.group("rd").is_none()));
    quiet(&world);
}

#[test]
fn regrouping_many_waits_for_a_person_and_counts_each_once() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=6, 2);
    join(&world, 7..=20, 3);
    world.sync();
    for id in 1..=5 {
        world.wecom.move_member(&format!("m{id}"), &[3]);
    }
    for _ in 0..2 {
        world.sync();
        let held = world.held();
        assert_eq!(held["evidence"], "regrouped", "{held}");
        assert_eq!(groups(&world, "m1"), ["dept-2", "dept-3", "rd"]);
    }
    world.approve(&world.held());
    for id in 1..=5 {
        assert_eq!(groups(&world, &format!("m{id}")), ["dept-3"]);
    }
    quiet(&world);
}

#[test]
fn a_grant_taken_by_hand_is_kept_until_resumed_or_repaired() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    world.sync();
    world.cam.leave("m1", "rd").unwrap();
    for _ in 0..2 {
        quiet(&world);
        assert_eq!(groups(&world, "m1"), ["dept-2"]);
        assert!(world.problem("m1").contains("group rd was taken away"));
    }
    world.does(&["members", "resume", "m1"]);
    assert_eq!(groups(&world, "m1"), ["dept-2", "rd"]);
    assert_eq!(world.problem("m1"), "");
    world.cam.leave("m2", "rd").unwrap();
    world.configure(
        "[drift]\nless_access = \"repair\"\n",
        &format!("{EVERYONE}\n{DEPARTMENTS}"),
    );
    world.sync();
    assert_eq!(groups(&world, "m2"), ["dept-2", "rd"]);
}

#[test]
fn what_is_taken_right_after_it_was_given_is_drift_and_not_lag() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    world.cam.leave("m1", "rd").unwrap();
    world.cam.detach("m2", "QcloudCVMReadOnlyAccess").unwrap();
    quiet(&world);
    assert!(world.problem("m1").contains("group rd was taken away"));
    let problem = world.problem("m2");
    assert!(
        problem.contains("QcloudCVMReadOnlyAccess was taken away"),
        "{problem}"
    );
}

#[test]
fn a_group_renamed_by_hand_is_still_the_same() {
    let world = granting(DEPARTMENTS);
    join(&world, 1..=2, 2);
    world.sync();
    world.sync();
    let id = world.cam.with(|cloud| cloud.group("rd").unwrap().id);
    world
        .cam
        .by_hand(
            "UpdateGroup",
            serde_json::json!({"GroupId": id, "GroupName": "research"}),
        )
        .unwrap();
    quiet(&world);
    assert_eq!(groups(&world, "m1"), ["dept-2", "research"]);
    join(&world, 3..=3, 2);
    world.sync();
    assert_eq!(groups(&world, "m3"), ["dept-2", "research"]);
}

#[test]
fn so_is_one_that_others_made_and_that_differs_by_case_now() {
    let world = granting("[[grant]]\ngroups = [\"rd\"]\n");
    let id = world.cam.add_group("rd");
    join(&world, 1..=2, 2);
    world.sync();
    world.sync();
    let renamed = serde_json::json!({"GroupId": id, "GroupName": "RD"});
    world.cam.by_hand("UpdateGroup", renamed).unwrap();
    quiet(&world);
    assert_eq!(groups(&world, "m1"), ["RD"]);
}

#[test]
fn like_follows_a_template_and_outlives_it() {
    let world = granting("[[grant]]\nlike = \"template-dev\"\n");
    world
        .cam
        .add_user("template-dev", camsync_simulators::cam::UserKind::SubUser);
    world.cam.add_group("devs");
    world.cam.add_policy("deploy");
    world.cam.join("template-dev", "devs").unwrap();
    world.cam.attach("template-dev", "deploy").unwrap();
    join(&world, 1..=2, 2);
    world.sync();
    assert_eq!(groups(&world, "m1"), ["devs"]);
    assert_eq!(policies(&world, "m1"), ["deploy"]);
    // It changes, and they follow.
    world.cam.add_policy("logs");
    world.cam.attach("template-dev", "logs").unwrap();
    world.cam.detach("template-dev", "deploy").unwrap();
    world.sync();
    assert_eq!(policies(&world, "m1"), ["logs"]);
    // It disappears, and nobody loses anything.
    world.cam.delete_user("template-dev").unwrap();
    quiet(&world);
    assert_eq!(policies(&world, "m1"), ["logs"]);
    assert!(
        world.problem("m1").contains("template-dev"),
        "{}",
        world.problem("m1")
    );
}

#[test]
fn what_does_not_exist_is_told_and_stops_nobody() {
    let world = granting(
        "[[grant]]\ngroups = [\"rd\"]\npolicies = [\"NoSuchPolicy\", \"QcloudCVMReadOnlyAccess\"]\n",
    );
    join(&world, 1..=2, 2);
    world.sync();
    assert_eq!(policies(&world, "m1"), ["QcloudCVMReadOnlyAccess"]);
    assert!(world.problem("m1").contains("NoSuchPolicy"));
}

#[test]
fn a_member_of_twenty_departments_and_forty_rules_gets_each_once() {
    let rules: String = (1..=40)
        .map(|n| format!("[[grant]]\nwhen = \"'Team {}' in member.department_path\"\ngroups = [\"team-{}\"]\n", n % 20, n % 20))
        .collect();
    let world = granting(&rules);
    world
        .cam
        .configure(|options| options.quotas.groups_per_user = 30);
    let ids: Vec<u32> = (0..20).map(|n| 100 + n).collect();
    for n in 0..20 {
        world.wecom.add_department(100 + n, &format!("Team {n}"), 1);
    }
    world.wecom.add_member("m1", "成员1", &ids);
    world.sync();
    assert_eq!(groups(&world, "m1").len(), 20);
    quiet(&world);
}
