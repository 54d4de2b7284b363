//! The Unix socket of a process that holds the ledger: other commands of the same user are answered there.
//!
//! One connection, one request: a line of JSON in; lines of JSON out, progress first, then a result or an error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::ops::{self, Context, OpError, Request};
use crate::pipeline::{Progress, ProgressSink};
use crate::say::refusals::went_away;

/// A request is a line of a size that a configuration's text fits in; anything longer is not one.
const LONGEST_REQUEST: u64 = 16 * 1024 * 1024;

/// What goes in.
#[derive(Debug, Serialize, Deserialize)]
struct Call {
    request: Request,
    actor: String,
}

/// What comes out, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Progress(Progress),
    Result(Value),
    Error(OpError),
}

/// The socket of a data folder.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("camsync.sock")
}

/// Listens. The caller holds the ledger's lock, so whatever lies at the path was left by a process that is gone.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(path: &Path) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until it is dropped.
pub async fn serve(listener: UnixListener, context: Arc<Context>) {
    serve_until(listener, context, std::future::pending()).await;
}

/// Answers until `closed`, and then those who have asked already: an emergency must not end with somebody's pass.
pub async fn serve_until(
    listener: UnixListener,
    context: Arc<Context>,
    closed: impl Future<Output = ()>,
) {
    let mut closed = std::pin::pin!(closed);
    let mut calls = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            () = &mut closed => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let context = Arc::clone(&context);
                    calls.spawn(async move {
                        if let Err(error) = answer(stream, &context).await {
                            tracing::debug!(%error, "a caller on the socket went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the socket cannot accept");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = calls.join_next() => {}
        }
    }
    drop(listener);
    while calls.join_next().await.is_some() {}
}

async fn answer(stream: UnixStream, context: &Context) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST_REQUEST))
        .read_line(&mut line)
        .await?;
    let call: Call = match serde_json::from_str(&line) {
        Ok(call) => call,
        Err(error) => {
            let error = OpError::usage(format!("not a request of this version: {error}"));
            return say(&mut write, &Said::Error(error)).await;
        }
    };
    let (sender, mut receiver) = mpsc::channel(64);
    // Progress that nobody takes in time is dropped: the work never waits for a slow reader.
    let progress = ProgressSink::new(move |step| {
        let _ = sender.try_send(step);
    });
    let work = async {
        let done = ops::run(context, call.request, &call.actor, &progress).await;
        drop(progress);
        done
    };
    let mut work = std::pin::pin!(work);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            Some(step) = receiver.recv() => say(&mut write, &Said::Progress(step)).await?,
        }
    };
    let last = match outcome {
        Ok(value) => Said::Result(value),
        Err(error) => Said::Error(error),
    };
    say(&mut write, &last).await
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Asks the process at a socket. Nothing when nobody listens there.
///
/// # Errors
/// The process's own error, or that it went away before it answered.
pub async fn call(
    path: &Path,
    request: &Request,
    actor: &str,
    progress: &ProgressSink,
) -> Option<Result<Value, OpError>> {
    let stream = UnixStream::connect(path).await.ok()?;
    Some(converse(stream, request, actor, progress).await)
}

async fn converse(
    stream: UnixStream,
    request: &Request,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(&Call {
        request: request.clone(),
        actor: actor.to_owned(),
    })
    .map_err(|e| went_away(&e))?;
    line.push(b'\n');
    write.write_all(&line).await.map_err(|e| went_away(&e))?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.map_err(|e| went_away(&e))? {
        match serde_json::from_str(&line).map_err(|e| went_away(&e))? {
            Said::Progress(step) => progress.say(step),
            Said::Result(value) => return Ok(value),
            Said::Error(error) => return Err(error),
        }
    }
    Err(went_away(&"no answer"))
}
