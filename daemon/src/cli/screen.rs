//! The screen: results on standard output, errors and progress on standard error.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one place that prints"
)]

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::progress::{Board, Lines};
use super::render::safe;
use crate::pipeline::ProgressSink;

/// What text may look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Colours may be used.
    pub(crate) colours: bool,
    /// `zh` or `en`.
    pub(crate) language: &'static str,
    /// Columns of the terminal; nothing where text may be as wide as it is.
    pub(crate) width: Option<usize>,
}

/// Standard output and error.
pub(crate) struct Screen {
    style: Style,
    board: Arc<Mutex<Option<Board>>>,
}

/// <https://no-color.org>: any value but an empty one means no.
fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl Screen {
    pub(crate) fn new(language: &'static str) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal_size::terminal_size_of(std::io::stdout())
            .map(|(width, _)| usize::from(width.0))
            .filter(|width| terminal && *width >= 20);
        Self {
            style: Style {
                colours: terminal && colours_wanted(),
                language,
                width,
            },
            board: Arc::new(Mutex::new(None)),
        }
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Prints a text; a reader that went away is no error.
    pub(crate) fn print(&self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    pub(crate) fn json(&self, document: &Value) {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        let _ = writeln!(std::io::stdout().lock(), "{}", safe::json(&text));
    }

    pub(crate) fn error(&self, message: &str) {
        self.finish();
        let word = if std::io::stderr().is_terminal() && colours_wanted() {
            "\u{1b}[1;31merror\u{1b}[0m"
        } else {
            "error"
        };
        let _ = writeln!(std::io::stderr().lock(), "{word}: {}", safe::text(message));
    }

    /// Asks on standard error; the line that was typed, without blanks around it.
    pub(crate) fn ask(&self, question: &str) -> String {
        self.finish();
        let mut line = String::new();
        let _ = write!(std::io::stderr().lock(), "{question}");
        let _ = std::io::stderr().flush();
        let _ = std::io::stdin().read_line(&mut line);
        line.trim().to_owned()
    }

    /// Something that went on besides, on standard error.
    pub(crate) fn warn(&self, message: &str) {
        let _ = writeln!(std::io::stderr().lock(), "! {}", safe::text(message));
    }

    /// Ends the progress, if there is some.
    pub(crate) fn finish(&self) {
        let board = self
            .board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(board) = board {
            board.finish();
        }
    }

    /// Progress goes to standard error: bars on a terminal, now and then a line elsewhere, nothing beside JSON.
    pub(crate) fn progress(&self, quiet: bool) -> ProgressSink {
        let language = self.style.language;
        if quiet {
            return ProgressSink::none();
        }
        if !std::io::stderr().is_terminal() {
            let lines = Mutex::new(Lines::new(language));
            return ProgressSink::new(move |step| {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = lines.line(&step, std::time::Instant::now()) {
                    let _ = writeln!(std::io::stderr().lock(), "{}", safe::text(&line));
                }
            });
        }
        let board = Arc::clone(&self.board);
        let colours = colours_wanted();
        ProgressSink::new(move |step| {
            board
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| Board::new(language, colours))
                .show(&step);
        })
    }
}
