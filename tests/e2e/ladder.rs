//! The leaver's ladder: deny-all, sign-in, keys, grants; the way back; the end.

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, WecomSignIn};

use crate::grants::{granting, groups, join, policies};

use crate::world::{EVERYONE, Wish, World};

const GRANTS: &str = "[[grant]]\ngroups = [\"rd\"]\npolicies = [\"QcloudCVMReadOnlyAccess\"]\n";
const DENY_ALL: &str = "camsync-deny-all";

fn leaver(config: &str) -> (World, String) {
    let world = granting(GRANTS);
    world.configure(config, &format!("{EVERYONE}\n{GRANTS}"));
    join(&world, 1..=4, 2);
    world.sync();
    let key = world.cam.add_key("m1");
    world.leave(1..=1);
    (world, key)
}

fn key_works(world: &World, user: &str, key: &str) -> Option<bool> {
    let uin = world.cam.uin(user);
    let keys = world
        .cam
        .by_hand("ListAccessKeys", serde_json::json!({"TargetUin": uin}))
        .unwrap();
    let keys = keys["AccessKeys"].as_array().unwrap().clone();
    let found = keys.iter().find(|k| k["AccessKeyId"] == key)?;
    Some(found["Status"] == "Active")
}

/// Switches a key of m1 by hand.
fn switch(world: &World, key: &str, status: &str) {
    let uin = world.cam.uin("m1");
    let params = serde_json::json!({"AccessKeyId": key, "Status": status, "TargetUin": uin});
    world.cam.by_hand("UpdateAccessKey", params).unwrap();
}

#[test]
fn every_rung_is_taken_and_recorded() {
    let (world, key) = leaver("[leavers]\ndeny_all = \"always\"\n");
    let report = world.sync();
    assert_eq!(report["summary"]["create_policy"], 1, "{report}");
    assert!(!world.signs_in("m1"));
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    assert!(groups(&world, "m1").is_empty());
    assert_eq!(policies(&world, "m1"), [DENY_ALL]);
    let kinds: Vec<String> = world
        .changes_of("m1")
        .iter()
        .rev()
        .skip(3)
        .map(|c| c["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "attach_policy",
            "suspend_user",
            "disable_key",
            "remove_from_group",
            "detach_policy"
        ]
    );
    assert!(
        world
            .changes_of("m1")
            .iter()
            .all(|c| c["status"] == "applied")
    );
    let again = world.sync();
    assert_eq!(again["changes"], serde_json::json!([]), "{again}");
}

#[test]
fn what_comes_back_to_a_leaver_is_taken_again() {
    let (world, key) = leaver("[leavers]\ndeny_all = \"always\"\n");
    world.sync();
    world.sync();
    switch(&world, &key, "Active");
    world.cam.detach("m1", DENY_ALL).unwrap();
    // A sub-user's own grants are read once an hour; the hour is over.
    world
        .ledger()
        .execute("DELETE FROM own_grants", [])
        .unwrap();
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    assert_eq!(policies(&world, "m1"), [DENY_ALL]);
}

#[test]
fn a_return_undoes_the_rungs_but_for_keys() {
    let (world, key) = leaver("[leavers]\ndeny_all = \"always\"\n");
    world.sync();
    join(&world, 1..=1, 2);
    world.sync();
    assert!(world.signs_in("m1"));
    assert_eq!(groups(&world, "m1"), ["rd"]);
    assert_eq!(policies(&world, "m1"), ["QcloudCVMReadOnlyAccess"]);
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    world.does(&["members", "resume", "m1", "--keys"]);
    assert_eq!(key_works(&world, "m1", &key), Some(true));
    // Asked once, it does not switch on what somebody switches off later.
    switch(&world, &key, "Inactive");
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
}

#[test]
fn the_end_deletes_keys_then_the_sub_user() {
    let (world, key) = leaver("[leavers]\ndeny_all = \"never\"\n");
    world.sync();
    world.end_grace();
    let report = world.sync();
    assert_eq!(report["summary"]["delete_key"], 1, "{report}");
    assert!(world.cam.user("m1").is_none());
    let last: Vec<String> = world.done_to("m1").into_iter().rev().take(1).collect();
    assert_eq!(last, ["DeleteUser"]);
    assert!(
        world
            .cam
            .log()
            .iter()
            .any(|r| r.params.to_string().contains(&key) && r.action == "DeleteAccessKey")
    );
}

#[test]
fn only_the_adopted_are_denied_all_by_default() {
    let world = granting("");
    world.edit(|text| text.replace("remark = ", "adopt = \"wecom\"\nremark = "));
    world.cam.add_wecom_user("m1", "m1");
    join(&world, 1..=4, 2);
    world.sync();
    world.leave(1..=2);
    world.sync_fails();
    // Switching off a console-imported sub-user's sign-in has no effect, and is told; the other rungs have theirs.
    assert_eq!(policies(&world, "m1"), [DENY_ALL]);
    assert!(
        world.problem("m1").contains("no_effect"),
        "{}",
        world.problem("m1")
    );
    assert!(policies(&world, "m2").is_empty());
    assert!(!world.signs_in("m2"));
}

#[test]
fn one_whose_sign_in_may_not_be_changed_loses_the_rest_all_the_same() {
    let rules = EVERYONE.replace("remark = ", "adopt = \"wecom\"\nremark = ");
    let world = World::with(Wish {
        rules: Some(rules),
        cam: Some(Options {
            wecom_sign_in: WecomSignIn::Unmodifiable,
            ..Options::default()
        }),
        ..Wish::default()
    });
    world.cam.add_wecom_user("m1", "m1");
    world.join(1..=4);
    world.sync();
    let key = world.cam.add_key("m1");
    world.leave(1..=1);
    let report = world.sync_fails();
    assert!(world.signs_in("m1"));
    assert_eq!(policies(&world, "m1"), [DENY_ALL], "{report}");
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    let problem = world.problem("m1");
    assert!(problem.contains("Unmodifiable"), "{problem}");
    assert_eq!(world.member("m1")["sub_user"]["suspended"], false);
}

#[test]
fn a_held_suspension_takes_no_rung() {
    let world = granting(GRANTS);
    join(&world, 1..=10, 2);
    world.sync();
    let key = world.cam.add_key("m1");
    world.leave(1..=4);
    for _ in 0..2 {
        world.sync();
        assert_eq!(groups(&world, "m1"), ["rd"]);
        assert_eq!(key_works(&world, "m1", &key), Some(true));
    }
    let held = world.held();
    // Four people, and the group that would lose them counts as one more only beyond its half.
    assert_eq!(held["removals"], 4, "{held}");
    world.approve(&held);
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    for id in 1..=4 {
        assert!(groups(&world, &format!("m{id}")).is_empty());
        assert!(!world.signs_in(&format!("m{id}")));
    }
}

#[test]
fn an_emergency_takes_keys_too() {
    let world = granting(GRANTS);
    join(&world, 1..=4, 2);
    world.sync();
    let key = world.cam.add_key("m1");
    world.does(&["members", "suspend", "m1"]);
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    assert!(!world.signs_in("m1"));
    assert_eq!(
        groups(&world, "m1"),
        ["rd"],
        "kept for the day that it is over"
    );
    world.sync();
    // What somebody switches on again meanwhile goes off again.
    switch(&world, &key, "Active");
    world
        .ledger()
        .execute("DELETE FROM own_grants", [])
        .unwrap();
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    world.does(&["members", "resume", "m1"]);
    assert!(world.signs_in("m1"));
    assert_eq!(key_works(&world, "m1", &key), Some(false));
}

/// Nor when a person asked for them and nothing came of it, or asked before the next emergency.
#[test]
fn keys_come_back_for_no_request_that_is_over() {
    let world = granting(GRANTS);
    join(&world, 1..=4, 2);
    world.sync();
    let key = world.cam.add_key("m1");
    world.does(&["members", "suspend", "m1"]);
    let fault = world
        .cam
        .inject(When::action("GetUserAppId"), Fault::Http(502));
    let output = world.run(&["members", "resume", "m1", "--keys"]);
    assert_eq!(output.status.code(), Some(1));
    world.cam.revoke_fault(fault);
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    // Asked for again, they wait for a permission; then somebody suspends the sub-user anew.
    world.deny(&["UpdateAccessKey"]);
    world.run(&["members", "resume", "m1", "--keys"]);
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    world.run(&["members", "suspend", "m1"]);
    world.deny(&[]);
    world.does(&["members", "resume", "m1"]);
    world.sync();
    assert!(world.signs_in("m1"));
    assert_eq!(key_works(&world, "m1", &key), Some(false));
}

#[test]
fn an_emergency_does_not_wait_for_keys_and_says_when_they_are_not_known() {
    let world = granting(GRANTS);
    join(&world, 1..=4, 2);
    world.sync();
    // What it has of its own has been read: no keys.
    world.sync();
    let key = world.cam.add_key("m1");
    world.deny(&["ListAccessKeys"]);
    let said = world.refuses(&["members", "suspend", "m1"]);
    assert!(
        said.contains("API keys") && said.contains("ListAccessKeys"),
        "{said}"
    );
    assert!(!world.signs_in("m1"));
    assert_eq!(key_works(&world, "m1", &key), Some(true));
    // Whatever was read of it before, the next plan looks anew.
    world.deny(&[]);
    world.sync();
    assert_eq!(key_works(&world, "m1", &key), Some(false));
}

#[test]
fn a_strangers_deny_all_that_denies_nothing_is_not_used() {
    let (world, key) = leaver("[leavers]\ndeny_all = \"always\"\n");
    world.cam.add_policy(DENY_ALL);
    world.sync();
    assert!(policies(&world, "m1").is_empty());
    assert!(!world.signs_in("m1"));
    assert_eq!(key_works(&world, "m1", &key), Some(false));
    assert!(
        world.problem("m1").contains(DENY_ALL),
        "{}",
        world.problem("m1")
    );
}
