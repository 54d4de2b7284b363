//! What a notification says, in the target's language: a title, what happened, what to do, what to type.

mod en;
mod zh;

use camsync_config::Tongue;
use chrono::{DateTime, Utc};

use super::cause::Cause;
use super::notice::{Ending, Notice};

/// What a notification says. A part that there is nothing to say in is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// In one line.
    pub title: String,
    /// What happened.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// The command to type.
    pub command: String,
}

/// The longest part of a message that comes from elsewhere, in characters.
const LONGEST: usize = 300;

/// The words for a notice.
#[must_use]
pub(super) fn said(tongue: Tongue, notice: &Notice) -> Said {
    let said = match (tongue, &notice.over) {
        (Tongue::Chinese, None) => zh::told(&notice.cause),
        (Tongue::English, None) => en::told(&notice.cause),
        (Tongue::Chinese, Some(ending)) => zh::over(&notice.cause, ending),
        (Tongue::English, Some(ending)) => en::over(&notice.cause, ending),
    };
    Said {
        title: plain(&said.title),
        text: plain(&said.text),
        remedy: plain(&said.remedy),
        command: said.command,
    }
}

/// The title of several notices at once.
#[must_use]
pub(super) fn several(tongue: Tongue, told: usize, over: usize) -> String {
    match tongue {
        Tongue::Chinese => zh::several(told, over),
        Tongue::English => en::several(told, over),
    }
}

/// What stands in place of notices for which there is no room.
#[must_use]
pub(super) fn more(tongue: Tongue, count: usize) -> String {
    match tongue {
        Tongue::Chinese => zh::more(count),
        Tongue::English => en::more(count),
    }
}

/// What a test message says.
#[must_use]
pub(super) fn test(tongue: Tongue) -> Said {
    match tongue {
        Tongue::Chinese => zh::test(),
        Tongue::English => en::test(),
    }
}

/// What was told is over; the title of what it was goes into it.
fn ended(cause: &Cause, told: impl Fn(&Cause) -> Said, over: &str, how: String) -> Said {
    Said {
        title: format!("{over}{}", told(cause).title),
        text: how,
        ..Said::default()
    }
}

/// How the plan ended, in the words that a table gives for its status; `or` for anything else.
fn ending(end: &Ending, decided: impl Fn(&str, Option<&str>) -> String, or: &str) -> String {
    match end {
        Ending::Gone => or.to_owned(),
        Ending::Decided { status, by } => decided(status, by.as_deref()),
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The first line of what came from elsewhere, without what could steer a terminal, and not too long.
fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
pub(in crate::notify) mod tests;
