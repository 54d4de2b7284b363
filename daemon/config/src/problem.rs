//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::document::SourceText;

/// Something in the configuration file that is wrong, or (among the warnings) worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as it was named to the program.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The key's full path, such as `source.limits.memory`; empty where no key is concerned.
    pub key: String,
    /// What is wrong. Never holds a secret.
    pub message: String,
    /// What to do; empty where the message says it.
    pub remedy: String,
    /// The line as it stands in the file, as far as it may be shown: what may be a secret is left out.
    pub excerpt: String,
    /// The columns of the terminal that the marks under the excerpt begin at and extend over.
    #[serde(skip)]
    pub(crate) marks: (usize, usize),
}

/// How much of a line an excerpt may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excerpt {
    /// All of it.
    Whole,
    /// The key only: its value may be a secret.
    KeyOnly,
}

impl Problem {
    /// A problem at `span` of `text`.
    pub(crate) fn at(
        text: &SourceText,
        span: &Range<usize>,
        key: String,
        message: String,
        remedy: String,
        excerpt: Excerpt,
    ) -> Self {
        let place = text.place(span.start);
        let (line, offset) = text.line_at(span.start);
        let shown = match excerpt {
            // What concerns the whole file has no line to show.
            _ if *span == (0..0) => String::new(),
            Excerpt::Whole => line.to_owned(),
            Excerpt::KeyOnly => without_value(line),
        };
        let offset = floor(&shown, offset.min(shown.trim_end_matches('…').len()));
        let end = floor(&shown, shown.len().min(offset + span.len())).max(offset);
        let (before, marked, after) = (&shown[..offset], &shown[offset..end], &shown[end..]);
        let before = match before.char_indices().rev().nth(LONGEST_BEFORE) {
            Some((cut, _)) => format!("…{}", &before[cut..]),
            None => before.to_owned(),
        };
        let rest = shortened(&format!("{marked}{after}"), LONGEST_AFTER);
        let width = marked.chars().take(LONGEST_AFTER).collect::<String>();
        Self {
            file: text.file.clone(),
            line: place.line,
            column: place.column,
            key: shortened(&key, LONGEST_MESSAGE),
            message: shortened(&message, LONGEST_MESSAGE),
            remedy,
            marks: (printed(&before).width(), printed(&width).width().max(1)),
            excerpt: printed(&format!("{before}{rest}")),
        }
    }
}

/// How much of a line is shown, in characters, and how much of a value that a message repeats: a file may be one
/// line of a megabyte.
const LONGEST_BEFORE: usize = 100;
const LONGEST_AFTER: usize = 120;
const LONGEST_MESSAGE: usize = 300;

/// A text, or its beginning.
fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A line that a terminal can show: no tabs, no control characters.
fn printed(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A line up to its first `=`: what follows may be a secret, and so may a line without one.
fn without_value(line: &str) -> String {
    match line.find('=') {
        Some(at) => format!("{} …", &line[..=at]),
        None if line.trim_start().starts_with('[') => line.to_owned(),
        None => "…".to_owned(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        if !self.excerpt.trim().is_empty() {
            let (indent, width) = self.marks;
            write!(
                f,
                "\n{gutter} |\n{number} | {}\n{gutter} | {}{}",
                self.excerpt,
                " ".repeat(indent),
                "^".repeat(width)
            )?;
        }
        for (nth, line) in self.remedy.lines().enumerate() {
            let lead = if nth == 0 { "=" } else { " " };
            write!(f, "\n{gutter} {lead} {line}")?;
        }
        Ok(())
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error(
        "no configuration file: looked for {}\n= write one that holds a [target] and a [[source]]; \
         `camsync config schema` and docs/configuration.md list every key, config/camsync.toml is a sample. \
         Name it with --config FILE or CAMSYNC_CONFIG",
        listed(looked)
    )]
    Absent {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file is larger than any configuration.
    #[error(
        "{} is larger than {} KiB, which no configuration needs: is it the right file?",
        path.display(),
        crate::load::LARGEST_FILE / 1024
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not text.
    #[error("{} is not text: {reason}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it seems to be, and what to do.
        reason: String,
    },
    /// The file says what it may not; all of it, in the order of the file.
    #[error("{}", rendered(problems))]
    Invalid {
        /// What is wrong. At least one.
        problems: Vec<Problem>,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    paths.join(", then ")
}

/// The most problems that are printed: a file that is not a configuration has thousands.
const MOST_PRINTED: usize = 50;

fn rendered(problems: &[Problem]) -> String {
    let mut parts: Vec<String> = problems
        .iter()
        .take(MOST_PRINTED)
        .map(Problem::to_string)
        .collect();
    if let Some(more) = problems.len().checked_sub(MOST_PRINTED).filter(|n| *n > 0) {
        parts.push(format!("and {more} more"));
    }
    parts.join("\n\n")
}
