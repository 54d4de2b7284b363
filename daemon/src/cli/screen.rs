//! The screen: colours, progress bars on a terminal, plain lines elsewhere.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one place that prints"
)]

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::pipeline::{Progress, ProgressSink};

/// What text may look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Colours may be used.
    pub(crate) colours: bool,
    /// `zh` or `en`.
    pub(crate) language: &'static str,
}

/// Standard output and error.
pub(crate) struct Screen {
    style: Style,
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Screen {
    pub(crate) fn new(language: &'static str) -> Self {
        let colours = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self {
            style: Style { colours, language },
            bar: Arc::new(Mutex::new(None)),
        }
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Prints a text; a reader that went away is no error.
    pub(crate) fn print(&self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    }

    pub(crate) fn json(&self, document: &Value) {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    pub(crate) fn error(&self, message: &str) {
        self.finish();
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let word = if colours {
            "\u{1b}[1;31merror\u{1b}[0m"
        } else {
            "error"
        };
        let _ = writeln!(std::io::stderr().lock(), "{word}: {message}");
    }

    /// Ends the progress bar, if there is one.
    pub(crate) fn finish(&self) {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    /// Progress goes to standard error: a bar on a terminal, a line a step elsewhere, nothing beside JSON.
    pub(crate) fn progress(&self, quiet: bool) -> ProgressSink {
        if quiet {
            return ProgressSink::none();
        }
        if !std::io::stderr().is_terminal() {
            return ProgressSink::new(|step| {
                if let Some(line) = plain(&step) {
                    let _ = writeln!(std::io::stderr().lock(), "{line}");
                }
            });
        }
        let current = Arc::clone(&self.bar);
        ProgressSink::new(move |step| {
            let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
            let bar = current.get_or_insert_with(|| {
                let bar = ProgressBar::new_spinner();
                bar.enable_steady_tick(std::time::Duration::from_millis(120));
                bar
            });
            draw(bar, &step);
        })
    }
}

fn draw(bar: &ProgressBar, step: &Progress) {
    let counted = |position: u64, length: u64, message: String| {
        let style = ProgressStyle::with_template("{msg:32!} [{bar:30}] {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_length(length);
        bar.set_position(position);
        bar.set_message(message);
    };
    let spinning = |message: String| {
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(message);
    };
    match step {
        Progress::Crawling {
            source,
            done,
            total: Some(total),
        } => counted(
            u64::from(*done),
            u64::from(*total),
            format!("crawling {source}"),
        ),
        Progress::Applying {
            done,
            total,
            failed,
        } => {
            let failures = if *failed > 0 {
                format!(", {failed} failed")
            } else {
                String::new()
            };
            counted(
                *done as u64,
                *total as u64,
                format!("applying changes{failures}"),
            );
        }
        other => {
            if let Some(line) = plain(other) {
                spinning(line);
            }
        }
    }
}

/// One line for a step that is worth one.
fn plain(step: &Progress) -> Option<String> {
    Some(match step {
        Progress::Crawling {
            source,
            done: 0,
            total: None,
        } => format!("crawling {source}"),
        Progress::Crawling { .. } => return None,
        Progress::Crawled {
            source,
            members,
            departments,
            error: None,
        } => format!("crawled {source}: {members} members, {departments} departments"),
        Progress::Crawled {
            source,
            error: Some(error),
            ..
        } => format!("crawling {source} failed: {error}"),
        Progress::LookingUp { source, members } => {
            format!("looking up {members} missing members of {source}")
        }
        Progress::Observing => "reading CAM".into(),
        Progress::Observed { users } => format!("read CAM: {users} accounts"),
        Progress::Planned { changes, held } => format!("planned {changes} changes, {held} wait"),
        Progress::Applying { done, total, .. } if done == total => {
            format!("applied {done} of {total} changes")
        }
        Progress::Applying { .. } => return None,
        Progress::Waiting { seconds, what } => format!("waiting {seconds} s for {what}"),
    })
}
