//! Log lines: for people on a terminal, JSON elsewhere. `CAMSYNC_LOG` filters them.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("CAMSYNC_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        // A log that nobody reads any more is no reason to end.
        .log_internal_errors(false);
    // A second initialisation, in tests, changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        let colours = std::env::var_os("NO_COLOR").is_none();
        logging.with_ansi(colours).try_init()
    } else {
        logging.json().flatten_event(true).try_init()
    };
}
