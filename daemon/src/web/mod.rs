//! HTTP: the API, live updates, and whether the daemon is alive and ready.
//!
//! What can be asked is one table, `operations`; routes, roles and the OpenAPI document follow from it, and each is
//! run through [`crate::ops`], like the command line's. Limits on everything that a stranger can make larger or
//! slower stand here, in one place.

mod access;
mod advice;
mod api;
mod arguments;
mod connections;
mod events;
mod failures;
mod health;
mod metrics;
mod openapi;
mod operations;
mod portal;
mod problem;
mod shapes;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callbacks::Callbacks;
use crate::ops::{Context, OpError};

use access::Access;
use problem::{Kind, Problem};

pub use access::warnings;
pub use advice::Warning;
pub(crate) use portal::public_url;

/// The largest body of a request to the API, in bytes.
const API_BODY: usize = 64 * 1024;
/// The longest that a request takes before its answer begins.
const REQUEST_TIME: Duration = Duration::from_secs(75);
/// How many operations that write are under way at once.
const MOST_WRITING: usize = 16;
/// How many operations that read are under way at once; more wait for these.
const MOST_READING: usize = 4;

/// What all handlers share.
struct App {
    context: Arc<Context>,
    access: Access,
    events: events::Feed,
    readiness: health::Readiness,
    callbacks: Callbacks,
    portal: portal::Portal,
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    /// Operations that go on though nobody waits for them any more.
    under_way: TaskTracker,
    closing: CancellationToken,
}

/// A port that is taken, on which nobody is answered yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the port of `[daemon] listen`.
///
/// # Errors
/// When it cannot be had, with the key to change.
pub async fn bind(listen: SocketAddr) -> Result<Bound, OpError> {
    let refused = |error: std::io::Error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another process listens there; end it, or choose another port"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; choose one that it has"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not use the port; choose one above 1023"
            }
            _ => "choose another address",
        };
        OpError::failed(format!(
            "{listen} cannot be listened on ({error}): {remedy}, in `listen` of [daemon]"
        ))
    };
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Bound { listener, address })
}

impl Bound {
    /// Answers from now on.
    #[must_use]
    pub fn serve(self, context: Arc<Context>) -> Web {
        context.set_listens_at(self.address);
        tracing::info!(address = %self.address, "HTTP is served");
        let closing = CancellationToken::new();
        let app = Arc::new(App {
            access: Access::default(),
            events: events::Feed::new(),
            readiness: health::Readiness::default(),
            callbacks: Callbacks::default(),
            portal: portal::Portal::default(),
            reading: Arc::new(Semaphore::new(MOST_READING)),
            writing: Arc::new(Semaphore::new(MOST_WRITING)),
            under_way: TaskTracker::new(),
            closing: closing.clone(),
            context,
        });
        let feed = tokio::spawn(events::publish(Arc::clone(&app)));
        let router = router(&app);
        let connections = tokio::spawn(connections::serve(self.listener, router, closing));
        Web {
            app,
            connections,
            feed,
        }
    }
}

/// HTTP that is being served.
pub struct Web {
    app: Arc<App>,
    connections: JoinHandle<()>,
    feed: JoinHandle<()>,
}

impl Web {
    /// Takes no more requests, and returns when those that were taken are answered. Whoever drops this ends it at once.
    pub async fn stop(mut self) {
        self.app.closing.cancel();
        self.app.under_way.close();
        let _ = (&mut self.connections).await;
        self.app.under_way.wait().await;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.app.closing.cancel();
        self.connections.abort();
        self.feed.abort();
    }
}

fn router(app: &Arc<App>) -> Router {
    // What needs no token. Each has the limits below; a body larger than the API's sets its own.
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .merge(webhooks::routes())
        .merge(portal::routes());
    let closed = Router::new()
        .route("/events", get(events::subscribe))
        .merge(api::routes());
    open.merge(closed)
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::not_allowed)
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(Arc::clone(app), protected))
        .with_state(Arc::clone(app))
}

/// Ends what takes too long.
async fn in_time(request: Request, next: Next) -> Result<Response, Problem> {
    tokio::time::timeout(REQUEST_TIME, next.run(request))
        .await
        .map_err(|_| {
            Problem::new(
                Kind::Busy,
                "this took too long and was given up; ask again later",
            )
            .after(10)
        })
}

/// Sends what browsers must be told, and lets connections end when the daemon does.
async fn protected(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    const ALWAYS: [(header::HeaderName, HeaderValue); 5] = [
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    let mut response = next.run(request).await;
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(value);
    }
    if app.closing.is_cancelled() {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
