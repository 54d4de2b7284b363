//! Who is removed, and on what evidence: each kind says so, and no answer removes nobody.

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Options, Status, VisibleRange};
use serde_json::Value;

use crate::world::{EVERYONE, Wish, World};

/// The evidence of the removal that a pass planned for this member.
fn evidence(report: &Value, member: &str) -> Vec<String> {
    let changes = report["changes"].as_array().unwrap();
    changes
        .iter()
        .filter(|c| c["member"] == member)
        .map(|c| c["evidence"].as_str().unwrap_or("none").to_owned())
        .collect()
}

#[test]
fn what_the_provider_says_suspends_and_disabled_is_never_created_nor_deleted() {
    let world = World::new();
    world.join(1..=4);
    world.sync();
    world.wecom.set_status("m1", Status::Disabled);
    world.wecom.set_status("m2", Status::Quit);
    world.join(5..=5);
    world.wecom.set_status("m5", Status::Disabled);
    let report = world.sync();
    assert_eq!(evidence(&report, "m1"), ["said"]);
    assert_eq!(evidence(&report, "m2"), ["said"]);
    assert!(!world.signs_in("m1") && !world.signs_in("m2"));
    assert_eq!(world.cam.times_created("m5"), 0);
    assert!(evidence(&report, "m5").is_empty(), "{report}");

    world.end_grace();
    let report = world.sync();
    assert_eq!(report["summary"]["delete_user"], 1, "{report}");
    assert!(world.cam.user("m2").is_none());
    assert!(world.cam.user("m1").is_some());
    world.wecom.set_status("m1", Status::Active);
    world.sync();
    assert!(world.signs_in("m1"));
}

#[test]
fn a_rule_edit_is_excluded_and_changed_facts_are_unmatched() {
    let rules = r#"
[[admit]]
when = "'R&D' in member.department_names"
"#;
    let world = World::with(Wish {
        rules: Some(rules.into()),
        ..Wish::default()
    });
    world.wecom.add_department(2, "R&D", 1);
    world.wecom.add_department(3, "Sales", 1);
    for id in ["m1", "m2", "m3"] {
        world.wecom.add_member(id, id, &[2]);
    }
    world.sync();
    world.wecom.move_member("m1", &[3]);
    let report = world.sync();
    assert_eq!(evidence(&report, "m1"), ["unmatched"], "{report}");
    assert!(!world.signs_in("m1"));

    world.configure(
        "",
        &format!("[[admit]]\nwhen = \"member.id == 'm2'\"\nenroll = \"exclude\"\n{rules}"),
    );
    let report = world.sync();
    assert_eq!(evidence(&report, "m2"), ["excluded"], "{report}");
    assert!(!world.signs_in("m2"));
    assert!(world.signs_in("m3"));
}

#[test]
fn absence_needs_a_complete_crawl_and_a_look_up_in_the_same_pass() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    world.leave(1..=1);
    world.wecom.clear_log();
    let report = world.sync();
    assert_eq!(evidence(&report, "m1"), ["absent"], "{report}");
    assert_eq!(world.wecom.count("user/get"), 1);
    assert!(!world.signs_in("m1"));
}

#[test]
fn a_look_up_that_fails_settles_nobody() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    world.leave(1..=1);
    world
        .wecom
        .inject(When::action("user/get"), Fault::Http(502));
    let report = world.sync();
    assert!(evidence(&report, "m1").is_empty(), "{report}");
    assert!(world.signs_in("m1"));
    let problem = world.problem("m1");
    assert!(problem.contains("not known to have left"), "{problem}");
    world.wecom.clear_faults();
    let report = world.sync();
    assert_eq!(evidence(&report, "m1"), ["absent"], "{report}");
    assert!(!world.signs_in("m1"));
}

#[test]
fn whom_the_look_up_finds_stays_in_the_snapshot() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    let lost = Fault::MissMembers(vec!["m1".into(), "m2".into()]);
    world.wecom.inject(When::action("user/list"), lost.clone());
    world
        .wecom
        .inject(When::action("user/simplelist"), lost.clone());
    world.wecom.inject(When::action("user/list_id"), lost);
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert_eq!(world.member("m1")["status"], "active");
    assert_eq!(world.problem("m1"), "");
    assert_eq!(world.signing_in(1..=5), 5);
}

#[test]
fn a_crawl_that_is_partial_empty_or_an_error_removes_nobody() {
    let world = World::new();
    world.wecom.add_department(2, "R&D", 1);
    world.wecom.add_department(3, "Sales", 1);
    for id in 1..=6 {
        let name = format!("m{id}");
        world.wecom.add_member(&name, &name, &[1 + id % 3]);
    }
    world.sync();
    let faults = [
        (When::any(), Fault::Http(502)),
        (When::any(), Fault::EmptyBody),
        (When::any(), Fault::JsonArray),
        (When::action("user/list"), Fault::TruncatedJson),
        (When::action("user/list"), Fault::EmptyUserlist),
        (When::action("user/list").key(2), Fault::EmptyUserlist),
        (When::action("user/list").key(2), Fault::Errcode(60011)),
        (When::action("user/list").key(3), Fault::Errcode(60003)),
        (When::action("agent/get"), Fault::Errcode(50003)),
        (
            When::action("department/list"),
            Fault::MissDepartments(vec![2, 3]),
        ),
        (
            When::action("department/simplelist"),
            Fault::MissDepartments(vec![2, 3]),
        ),
    ];
    for (when, fault) in faults {
        let said = format!("{when:?} {fault:?}");
        world.wecom.inject(when, fault);
        world.run(&["sync"]);
        world.wecom.clear_faults();
        assert_eq!(world.signing_in(1..=6), 6, "{said}");
        assert!(world.plans("held").is_empty(), "{said}");
    }
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn a_crawl_that_is_not_complete_is_no_snapshot() {
    let world = World::new();
    world.wecom.add_department(2, "R&D", 1);
    world.join(1..=3);
    world.wecom.add_member("r1", "研发", &[2]);
    world.sync();
    world.join(4..=4);
    world.wecom.rename_member("m1", "New Name");
    world
        .wecom
        .inject(When::action("user/list").key(2), Fault::Errcode(60011));
    let report = world.sync_fails();
    assert_eq!(report["failures"][0]["kind"], "incomplete", "{report}");
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    let status = world.read(&["status"]);
    assert_eq!(status["sources"][0]["members"], 4, "the snapshot stays");
    assert_eq!(world.member("m1")["name"], "成员1");
    assert!(world.cam.user("m4").is_none());
    world.wecom.clear_faults();
    world.sync();
    assert!(world.signs_in("m4") && world.signs_in("r1"));
}

#[test]
fn a_provider_that_suddenly_shows_nobody_is_not_believed() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world
        .wecom
        .inject(When::action("user/list"), Fault::EmptyUserlist);
    let report = world.sync_fails();
    assert_eq!(report["failures"][0]["kind"], "incomplete", "{report}");
    let status = world.read(&["status"]);
    assert_eq!(status["sources"][0]["state"], "failing", "{status}");
    assert_eq!(status["sources"][0]["members"], 3, "the snapshot stays");
    assert_eq!(world.signing_in(1..=3), 3);
}

/// Held, saying so, however few they are; nothing happens until a person approves.
fn is_hidden_and_held(world: &World, member: &str) {
    let report = world.sync();
    assert_eq!(evidence(&report, member), ["hidden"], "{report}");
    assert_eq!(report["held"], true);
    let plan = world.held();
    assert_eq!(plan["evidence"], "hidden");
    assert_eq!(plan["limit"], 0);
    assert!(world.signs_in(member));
    assert!(
        world.problem(member).contains("hidden"),
        "{}",
        world.problem(member)
    );
    world.sync();
    assert!(world.signs_in(member));
    assert_eq!(world.held()["id"], plan["id"]);
    world.approve(&plan);
    assert!(!world.signs_in(member));
    assert_eq!(world.plan_status(&plan["id"]), "applied");
}

fn two_departments() -> World {
    let world = World::new();
    world.wecom.add_department(2, "R&D", 1);
    world.wecom.add_department(3, "Sales", 1);
    world.wecom.add_member("m1", "m1", &[2]);
    world.wecom.add_member("m2", "m2", &[3]);
    world
}

#[test]
fn a_department_moved_out_of_the_range_hides() {
    let world = two_departments();
    world.wecom.set_range(VisibleRange::departments(&[2, 3]));
    world.sync();
    world.wecom.set_range(VisibleRange::departments(&[2]));
    is_hidden_and_held(&world, "m2");
}

#[test]
fn a_tag_that_lost_a_department_hides() {
    let world = two_departments();
    world.wecom.add_tag(7, "cloud", &[], &[2, 3]);
    world.wecom.set_range(VisibleRange {
        tags: [7].into_iter().collect(),
        ..VisibleRange::default()
    });
    world.sync();
    world.wecom.add_tag(7, "cloud", &[], &[2]);
    is_hidden_and_held(&world, "m2");
}

#[test]
fn a_name_taken_off_the_range_hides() {
    let world = two_departments();
    let mut range = VisibleRange::departments(&[2]);
    range.members.insert("m2".into());
    world.wecom.set_range(range);
    world.sync();
    world.wecom.set_range(VisibleRange::departments(&[2]));
    is_hidden_and_held(&world, "m2");
}

#[test]
fn a_look_up_that_says_out_of_sight_hides() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.leave(2..=2);
    world
        .wecom
        .inject(When::action("user/get"), Fault::Errcode(60011));
    is_hidden_and_held(&world, "m2");
}

#[test]
fn someone_hidden_is_never_deleted_without_a_person() {
    let world = two_departments();
    world.wecom.set_range(VisibleRange::departments(&[2, 3]));
    world.sync();
    world.wecom.set_range(VisibleRange::departments(&[2]));
    world.sync();
    world.approve(&world.held());
    world.end_grace();
    let report = world.sync();
    assert_eq!(evidence(&report, "m2"), ["hidden"], "{report}");
    assert!(world.cam.user("m2").is_some());
    world.approve(&world.held());
    assert!(world.cam.user("m2").is_none());
}

#[test]
fn an_invited_member_is_not_admitted_unless_a_rule_says_so() {
    let world = World::with(Wish {
        wecom: Some(Options::default()),
        rules: Some("[[admit]]\n".into()),
        ..Wish::default()
    });
    world.join(1..=2);
    world.wecom.set_status("m2", Status::NotActivated);
    world.sync();
    assert_eq!(world.cam.user_names(), ["m1"]);
    world.configure("", "[[admit]]\ninvited = true\n");
    world.sync();
    assert_eq!(world.cam.user_names(), ["m1", "m2"]);
}

#[test]
fn a_rule_that_fails_on_a_member_removes_nobody() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.configure(
        "",
        "[[admit]]\nwhen = \"member.attributes['nowhere'].size() > 2\"\n",
    );
    world.run(&["sync"]);
    assert_eq!(world.signing_in(1..=2), 2);
    world.configure("", EVERYONE);
    world.sync();
    assert_eq!(world.signing_in(1..=2), 2);
}

#[test]
fn whom_only_a_look_up_found_stays_in_the_snapshot_with_what_it_said() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    // A read has shown it: what comes next is more than lag.
    world.sync();
    world.wecom.rename_member("m1", "新名");
    let missed = Fault::MissMembers(vec!["m1".into()]);
    world.wecom.inject(When::action("user/list"), missed);
    world.sync();
    assert_eq!(world.read(&["status"])["sources"][0]["members"], 3);
    assert_eq!(world.member("m1")["name"], "新名");
    assert!(world.cam.user("m1").unwrap().remark.starts_with("新名"));
}
