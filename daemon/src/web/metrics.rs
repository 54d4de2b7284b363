//! `/metrics`: for Prometheus, without a token. There are numbers, and names of sources; none of people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::metrics::{CONTENT_TYPE, render};

use super::App;
use super::problem::{Kind, Problem};

/// Everything that is measured, at this moment.
pub(super) async fn scrape(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let _permit = app.reading.acquire().await;
    let context = Arc::clone(&app.context);
    let rendered = tokio::task::spawn_blocking(move || render(&context)).await;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "metrics cannot be served");
        Problem::new(
            Kind::Busy,
            "the metrics cannot be read: the log says why; ask again later",
        )
        .after(10)
    };
    let text = rendered.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
    let kind = HeaderValue::from_static(CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
