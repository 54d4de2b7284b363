//! `members link`: a person says that two ids are one member.

use serde_json::{Value, json};

use crate::ledger::NotMoved;
use crate::pipeline::ProgressSink;
use crate::say::refusals;

use super::{Context, OpError, members, passes};

/// Gives the old id's sub-user to the new id. A fresh one that the new id has meanwhile goes by the leaver's ladder, as
/// a person's doing.
pub(super) async fn link(
    context: &Context,
    (old, new): (&str, &str),
    source: Option<&str>,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let (from, to) = (
        members::place(context, old, source)?,
        members::place(context, new, source)?,
    );
    if from.source != to.source {
        return Err(refusals::link_across(&from.source, &to.source));
    }
    if from.key == to.key {
        return Err(refusals::link_to_itself(&from.id));
    }
    let keys = (from.key.as_str(), to.key.as_str());
    let word = super::unlink::word(context, actor);
    let moved = context
        .ledger()
        .move_sub_user(&from.source, keys, word, false)?
        .map_err(|why| match why {
            NotMoved::NotManaged => refusals::not_managed(&from.id),
            NotMoved::Unknown => refusals::link_unknown(&to.id),
            NotMoved::StillThere => refusals::link_still_there(&from.id),
            NotMoved::Busy | NotMoved::HasItsOwn => refusals::link_busy(&from.id),
        })?;
    passes::reconcile(context, actor, progress).await?;
    let mut document = members::show(context, &to.id, Some(&to.source))?;
    document["link"] = json!({
        "source": from.source,
        "old": from.id,
        "new": to.id,
        "username": moved.username,
        "replaced": moved.replaced,
    });
    Ok(document)
}
