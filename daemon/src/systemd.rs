//! What systemd is told (`Type=notify`, sd_notify(3)): ready, reloading, stopping, and a line for `systemctl status`.
//! Without `NOTIFY_SOCKET` nothing is said.

use std::path::Path;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::ops::{Context, Request};
use crate::pipeline::ProgressSink;
use crate::socket;

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}

/// The daemon serves, with what is in force.
pub(crate) fn ready(context: &Context) {
    let words = match context.config_state().1 {
        None => format!("{} source(s)", context.config().config.sources.len()),
        Some(error) => format!(
            "the edited configuration is refused, the one before stays in force: {}",
            error.lines().next().unwrap_or_default()
        ),
    };
    say(&[NotifyState::Ready, NotifyState::Status(&words)]);
}

/// A reload that was asked for by SIGHUP begins; [`ready`] ends it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(_) => say(&[NotifyState::Reloading]),
    }
}

/// The daemon ends.
pub(crate) fn stopping() {
    say(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing what is in flight"),
    ]);
}

/// Keeps systemd's watchdog quiet (`WatchdogSec=`) for as long as the daemon answers on its socket, from the ledger.
/// Without a watchdog it does nothing; it never ends.
pub(crate) async fn watchdog(socket: &Path) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return std::future::pending().await;
    };
    // Twice within the limit, as sd_watchdog_enabled(3) advises.
    let pause = limit / 2;
    loop {
        if answers(socket, pause).await {
            say(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(
                "the daemon does not answer on its own socket; systemd's watchdog will restart it"
            );
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether somebody answers at a socket within this time; an error is an answer.
async fn answers(socket: &Path, within: Duration) -> bool {
    let progress = ProgressSink::none();
    let call = socket::call(socket, &Request::Status, "watchdog", &progress);
    matches!(tokio::time::timeout(within, call).await, Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn only_a_daemon_that_answers_is_alive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let short = Duration::from_millis(50);
        assert!(!answers(&path, short).await, "nobody listens");
        let listener = UnixListener::bind(&path).unwrap();
        assert!(!answers(&path, short).await, "nobody accepts");
        let server = async {
            // The caller of before has gone away.
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"{\"result\":null}\n").await;
            }
        };
        let (alive, ()) = tokio::join!(answers(&path, Duration::from_secs(30)), server);
        assert!(alive);
    }
}
