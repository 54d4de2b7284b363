//! What a write made is lag until one read has shown it; unseen for 60 s it is unconfirmed, and is resolved like an
//! answer that was lost: by reading, never by guessing. The clock is the test's own.

use std::time::Duration;

use camsync::pipeline::PassReport;
use camsync_core::change::{Planned, Reason};
use camsync_core::outbox::Kind;
use chrono::TimeDelta;

use crate::inprocess::Small;

/// An account whose reads show nothing of what is written from now on.
async fn lagging() -> Small {
    let small = Small::with(5, false).await;
    small.cam.set_read_lag(Duration::from_secs(3600));
    small
}

fn planned(report: &PassReport) -> Vec<&Planned> {
    report.plan.as_ref().unwrap().draft.changes.iter().collect()
}

/// Until just before the minute is over, nothing is planned and nothing is a problem.
async fn is_lag_for_a_minute(small: &Small) {
    for seconds in [1, 28, 30] {
        small.clock.advance(TimeDelta::seconds(seconds));
        let report = small.sync().await;
        assert!(planned(&report).is_empty(), "{:?}", planned(&report));
        assert!(report.plan.unwrap().draft.problems.is_empty());
    }
    small.clock.advance(TimeDelta::seconds(2));
}

/// Nothing more to do, and all five and the new one are as they should be.
async fn is_settled(small: &Small, signing_in: usize) {
    let report = small.sync().await;
    assert!(planned(&report).is_empty(), "{:?}", planned(&report));
    assert_eq!(small.on(), signing_in);
}

#[tokio::test]
async fn a_creation_that_no_read_shows_is_looked_for_and_not_made_again() {
    let small = lagging().await;
    small.join("new");
    small.sync().await;
    let made = small.cam.user("new").unwrap();
    is_lag_for_a_minute(&small).await;
    let report = small.pass(TimeDelta::zero()).await;
    let [change] = planned(&report)[..] else {
        panic!("{:?}", planned(&report));
    };
    assert_eq!(
        (change.kind, &change.reason),
        (Kind::CreateUser, &Reason::Unconfirmed)
    );
    assert_eq!(report.outbox.pending, 1, "CAM does not show it yet");
    small.cam.settle();
    small.clock.advance(TimeDelta::minutes(1));
    small.sync().await;
    assert_eq!(small.cam.user("new").unwrap().uin, made.uin);
    assert_eq!(small.cam.times_created("new"), 1);
    is_settled(&small, 6).await;
}

#[tokio::test]
async fn a_creation_that_came_to_nothing_is_made_again() {
    let small = lagging().await;
    small.join("new");
    small.sync().await;
    let made = small.cam.user("new").unwrap();
    // The answer was good, and the account never came to be.
    small.cam.with(|cloud| cloud.users.remove(&made.uin));
    small.cam.settle();
    is_lag_for_a_minute(&small).await;
    small.sync().await;
    assert_eq!(small.cam.times_created("new"), 2);
    is_settled(&small, 6).await;
}

#[tokio::test]
async fn a_suspension_that_no_read_shows_is_asked_for_again_and_has_its_effect_once() {
    let small = lagging().await;
    small.leave(10..=10);
    small.sync().await;
    assert_eq!(small.on(), 4);
    is_lag_for_a_minute(&small).await;
    let report = small.pass(TimeDelta::zero()).await;
    let kinds: Vec<Kind> = planned(&report).iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [Kind::SuspendUser]);
    small.cam.settle();
    small.clock.advance(TimeDelta::minutes(1));
    is_settled(&small, 4).await;
    let effects = small.cam.history_of("m10");
    assert_eq!(effects.len(), 2, "made once, suspended once: {effects:?}");
}

#[tokio::test]
async fn a_suspension_that_came_to_nothing_is_made_again() {
    let small = lagging().await;
    small.leave(10..=10);
    small.sync().await;
    let on = |login| {
        small.cam.with(|cloud| {
            let user = cloud.users.values_mut().find(|u| u.name == "m10");
            user.unwrap().console_login = login;
        });
    };
    on(true);
    small.cam.settle();
    is_lag_for_a_minute(&small).await;
    small.sync().await;
    is_settled(&small, 4).await;
}

#[tokio::test]
async fn another_name_within_the_minute_is_written_when_it_is_over() {
    let small = lagging().await;
    small.join("new");
    small.sync().await;
    small.rename("new", "Another");
    is_lag_for_a_minute(&small).await;
    small.cam.settle();
    small.sync().await;
    let remark = small.cam.user("new").unwrap().remark;
    assert!(remark.starts_with("Another"), "{remark}");
    is_settled(&small, 6).await;
}

#[tokio::test]
async fn what_a_read_has_shown_is_a_persons_from_then_on() {
    let small = Small::with(5, false).await;
    small.cam.set_sign_in("m10", false).unwrap();
    small.cam.delete_user("m11").unwrap();
    for seconds in [0, 30, 60] {
        small.clock.advance(TimeDelta::seconds(seconds));
        let report = small.sync().await;
        assert!(planned(&report).is_empty(), "{:?}", planned(&report));
        assert_eq!(report.plan.unwrap().draft.problems.len(), 2);
        assert_eq!(small.on(), 3);
    }
}
