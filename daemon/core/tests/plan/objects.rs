//! Groups and policies themselves: made once, removed when nothing is left of them, and what a plan would leave empty.

use std::collections::BTreeMap;

use camsync_core::grants::{DenyAllPolicy, Made, ObservedGroup};
use camsync_core::object::ObjectKind;
use camsync_core::plan::Note;
use camsync_core::rules::DenyAll;

use crate::world::{World, given, group, seconds_ago, wanted};

const REMOVED: &str =
    "delete_group [group rd 7]: camsync made it, and nothing calls for it any more";

/// A group that camsync made, and that a read has shown.
pub(crate) fn made(cam_id: u64, name: &str) -> Made {
    Made {
        id: 70,
        kind: ObjectKind::Group,
        name: name.into(),
        cam_id: Some(cam_id),
        unconfirmed_since: None,
        busy: false,
    }
}

/// Camsync made the group rd; nobody is in it, and nothing calls for it.
fn left_over() -> World {
    let mut world = World::with(&["ann"]);
    world.made.push(made(7, "rd"));
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world
}

/// The same with the group as it is not quite.
fn with(alter: impl FnOnce(&mut ObservedGroup)) -> Vec<String> {
    let mut world = left_over();
    let mut rd = group(7, "rd", &[]);
    alter(&mut rd);
    world.grants.set_groups(vec![rd]);
    world.changes()
}

#[test]
fn a_group_that_camsync_made_goes_when_nothing_is_left_of_it() {
    let draft = left_over().draft();
    assert_eq!(crate::world::lines(&draft), [REMOVED]);
    assert_eq!(draft.changes[0].source, "acme");
    assert_eq!(draft.notes, []);
}

#[test]
fn a_group_with_members_or_policies_stays_and_so_does_one_that_was_not_read_whole() {
    assert!(with(|rd| rd.members = Some([900].into())).is_empty());
    assert!(with(|rd| rd.members = None).is_empty());
    assert!(with(|rd| rd.policies = Some(1)).is_empty());
    assert!(with(|rd| rd.policies = None).is_empty());
}

#[test]
fn a_group_that_somebody_is_called_into_or_was_given_stays() {
    let mut world = left_over();
    world.row("ann").given = vec![given(ObjectKind::Group, "rd", 7)];
    world.row("ann").busy = true;
    assert!(world.changes().is_empty());
    world.row("ann").given[0].id = 8;
    assert_eq!(world.changes(), [REMOVED]);
    world.row("ann").given = vec![given(ObjectKind::Policy, "rd", 7)];
    assert_eq!(world.changes(), [REMOVED], "a policy of its id is not it");
    let mut world = left_over();
    world.entitlement("ann").groups.push(wanted("rd"));
    world.row("ann").busy = true;
    assert!(world.changes().is_empty());
}

#[test]
fn who_is_not_admitted_calls_for_no_group() {
    let mut world = left_over();
    world.entitlement("ann").groups.push(wanted("rd"));
    world.row("ann").busy = true;
    world.facts("ann").verdict = camsync_core::desired::Verdict::Unmatched;
    assert_eq!(world.changes(), [REMOVED]);
}

#[test]
fn a_group_stays_while_a_source_that_may_call_for_it_is_frozen() {
    let mut world = left_over();
    world.whole = false;
    assert!(world.changes().is_empty());
}

#[test]
fn a_group_that_others_made_stays() {
    let mut world = left_over();
    world.made.clear();
    assert!(world.changes().is_empty());
}

#[test]
fn a_group_of_which_a_change_is_under_way_is_left_alone() {
    let mut world = left_over();
    world.made[0].busy = true;
    assert!(world.changes().is_empty());
}

#[test]
fn a_group_is_not_made_twice() {
    let mut world = left_over();
    world.grants.set_groups(Vec::new());
    world.entitlement("ann").groups.push(wanted("rd"));
    world.made[0].cam_id = None;
    world.made[0].busy = true;
    assert_eq!(
        world.changes(),
        ["add_to_group ann [group rd]: granted by the rule in line 20"]
    );
    world.made[0].busy = false;
    assert_eq!(world.changes().len(), 2);
    world.made.clear();
    world.admit("bob").entitlement.groups.push(wanted("rd"));
    let made = world.changes();
    let made = made.iter().filter(|c| c.starts_with("create_group"));
    assert_eq!(made.count(), 1, "for two");
}

#[test]
fn what_a_read_has_shown_of_what_was_made_is_noted() {
    let mut world = left_over();
    world.made[0].unconfirmed_since = Some(seconds_ago(5));
    let draft = world.draft();
    assert_eq!(draft.notes, [Note::MadeConfirmed { made: 70 }]);
    assert!(draft.changes.is_empty(), "and it is not removed at once");
}

#[test]
fn what_was_made_and_is_not_there_any_more_is_noted() {
    let gone = [Note::MadeGone { made: 70 }];
    let mut world = left_over();
    world.grants.set_groups(Vec::new());
    assert_eq!(world.draft().notes, gone);
    world.made[0].unconfirmed_since = Some(seconds_ago(59));
    assert_eq!(world.draft().notes, [], "a read may lag");
    world.made[0].unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(world.draft().notes, gone);
    world.made[0].cam_id = None;
    assert_eq!(world.draft().notes, [], "it is yet to be made");
    let mut world = World::with(&["ann"]);
    world.made.push(made(7, "rd"));
    assert_eq!(world.draft().notes, [], "groups were not listed");
}

#[test]
fn the_deny_all_policy_that_camsync_made_is_noted_as_it_is_shown() {
    let noted = |deny_all, unconfirmed: bool| {
        let mut world = World::with(&["ann"]);
        world.made.push(Made {
            kind: ObjectKind::Policy,
            unconfirmed_since: unconfirmed.then(|| seconds_ago(90)),
            ..made(5, "camsync-deny-all")
        });
        world.grants.deny_all = deny_all;
        // Of the same number, and nobody's.
        world.grants.set_groups(vec![group(5, "x", &[])]);
        let draft = world.draft();
        assert!(draft.changes.is_empty(), "it is never removed");
        draft.notes
    };
    let gone = [Note::MadeGone { made: 70 }];
    assert_eq!(noted(DenyAllPolicy::Unread, true), []);
    assert_eq!(noted(DenyAllPolicy::Denies(5), false), []);
    let confirmed = [Note::MadeConfirmed { made: 70 }];
    assert_eq!(noted(DenyAllPolicy::Denies(5), true), confirmed);
    assert_eq!(noted(DenyAllPolicy::Denies(6), true), gone);
    assert_eq!(noted(DenyAllPolicy::Missing, false), gone);
    assert_eq!(noted(DenyAllPolicy::SaysOtherwise, false), gone);
}

#[test]
fn the_deny_all_policy_is_not_made_twice() {
    let mut world = World::with(&["ann", "bob"]);
    for key in ["ann", "bob"] {
        world.lose(key, camsync_core::evidence::Absence::Absent);
    }
    world.leavers.deny_all = DenyAll::Always;
    world.grants.deny_all = DenyAllPolicy::Missing;
    let makes = |world: &World| {
        let all = world.changes();
        all.iter()
            .filter(|c| c.starts_with("create_policy"))
            .count()
    };
    assert_eq!(makes(&world), 1, "for two");
    world.made.push(Made {
        kind: ObjectKind::Policy,
        cam_id: None,
        busy: true,
        ..made(0, "camsync-deny-all")
    });
    assert_eq!(makes(&world), 0);
}

#[test]
fn what_others_need_is_made_first_and_what_is_left_over_goes_last() {
    let mut world = left_over();
    world.admit("bob");
    world.admit_at("beta", "zoe");
    let zoe = &mut world.desired.get_mut("beta").unwrap()[0];
    zoe.entitlement.groups.push(wanted("new"));
    let kinds: Vec<&str> = world
        .draft()
        .changes
        .iter()
        .map(|c| c.kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "create_group",
            "create_user",
            "create_user",
            "add_to_group",
            "delete_group"
        ]
    );
}

/// All but so many of those whom camsync put into a group, or gave a policy, lose it by a rule edit.
fn emptied(all: usize, keep: usize, others: usize, kind: ObjectKind) -> usize {
    let keys: Vec<String> = (0..all).map(|n| format!("m{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut world = World::with(&keys);
    let theirs = (0..others).map(|n| 900 + n as u64);
    let ours = (0..all).map(|n| 101 + n as u64);
    let members: Vec<u64> = ours.chain(theirs).collect();
    world.grants.set_groups(vec![group(7, "rd", &members)]);
    world.grants.policies = crate::world::policies(&[crate::world::policy(7, "rd")]);
    for (n, key) in keys.iter().enumerate() {
        world.row(key).given = vec![given(kind, "rd", 7)];
        world.own(key).policies = Some(BTreeMap::from([(7, "rd".into())]));
        let kept = n < keep;
        match kind {
            ObjectKind::Group if kept => world.entitlement(key).groups.push(wanted("rd")),
            ObjectKind::Policy if kept => world.entitlement(key).policies.push(wanted("rd")),
            _ => {}
        }
    }
    let changes = world.changes();
    assert_eq!(changes.len(), all - keep, "{changes:#?}");
    let empties = changes.iter().filter(|c| c.contains("| empties "));
    empties.count()
}

#[test]
fn taking_more_than_half_of_a_group_counts_like_one_more_person() {
    assert_eq!(emptied(4, 1, 0, ObjectKind::Group), 3);
    assert_eq!(emptied(4, 2, 0, ObjectKind::Group), 0, "half is not more");
    assert_eq!(emptied(8, 3, 0, ObjectKind::Group), 5);
    assert_eq!(emptied(4, 1, 2, ObjectKind::Group), 0, "others are in it");
    assert_eq!(emptied(3, 1, 0, ObjectKind::Group), 2);
    assert_eq!(emptied(2, 0, 0, ObjectKind::Group), 0, "two are few");
}

#[test]
fn taking_a_policy_from_the_last_who_has_it_counts_like_one_more_person() {
    assert_eq!(emptied(3, 0, 0, ObjectKind::Policy), 3);
    assert_eq!(emptied(3, 1, 0, ObjectKind::Policy), 0);
    assert_eq!(emptied(2, 0, 0, ObjectKind::Policy), 0, "two are few");
}
