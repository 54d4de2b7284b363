//! `unlink`: how a source ends. What becomes of each of its sub-users is shown first, and what is confirmed is exactly
//! what was shown. Linking it again takes that back, for as long as the grace lasts.

use std::collections::BTreeMap;

use camsync_core::change::Reason;
use camsync_core::evidence::Evidence;
use camsync_core::grounds::Grounds;
use camsync_core::outbox::Kind;
use camsync_core::plan::Then;
use camsync_core::sub_user::{Origin, Stage, SubUser};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::ledger::{ShownRemoval, SourceRow, Word, facts_hash, time_text};
use crate::pipeline::ProgressSink;
use crate::say::{Step, refusals};

use super::{Context, OpError, passes, sources};

/// What becomes of one sub-user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// Stays in the cloud as it is, unmanaged.
    Released,
    /// Sign-in goes off, and stays so.
    Suspended,
    /// Sign-in goes off; deleted after the grace.
    Deleted,
    /// Sign-in goes off; unmanaged after the grace, for camsync did not make it.
    SuspendedThenReleased,
    /// Nothing: it is exempt from removals.
    Protected,
}

impl Becomes {
    fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::SuspendedThenReleased => "suspended_then_released",
            Self::Protected => "protected",
        }
    }

    fn of(sub_user: &SubUser, then: Then, delete_adopted: bool, grace: Option<TimeDelta>) -> Self {
        let stays = sub_user.origin == Origin::Adopted && !delete_adopted;
        match then {
            Then::Keep => Self::Released,
            _ if sub_user.protected => Self::Protected,
            Then::Suspend => Self::Suspended,
            // `delete_after = "never"`
            Then::Delete if grace.is_none() => Self::Suspended,
            Then::Delete if stays => Self::SuspendedThenReleased,
            Then::Delete => Self::Deleted,
        }
    }

    /// The removals that it comes to.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Released | Self::Protected => &[],
            Self::Suspended | Self::SuspendedThenReleased => &[Kind::SuspendUser],
            Self::Deleted => &[Kind::SuspendUser, Kind::DeleteUser],
        }
    }
}

/// What is shown of a source before it is unlinked.
struct Shown {
    row: SourceRow,
    then: Then,
    grace: Option<TimeDelta>,
    members: Vec<(SubUser, Becomes)>,
}

impl Shown {
    fn of(context: &Context, source: &str, then: Then) -> Result<Self, OpError> {
        let Some(row) = context.ledger().source(source)? else {
            return Err(sources::unknown(context, source));
        };
        let leavers = context.config().config.leavers;
        let grace = leavers
            .delete_after
            .and_then(|after| TimeDelta::from_std(after).ok());
        let members = context
            .ledger()
            .living_sub_users()?
            .into_iter()
            .filter(|s| s.source == source && s.stage == Stage::Managed)
            .map(|s| {
                let becomes = Becomes::of(&s, then, leavers.delete_adopted, grace);
                (s, becomes)
            })
            .collect();
        Ok(Self {
            row,
            then,
            grace,
            members,
        })
    }

    /// What a confirmation is worth: another set, or another fate, has another.
    fn digest(&self) -> String {
        let mut said = format!("{} {}", self.row.name, self.then.as_str());
        for (sub_user, becomes) in &self.members {
            said.push_str(&format!("\n{} {}", sub_user.id, becomes.as_str()));
        }
        facts_hash(&said)
    }

    fn removals(&self, by: &str) -> Vec<ShownRemoval> {
        let reason = Reason::Leaver {
            evidence: Evidence::Asked,
            grounds: Grounds::Unlinked { by: by.to_owned() },
        };
        let each = self.members.iter().flat_map(|(sub_user, becomes)| {
            becomes.kinds().iter().map(|kind| ShownRemoval {
                sub_user: sub_user.id,
                kind: *kind,
                reason: reason.clone(),
            })
        });
        each.collect()
    }

    /// When a suspended one is deleted or released, if it is.
    fn ends_at(
        &self,
        sub_user: &SubUser,
        becomes: Becomes,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        match becomes {
            Becomes::Deleted | Becomes::SuspendedThenReleased => {
                let since = sub_user.leaving.map_or(now, |l| l.since);
                Some(since + self.grace?)
            }
            _ => None,
        }
    }

    fn json(&self, context: &Context) -> Value {
        let now = context.now();
        let mut summary: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, becomes) in &self.members {
            *summary.entry(becomes.as_str()).or_default() += 1;
        }
        let members: Vec<Value> = self
            .members
            .iter()
            .map(|(s, becomes)| {
                json!({
                    "member": s.member,
                    "name": s.admitted.as_ref().map(|facts| facts.name.clone()),
                    "username": s.username,
                    "uin": s.uin,
                    "suspended": s.suspended(),
                    "becomes": becomes.as_str(),
                    "at": self.ends_at(s, *becomes, now).map(time_text),
                })
            })
            .collect();
        let configured = context.config();
        let configured = configured
            .config
            .sources
            .iter()
            .any(|s| s.name == self.row.name);
        let steps = Step::all(&self.row.connector, &self.row.name, configured);
        json!({
            "source": self.row.name,
            "then": self.then,
            "enterprise": self.row.enterprise,
            "members": members,
            "summary": summary,
            "confirm": self.digest(),
            "confirmed": false,
            "steps": steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "steps_details": steps,
            "held": null,
            "applied": 0,
            "pending": 0,
        })
    }
}

/// What whoever asks says, and whether a second person must say it too.
pub(super) fn word<'a>(context: &Context, actor: &'a str) -> Word<'a> {
    Word {
        by: actor,
        at: context.now(),
        needs_second: context.config().config.console.two_person_approval,
    }
}

/// Shows what unlinking comes to, and does it once exactly that is confirmed.
pub(super) async fn unlink(
    context: &Context,
    source: &str,
    then: Then,
    confirm: Option<&str>,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let shown = Shown::of(context, source, then)?;
    let mut document = shown.json(context);
    let Some(confirm) = confirm else {
        return Ok(json!({ "unlink": document }));
    };
    if confirm != shown.digest() {
        return Err(refusals::unlink_moved_on(source));
    }
    let removals = shown.removals(actor);
    let ledger = context.ledger();
    let held = ledger.unlink(source, then, &removals, word(context, actor))?;
    document["confirmed"] = json!(true);
    document["held"] = json!(held);
    if !removals.is_empty() {
        let report = passes::reconcile(context, actor, progress).await?;
        document["applied"] = json!(report.outbox.applied);
        document["pending"] = json!(report.outbox.pending);
    }
    Ok(json!({ "unlink": document }))
}

/// Links a source again, and carries out what follows.
pub(super) async fn link(
    context: &Context,
    source: &str,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let ledger = context.ledger();
    if ledger.source(source)?.is_none() {
        return Err(sources::unknown(context, source));
    }
    if !ledger.link(source, context.now(), actor)? {
        return Err(refusals::not_unlinked(source));
    }
    let config = context.config();
    let configured = config.config.sources.iter().any(|s| s.name == source);
    if configured {
        passes::reconcile(context, actor, progress).await?;
        // It may be due at once.
        context.engine().await?.wake();
    }
    Ok(json!({ "source": source, "linked": true, "configured": configured }))
}
