//! What people do to groups, policies and permissions behind camsync's back, and rooms that are too small.

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, UserKind};
use serde_json::{Value, json};

use crate::grants::{granting, groups, join, policies, regrant};
use crate::world::{EVERYONE, World};

const STAFF: &str =
    "[[grant]]\ngroups = [\"staff\"]\npolicies = [\"deploy\", \"QcloudCVMReadOnlyAccess\"]\n";
const GROUP: &str = "[[grant]]\ngroups = [\"staff\"]\n";

/// An hour later: what sub-users have of their own is read again.
fn an_hour_later(world: &World) {
    let ledger = world.ledger();
    ledger.execute("DELETE FROM own_grants", []).unwrap();
}

fn delete_group(world: &World, name: &str) {
    let id = world.cam.with(|cloud| {
        let id = cloud.group(name).unwrap().id;
        for user in cloud.users.values_mut() {
            user.groups.remove(&id);
        }
        id
    });
    world
        .cam
        .by_hand("DeleteGroup", json!({ "GroupId": id }))
        .unwrap();
}

fn nothing_to_do(report: &Value) {
    assert_eq!(report["changes"], json!([]), "{report}");
}

/// Invariant 3: what nobody knows to have been given is not forgotten because nothing calls for it any more.
#[test]
fn a_grant_whose_answer_and_reads_were_lost_is_taken_back_once_it_can_be_read() {
    let world = granting(GROUP);
    join(&world, 1..=1, 2);
    let lost = When::action("AddUserToGroup").once();
    world.cam.inject(lost, Fault::AnswerLost);
    // The first look is the one before the write.
    let reads = When::action("ListGroupsForUser").after(1);
    world.cam.inject(reads, Fault::Http(502));
    world.sync_fails();
    assert_eq!(groups(&world, "m1"), ["staff"]);
    regrant(&world, "");
    world.run(&["sync"]);
    assert_eq!(groups(&world, "m1"), ["staff"], "it cannot be read");
    world.cam.clear_faults();
    world.sync();
    world.sync();
    assert!(groups(&world, "m1").is_empty());
    nothing_to_do(&world.sync());
}

#[test]
fn a_group_deleted_by_hand_is_less_access_until_resumed_and_made_anew_for_who_comes() {
    let world = granting(GROUP);
    join(&world, 1..=3, 2);
    world.sync();
    world.sync();
    delete_group(&world, "staff");
    for _ in 0..3 {
        nothing_to_do(&world.sync());
        for id in ["m1", "m2", "m3"] {
            assert!(groups(&world, id).is_empty(), "{id}");
            let problem = world.problem(id);
            assert!(problem.contains("group staff was taken away"), "{problem}");
        }
    }
    join(&world, 4..=4, 2);
    let report = world.sync();
    assert_eq!(report["summary"]["create_group"], 1, "{report}");
    for _ in 0..2 {
        assert_eq!(groups(&world, "m4"), ["staff"]);
        assert_eq!(world.problem("m4"), "");
        assert!(groups(&world, "m1").is_empty());
        assert!(world.problem("m1").contains("group staff was taken away"));
        nothing_to_do(&world.sync());
    }
    world.does(&["members", "resume", "m1"]);
    assert_eq!(groups(&world, "m1"), ["staff"]);
    nothing_to_do(&world.sync());
    assert_eq!(world.problem("m1"), "");
    assert!(groups(&world, "m2").is_empty());
    // What came back is camsync's to take, and nothing is left of the old.
    regrant(&world, "");
    world.sync();
    assert!(groups(&world, "m1").is_empty() && groups(&world, "m4").is_empty());
    let left = "SELECT count(*) FROM grants";
    let left: u32 = world
        .ledger()
        .query_row(left, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_group_deleted_by_hand_comes_back_to_whoever_is_resumed() {
    let world = granting(GROUP);
    join(&world, 1..=2, 2);
    world.sync();
    delete_group(&world, "staff");
    world.sync();
    world.does(&["members", "resume", "m2"]);
    assert_eq!(groups(&world, "m2"), ["staff"]);
    assert!(groups(&world, "m1").is_empty());
    // Repair gives it to the rest.
    world.configure(
        "[drift]\nless_access = \"repair\"\n",
        &format!("{EVERYONE}\n{GROUP}"),
    );
    world.sync();
    assert_eq!(groups(&world, "m1"), ["staff"]);
    nothing_to_do(&world.sync());
}

#[test]
fn a_policy_renamed_by_hand_is_told_and_stays_camsyncs_to_take() {
    let world = granting(STAFF);
    let id = world.cam.add_policy("deploy");
    join(&world, 1..=2, 2);
    world.sync();
    world.cam.with(|cloud| {
        cloud.policies.get_mut(&id).unwrap().name = "release".into();
    });
    an_hour_later(&world);
    join(&world, 3..=3, 2);
    for _ in 0..2 {
        world.sync();
        for member in ["m1", "m2"] {
            assert_eq!(
                policies(&world, member),
                ["QcloudCVMReadOnlyAccess", "release"]
            );
            assert!(world.problem(member).contains("deploy"), "{member}");
        }
        assert_eq!(policies(&world, "m3"), ["QcloudCVMReadOnlyAccess"]);
        assert!(world.problem("m3").contains("deploy"));
    }
    world.leave(1..=1);
    world.sync();
    assert!(policies(&world, "m1").is_empty(), "by whatever name");
    assert_eq!(
        policies(&world, "m2"),
        ["QcloudCVMReadOnlyAccess", "release"]
    );
}

#[test]
fn a_policy_deleted_by_hand_is_told_and_nobody_loses_anything_else() {
    let world = granting(STAFF);
    let id = world.cam.add_policy("deploy");
    join(&world, 1..=2, 2);
    world.sync();
    world
        .cam
        .by_hand("DeletePolicy", json!({ "PolicyId": [id] }))
        .unwrap();
    for _ in 0..2 {
        nothing_to_do(&world.sync());
        for member in ["m1", "m2"] {
            assert_eq!(policies(&world, member), ["QcloudCVMReadOnlyAccess"]);
            assert_eq!(groups(&world, member), ["staff"]);
            assert!(world.problem(member).contains("deploy"), "{member}");
        }
        an_hour_later(&world);
    }
    regrant(&world, GROUP);
    world.sync();
    assert!(policies(&world, "m1").is_empty());
    assert_eq!(world.problem("m1"), "");
    nothing_to_do(&world.sync());
}

#[test]
fn two_sources_that_want_one_name_leave_the_holder_its_grants() {
    let world = granting(GROUP);
    join(&world, 1..=1, 2);
    world.sync();
    let text = std::fs::read_to_string(world.dir.path().join("camsync.toml")).unwrap();
    let second = &text[text.find("[[source]]").unwrap()..text.find("[[admit]]").unwrap()];
    let second = second.replace("name = \"acme\"", "name = \"beta\"");
    world.edit(|text| format!("{text}\n{second}"));
    join(&world, 2..=2, 2);
    world.cam.clear_log();
    for _ in 0..2 {
        world.sync();
        assert_eq!(world.cam.user_names(), ["m1"]);
        assert_eq!(groups(&world, "m1"), ["staff"]);
        assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
    }
    let listed = world.read(&["members", "list"]);
    let rows = listed["members"].as_array().unwrap();
    let of = |source: &str, id: &str| {
        let row = rows
            .iter()
            .find(|m| m["source"] == source && m["id"] == id)
            .unwrap_or_else(|| panic!("{listed}"));
        row["problem"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(of("acme", "m1"), "");
    for (source, id) in [("beta", "m1"), ("acme", "m2"), ("beta", "m2")] {
        assert!(!of(source, id).is_empty(), "{source} {id}: {listed}");
    }
}

#[test]
fn a_known_quota_of_a_group_is_forecast_and_holds_who_does_not_fit() {
    let world = granting(GROUP);
    world.edit(|text| text.replace("[target]", "[target]\nquotas = { users_per_group = 3 }"));
    join(&world, 1..=5, 2);
    let members = || world.cam.with(|cloud| cloud.members_of("staff"));
    let of_group = |plan: &Value| {
        let rows = plan["quotas"].as_array().unwrap();
        let row = rows.iter().find(|q| q["quota"] == "users_per_group");
        row.cloned().unwrap_or_else(|| panic!("{plan}"))
    };
    let held = |plan: &Value| {
        let changes = plan["changes"].as_array().unwrap().iter();
        let held = changes.filter(|c| c["held"] == true);
        held.map(|c| c["waits_for"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let plan = world.read(&["plan"]);
    assert_eq!(
        of_group(&plan),
        json!({"quota": "users_per_group", "of": "staff", "limit": 3, "used": 0, "wanted": 5, "over": 2})
    );
    assert_eq!(held(&plan).len(), 2, "{plan}");
    world.sync();
    assert_eq!(members().len(), 3);
    assert_eq!(world.cam.user_names().len(), 5, "the rest goes on");
    for _ in 0..2 {
        let plan = world.read(&["plan"]);
        assert_eq!(
            of_group(&plan),
            json!({"quota": "users_per_group", "of": "staff", "limit": 3, "used": 3, "wanted": 2, "over": 2})
        );
        let held = held(&plan);
        assert_eq!(held.len(), 2, "{plan}");
        assert!(held[0].contains("3 used of 3, 2 more wanted"), "{held:?}");
        world.sync();
        assert_eq!(members().len(), 3);
    }
    // Room appears.
    let leaver = members().remove(0);
    world.wecom.remove_member(&leaver);
    world.sync();
    world.sync();
    assert_eq!(members().len(), 3);
    assert!(!members().contains(&leaver));
}

#[test]
fn a_known_quota_of_a_sub_user_holds_what_does_not_fit() {
    let world = granting("[[grant]]\ngroups = [\"a\", \"b\", \"c\"]\n");
    world.edit(|text| text.replace("[target]", "[target]\nquotas = { groups_per_user = 2 }"));
    join(&world, 1..=2, 2);
    let plan = world.read(&["plan"]);
    let rows = plan["quotas"].as_array().unwrap();
    let row = rows.iter().find(|q| q["of"] == "m1");
    assert_eq!(row.map(|q| &q["over"]), Some(&json!(1)), "{plan}");
    world.sync();
    for member in ["m1", "m2"] {
        assert_eq!(groups(&world, member).len(), 2);
    }
}

/// While a permission to read is missing: a leaver goes, a newcomer comes, a rule changes.
fn while_denied(action: &str, leaver_has: &[&str]) {
    let world = granting(STAFF);
    world.cam.add_policy("deploy");
    join(&world, 1..=4, 2);
    world.sync();
    let key = world.cam.add_key("m1");
    world.deny(&[action]);
    an_hour_later(&world);
    world.leave(1..=1);
    join(&world, 5..=5, 2);
    regrant(&world, &STAFF.replace("\"deploy\", ", ""));
    for _ in 0..2 {
        world.run(&["sync"]);
        assert!(!world.signs_in("m1"), "{action}: a leaver loses sign-in");
        for member in ["m2", "m3", "m4"] {
            assert_eq!(groups(&world, member), ["staff"], "{action}");
            assert!(world.signs_in(member));
        }
    }
    let problems: Vec<String> = (1..=5).map(|n| world.problem(&format!("m{n}"))).collect();
    for about in leaver_has {
        let n: usize = about[1..].parse().unwrap();
        let problem = &problems[n - 1];
        assert!(problem.contains(action), "{action}, {about}: {problems:?}");
    }
    world.deny(&[]);
    an_hour_later(&world);
    world.sync();
    // The rule that gives less takes the policy from everybody who has it: that waits for a person, as ever.
    for plan in world.plans("held") {
        world.approve(&plan);
    }
    world.sync();
    assert!(groups(&world, "m1").is_empty() && policies(&world, "m1").is_empty());
    assert!(!world.cam.user("m1").unwrap().keys[&key].active, "{action}");
    for n in 2..=5 {
        let member = format!("m{n}");
        assert_eq!(groups(&world, &member), ["staff"], "{action}: {member}");
        assert_eq!(policies(&world, &member), ["QcloudCVMReadOnlyAccess"]);
        assert_eq!(world.problem(&member), "", "{action}");
    }
    assert_eq!(world.problem("m1"), "", "{action}");
    nothing_to_do(&world.sync());
}

#[test]
fn without_permission_to_list_groups_nobody_is_given_or_loses_grants() {
    while_denied("ListGroups", &["m2", "m5"]);
}

#[test]
fn without_permission_to_list_keys_all_but_keys_goes_on() {
    while_denied("ListAccessKeys", &["m1"]);
}

#[test]
fn without_permission_to_list_policies_all_else_goes_on() {
    while_denied("ListAttachedUserPolicies", &["m2"]);
}

#[test]
fn a_rung_that_is_accepted_without_effect_ends_as_failed() {
    let world = granting(GROUP);
    join(&world, 1..=4, 2);
    world.sync();
    world.cam.settle();
    world.leave(1..=1);
    world.cam.set_read_lag(std::time::Duration::from_secs(3600));
    world.sync_fails();
    let changes = world.changes_of("m1");
    let rung = changes.iter().find(|c| c["kind"] == "remove_from_group");
    assert_eq!(rung.unwrap()["status"], "failed", "{changes:?}");
    assert!(world.problem("m1").contains("still_there"));
    world.cam.set_read_lag(std::time::Duration::ZERO);
    world.sync();
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn a_grant_that_no_reading_shows_yet_is_no_drift_and_given_again_after_a_minute() {
    let world = granting("");
    world.cam.add_group("staff");
    join(&world, 1..=1, 2);
    world.sync();
    world.cam.settle();
    world.cam.set_read_lag(std::time::Duration::from_secs(3600));
    regrant(&world, GROUP);
    world.sync();
    assert_eq!(groups(&world, "m1"), ["staff"]);
    for _ in 0..2 {
        nothing_to_do(&world.sync());
        assert_eq!(world.problem("m1"), "");
    }
    world.cam.clear_log();
    let since = "UPDATE grants SET unconfirmed_since = '2020-01-01T00:00:00.000Z'";
    world.ledger().execute(since, []).unwrap();
    world.sync();
    assert_eq!(world.cam.count("AddUserToGroup"), 1);
    assert_eq!(world.problem("m1"), "");
}

#[test]
fn a_group_that_nothing_calls_for_stays_while_somebody_is_in_it() {
    let world = granting(GROUP);
    world.cam.configure(|o| o.delete_full_group = true);
    world.cam.add_user("stranger", UserKind::SubUser);
    join(&world, 1..=1, 2);
    world.sync();
    world.cam.join("stranger", "staff").unwrap();
    regrant(&world, "");
    for _ in 0..2 {
        let report = world.sync();
        assert_eq!(report["summary"]["delete_group"], Value::Null, "{report}");
        assert_eq!(groups(&world, "stranger"), ["staff"]);
    }
    assert!(groups(&world, "m1").is_empty());
    world.cam.leave("stranger", "staff").unwrap();
    world.sync();
    assert!(world.cam.with(|cloud| cloud.group("staff").is_none()));
}

#[test]
fn what_sub_users_have_is_read_once_an_hour_but_a_leavers_is_read_at_once() {
    let world = granting(STAFF);
    world.cam.add_policy("deploy");
    join(&world, 1..=4, 2);
    world.sync();
    world.sync();
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("ListAttachedUserPolicies"), 0);
    assert_eq!(world.cam.count("ListAccessKeys"), 0);
    let key = world.cam.add_key("m1");
    world.leave(1..=1);
    world.sync();
    assert!(!world.cam.user("m1").unwrap().keys[&key].active);
    an_hour_later(&world);
    world.cam.clear_log();
    world.sync();
    assert_eq!(world.cam.count("ListAttachedUserPolicies"), 4);
    assert_eq!(world.cam.count("ListAccessKeys"), 1, "a leaver's alone");
}

/// What needs a group or a sub-user that may not be made is not sent: it says what it waits for, and is done after that.
#[test]
fn what_needs_something_that_may_not_be_made_waits_for_it_by_name() {
    let world = granting(GROUP);
    join(&world, 1..=1, 1);
    world.deny(&["CreateGroup", "AddUser"]);
    let _ = world.run(&["sync"]);
    let waits_for = |kind: &str| {
        let changes = world.changes();
        let found = changes.iter().find(|change| change["kind"] == kind);
        let found = found.unwrap_or_else(|| panic!("{kind}: {changes:#?}"));
        found["waits_for"].as_str().unwrap_or_default().to_owned()
    };
    assert!(waits_for("create_group").contains("cam:CreateGroup"));
    assert!(waits_for("add_to_group").contains("sub-user m1"));
    world.deny(&["CreateGroup"]);
    let _ = world.run(&["sync"]);
    assert!(world.signs_in("m1"));
    assert!(waits_for("add_to_group").contains("group staff"));
    assert_eq!(world.cam.count("AddUserToGroup"), 0);
    world.deny(&[]);
    world.sync();
    assert_eq!(groups(&world, "m1"), ["staff"]);
    nothing_to_do(&world.sync());
}
