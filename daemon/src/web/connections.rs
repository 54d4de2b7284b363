//! Connections: how many, how long, and how slow they may be.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// At most so many at once; more wait to be accepted. A process may usually have 1024 files open.
const MOST: usize = 512;
/// A request's headers arrive within this; an idle connection is closed after it.
const HEADERS_TIME: Duration = Duration::from_secs(10);
/// All headers of a request together, in bytes; one read may go as much beyond it.
const HEADERS_SIZE: usize = 32 * 1024;
/// How many headers a request has.
const HEADERS: usize = 64;
/// A connection ends after this with the answer that it is giving.
pub(super) const LONGEST: Duration = Duration::from_secs(600);
/// That answer is taken within this, or never.
const LAST_ANSWER: Duration = Duration::from_secs(90);
/// How long nothing is accepted after an error: it is about the process, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Accepts until `closing`, and returns when the last answer is given.
pub(super) async fn serve(listener: TcpListener, router: Router, closing: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST));
    let open = TaskTracker::new();
    loop {
        let accept = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = closing.cancelled() => break,
            accepted = accept => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, closing) = (router.clone(), closing.clone());
                open.spawn(async move {
                    converse(stream, peer, router, closing).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "HTTP connections cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    open.close();
    open.wait().await;
}

async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, closing: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let answer = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        answer.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIME)
        .max_buf_size(HEADERS_SIZE)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = closing.cancelled() => None,
        () = tokio::time::sleep(LONGEST) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(LAST_ANSWER, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "an HTTP connection broke");
    }
}
