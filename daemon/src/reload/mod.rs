//! Reload: an edit of the configuration, or of a secret's file, takes effect while the daemon runs.
//!
//! What a watch or SIGHUP says is only that it is time to look. Whether anything has changed is decided by what stands in
//! the files, so no editor, mount or burst of writes has to be known here.

mod apply;
mod diff;
mod watch;

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ops::Context;
use crate::systemd;

use apply::{Outcome, Reloader};
use watch::Watch;

/// Keeps the configuration in force in step with its files.
pub struct Reload {
    context: Arc<Context>,
    reloader: Reloader,
    watch: Watch,
    hangup: Signal,
}

impl Reload {
    /// From now on SIGHUP is taken; the files are watched once this runs.
    ///
    /// # Errors
    /// When signals cannot be taken.
    pub fn new(context: Arc<Context>) -> std::io::Result<Self> {
        Ok(Self {
            reloader: Reloader::new(Arc::clone(&context)),
            context,
            watch: Watch::new(),
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Runs until it is dropped.
    pub async fn run(mut self) {
        let mut actor = "config";
        loop {
            let watched = self.reloader.files();
            self.watch.set(&watched);
            let asked = actor == "SIGHUP";
            if asked {
                systemd::reloading();
            }
            let outcome = self.reloader.look(actor).await;
            if asked || outcome != Outcome::Unchanged {
                systemd::ready(&self.context);
            }
            // What is named only now is not watched yet: whatever happened to it meanwhile is seen by looking again.
            if self.reloader.files() != watched {
                actor = "config";
                continue;
            }
            actor = tokio::select! {
                () = self.watch.stirred() => "config",
                _ = self.hangup.recv() => "SIGHUP",
            };
        }
    }
}
