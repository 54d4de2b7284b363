//! When a change that did not succeed is tried again: one pure function of class and attempt.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::rules::Retry;

/// What kind of failure an attempt met (`cam-api.md` 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Refused or not sent, and likely to work later.
    Transient,
    /// May have had its effect: resolved by reading before it is tried again.
    Unknown,
    /// Will never work for this change as it stands.
    Permanent,
    /// The key or the target is at fault: everything stops until a person acts.
    Target,
    /// The key lacks the permission for this kind of change.
    Permission,
    /// A quota is full.
    Quota,
}

/// What to do after an attempt that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Try again after this pause.
    After(Duration),
    /// Give up on this change.
    Fail,
    /// Hold this change, and those that would meet the same.
    Hold,
    /// Leave it pending and stop the whole target.
    Stop,
}

/// Decides. `attempt` counts from 1; `dice` in 0..1 spreads the pauses (full jitter over the upper half).
#[must_use]
pub fn next(policy: &Retry, class: FailureClass, attempt: u32, dice: f64) -> Next {
    match class {
        FailureClass::Permanent => Next::Fail,
        FailureClass::Target => Next::Stop,
        FailureClass::Permission | FailureClass::Quota => Next::Hold,
        FailureClass::Transient | FailureClass::Unknown if attempt >= policy.attempts => Next::Fail,
        FailureClass::Transient | FailureClass::Unknown => {
            let doublings = attempt.saturating_sub(1).min(20);
            let ceiling = policy
                .initial
                .saturating_mul(1 << doublings)
                .min(policy.max);
            Next::After(ceiling.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0))
        }
    }
}

/// Whether a pause that was to end at `at` is over. One that would last longer than the policy allows was planned by a
/// clock that has gone back since, or by another policy: it is over, too.
#[must_use]
pub fn is_due(policy: &Retry, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at <= now || (at - now).to_std().is_ok_and(|pause| pause > policy.max)
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_grow_and_stay_within_the_policy(attempt in 1u32..40, dice in 0.0f64..1.0) {
            let policy = Retry { attempts: 41, ..Retry::default() };
            let Next::After(pause) = next(&policy, FailureClass::Transient, attempt, dice) else {
                panic!("a transient failure is tried again");
            };
            prop_assert!(pause <= policy.max);
            prop_assert!(pause >= policy.initial / 2);
            if let Next::After(later) = next(&policy, FailureClass::Transient, attempt + 1, dice) {
                prop_assert!(later >= pause);
            }
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_no_pause_longer_than_the_policy_allows() {
        let (most, now) = (chrono::TimeDelta::minutes(5), Utc::now());
        let policy = Retry {
            max: Duration::from_secs(300),
            ..Retry::default()
        };
        assert!(is_due(&policy, now, now));
        assert!(is_due(&policy, now - most, now));
        assert!(!is_due(&policy, now + most, now));
        assert!(is_due(&policy, now + chrono::TimeDelta::days(1), now));
    }

    #[test]
    fn the_last_attempt_fails() {
        let policy = Retry {
            attempts: 3,
            ..Retry::default()
        };
        assert_eq!(next(&policy, FailureClass::Transient, 3, 0.0), Next::Fail);
        assert_eq!(next(&policy, FailureClass::Permanent, 1, 0.0), Next::Fail);
        assert_eq!(next(&policy, FailureClass::Quota, 1, 0.0), Next::Hold);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_spread_over_their_upper_half() {
        let policy = Retry {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(300),
            attempts: 30,
        };
        let pause = |attempt, dice| next(&policy, FailureClass::Transient, attempt, dice);
        let seconds = |seconds| Next::After(Duration::from_secs_f64(seconds));
        assert_eq!(pause(1, 1.0), seconds(1.0));
        assert_eq!(pause(2, 1.0), seconds(2.0));
        assert_eq!(pause(5, 1.0), seconds(16.0));
        assert_eq!(pause(5, 0.0), seconds(8.0));
        assert_eq!(pause(5, 0.5), seconds(12.0));
        assert_eq!(pause(5, 7.0), seconds(16.0));
        assert_eq!(pause(29, 1.0), seconds(300.0));
        assert_eq!(pause(30, 1.0), Next::Fail);
    }

    #[test]
    fn what_becomes_of_a_failure_is_its_class_s() {
        let of = |class| next(&Retry::default(), class, 1, 0.0);
        assert_eq!(of(FailureClass::Target), Next::Stop);
        assert_eq!(of(FailureClass::Permission), Next::Hold);
        assert_eq!(of(FailureClass::Unknown), of(FailureClass::Transient));
    }
}
