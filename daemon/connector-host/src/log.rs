//! A connector's log lines: cleaned of secrets, cut to size, and dropped when they come as a flood.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    error::{Limit, Stop},
    redact::Redactor,
};

/// A line's length in bytes; the rest is cut off.
const LINE_MAX: usize = 4 * 1024;
/// A line longer than this, in bytes, is dropped whole: cutting it before it is cleaned could cut a secret in two.
const MESSAGE_MAX: usize = 64 * 1024;
/// Lines that may come at once.
const BURST: u32 = 256;
/// After that, a line each.
const REFILL: Duration = Duration::from_millis(50);
/// Dropped lines after which this is no longer logging.
const FLOOD: u64 = 10_000;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// One call's lines on their way to `tracing`.
pub(crate) struct LogGate {
    source: String,
    connector: String,
    tokens: u32,
    refilled: Instant,
    dropped: u64,
}

impl LogGate {
    pub(crate) fn new(source: String, connector: String) -> Self {
        Self {
            source,
            connector,
            tokens: BURST,
            refilled: Instant::now(),
            dropped: 0,
        }
    }

    /// Writes a line, or drops it.
    ///
    /// # Errors
    /// So many lines were dropped that the call has to end.
    pub(crate) fn write(
        &mut self,
        level: Level,
        message: &str,
        redactor: &Redactor,
    ) -> Result<(), Stop> {
        if message.len() > MESSAGE_MAX || !self.admit(Instant::now()) {
            self.dropped += 1;
            return if self.dropped > FLOOD {
                Err(Stop::limit(Limit::Log {
                    dropped: self.dropped,
                }))
            } else {
                Ok(())
            };
        }
        let line = one_line(&redactor.clean(message));
        let (line, source, connector) = (
            cut(&line, LINE_MAX),
            self.source.as_str(),
            self.connector.as_str(),
        );
        match level {
            Level::Debug => tracing::debug!(target: "connector", source, connector, "{line}"),
            Level::Info => tracing::info!(target: "connector", source, connector, "{line}"),
            Level::Warn => tracing::warn!(target: "connector", source, connector, "{line}"),
            Level::Error => tracing::error!(target: "connector", source, connector, "{line}"),
        }
        Ok(())
    }

    fn admit(&mut self, now: Instant) -> bool {
        let earned = now.duration_since(self.refilled).as_millis() / REFILL.as_millis();
        if let Some(earned) = u32::try_from(earned).ok().filter(|earned| *earned > 0) {
            self.tokens = self.tokens.saturating_add(earned).min(BURST);
            self.refilled = now;
        }
        let admitted = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        admitted
    }
}

impl Drop for LogGate {
    fn drop(&mut self) {
        if self.dropped > 0 {
            let (source, connector, dropped) =
                (self.source.as_str(), self.connector.as_str(), self.dropped);
            tracing::warn!(target: "connector", source, connector, dropped, "{dropped} lines of this connector were dropped");
        }
    }
}

/// Line breaks and other controls would let a connector forge lines of others.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// At most so many bytes of a text, cut between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::{cache::Cache, clock::SystemClock, error::CallError};

    #[test]
    fn a_flood_is_dropped_and_then_ends_the_call() {
        let redactor = Redactor::new(Vec::new(), Arc::new(Cache::new(Arc::new(SystemClock))));
        let mut gate = LogGate::new("acme".to_owned(), "test".to_owned());
        gate.tokens = 0;
        gate.dropped = FLOOD - 1;
        let too_long = "x".repeat(MESSAGE_MAX + 1);
        gate.write(Level::Debug, &too_long, &redactor).unwrap();
        let Stop(error) = gate.write(Level::Debug, &too_long, &redactor).unwrap_err();
        assert_eq!(error, CallError::Limit(Limit::Log { dropped: FLOOD + 1 }));
    }

    #[test]
    fn time_lets_lines_through_again() {
        let mut gate = LogGate::new("acme".to_owned(), "test".to_owned());
        let start = gate.refilled;
        let admitted = (0..2 * BURST).filter(|_| gate.admit(start)).count();
        assert_eq!(admitted, BURST as usize);
        assert!(!gate.admit(start + REFILL / 2));
        assert!(gate.admit(start + REFILL));
        assert!(!gate.admit(start + REFILL));
        assert!(gate.admit(start + 1000 * BURST * REFILL));
        assert!(gate.tokens < BURST);
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("企业", 4), "企");
        assert_eq!(cut("企业", 2), "");
        assert_eq!(one_line("a\nb\u{1b}[0m\u{85}"), "a b [0m ");
    }
}
