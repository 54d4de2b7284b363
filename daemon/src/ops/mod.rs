//! Operations: what can be asked of camsync, by the command line here or over the socket of a running daemon.
//!
//! An operation goes in as [`Request`] and comes out as one JSON document; the command line only draws it.

mod adoptions;
pub(crate) mod applications;
mod changes;
mod check;
mod connectors;
mod context;
mod error;
mod link;
mod members;
mod notify;
mod passes;
pub(crate) mod password;
mod plan_file;
mod plans;
mod sources;
mod status;
mod system;
mod unlink;
mod verdicts;
mod what_if;

use camsync_core::plan::Then;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use context::{Access, Context};
pub use error::{Exit, Fault, OpError};
pub use passes::exit_of;
pub use plan_file::{Reviewed, open as open_plan_file};

use crate::pipeline::ProgressSink;

/// What lists have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOptions {
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
    /// Only of this status.
    pub status: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only since then.
    pub since: Option<DateTime<Utc>>,
}

impl ListOptions {
    /// Checks that the status asked for is one of these.
    fn status_among(&self, known: &[&str]) -> Result<(), OpError> {
        match &self.status {
            Some(status) if !known.contains(&status.as_str()) => {
                Err(crate::say::refusals::unknown_status(status, known))
            }
            _ => Ok(()),
        }
    }

    fn limit(&self) -> Option<u32> {
        (self.limit > 0).then_some(self.limit)
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Request {
    /// Everything at a glance.
    Status,
    /// Crawl, compare, show; change nothing.
    Plan {
        /// Only this source.
        source: Option<String>,
        /// With what it was made from, so that it can be applied later as it is.
        #[serde(default)]
        basis: bool,
    },
    /// What another configuration's rules would make of the stored snapshots; asks no provider, writes nothing.
    WhatIf {
        /// Only this source.
        source: Option<String>,
        /// The other configuration's file, for messages.
        file: String,
        /// Its text.
        text: String,
    },
    /// One full pass that does exactly what a person has read, or nothing.
    Apply {
        /// The source that the plan was of, if it was of one.
        source: Option<String>,
        /// The plan.
        reviewed: Reviewed,
        /// Seconds to wait for the outbox.
        timeout_seconds: u64,
    },
    /// One full pass.
    Sync {
        /// Only this source.
        source: Option<String>,
        /// Seconds to wait for the outbox.
        timeout_seconds: u64,
    },
    /// Are configuration, connectors, credentials, range and key good. Read-only.
    Check {
        /// The reader's language, `zh` or `en`; by default that of the process that answers.
        #[serde(default)]
        language: Option<String>,
    },
    /// Sources.
    Sources {
        /// One by name, or all.
        name: Option<String>,
    },
    /// Stop or go on crawling a source.
    PauseSource {
        /// The source.
        name: String,
        /// Stop, or go on.
        paused: bool,
    },
    /// The source's enterprise, or the root account, is another one now, and that is meant.
    Rebind {
        /// The source; absent for the target.
        source: Option<String>,
    },
    /// How a source ends: shown, and done once exactly that is confirmed.
    Unlink {
        /// The source.
        source: String,
        /// What becomes of its sub-users.
        then: Then,
        /// The word for what was shown; absent to be shown it.
        confirm: Option<String>,
    },
    /// Take that back.
    LinkSource {
        /// The source.
        source: String,
    },
    /// Members.
    Members(ListOptions),
    /// One member.
    Member {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Why a member has what they have.
    Explain {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Sign-in off, at once.
    Suspend {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Access may come back.
    Resume {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
        /// With the API keys that camsync switched off.
        #[serde(default)]
        keys: bool,
    },
    /// Exempt from removals, or no longer.
    Protect {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
        /// Exempt, or no longer.
        protected: bool,
    },
    /// Make unmanaged.
    Release {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Two ids are one member: the sub-user of the old one is the new one's.
    LinkMember {
        /// The old id, or its username.
        old: String,
        /// The new id, or its username.
        new: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Changes.
    Changes(ListOptions),
    /// One change with its attempts.
    Change {
        /// Its id.
        id: i64,
    },
    /// Ask again.
    RetryChange {
        /// Its id.
        id: i64,
    },
    /// Take back.
    CancelChange {
        /// Its id.
        id: i64,
    },
    /// Held plans.
    Plans(ListOptions),
    /// One plan with what it shows.
    ShowPlan {
        /// Its id.
        id: i64,
    },
    /// Approve exactly what it shows.
    ApprovePlan {
        /// Its id.
        id: i64,
    },
    /// Silence it until it grows.
    DiscardPlan {
        /// Its id.
        id: i64,
    },
    /// Another password, shown once.
    ResetPassword {
        /// A member's id or a username.
        id: String,
        /// Only of this source.
        source: Option<String>,
    },
    /// Members' own requests.
    Applications(ListOptions),
    /// Let the sub-user be made that an application asks for.
    ApproveApplication {
        /// Its id.
        id: i64,
    },
    /// Do not.
    DenyApplication {
        /// Its id.
        id: i64,
        /// What the member is told.
        reason: Option<String>,
    },
    /// No write at all, or writes again.
    Freeze {
        /// Freeze, or thaw.
        frozen: bool,
    },
    /// Who did what.
    Audit(ListOptions),
    /// Copy the ledger while it is in use.
    Backup {
        /// To this file, absolute.
        file: std::path::PathBuf,
    },
    /// Record that a backup was made: whoever made it beside the daemon does not write the ledger.
    BackedUp {
        /// The copy.
        file: std::path::PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Send a test message to every notification target.
    TestNotify,
    /// Connectors.
    Connectors,
    /// One connector's description.
    InspectConnector {
        /// Its file, absolute, or its name.
        file: String,
    },
}

impl Request {
    /// What the operation needs of the ledger.
    #[must_use]
    pub fn access(&self) -> Access {
        match self {
            Self::Status
            | Self::Sources { .. }
            | Self::Members(_)
            | Self::Member { .. }
            | Self::Explain { .. }
            | Self::Changes(_)
            | Self::Change { .. }
            | Self::Plans(_)
            | Self::ShowPlan { .. }
            | Self::Applications(_)
            | Self::Audit(_)
            | Self::Backup { .. }
            | Self::Check { .. }
            | Self::WhatIf { .. }
            | Self::Unlink { confirm: None, .. }
            | Self::TestNotify
            | Self::Connectors
            | Self::InspectConnector { .. } => Access::Read,
            _ => Access::Write,
        }
    }
}

/// Runs an operation.
///
/// # Errors
/// What a person must know, with the exit status that it calls for.
pub async fn run(
    context: &Context,
    request: Request,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    match request {
        Request::Status => status::status(context),
        Request::Plan { source, basis } => {
            passes::plan(context, source.as_deref(), basis, progress).await
        }
        Request::WhatIf { source, file, text } => {
            let other = what_if::Other {
                file: &file,
                text: &text,
            };
            what_if::plan(context, &other, source.as_deref(), progress).await
        }
        Request::Apply {
            source,
            reviewed,
            timeout_seconds,
        } => {
            let source = source.as_deref();
            passes::apply(context, source, &reviewed, timeout_seconds, actor, progress).await
        }
        Request::Sync {
            source,
            timeout_seconds,
        } => passes::sync(context, source.as_deref(), timeout_seconds, actor, progress).await,
        Request::Check { language } => check::check(context, language.as_deref()).await,
        Request::Sources { name } => sources::sources(context, name.as_deref()),
        Request::PauseSource { name, paused } => sources::pause(context, &name, paused, actor),
        Request::Rebind { source } => sources::rebind(context, source.as_deref(), actor),
        Request::Unlink {
            source,
            then,
            confirm,
        } => {
            let confirm = confirm.as_deref();
            unlink::unlink(context, &source, then, confirm, actor, progress).await
        }
        Request::LinkSource { source } => unlink::link(context, &source, actor, progress).await,
        Request::Members(options) => members::list(context, &options),
        Request::Member { id, source } => members::show(context, &id, source.as_deref()),
        Request::Explain { id, source } => members::explain(context, &id, source.as_deref()),
        Request::Suspend { id, source } => {
            members::suspend(context, &id, source.as_deref(), actor, progress).await
        }
        Request::Resume { id, source, keys } => {
            members::resume(context, &id, source.as_deref(), keys, actor, progress).await
        }
        Request::Protect {
            id,
            source,
            protected,
        } => members::protect(context, &id, source.as_deref(), protected, actor),
        Request::Release { id, source } => members::release(context, &id, source.as_deref(), actor),
        Request::LinkMember { old, new, source } => {
            let ids = (old.as_str(), new.as_str());
            link::link(context, ids, source.as_deref(), actor, progress).await
        }
        Request::Changes(options) => changes::list(context, &options),
        Request::Change { id } => changes::show(context, id),
        Request::RetryChange { id } => changes::retry(context, id, actor, progress).await,
        Request::CancelChange { id } => changes::cancel(context, id, actor),
        Request::Plans(options) => plans::list(context, &options),
        Request::ShowPlan { id } => plans::show(context, id),
        Request::ApprovePlan { id } => plans::approve(context, id, actor, progress).await,
        Request::DiscardPlan { id } => plans::discard(context, id, actor),
        Request::ResetPassword { id, source } => {
            password::reset(context, &id, source.as_deref(), actor).await
        }
        Request::Applications(options) => applications::list(context, &options),
        Request::ApproveApplication { id } => {
            applications::approve(context, id, actor, progress).await
        }
        Request::DenyApplication { id, reason } => {
            applications::deny(context, id, reason.as_deref(), actor)
        }
        Request::Freeze { frozen } => system::freeze(context, frozen, actor, progress).await,
        Request::Audit(options) => system::audit(context, &options),
        Request::Backup { file } => system::backup(context, &file),
        Request::BackedUp { file, bytes } => system::backed_up(context, &file, bytes, actor),
        Request::TestNotify => notify::test(context).await,
        Request::Connectors => connectors::list(context).await,
        Request::InspectConnector { file } => connectors::inspect(context, &file).await,
    }
}
