//! Every fault that the simulator has on every action that a pass is seen to use. While it lasts nothing unmanaged is
//! touched and nobody who is entitled loses access; once it is gone, one more `sync` gives the desired state, each
//! sub-user created once.

use std::collections::BTreeSet;
use std::time::Duration;

use camsync_simulators::cam::{self, Fault, UserKind};
use camsync_simulators::{FaultId, When};
use serde_json::Value;

use crate::tools::{self, Tuning, assert_nothing_twice, assert_sound, until};
use crate::world::{EVERYONE, World, text};

pub const WRITES: [&str; 3] = ["AddUser", "UpdateUser", "DeleteUser"];
pub const READS: [&str; 3] = ["GetUser", "GetUserAppId", "ListAccounts"];
/// Of an international account in the place of ListAccounts.
const INTERNATIONAL: &str = "ListUsers";
/// Read where console-imported sub-users are adopted.
const IMPORTED: &str = "ListWeChatWorkSubAccounts";
/// Read after a suspension without effect.
const BY_UIN: &str = "DescribeSubAccounts";

/// What leavers' keys and the deny-all policy need; their faults are met in `grant_faults`.
const OF_GRANTS: [&str; 5] = [
    "ListAccessKeys",
    "ListAttachedUserPolicies",
    "ListPolicies",
    "CreatePolicy",
    "AttachUserPolicy",
];

/// Those who stay: they may never lose anything.
const STAYING: [&str; 4] = ["m1", "m2", "m3", "m4"];

/// An account with strangers in it, and rounds of work that call for every write.
struct Arena {
    world: World,
    label: String,
    /// The action that the faults strike; a pass that fails has to name it.
    action: String,
    round: usize,
    strangers: String,
}

impl Arena {
    fn new(label: &str, change: impl FnOnce(&mut cam::Options)) -> Self {
        let world = tools::world(&Tuning {
            retry_attempts: 4,
            ..Tuning::default()
        });
        world.cam.configure(change);
        world.cam.add_user("stranger", UserKind::SubUser);
        world.cam.add_user("helper", UserKind::Collaborator);
        world.cam.add_wecom_user("imported", "m1");
        world.join(1..=4);
        world.wecom.add_member("j0", "来者", &[1]);
        let mut arena = Self {
            world,
            label: label.to_owned(),
            action: String::new(),
            round: 0,
            strangers: String::new(),
        };
        arena.strangers = arena.unmanaged();
        for _ in 0..2 {
            arena.world.sync();
        }
        arena
    }

    fn unmanaged(&self) -> String {
        format!(
            "{:?} {:?} {:?}",
            self.world.cam.user("stranger"),
            self.world.cam.user("helper"),
            self.world.cam.user("imported")
        )
    }

    /// Somebody joins, the one of the last round leaves, somebody gets another name.
    fn work_to_do(&mut self) {
        self.round += 1;
        let wecom = &self.world.wecom;
        wecom.add_member(&format!("j{}", self.round), "来者", &[1]);
        wecom.remove_member(&format!("j{}", self.round - 1));
        // Not the same one twice in a row: what was just written counts as lag until a read has shown it.
        wecom.rename_member(STAYING[self.round % 2], &format!("第{}名", self.round));
    }

    /// A pass that meets the fault, then one without it.
    fn strike(&mut self, what: &str, meet: impl Fn(&World) -> Option<FaultId>) {
        self.work_to_do();
        let label = format!("{}, {what}", self.label);
        let id = meet(&self.world);
        until(&format!("the fault strikes: {label}"), || {
            let output = self.world.run(&["sync", "--json"]);
            assert!(
                output.status.code().is_some_and(|code| code < 2),
                "{label}: {output:?}"
            );
            let report: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|e| panic!("{label}: {e}: {}", text(&output.stderr)));
            if !output.status.success() {
                assert!(explained(&report), "{label}: no reason given: {report:#}");
                let named = report.to_string().contains(&self.action);
                assert!(named, "{label}: no place given: {report:#}");
            }
            self.assert_unharmed(&label);
            id.is_none_or(|id| self.world.cam.fault_hits(id) > 0)
        });
        self.heal(&label);
    }

    fn heal(&self, label: &str) {
        self.world.cam.clear_faults();
        let output = self.world.run(&["sync", "--json"]);
        assert!(
            output.status.success(),
            "{label}: not healed: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        self.assert_unharmed(label);
        let cam = &self.world.cam;
        let joined = cam.user(&format!("j{}", self.round));
        assert!(
            joined.is_some_and(|user| user.console_login),
            "{label}: the joiner has no sign-in"
        );
        let left = cam.user(&format!("j{}", self.round - 1));
        assert!(
            left.is_none_or(|user| !user.console_login),
            "{label}: the leaver keeps sign-in"
        );
        let renamed = cam.user(STAYING[self.round % 2]).unwrap().remark;
        assert!(
            renamed.starts_with(&format!("第{}名", self.round)),
            "{label}: {renamed}"
        );
        assert_nothing_twice(&self.world);
    }

    fn assert_unharmed(&self, label: &str) {
        assert_eq!(self.unmanaged(), self.strangers, "{label}");
        for name in STAYING {
            let user = self.world.cam.user(name);
            assert!(
                user.is_some_and(|user| user.console_login),
                "{label}: {name} lost sign-in"
            );
        }
    }
}

/// Whether the document says what went wrong, in words.
fn explained(report: &Value) -> bool {
    let said = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let listed = |name: &str, field: &str| {
        report[name]
            .as_array()
            .is_some_and(|list| list.iter().any(|entry| said(&entry[field])))
    };
    said(&report["error"])
        || said(&report["stopped"])
        || listed("failures", "message")
        || listed("failed", "message")
        || listed("waiting", "waits_for")
        || said(&report["next_attempt_at"])
}

fn code(code: &str) -> Fault {
    Fault::Code(code.to_owned())
}

/// Every kind of fault that the simulator has, and what CAM is known to refuse with. What never answers is waited for
/// for a minute: `silence` has a client with less patience.
fn faults() -> Vec<Fault> {
    let codes = [
        "RequestLimitExceeded",
        "ResourceInUse",
        "AuthFailure.SecretIdNotFound",
        "AuthFailure.UnauthorizedOperation",
        "UnauthorizedOperation",
    ];
    Fault::every("m3")
        .filter(|fault| *fault != Fault::NeverAnswer)
        .chain(codes.map(code))
        .collect()
}

fn strike_each(action: &str, faults: Vec<Fault>, change: impl FnOnce(&mut cam::Options)) {
    let mut arena = Arena::new(action, change);
    arena.action = action.to_owned();
    for fault in faults {
        arena.strike(&format!("once {fault:?}"), |world| {
            Some(world.cam.inject(When::action(action).once(), fault.clone()))
        });
    }
    // Whatever came of all the rounds: every leaver is gone in the end.
    until("every leaver is deleted", || {
        arena.world.sync();
        arena.world.cam.user_names().len() == 2 + STAYING.len() + 1
    });
    assert_nothing_twice(&arena.world);
    assert_sound(&arena.world);
}

/// Runs all at once: they mostly wait for pauses.
fn side_by_side(tasks: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = tasks.into_iter().map(std::thread::spawn).collect();
    let failed = threads
        .into_iter()
        .filter_map(|thread| thread.join().err())
        .count();
    assert_eq!(failed, 0, "see above");
}

#[test]
fn a_write_that_meets_any_fault_once() {
    side_by_side(
        WRITES
            .map(|action| -> Box<dyn FnOnce() + Send> {
                Box::new(move || strike_each(action, faults(), |_| ()))
            })
            .into(),
    );
}

#[test]
fn a_read_that_meets_any_fault_once() {
    side_by_side(
        READS
            .map(|action| -> Box<dyn FnOnce() + Send> {
                Box::new(move || strike_each(action, faults(), |_| ()))
            })
            .into(),
    );
}

/// A world where the sub-user of m1 was imported by the console, which takes no suspension.
fn adopting() -> World {
    let world = tools::world(&Tuning {
        rules: EVERYONE.replace("remark", "adopt = \"wecom\"\nremark"),
        retry_attempts: 4,
        leavers: "delete_after = \"never\"".into(),
        ..Tuning::default()
    });
    world.cam.add_wecom_user("imported", "m1");
    world.cam.add_wecom_user("stranger", "somebody else");
    world.join(1..=2);
    world
}

#[test]
fn a_pass_uses_no_action_but_these() {
    let used = |world: &World| world.cam.log().into_iter().map(|request| request.action);
    let mut all = BTreeSet::new();
    for international in [false, true] {
        let mut arena = Arena::new("no fault", |options| options.international = international);
        arena.work_to_do();
        let gone = format!("j{}", arena.round - 1);
        until("the leaver is deleted", || {
            arena.world.sync();
            arena.world.cam.user(&gone).is_none()
        });
        all.extend(used(&arena.world));
    }
    let world = adopting();
    world.sync();
    world.leave(1..=1);
    world.sync_fails();
    all.extend(used(&world));
    let struck = [INTERNATIONAL, IMPORTED, BY_UIN];
    let struck = WRITES
        .into_iter()
        .chain(READS)
        .chain(struck)
        .chain(OF_GRANTS);
    assert_eq!(all, struck.map(str::to_owned).collect());
}

#[test]
fn the_listing_of_console_imported_sub_users_and_the_look_up_by_uin_meet_the_same_faults() {
    let listings = || {
        // Adoption by WeCom's id reads it.
        let world = adopting();
        for (n, fault) in (3..).zip(faults()) {
            let label = format!("{IMPORTED} once {fault:?}");
            world.join(n..=n);
            let struck = world.cam.inject(When::action(IMPORTED).once(), fault);
            let output = world.run(&["sync", "--json"]);
            assert!(output.status.code().is_some_and(|c| c < 2), "{label}");
            assert!(world.cam.fault_hits(struck) > 0, "{label}: never struck");
            world.cam.clear_faults();
            world.sync();
            assert!(world.signs_in(&format!("m{n}")), "{label}");
            assert!(
                world.signs_in("stranger") && world.signs_in("imported"),
                "{label}"
            );
        }
        // An empty listing made no second account for somebody who had one.
        assert_eq!(world.cam.times_created("m1"), 0);
        assert_nothing_twice(&world);
    };
    let look_ups = || {
        // A suspension without effect is looked into by Uin.
        let world = adopting();
        world.sync();
        world.leave(1..=1);
        // An empty answer is taken for lag, which is looked into after a minute: `lag`.
        for fault in faults() {
            if fault == Fault::EmptyListing {
                continue;
            }
            let label = format!("{BY_UIN} once {fault:?}");
            let struck = world.cam.inject(When::action(BY_UIN).once(), fault);
            until(&format!("the fault strikes: {label}"), || {
                let output = world.run(&["sync", "--json"]);
                assert!(output.status.code().is_some_and(|c| c < 2), "{label}");
                world.cam.fault_hits(struck) > 0
            });
            world.cam.clear_faults();
        }
        // It never passed for suspended: the sign-in of such a one stays on, whatever CAM answers.
        assert!(world.signs_in("imported"));
        world.run(&["sync"]);
        assert_eq!(world.changes_of("imported")[0]["status"], "failed");
        assert_eq!(world.read(&["status"])["sub_users"]["suspended"], 0);
        assert!(world.signs_in("m2"));
    };
    side_by_side(vec![Box::new(listings), Box::new(look_ups)]);
}

#[test]
fn an_international_account_has_other_listings_with_the_same_faults() {
    strike_each(INTERNATIONAL, faults(), |options| {
        options.international = true
    });
}

#[test]
fn a_fault_that_stays_ends_the_pass_with_a_reason() {
    let lasting = || {
        vec![
            Fault::AnswerLost,
            Fault::Http(502),
            code("AuthFailure.UnauthorizedOperation"),
            code("AuthFailure.SecretIdNotFound"),
        ]
    };
    let actions = [
        "AddUser",
        "UpdateUser",
        "DeleteUser",
        "GetUser",
        "ListAccounts",
    ];
    side_by_side(
        actions
            .map(|action| -> Box<dyn FnOnce() + Send> {
                Box::new(move || {
                    let mut arena = Arena::new(action, |_| ());
                    arena.action = action.to_owned();
                    for fault in lasting() {
                        arena.strike(&format!("for ever {fault:?}"), |world| {
                            Some(world.cam.inject(When::action(action), fault.clone()))
                        });
                    }
                    assert_sound(&arena.world);
                })
            })
            .into(),
    );
}

#[test]
fn the_account_itself_misbehaves() {
    let mut arena = Arena::new("the account", |_| ());
    // The clock of this machine is off by ten minutes, either way.
    for seconds in [600, -600] {
        arena.strike(&format!("clock {seconds} s off"), |world| {
            world.cam.set_clock_offset(seconds);
            None
        });
    }
    arena.world.cam.set_clock_offset(0);
    // Reads show the account as it was.
    arena.strike("reads lag behind writes", |world| {
        world.cam.set_read_lag(Duration::from_millis(400));
        None
    });
    arena.world.cam.set_read_lag(Duration::ZERO);
    // CAM says that the whole account is too fast.
    arena.strike("throttled account-wide", |world| {
        let throttled = code("RequestLimitExceeded.UinLimitExceeded");
        Some(world.cam.inject(When::any().times(2), throttled))
    });
    // Every listing is empty, and GetUser alone says that they are all there.
    arena.strike("all listings are empty", |world| {
        Some(
            world
                .cam
                .inject(When::action("ListAccounts"), Fault::EmptyListing),
        )
    });
    // Listings and GetUser together hide one who is there; a second look at the cloud next time finds it.
    arena.strike("a page is shifted", |world| {
        Some(
            world
                .cam
                .inject(When::action("ListAccounts"), Fault::ShiftPage(1)),
        )
    });
    assert_sound(&arena.world);
}

#[test]
fn a_key_that_is_revoked_in_the_middle_of_a_pass() {
    let arena = &mut Arena::new("revoked", |_| ());
    arena.work_to_do();
    let world = &arena.world;
    for id in 10..=40 {
        world.wecom.add_member(&format!("m{id}"), "多人", &[1]);
    }
    // The eleventh AddUser is held; the key is revoked before it takes effect.
    let held = world.cam.inject(
        When::action("AddUser").after(10).once(),
        Fault::Delay(Duration::from_millis(150)),
    );
    let mut pass = tools::Process::start(world, &["sync", "--json"]);
    until("an AddUser is held", || world.cam.fault_hits(held) > 0);
    let revoke = |revoked| {
        world
            .cam
            .keys(|keys| keys.values_mut().for_each(|key| key.revoked = revoked));
    };
    revoke(true);
    assert_eq!(pass.wait().code(), Some(1), "{}", pass.stderr());
    let report: Value = serde_json::from_str(&pass.stdout()).unwrap();
    let stopped = report["stopped"].as_str().unwrap_or_default();
    assert!(stopped.contains("SecretIdNotFound"), "{report:#}");
    // While it is revoked, a pass says so, and nothing more is tried.
    let output = world.run(&["sync", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("SecretIdNotFound"));
    revoke(false);
    arena.heal("revoked");
    let members = arena.world.cam.user_names();
    assert_eq!(members.iter().filter(|n| n.starts_with('m')).count(), 35);
    assert_sound(&arena.world);
}

#[test]
fn a_permission_that_is_missing_for_one_action_stops_that_action_only() {
    let mut arena = Arena::new("permission", |_| ());
    for action in WRITES {
        arena.work_to_do();
        let world = &arena.world;
        let deny = |denied: Vec<String>| {
            world.cam.keys(|keys| {
                keys.values_mut()
                    .for_each(|key| key.denied.clone_from(&denied));
            });
        };
        deny(vec![action.to_owned()]);
        let label = format!("no permission for {action}");
        until(&label, || {
            let output = world.run(&["sync", "--json"]);
            let refused = text(&output.stdout).contains(action) && !output.status.success();
            arena.assert_unharmed(&label);
            refused
        });
        if action != "AddUser" {
            let joined = world.cam.user(&format!("j{}", arena.round));
            assert!(joined.is_some(), "{label}: additions must go on");
        }
        deny(Vec::new());
        arena.heal(&label);
    }
    assert_sound(&arena.world);
}

#[test]
fn a_name_taken_by_a_stranger_between_the_read_and_the_write() {
    let mut arena = Arena::new("name", |_| ());
    arena.work_to_do();
    let world = &arena.world;
    let name = format!("j{}", arena.round);
    let held = world.cam.inject(
        When::action("AddUser").key(&name).once(),
        Fault::Delay(Duration::from_millis(300)),
    );
    let mut pass = tools::Process::start(world, &["sync", "--json"]);
    until("AddUser is held", || world.cam.fault_hits(held) > 0);
    let stranger = world.cam.add_user(&name, UserKind::SubUser);
    // Even the remark is what camsync would write, but for the mark that only this creation has.
    world.cam.set_remark(&name, "来者").unwrap();
    assert_eq!(pass.wait().code(), Some(1), "{}", pass.stdout());
    assert!(pass.stdout().contains("name_conflict"), "{}", pass.stdout());
    // It stays a conflict, and the stranger's account stays the stranger's.
    world.cam.clear_faults();
    let report = world.sync();
    assert!(report["problems"].to_string().contains(&name), "{report:#}");
    let user = world.cam.user(&name).unwrap();
    assert_eq!((user.uin, user.console_login), (stranger, true));
    assert_eq!(world.cam.times_created(&name), 0);
    // The stranger goes, and the member gets a sub-user.
    world.cam.delete_user(&name).unwrap();
    world.sync();
    assert_eq!(world.cam.times_created(&name), 1);
    assert_sound(world);
}
