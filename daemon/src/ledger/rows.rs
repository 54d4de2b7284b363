//! Small helpers between rows and values.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Error, Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text)
}

/// A JSON column that may be null.
pub(super) fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.as_deref().map(parse).transpose()
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|e| unreadable(&e))
}

/// How much is said of what cannot be read, in characters: a parser may repeat all of it.
const LONGEST: usize = 300;

fn unreadable(why: &dyn Display) -> Error {
    let said = why.to_string();
    let line = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut text: String = line.take(LONGEST).collect();
    if said.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    Error::FromSqlConversionFailure(0, Type::Text, text.into())
}

/// A time column.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    optional_time(row, column)?.ok_or_else(|| unknown(column))
}

/// A time column that may be null.
pub(super) fn optional_time(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let text: Option<String> = row.get(column)?;
    text.map(|t| {
        DateTime::parse_from_rfc3339(&t)
            .map(|t| t.with_timezone(&Utc))
            .map_err(|e| unreadable(&e))
    })
    .transpose()
}

/// A column that holds one of a closed set of words.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unknown(column))
}

pub(super) fn unknown(column: &str) -> Error {
    Error::FromSqlConversionFailure(
        0,
        Type::Text,
        format!("the column {column} holds what this version does not know").into(),
    )
}

/// A value as a JSON column.
pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| Error::ToSqlConversionFailure(Box::new(e)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A ledger that somebody edited fills no log, and steers no terminal.
    #[test]
    fn what_cannot_be_read_is_told_briefly_and_on_one_line() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Known {
            Word,
        }
        let told = |word: &str| {
            let json = serde_json::to_string(word).unwrap();
            parse::<Known>(&json).unwrap_err().to_string()
        };
        assert!(matches!(parse("\"word\"").unwrap(), Known::Word));
        assert!(told("other").contains("`other`"));
        let long = told(&"\u{1b}[2J\n长".repeat(10_000));
        assert!(long.chars().count() < 2 * LONGEST, "{long}");
        assert!(
            long.ends_with('…') && !long.contains(char::is_control),
            "{long:?}"
        );
    }
}
