//! Memberships and attached policies.

use camsync_core::object::ObjectKind;
use camsync_simulators::cam::Repeat;

use super::*;

/// Both kinds of grant: what gives, what takes, CAM's actions and its quota.
struct Both {
    give: Kind,
    take: Kind,
    adds: &'static str,
    removes: &'static str,
    lists: &'static str,
    full: &'static str,
}

const GROUP: Both = Both {
    give: Kind::AddToGroup,
    take: Kind::RemoveFromGroup,
    adds: "AddUserToGroup",
    removes: "RemoveUserFromGroup",
    lists: "ListGroupsForUser",
    full: "InvalidParameter.GroupUserFull",
};
const POLICY: Both = Both {
    give: Kind::AttachPolicy,
    take: Kind::DetachPolicy,
    adds: "AttachUserPolicy",
    removes: "DetachUserPolicy",
    lists: "ListAttachedUserPolicies",
    full: "FailedOperation.PolicyFull",
};

impl Bench {
    fn grant(&self, both: &Both) -> Object {
        match both.give {
            Kind::AddToGroup => self.group("rd"),
            _ => self.policy("rd"),
        }
    }

    /// What a person does in the console.
    fn by_hand(&self, object: &Object, give: bool) {
        let done = match (object.kind, give) {
            (ObjectKind::Group, true) => self.sim.join("zhang", &object.name),
            (ObjectKind::Group, false) => self.sim.leave("zhang", &object.name),
            (_, true) => self.sim.attach("zhang", &object.name),
            (_, false) => self.sim.detach("zhang", &object.name),
        };
        done.unwrap();
    }

    fn has(&self, object: &Object) -> bool {
        let user = self.sim.user("zhang").unwrap();
        let id = object.id.unwrap();
        user.groups.contains(&id) || user.policies.contains_key(&id)
    }
}

#[tokio::test]
async fn a_grant_is_given_once_and_taken_back() {
    for both in [GROUP, POLICY] {
        let mut bench = Bench::new().await;
        let object = bench.grant(&both);
        let id = object.id.unwrap();
        let given = bench.effect(both.give, &object, Resolve::No).await;
        assert!(matches!(given, Effect::Granted { id: of, .. } if of == id));
        assert!(bench.has(&object));
        assert_eq!(bench.sim.count(both.adds), 1);
        bench.gave(&object);
        let taken = bench.effect(both.take, &object, Resolve::No).await;
        assert_eq!(taken, Effect::Taken { id });
        assert!(!bench.has(&object));
    }
}

#[tokio::test]
async fn what_somebody_else_gave_meanwhile_does_not_become_camsyncs() {
    for (both, repeats) in [
        (GROUP, Repeat::Accepted),
        (POLICY, Repeat::Accepted),
        (GROUP, Repeat::Refused),
        (POLICY, Repeat::Refused),
    ] {
        let mut bench = Bench::with(|o| o.repeats = repeats).await;
        let object = bench.grant(&both);
        let id = object.id.unwrap();
        bench.by_hand(&object, true);
        let found = bench.effect(both.give, &object, Resolve::No).await;
        assert_eq!(found, Effect::Already);
        assert_eq!(bench.sim.count(both.adds), 0);
        // After an attempt that may have had its effect, it is ours.
        for resolve in [Resolve::First, Resolve::Only] {
            let found = bench.effect(both.give, &object, resolve).await;
            assert!(matches!(found, Effect::Granted { id: of, .. } if of == id));
            assert_eq!(bench.sim.count(both.adds), 0);
        }
        // What camsync gave before is camsync's still.
        bench.gave(&object);
        let found = bench.effect(both.give, &object, Resolve::No).await;
        assert!(matches!(found, Effect::Granted { id: of, .. } if of == id));
    }
}

#[tokio::test]
async fn a_refusal_that_only_means_that_it_is_so_already_is_settled_by_reading() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        let id = object.id.unwrap();
        // Somebody gives it between the read and the write, and CAM has a code of its own for that.
        let repeated = Fault::CodeAfter("InvalidParameter.ParamError".into());
        bench.strike(both.adds, repeated.clone());
        let found = bench.effect(both.give, &object, Resolve::No).await;
        assert_eq!(found, Effect::Already);
        bench.strike(both.removes, repeated);
        let taken = bench.effect(both.take, &object, Resolve::No).await;
        assert_eq!(taken, Effect::Taken { id });
        bench.refuse(both.adds, "InvalidParameter.ParamError");
        let class = bench.class(both.give, &object, Resolve::No).await;
        assert_eq!(class, FailureClass::Permanent);
    }
}

#[tokio::test]
async fn taking_what_is_not_there_is_done_whatever_cam_says_to_it() {
    for both in [GROUP, POLICY] {
        for repeats in [Repeat::Accepted, Repeat::Refused] {
            let bench = Bench::with(|o| o.repeats = repeats).await;
            let object = bench.grant(&both);
            let id = object.id.unwrap();
            for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
                let taken = bench.effect(both.take, &object, resolve).await;
                assert_eq!(taken, Effect::Taken { id });
            }
        }
    }
}

#[tokio::test]
async fn a_reading_that_lags_does_not_pass_for_taken() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        bench.sim.set_read_lag(Duration::from_secs(3600));
        bench.by_hand(&object, true);
        bench.effect(both.take, &object, Resolve::No).await;
        assert!(!bench.has(&object));
    }
}

#[tokio::test]
async fn what_is_gone_is_taken_already() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        let id = object.id.unwrap();
        let taken = Effect::Taken { id };
        bench.by_hand(&object, true);
        bench.sim.with(|cloud| {
            cloud.groups.remove(&id);
            cloud.policies.remove(&id);
        });
        assert_eq!(bench.effect(both.take, &object, Resolve::No).await, taken);
        let failure = bench.failure(both.give, &object, Resolve::First).await;
        assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
        bench.sim.delete_user("zhang").unwrap();
        for resolve in [Resolve::No, Resolve::First, Resolve::Only] {
            assert_eq!(bench.effect(both.take, &object, resolve).await, taken);
        }
        // A new sub-user may not be known everywhere yet.
        let failure = bench.failure(both.give, &object, Resolve::No).await;
        if both.give == Kind::AddToGroup {
            assert_eq!(failure.code, "not_visible");
            assert_eq!(failure.class, FailureClass::Transient);
        }
    }
}

#[tokio::test]
async fn what_was_made_a_moment_ago_is_waited_for() {
    for both in [GROUP, POLICY] {
        let mut bench = Bench::new().await;
        let object = bench.grant(&both);
        let unnamed = Object {
            id: None,
            ..object.clone()
        };
        bench.made = Some((Some(777_777), MARK.into()));
        let failure = bench.failure(both.give, &unnamed, Resolve::No).await;
        assert_eq!(failure.code, "not_visible", "{failure}");
        assert_eq!(failure.class, FailureClass::Transient);
        bench.made = Some((object.id, MARK.into()));
        let id = object.id.unwrap();
        let given = bench.effect(both.give, &unnamed, Resolve::No).await;
        assert!(matches!(given, Effect::Granted { id: of, .. } if of == id));
        bench.made = None;
        let failure = bench.failure(both.give, &unnamed, Resolve::No).await;
        assert_eq!(failure.code, "unrecorded");
    }
}

#[tokio::test]
async fn nothing_is_sent_on_a_read_that_failed_or_where_nothing_may_be_sent() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        for (resolve, class) in [
            (Resolve::No, FailureClass::Transient),
            (Resolve::First, FailureClass::Unknown),
            (Resolve::Only, FailureClass::Unknown),
        ] {
            bench.strike(both.lists, Fault::Http(502));
            assert_eq!(bench.class(both.give, &object, resolve).await, class);
            assert_eq!(bench.sim.count(both.adds), 0);
        }
        let failure = bench.failure(both.give, &object, Resolve::Only).await;
        assert_eq!(failure.code, "unanswered");
        bench.by_hand(&object, true);
        let failure = bench.failure(both.take, &object, Resolve::Only).await;
        assert_eq!(failure.code, "unanswered");
        assert!(bench.has(&object));
        assert_eq!(bench.sim.count(both.removes), 0);
    }
}

#[tokio::test]
async fn refusals_have_their_class() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        for (code, class) in [
            ("RequestLimitExceeded", FailureClass::Transient),
            (both.full, FailureClass::Quota),
            ("InvalidParameter.UserGroupFull", FailureClass::Quota),
            ("InvalidParameter.AttachmentFull", FailureClass::Quota),
            ("UnauthorizedOperation", FailureClass::Permission),
            ("AuthFailure.SecretIdNotFound", FailureClass::Target),
        ] {
            bench.refuse(both.adds, code);
            let failure = bench.failure(both.give, &object, Resolve::No).await;
            assert_eq!((failure.class, failure.code.as_str()), (class, code));
        }
        bench.refuse(both.removes, "RequestLimitExceeded");
        let class = bench.class(both.take, &object, Resolve::No).await;
        assert_eq!(class, FailureClass::Transient);
    }
}

#[tokio::test]
async fn camsyncs_own_account_is_never_given_or_taken_anything() {
    for both in [GROUP, POLICY] {
        let bench = Bench::new().await;
        let object = bench.grant(&both);
        bench.key_is_the_sub_users();
        for kind in [both.give, both.take] {
            let failure = bench.failure(kind, &object, Resolve::No).await;
            assert_eq!(failure.code, "own_account", "{failure}");
            assert!(bench.sim.writes().is_empty());
        }
    }
}
