//! `/events`: live updates, as server-sent events.
//!
//! The ledger says that something was written, the feed takes the status anew, and each subscriber is told how it
//! differs from the one before. So a slow reader misses steps, but never the last one, and nothing piles up.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use camsync_config::Role;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::ops;

use super::problem::{Kind, Problem};
use super::{App, api, connections};

/// So many may listen at once.
const MOST: usize = 64;
/// A comment is sent this often, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two updates; what happens meanwhile comes with the next.
const PAUSE: Duration = Duration::from_millis(250);
/// How often that is looked at which is not in the ledger: which sources are being crawled.
const LOOK: Duration = Duration::from_secs(1);
/// A stream ends in order before its connection must; browsers come back by themselves.
const LONGEST: Duration = Duration::from_secs(connections::LONGEST.as_secs() - 30);

/// The status as it was last taken, with its number.
type Taken = Arc<(u64, Value)>;

/// Where subscribers listen.
pub(super) struct Feed {
    last: watch::Sender<Option<Taken>>,
    places: Arc<Semaphore>,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self {
            last: watch::Sender::new(None),
            places: Arc::new(Semaphore::new(MOST)),
        }
    }
}

/// Takes the status whenever something has changed and somebody listens.
pub(super) async fn publish(app: Arc<App>) {
    let mut written = app.context.ledger().watch();
    let state = |app: &App| (app.context.crawling(), app.context.config_state());
    let mut seen = state(&app);
    // Numbers go on growing over a restart.
    let mut number = u64::try_from(app.context.now().timestamp_millis()).unwrap_or(0);
    loop {
        let wrote = tokio::time::timeout(LOOK, written.changed()).await.is_ok();
        let now = state(&app);
        let changed = wrote || now != seen;
        if !changed || app.events.last.receiver_count() == 0 {
            continue;
        }
        seen = now;
        if let Ok(status) = api::read(&app, ops::Request::Status, "events".into()).await {
            number += 1;
            app.events
                .last
                .send_replace(Some(Arc::new((number, status))));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens: first the status as it is, then what changes.
pub(super) async fn subscribe(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    app.access
        .admit(&app.context.config(), &parts, Role::Viewer)?;
    let place = Arc::clone(&app.events.places)
        .try_acquire_owned()
        .map_err(|_| {
            Problem::new(
                Kind::Busy,
                "too many listen already; ask for /api/v1/status instead",
            )
            .after(30)
        })?;
    // Listens before it looks: what happens between the two is told twice rather than never.
    let mut updates = app.events.last.subscribe();
    updates.mark_unchanged();
    let status = api::read(&app, ops::Request::Status, "events".into()).await?;
    let number = u64::try_from(app.context.now().timestamp_millis()).unwrap_or(0);
    let first = events(None, &status, number);
    let rest = updates_of(updates, status, place);
    let end = {
        let closing = app.closing.clone();
        async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = tokio::time::sleep(LONGEST) => {}
            }
        }
    };
    let stream = stream::iter(first)
        .chain(rest)
        .take_until(end)
        .map(Ok::<_, Infallible>);
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(sse.into_response())
}

fn updates_of(
    updates: watch::Receiver<Option<Taken>>,
    status: Value,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Event> {
    stream::unfold(
        (updates, status, place),
        |(mut updates, before, place)| async move {
            updates.changed().await.ok()?;
            let taken = updates.borrow_and_update().clone();
            let (told, now) = match taken.as_deref() {
                Some((number, now)) => (events(Some(&before), now, *number), now.clone()),
                None => (Vec::new(), before),
            };
            Some((stream::iter(told), (updates, now, place)))
        },
    )
    .flatten()
}

fn events(before: Option<&Value>, now: &Value, number: u64) -> Vec<Event> {
    let told = differences(before, now);
    let event = |(name, data): (&str, Value)| {
        Event::default()
            .id(number.to_string())
            .event(name)
            .data(data.to_string())
    };
    told.into_iter().map(event).collect()
}

/// What there is to tell: each source whose state is another, each plan that is held anew or no longer, and the whole
/// status when anything in it is another.
fn differences(before: Option<&Value>, now: &Value) -> Vec<(&'static str, Value)> {
    let mut told = Vec::new();
    if let Some(before) = before {
        let sources = |status: &Value| status["sources"].as_array().cloned().unwrap_or_default();
        let known = sources(before);
        for source in sources(now) {
            let was = known.iter().find(|s| s["name"] == source["name"]);
            if was.is_none_or(|was| {
                was["state"] != source["state"] || was["last_crawl"] != source["last_crawl"]
            }) {
                told.push((
                    "source",
                    json!({ "source": source["name"], "state": source["state"] }),
                ));
            }
        }
        let held = |status: &Value| -> BTreeSet<i64> {
            status["held"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect()
        };
        for plan in held(before).symmetric_difference(&held(now)) {
            told.push((
                "plan",
                json!({ "plan": plan, "held": held(now).contains(plan) }),
            ));
        }
    }
    if before != Some(now) {
        told.push(("status", now.clone()));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: &str, held: &[i64], applied: u32) -> Value {
        json!({
            "sources": [{ "name": "acme", "state": state, "last_crawl": null }],
            "held": held,
            "changes": { "applied": applied },
        })
    }

    #[test]
    fn the_first_thing_told_is_the_whole_status() {
        let now = status("ok", &[3], 1);
        assert_eq!(differences(None, &now), [("status", now.clone())]);
        assert_eq!(differences(Some(&now), &now), []);
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let before = status("crawling", &[3, 4], 1);
        let now = status("ok", &[4, 5], 2);
        let expected = [
            ("source", json!({ "source": "acme", "state": "ok" })),
            ("plan", json!({ "plan": 3, "held": false })),
            ("plan", json!({ "plan": 5, "held": true })),
            ("status", now.clone()),
        ];
        assert_eq!(differences(Some(&before), &now), expected);
        let applied = status("crawling", &[3, 4], 2);
        assert_eq!(
            differences(Some(&before), &applied),
            [("status", applied.clone())]
        );
    }
}
