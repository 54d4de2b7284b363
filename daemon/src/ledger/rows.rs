//! Small helpers between rows and values.

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
    serde_json::from_str(text)
        .map_err(|e| Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))
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
            .map_err(|e| Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))
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
