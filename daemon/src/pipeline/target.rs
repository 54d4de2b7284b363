//! The target as a whole: why the cloud cannot be read or written, kept until it can.

use camsync_core::retry::FailureClass;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ledger::{Failure, Ledger, LedgerError};
use crate::say::Blocked;

use super::apply;
use super::reconcile::ReconcileError;

/// What is done with the cloud: a plan reads it, the outbox writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Reading, for a plan.
    Reading,
    /// Writing, off the outbox.
    Writing,
}

impl Doing {
    /// The ledger's key for a [`TargetFailure`] of it.
    fn key(self) -> &'static str {
        match self {
            Self::Reading => "cannot_read",
            Self::Writing => "cannot_write",
        }
    }
}

/// Why nothing could be written, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFailure {
    /// When a pass first met it.
    pub since: DateTime<Utc>,
    /// What it is.
    pub trouble: Trouble,
}

/// What keeps a whole target from being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// CAM refused, or did not answer.
    Cam(Failure),
    /// The key belongs to another root account than the ledger.
    AnotherAccount {
        /// Whose the ledger is.
        bound: String,
        /// Whose the key is.
        found: String,
    },
}

impl Trouble {
    /// What a plan that could not be made says of the target.
    #[must_use]
    pub fn of(error: &ReconcileError) -> Option<Self> {
        match error {
            ReconcileError::Cam(error) => Some(Self::Cam(apply::failure(error))),
            ReconcileError::Blocked(Blocked::AnotherAccount { bound, found }) => {
                Some(Self::AnotherAccount {
                    bound: bound.clone(),
                    found: found.clone(),
                })
            }
            ReconcileError::Ledger(_) | ReconcileError::Blocked(_) => None,
        }
    }

    /// Whether it may pass by itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Cam(Failure {
                class: FailureClass::Transient | FailureClass::Unknown,
                ..
            })
        )
    }
}

/// Why the cloud cannot be read or written now.
///
/// # Errors
/// When the ledger cannot be read.
pub fn failure(ledger: &Ledger) -> Result<Option<TargetFailure>, LedgerError> {
    let reading = kept(ledger, Doing::Reading)?;
    Ok(reading.or(kept(ledger, Doing::Writing)?))
}

fn kept(ledger: &Ledger, doing: Doing) -> Result<Option<TargetFailure>, LedgerError> {
    let text = ledger.meta(doing.key())?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Notes how it went. While it keeps failing, it has been failing since the first time.
///
/// # Errors
/// When the ledger fails.
pub fn note(
    ledger: &Ledger,
    now: DateTime<Utc>,
    doing: Doing,
    trouble: Option<Trouble>,
) -> Result<(), LedgerError> {
    let before = kept(ledger, doing)?;
    let after = trouble.map(|trouble| TargetFailure {
        since: before.as_ref().map_or(now, |before| before.since),
        trouble,
    });
    if before == after {
        return Ok(());
    }
    let text = after.and_then(|after| serde_json::to_string(&after).ok());
    ledger.set_meta(doing.key(), text.as_deref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cam(class: FailureClass) -> Trouble {
        Trouble::Cam(Failure {
            class,
            code: "code".into(),
            message: String::new(),
            action: None,
            request_id: None,
        })
    }

    #[test]
    fn trouble_lasts_since_it_began_until_it_is_over_and_reading_comes_first() {
        let ledger = Ledger::empty().unwrap();
        let (first, later) = (Utc::now(), Utc::now() + chrono::TimeDelta::hours(1));
        assert_eq!(failure(&ledger).unwrap(), None);
        let write = |at, trouble| note(&ledger, at, Doing::Writing, trouble).unwrap();
        write(first, Some(cam(FailureClass::Target)));
        write(later, Some(cam(FailureClass::Transient)));
        let told = failure(&ledger).unwrap().unwrap();
        assert_eq!(
            (told.since, told.trouble),
            (first, cam(FailureClass::Transient))
        );
        let other = Trouble::AnotherAccount {
            bound: "1".into(),
            found: "2".into(),
        };
        note(&ledger, later, Doing::Reading, Some(other.clone())).unwrap();
        let told = failure(&ledger).unwrap().unwrap();
        assert_eq!((told.since, told.trouble), (later, other));
        note(&ledger, later, Doing::Reading, None).unwrap();
        assert_eq!(failure(&ledger).unwrap().unwrap().since, first);
        write(later, None);
        assert_eq!(failure(&ledger).unwrap(), None);
    }

    #[test]
    fn what_may_pass_by_itself_is_what_nobody_need_mend() {
        let may_pass = [FailureClass::Transient, FailureClass::Unknown];
        let stays = [
            FailureClass::Target,
            FailureClass::Permission,
            FailureClass::Permanent,
        ];
        assert!(may_pass.map(cam).iter().all(Trouble::may_pass));
        assert!(!stays.map(cam).iter().any(Trouble::may_pass));
    }
}
