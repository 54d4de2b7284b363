//! Groups and policies of a sub-user: what rules call for is given, what camsync gave and nothing calls for is taken.

use std::collections::BTreeMap;

use camsync_core::grants::CalledForBy;
use camsync_core::object::{Object, ObjectKind};
use camsync_core::plan::Note;
use camsync_core::problem::Problem;
use camsync_core::rules::LessAccess;

use crate::world::{
    World, given, group, lines, named_after_facts, policies, policy, seconds_ago, wanted,
};

const JOINS: &str = "add_to_group ann [group rd 7]: granted by the rule in line 20";
const GETS: &str = "attach_policy ann [policy Read 3]: granted by the rule in line 20";
const LEAVES: &str = "remove_from_group ann [group rd 7]: no grant rule calls for it any more; \
     it was given by the rule in line 20 | on excluded";

/// A rule calls Ann into the group rd, which is there, and gives her the policy Read.
fn called_for() -> World {
    let mut world = World::with(&["ann"]);
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.grants.policies = policies(&[policy(3, "Read")]);
    world.own("ann");
    world.entitlement("ann").groups.push(wanted("rd"));
    world.entitlement("ann").policies.push(wanted("Read"));
    world
}

/// The same, and camsync gave both, and CAM shows it.
fn granted() -> World {
    let mut world = called_for();
    world.grants.set_groups(vec![group(7, "rd", &[101])]);
    world.own("ann").policies = Some(BTreeMap::from([(3, "Read".into())]));
    world.row("ann").given = vec![
        given(ObjectKind::Group, "rd", 7),
        given(ObjectKind::Policy, "Read", 3),
    ];
    world
}

/// The same, and no rule calls for the group any more.
fn uncalled_for() -> World {
    let mut world = granted();
    world.entitlement("ann").groups.clear();
    world
}

/// Somebody has taken Ann out of the group.
fn taken() -> World {
    let mut world = granted();
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world
}

fn rd() -> Object {
    Object::group("rd", Some(7))
}

#[test]
fn what_a_rule_calls_for_is_given() {
    assert_eq!(called_for().changes(), [JOINS, GETS]);
    let draft = granted().draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty() && draft.problems.is_empty());
}

#[test]
fn what_others_gave_stays_theirs() {
    let mut world = granted();
    world.row("ann").given.clear();
    assert!(world.changes().is_empty(), "she has it");
    world.entitlement("ann").groups.clear();
    world.entitlement("ann").policies.clear();
    assert!(world.changes().is_empty(), "and keeps it");
}

#[test]
fn nothing_is_decided_about_what_was_not_read() {
    let mut world = called_for();
    world.grants.own.clear();
    assert_eq!(world.changes(), [JOINS]);
    let mut unread = group(7, "rd", &[]);
    unread.members = None;
    world.grants.set_groups(vec![unread]);
    assert!(world.changes().is_empty());
    let mut world = uncalled_for();
    world.entitlement("ann").policies.clear();
    world.grants.own.clear();
    assert_eq!(world.changes(), [LEAVES], "of the policy nothing is known");
}

#[test]
fn that_policies_cannot_be_listed_is_told_and_groups_are_given() {
    let mut world = called_for();
    world.own("ann").policies = None;
    let draft = world.draft();
    let action = "ListAttachedUserPolicies".to_owned();
    assert_eq!(
        crate::world::problems(&draft, "ann"),
        [Problem::Unreadable { action }]
    );
}

#[test]
fn nothing_is_given_or_taken_while_nothing_can_be_read() {
    let mut world = called_for();
    world.grants.unreadable = Some("ListGroups".into());
    assert!(world.changes().is_empty());
    let action = "ListGroups".to_owned();
    assert_eq!(world.problems("ann"), [Problem::Unreadable { action }]);
    let mut world = World::with(&["ann"]);
    world.grants.unreadable = Some("ListGroups".into());
    assert_eq!(world.problems("ann"), [], "where nothing is called for");
}

#[test]
fn what_no_rule_calls_for_any_more_is_taken() {
    assert_eq!(uncalled_for().changes(), [LEAVES]);
    let mut world = granted();
    world.entitlement("ann").policies.clear();
    assert_eq!(
        world.changes(),
        [
            "detach_policy ann [policy Read 3]: no grant rule calls for it any more; \
             it was given by the rule in line 20 | on excluded"
        ]
    );
}

#[test]
fn what_the_former_facts_would_still_be_given_is_taken_for_the_changed_facts() {
    let regrouped = [LEAVES.replace("excluded", "regrouped")];
    let mut world = uncalled_for();
    world.facts("ann").with_former_facts = Some(camsync_core::grants::Entitlement::default());
    assert_eq!(world.changes(), [LEAVES]);
    let former = world.facts("ann").with_former_facts.as_mut().unwrap();
    former.groups.push(wanted("rd"));
    assert_eq!(world.changes(), regrouped);
    let former = world.facts("ann").with_former_facts.as_mut().unwrap();
    former.groups[0] = wanted("ops");
    former.policies.push(wanted("rd"));
    assert_eq!(world.changes(), [LEAVES], "a policy is no group");
    let former = world.facts("ann").with_former_facts.as_mut().unwrap();
    former.like.push(wanted("zoe"));
    assert_eq!(world.changes(), [LEAVES], "it did not come from zoe");
    world.row("ann").given[0].like = Some("zoe".into());
    assert_eq!(world.changes(), regrouped);
}

#[test]
fn a_policy_is_taken_for_changed_facts_too() {
    let mut world = granted();
    world.entitlement("ann").policies.clear();
    world.facts("ann").with_former_facts = Some(camsync_core::grants::Entitlement::default());
    let former = world.facts("ann").with_former_facts.as_mut().unwrap();
    former.policies.push(wanted("Read"));
    assert!(world.changes()[0].ends_with("on regrouped"));
}

#[test]
fn the_protected_keep_what_they_were_given_and_get_what_is_called_for() {
    let mut world = uncalled_for();
    world.row("ann").protected = true;
    world.own("ann").policies = Some(BTreeMap::new());
    world.row("ann").given.remove(1);
    assert_eq!(world.changes(), [GETS]);
    let evidence = camsync_core::evidence::Evidence::Excluded;
    assert_eq!(world.problems("ann"), [Problem::Protected { evidence }]);
}

#[test]
fn facts_are_not_noted_as_admitted_while_something_is_to_be_taken() {
    let mut world = uncalled_for();
    world.row("ann").admitted = None;
    assert_eq!(world.draft().notes, []);
    world.row("ann").given.remove(0);
    assert_eq!(world.draft().notes.len(), 1);
}

#[test]
fn what_nothing_calls_for_and_somebody_took_is_forgotten() {
    let mut world = uncalled_for();
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    let (sub_user, object) = (1, rd());
    assert_eq!(draft.notes, [Note::GrantForgotten { sub_user, object }]);
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(59));
    assert_eq!(world.changes(), [LEAVES], "a read may lag");
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(60));
    assert!(world.changes().is_empty());
}

#[test]
fn what_somebody_took_stays_taken_and_is_told() {
    let world = taken();
    assert!(world.changes().is_empty());
    let object = rd();
    assert_eq!(world.problems("ann"), [Problem::GrantTaken { object }]);
}

#[test]
fn what_somebody_took_comes_back_where_that_is_repaired_or_asked_for() {
    let back = "add_to_group ann [group rd 7]: it was taken away by someone else";
    let mut world = taken();
    world.less_access = LessAccess::Repair;
    assert_eq!(world.changes(), [back]);
    world.less_access = LessAccess::Keep;
    world.row("ann").resume_requested = true;
    let draft = world.draft();
    assert_eq!(lines(&draft), [back]);
    assert_eq!(draft.notes, [], "the request is settled once it is there");
}

#[test]
fn a_grant_that_no_read_has_shown_within_a_minute_is_given_again() {
    let mut world = taken();
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(59));
    assert!(world.changes().is_empty() && world.problems("ann").is_empty());
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(
        world.changes(),
        ["add_to_group ann [group rd 7]: an earlier write has not shown its effect"]
    );
}

#[test]
fn a_grant_that_a_read_shows_is_confirmed_and_goes_to_whoever_calls_for_it_now() {
    let mut world = granted();
    world.row("ann").given[0].unconfirmed_since = Some(seconds_ago(5));
    let (sub_user, object) = (1, rd());
    assert_eq!(
        world.draft().notes,
        [Note::GrantConfirmed { sub_user, object }]
    );
    let mut world = granted();
    world.row("ann").given[0].rule = Some(4);
    let by = CalledForBy {
        rule: 20,
        like: None,
    };
    let now = |by| Note::GrantCalledFor {
        sub_user: 1,
        object: rd(),
        by,
    };
    assert_eq!(world.draft().notes, [now(by.clone())]);
    world.row("ann").given[0].rule = Some(20);
    world.row("ann").given[0].like = Some("zoe".into());
    assert_eq!(world.draft().notes, [now(by)]);
}

#[test]
fn a_group_that_does_not_exist_is_made_and_then_joined() {
    let mut world = called_for();
    world.grants.set_groups(Vec::new());
    world.entitlement("ann").policies.clear();
    assert_eq!(
        world.changes(),
        [
            "create_group [group rd]: granted by the rule in line 20",
            "add_to_group ann [group rd]: granted by the rule in line 20",
        ]
    );
}

#[test]
fn no_group_is_made_under_a_name_that_no_service_takes() {
    let told = |name: &str| {
        let mut world = called_for();
        world.entitlement("ann").policies.clear();
        world.entitlement("ann").groups[0] = named_after_facts(name);
        (world.changes().len(), world.problems("ann"))
    };
    let illegal = |group: &str| {
        let group = group.to_owned();
        (0, vec![Problem::GroupNameIllegal { group, rule: 20 }])
    };
    let long = "组".repeat(64);
    assert_eq!(told(&long), (2, Vec::new()));
    assert_eq!(told(&format!("{long}x")), illegal(&long));
    assert_eq!(told("r\u{7}d"), illegal("r\u{7}d"));
}

#[test]
fn a_group_that_differs_by_case_alone_is_not_joined() {
    let mut world = called_for();
    world.grants.set_groups(vec![group(7, "RD", &[])]);
    world.entitlement("ann").policies.clear();
    assert!(world.changes().is_empty());
    let taken = Problem::GroupTaken {
        group: "rd".into(),
        by: "RD".into(),
        rule: 20,
    };
    assert_eq!(world.problems("ann"), [taken]);
}

#[test]
fn a_group_that_others_made_is_joined_only_where_the_configuration_names_it() {
    let mut world = called_for();
    world.entitlement("ann").policies.clear();
    world.entitlement("ann").groups[0] = named_after_facts("rd");
    assert!(world.changes().is_empty());
    let group = "rd".to_owned();
    assert_eq!(
        world.problems("ann"),
        [Problem::GroupNotOurs { group, rule: 20 }]
    );
    world.made.push(crate::objects::made(7, "rd"));
    assert_eq!(world.changes(), [JOINS]);
}

#[test]
fn a_group_that_camsync_made_and_somebody_renamed_is_still_the_one() {
    let mut world = called_for();
    world.entitlement("ann").policies.clear();
    world.grants.set_groups(vec![group(7, "renamed", &[])]);
    world.made.push(crate::objects::made(7, "rd"));
    assert_eq!(
        world.changes(),
        ["add_to_group ann [group renamed 7]: granted by the rule in line 20"]
    );
}

#[test]
fn a_group_that_was_given_and_renamed_is_still_the_one() {
    let mut world = granted();
    world.grants.set_groups(vec![group(7, "renamed", &[101])]);
    let draft = world.draft();
    assert!(draft.changes.is_empty(), "{:?}", lines(&draft));
    assert!(draft.problems.is_empty());
    // Another one has the name now: it is that one which the rule names.
    let another = group(8, "rd", &[]);
    let renamed = group(7, "renamed", &[101]);
    world.grants.set_groups(vec![renamed, another]);
    assert_eq!(
        world.changes(),
        [
            "add_to_group ann [group rd 8]: granted by the rule in line 20",
            "remove_from_group ann [group rd 7]: no grant rule calls for it any more; \
             it was given by the rule in line 20 | on excluded",
        ]
    );
}

#[test]
fn who_lost_a_group_by_its_deletion_is_told_and_joins_its_successor_only_on_request() {
    let mut world = granted();
    world.grants.set_groups(vec![group(8, "rd", &[])]);
    assert!(world.changes().is_empty());
    let object = Object::group("rd", Some(8));
    assert_eq!(world.problems("ann"), [Problem::GrantTaken { object }]);
    assert_eq!(world.draft().notes, [], "what she lost is remembered");
    world.row("ann").resume_requested = true;
    assert_eq!(
        world.changes(),
        ["add_to_group ann [group rd 8]: it was taken away by someone else"]
    );
}

#[test]
fn a_policy_that_cam_does_not_know_is_told_and_takes_nothing() {
    let mut world = granted();
    let mut told = |found| {
        world.grants.policies.insert("Read".into(), found);
        assert!(world.changes().is_empty());
        world.problems("ann")
    };
    let (policy_name, rule) = ("Read".to_owned(), 20);
    let policy_of = || policy_name.clone();
    let none = Problem::NoSuchPolicy {
        policy: policy_of(),
        rule,
    };
    assert_eq!(told(None), [none]);
    let mut found = policy(3, "Read");
    found.usable = false;
    let unusable = Problem::PolicyUnusable {
        policy: policy_of(),
        rule,
    };
    assert_eq!(told(Some(found.clone())), [unusable]);
    found.replaced = true;
    let replaced = Problem::PolicyReplaced {
        policy: policy_of(),
        rule,
    };
    let replaced = [replaced];
    assert_eq!(told(Some(found.clone())), replaced);
    found.usable = true;
    assert_eq!(told(Some(found)), replaced);
    world.grants.policies.clear();
    assert!(world.changes().is_empty(), "it was not read");
    assert_eq!(world.problems("ann"), []);
}

#[test]
fn a_group_that_administers_is_joined_only_where_its_policy_is_named() {
    let mut world = called_for();
    world.entitlement("ann").policies.clear();
    let mut admins = group(7, "rd", &[]);
    admins.administers = Some("Admin".into());
    world.grants.set_groups(vec![admins]);
    assert!(world.changes().is_empty());
    let administers = Problem::Administers {
        policy: "Admin".into(),
        through: Some("rd".into()),
        rule: 20,
    };
    assert_eq!(world.problems("ann"), [administers]);
    world.entitlement("ann").policies.push(wanted("Admin"));
    assert_eq!(world.changes(), [JOINS]);
}

#[test]
fn a_group_that_came_to_administer_is_not_left_by_that() {
    let mut world = granted();
    let mut admins = group(7, "rd", &[101]);
    admins.administers = Some("Admin".into());
    world.grants.set_groups(vec![admins]);
    assert!(world.changes().is_empty());
    assert_eq!(world.problems("ann").len(), 1);
}

#[test]
fn a_group_that_was_lost_says_nothing_of_others() {
    let mut world = called_for();
    world.row("ann").given = vec![
        given(ObjectKind::Group, "ops", 9),
        given(ObjectKind::Group, "Read", 10),
    ];
    let draft = world.draft();
    assert_eq!(lines(&draft), [JOINS, GETS]);
    let forgotten = |name: &str, id| Note::GrantForgotten {
        sub_user: 1,
        object: Object::group(name, Some(id)),
    };
    assert_eq!(draft.notes, [forgotten("ops", 9), forgotten("Read", 10)]);
}

#[test]
fn a_group_that_was_given_is_not_taken_for_one_that_is_missing() {
    let mut world = granted();
    world.entitlement("ann").groups.push(wanted("new"));
    world.grants.policies = policies(&[policy(3, "Read")]);
    assert_eq!(
        world.changes(),
        [
            "create_group [group new]: granted by the rule in line 20",
            "add_to_group ann [group new]: granted by the rule in line 20",
        ]
    );
}

#[test]
fn a_policy_that_cam_does_not_know_keeps_no_other() {
    let mut world = granted();
    world
        .row("ann")
        .given
        .push(given(ObjectKind::Policy, "Write", 4));
    let own = world.own("ann").policies.get_or_insert_default();
    own.insert(4, "Write".into());
    world.grants.policies.insert("Read".into(), None);
    assert_eq!(
        world.changes(),
        [
            "detach_policy ann [policy Write 4]: no grant rule calls for it any more; \
             it was given by the rule in line 20 | on excluded"
        ]
    );
}
