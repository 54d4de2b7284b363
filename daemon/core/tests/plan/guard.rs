//! What the guard says of a plan: what a person has approved, what is under way, what was discarded.

use std::collections::{BTreeSet, HashSet};

use camsync_core::change::{Hold, Planned, RemovalKey};
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::guard::{Bucket, Decision, Judgement, Memory, Standing};
use camsync_core::object::ObjectKind;
use camsync_core::outbox::Kind;
use camsync_core::rules::{Adopt, Guard};

use crate::world::{ACME, World, account, given, group};

/// The guard as it is by default, over this plan.
fn judge(memory: &Memory, changes: &mut [Planned]) -> Vec<Judgement> {
    camsync_core::guard::judge(&Guard::default(), memory, &BTreeSet::new(), changes)
}

/// What becomes of the buckets, and how many changes wait.
fn decisions(memory: &Memory, changes: &mut [Planned]) -> (Vec<Decision>, usize) {
    let decisions = judge(memory, changes).iter().map(|j| j.decision).collect();
    let waits = |c: &&Planned| c.hold == Some(Hold::Approval);
    (decisions, changes.iter().filter(waits).count())
}

/// So many are missing, and the look-ups say that they are gone.
fn leavers(count: usize) -> Vec<Planned> {
    let keys: Vec<String> = (1..=count).map(|n| format!("m{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut world = World::with(&keys);
    for key in keys {
        world.lose(key, Absence::Absent);
    }
    world.draft().changes
}

/// These of a plan's removals, as a person was shown them.
fn shown(changes: &[Planned]) -> BTreeSet<RemovalKey> {
    changes.iter().map(Planned::removal_key).collect()
}

/// The same, with what they rest on.
fn on(changes: &[Planned], evidence: Evidence) -> HashSet<(RemovalKey, Evidence)> {
    let shown = shown(changes).into_iter();
    shown.map(|key| (key, evidence)).collect()
}

fn standing(changes: &[Planned], discarded: bool) -> Memory {
    let bucket = Bucket {
        source: ACME.into(),
        evidence: Evidence::Absent,
        member: None,
    };
    let standing = Standing {
        id: 7,
        removals: shown(changes),
        discarded,
    };
    Memory {
        standing: [(bucket, standing)].into(),
        managed: 10,
        ..Memory::default()
    }
}

#[test]
fn a_plan_without_removals_has_nothing_to_judge() {
    let mut world = World::with(&["ann"]);
    world.admit("bob");
    let mut changes = world.draft().changes;
    assert_eq!(judge(&Memory::default(), &mut changes), []);
    assert_eq!(changes[0].hold, None);
}

#[test]
fn a_judgement_names_its_bucket_its_removals_and_its_limit() {
    let judged = judge(&Memory::default(), &mut leavers(1));
    let removal = RemovalKey {
        subject: "sub-user:1".into(),
        kind: Kind::SuspendUser,
    };
    let bucket = Bucket {
        source: ACME.into(),
        evidence: Evidence::Absent,
        member: None,
    };
    let judgement = Judgement {
        bucket,
        removals: [removal].into(),
        limit: 3,
        decision: Decision::Free,
    };
    assert_eq!(judged, [judgement]);
}

#[test]
fn what_is_under_way_is_not_counted_again() {
    let mut changes = leavers(4);
    let memory = Memory {
        released: on(&changes[..1], Evidence::Absent),
        ..Memory::default()
    };
    assert_eq!(
        decisions(&memory, &mut changes),
        (vec![Decision::Free], 0),
        "three are left"
    );
    let memory = Memory {
        released: on(&changes, Evidence::Absent),
        ..Memory::default()
    };
    assert_eq!(decisions(&memory, &mut changes), (Vec::new(), 0));
}

#[test]
fn what_always_waits_for_a_person_is_not_under_way_by_itself() {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Hidden(Vec::new()));
    let mut changes = world.draft().changes;
    let memory = Memory {
        released: on(&changes, Evidence::Hidden),
        ..Memory::default()
    };
    let held = Decision::Held { replaces: None };
    assert_eq!(decisions(&memory, &mut changes), (vec![held], 1));
}

#[test]
fn what_was_approved_is_not_asked_again() {
    let mut changes = leavers(5);
    let approved = shown(&changes).into_iter();
    let memory = Memory {
        approved: approved.map(|key| ((key, Evidence::Absent), 7)).collect(),
        ..Memory::default()
    };
    assert_eq!(decisions(&memory, &mut changes), (Vec::new(), 0));
}

#[test]
fn a_discarded_plan_silences_what_it_showed_and_no_more() {
    let mut changes = leavers(4);
    let memory = standing(&changes, true);
    assert_eq!(
        decisions(&memory, &mut changes[..2]),
        (vec![Decision::Silenced(7)], 2)
    );
    let memory = standing(&changes[..3], true);
    let replaced = Decision::Held { replaces: Some(7) };
    assert_eq!(decisions(&memory, &mut changes), (vec![replaced], 4));
}

#[test]
fn a_standing_plan_says_nothing_of_others_than_it_showed() {
    let mut changes = leavers(5);
    let memory = standing(&changes[..2], false);
    assert_eq!(
        decisions(&memory, &mut changes[2..]),
        (vec![Decision::Free], 0)
    );
}

#[test]
fn two_sources_share_one_window() {
    let mut changes = leavers(4);
    for change in &mut changes[2..] {
        change.source = "beta".into();
    }
    let held = Decision::Held { replaces: None };
    assert_eq!(
        decisions(&Memory::default(), &mut changes),
        (vec![Decision::Free, held], 2)
    );
}

#[test]
fn what_is_held_uses_nothing_of_the_window() {
    let mut changes = leavers(7);
    for change in &mut changes[4..] {
        change.source = "beta".into();
    }
    let held = Decision::Held { replaces: None };
    assert_eq!(
        decisions(&Memory::default(), &mut changes),
        (vec![held, Decision::Free], 4)
    );
}

#[test]
fn only_what_takes_something_waits_with_a_removal() {
    let mut changes = leavers(4);
    let mut harmless = changes[0].clone();
    harmless.evidence = None;
    changes.push(harmless);
    assert_eq!(decisions(&Memory::default(), &mut changes).1, 4);
}

#[test]
fn each_adoption_by_name_is_a_question_of_its_own() {
    let mut world = World::empty();
    for (uin, key) in [(900, "ann"), (901, "bob")] {
        world.admit(key);
        world.admission(key).adopt = Adopt::Name;
        world.users.push(account(uin, key));
        world.grants.candidates.insert(uin, None);
    }
    let judged = judge(&Memory::default(), &mut world.draft().changes);
    let of: Vec<_> = judged.iter().map(|j| j.bucket.member.as_deref()).collect();
    assert_eq!(of, [Some("ann"), Some("bob")]);
    let subjects: Vec<_> = judged.iter().flat_map(|j| &j.removals).collect();
    assert_eq!(subjects[0].subject, "account:900");
    assert_eq!(subjects[0].kind, Kind::UpdateUser);
}

/// Three lose by a rule edit the group that camsync put them into.
fn emptied() -> Vec<Planned> {
    let mut world = World::with(&["ann", "bob", "cid"]);
    let everyone = group(7, "rd", &[101, 102, 103]);
    world.grants.set_groups(vec![everyone]);
    for key in ["ann", "bob", "cid"] {
        world.row(key).given = vec![given(ObjectKind::Group, "rd", 7)];
    }
    world.draft().changes
}

#[test]
fn what_is_emptied_counts_like_one_more_person() {
    let mut changes = emptied();
    let keys: Vec<_> = changes[0].removal_keys().map(|k| k.subject).collect();
    assert_eq!(keys, ["sub-user:1", "group:rd"]);
    let held = Decision::Held { replaces: None };
    assert_eq!(
        decisions(&Memory::default(), &mut changes),
        (vec![held], 3),
        "three people and a group are more than three"
    );
}

#[test]
fn all_that_one_person_loses_in_one_way_is_one_removal() {
    let kind = |change: &Planned| change.removal();
    assert_eq!(
        emptied().iter().map(kind).next(),
        Some(Kind::RemoveFromGroup)
    );
    let mut change = emptied().remove(0);
    change.kind = Kind::DetachPolicy;
    assert_eq!(kind(&change), Kind::RemoveFromGroup);
    let mut rung = leavers(1).remove(0);
    rung.kind = Kind::DisableKey;
    assert_eq!(kind(&rung), Kind::SuspendUser);
    let mut world = World::with(&["ann"]);
    world.suspend("ann", 1);
    let mut back = world.draft().changes.remove(0);
    back.kind = Kind::DetachPolicy;
    assert_eq!(kind(&back), Kind::ResumeUser);
    world.lose("ann", Absence::Absent);
    world.suspend("ann", 30);
    let mut end = world.draft().changes.remove(0);
    end.kind = Kind::DeleteKey;
    assert_eq!(kind(&end), Kind::DeleteUser);
}

#[test]
fn who_has_no_row_yet_is_known_by_source_and_id() {
    let mut world = World::empty();
    world.admit("bob");
    let created = world.draft().changes.remove(0);
    assert_eq!(created.removal_key().subject, "member:acme/bob");
    assert!(!created.sub_user_less());
    let mut suspended = leavers(1).remove(0);
    suspended.username.clear();
    assert!(!suspended.sub_user_less());
    let mut world = World::with(&["ann"]);
    world.made.push(crate::objects::made(7, "rd"));
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    assert!(world.draft().changes[0].sub_user_less());
}
