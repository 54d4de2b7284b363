//! Log lines: for people on a terminal, with levels under journald, JSON elsewhere. `CAMSYNC_LOG` filters them.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::telemetry::{Telemetry, spans};

/// Where the connector host's lines of connectors go to.
const CONNECTOR: &str = "connector";

/// Starts logging to standard error, and handing spans to `telemetry`.
pub(crate) fn init(telemetry: Option<&Telemetry>) {
    let filter = EnvFilter::try_from_env("CAMSYNC_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // The log tells its stories in single lines; spans are for the collector.
    // Each filter says how far it goes: otherwise every event of every library is made and then dropped.
    let filter = filter.and(
        filter_fn(|about| about.target() != spans::TARGET).with_max_level_hint(LevelFilter::TRACE),
    );
    let exported = telemetry.map(|telemetry| {
        tracing_opentelemetry::layer()
            .with_tracer(telemetry.tracer())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            // No log line leaves with the spans: it may name a person.
            .with_filter(
                filter_fn(|about| about.is_span() && about.target() == spans::TARGET)
                    .with_max_level_hint(LevelFilter::INFO),
            )
    });
    // A second initialisation, in tests, changes nothing.
    let _ = tracing_subscriber::registry()
        .with(lines().with_filter(filter))
        .with(exported)
        .try_init();
}

/// What connectors warn of while one command runs: told when it is over, below its progress.
#[derive(Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<u8>>>);

impl Warnings {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let warnings = Self::default();
        let writer = warnings.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_target(false)
            .with_ansi(false)
            .with_level(false)
            .without_time()
            .with_filter(
                filter_fn(|about| about.target() == CONNECTOR && *about.level() <= Level::WARN)
                    .with_max_level_hint(LevelFilter::WARN),
            );
        let _ = tracing_subscriber::registry().with(lines).try_init();
        warnings
    }

    /// What has been said, a line each.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = std::mem::take(&mut *said);
        let said = String::from_utf8_lossy(&said);
        said.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Warnings {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines() -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        // A log that nobody reads any more is no reason to end.
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        let colours = std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(colours).boxed()
    } else if is_journal() {
        lines.with_ansi(false).event_format(Journal).boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    }
}

/// Whether standard error is the journal: then `JOURNAL_STREAM` holds its device and inode (systemd.exec(5)). A
/// program whose error output was redirected since has the variable too, and is not fooled.
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/dev/stderr")
        .is_ok_and(|error| stream == format!("{}:{}", error.dev(), error.ino()))
}

/// Lines for journald: each begins with its level (sd-daemon(3)); the journal knows the time by itself.
struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        tracing_subscriber::fmt::format()
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .format_event(context, Writer::new(&mut text), event)?;
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        text.lines()
            .try_for_each(|line| writeln!(writer, "<{priority}>{line}"))
    }
}
