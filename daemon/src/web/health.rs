//! `/healthz` and `/readyz`: is it alive, and can it do its work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tokio::sync::Mutex;

use super::App;
use super::api::json_response;

/// How long a probe of the ledger waits for another process.
const PATIENCE: Duration = Duration::from_millis(800);
/// What a probe found is good for so long: whoever asks without end writes little.
const FRESH: Duration = Duration::from_secs(2);

/// What the last probe of the ledger found, and when.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, bool)>>);

/// The process answers.
pub(super) async fn alive() -> Response {
    json_response(StatusCode::OK, &json!({ "alive": true }))
}

/// The ledger can be written and the configuration is at work; if not, why not. Nobody signs in here, so there are no
/// paths and no names: the log has them.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let mut reasons = Vec::new();
    if app.closing.is_cancelled() {
        reasons.push("it is about to end");
    }
    if !app.context.is_set_up() {
        reasons.push("the configuration is being put to work");
    }
    if !app.ledger_is_writable().await {
        reasons.push("the ledger cannot be written: the log says why");
    }
    let mut warnings = Vec::new();
    if app.context.config_state().1.is_some() {
        warnings.push("an edit of the configuration was refused, and the one before is in force: `camsync status` says why");
    }
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json_response(
        status,
        &json!({ "ready": reasons.is_empty(), "reasons": reasons, "warnings": warnings }),
    )
}

impl App {
    async fn ledger_is_writable(&self) -> bool {
        // Whoever asks meanwhile waits for this one probe.
        let mut last = self.readiness.0.lock().await;
        if let Some((at, writable)) = *last
            && at.elapsed() < FRESH
        {
            return writable;
        }
        let context = Arc::clone(&self.context);
        let probed = tokio::task::spawn_blocking(move || context.ledger().probe(PATIENCE)).await;
        let writable = match probed {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "not ready: the ledger cannot be written");
                false
            }
            Err(error) => {
                tracing::error!(%error, "not ready: the ledger could not be probed");
                false
            }
        };
        *last = Some((Instant::now(), writable));
        writable
    }
}
