//! What needs a person: each cause has a key that stays the same while it stands, and a word for whom it concerns.

use camsync_config::Event;
use camsync_core::change::DriftKind;
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ledger::Failure;
use crate::pipeline::SourceFailure;
use crate::pipeline::target::Trouble;

/// What needs a person. Holds ids and counts, and of people no more than a sub-user's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum Cause {
    /// The guard holds a plan.
    PlanHeld {
        /// Its id.
        plan: i64,
        /// The source.
        source: String,
        /// On what evidence.
        evidence: Evidence,
        /// How many pairs it shows.
        removals: usize,
        /// How many would have been free.
        limit: u32,
    },
    /// A member applies for a sub-user.
    Application {
        /// The application's id.
        application: i64,
        /// The source.
        source: String,
        /// The member's id.
        member: String,
    },
    /// Somebody else reduced a member's access; it is kept so.
    DriftKept {
        /// The source.
        source: String,
        /// The member's id.
        member: String,
        /// What was done.
        what: DriftKind,
    },
    /// A source that is no longer in the file has members in the ledger.
    SourceGone {
        /// The source.
        source: String,
        /// Members in its snapshot.
        members: i64,
    },
    /// A change failed for good.
    ChangeFailed {
        /// Its id.
        change: i64,
        /// Whose change it is: the same for one that a newer plan makes in its place.
        line: String,
        /// What it was to do.
        kind: Kind,
        /// The sub-user's name.
        username: String,
        /// Why.
        failure: Failure,
    },
    /// CAM accepted a removal that has no effect.
    NoEffect {
        /// The change's id.
        change: i64,
        /// Whose change it is: the same for one that a newer plan makes in its place.
        line: String,
        /// What it was to do.
        kind: Kind,
        /// The sub-user's name.
        username: String,
    },
    /// Nothing can be written to the cloud.
    Target {
        /// Since when.
        since: DateTime<Utc>,
        /// Why.
        trouble: Trouble,
    },
    /// The key lacks a permission.
    Permission {
        /// The CAM action.
        action: String,
        /// Changes that wait for it.
        changes: u64,
    },
    /// A quota is full.
    Quota {
        /// Which.
        quota: String,
        /// Changes that wait for room.
        changes: u64,
    },
    /// A source answers with another enterprise than it is bound to.
    AnotherEnterprise {
        /// The source.
        source: String,
        /// The enterprise that it is bound to.
        bound: String,
        /// The enterprise that answers.
        found: String,
    },
    /// An edit of the configuration was refused.
    Config {
        /// Why.
        error: String,
    },
    /// A source has been failing for an hour.
    SourceDown {
        /// The source.
        source: String,
        /// Since when.
        since: DateTime<Utc>,
        /// Why, where it is known.
        failure: Option<SourceFailure>,
    },
}

impl Cause {
    /// The same for as long as the cause stands, and no other cause's.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::PlanHeld { plan, .. } => format!("plan:{plan}"),
            Self::DriftKept {
                source,
                member,
                what: DriftKind::GrantTaken,
            } => format!("drift:{source}/{member}:grants"),
            Self::Application { application, .. } => format!("application:{application}"),
            Self::DriftKept { source, member, .. } => format!("drift:{source}/{member}"),
            Self::SourceGone { source, .. } => format!("gone:{source}"),
            Self::ChangeFailed { line, kind, .. } | Self::NoEffect { line, kind, .. } => {
                change_key(line, *kind)
            }
            Self::Target { .. } => "target".into(),
            Self::Permission { action, .. } => permission_key(action),
            Self::Quota { quota, .. } => quota_key(quota),
            Self::AnotherEnterprise { source, .. } => format!("enterprise:{source}"),
            Self::Config { .. } => "config".into(),
            Self::SourceDown { source, .. } => format!("source:{source}"),
        }
    }

    /// What it is to those who choose what they are told.
    #[must_use]
    pub fn event(&self) -> Event {
        match self {
            Self::PlanHeld { .. }
            | Self::Application { .. }
            | Self::DriftKept { .. }
            | Self::SourceGone { .. } => Event::Held,
            Self::SourceDown { .. } => Event::SourceDown,
            _ => Event::Failed,
        }
    }
}

/// A change that is tried again is the same change, and so is the one that a newer plan makes in its place.
pub(super) fn change_key(line: &str, kind: Kind) -> String {
    format!("change:{line}:{}", kind.as_str())
}

pub(super) fn permission_key(action: &str) -> String {
    format!("permission:{action}")
}

pub(super) fn quota_key(quota: &str) -> String {
    format!("quota:{quota}")
}
