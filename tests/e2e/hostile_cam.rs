//! A CAM that contradicts itself for as long as it likes. What single faults do is in `cam_faults`; here the account is one
//! whose listings cannot be relied on, or that takes one kind of write and not the other.

use std::process::Output;

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, UserKind};

use crate::tools::{self, Tuning, assert_nothing_twice, assert_sound};
use crate::world::{World, text};

/// `count` members with a sub-user each, m1, m2, ..., and a stranger.
fn of(count: u32) -> World {
    let world = tools::world(&Tuning {
        retry_attempts: 4,
        leavers: "delete_after = \"never\"".into(),
        ..Tuning::default()
    });
    world.cam.add_user("stranger", UserKind::SubUser);
    world.join(1..=count);
    world.sync();
    world
}

/// All that CAM knows of an account.
fn account(world: &World, name: &str) -> String {
    format!("{:?}", world.cam.user(name).unwrap())
}

fn throttled() -> Fault {
    Fault::Code("RequestLimitExceeded".into())
}

fn absent() -> Fault {
    Fault::Code("InvalidAction".into())
}

/// One pass with one to join and nobody to lose anything.
fn pass(world: &World, staying: u32, joiner: &str, label: &str) {
    world.wecom.add_member(joiner, "来者", &[1]);
    let stranger = account(world, "stranger");
    let output: Output = world.run(&["sync", "--json"]);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{label}: {}",
        text(&output.stderr)
    );
    assert_eq!(
        world.signing_in(1..=staying),
        staying as usize,
        "{label}: somebody lost sign-in: {}",
        text(&output.stdout)
    );
    assert_eq!(account(world, "stranger"), stranger, "{label}");
    // Whom one answer hides is not said to be gone either.
    let members = world.read(&["members", "list", "--limit", "0"]);
    for member in members["members"].as_array().unwrap() {
        let stays = member["id"].as_str().unwrap().starts_with('m');
        let problem = &member["problem"];
        assert!(!stays || problem.is_null(), "{label}: {member:#}");
    }
    assert_nothing_twice(world);
}

/// Invariants 2, 4 and 5: of 250 accounts, three pages, each page but the first begins too late or too early.
#[test]
fn pages_that_shift_while_they_are_read_hide_nobody_and_make_nobody_twice() {
    let world = of(250);
    for (n, shift) in [1, -1, 40, 1000, -1000].into_iter().enumerate() {
        let label = format!("pages shifted by {shift}");
        let shifts = world
            .cam
            .inject(When::action("ListAccounts"), Fault::ShiftPage(shift));
        pass(&world, 250, &format!("j{n}"), &label);
        // A page that begins where the first did is no page: that listing is not believed at all.
        assert!(world.cam.fault_hits(shifts) > 1, "{label}: never struck");
        world.cam.clear_faults();
        world.sync();
        assert!(world.signs_in(&format!("j{n}")), "{label}");
    }
    assert_eq!(world.cam.user_names().len(), 250 + 5 + 1);
    assert!(world.plans("held").is_empty());
    assert_sound(&world);
}

/// Invariants 2, 4 and 5: each listing hides others, and the account answers with one today and with the other tomorrow.
#[test]
fn listings_that_disagree_hide_nobody_and_make_nobody_twice() {
    let world = of(6);
    for round in 0..3 {
        // Today there is no ListAccounts, and what stands in for it does not show m2.
        world.cam.inject(When::action("ListAccounts"), absent());
        let other = world
            .cam
            .inject(When::action("ListUsers"), Fault::MissUser("m2".into()));
        pass(
            &world,
            6,
            &format!("a{round}"),
            "ListUsers alone, without m2",
        );
        assert!(world.cam.fault_hits(other) > 0, "ListUsers was not asked");
        world.cam.clear_faults();
        // Tomorrow it is back, and does not show m3.
        world
            .cam
            .inject(When::action("ListAccounts"), Fault::MissUser("m3".into()));
        pass(&world, 6, &format!("b{round}"), "ListAccounts without m3");
        world.cam.clear_faults();
    }
    world.sync();
    assert_eq!(world.cam.user_names().len(), 6 + 6 + 1);
    for id in ["m2", "m3"] {
        assert_eq!(world.problem(id), "", "{id}");
        assert_eq!(world.done_to(id), ["AddUser"], "{id}");
    }
    assert_sound(&world);
}

/// Invariant 5: a name that no listing shows is a stranger's all the same.
#[test]
fn a_stranger_whom_no_listing_shows_keeps_the_name() {
    let world = of(2);
    world.cam.add_user("taken", UserKind::SubUser);
    let before = account(&world, "taken");
    for action in ["ListAccounts", "ListUsers"] {
        world
            .cam
            .inject(When::action(action), Fault::MissUser("taken".into()));
    }
    pass(&world, 2, "taken", "a stranger whom no listing shows");
    world.cam.clear_faults();
    world.sync();
    assert_eq!(account(&world, "taken"), before);
    assert!(world.problem("taken").contains("taken"));
    assert_eq!(world.cam.times_created("taken"), 0);
    assert_sound(&world);
}

/// Invariant 7: an account without ListAccounts, as the international site's, is served from other listings: who joins is
/// made, who leaves loses sign-in.
#[test]
fn an_account_that_loses_list_accounts_is_served_without_it() {
    let world = of(6);
    world.cam.inject(When::action("ListAccounts"), absent());
    world.cam.clear_log();
    world.leave(6..=6);
    world.join(7..=7);
    world.sync();
    assert!(world.cam.count("ListUsers") > 0);
    assert!(world.signs_in("m7") && !world.signs_in("m6"));
    assert_eq!(world.signing_in(1..=5), 5);
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Invariant 7: an action that CAM throttles for ever holds up that action alone; nothing is lost by it.
#[test]
fn an_action_that_is_throttled_for_ever_holds_up_no_other() {
    // More of each kind than are done side by side.
    let world = of(40);
    let limit = world.cam.inject(When::action("AddUser"), throttled());
    world.leave(40..=40);
    for n in 1..=39 {
        world.wecom.rename_member(&format!("m{n}"), "改名");
    }
    pass(&world, 39, "j1", "AddUser throttled");
    assert!(world.cam.fault_hits(limit) > 0);
    assert!(!world.signs_in("m40"), "a suspension waited for AddUser");
    for n in 1..=39 {
        let remark = world.cam.user(&format!("m{n}")).unwrap().remark;
        assert!(remark.starts_with("改名"), "m{n}: {remark}");
    }
    assert!(world.cam.user("j1").is_none());
    world.cam.clear_faults();
    world.sync();
    assert!(world.signs_in("j1"));
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Invariants 1 and 2: an account that answers reads and throttles every write ends the pass. Each is tried as often as the
/// configuration says, and done once when it may be.
#[test]
fn an_account_whose_writes_are_all_throttled_ends_the_pass_and_does_each_later() {
    let world = of(4);
    let all = || Fault::Code("RequestLimitExceeded.UinLimitExceeded".into());
    for action in ["AddUser", "UpdateUser"] {
        world.cam.inject(When::action(action), all());
    }
    world.leave(4..=4);
    world.wecom.add_member("j1", "来者", &[1]);
    let output = world.run(&["sync", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    for (of, kind) in [("j1", "create_user"), ("m4", "suspend_user")] {
        let changes = world.changes_of(of);
        let throttled = changes.iter().find(|change| change["kind"] == kind);
        assert_eq!(throttled.unwrap()["attempts"], 4, "{of}: {changes:#?}");
    }
    world.cam.clear_faults();
    world.sync();
    assert!(world.signs_in("j1") && !world.signs_in("m4"));
    assert_nothing_twice(&world);
    assert_sound(&world);
}

/// Invariants 1 and 3: throttled on every action of the account, a pass says so and ends; what it recorded is done later.
#[test]
fn an_account_that_is_throttled_as_a_whole_ends_the_pass_and_loses_nothing() {
    let world = of(4);
    let all = Fault::Code("RequestLimitExceeded.UinLimitExceeded".into());
    let limit = world.cam.inject(When::any(), all);
    world.leave(4..=4);
    world.wecom.add_member("j1", "来者", &[1]);
    let report = world.sync_fails();
    assert!(
        report.to_string().contains("RequestLimitExceeded"),
        "{report:#}"
    );
    assert!(world.cam.fault_hits(limit) > 0);
    assert_eq!(world.signing_in(1..=4), 4);
    world.cam.clear_faults();
    world.sync();
    assert!(world.signs_in("j1") && !world.signs_in("m4"));
    assert_nothing_twice(&world);
    assert_sound(&world);
}
