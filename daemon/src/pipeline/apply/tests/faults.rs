//! Every fault that the simulator has, once on the write and once on the read before it: in the end it is so, done once,
//! and camsync's.

use camsync_core::grants::DENY_ALL;

use super::*;

const KINDS: [(Kind, &str, &str); 10] = [
    (Kind::CreateGroup, "CreateGroup", "ListGroups"),
    (Kind::DeleteGroup, "DeleteGroup", "ListUsersForGroup"),
    (Kind::AddToGroup, "AddUserToGroup", "ListGroupsForUser"),
    (
        Kind::RemoveFromGroup,
        "RemoveUserFromGroup",
        "ListGroupsForUser",
    ),
    (
        Kind::AttachPolicy,
        "AttachUserPolicy",
        "ListAttachedUserPolicies",
    ),
    (
        Kind::DetachPolicy,
        "DetachUserPolicy",
        "ListAttachedUserPolicies",
    ),
    (Kind::CreatePolicy, "CreatePolicy", "ListPolicies"),
    (Kind::DisableKey, "UpdateAccessKey", "ListAccessKeys"),
    (Kind::EnableKey, "UpdateAccessKey", "ListAccessKeys"),
    (Kind::DeleteKey, "DeleteAccessKey", "ListAccessKeys"),
];

/// What the change is about, in an account where it is called for.
async fn prepare(bench: &mut Bench, kind: Kind) -> Object {
    bench.made = Some((None, MARK.into()));
    match kind {
        Kind::CreateGroup => Object::group("new", None),
        Kind::CreatePolicy => Object::policy(DENY_ALL, None),
        Kind::DeleteGroup | Kind::AddToGroup => bench.group("rd"),
        Kind::RemoveFromGroup => {
            let group = bench.group("rd");
            bench.sim.join("zhang", "rd").unwrap();
            bench.gave(&group);
            group
        }
        Kind::AttachPolicy => bench.policy("p"),
        Kind::DetachPolicy => {
            let policy = bench.policy("p");
            bench.sim.attach("zhang", "p").unwrap();
            bench.gave(&policy);
            policy
        }
        Kind::DisableKey => bench.key(),
        _ => {
            let key = bench.key();
            bench.effect(Kind::DisableKey, &key, Resolve::No).await;
            key
        }
    }
}

fn is_ours(kind: Kind, effect: Effect) -> bool {
    match effect {
        Effect::Made { .. } => matches!(kind, Kind::CreateGroup | Kind::CreatePolicy),
        Effect::Unmade => kind == Kind::DeleteGroup,
        Effect::Granted { .. } => matches!(kind, Kind::AddToGroup | Kind::AttachPolicy),
        Effect::Taken { .. } => matches!(kind, Kind::RemoveFromGroup | Kind::DetachPolicy),
        Effect::KeyOff => kind == Kind::DisableKey,
        Effect::KeyOn => kind == Kind::EnableKey,
        Effect::KeyDeleted => kind == Kind::DeleteKey,
        _ => false,
    }
}

/// Attempts as the outbox does: what may have had its effect is read first from then on.
async fn until_done(bench: &Bench, kind: Kind, object: &Object, label: &str) -> Effect {
    let mut resolve = Resolve::No;
    for _ in 0..4 {
        match bench.attempt(kind, object, resolve).await {
            Outcome::Applied { effect, .. } => return effect,
            Outcome::Failed(failure) => {
                let retried = [FailureClass::Transient, FailureClass::Unknown];
                assert!(retried.contains(&failure.class), "{label}: {failure:?}");
                if failure.class == FailureClass::Unknown {
                    resolve = Resolve::First;
                }
            }
        }
    }
    panic!("{label}: never done");
}

async fn strike(which: fn(&(Kind, &'static str, &'static str)) -> &'static str) {
    let fault_on = |kind: &(Kind, &'static str, &'static str)| (kind.0, which(kind));
    let mut struck = 0;
    for (kind, action) in KINDS.iter().map(fault_on) {
        for fault in Fault::every("zhang") {
            let label = format!("{kind:?}, {action} once {fault:?}");
            let mut bench = Bench::new().await;
            let object = prepare(&mut bench, kind).await;
            let before = bench.sim.history().len();
            let id = bench.strike(action, fault);
            let effect = until_done(&bench, kind, &object, &label).await;
            struck += bench.sim.fault_hits(id);
            assert!(is_ours(kind, effect), "{label}: {effect:?}");
            assert_eq!(bench.sim.history().len(), before + 1, "{label}");
        }
    }
    assert!(struck > 100, "{struck}");
}

#[tokio::test]
async fn a_write_that_meets_any_fault_once_is_done_once() {
    strike(|kind| kind.1).await;
}

#[tokio::test]
async fn a_read_that_meets_any_fault_once_changes_nothing_of_that() {
    strike(|kind| kind.2).await;
}
