//! Groups themselves, and the deny-all policy.

use camsync_core::grants::{DENY_ALL, DENY_ALL_DOCUMENT};
use camsync_core::remark::carries;
use serde_json::json;

use super::*;

async fn to_make() -> (Bench, Object, Object) {
    let mut bench = Bench::new().await;
    bench.made = Some((None, MARK.into()));
    let group = Object::group("rd", None);
    (bench, group, Object::policy(DENY_ALL, None))
}

fn write_policy(bench: &Bench, document: &str) -> u64 {
    let params = json!({ "PolicyName": DENY_ALL, "PolicyDocument": document });
    let made = bench.sim.by_hand("CreatePolicy", params).unwrap();
    made["PolicyId"].as_u64().unwrap()
}

#[tokio::test]
async fn a_group_is_made_with_a_mark() {
    let (bench, group, _) = to_make().await;
    let made = bench.effect(Kind::CreateGroup, &group, Resolve::No).await;
    let there = bench.sim.with(|cloud| cloud.group("rd").cloned().unwrap());
    assert_eq!(made, Effect::Made { id: there.id });
    assert!(carries(&there.remark, MARK), "{}", there.remark);
    // Asked again, by whatever way, it is the same one.
    for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
        let again = bench.effect(Kind::CreateGroup, &group, resolve).await;
        assert_eq!(again, made);
    }
    assert_eq!(bench.sim.history_of("rd").len(), 1);
}

#[tokio::test]
async fn a_strangers_group_is_not_taken_for_ones_own() {
    let (bench, group, _) = to_make().await;
    bench.sim.add_group("rd");
    for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
        let failure = bench.failure(Kind::CreateGroup, &group, resolve).await;
        assert_eq!(failure.code, "name_conflict", "{failure}");
        assert_eq!(failure.class, FailureClass::Permanent);
    }
    // Nor one that keeps the name by another spelling.
    bench.refuse("CreateGroup", "InvalidParameter.GroupNameInUse");
    let other = Object::group("RD", None);
    let failure = bench.failure(Kind::CreateGroup, &other, Resolve::No).await;
    assert_eq!(failure.code, "name_conflict", "{failure}");
}

#[tokio::test]
async fn a_creation_that_may_not_be_sent_is_only_read() {
    let (bench, group, policy) = to_make().await;
    for (kind, object) in [(Kind::CreateGroup, &group), (Kind::CreatePolicy, &policy)] {
        let failure = bench.failure(kind, object, Resolve::Only).await;
        assert_eq!(failure.code, "unanswered", "{failure}");
        assert!(bench.sim.writes().is_empty());
    }
}

#[tokio::test]
async fn refusals_have_their_class() {
    let (bench, group, policy) = to_make().await;
    for (code, class) in [
        ("RequestLimitExceeded", FailureClass::Transient),
        ("InvalidParameter.GroupFull", FailureClass::Quota),
        ("FailedOperation.PolicyFull", FailureClass::Quota),
        ("UnauthorizedOperation", FailureClass::Permission),
        ("InvalidParameter.ParamError", FailureClass::Permanent),
    ] {
        bench.refuse("CreateGroup", code);
        let met = bench.class(Kind::CreateGroup, &group, Resolve::No).await;
        assert_eq!(met, class, "{code}");
        bench.refuse("CreatePolicy", code);
        let met = bench.class(Kind::CreatePolicy, &policy, Resolve::No).await;
        assert_eq!(met, class, "{code}");
    }
}

#[tokio::test]
async fn the_deny_all_policy_is_made_and_one_that_says_the_same_will_do() {
    let (bench, _, policy) = to_make().await;
    let made = bench.effect(Kind::CreatePolicy, &policy, Resolve::No).await;
    let there = bench
        .sim
        .with(|cloud| cloud.policy(DENY_ALL).cloned().unwrap());
    assert_eq!(made, Effect::Made { id: there.id });
    assert_eq!(there.document, DENY_ALL_DOCUMENT);
    assert!(carries(&there.description, MARK));

    let (bench, _, policy) = to_make().await;
    let parsed: serde_json::Value = serde_json::from_str(DENY_ALL_DOCUMENT).unwrap();
    let id = write_policy(&bench, &serde_json::to_string_pretty(&parsed).unwrap());
    for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
        let found = bench.effect(Kind::CreatePolicy, &policy, resolve).await;
        assert_eq!(found, Effect::Made { id });
    }
}

#[tokio::test]
async fn a_policy_of_that_name_that_allows_is_never_used_for_denial() {
    let (bench, _, policy) = to_make().await;
    write_policy(&bench, &DENY_ALL_DOCUMENT.replace("deny", "allow"));
    for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
        let failure = bench.failure(Kind::CreatePolicy, &policy, resolve).await;
        assert_eq!(failure.code, "name_conflict", "{failure}");
        assert_eq!(failure.class, FailureClass::Permanent);
    }
}

#[tokio::test]
async fn an_empty_group_is_deleted_and_one_that_is_gone_is_done() {
    let bench = Bench::new().await;
    let group = bench.group("rd");
    let done = bench.effect(Kind::DeleteGroup, &group, Resolve::No).await;
    assert_eq!(done, Effect::Unmade);
    assert!(bench.sim.with(|cloud| cloud.groups.is_empty()));
    for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
        let done = bench.effect(Kind::DeleteGroup, &group, resolve).await;
        assert_eq!(done, Effect::Unmade);
    }
}

#[tokio::test]
async fn a_group_that_others_use_by_now_stays() {
    let bench = Bench::with(|o| o.delete_full_group = true).await;
    let joined = bench.group("joined");
    bench.sim.join("zhang", "joined").unwrap();
    let loaded = bench.group("loaded");
    bench.sim.add_policy("p");
    bench.sim.attach_to_group("loaded", "p").unwrap();
    for group in [joined, loaded] {
        let failure = bench.failure(Kind::DeleteGroup, &group, Resolve::No).await;
        assert_eq!(failure.code, "group_in_use", "{failure}");
        assert_eq!(bench.sim.count("DeleteGroup"), 0);
    }
    let left = bench.group("left");
    let failure = bench.failure(Kind::DeleteGroup, &left, Resolve::Only).await;
    assert_eq!(failure.code, "unanswered");
    bench.refuse("DeleteGroup", "RequestLimitExceeded");
    let class = bench.class(Kind::DeleteGroup, &left, Resolve::No).await;
    assert_eq!(class, FailureClass::Transient);
    assert_eq!(bench.sim.with(|cloud| cloud.groups.len()), 3);
}
