//! The loopback HTTP/1.1 server under both simulators, which can break an answer in every way that a network does.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// The largest request body that is read: what CAM documents for POST (`cam-api.md 1.1`).
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A request, read whole.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) connection: u64,
}

/// What goes back over the wire.
pub(crate) enum Answer {
    /// A well-formed answer.
    Whole(Reply),
    /// The head and a part of the body, then the connection closes.
    Cut(Reply),
    /// The body byte by byte, one each interval.
    Drip(Reply, Duration),
    /// A body of so many spaces after the opening of a JSON object.
    Flood(u64),
    /// The connection closes without an answer.
    Hangup,
    /// The connection is reset without an answer.
    Reset,
    /// Nothing, for as long as the caller keeps the connection open.
    Never,
}

/// A well-formed answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            headers: Vec::new(),
            body,
        }
    }

    /// An error page as a proxy in between makes them.
    pub(crate) fn error_page(status: u16) -> Self {
        let body = format!(
            "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        );
        Self {
            status,
            content_type: "text/html",
            headers: Vec::new(),
            body: body.into_bytes(),
        }
    }
}

/// Sleeps; not at all when there is nothing to wait for, for even the shortest sleep of the runtime takes a millisecond.
pub(crate) async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// The future of an answer.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a simulator is to its server.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn answer(self: Arc<Self>, call: Call) -> Answering;
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    stopped: Option<oneshot::Receiver<()>>,
}

impl Server {
    /// Listens on `addr` and serves on a thread of its own, counting accepted connections into `connections`.
    pub(crate) fn start<S: Service>(
        service: Arc<S>,
        addr: SocketAddr,
        connections: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stop_asked) = oneshot::channel::<()>();
        let (report, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("simulator".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stop_asked => {}
                        _ = accept(listener, service, connections) => {}
                    }
                });
                // Closes every socket before the stop is reported, so that the port is free by then.
                drop(runtime);
                let _ = report.send(());
            })?;
        Ok(Self {
            addr,
            stop: Some(stop),
            stopped: Some(stopped),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes the listener and every connection, and returns when the port is free.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(stopped) = self.stopped.take() {
            let _ = stopped.await;
        }
    }
}

async fn accept<S: Service>(
    listener: std::net::TcpListener,
    service: Arc<S>,
    connections: Arc<AtomicU64>,
) -> std::io::Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept error concerns one connection (or a moment's lack of descriptors), not the listener.
                let Ok((stream, _)) = accepted else { continue };
                let number = connections.fetch_add(1, Ordering::SeqCst) + 1;
                open.spawn(serve(stream, service.clone(), number));
            }
            Some(_) = open.join_next() => {}
        }
    }
}

/// Says why a connection ends without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulator broke the connection on purpose")
    }
}

impl std::error::Error for Broken {}

async fn serve<S: Service>(stream: TcpStream, service: Arc<S>, number: u64) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let mark = reset.clone();
    let handler = service_fn(move |request| {
        let (service, reset) = (service.clone(), mark.clone());
        Box::pin(async move {
            let call = read(request, number).await?;
            // In a task of its own: what a caller asked for happens even if the caller hangs up meanwhile.
            let answer = tokio::spawn(service.answer(call))
                .await
                .map_err(|_| Broken)?;
            respond(answer, &reset).await
        })
    });
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), handler);
    let _ = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::SeqCst) {
        let _ = stream.set_zero_linger();
    }
}

async fn read(request: hyper::Request<Incoming>, connection: u64) -> Result<Call, Broken> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX)
        .collect()
        .await
        .map_err(|_| Broken)?
        .to_bytes();
    Ok(Call {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        connection,
    })
}

async fn respond(answer: Answer, reset: &AtomicBool) -> Result<hyper::Response<Payload>, Broken> {
    match answer {
        Answer::Whole(mut reply) => {
            let body = std::mem::take(&mut reply.body);
            Ok(head(reply, Payload::whole(body)))
        }
        Answer::Cut(reply) => {
            let promised = reply.body.len();
            let kept = reply.body[..promised / 2].to_vec();
            let mut response = head(
                reply,
                Payload {
                    source: Source::Cut(Bytes::from(kept)),
                    pause: None,
                },
            );
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(promised));
            Ok(response)
        }
        Answer::Drip(mut reply, every) => {
            let body = Bytes::from(std::mem::take(&mut reply.body));
            Ok(head(
                reply,
                Payload {
                    source: Source::Drip(body, every),
                    pause: None,
                },
            ))
        }
        Answer::Flood(bytes) => {
            let reply = Reply::json(Vec::new());
            Ok(head(
                reply,
                Payload {
                    source: Source::Flood {
                        left: bytes,
                        opened: false,
                    },
                    pause: None,
                },
            ))
        }
        Answer::Hangup => Err(Broken),
        Answer::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(Broken)
        }
        Answer::Never => std::future::pending().await,
    }
}

fn head(reply: Reply, payload: Payload) -> hyper::Response<Payload> {
    let mut response = hyper::Response::new(payload);
    if let Ok(status) = hyper::StatusCode::from_u16(reply.status) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A response body.
struct Payload {
    source: Source,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

enum Source {
    Whole(Bytes),
    Cut(Bytes),
    Drip(Bytes, Duration),
    Flood { left: u64, opened: bool },
}

impl Payload {
    fn whole(body: Vec<u8>) -> Self {
        Self {
            source: Source::Whole(Bytes::from(body)),
            pause: None,
        }
    }
}

/// Spaces, for the flood.
static SPACES: [u8; 64 * 1024] = [b' '; 64 * 1024];

impl Body for Payload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(pause) = self.pause.as_mut() {
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        let next = match &mut self.source {
            Source::Whole(body) => std::mem::take(body),
            Source::Cut(body) if body.is_empty() => return Poll::Ready(Some(Err(Broken))),
            Source::Cut(body) => {
                let kept = std::mem::take(body);
                // Pending once, so that head and part are on the wire before the connection breaks.
                self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(1))));
                kept
            }
            Source::Drip(body, every) => {
                let every = *every;
                let byte = body.split_to(body.len().min(1));
                self.pause = Some(Box::pin(tokio::time::sleep(every)));
                byte
            }
            Source::Flood { left: 0, .. } => Bytes::new(),
            Source::Flood {
                left,
                opened: opened @ false,
            } => {
                *opened = true;
                *left -= 1;
                Bytes::from_static(b"{")
            }
            Source::Flood { left, .. } => {
                let size = (*left).min(SPACES.len() as u64);
                *left -= size;
                Bytes::from_static(&SPACES[..usize::try_from(size).unwrap_or(SPACES.len())])
            }
        };
        Poll::Ready((!next.is_empty()).then(|| Ok(Frame::data(next))))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(body) => SizeHint::with_exact(body.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
