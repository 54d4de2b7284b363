//! The guard: what is too much waits for a person, as a whole and for as long as it takes.

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Status};

use crate::world::{EVERYONE, Wish, World};

fn of(count: u32) -> World {
    let world = World::new();
    world.join(1..=count);
    world.sync();
    world
}

#[test]
fn over_the_limit_the_whole_bucket_waits_and_additions_go_on() {
    let world = of(20);
    world.leave(1..=4);
    world.join(21..=21);
    let report = world.sync();
    assert_eq!(report["held"], true);
    assert_eq!(world.signing_in(1..=4), 4);
    assert!(world.signs_in("m21"));
    let plan = world.held();
    assert_eq!((&plan["removals"], &plan["limit"]), (&4.into(), &3.into()));
    assert_eq!(plan["evidence"], "absent");
    assert!(
        world
            .problem("m1")
            .contains("removal held for approval (absent)")
    );
}

#[test]
fn the_window_counts_all_plans_together() {
    let world = of(20);
    world.leave(1..=2);
    world.sync();
    assert_eq!(world.signing_in(1..=2), 0);
    world.leave(3..=4);
    world.sync();
    assert_eq!(world.signing_in(3..=4), 2, "four within a day");
    assert_eq!(world.held()["removals"], 2);
}

#[test]
fn the_window_counts_all_sources_together() {
    let world = World::with(Wish {
        rules: Some(
            "[[admit]]\nusername = \"{{ source.name }}-{{ member.username }}\"\n".to_owned(),
        ),
        ..Wish::default()
    });
    let twin = |text: &str| {
        let from = text.find("[[source]]").unwrap();
        let until = text.find("[[admit]]").unwrap();
        let other = text[from..until].replace("acme", "beta");
        format!("{}{other}{}", &text[..until], &text[until..])
    };
    world.edit(twin);
    world.join(1..=6);
    world.sync();
    assert_eq!(world.cam.user_names().len(), 12);
    world.leave(1..=2);
    world.sync();
    assert!(!world.signs_in("acme-m1") && !world.signs_in("acme-m2"));
    assert!(world.signs_in("beta-m1") && world.signs_in("beta-m2"));
    assert_eq!(world.held()["source"], "beta");
}

#[test]
fn what_the_provider_says_has_its_own_ratio() {
    let world = of(20);
    for id in 1..=5 {
        world.wecom.set_status(&format!("m{id}"), Status::Disabled);
    }
    world.sync();
    assert_eq!(world.signing_in(1..=5), 0);
    world.wecom.set_status("m6", Status::Disabled);
    world.sync();
    assert!(world.signs_in("m6"));
    assert_eq!(world.held()["evidence"], "said");
    // Another kind of evidence is another bucket.
    world.leave(7..=9);
    world.sync();
    assert_eq!(world.signing_in(7..=9), 0);
}

#[test]
fn max_removals_binds_where_it_is_smaller_than_the_ratio() {
    let world = World::with(Wish {
        config: "[guard]\nmax_removals = 5\nmax_removal_ratio = 0.9\n".into(),
        ..Wish::default()
    });
    world.join(1..=20);
    world.sync();
    world.leave(1..=5);
    world.sync();
    assert_eq!(world.signing_in(1..=5), 0);
    world.leave(6..=6);
    world.sync();
    assert!(world.signs_in("m6"));
    assert_eq!(world.held()["limit"], 5);
}

#[test]
fn a_held_plan_keeps_its_id_until_it_grows() {
    let world = of(20);
    world.leave(1..=5);
    world.sync();
    let first = world.held();
    world.sync();
    assert_eq!(world.held()["id"], first["id"]);
    world.wecom.add_member("m5", "成员5", &[1]);
    world.sync();
    let shrunk = world.held();
    assert_eq!(shrunk["id"], first["id"]);
    assert_eq!(shrunk["removals"], 4);
    // Even when what is left would have been free, nobody but a person lets it go.
    for id in 2..=4 {
        world
            .wecom
            .add_member(&format!("m{id}"), &format!("成员{id}"), &[1]);
    }
    world.sync();
    assert_eq!(world.held()["removals"], 1);
    assert!(world.signs_in("m1"));
    world.leave(10..=10);
    world.sync();
    let grown = world.held();
    assert_ne!(grown["id"], first["id"]);
    assert_eq!(grown["removals"], 2);
    assert_eq!(world.plan_status(&first["id"]), "superseded");
    assert_eq!(world.signing_in(1..=1) + world.signing_in(10..=10), 2);
    // The whole evidence ends, and so does the plan.
    world.wecom.add_member("m1", "成员1", &[1]);
    world.wecom.add_member("m10", "成员10", &[1]);
    world.sync();
    assert_eq!(world.plan_status(&grown["id"]), "superseded");
    assert!(world.plans("held").is_empty());
}

#[test]
fn a_held_plan_outlasts_look_ups_that_fail_and_its_approval_waits_for_one_that_answers() {
    let world = of(20);
    world.leave(1..=4);
    world.sync();
    let plan = world.held();
    let fails = |fault| world.wecom.inject(When::action("user/get"), fault);
    fails(Fault::Http(502));
    world.sync();
    let still = world.held();
    assert_eq!((&still["id"], &still["removals"]), (&plan["id"], &4.into()));
    assert!(world.problem("m1").contains("not known to have left"));
    // A person agrees while the provider does not answer: nothing happens on an old word.
    world.approve(&plan);
    world.sync();
    assert_eq!(world.signing_in(1..=4), 4);
    assert_eq!(world.plan_status(&plan["id"]), "approved");
    // Somebody comes back meanwhile; the others' answers carry the approval out.
    world.join(4..=4);
    world.wecom.clear_faults();
    world.sync();
    assert_eq!(world.signing_in(1..=3), 0);
    assert!(world.signs_in("m4"));
    assert_eq!(world.plan_status(&plan["id"]), "applied");
}

/// The same of those whom a rule excludes: that a crawl leaves them out, and no look-up says why, settles nothing.
#[test]
fn what_a_rule_edit_takes_outlasts_a_crawl_that_leaves_its_members_out() {
    let world = of(20);
    let nobody_of =
        "[[admit]]\nwhen = \"member.id in ['m1', 'm2', 'm3', 'm4']\"\nenroll = \"exclude\"\n";
    world.configure("", &format!("{nobody_of}{EVERYONE}"));
    world.sync();
    let plan = world.held();
    assert_eq!(
        (&plan["evidence"], &plan["removals"]),
        (&"excluded".into(), &4.into())
    );
    world.leave(1..=4);
    world
        .wecom
        .inject(When::action("user/get"), Fault::Http(502));
    world.sync();
    let still = world.held();
    assert_eq!((&still["id"], &still["removals"]), (&plan["id"], &4.into()));
    world.approve(&plan);
    world.sync();
    assert_eq!(world.signing_in(1..=4), 4, "nothing is known of them");
    assert_eq!(world.plan_status(&plan["id"]), "approved");
    world.join(1..=4);
    world.wecom.clear_faults();
    world.sync();
    assert_eq!(world.signing_in(1..=4), 0);
    assert_eq!(world.plan_status(&plan["id"]), "applied");
}

#[test]
fn approval_starts_exactly_what_was_shown_and_leaves_the_window_alone() {
    let world = of(20);
    world.leave(1..=4);
    world.sync();
    let plan = world.held();
    world.approve(&plan);
    assert_eq!(world.signing_in(1..=4), 0);
    assert_eq!(world.plan_status(&plan["id"]), "applied");
    // The three that are free within a day are still free.
    world.leave(5..=7);
    world.sync();
    assert_eq!(world.signing_in(5..=7), 0);
    world.leave(8..=8);
    world.sync();
    assert!(world.signs_in("m8"));
}

#[test]
fn an_approval_carries_into_later_plans_and_covers_nobody_else() {
    let world = of(20);
    world.leave(1..=4);
    world.sync();
    world.does(&["freeze"]);
    let plan = world.held();
    world.approve(&plan);
    assert_eq!(world.signing_in(1..=4), 4, "frozen");
    world.leave(5..=8);
    world.sync();
    world.sync();
    assert_eq!(world.plan_status(&plan["id"]), "approved");
    world.does(&["thaw"]);
    world.sync();
    assert_eq!(world.signing_in(1..=4), 0);
    assert_eq!(world.signing_in(5..=8), 4);
    assert_eq!(world.plan_status(&plan["id"]), "applied");
    assert_eq!(world.held()["removals"], 4);
}

#[test]
fn an_approval_ends_with_its_evidence() {
    let world = of(20);
    world.leave(1..=4);
    world.sync();
    world.does(&["freeze"]);
    let plan = world.held();
    world.approve(&plan);
    for id in 1..=4 {
        world
            .wecom
            .add_member(&format!("m{id}"), &format!("成员{id}"), &[1]);
    }
    world.sync();
    assert_eq!(world.plan_status(&plan["id"]), "superseded");
    world.leave(1..=4);
    world.sync();
    world.does(&["thaw"]);
    world.sync();
    assert_eq!(world.signing_in(1..=4), 4);
    assert_ne!(world.held()["id"], plan["id"]);
}

#[test]
fn a_discarded_plan_is_silent_until_it_grows() {
    let world = of(20);
    world.leave(1..=4);
    world.sync();
    let plan = world.held();
    world.does(&["plans", "discard", &plan["id"].to_string()]);
    let report = world.sync();
    assert_eq!(report["held"], false);
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert!(world.plans("held").is_empty());
    assert_eq!(world.signing_in(1..=4), 4);
    let refused = world.refuses(&["plans", "approve", &plan["id"].to_string()]);
    assert!(refused.contains("discarded"), "{refused}");
    world.leave(5..=5);
    world.sync();
    let grown = world.held();
    assert_eq!(grown["removals"], 5);
    assert_eq!(world.signing_in(1..=5), 5);
}

#[test]
fn planning_holds_nothing_and_records_nothing() {
    let world = of(20);
    let before = world.changes().len();
    world.leave(1..=4);
    world.join(21..=21);
    let shown = world.read(&["plan"]);
    assert_eq!(shown["held"], true);
    assert_eq!(shown["summary"]["suspend_user"], 4);
    assert_eq!(shown["summary"]["create_user"], 1);
    assert!(world.plans("held").is_empty());
    assert_eq!(world.changes().len(), before);
    assert!(world.cam.user("m21").is_none());
    assert_eq!(world.signing_in(1..=4), 4);
    assert_eq!(
        world.run(&["plan", "--detailed-exitcode"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_rule_edit_that_takes_sign_in_from_many_is_held_like_a_removal() {
    let world = of(20);
    world.configure(
        "",
        &EVERYONE.replace("remark", "console_login = false\nremark"),
    );
    world.sync();
    assert_eq!(world.signing_in(1..=20), 20);
    let plan = world.held();
    assert_eq!(plan["evidence"], "excluded");
    world.approve(&plan);
    assert_eq!(world.signing_in(1..=20), 0);
}

#[test]
fn a_removal_that_waits_for_a_permission_is_counted_once() {
    let world = of(20);
    world.leave(1..=3);
    world.deny(&["UpdateUser"]);
    world.sync_fails();
    assert_eq!(world.signing_in(1..=3), 3);
    world.deny(&[]);
    world.sync();
    assert_eq!(world.signing_in(1..=3), 0, "{:?}", world.plans("held"));
}
