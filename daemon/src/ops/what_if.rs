//! What-if: what another configuration's rules would make of the stored snapshots. Asks no provider and writes nothing.

use std::path::Path;
use std::sync::Arc;

use camsync_cam::Cam;
use camsync_config::{Config, Loaded};
use camsync_core::sub_user::Observed;
use serde_json::{Value, json};

use crate::ledger::{SourceRow, time_text};
use crate::pipeline::reconcile::{self, Policy, Ready};
use crate::pipeline::{PassReport, Progress, ProgressSink};
use crate::setup;

use super::{Context, OpError, passes};

/// The other configuration, as whoever asks has it: this process may not be able to read its file.
#[derive(Debug)]
pub(super) struct Other<'a> {
    /// The file, for messages.
    pub(super) file: &'a str,
    /// Its text.
    pub(super) text: &'a str,
}

pub(super) async fn plan(
    context: &Context,
    other: &Other<'_>,
    source: Option<&str>,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let folder = Path::new(other.file).parent().unwrap_or(Path::new(""));
    let loaded = Config::parse(other.text, other.file, folder)
        .map_err(|error| OpError::usage(error.to_string()))?;
    let policy = setup::policy(&loaded.config);
    let sources = sources(context, &loaded, source)?;
    progress.say(Progress::Observing);
    let (observed, unread, cam) = observed(context, &policy).await?;
    progress.say(Progress::Observed {
        users: observed.users().len(),
    });
    let ready: Vec<Ready> = sources
        .iter()
        .filter(|s| s.row.is_some())
        .map(|s| s.ready(context))
        .collect::<Result<_, OpError>>()?;
    let mut report = PassReport::default();
    let ledger = context.ledger();
    let basis = reconcile::prepare(ledger, &policy, &ready, &observed, context.now());
    let made = match basis {
        Ok(mut basis) => {
            let grants = reconcile::grants(
                ledger,
                cam.as_deref(),
                &policy,
                &mut basis,
                &observed,
                false,
            )
            .await;
            grants.and_then(|grants| reconcile::make(ledger, &policy, basis, &observed, &grants))
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => report.plan = Some(made),
        Err(error) => report.error = Some(error.blocked()?),
    }
    let mut document = passes::report_json(context, &report, source)?;
    document["what_if"] = json!({
        "config": other.file,
        "cloud_read": unread.is_none(),
        "cloud_error": unread,
        "snapshots": sources.iter().map(|s| json!({
            "source": s.name,
            "taken_at": s.row.as_ref().and_then(|r| r.last_complete_at).map(time_text),
        })).collect::<Vec<_>>(),
    });
    Ok(document)
}

/// A source of the other configuration, with what the ledger knows of it.
struct Named {
    name: String,
    connector: String,
    row: Option<SourceRow>,
}

impl Named {
    fn ready(&self, context: &Context) -> Result<Ready, OpError> {
        // Whether the connector can look up shows in what it has said: a missing member of one that can was looked
        // up in the crawl that missed him. It need not be loaded for this, with secrets that may not be here.
        let missing = context.ledger().missing_members(&self.name)?;
        Ok(Ready {
            name: self.name.clone(),
            connector: self.connector.clone(),
            can_look_up: missing.is_empty() || missing.iter().any(|m| m.witness.is_some()),
            crawl: None,
            looked_up: Vec::new(),
            alone: None,
        })
    }
}

fn sources(context: &Context, loaded: &Loaded, only: Option<&str>) -> Result<Vec<Named>, OpError> {
    let config = &loaded.config;
    if let Some(only) = only
        && !config.sources.iter().any(|s| s.name == only)
    {
        return Err(super::sources::unknown(context, only));
    }
    let asked = |name: &str| only.is_none_or(|only| only == name);
    config
        .sources
        .iter()
        .filter(|s| asked(&s.name))
        .map(|s| {
            let former = s.former_name.as_deref();
            let ledger = context.ledger();
            let row = match (ledger.source(&s.name)?, former) {
                (None, Some(former)) => ledger.source(former)?,
                (row, _) => row,
            };
            Ok(Named {
                // What the ledger calls it: a new name is only given when the configuration comes into force.
                name: row.as_ref().map_or(&s.name, |r| &r.name).clone(),
                connector: setup::connector_name(&s.connector),
                row,
            })
        })
        .collect()
}

/// What CAM shows, or, where it cannot be read, what the ledger believes, and why.
async fn observed(
    context: &Context,
    policy: &Policy,
) -> Result<(Observed, Option<String>, Option<Arc<dyn Cam>>), OpError> {
    let ledger = context.ledger();
    let config = context.config();
    let unread = match setup::cam(&config.config, context.metrics(), context.language()) {
        Ok(None) => None,
        Ok(Some(cam)) => match reconcile::observed(ledger, Some(&*cam), &policy.rules).await {
            Ok((_, observed)) => return Ok((observed, None, Some(cam))),
            Err(error) => Some(error.blocked()?.to_string()),
        },
        Err(error) => Some(error.to_string()),
    };
    let believed = reconcile::observed(ledger, None, &policy.rules).await;
    match believed {
        Ok((_, observed)) => Ok((observed, unread, None)),
        Err(error) => Err(crate::say::refusals::reconcile(error)),
    }
}
