//! What whoever watches a pass is told, and what its report says.

use std::sync::{Arc, Mutex};

use camsync::pipeline::outbox::Report;
use camsync::pipeline::{PassReport, Progress, ProgressSink, Trigger};
use camsync_core::retry::FailureClass;
use camsync_simulators::{When, cam};
use chrono::TimeDelta;

use crate::inprocess::Small;

/// A pass, and all that was said meanwhile.
async fn watched(small: &Small) -> (PassReport, Vec<Progress>) {
    watched_for(small, TimeDelta::minutes(5), |_| ()).await
}

/// A pass that tries for so long, with something to do whenever something is said.
async fn watched_for(
    small: &Small,
    patience: TimeDelta,
    on: impl Fn(&Progress) + Send + Sync + 'static,
) -> (PassReport, Vec<Progress>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&said);
    let trigger = Trigger {
        actor: "test".into(),
        by_hand: false,
    };
    let until = small.clock_now() + patience;
    let sink = ProgressSink::new(move |progress| {
        on(&progress);
        sink.lock().unwrap().push(progress);
    });
    let report = small.engine.sync(None, &trigger, None, until, &sink).await;
    let said = said.lock().unwrap().clone();
    (report.unwrap(), said)
}

fn crawled(members: usize) -> Progress {
    Progress::Crawled {
        source: "acme".into(),
        members,
        departments: 1,
        error: None,
    }
}

fn applying(done: usize, total: usize, failed: usize) -> Progress {
    Progress::Applying {
        done,
        total,
        failed,
    }
}

#[tokio::test]
async fn each_step_of_a_pass_is_said_with_its_numbers() {
    let small = Small::with(3, false).await;
    small.join("m20");
    small.join("m21");
    small.leave(10..=10);
    let (report, said) = watched(&small).await;
    let looking_up = Progress::LookingUp {
        source: "acme".into(),
        members: 1,
    };
    let planned = Progress::Planned {
        changes: 3,
        held: 0,
    };
    let crawling = Progress::Crawling {
        source: "acme".into(),
        done: 0,
        total: None,
    };
    let expected = [
        crawling,
        crawled(4),
        looking_up,
        Progress::Observing,
        Progress::Observed { users: 3 },
        planned,
        applying(0, 3, 0),
        applying(1, 3, 0),
        applying(2, 3, 0),
        applying(3, 3, 0),
    ];
    assert_eq!(said, expected);
    let done = Report {
        applied: 3,
        ..Report::default()
    };
    assert_eq!(report.outbox, done);
    assert!(!report.failed());
}

#[tokio::test]
async fn what_is_left_over_is_counted_and_nothing_is_said_of_no_work() {
    let small = Small::with(20, false).await;
    let (report, said) = watched(&small).await;
    assert_eq!(report.outbox, Report::default());
    let applies = |progress: &Progress| matches!(progress, Progress::Applying { .. });
    assert!(!said.iter().any(applies), "{said:?}");
    small.freeze(true);
    small.join("m50");
    small.join("m51");
    small.leave(10..=14);
    let (report, said) = watched(&small).await;
    // Five removals are more than may go on by themselves.
    let planned = Progress::Planned {
        changes: 2,
        held: 5,
    };
    assert!(said.contains(&planned), "{said:?}");
    assert!(!said.iter().any(applies), "{said:?}");
    let frozen = Report {
        pending: 2,
        frozen: true,
        ..Report::default()
    };
    assert_eq!(report.outbox, frozen);
    assert!(!report.failed());
}

#[tokio::test]
async fn what_fails_for_good_is_counted_and_told_and_is_a_failure_of_the_pass() {
    let small = Small::with(1, false).await;
    let refusal = cam::Fault::Code("InvalidParameter.UserNameIllegal".into());
    small.cam.inject(When::action("AddUser").once(), refusal);
    small.join("m20");
    small.join("m21");
    let (report, said) = watched(&small).await;
    assert_eq!(said.last(), Some(&applying(2, 2, 1)));
    let outbox = &report.outbox;
    assert_eq!((outbox.applied, outbox.pending), (1, 0));
    let [(_, name, failure)] = outbox.failed.as_slice() else {
        panic!("{outbox:?}");
    };
    assert!(["m20", "m21"].contains(&name.as_str()));
    assert_eq!(failure.class, FailureClass::Permanent);
    assert!(report.failed());
}

#[tokio::test]
async fn what_needs_a_permission_waits_and_is_a_failure_of_the_pass() {
    let small = Small::with(1, false).await;
    let refusal = cam::Fault::Code("AuthFailure.UnauthorizedOperation".into());
    small.cam.inject(When::action("AddUser"), refusal);
    small.join("m20");
    small.join("m21");
    let (report, said) = watched(&small).await;
    assert_eq!(said.last(), Some(&applying(2, 2, 0)));
    let outbox = &report.outbox;
    assert_eq!(
        (outbox.held.len(), outbox.applied, outbox.pending),
        (2, 0, 0)
    );
    assert!(report.failed());
}

#[tokio::test]
async fn a_key_that_is_refused_stops_the_outbox_and_what_is_left_is_counted() {
    let small = Small::with(1, false).await;
    let refusal = cam::Fault::Code("AuthFailure.SecretIdNotFound".into());
    small.cam.inject(When::action("AddUser"), refusal);
    small.join("m20");
    let (report, _) = watched(&small).await;
    let outbox = &report.outbox;
    let stopped = outbox.stopped.as_ref().unwrap();
    assert_eq!(stopped.class, FailureClass::Target);
    assert_eq!((outbox.applied, outbox.pending), (0, 1));
    assert!(report.failed());
}

#[tokio::test]
async fn whoever_waits_for_the_next_attempt_is_told_and_until_when_it_is_tried() {
    let small = Small::with(1, false).await;
    small
        .cam
        .inject(When::action("AddUser"), cam::Fault::Http(502));
    small.join("m20");
    let clock = Arc::clone(&small.clock);
    // Time passes as it is waited for.
    let pass_time = move |progress: &Progress| {
        if let Progress::Waiting { seconds, .. } = progress {
            clock.advance(TimeDelta::seconds(1 + i64::try_from(*seconds).unwrap()));
        }
    };
    let until = small.clock_now() + TimeDelta::seconds(90);
    let (report, said) = watched_for(&small, TimeDelta::seconds(90), pass_time).await;
    let waited = |progress: &&Progress| matches!(progress, Progress::Waiting { .. });
    let waits = said.iter().filter(waited).count();
    let tried = small.cam.count("AddUser");
    assert!(waits >= 2 && tried >= 2, "{waits} {tried} {said:?}");
    assert_eq!(report.outbox.pending, 1);
    let next = report.outbox.next_at.unwrap();
    assert!(next > until, "{next} {until}");
    // A pass after that does it.
    small.cam.clear_faults();
    small.clock.advance(TimeDelta::hours(2));
    let (report, _) = watched(&small).await;
    assert_eq!(report.outbox.applied, 1);
    assert!(small.signs_in("m20"));
}
