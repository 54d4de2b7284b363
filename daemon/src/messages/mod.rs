//! Messages: a member is told through the provider what became of an application.
//!
//! What is to be told is read from the applications and recorded before it is sent, and that it was taken after; the
//! provider drops what a crash in between has sent again. A task of its own, which nothing waits for.

mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use camsync_config::Tongue;
use camsync_core::retry::{self, FailureClass, Next};
use camsync_core::rules::Retry;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use crate::ledger::{About, LedgerError, MessageRow};
use crate::ops::Context;
use crate::pipeline::{Engine, Source, SourceFailure};
use crate::web;

/// How often is looked for news.
const LOOK: Duration = Duration::from_secs(3);
/// No message takes longer than this to be taken.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What was not taken within this is given up: it is no news any more.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(1);

/// Tells members until the engine is to end.
pub async fn run(context: &Context, engine: &Engine) {
    while !engine.stopped() {
        if let Err(error) = round(context, engine).await {
            tracing::error!(%error, "messages to members cannot be kept");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = engine.until_stopped() => {}
        }
    }
}

/// Notices what is to be told, and sends what is due, each source beside the others.
async fn round(context: &Context, engine: &Engine) -> Result<(), LedgerError> {
    if !context.config().config.applications.messages {
        return Ok(());
    }
    let ledger = context.ledger();
    let mut able = engine.message_sources();
    let unlinked = ledger
        .sources()?
        .into_iter()
        .filter(|row| row.unlinked.is_some());
    let unlinked: Vec<String> = unlinked.map(|row| row.name).collect();
    able.retain(|name| !unlinked.contains(name));
    ledger.notice_messages(&able, context.now())?;
    let mut waiting: BTreeMap<String, Vec<MessageRow>> = BTreeMap::new();
    for row in ledger.messages_waiting()? {
        let of = waiting.entry(row.application.source.clone()).or_default();
        of.push(row);
    }
    let told = waiting.into_iter().filter(|(name, _)| able.contains(name));
    let told = told.map(|(name, rows)| async move {
        match engine.source(&name) {
            Some(source) => tell(context, engine, source.as_ref(), rows).await,
            None => Ok(()),
        }
    });
    join_all(told).await.into_iter().collect()
}

/// Tells members of one source, until it refuses one.
async fn tell(
    context: &Context,
    engine: &Engine,
    source: &dyn Source,
    rows: Vec<MessageRow>,
) -> Result<(), LedgerError> {
    let ledger = context.ledger();
    let policy = context.config().config.retry;
    let tongue = tongue(context, source.connector());
    let mut rows = rows.into_iter();
    while let Some(row) = rows.next() {
        if engine.stopped() {
            break;
        }
        let paused = row.next_attempt_at;
        if paused.is_some_and(|at| !retry::is_due(&policy, at, context.now())) {
            continue;
        }
        let application = &row.application;
        let username = match row.about {
            About::Ready => ledger
                .latest_sub_user_of(&application.source, &application.key)?
                .map(|sub_user| sub_user.username),
            _ => None,
        };
        let page = text::page(&web::public_url(context));
        let message = text::message(tongue, &row, username.as_deref(), &page);
        let sent = tokio::time::timeout(TIMEOUT, source.send_message(&application.member, message));
        let failure = match sent.await {
            Ok(Ok(())) => {
                ledger.message_sent(row.id, context.now())?;
                tracing::info!(
                    application = application.id,
                    about = row.about.as_str(),
                    "the member was told"
                );
                continue;
            }
            Ok(Err(failure)) => failure,
            Err(_) => {
                let message = format!("no answer within {} s", TIMEOUT.as_secs());
                SourceFailure::new("unavailable", message)
            }
        };
        let next = again(&policy, &row, &failure, context.now());
        ledger.message_refused(row.id, context.now(), next, &failure.in_short())?;
        let (application, about) = (application.id, row.about.as_str());
        let error = failure.in_short();
        if next.is_none() {
            tracing::warn!(
                application,
                about,
                error,
                "the member cannot be told; given up"
            );
        } else if row.attempts == 0 {
            tracing::warn!(
                application,
                about,
                error,
                "the member is not told yet; it is sent again"
            );
        }
        // What concerns the whole source would meet the others as well: they wait with this one.
        if !matches!(failure.kind.as_str(), "refused" | "not_permitted") {
            let others: Vec<i64> = rows.map(|row| row.id).collect();
            if let Some(next) = next {
                ledger.messages_postponed(&others, next)?;
            }
            break;
        }
    }
    Ok(())
}

/// When a message that was not taken is sent again; never, after a day.
fn again(
    policy: &Retry,
    row: &MessageRow,
    failure: &SourceFailure,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    // A clock that went back makes nothing older.
    if now - row.noticed_at >= GIVEN_UP_AFTER {
        return None;
    }
    let endless = Retry {
        attempts: u32::MAX,
        ..*policy
    };
    let dice = rand::random_range(0.0..1.0);
    let attempt = row.attempts.saturating_add(1);
    let backed_off = match retry::next(&endless, FailureClass::Transient, attempt, dice) {
        Next::After(pause) => pause,
        _ => policy.max,
    };
    // A pause that the policy does not know is taken for a clock that went back.
    let asked = failure
        .retry_after_seconds
        .map_or(Duration::ZERO, |s| Duration::from_secs(s.into()));
    let pause = backed_off.max(asked.min(policy.max));
    Some(now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::hours(1)))
}

/// The language of the first notification target that has one; else what the provider's members read.
fn tongue(context: &Context, connector: &str) -> Tongue {
    let config = context.config();
    let said = config
        .config
        .notify
        .iter()
        .find_map(|target| target.language);
    let chinese = connector == "wecom" || context.language() == "zh";
    said.unwrap_or(if chinese {
        Tongue::Chinese
    } else {
        Tongue::English
    })
}
