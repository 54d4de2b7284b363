//! Names are fixed once made, and a conflict touches nobody.

use camsync_simulators::cam::{Actor, UserKind};
use serde_json::Value;

use crate::world::{EVERYONE, Wish, World};

fn with_rule(rule: &str) -> World {
    World::with(Wish {
        rules: Some(format!("[[admit]]\n{rule}\n")),
        ..Wish::default()
    })
}

/// camsync has never written to this account.
fn untouched(world: &World, uin: u64) {
    let history = world.cam.history();
    let touched: Vec<_> = history
        .iter()
        .filter(|w| w.uin == Some(uin) && w.by != Actor::ByHand)
        .collect();
    assert!(touched.is_empty(), "{touched:?}");
}

/// What was recorded is applied later, without a new plan: by then somebody else may bear the name.
fn a_stranger_takes_the_name_meanwhile(world: &World) -> u64 {
    world.cam.delete_user("m1").unwrap();
    let stranger = world.cam.add_user("m1", UserKind::SubUser);
    world.cam.set_sign_in("m1", true).unwrap();
    world.run(&["thaw"]);
    stranger
}

#[test]
fn a_stranger_who_took_the_name_between_plan_and_write_is_not_suspended() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.does(&["freeze"]);
    world.leave(1..=1);
    let report = world.sync();
    assert_eq!(report["summary"]["suspend_user"], 1, "{report}");
    let stranger = a_stranger_takes_the_name_meanwhile(&world);
    untouched(&world, stranger);
    assert!(world.signs_in("m1"));
}

#[test]
fn a_stranger_who_took_the_name_between_plan_and_write_is_not_deleted() {
    let world = World::new();
    world.configure("[leavers]\ndelete_after = \"0s\"\n", EVERYONE);
    world.join(1..=3);
    world.sync();
    world.leave(1..=1);
    world.sync();
    world.does(&["freeze"]);
    let report = world.sync();
    assert_eq!(report["summary"]["delete_user"], 1, "{report}");
    let stranger = a_stranger_takes_the_name_meanwhile(&world);
    untouched(&world, stranger);
    assert_eq!(world.cam.uin("m1"), stranger);
}

#[test]
fn a_changed_template_is_a_problem_and_renames_nobody() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.configure(
        "",
        "[[admit]]\nusername = \"x-{{ member.username }}\"\nremark = \"{{ member.name }}\"\n",
    );
    world.join(3..=3);
    world.sync();
    assert_eq!(world.cam.user_names(), ["m1", "m2", "x-m3"]);
    assert!(world.problem("m1").contains("would now name it x-m1"));
    assert_eq!(world.problem("m3"), "");
    assert_eq!(world.member("m1")["username"], "m1");
}

#[test]
fn a_name_that_a_stranger_has_is_a_conflict_in_any_spelling() {
    let world = with_rule("");
    let stranger = world.cam.add_user("M1", UserKind::SubUser);
    let collaborator = world.cam.add_user("m2", UserKind::Collaborator);
    world.join(1..=3);
    let report = world.sync();
    assert_eq!(report["applied"], 1, "{report}");
    for id in ["m1", "m2"] {
        assert!(
            world.problem(id).contains("conflict"),
            "{id}: {}",
            world.problem(id)
        );
        assert_eq!(world.member(id)["sub_user"], Value::Null);
    }
    untouched(&world, stranger);
    untouched(&world, collaborator);
    // Once the stranger is gone, the name is free.
    world.cam.delete_user("M1").unwrap();
    world.sync();
    assert!(world.cam.user("m1").is_some());
}

#[test]
fn a_name_that_two_members_share_is_nobodys_and_the_holder_keeps_it() {
    let world = with_rule("username = \"{{ member.name }}\"");
    world.wecom.add_member("a", "Kim", &[1]);
    world.sync();
    assert_eq!(world.cam.user_names(), ["Kim"]);
    world.wecom.add_member("b", "KIM", &[1]);
    world.wecom.add_member("c", "lee", &[1]);
    world.wecom.add_member("d", "Lee", &[1]);
    world.sync();
    assert_eq!(world.cam.user_names(), ["Kim"]);
    assert!(world.problem("b").contains("taken by member a"));
    assert!(world.problem("c").contains("also wanted by d"));
    assert!(world.problem("d").contains("also wanted by c"));
    assert_eq!(world.problem("a"), "");
    world.wecom.remove_member("d");
    world.sync();
    assert_eq!(world.cam.user_names(), ["Kim", "lee"]);
}

#[test]
fn suffixes_tell_them_apart_and_stay() {
    let world = with_rule("username = \"{{ member.name }}\"\nconflict = \"suffix\"");
    world.cam.add_user("kim", UserKind::SubUser);
    world.wecom.add_member("a", "kim", &[1]);
    world.wecom.add_member("b", "kim", &[1]);
    world.sync();
    assert_eq!(world.cam.user_names(), ["kim", "kim-2", "kim-3"]);
    assert_eq!(world.problem("a"), "");
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert_eq!(world.cam.history_of("kim").len(), 1);
}

#[test]
fn a_name_that_cannot_be_is_a_conflict() {
    let world = with_rule("username = \"{{ member.alias }}\"");
    world.join(1..=1);
    world.sync();
    assert!(world.problem("m1").contains("it is empty"));
    assert!(world.cam.user_names().is_empty());
    // CAM is the judge of the rest: its refusal fails that change, and nobody else's.
    world.configure(
        "",
        "[[admit]]\nwhen = \"member.id == 'm1'\"\nusername = \"no/such\"\n[[admit]]\n",
    );
    world.join(2..=2);
    world.sync_fails();
    assert_eq!(world.cam.user_names(), ["m2"]);
    assert_eq!(world.changes_of("no/such")[0]["status"], "failed");
}

#[test]
fn adopt_never_leaves_strangers_alone() {
    let world = with_rule("adopt = \"never\"");
    let stranger = world.cam.add_wecom_user("m1", "m1");
    world.join(1..=1);
    world.sync();
    untouched(&world, stranger);
    assert!(world.problem("m1").contains("conflict"));
}

#[test]
fn adopt_by_wecom_id_takes_the_one_and_not_one_of_several() {
    let world = with_rule("adopt = \"wecom\"");
    let one = world.cam.add_wecom_user("imported", "M1");
    let two = world.cam.add_wecom_user("first", "m2");
    let three = world.cam.add_wecom_user("second", "m2");
    world.join(1..=3);
    world.sync();
    assert_eq!(world.member("m1")["sub_user"]["uin"], one);
    assert!(
        world
            .problem("m2")
            .contains("several sub-users carry this WeCom id")
    );
    untouched(&world, two);
    untouched(&world, three);
    assert!(world.cam.user("m3").is_some());
    assert_eq!(world.cam.times_created("m1"), 0);
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn adopt_by_name_is_held_one_by_one() {
    let world = with_rule("adopt = \"name\"");
    let uins: Vec<u64> = (1..=3)
        .map(|n| world.cam.add_user(&format!("m{n}"), UserKind::SubUser))
        .collect();
    world.cam.set_sign_in("m1", false).unwrap();
    world.join(1..=4);
    world.sync();
    assert!(world.cam.user("m4").is_some(), "additions go on");
    let plans = world.plans("held");
    assert_eq!(plans.len(), 3, "{plans:?}");
    for plan in &plans {
        assert_eq!(plan["evidence"], "adopt");
        assert_eq!(plan["removals"], 1);
    }
    uins.iter().for_each(|uin| untouched(&world, *uin));
    assert_eq!(world.member("m1")["sub_user"], Value::Null);
    let problem = world.problem("m1");
    assert!(
        problem.starts_with("taking over an account waits"),
        "{problem}"
    );

    let of = |member: &str| {
        let shown = plans
            .iter()
            .map(|p| world.read(&["plans", "show", &p["id"].to_string()])["plan"].clone());
        let mut found = shown.filter(|p| p["items"][0]["member"] == member);
        found.next().unwrap()
    };
    let m1 = of("m1");
    world.approve(&m1);
    assert_eq!(world.member("m1")["sub_user"]["uin"], uins[0]);
    assert_eq!(world.member("m1")["sub_user"]["managed"], true);
    assert_eq!(world.plan_status(&m1["id"]), "applied");
    assert!(!world.signs_in("m1"), "adoption never switches sign-in on");
    untouched(&world, uins[1]);
    untouched(&world, uins[2]);
    world.does(&["plans", "discard", &of("m2")["id"].to_string()]);
    world.sync();
    untouched(&world, uins[1]);
    assert_eq!(world.plans("held").len(), 1);
    let report = world.sync();
    assert_eq!(report["applied"], 0, "{report}");
}

#[test]
fn an_approved_adoption_outlives_a_write_that_fails_at_first() {
    use camsync_simulators::When;
    use camsync_simulators::cam::Fault;
    let world = with_rule("adopt = \"name\"");
    world.cam.add_user("m1", UserKind::SubUser);
    world.cam.set_remark("m1", "theirs").unwrap();
    world.join(1..=1);
    world.sync();
    let plan = world.held();
    world.deny(&["UpdateUser"]);
    world.run(&["plans", "approve", &plan["id"].to_string()]);
    world.sync_fails();
    world.deny(&[]);
    world
        .cam
        .inject(When::action("UpdateUser").once(), Fault::AnswerLost);
    world.sync();
    world.sync();
    assert_eq!(world.plan_status(&plan["id"]), "applied");
    assert_eq!(world.member("m1")["sub_user"]["managed"], true);
}

#[test]
fn the_callers_own_account_is_never_adopted() {
    let world = with_rule("adopt = \"name\"");
    let caller = world.cam.add_user("m1", UserKind::SubUser);
    world
        .cam
        .keys(|keys| keys.values_mut().for_each(|key| key.uin = caller));
    // Another one of the kind would be offered to a person for adoption.
    world.cam.add_user("m2", UserKind::SubUser);
    world.join(1..=2);
    world.sync();
    assert_eq!(world.plans("held").len(), 1);
    assert!(world.problem("m1").contains("conflict"));
    untouched(&world, caller);
}

#[test]
fn released_sub_users_are_strangers_from_then_on() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    let before = world.cam.history_of("m1").len();
    world.does(&["members", "release", "m1"]);
    world.leave(1..=1);
    world.wecom.rename_member("m2", "New Name");
    world.sync();
    world.sync();
    assert_eq!(world.cam.history_of("m1").len(), before);
    assert!(world.signs_in("m1"));
}
