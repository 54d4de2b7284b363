//! API keys.

use super::*;

#[tokio::test]
async fn a_key_goes_off_comes_back_and_is_deleted() {
    let bench = Bench::new().await;
    let key = bench.key();
    let off = bench.effect(Kind::DisableKey, &key, Resolve::No).await;
    assert_eq!((off, bench.key_works(&key)), (Effect::KeyOff, Some(false)));
    let on = bench.effect(Kind::EnableKey, &key, Resolve::No).await;
    assert_eq!((on, bench.key_works(&key)), (Effect::KeyOn, Some(true)));
    // It works: it is not deleted, and nothing is sent.
    let failure = bench.failure(Kind::DeleteKey, &key, Resolve::No).await;
    assert_eq!(failure.code, "key_active", "{failure}");
    assert_eq!(failure.class, FailureClass::Transient);
    assert!(bench.sim.writes().is_empty());
    bench.effect(Kind::DisableKey, &key, Resolve::No).await;
    let gone = bench.effect(Kind::DeleteKey, &key, Resolve::No).await;
    assert_eq!((gone, bench.key_works(&key)), (Effect::KeyDeleted, None));
    for kind in [Kind::DisableKey, Kind::EnableKey, Kind::DeleteKey] {
        for resolve in [Resolve::No, Resolve::First] {
            let gone = bench.effect(kind, &key, resolve).await;
            assert_eq!(gone, Effect::KeyDeleted);
        }
    }
}

#[tokio::test]
async fn a_key_that_somebody_else_switched_off_is_not_camsyncs_to_bring_back() {
    let mut bench = Bench::new().await;
    let key = bench.key();
    bench.sim.with(|cloud| {
        let uin = bench.sub_user.uin.unwrap();
        let user = cloud.users.get_mut(&uin).unwrap();
        user.keys.get_mut(&key.name).unwrap().active = false;
    });
    let found = bench.effect(Kind::DisableKey, &key, Resolve::No).await;
    assert_eq!(found, Effect::Already);
    assert!(bench.sim.writes().is_empty());
    for resolve in [Resolve::First, Resolve::Only] {
        let found = bench.effect(Kind::DisableKey, &key, resolve).await;
        assert_eq!(found, Effect::KeyOff);
    }
    bench.sub_user.keys_off.push(key.name.clone());
    let found = bench.effect(Kind::DisableKey, &key, Resolve::No).await;
    assert_eq!(found, Effect::KeyOff);
}

#[tokio::test]
async fn a_key_that_still_works_after_an_accepted_write_does_not_pass_for_off() {
    let bench = Bench::new().await;
    let key = bench.key();
    bench.sim.settle();
    bench.sim.set_read_lag(Duration::from_secs(3600));
    let failure = bench.failure(Kind::DisableKey, &key, Resolve::No).await;
    // What was read back said that it works, or nothing of it: neither is off.
    assert_eq!(failure.code, "key_not_off", "{failure}");
    assert_eq!(failure.class, FailureClass::Unknown);
    bench.sim.set_read_lag(Duration::ZERO);
    let off = bench.effect(Kind::DisableKey, &key, Resolve::First).await;
    assert_eq!(off, Effect::KeyOff);
    assert!(bench.sim.writes().is_empty());
    // A read-back that fails leaves it open, too.
    bench.effect(Kind::EnableKey, &key, Resolve::No).await;
    let second = When::action("ListAccessKeys").after(1).once();
    bench.sim.inject(second, Fault::Http(502));
    let class = bench.class(Kind::DisableKey, &key, Resolve::No).await;
    assert_eq!(class, FailureClass::Unknown);
}

#[tokio::test]
async fn the_keys_of_a_deleted_sub_user_are_gone() {
    let bench = Bench::new().await;
    let key = bench.key();
    bench.sim.delete_user("zhang").unwrap();
    for kind in [Kind::DisableKey, Kind::EnableKey, Kind::DeleteKey] {
        let gone = bench.effect(kind, &key, Resolve::No).await;
        assert_eq!(gone, Effect::KeyDeleted);
    }
}

#[tokio::test]
async fn camsyncs_own_key_is_never_touched() {
    let bench = Bench::new().await;
    let key = bench.key();
    bench.key_is_the_sub_users();
    for kind in [Kind::DisableKey, Kind::EnableKey, Kind::DeleteKey] {
        let failure = bench.failure(kind, &key, Resolve::No).await;
        assert_eq!(failure.code, "own_account", "{failure}");
        assert!(bench.sim.writes().is_empty());
    }
}

#[tokio::test]
async fn refusals_have_their_class_and_nothing_is_sent_where_nothing_may_be() {
    let bench = Bench::new().await;
    let key = bench.key();
    for (code, class) in [
        ("RequestLimitExceeded", FailureClass::Transient),
        ("UnauthorizedOperation", FailureClass::Permission),
        ("OperationDenied.UinNotMatch", FailureClass::Permanent),
    ] {
        bench.refuse("UpdateAccessKey", code);
        let met = bench.class(Kind::DisableKey, &key, Resolve::No).await;
        assert_eq!(met, class, "{code}");
        bench.refuse("ListAccessKeys", code);
        let met = bench.class(Kind::DisableKey, &key, Resolve::No).await;
        assert_eq!(met, class, "{code}");
    }
    for kind in [Kind::DisableKey, Kind::DeleteKey] {
        let failure = bench.failure(kind, &key, Resolve::Only).await;
        assert_eq!(failure.code, "unanswered", "{failure}");
        assert!(bench.sim.writes().is_empty());
    }
}
