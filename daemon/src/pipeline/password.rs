//! Passwords: one is made, recorded as a change without the password, sent, and handed to whoever asked once CAM has
//! accepted it. It is kept nowhere.

use std::time::Duration;

use camsync_cam::SecretText;
use camsync_core::outbox::{Event, Kind};
use camsync_core::retry::{self, Next};
use camsync_core::sub_user::SubUser;
use chrono::TimeDelta;

use crate::ledger::{
    AttemptEnd, Effect, Failure, LedgerError, ResetRefused, StartedReset, reset_refused,
};

use super::apply;
use super::engine::Engine;
use super::lines::Line;
use super::outbox::{Chance as _, FROZEN};
use super::reconcile::{self, ReconcileError};

/// Whoever asks waits no longer than this.
const PATIENCE: TimeDelta = TimeDelta::seconds(25);
/// How often it is looked whether somebody else is done with the sub-user.
const LOOK: Duration = Duration::from_millis(20);

/// Why there is no new password.
#[derive(Debug, thiserror::Error)]
pub enum NoPassword {
    /// There must be none. Nothing was sent.
    #[error("refused: {0:?}")]
    Refused(ResetRefused),
    /// CAM did not accept it, or that is not known.
    #[error("change {change}: {failure}")]
    Failed {
        /// The change.
        change: i64,
        /// Why.
        failure: Failure,
    },
    /// The key is another account's, or CAM does not say.
    #[error(transparent)]
    Account(ReconcileError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<ResetRefused> for NoPassword {
    fn from(refused: ResetRefused) -> Self {
        Self::Refused(refused)
    }
}

impl Engine {
    /// Why a sub-user gets no password, as far as that is known without asking CAM.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn no_password_for(
        &self,
        sub_user: &SubUser,
        only_created: bool,
    ) -> Result<Option<ResetRefused>, LedgerError> {
        let parts = self.parts();
        if parts.cam.is_none() {
            return Ok(Some(ResetRefused::NoCloud));
        }
        if parts.sign_in.sso {
            return Ok(Some(ResetRefused::Sso));
        }
        if let Some(why) = reset_refused(sub_user, only_created) {
            return Ok(Some(why));
        }
        let configured = parts.sources.contains_key(&sub_user.source)
            || parts.broken.contains_key(&sub_user.source);
        let row = self.ledger().source(&sub_user.source)?;
        let frozen = !configured
            || row.is_none_or(|r| r.seen_enterprise.is_some())
            || self.ledger().meta(FROZEN)?.is_some();
        Ok(frozen.then_some(ResetRefused::Frozen))
    }

    /// Gives a sub-user another password, which must be changed at the next sign-in. Works at once, beside whatever else
    /// is going on; only the sub-user itself is nobody else's meanwhile.
    ///
    /// # Errors
    /// When it gets none; then no password that was made is shown to anybody.
    pub async fn reset_password(
        &self,
        id: i64,
        only_created: bool,
        actor: &str,
    ) -> Result<SecretText, NoPassword> {
        let until = self.clock().now() + PATIENCE;
        let _claim = loop {
            if let Some(claim) = self.claims.take(&Line::SubUser(id)) {
                break claim;
            }
            if self.stopped() || self.clock().now() > until {
                return Err(ResetRefused::Busy.into());
            }
            self.clock().sleep(LOOK).await;
        };
        // With the claim in hand everything is looked at again: a person may have been faster.
        let Some(sub_user) = self.ledger().sub_user(id)? else {
            return Err(ResetRefused::NotManaged.into());
        };
        if let Some(why) = self.no_password_for(&sub_user, only_created)? {
            return Err(why.into());
        }
        let parts = self.parts();
        let Some(cam) = &parts.cam else {
            return Err(ResetRefused::NoCloud.into());
        };
        // Another account's key must not touch a namesake there.
        reconcile::account(self.ledger(), &**cam)
            .await
            .map_err(NoPassword::Account)?;
        let StartedReset { change, mut number } =
            self.ledger()
                .start_reset(&sub_user, self.clock().now(), actor)??;
        let password = self.password();
        loop {
            let outcome = apply::set_password(&**cam, &sub_user, &password).await;
            let class = outcome.as_ref().err().map(|failure| failure.class);
            self.metrics().attempted(Kind::ResetPassword, class);
            let failure = match outcome {
                Ok(request_id) => {
                    self.end(change, Event::Succeed, None, request_id.as_deref())?;
                    return self.still_entitled(id, password);
                }
                Err(failure) => failure,
            };
            let dice = self.dice();
            let next = retry::next(&parts.retry, failure.class, number, dice);
            let pause = match next {
                Next::After(pause) => Some(pause),
                Next::Stop => None,
                // What needs a person is told to one; it is not this change that will be tried again.
                Next::Fail | Next::Hold => {
                    self.end(change, Event::Fail, Some(&failure), None)?;
                    return Err(NoPassword::Failed { change, failure });
                }
            };
            let later = pause.filter(|pause| {
                TimeDelta::from_std(*pause).is_ok_and(|pause| self.clock().now() + pause < until)
            });
            let goes_on = later.is_some() && !self.stopped() && !self.is_stopped(id)?;
            if let (true, Some(pause)) = (goes_on, later) {
                // In flight meanwhile, so that no worker takes it for waiting.
                self.clock().sleep(pause).await;
            }
            self.end(change, Event::TryAgain, Some(&failure), None)?;
            let again = if goes_on {
                self.ledger().start_attempt(change, self.clock().now())?
            } else {
                None
            };
            let Some(again) = again else {
                self.give_up(change)?;
                return Err(NoPassword::Failed { change, failure });
            };
            number = again;
        }
    }

    fn end(
        &self,
        change: i64,
        event: Event,
        failure: Option<&Failure>,
        request_id: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.ledger().end_attempt(
            change,
            self.clock().now(),
            &AttemptEnd {
                event,
                failure,
                next_attempt_at: None,
                hold: None,
                effect: (event == Event::Succeed).then_some(Effect::PasswordSet),
                request_id,
            },
        )
    }

    /// Nobody waits for it any more: it must not be sent later.
    fn give_up(&self, change: i64) -> Result<(), LedgerError> {
        let open = self
            .ledger()
            .change(change)?
            .is_some_and(|row| row.status.after(Event::Cancel).is_ok());
        if open {
            let now = self.clock().now();
            self.ledger()
                .steer_change(change, Event::Cancel, now, "camsync")?;
        }
        Ok(())
    }

    /// Whether a person has suspended it meanwhile, or it is a leaver's.
    fn is_stopped(&self, id: i64) -> Result<bool, LedgerError> {
        let sub_user = self.ledger().sub_user(id)?;
        Ok(sub_user.is_none_or(|s| s.suspended()))
    }

    /// A password of whoever was suspended while it was set is of no use, and not shown.
    fn still_entitled(&self, id: i64, password: SecretText) -> Result<SecretText, NoPassword> {
        if self.is_stopped(id)? {
            return Err(ResetRefused::Suspended.into());
        }
        Ok(password)
    }
}
