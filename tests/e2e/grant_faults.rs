//! Every fault that the simulator has on every action about groups, policies and keys. While it lasts nothing unmanaged is
//! touched and nobody who is entitled loses a grant; once it is gone, passes give the desired state, and what camsync
//! gave is known to be camsync's: a leaver loses all of it.

use camsync_simulators::When;
use camsync_simulators::cam::{Actor, Fault, UserKind};
use serde_json::json;

use crate::tools::{self, Tuning, assert_nothing_twice, assert_sound, until};
use crate::world::{World, text};

const WRITES: [&str; 9] = [
    "CreateGroup",
    "DeleteGroup",
    "AddUserToGroup",
    "RemoveUserFromGroup",
    "CreatePolicy",
    "AttachUserPolicy",
    "DetachUserPolicy",
    "UpdateAccessKey",
    "DeleteAccessKey",
];
const READS: [&str; 7] = [
    "ListGroups",
    "ListUsersForGroup",
    "ListGroupsForUser",
    "ListPolicies",
    "GetPolicy",
    "ListAttachedUserPolicies",
    "ListAccessKeys",
];

const RULES: &str = r#"
[[admit]]
when = "member.status == 'active'"
remark = "{{ member.name }}"

[[grant]]
when = "true"
groups = ["staff", "of-{{ member.id }}"]
policies = ["QcloudCVMReadOnlyAccess"]
"#;
const POLICY: &str = "QcloudCVMReadOnlyAccess";
const DENIAL: &str = "camsync-deny-all";

/// An account with a stranger in it, one who stays, and rounds of work that call for every write.
struct Arena {
    world: World,
    label: String,
    round: usize,
    stranger: String,
}

fn tuning() -> Tuning {
    Tuning {
        rules: RULES.into(),
        leavers: "deny_all = \"always\"\ndelete_after = \"1s\"".into(),
        retry_attempts: 4,
        ..Tuning::default()
    }
}

impl Arena {
    fn new(label: &str) -> Self {
        let world = tools::world(&tuning());
        world.cam.add_user("stranger", UserKind::SubUser);
        world.cam.add_group("theirs");
        world.cam.join("stranger", "theirs").unwrap();
        world.cam.attach("stranger", POLICY).unwrap();
        world.cam.add_key("stranger");
        world.join(1..=1);
        world.wecom.add_member("j0", "来者", &[1]);
        world.sync();
        let mut arena = Self {
            world,
            label: label.to_owned(),
            round: 0,
            stranger: String::new(),
        };
        arena.stranger = arena.unmanaged();
        arena
    }

    fn unmanaged(&self) -> String {
        let theirs = self.world.cam.with(|cloud| cloud.members_of("theirs"));
        format!("{:?} {theirs:?}", self.world.cam.user("stranger"))
    }

    fn groups(&self, name: &str) -> Vec<String> {
        self.world.cam.with(|cloud| cloud.groups_of(name))
    }

    fn policies(&self, name: &str) -> Vec<String> {
        self.world.cam.with(|cloud| cloud.policies_of(name))
    }

    /// Somebody joins; the one of the last round leaves, with a key; the deny-all policy has been deleted by hand.
    fn work_to_do(&mut self) {
        self.round += 1;
        let world = &self.world;
        let leaver = format!("j{}", self.round - 1);
        world.cam.add_key(&leaver);
        world
            .wecom
            .add_member(&format!("j{}", self.round), "来者", &[1]);
        world.wecom.remove_member(&leaver);
        let id = world.cam.with(|cloud| cloud.policy(DENIAL).map(|p| p.id));
        if let Some(id) = id {
            let params = json!({ "PolicyId": [id] });
            world.cam.by_hand("DeletePolicy", params).unwrap();
        }
    }

    fn assert_unharmed(&self, label: &str) {
        assert_eq!(self.unmanaged(), self.stranger, "{label}");
        assert!(self.world.signs_in("m1"), "{label}");
        assert_eq!(self.groups("m1"), ["of-m1", "staff"], "{label}");
        assert_eq!(self.policies("m1"), [POLICY], "{label}");
    }

    /// Passes that meet the fault, then passes without it.
    fn strike(&mut self, action: &str, fault: &Fault) {
        let label = format!("{}, once {fault:?}", self.label);
        self.work_to_do();
        let id = self
            .world
            .cam
            .inject(When::action(action).once(), fault.clone());
        until(&format!("the fault strikes: {label}"), || {
            let output = self.world.run(&["sync", "--json"]);
            let fine = output.status.code().is_some_and(|code| code < 2);
            assert!(fine, "{label}: {}", text(&output.stderr));
            self.assert_unharmed(&label);
            self.world.cam.fault_hits(id) > 0
        });
        self.world.cam.clear_faults();
        let (joined, left) = (format!("j{}", self.round), format!("j{}", self.round - 1));
        until(&format!("healed: {label}"), || {
            self.world.run(&["sync", "--json"]);
            self.assert_unharmed(&label);
            self.has_all(&joined) && self.has_lost_all(&left)
        });
        assert_nothing_twice(&self.world);
    }

    fn has_all(&self, name: &str) -> bool {
        self.world.cam.user(name).is_some_and(|u| u.console_login)
            && self.groups(name) == [format!("of-{name}"), "staff".to_owned()]
            && self.policies(name) == [POLICY]
    }

    fn has_lost_all(&self, name: &str) -> bool {
        let Some(user) = self.world.cam.user(name) else {
            return true;
        };
        let keys_off = user.keys.values().all(|key| !key.active);
        !user.console_login && keys_off && user.groups.is_empty() && self.policies(name) == [DENIAL]
    }
}

/// What CAM is known to refuse with, and every kind of fault that the simulator has. What never answers is waited for
/// for a minute: `silence` has a client with less patience.
fn faults() -> impl Iterator<Item = Fault> {
    let codes = [
        "RequestLimitExceeded",
        "ResourceInUse",
        "UnauthorizedOperation",
    ];
    Fault::every("m1")
        .filter(|fault| *fault != Fault::NeverAnswer)
        .chain(codes.map(|code| Fault::Code(code.to_owned())))
}

fn strike_each(action: &str) {
    let mut arena = Arena::new(action);
    for fault in faults() {
        arena.strike(action, &fault);
    }
    until("every leaver is deleted, with what was made for it", || {
        arena.world.sync();
        let groups = arena.world.cam.with(|cloud| cloud.groups.len());
        arena.world.cam.user_names().len() == 3 && groups == 4
    });
    assert_nothing_twice(&arena.world);
    assert_sound(&arena.world);
    // Nothing was given twice either, by whatever way.
    let mut given: Vec<_> = arena
        .world
        .cam
        .history()
        .into_iter()
        .filter(|w| w.by != Actor::ByHand && w.action == "AddUserToGroup")
        .map(|w| (w.uin, w.changes[0].after.clone()))
        .collect();
    let all = given.len();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), all, "{action}");
}

fn side_by_side(actions: &[&'static str]) {
    let threads: Vec<_> = actions
        .iter()
        .map(|action| std::thread::spawn(|| strike_each(action)))
        .collect();
    let failed = threads
        .into_iter()
        .filter_map(|thread| thread.join().err())
        .count();
    assert_eq!(failed, 0, "see above");
}

#[test]
fn a_write_of_a_grant_that_meets_any_fault_once() {
    side_by_side(&WRITES);
}

#[test]
fn a_read_of_grants_that_meets_any_fault_once() {
    side_by_side(&READS);
}

/// One who is in one group by a rule.
fn one_in_a_group() -> World {
    let rules = RULES
        .replace(", \"of-{{ member.id }}\"", "")
        .replace("policies", "# ");
    let world = tools::world(&Tuning { rules, ..tuning() });
    world.join(2..=2);
    world.sync();
    world.join(1..=1);
    world
}

#[test]
fn a_grant_of_which_neither_answer_nor_reading_came_is_camsyncs_all_the_same() {
    let world = one_in_a_group();
    let lost = When::action("AddUserToGroup").once();
    world.cam.inject(lost, Fault::AnswerLost);
    // The read before the write answers, and no other does.
    let unread = When::action("ListGroupsForUser").after(1);
    world.cam.inject(unread, Fault::Http(502));
    world.sync_fails();
    let groups = || world.cam.with(|cloud| cloud.groups_of("m1"));
    assert_eq!(groups(), ["staff"]);
    let given = |world: &World| -> u32 {
        let count = "SELECT count(*) FROM grants WHERE kind = 'group' AND sub_user = 2";
        let ledger = world.ledger();
        ledger.query_row(count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(given(&world), 0);
    world.cam.clear_faults();
    world.cam.clear_log();
    world.sync();
    assert_eq!(given(&world), 1, "read, and known to be camsync's");
    assert_eq!(world.cam.count("AddUserToGroup"), 0);
    let mut changes = world.changes_of("m1");
    changes.retain(|c| c["kind"] == "add_to_group");
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["status"], "applied");
    world.leave(1..=1);
    world.sync();
    assert!(groups().is_empty(), "a leaver keeps no grant of camsync's");
}
