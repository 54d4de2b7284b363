//! `/api/v1`: runs the operations of the table.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use camsync_config::Role;
use serde_json::{Value, json};

use crate::ops::{self, OpError};
use crate::pipeline::ProgressSink;

use super::arguments::Arguments;
use super::operations::{OPERATIONS, Operation};
use super::problem::{Kind, Problem};
use super::{API_BODY, App, openapi};

/// Where the API begins.
pub(super) const BASE: &str = "/api/v1";
/// A body arrives within this.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A route an operation, and the document about them.
pub(super) fn routes() -> Router<Arc<App>> {
    let document = format!("{BASE}/openapi.json");
    let mut router = Router::new().route(&document, get(describe));
    for operation in OPERATIONS {
        let answer = move |app: State<Arc<App>>, places: RawPathParams, request: Request| {
            run(app, operation, places, request)
        };
        let method = if operation.reads {
            get(answer)
        } else {
            post(answer)
        };
        router = router.route(&format!("{BASE}{}", operation.path), method);
    }
    router
}

async fn describe(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    app.access
        .admit(&app.context.config(), &parts, Role::Viewer)?;
    Ok(json_response(StatusCode::OK, &openapi::document()))
}

/// What no route is for. Who has no token learns nothing of the API from it.
pub(super) async fn not_found(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if parts.uri.path().starts_with("/api") {
        app.access
            .admit(&app.context.config(), &parts, Role::Viewer)?;
    }
    Err(Problem::new(
        Kind::NotFound,
        format!(
            "nothing is at {}; {BASE}/openapi.json lists what there is",
            parts.uri.path()
        ),
    ))
}

/// A route, but not for this method; what it is for is in the header `Allow`.
pub(super) async fn not_allowed(request: Request) -> Problem {
    Problem::new(
        Kind::Method,
        format!(
            "{} cannot be had with {}; the header `Allow` names the methods",
            request.uri().path(),
            request.method()
        ),
    )
}

async fn run(
    State(app): State<Arc<App>>,
    operation: &'static Operation,
    places: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let person = app
        .access
        .admit(&app.context.config(), &parts, operation.role)?;
    no_body(body).await?;
    let arguments = Arguments::read(
        operation.parameters,
        places.iter(),
        parts.uri.query().unwrap_or_default(),
    )?;
    let asked = (operation.request)(&arguments)?;
    if operation.reads {
        let document = read(&app, asked, person.actor()).await?;
        return Ok(json_response(StatusCode::OK, &document));
    }
    let wait = arguments.wait()?;
    match write(&app, asked, person.actor(), wait).await? {
        Some(document) => Ok(json_response(StatusCode::OK, &document)),
        None => Ok(json_response(
            StatusCode::ACCEPTED,
            &json!({ "running": true, "see": format!("{BASE}/status") }),
        )),
    }
}

/// Nothing is said in a body. `{}` is accepted, for many programs send it.
async fn no_body(body: axum::body::Body) -> Result<(), Problem> {
    let late = Problem::new(
        Kind::Invalid,
        "the body did not arrive; send it whole, or none",
    );
    let large = Problem::new(
        Kind::TooLarge,
        format!("the body is larger than {API_BODY} bytes; none is needed"),
    );
    let taken = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, API_BODY)).await;
    let bytes = taken.map_err(|_| late)?.map_err(|_| large)?;
    match bytes.trim_ascii() {
        b"" | b"{}" => Ok(()),
        _ => Err(Problem::new(
            Kind::Invalid,
            "this takes no body: say everything in the path and the query",
        )),
    }
}

/// Reads beside the threads that answer others: a long list keeps nobody waiting.
pub(super) async fn read(
    app: &Arc<App>,
    request: ops::Request,
    actor: String,
) -> Result<Value, Problem> {
    let place = Arc::clone(&app.reading).acquire_owned().await;
    let (context, runtime) = (Arc::clone(&app.context), tokio::runtime::Handle::current());
    let done = tokio::task::spawn_blocking(move || {
        let document = runtime.block_on(ops::run(&context, request, &actor, &ProgressSink::none()));
        drop(place);
        document
    });
    Ok(done.await.map_err(|error| broken(&error))??)
}

/// Sets off what changes something. It goes on when nobody waits for it any more: whoever hangs up cancels nothing.
async fn write(
    app: &Arc<App>,
    request: ops::Request,
    actor: String,
    wait: Duration,
) -> Result<Option<Value>, Problem> {
    if app.closing.is_cancelled() {
        return Err(Problem::new(
            Kind::Busy,
            "camsync is about to end; ask again when it runs",
        )
        .after(10));
    }
    let Ok(place) = Arc::clone(&app.writing).try_acquire_owned() else {
        return Err(Problem::new(
            Kind::Busy,
            "too much is under way at once; ask again in a while",
        )
        .after(10));
    };
    let context = Arc::clone(&app.context);
    let done = app.under_way.spawn(async move {
        let document = ops::run(&context, request, &actor, &ProgressSink::none()).await;
        drop(place);
        document
    });
    match tokio::time::timeout(wait, done).await {
        Ok(done) => Ok(Some(done.map_err(|error| broken(&error))??)),
        Err(_) => Ok(None),
    }
}

fn broken(error: &tokio::task::JoinError) -> OpError {
    OpError::failed(format!(
        "camsync broke while it did this ({error}): look at its log"
    ))
}

pub(super) fn json_response(status: StatusCode, document: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, document.to_string()).into_response()
}
