//! Who works beside whom: an emergency, somebody who plans, a key that is refused in the midst of it.

use std::sync::Arc;
use std::time::Duration;

use camsync::pipeline::password::NoPassword;
use camsync::pipeline::{Applier, ProgressSink};
use camsync_cam::SecretText;
use camsync_simulators::{When, cam};
use chrono::TimeDelta;
use tokio::task::JoinHandle;

use crate::inprocess::Small;

#[tokio::test]
async fn an_emergency_does_nothing_but_itself() {
    let small = Small::with(2, false).await;
    small
        .cam
        .inject(When::action("AddUser"), cam::Fault::Http(502));
    small.join("m50");
    let report = small.pass(TimeDelta::milliseconds(1)).await;
    assert_eq!((report.outbox.applied, report.outbox.pending), (0, 1));
    small.cam.clear_faults();
    // It is due by now, and no emergency.
    small.clock.advance(TimeDelta::hours(2));
    let (until, nobody) = (
        small.clock_now() + TimeDelta::minutes(1),
        ProgressSink::none(),
    );
    let tried = small.cam.count("AddUser");
    let report = small.engine.urgent(until, &nobody).await.unwrap();
    assert_eq!((report.applied, report.pending), (0, 0));
    assert_eq!(small.cam.count("AddUser"), tried);
    let drained = small.engine.drain(Applier::Daemon, until, &nobody).await;
    assert_eq!(drained.unwrap().applied, 1);
    assert!(small.signs_in("m50"));
}

#[tokio::test]
async fn a_key_that_is_refused_ends_it_and_nothing_more_is_begun() {
    let small = Small::with(1, false).await;
    let refusal = cam::Fault::Code("AuthFailure.SecretIdNotFound".into());
    small.cam.inject(When::action("AddUser"), refusal);
    for n in 100..160 {
        small.join(&format!("m{n}"));
    }
    let before = small.cam.count("AddUser");
    let report = small.sync().await;
    assert!(report.outbox.stopped.is_some());
    assert_eq!((report.outbox.applied, report.outbox.pending), (0, 60));
    // As many as are sent beside each other may have been under way.
    let sent = small.cam.count("AddUser") - before;
    assert!((1..=30).contains(&sent), "{sent}");
}

#[tokio::test]
async fn who_applies_makes_room_for_who_plans_and_goes_on_by_hand() {
    let small = Arc::new(Small::with(1, false).await);
    let slow = cam::Fault::Delay(Duration::from_millis(150));
    small.cam.inject(When::action("AddUser"), slow);
    for n in 100..160 {
        small.join(&format!("m{n}"));
    }
    let applying = tokio::spawn({
        let small = Arc::clone(&small);
        async move { small.sync().await }
    });
    small.cam.wait_for("AddUser", 2).await;
    let planned = small.engine.plan(None, false, &ProgressSink::none()).await;
    let made = small.cam.user_names().len();
    assert!(made < 60, "the plan came before {made} were made");
    assert!(planned.unwrap().error.is_none());
    let report = applying.await.unwrap();
    assert_eq!((report.outbox.applied, report.outbox.pending), (60, 0));
    assert!(!report.outbox.gave_way && report.outbox.failed.is_empty());
    assert_eq!(small.on(), 61);
}

#[tokio::test]
async fn the_daemon_ends_for_who_plans_and_says_that_it_gave_way() {
    let small = Arc::new(Small::with(1, false).await);
    small.freeze(true);
    for n in 100..160 {
        small.join(&format!("m{n}"));
    }
    assert_eq!(small.sync().await.outbox.pending, 60);
    small.freeze(false);
    let slow = cam::Fault::Delay(Duration::from_millis(150));
    small.cam.inject(When::action("AddUser"), slow);
    let applying = tokio::spawn({
        let small = Arc::clone(&small);
        async move {
            let (until, nobody) = (
                small.clock_now() + TimeDelta::minutes(1),
                ProgressSink::none(),
            );
            let drained = small.engine.drain(Applier::Daemon, until, &nobody);
            drained.await.unwrap()
        }
    });
    small.cam.wait_for("AddUser", 2).await;
    let planned = small.engine.plan(None, false, &ProgressSink::none()).await;
    assert!(planned.unwrap().error.is_none());
    let report = applying.await.unwrap();
    assert!(report.gave_way && report.pending > 0, "{report:?}");
    assert_eq!(report.applied + report.pending, 60);
}

/// Somebody who asks for a password, whose request is under way by now; CAM takes so long to answer.
async fn resetting(
    small: &Arc<Small>,
    id: i64,
    answers_after: Duration,
) -> JoinHandle<Result<SecretText, NoPassword>> {
    let slow = cam::Fault::SlowAnswer(answers_after);
    small.cam.inject(When::action("UpdateUser").once(), slow);
    let before = small.cam.count("UpdateUser");
    let asking = tokio::spawn({
        let small = Arc::clone(small);
        async move { small.engine.reset_password(id, true, "test").await }
    });
    small.cam.wait_for("UpdateUser", before + 1).await;
    asking
}

#[tokio::test]
async fn who_is_suspended_while_a_password_is_set_is_shown_none() {
    let small = Arc::new(Small::with(2, false).await);
    let id = {
        let sub_user = small.engine.ledger().latest_sub_user_of("acme", "m10");
        sub_user.unwrap().unwrap().id
    };
    let asking = resetting(&small, id, Duration::from_millis(300)).await;
    let now = small.clock_now();
    let ledger = small.engine.ledger();
    ledger.stop_sub_user(id, now, "test").unwrap();
    let refused = asking.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("Suspended"), "{refused}");
    // Whoever is not suspended gets one.
    let other = ledger
        .latest_sub_user_of("acme", "m11")
        .unwrap()
        .unwrap()
        .id;
    small
        .engine
        .reset_password(other, true, "test")
        .await
        .unwrap();
}

#[tokio::test]
async fn whoever_asks_for_a_password_waits_for_who_works_on_the_sub_user_and_not_for_ever() {
    let small = Arc::new(Small::with(2, false).await);
    let ledger = small.engine.ledger();
    let id = ledger
        .latest_sub_user_of("acme", "m10")
        .unwrap()
        .unwrap()
        .id;
    let first = resetting(&small, id, Duration::from_millis(300)).await;
    let second = small.engine.reset_password(id, true, "test").await;
    let (first, second) = (first.await.unwrap().unwrap(), second.unwrap());
    assert_ne!(first.reveal(), second.reveal());
    // One that never ends is not waited for.
    let first = resetting(&small, id, Duration::from_secs(3)).await;
    let mut second = Box::pin(small.engine.reset_password(id, true, "test"));
    assert!(futures_util::FutureExt::now_or_never(&mut second).is_none());
    small.clock.advance(TimeDelta::seconds(26));
    let refused = second.await.unwrap_err();
    assert!(refused.to_string().contains("Busy"), "{refused}");
    assert!(!first.is_finished());
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_process_that_is_to_end_begins_nothing_more() {
    let small = Arc::new(Small::with(1, false).await);
    let slow = cam::Fault::Delay(Duration::from_millis(150));
    small.cam.inject(When::action("AddUser"), slow);
    for n in 100..160 {
        small.join(&format!("m{n}"));
    }
    let before = small.cam.count("AddUser");
    let applying = tokio::spawn({
        let small = Arc::clone(&small);
        async move { small.sync().await }
    });
    small.cam.wait_for("AddUser", before + 1).await;
    small.engine.stop();
    let report = applying.await.unwrap();
    // What was under way has ended, and is recorded.
    let made = small.cam.count("AddUser") - before;
    assert!((1..=30).contains(&made), "{made}");
    assert_eq!(
        (report.outbox.applied, report.outbox.pending),
        (made, 60 - made)
    );
}

/// As a crash leaves it: the attempt is recorded, and nothing is known of it.
fn cut_short(small: &Small, username: &str) {
    let ledger = small.engine.ledger();
    let outbox = ledger.outbox().unwrap();
    let change = outbox.iter().find(|c| c.username == username).unwrap();
    let number = ledger.start_attempt(change.id, small.clock_now()).unwrap();
    assert_eq!(number, Some(1));
}

#[tokio::test]
async fn what_was_cut_short_stays_under_a_freeze_and_is_sent_again_after_it() {
    let small = Small::with(1, false).await;
    small.freeze(true);
    small.join("m50");
    assert_eq!(small.sync().await.outbox.pending, 1);
    cut_short(&small, "m50");
    let (until, nobody) = (
        small.clock_now() + TimeDelta::minutes(1),
        ProgressSink::none(),
    );
    let drain = async || {
        let drained = small.engine.drain(Applier::Daemon, until, &nobody);
        drained.await.unwrap()
    };
    let before = small.cam.log().len();
    let report = drain().await;
    assert_eq!((report.applied, report.pending), (0, 1));
    assert_eq!(small.cam.log().len(), before, "not even read");
    small.freeze(false);
    let report = drain().await;
    assert_eq!((report.applied, report.pending), (1, 0));
    assert!(small.signs_in("m50"));
}
