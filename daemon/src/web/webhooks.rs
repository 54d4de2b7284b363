//! `/webhooks/{source}`: callbacks of providers. The connector verifies them; no token of camsync is asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use camsync_connector_host::types::CallbackRequest;

use crate::callbacks::Refused;

use super::App;
use super::problem::{Kind, Problem};

/// The largest callback, in bytes. WeCom's are a few hundred.
const BODY: usize = 1024 * 1024;
/// A callback's body arrives within this.
const BODY_TIME: Duration = Duration::from_secs(5);
/// When a provider should try again after it was told that there were too many.
const AGAIN: u64 = 5;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/webhooks/{source}", get(take).post(take))
}

async fn take(
    State(app): State<Arc<App>>,
    Path(source): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Problem> {
    let body = tokio::time::timeout(BODY_TIME, to_bytes(body, BODY))
        .await
        .map_err(|_| Problem::new(Kind::Invalid, "the body did not arrive in time"))?
        .map_err(|_| {
            Problem::new(
                Kind::TooLarge,
                format!("a callback is at most {BODY} bytes"),
            )
        })?;
    let engine = app
        .context
        .engine()
        .await
        .map_err(|_| Problem::new(Kind::Busy, "camsync is not ready yet").after(AGAIN))?;
    let request = CallbackRequest {
        method: method.as_str().to_owned(),
        query: query.unwrap_or_default(),
        body: body.to_vec(),
    };
    let answer = app
        .callbacks
        .take(&engine, &source, request)
        .await
        .map_err(problem)?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok((status, [(header::CONTENT_TYPE, plain)], answer.body).into_response())
}

/// Says no more than a stranger may know.
fn problem(refused: Refused) -> Problem {
    let text = refused.to_string();
    match refused {
        Refused::NoSuchSource => Problem::new(Kind::NotFound, text),
        Refused::NotAccepted => Problem::new(Kind::Forbidden, text),
        Refused::Busy => Problem::new(Kind::Busy, text).after(AGAIN),
    }
}
