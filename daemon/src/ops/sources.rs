//! `sources`: what each source is, and how it does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use camsync_core::model::{Department, Member};
use serde_json::{Value, json};

use crate::ledger::{RangeChange, SourceRow, time_text};
use crate::pipeline::reconcile::OWNER_UIN;
use crate::say::refusals;
use crate::schedule;
use crate::setup::connector_name;

use super::{Context, OpError};

/// All sources: the configured ones in the file's order, then those that only the ledger knows.
pub(super) fn rows(context: &Context) -> Result<Vec<Value>, OpError> {
    let config = context.config();
    let known = context.ledger().sources()?;
    let mut made = Vec::new();
    for source in &config.config.sources {
        let row = known.iter().find(|r| r.name == source.name);
        made.push(row_json(
            context,
            &source.name,
            &connector_name(&source.connector),
            row,
            Some(source),
        ));
    }
    for row in &known {
        if !config.config.sources.iter().any(|s| s.name == row.name) {
            made.push(row_json(
                context,
                &row.name,
                &row.connector,
                Some(row),
                None,
            ));
        }
    }
    Ok(made)
}

fn row_json(
    context: &Context,
    name: &str,
    connector: &str,
    row: Option<&SourceRow>,
    configured: Option<&camsync_config::Source>,
) -> Value {
    let state = match row {
        Some(r) if r.unlinked.is_some() => "unlinked",
        _ if configured.is_none() => "frozen",
        _ if context.crawling().contains(name) => "crawling",
        Some(r) if r.paused => "paused",
        Some(r) if r.error.is_some() => "failing",
        Some(r) if r.last_complete_at.is_some() => "ok",
        _ => "never",
    };
    let next = configured.and_then(|c| schedule::next_crawl(c, row, context.now()));
    let error = row
        .and_then(|r| r.error.as_ref())
        .and_then(|e| serde_json::from_value::<crate::pipeline::SourceFailure>(e.clone()).ok());
    json!({
        "name": name,
        "connector": connector,
        "last_crawl": row.and_then(|r| r.last_crawl_at).map(time_text),
        "last_complete": row.and_then(|r| r.last_complete_at).map(time_text),
        "next_crawl": next.map(time_text),
        "members": row.map_or(0, |r| r.members),
        "departments": row.map_or(0, |r| r.departments),
        "state": state,
        "error": error.as_ref().map(ToString::to_string),
        "error_details": error,
        "enterprise": row.and_then(|r| r.enterprise.clone()),
        "unlinked": row.and_then(|r| r.unlinked.as_ref()).map(|u| json!({
            "then": u.then, "at": time_text(u.at), "by": u.by, "configured": configured.is_some(),
        })),
    })
}

pub(super) fn sources(context: &Context, name: Option<&str>) -> Result<Value, OpError> {
    let rows = rows(context)?;
    let Some(name) = name else {
        return Ok(json!({ "sources": rows }));
    };
    let Some(row) = rows.into_iter().find(|r| r["name"] == name) else {
        return Err(unknown(context, name));
    };
    let (departments, range) = context.ledger().departments_and_range(name)?;
    let snapshot = context.ledger().snapshot(name)?;
    let counts = Counts::of(&departments, &snapshot.members);
    let tree: Vec<Value> = departments
        .iter()
        .map(|d| {
            json!({
                "id": d.id, "parent": d.parent, "name": d.name,
                "members": counts.members.get(d.id.as_str()).copied().unwrap_or(0),
                "below": counts.below.get(d.id.as_str()).copied().unwrap_or(0),
            })
        })
        .collect();
    let config = context.config();
    let configured = config.config.sources.iter().find(|s| s.name == name);
    let known = context.ledger().source(name)?;
    let names = known.as_ref().map(|r| r.names.clone()).unwrap_or_default();
    let schedule =
        configured.map(|s| json!({ "cron": s.schedule.as_str(), "timezone": s.timezone.name() }));
    Ok(json!({
        "source": row,
        "schedule": schedule,
        "departments": tree,
        "enterprise_name": names.enterprise,
        "application_name": names.application,
        "settings": configured.map(|s| s.settings.shown()),
        "range": range,
        "range_items": context.ledger().range_items(name)?,
        "range_changes": context.ledger().range_changes(name)?.iter().map(range_change).collect::<Vec<_>>(),
        "failure": known.and_then(|r| r.error),
        "callbacks": context.callbacks(name).map(|c| json!({
            "received": c.received,
            "refused": c.refused,
            "missed": c.missed,
            "last_received_at": c.last_received_at.map(time_text),
            "last_at": c.last_at.map(time_text),
            "last_lag_seconds": c.last_lag.map(|lag| lag.as_seconds_f64()),
        })),
    }))
}

fn range_change(change: &RangeChange) -> Value {
    json!({
        "at": time_text(change.at),
        "configured": change.configured,
        "came": change.came,
        "came_count": change.came_count,
        "went": change.went,
        "went_count": change.went_count,
    })
}

/// Members by department.
struct Counts<'a> {
    /// Whose main (else first) department it is.
    members: HashMap<&'a str, usize>,
    /// In it or anywhere below, each once.
    below: HashMap<&'a str, usize>,
}

impl<'a> Counts<'a> {
    fn of(departments: &'a [Department], members: &'a [Arc<Member>]) -> Self {
        let parents: HashMap<&str, &str> = departments
            .iter()
            .filter_map(|d| Some((d.id.as_str(), d.parent.as_deref()?)))
            .collect();
        let mut counts = Self {
            members: HashMap::new(),
            below: HashMap::new(),
        };
        for member in members {
            let first = || member.departments.first();
            if let Some(main) = member.main_department.as_ref().or_else(first) {
                *counts.members.entry(main).or_default() += 1;
            }
            let mut above: HashSet<&str> = HashSet::new();
            for department in &member.departments {
                let mut at = Some(department.as_str());
                // A circle of departments ends where it began.
                while let Some(id) = at.filter(|id| above.insert(id)) {
                    at = parents.get(id).copied();
                }
            }
            for id in above {
                *counts.below.entry(id).or_default() += 1;
            }
        }
        counts
    }
}

/// Makes sure that a source is configured, or at least remembered.
pub(super) fn known(context: &Context, name: Option<&str>) -> Result<(), OpError> {
    let Some(name) = name else { return Ok(()) };
    let configured = context
        .config()
        .config
        .sources
        .iter()
        .any(|s| s.name == name);
    if configured || context.ledger().source(name)?.is_some() {
        return Ok(());
    }
    Err(unknown(context, name))
}

/// There is no such source; the nearest one is named.
pub(super) fn unknown(context: &Context, name: &str) -> OpError {
    let config = context.config();
    let known: Vec<&str> = config
        .config
        .sources
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    refusals::no_source(name, &known, context.config_file())
}

pub(super) fn pause(
    context: &Context,
    name: &str,
    paused: bool,
    actor: &str,
) -> Result<Value, OpError> {
    let config = context.config();
    let Some(source) = config.config.sources.iter().find(|s| s.name == name) else {
        return Err(unknown(context, name));
    };
    let ledger = context.ledger();
    ledger.ensure_source(name, &connector_name(&source.connector), None)?;
    ledger.set_paused(name, paused)?;
    let action = if paused {
        "source.pause"
    } else {
        "source.resume"
    };
    ledger.audit(context.now(), actor, action, name, &Value::Null)?;
    Ok(json!({ "source": name, "paused": paused }))
}

pub(super) fn rebind(
    context: &Context,
    source: Option<&str>,
    actor: &str,
) -> Result<Value, OpError> {
    let ledger = context.ledger();
    let Some(name) = source else {
        let old = ledger.meta(OWNER_UIN)?;
        ledger.set_meta(OWNER_UIN, None)?;
        ledger.audit(
            context.now(),
            actor,
            "target.rebind",
            "target",
            &json!({ "from": old }),
        )?;
        return Ok(json!({ "target": { "was": old } }));
    };
    let Some(row) = ledger.source(name)? else {
        return Err(unknown(context, name));
    };
    let Some(seen) = row.seen_enterprise else {
        return Err(refusals::nothing_to_rebind(name));
    };
    ledger.set_enterprise(name, &seen, None)?;
    ledger.audit(
        context.now(),
        actor,
        "source.rebind",
        name,
        &json!({ "from": row.enterprise, "to": seen }),
    )?;
    Ok(json!({ "source": name, "enterprise": seen }))
}
