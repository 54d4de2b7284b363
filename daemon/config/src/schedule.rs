//! Cron schedules as UNIX has them, in a time zone.
//!
//! The `cron` crate reads the fields and finds the times. Added here is what UNIX has and the crate has not: weekdays
//! from 0 to 7 (0 and 7 are Sunday), and that a day matches when either day field does if both are restricted; a field
//! that begins with `*` does not count as restricted. Also the place of a mistake, and what happens when clocks change:
//! where one is put forward, what would have fallen into the gap comes once at its end. Where it is put back, what
//! stands in the repeated hour comes once, in its first pass, unless the schedule is for every hour.

use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use cron::TimeUnitSpec;

/// A parsed cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    /// What matches any of these matches: there are two if both day fields are restricted.
    any: Vec<cron::Schedule>,
}

/// Why a text is not a schedule, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// The bytes of the text that are wrong.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// The fields, and what each may contain, as the messages say it.
const FIELDS: [&str; 6] = [
    "second is a number from 0 to 59",
    "minute is a number from 0 to 59",
    "hour is a number from 0 to 23",
    "day of the month is a number from 1 to 31",
    "month is a number from 1 to 12 or a name from jan to dec",
    "day of the week is a number from 0 to 7 or a name from sun to sat",
];
const HOUR: usize = 2;
const DAY: usize = 3;
const WEEKDAY: usize = 5;
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The longest repeated stretch of a wall clock that is looked for: the largest in the time-zone database is three hours.
const OVERLAP: TimeDelta = TimeDelta::hours(3);
/// The crate's calendar.
const YEARS: Range<i32> = 1970..2101;

impl Schedule {
    /// Reads a cron expression of five fields, or six with seconds first.
    ///
    /// # Errors
    /// When a field is wrong, or no moment ever matches.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let refusal = |range, message| ScheduleError { range, message };
        let words = words(text);
        let missing = FIELDS.len().wrapping_sub(words.len());
        if missing > 1 {
            let message = format!("it has {} fields instead of 5 or 6", words.len());
            return Err(refusal(0..text.len(), message));
        }
        let mut fields = vec!["0".to_owned(); missing];
        for word in &words {
            fields.push(read_field(text, word, fields.len())?);
        }
        let place = |nth: usize| words[nth - missing].clone();
        let restricted = |nth: usize| !text[place(nth)].starts_with('*');
        let without = |nth: usize| {
            let mut fields = fields.clone();
            fields[nth] = "*".into();
            fields
        };
        let any = if restricted(DAY) && restricted(WEEKDAY) {
            vec![without(WEEKDAY), without(DAY)]
        } else {
            vec![fields]
        };
        let read = |fields: Vec<String>| cron::Schedule::try_from(fields.join(" "));
        let any: Result<_, _> = any.into_iter().map(read).collect();
        let schedule = Self {
            text: text.trim().to_owned(),
            any: any.map_err(|error| refusal(0..text.len(), error.to_string()))?,
        };
        match schedule.after(DateTime::UNIX_EPOCH, Tz::UTC) {
            Some(_) => Ok(schedule),
            None => Err(refusal(
                place(DAY).start..place(DAY + 1).end,
                "no month has such a day".into(),
            )),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after `after` at which a clock in `zone` matches; nothing outside the years 1970 to 2100.
    #[must_use]
    pub fn after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let nexts = |cron| next(cron, after, zone);
        let known = YEARS.contains(&after.year());
        known.then(|| self.any.iter().filter_map(nexts).min())?
    }
}

fn next(cron: &cron::Schedule, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    // On the wall clock: in a zone the crate would skip what falls into a gap, and go back in time in an overlap.
    let wall = after.with_timezone(&zone).naive_local().and_utc();
    let first = cron
        .after(&wall)
        .filter_map(|wall| first_moment(wall.naive_utc(), zone))
        .find(|moment| *moment > after)?;
    if !cron.hours().is_all() {
        return Some(first);
    }
    // Every hour: also in the second pass of a repeated stretch, when the clock has the offset that it will have soon.
    let offset = |moment: DateTime<Utc>| moment.with_timezone(&zone).offset().fix();
    let soon = offset(after + OVERLAP);
    let second = cron
        .after(&after.with_timezone(&soon))
        .map(|moment| moment.to_utc())
        .take_while(|moment| *moment < first)
        .find(|moment| offset(*moment) == soon);
    second.or(Some(first))
}

/// The first moment at which a clock in `zone` shows `wall`, or the end of the gap that `wall` falls into.
fn first_moment(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let shown = zone.from_local_datetime(&wall).earliest();
    let moment = shown.or_else(|| GapInfo::new(&wall, &zone)?.end)?;
    Some(moment.to_utc())
}

/// The places of the words of a text.
fn words(text: &str) -> Vec<Range<usize>> {
    text.split_whitespace()
        .map(|word| {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            start..start + word.len()
        })
        .collect()
}

/// One field as the crate has it: items with commas between them.
fn read_field(text: &str, word: &Range<usize>, nth: usize) -> Result<String, ScheduleError> {
    let mut items = Vec::new();
    let mut start = word.start;
    for item in text[word.clone()].split(',') {
        items.push(read_item(item, nth).ok_or_else(|| ScheduleError {
            range: start..start + item.len().max(1),
            message: explain(item, nth),
        })?);
        start += item.len() + 1;
    }
    Ok(items.join(","))
}

/// `*`, `a`, `a-b`, `*/n` or `a-b/n` as the crate has it; nothing if it is wrong.
fn read_item(item: &str, nth: usize) -> Option<String> {
    // The crate wants no blanks between fields (`5*` would be two) and reads `5/10` as `5-59/10`, which UNIX does not.
    let whole = |word: &str| {
        let all = |is: fn(&u8) -> bool| word.bytes().all(|byte| is(&byte));
        let alike = all(u8::is_ascii_digit) || all(u8::is_ascii_alphabetic);
        word == "*" || !word.is_empty() && alike
    };
    if !item.split(['-', '/']).all(whole) || steps_from_one(item) {
        return None;
    }
    if nth == WEEKDAY {
        // Weekdays from 0 to 7 have the form of hours. The crate counts them from 1 for Sunday.
        let days = alone(&unix_weekdays(item), HOUR)?;
        let days = days.hours().iter().map(|day| {
            let number = (day % 7 + 1).to_string();
            (day <= 7).then_some(number)
        });
        return Some(days.collect::<Option<Vec<_>>>()?.join(","));
    }
    alone(item, nth).map(|_| item.to_owned())
}

/// Whether a single number is before `/`.
fn steps_from_one(item: &str) -> bool {
    item.split_once('/')
        .is_some_and(|(span, _)| span != "*" && !span.contains('-'))
}

/// The schedule that only this item restricts, if the crate reads it.
fn alone(item: &str, nth: usize) -> Option<cron::Schedule> {
    let mut fields = ["*"; FIELDS.len()];
    fields[nth] = item;
    fields.join(" ").parse().ok()
}

/// An item of the weekday field in numbers. At the end of a range Sunday is the seventh day (`fri-sun`), and all days
/// are the six from the first Sunday.
fn unix_weekdays(item: &str) -> String {
    let number = |word: &str| {
        let named = |name: &&str| name.eq_ignore_ascii_case(word);
        let nth = WEEKDAYS.iter().position(named);
        nth.map_or_else(|| word.to_owned(), |nth| nth.to_string())
    };
    let (span, step) = item.split_at(item.find('/').unwrap_or(item.len()));
    match span.split_once('-').map(|(a, b)| (number(a), number(b))) {
        None if span == "*" => format!("0-6{step}"),
        None => number(span),
        Some((from, to)) if to == "0" && from != "0" => format!("{from}-7{step}"),
        Some((from, to)) => format!("{from}-{to}{step}"),
    }
}

/// Why an item is wrong.
fn explain(item: &str, nth: usize) -> String {
    let wrong = |word: &str| read_item(word, nth).is_none();
    if let Some((span, step)) = item.split_once('/') {
        return match span {
            _ if wrong(span) => explain(span, nth),
            _ if steps_from_one(item) => {
                format!("before `/` stands `*` or a range, not only `{span}`")
            }
            _ => format!(
                "the step after `/` is a number from 1 up, within the field's numbers, not `{step}`"
            ),
        };
    }
    let ends = item.split_once('-').map(<[&str; 2]>::from);
    match ends.map(|ends| ends.into_iter().find(|end| wrong(end))) {
        Some(None) => format!("`{item}` is no range from a lower to a higher number or name"),
        Some(Some(word)) => format!("the {}, not `{word}`", FIELDS[nth]),
        None => format!("the {}, not `{item}`", FIELDS[nth]),
    }
}
