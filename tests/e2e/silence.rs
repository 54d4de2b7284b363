//! CAM takes a request, and never answers. The client gives up after a minute, here after half a second.

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::cam::Fault;
use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::cam_faults::{READS, WRITES};
use crate::inprocess::Small;

const STAYING: usize = 4;

/// Whoever never answers this action, takes nobody's access, and makes nobody twice.
async fn strike(action: &str) {
    let small = Small::waiting(6, false, Duration::from_millis(500)).await;
    small.leave(10..=10);
    small.sync().await;
    // One is to be deleted, one to be made, one to be changed, one to be suspended.
    small.clock.advance(TimeDelta::days(31));
    small.join("new");
    small.rename("m11", "Another name");
    small.leave(15..=15);
    let fault = small
        .cam
        .inject(When::action(action).times(3), Fault::NeverAnswer);
    for _ in 0..4 {
        let report = small.try_pass(TimeDelta::zero()).await;
        let staying = (11..=14).filter(|n| small.signs_in(&format!("m{n}")));
        assert_eq!(staying.count(), STAYING, "{action}: {report:?}");
        small.clock.advance(TimeDelta::minutes(2));
    }
    assert!(small.cam.fault_hits(fault) > 0, "{action} was never struck");
    small.cam.clear_faults();
    small.sync().await;
    assert_eq!(small.cam.times_created("new"), 1, "{action}");
    assert!(small.signs_in("new"), "{action}");
    assert!(!small.signs_in("m15"), "{action}");
    assert!(small.cam.user("m10").is_none(), "{action}");
    let renamed = small.cam.user("m11").unwrap().remark;
    assert!(renamed.starts_with("Another name"), "{action}: {renamed}");
}

#[tokio::test]
async fn an_action_that_never_answers() {
    join_all(WRITES.into_iter().chain(READS).map(strike)).await;
}
