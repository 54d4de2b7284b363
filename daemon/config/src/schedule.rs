//! Cron schedules as UNIX has them, in a time zone.
//!
//! Weekdays are UNIX's (0 and 7 are Sunday). If both the day of the month and the day of the week are
//! restricted, a day matches when either does; a field that begins with `*` does not count as restricted.
//! Where a clock is put forward, what would have fallen into the gap comes once at its end. Where it is put back,
//! what stands in the repeated hour comes once, in its first pass, unless the schedule is for every hour.

use std::ops::Range;

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike,
    Utc,
};
use chrono_tz::Tz;

/// A parsed cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    seconds: Set,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
    /// A day matches if either day field does, rather than both.
    either_day: bool,
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

/// Numbers below 64, each a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set(u64);

impl Set {
    fn has(self, number: u32) -> bool {
        self.0 & (1 << number) != 0
    }

    /// The first number of the set that is `from` or more.
    fn next(self, from: u32) -> Option<u32> {
        let left = self.0.checked_shr(from).filter(|bits| *bits != 0)?;
        Some(from + left.trailing_zeros())
    }

    fn first(self) -> u32 {
        self.next(0).unwrap_or(0)
    }
}

struct Field {
    name: &'static str,
    range: (u32, u32),
    /// Names and their numbers, counted from the range's start.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 6] = [
    Field {
        name: "second",
        range: (0, 59),
        names: &[],
    },
    Field {
        name: "minute",
        range: (0, 59),
        names: &[],
    },
    Field {
        name: "hour",
        range: (0, 23),
        names: &[],
    },
    Field {
        name: "day of the month",
        range: (1, 31),
        names: &[],
    },
    Field {
        name: "month",
        range: (1, 12),
        names: MONTHS,
    },
    Field {
        name: "day of the week",
        range: (0, 7),
        names: WEEKDAYS,
    },
];
const SUNDAY_AGAIN: u32 = 7;

/// The longest repeated stretch of a wall clock that is looked for: the largest in the time-zone database is three hours.
const OVERLAP: TimeDelta = TimeDelta::hours(3);
/// How far the wall clock is searched: the calendar repeats after 28 years, after 40 around a year like 2100.
const HORIZON_DAYS: u32 = 41 * 366;

impl Schedule {
    /// Reads a cron expression of five fields, or six with seconds first.
    ///
    /// # Errors
    /// When a field is wrong, or no moment ever matches.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let words = words(text);
        let seconds = match words.len() {
            5 => None,
            6 => Some(words[0].clone()),
            count => {
                return Err(ScheduleError {
                    range: 0..text.len(),
                    message: format!("it has {count} fields instead of 5 or 6"),
                });
            }
        };
        let from = words.len() - 5;
        let set = |nth: usize| field(text, &words[from + nth - 1], &FIELDS[nth]);
        let starred = |nth: usize| text[words[from + nth - 1].clone()].starts_with('*');
        let weekdays = set(5)?;
        let schedule = Self {
            text: text.trim().to_owned(),
            seconds: seconds.map_or(Ok(Set(1)), |word| field(text, &word, &FIELDS[0]))?,
            minutes: set(1)?,
            hours: set(2)?,
            days: set(3)?,
            months: set(4)?,
            weekdays: Set((weekdays.0 | weekdays.0 >> SUNDAY_AGAIN) & 0x7f),
            either_day: !starred(3) && !starred(5),
        };
        if schedule
            .next_wall(DateTime::UNIX_EPOCH.naive_utc())
            .is_none()
        {
            return Err(ScheduleError {
                range: words[from + 2].start..words[from + 3].end,
                message: "no month has such a day".into(),
            });
        }
        Ok(schedule)
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after `after` at which a clock in `zone` matches; nothing at the end of the calendar.
    #[must_use]
    pub fn after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut wall = after.with_timezone(&zone).naive_local();
        let first = loop {
            wall = self.next_wall(wall)?;
            let moment = first_moment(wall, zone)?;
            if moment > after {
                break moment;
            }
        };
        Some(
            self.second_pass(after, zone)
                .map_or(first, |second| second.min(first)),
        )
    }

    /// The first moment after `after` in the second pass of a repeated stretch of the clock whose first pass is not
    /// wholly ahead. Only a schedule for every hour has one.
    fn second_pass(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let local = |moment: DateTime<Utc>| moment.with_timezone(&zone).naive_local();
        let goes_back = local(after + OVERLAP) - local(after - OVERLAP) < OVERLAP * 2;
        if !goes_back || self.hours != Set((1 << 24) - 1) {
            return None;
        }
        let mut wall = local(after) - OVERLAP;
        while let Some(next) = self
            .next_wall(wall)
            .filter(|next| *next <= local(after) + OVERLAP)
        {
            if let LocalResult::Ambiguous(a, b) = zone.from_local_datetime(&next)
                && a.min(b) <= after
                && a.max(b) > after
            {
                return Some(a.max(b).with_timezone(&Utc));
            }
            wall = next;
        }
        None
    }

    /// The first matching state of the wall clock after this one.
    fn next_wall(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let from = after.with_nanosecond(0)? + TimeDelta::seconds(1);
        let mut date = from.date();
        let mut time = self.time_from(from.time());
        for _ in 0..HORIZON_DAYS {
            if let Some(time) = time.filter(|_| self.day_matches(date)) {
                return Some(date.and_time(time));
            }
            date = date.checked_add_days(Days::new(1))?;
            time = self.time_from(NaiveTime::MIN);
        }
        None
    }

    fn day_matches(&self, date: chrono::NaiveDate) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().num_days_from_sunday());
        self.months.has(date.month())
            && if self.either_day {
                day || weekday
            } else {
                day && weekday
            }
    }

    /// The first matching time of a day at or after this one.
    fn time_from(&self, from: NaiveTime) -> Option<NaiveTime> {
        let (hour, minute, second) = (from.hour(), from.minute(), from.second());
        let (minutes, seconds) = (self.minutes.first(), self.seconds.first());
        if self.hours.has(hour) {
            if self.minutes.has(minute)
                && let Some(second) = self.seconds.next(second)
            {
                return NaiveTime::from_hms_opt(hour, minute, second);
            }
            if let Some(minute) = self.minutes.next(minute + 1) {
                return NaiveTime::from_hms_opt(hour, minute, seconds);
            }
        }
        NaiveTime::from_hms_opt(self.hours.next(hour + 1)?, minutes, seconds)
    }
}

/// The first moment at which a clock in `zone` shows `wall`, or the end of the gap that `wall` falls into.
fn first_moment(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let moment = match zone.from_local_datetime(&wall) {
        LocalResult::Single(moment) => moment,
        LocalResult::Ambiguous(a, b) => a.min(b),
        LocalResult::None => return gap_end(wall, zone),
    };
    Some(moment.with_timezone(&Utc))
}

/// The first moment at which a clock in `zone` shows more than `wall`, which it never shows.
fn gap_end(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let shows_more = |seconds: i64| {
        let moment = DateTime::from_timestamp(seconds, 0)?;
        Some(moment.with_timezone(&zone).naive_local() > wall)
    };
    // The largest gap in the time-zone database is a day (a change of the date line), the largest offset 14 hours.
    let (mut before, mut after) = (
        wall.and_utc().timestamp() - 48 * 3600,
        wall.and_utc().timestamp() + 48 * 3600,
    );
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if shows_more(middle)? {
            after = middle;
        } else {
            before = middle;
        }
    }
    DateTime::from_timestamp(after, 0)
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

/// Reads one field: items with commas between them.
fn field(text: &str, word: &Range<usize>, field: &Field) -> Result<Set, ScheduleError> {
    let mut set = 0;
    let mut start = word.start;
    for item in text[word.clone()].split(',') {
        let range = start..start + item.len().max(1);
        start += item.len() + 1;
        let numbers =
            item_numbers(item, field).map_err(|message| ScheduleError { range, message })?;
        set |= numbers.fold(0, |bits, number| bits | 1 << number);
    }
    Ok(Set(set))
}

/// Reads `*`, `a`, `a-b`, `*/n` or `a-b/n`.
fn item_numbers(item: &str, field: &Field) -> Result<impl Iterator<Item = u32> + use<>, String> {
    let (lowest, highest) = field.range;
    let (span, step) = match item.split_once('/') {
        Some((span, step)) => (span, Some(step)),
        None => (item, None),
    };
    let step = match step.map(str::parse::<u32>) {
        None => 1,
        Some(Ok(step)) if (1..=highest.max(1)).contains(&step) => step,
        Some(_) => {
            return Err(format!(
                "the step after `/` is a number from 1 to {highest}"
            ));
        }
    };
    let (from, to) = match span.split_once('-') {
        // Sunday is counted twice; a step over all days starts from the first Sunday and stops before the second.
        None if span == "*" => (lowest, if highest == SUNDAY_AGAIN { 6 } else { highest }),
        None if item.contains('/') => {
            return Err(format!(
                "before `/` stands `*` or a range: `{span}-{highest}/{step}`"
            ));
        }
        None => {
            let only = number(span, field)?;
            (only, only)
        }
        Some((from, to)) => {
            let (from, to) = (number(from, field)?, number(to, field)?);
            // `fri-sun`: as the end of a range Sunday is the seventh day.
            let sunday = highest == SUNDAY_AGAIN && to == 0 && from > 0;
            (from, if sunday { SUNDAY_AGAIN } else { to })
        }
    };
    if from > to {
        return Err(format!("the range `{span}` runs backwards"));
    }
    Ok((from..=to).step_by(step as usize))
}

fn number(word: &str, field: &Field) -> Result<u32, String> {
    let (lowest, highest) = field.range;
    let named = field
        .names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(word));
    let number = match named.and_then(|nth| u32::try_from(nth).ok()) {
        Some(nth) => Some(nth + lowest),
        None if word.bytes().all(|b| b.is_ascii_digit()) => word.parse().ok(),
        None => None,
    };
    number
        .filter(|n| (lowest..=highest).contains(n))
        .ok_or_else(|| {
            let names = match (field.names.first(), field.names.last()) {
                (Some(first), Some(last)) => format!(" or a name from {first} to {last}"),
                _ => String::new(),
            };
            format!(
                "the {} is a number from {lowest} to {highest}{names}, not `{word}`",
                field.name
            )
        })
}
