//! The states of a change in the outbox: one total function over events.

use serde::{Deserialize, Serialize};

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for its turn or its next attempt.
    Pending,
    /// An attempt has been recorded and its outcome has not.
    InFlight,
    /// The cloud agrees.
    Applied,
    /// Given up, until a person or a new plan asks again.
    Failed,
    /// Waits for a person, a permission or room in a quota.
    Held,
    /// A newer plan no longer calls for it.
    Superseded,
    /// A person took it back.
    Cancelled,
}

/// What can happen to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An attempt begins; recorded before anything is sent.
    Start,
    /// The cloud agrees, by its answer or by a read.
    Succeed,
    /// This attempt had no effect; another may.
    TryAgain,
    /// No attempt will have an effect.
    Fail,
    /// It must wait: guard, quota or permission.
    Hold,
    /// What it waited for has come.
    Release,
    /// A person, or a plan made anew, asks again.
    Retry,
    /// A newer plan does not call for it.
    Supersede,
    /// A person takes it back.
    Cancel,
}

/// An event that cannot happen to a change in this state: a bug, or a ledger edited by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("a change that is {status:?} cannot take the event {event:?}")]
pub struct IllegalTransition {
    /// The state it was in.
    pub status: Status,
    /// What was asked of it.
    pub event: Event,
}

impl Status {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::InFlight,
        Self::Applied,
        Self::Failed,
        Self::Held,
        Self::Superseded,
        Self::Cancelled,
    ];

    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    pub fn after(self, event: Event) -> Result<Self, IllegalTransition> {
        use Event as E;
        use Status as S;
        match (self, event) {
            (S::Pending, E::Start) => Ok(S::InFlight),
            (S::InFlight, E::Succeed) => Ok(S::Applied),
            (S::InFlight, E::TryAgain)
            | (S::Held, E::Release)
            | (S::Failed | S::Held, E::Retry) => Ok(S::Pending),
            (S::InFlight, E::Fail) => Ok(S::Failed),
            (S::Pending | S::InFlight, E::Hold) => Ok(S::Held),
            (S::Pending | S::Held | S::Failed, E::Supersede) => Ok(S::Superseded),
            (S::Pending | S::Held | S::Failed, E::Cancel) => Ok(S::Cancelled),
            (status, event) => Err(IllegalTransition { status, event }),
        }
    }

    /// Whether nothing more will happen to the change.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Applied | Self::Superseded | Self::Cancelled)
    }
}

/// The kinds of change, each one CAM write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the contract's own words; each names the CAM write that it is
pub enum Kind {
    CreateUser,
    UpdateUser,
    SuspendUser,
    ResumeUser,
    DeleteUser,
    CreateGroup,
    DeleteGroup,
    AddToGroup,
    RemoveFromGroup,
    AttachPolicy,
    DetachPolicy,
    DisableKey,
    EnableKey,
    DeleteKey,
    CreatePolicy,
    DeletePolicy,
    ResetPassword,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::CreateUser,
        Self::UpdateUser,
        Self::SuspendUser,
        Self::ResumeUser,
        Self::DeleteUser,
        Self::CreateGroup,
        Self::DeleteGroup,
        Self::AddToGroup,
        Self::RemoveFromGroup,
        Self::AttachPolicy,
        Self::DetachPolicy,
        Self::DisableKey,
        Self::EnableKey,
        Self::DeleteKey,
        Self::CreatePolicy,
        Self::DeletePolicy,
        Self::ResetPassword,
    ];

    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateUser => "create_user",
            Self::UpdateUser => "update_user",
            Self::SuspendUser => "suspend_user",
            Self::ResumeUser => "resume_user",
            Self::DeleteUser => "delete_user",
            Self::CreateGroup => "create_group",
            Self::DeleteGroup => "delete_group",
            Self::AddToGroup => "add_to_group",
            Self::RemoveFromGroup => "remove_from_group",
            Self::AttachPolicy => "attach_policy",
            Self::DetachPolicy => "detach_policy",
            Self::DisableKey => "disable_key",
            Self::EnableKey => "enable_key",
            Self::DeleteKey => "delete_key",
            Self::CreatePolicy => "create_policy",
            Self::DeletePolicy => "delete_policy",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 9] = [
        Event::Start,
        Event::Succeed,
        Event::TryAgain,
        Event::Fail,
        Event::Hold,
        Event::Release,
        Event::Retry,
        Event::Supersede,
        Event::Cancel,
    ];

    #[test]
    fn final_states_take_no_event_and_others_take_some() {
        for status in Status::ALL {
            let accepted = EVENTS.iter().filter(|e| status.after(**e).is_ok()).count();
            assert_eq!(accepted == 0, status.is_final(), "{status:?}");
        }
    }

    #[test]
    fn only_what_has_started_can_succeed_and_nothing_in_flight_is_forgotten() {
        for status in Status::ALL {
            assert_eq!(
                status.after(Event::Succeed).is_ok(),
                status == Status::InFlight
            );
        }
        assert!(Status::InFlight.after(Event::Supersede).is_err());
        assert!(Status::InFlight.after(Event::Cancel).is_err());
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
