//! A provider on loopback that answers well and badly, and counts the connections made to it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{any, get},
    serve::ListenerExt,
};
use futures_util::stream;
use serde_json::json;
use tokio::{net::TcpListener, sync::Barrier, task::JoinHandle};

/// A running server; it ends with this.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let accepted = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&accepted);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let task = tokio::spawn(async move { axum::serve(listener, routes()).await.unwrap() });
        Self {
            address,
            accepted,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn routes() -> Router {
    let barrier = Arc::new(Barrier::new(16));
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route(
            "/missing",
            get(|| async { (StatusCode::NOT_FOUND, "none") }),
        )
        .route("/echo", any(echo))
        .route("/redirect", any(redirect))
        .route(
            "/round",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/round")]) }),
        )
        .route(
            "/big",
            get(|| async { Bytes::from(vec![b'x'; 2 * 1024 * 1024]) }),
        )
        .route(
            "/big-unsized",
            get(|| async { endless(Duration::ZERO, 64 * 1024) }),
        )
        .route(
            "/drip",
            get(|| async { endless(Duration::from_millis(20), 1) }),
        )
        .route(
            "/never",
            any(|| async { std::future::pending::<()>().await }),
        )
        .route(
            "/all-at-once",
            get(move || async move {
                barrier.wait().await;
                "together"
            }),
        )
}

async fn echo(request: Request) -> String {
    let method = request.method().to_string();
    let headers: serde_json::Map<_, _> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    json!({"method": method, "headers": headers, "body": String::from_utf8_lossy(&body)})
        .to_string()
}

async fn redirect(
    Query(query): Query<std::collections::BTreeMap<String, String>>,
) -> impl IntoResponse {
    let status = query
        .get("status")
        .map_or(302, |status| status.parse().unwrap());
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::LOCATION, query["to"].clone())],
    )
}

/// A body of chunks without an end.
fn endless(pause: Duration, chunk: usize) -> Body {
    Body::from_stream(stream::unfold((), move |()| async move {
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(vec![b'x'; chunk]), ()))
    }))
}
