//! What systemd is told (`Type=notify`, sd_notify(3)): ready, reloading, stopping, and a line for `systemctl status`.
//! Without `NOTIFY_SOCKET` nothing is said.

use sd_notify::NotifyState;

use crate::ops::Context;

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
