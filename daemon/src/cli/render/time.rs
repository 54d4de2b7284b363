//! Times as a person reads them: ages at a glance, moments in the reader's own time zone.

use chrono::{DateTime, Local, TimeDelta, Utc};
use serde_json::Value;

use super::words::{self, Word};

fn parsed(value: &Value) -> Option<DateTime<Utc>> {
    value
        .as_str()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|at| at.with_timezone(&Utc))
}

/// A moment of a document in local time; empty when there is none.
pub(super) fn moment(value: &Value) -> String {
    parsed(value).map_or_else(String::new, |at| {
        at.with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    })
}

/// How long ago, or in how long; the word for never when there is none.
pub(super) fn age(language: &str, value: &Value, now: DateTime<Utc>) -> String {
    let Some(at) = parsed(value) else {
        return String::new();
    };
    let (frame, span) = if at <= now {
        (words::AGO, now - at)
    } else {
        (words::AHEAD, at - now)
    };
    if span < TimeDelta::seconds(1) {
        return words::NOW.to(language).to_owned();
    }
    frame.fill(language, &[&duration(language, span)])
}

/// A span in its largest unit; two units where the first is small.
pub(super) fn duration(language: &str, span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    let (word, count): (Word, i64) = match seconds {
        ..100 => (words::SECONDS, seconds),
        100..5_400 => (words::MINUTES, (seconds + 30) / 60),
        5_400..129_600 => (words::HOURS, (seconds + 1_800) / 3_600),
        _ => (words::DAYS, (seconds + 43_200) / 86_400),
    };
    word.fill(language, &[&count])
}

/// From one moment to another: `0.41 s`.
pub(super) fn between(from: &Value, to: &Value) -> String {
    match (parsed(from), parsed(to)) {
        (Some(from), Some(to)) => {
            let millis = (to - from).num_milliseconds();
            format!("{}.{:02} s", millis / 1000, millis % 1000 / 10)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let at = |seconds| json!((now + TimeDelta::seconds(seconds)).to_rfc3339());
        assert_eq!(age("en", &at(-42), now), "42 s ago");
        assert_eq!(age("en", &at(600), now), "in 10 min");
        assert_eq!(age("zh", &at(-7_200), now), "2 小时前");
        assert_eq!(age("en", &at(-400_000), now), "5 d ago");
        assert_eq!(age("en", &at(0), now), "now");
        assert_eq!(age("en", &Value::Null, now), "");
    }
}
