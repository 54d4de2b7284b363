//! Pacing: the pure rules over many inputs, and the pacer under tokio's paused time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::VecDeque, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    action::{
        Action, Share,
        actions::{ATTACH_USER_POLICY, GET_USER, LIST_GROUPS, UPDATE_ACCESS_KEY},
    },
    clock::{Clock, SystemClock},
};

const SECOND: Duration = Duration::from_secs(1);

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

proptest! {
    /// However callers arrive, no window holds more starts than the rate allows plus the one that jitter may add.
    #[test]
    fn no_window_is_overfilled(
        gaps in prop::collection::vec(0_u64..200, 1..200),
        rate in 1_u64..50,
    ) {
        let interval = Duration::from_secs_f64(1.0 / rate as f64);
        let (mut now, mut next) = (Duration::ZERO, Duration::ZERO);
        let mut starts: Vec<Duration> = Vec::new();
        for gap in gaps {
            now += millis(gap);
            let (wait, after) = next_slot(next, now, interval);
            now += wait;
            next = after;
            starts.push(now);
        }
        for (index, first) in starts.iter().enumerate() {
            let inside = starts[index..].iter().take_while(|start| **start < *first + SECOND).count();
            prop_assert!(inside as u64 <= rate + 1, "{inside} starts in a second at {rate}/s");
        }
        for pair in starts.windows(2) {
            let gap = pair[1] - pair[0];
            prop_assert!(gap + Duration::from_nanos(10) >= interval / 2, "{gap:?} at {rate}/s");
        }
    }

    /// A caller who always comes at once keeps the exact grid.
    #[test]
    fn a_standing_queue_is_served_on_a_grid(rate in 1_u32..100, start in 0_u64..10_000) {
        let interval = SECOND / rate;
        let (mut now, mut next) = (millis(start), Duration::ZERO);
        let mut starts = Vec::new();
        for _ in 0..50 {
            let (wait, after) = next_slot(next, now, interval);
            now += wait;
            next = after;
            starts.push(now);
        }
        prop_assert!(starts.windows(2).skip(1).all(|pair| pair[1] - pair[0] == interval));
    }

    /// Whatever refusals come, the part stays usable, and quiet time brings the whole rate back.
    #[test]
    fn a_brake_never_closes_and_always_recovers(presses in prop::collection::vec(0_u64..5_000, 0..50)) {
        let (mut now, mut brake) = (Duration::ZERO, Brake::default());
        for gap in presses {
            now += millis(gap);
            brake = brake.press(now, SECOND);
            let part = brake.part(now);
            prop_assert!(part > 0.0 && part <= 1.0);
        }
        prop_assert!((brake.part(now + 480 * SECOND) - 1.0).abs() < 1e-9);
        prop_assert_eq!(brake.hold(now + SECOND), Duration::ZERO);
    }
}

#[test]
fn idle_time_is_not_saved_up() {
    let interval = millis(100);
    let (wait, next) = next_slot(millis(100), millis(10_000), interval);
    assert_eq!((wait, next), (Duration::ZERO, millis(10_100)));
}

#[test]
fn a_late_timer_costs_no_throughput() {
    let interval = millis(100);
    let (wait, next) = next_slot(millis(100), millis(130), interval);
    assert_eq!((wait, next), (Duration::ZERO, millis(200)));
}

#[test]
fn refusals_in_one_second_slow_down_once() {
    let once = Brake::default().press(millis(5_000), SECOND);
    let again = once.press(millis(5_200), SECOND);
    assert!((again.part(millis(5_200)) - 0.7).abs() < 0.01);
    assert_eq!(again.hold(millis(5_200)), SECOND);
    let later = again.press(millis(6_500), SECOND);
    assert!((later.part(millis(6_500)) - 0.49).abs() < 0.01);
}

/// CAM's own limit: so many calls in each second of its clock.
struct Limit {
    per_second: usize,
    recent: VecDeque<Duration>,
}

impl Limit {
    fn accepts(&mut self, now: Duration) -> bool {
        while self
            .recent
            .front()
            .is_some_and(|first| *first + SECOND <= now)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.recent.len() <= self.per_second
    }
}

/// Runs `callers` tasks that call as often as they are let, and returns when each call started.
async fn starts(action: Action, callers: u64, calls: u64, latency: Duration) -> Vec<Duration> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let pacer = Arc::new(Pacer::new(Arc::clone(&clock), 16.0));
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (clock, pacer) = (Arc::clone(&clock), Arc::clone(&pacer));
        tasks.push(tokio::spawn(async move {
            let mut starts = Vec::new();
            for _ in 0..calls {
                pacer.admit(&action).await;
                starts.push(clock.now());
                clock.sleep(latency).await;
            }
            starts
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort();
    all
}

#[tokio::test(start_paused = true)]
async fn reaches_the_rate_evenly_and_stays_clear_of_the_limit() {
    for (action, rate, limit) in [
        (GET_USER, 16.0, 20),
        (ATTACH_USER_POLICY, 8.0, 10),
        (UPDATE_ACCESS_KEY, 4.0, 5),
    ] {
        let starts = starts(action, 20, 30, millis(80)).await;
        let span = (*starts.last().unwrap() - starts[0]).as_secs_f64();
        let reached = (starts.len() - 1) as f64 / span;
        assert!(reached >= 0.95 * rate, "{}: {reached}/s", action.name);
        assert!(reached <= 1.01 * rate, "{}: {reached}/s", action.name);
        let even = starts.windows(2).all(|pair| {
            let gap = (pair[1] - pair[0]).as_secs_f64() * rate;
            (0.9..1.1).contains(&gap)
        });
        assert!(even, "{}: {starts:?}", action.name);
        let mut cam = Limit {
            per_second: limit,
            recent: VecDeque::new(),
        };
        assert!(
            starts.iter().all(|start| cam.accepts(*start)),
            "{}",
            action.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_caller_alone_reaches_the_rate_too() {
    let starts = starts(GET_USER, 1, 300, millis(40)).await;
    let reached = 299.0 / (starts[299] - starts[0]).as_secs_f64();
    assert!(reached >= 0.95 * 16.0, "{reached}/s");
}

#[tokio::test(start_paused = true)]
async fn actions_do_not_wait_for_each_other() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let pacer = Pacer::new(Arc::clone(&clock), 1.0);
    pacer.admit(&GET_USER).await;
    pacer.admit(&LIST_GROUPS).await;
    assert_eq!(clock.now(), Duration::ZERO);
    pacer.admit(&GET_USER).await;
    assert_eq!(clock.now(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn callers_are_served_in_the_order_of_their_coming() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let pacer = Arc::new(Pacer::new(clock, 10.0));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..50 {
        let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            pacer.admit(&GET_USER).await;
            order.lock().unwrap().push(number);
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_costs_no_slot() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let pacer = Pacer::new(Arc::clone(&clock), 1.0);
    pacer.admit(&GET_USER).await;
    let given_up = tokio::time::timeout(millis(500), pacer.admit(&GET_USER)).await;
    assert!(given_up.is_err());
    pacer.admit(&GET_USER).await;
    assert_eq!(clock.now(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_slows_one_action_and_account_codes_slow_all() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let pacer = Pacer::new(Arc::clone(&clock), 16.0);
    pacer.refused(&GET_USER, "InternalError");
    assert!((pacer.rate(&GET_USER) - 16.0).abs() < 0.01);
    pacer.refused(&GET_USER, "RequestLimitExceeded");
    assert!((pacer.rate(&GET_USER) - 11.2).abs() < 0.01);
    assert!((pacer.rate(&LIST_GROUPS) - 16.0).abs() < 0.01);
    pacer.admit(&GET_USER).await;
    assert_eq!(clock.now(), SECOND);
    pacer.refused(&GET_USER, "RequestLimitExceeded.UinLimitExceeded");
    assert!((pacer.rate(&LIST_GROUPS) - 11.2).abs() < 0.01);
    assert_eq!(pacer.hold(&LIST_GROUPS), 2 * SECOND);
    pacer.admit(&LIST_GROUPS).await;
    assert_eq!(clock.now(), 3 * SECOND);
    tokio::time::advance(480 * SECOND).await;
    assert!((pacer.rate(&GET_USER) - 16.0).abs() < 0.01);
}

/// Another tool uses up part of the limit: the calls that CAM refuses stay under one in a hundred.
#[tokio::test(start_paused = true)]
async fn adapts_to_a_limit_that_is_shared() {
    for foreign in [6, 12, 16] {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let pacer = Arc::new(Pacer::new(Arc::clone(&clock), 16.0));
        let mut cam = Limit {
            per_second: 20 - foreign,
            recent: VecDeque::new(),
        };
        let mut refused = 0;
        for _ in 0..5_000 {
            pacer.admit(&GET_USER).await;
            if !cam.accepts(clock.now()) {
                refused += 1;
                pacer.refused(&GET_USER, "RequestLimitExceeded");
            }
        }
        assert!(
            refused < 50,
            "{refused} of 5000 refused with {foreign}/s taken by others"
        );
        let reached = 5_000.0 / clock.now().as_secs_f64();
        let room = f64::from(20 - foreign as u32);
        assert!(reached > 0.75 * room, "{reached}/s of {room}/s");
    }
}

#[test]
fn shares_follow_the_documented_limits() {
    assert!((Share::Half.fraction() - 10.0 / 20.0).abs() < f64::EPSILON);
    assert!((Share::Quarter.fraction() - 5.0 / 20.0).abs() < f64::EPSILON);
}

#[test]
fn half_an_interval_late_is_not_late() {
    let interval = millis(100);
    let at = |now| next_slot(millis(100), millis(now), interval);
    assert_eq!(at(150), (Duration::ZERO, millis(200)));
    assert_eq!(at(151), (Duration::ZERO, millis(251)));
    assert_eq!(at(40), (millis(60), millis(200)));
}

#[test]
fn a_second_after_a_refusal_another_is_another_event() {
    let once = Brake::default().press(Duration::ZERO, Duration::ZERO);
    let part = |brake: Brake, now| brake.part(millis(now));
    let same = once.press(millis(999), Duration::ZERO);
    assert!((part(same, 999) - part(once, 999)).abs() < 1e-9);
    let other = once.press(SECOND, Duration::ZERO);
    assert!((part(other, 1_000) - part(once, 1_000) * 0.7).abs() < 1e-9);
}

#[test]
fn a_tenth_of_the_rate_comes_back_in_48_seconds_and_a_32nd_is_always_left() {
    let once = Brake::default().press(Duration::ZERO, Duration::ZERO);
    assert!((once.part(48 * SECOND) - 0.8).abs() < 1e-9);
    let mut brake = Brake::default();
    for second in 0..60 {
        brake = brake.press(SECOND * second, Duration::ZERO);
    }
    assert!((brake.part(59 * SECOND) - 1.0 / 32.0).abs() < 1e-9);
}

#[test]
fn a_longer_silence_is_not_cut_short_by_a_shorter_one() {
    let once = Brake::default().press(Duration::ZERO, 30 * SECOND);
    let again = once.press(5 * SECOND, SECOND);
    assert_eq!(again.hold(5 * SECOND), 25 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_action_has_its_share_of_the_rate_and_a_limit_by_address_is_waited_out() {
    let pacer = Pacer::new(Arc::new(SystemClock::new()), 16.0);
    let rate = |action: &Action, wanted: f64| (pacer.rate(action) - wanted).abs() < 1e-6;
    assert!(rate(&GET_USER, 16.0) && rate(&ATTACH_USER_POLICY, 8.0));
    assert!(rate(&UPDATE_ACCESS_KEY, 4.0));
    pacer.refused(&ATTACH_USER_POLICY, "RequestLimitExceeded");
    assert!(rate(&ATTACH_USER_POLICY, 5.6));
    assert_eq!(pacer.hold(&ATTACH_USER_POLICY), SECOND);
    assert_eq!(pacer.hold(&GET_USER), Duration::ZERO);
    pacer.refused(&GET_USER, "RequestLimitExceeded.IPLimitExceeded");
    assert_eq!(pacer.hold(&LIST_GROUPS), 30 * SECOND);
    let slowest = Pacer::new(Arc::new(SystemClock::new()), 0.0);
    assert!((slowest.rate(&GET_USER) - 0.01).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_region_counts_for_the_account() {
    let pacer = Pacer::new(Arc::new(SystemClock::new()), 16.0);
    let code = "RequestLimitExceeded.GlobalRegionUinLimitExceeded";
    pacer.refused(&GET_USER, code);
    assert_eq!(pacer.hold(&LIST_GROUPS), 2 * SECOND);
}
