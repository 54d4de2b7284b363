//! Cron as UNIX has it, through changes of the clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use camsync_config::Schedule;
use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;

const ZONES: [Tz; 7] = [
    Tz::UTC,
    Tz::Asia__Shanghai,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::Antarctica__Troll,
];

/// Moments shortly after which clocks in one of the zones are changed.
const CHANGES: [&str; 9] = [
    "2024-03-30T22:00:00Z",
    "2024-10-26T22:00:00Z",
    "2024-03-10T06:00:00Z",
    "2024-11-03T05:00:00Z",
    "2024-04-06T14:00:00Z",
    "2024-10-05T15:00:00Z",
    "2011-12-30T09:00:00Z",
    "2011-04-02T13:00:00Z",
    "2024-07-01T00:00:00Z",
];

/// Whether some minute of this hour matches.
fn matches_wall(schedule: &Schedule, hour: u32) -> bool {
    let start = Utc.with_ymd_and_hms(2024, 1, 1, hour, 0, 0).unwrap() - TimeDelta::seconds(1);
    schedule.after(start, Tz::UTC).unwrap() - start <= TimeDelta::hours(1)
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The first `count` moments after `from`, as a clock in `zone` shows them, with the offset.
fn shown(cron: &str, zone: Tz, from: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(cron).unwrap();
    let mut at = utc(from);
    (0..count)
        .map(|_| {
            at = schedule.after(at, zone).unwrap();
            at.with_timezone(&zone).format("%m-%d %H:%M %z").to_string()
        })
        .collect()
}

/// The weekdays on which a weekday field matches.
fn weekdays(field: &str) -> Vec<Weekday> {
    let schedule = Schedule::parse(&format!("0 12 * * {field}")).unwrap();
    let monday = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap();
    (0..7)
        .map(|day| monday + TimeDelta::days(day))
        .filter(|day| schedule.after(*day, Tz::UTC).unwrap() - *day < TimeDelta::days(1))
        .map(|day| day.weekday())
        .collect()
}

#[test]
fn weekdays_are_unix_s() {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let all = vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    for (field, expected) in [
        ("0", vec![Sun]),
        ("7", vec![Sun]),
        ("sun", vec![Sun]),
        ("SUN", vec![Sun]),
        ("1", vec![Mon]),
        ("6", vec![Sat]),
        ("0-6", all.clone()),
        ("1-7", all.clone()),
        ("0-7", all.clone()),
        ("*", all),
        ("5-7", vec![Fri, Sat, Sun]),
        ("fri-sun", vec![Fri, Sat, Sun]),
        ("6-0", vec![Sat, Sun]),
        ("1-5", vec![Mon, Tue, Wed, Thu, Fri]),
        ("*/2", vec![Tue, Thu, Sat, Sun]),
        ("1-5/2", vec![Mon, Wed, Fri]),
        ("mon,wed,0", vec![Mon, Wed, Sun]),
        ("0,7", vec![Sun]),
    ] {
        assert_eq!(weekdays(field), expected, "{field}");
    }
}

#[test]
fn either_day_field_counts_if_both_are_restricted() {
    let both = shown("0 0 13 * fri", Tz::UTC, "2024-09-01T00:00:00Z", 5);
    assert_eq!(
        both.join(" "),
        "09-06 00:00 +0000 09-13 00:00 +0000 09-20 00:00 +0000 09-27 00:00 +0000 10-04 00:00 +0000"
    );
    let starred = shown("0 0 */2 * fri", Tz::UTC, "2024-09-01T00:00:00Z", 3);
    assert_eq!(
        starred.join(" "),
        "09-13 00:00 +0000 09-27 00:00 +0000 10-11 00:00 +0000"
    );
}

#[test]
fn six_fields_begin_with_seconds() {
    let schedule = Schedule::parse("*/20 * * * * *").unwrap();
    let next = schedule
        .after(utc("2024-01-01T00:00:20Z"), Tz::UTC)
        .unwrap();
    assert_eq!(next, utc("2024-01-01T00:00:40Z"));
    let next = schedule
        .after(utc("2024-01-01T00:00:40.5Z"), Tz::UTC)
        .unwrap();
    assert_eq!(next, utc("2024-01-01T00:01:00Z"));
}

#[test]
fn what_falls_into_a_gap_comes_once_at_its_end() {
    let gap = shown("30 2 * * *", Tz::Europe__Berlin, "2024-03-30T00:00:00Z", 3);
    assert_eq!(
        gap,
        [
            "03-30 02:30 +0100",
            "03-31 03:00 +0200",
            "04-01 02:30 +0200"
        ]
    );
    let often = shown(
        "*/30 * * * *",
        Tz::Europe__Berlin,
        "2024-03-31T00:00:00Z",
        4,
    );
    assert_eq!(
        often,
        [
            "03-31 01:30 +0100",
            "03-31 03:00 +0200",
            "03-31 03:30 +0200",
            "03-31 04:00 +0200"
        ]
    );
    // Samoa had no 30 December 2011.
    let day = shown("0 12 * * *", Tz::Pacific__Apia, "2011-12-29T00:00:00Z", 3);
    assert_eq!(
        day,
        [
            "12-29 12:00 -1000",
            "12-31 00:00 +1400",
            "12-31 12:00 +1400"
        ]
    );
}

#[test]
fn what_stands_in_a_repeated_hour_comes_once_unless_it_is_for_every_hour() {
    let once = shown("30 2 * * *", Tz::Europe__Berlin, "2024-10-26T12:00:00Z", 2);
    assert_eq!(once, ["10-27 02:30 +0200", "10-28 02:30 +0100"]);
    let often = shown(
        "*/30 * * * *",
        Tz::Europe__Berlin,
        "2024-10-27T00:00:00Z",
        6,
    );
    assert_eq!(
        often,
        [
            "10-27 02:30 +0200",
            "10-27 02:00 +0100",
            "10-27 02:30 +0100",
            "10-27 03:00 +0100",
            "10-27 03:30 +0100",
            "10-27 04:00 +0100"
        ]
    );
    let half = shown(
        "0 * * * *",
        Tz::Australia__Lord_Howe,
        "2024-04-06T13:30:00Z",
        4,
    );
    assert_eq!(
        half,
        [
            "04-07 01:00 +1100",
            "04-07 02:00 +1030",
            "04-07 03:00 +1030",
            "04-07 04:00 +1030"
        ]
    );
}

#[test]
fn rare_days_are_found_and_impossible_ones_refused() {
    let leap = shown("0 0 29 2 *", Tz::UTC, "2024-03-01T00:00:00Z", 1);
    assert_eq!(leap, ["02-29 00:00 +0000"]);
    // The calendar of the library ends with 2100, which is no leap year.
    let last = Schedule::parse("0 0 29 2 *").unwrap();
    assert_eq!(last.after(utc("2096-03-01T00:00:00Z"), Tz::UTC), None);
    for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        assert!(Schedule::parse(never).is_err(), "{never}");
    }
    // With a weekday beside it, the weekday alone suffices.
    assert!(Schedule::parse("0 0 30 2 mon").is_ok());
}

#[test]
fn mistakes_are_refused_at_their_place() {
    for (cron, place) in [
        ("", ""),
        ("* * * *", "* * * *"),
        ("60 * * * *", "60"),
        ("* 24 * * *", "24"),
        ("* * 0 * *", "0"),
        ("* * * 13 *", "13"),
        ("* * * * 8", "8"),
        ("1,x * * * *", "x"),
        ("*/0 * * * *", "*/0"),
        ("5/10 * * * *", "5/10"),
        ("20-10 * * * *", "20-10"),
        ("* * * foo *", "foo"),
        ("* * * * mon-", "mon-"),
        ("-1 * * * *", "-1"),
        ("+1 * * * *", "+1"),
        ("99999999999 * * * *", "99999999999"),
        ("@daily", "@daily"),
        ("5* * * * *", "5*"),
        ("* 5- * * *", "5-"),
        ("*  1-2-3 * * *", "1-2-3"),
        ("0, 5 * * *", " "),
        ("* * * * */x", "*/x"),
        ("* * ? * *", "?"),
        ("* * * * mon/2", "mon/2"),
        ("* * * * sunfri", "sunfri"),
    ] {
        let error = Schedule::parse(cron).unwrap_err();
        assert_eq!(
            cron.get(error.range.clone()),
            Some(place),
            "{cron}: {error}"
        );
    }
}

#[test]
fn mistakes_are_explained() {
    for (cron, message) in [
        (
            "5/10 * * * *",
            "before `/` stands `*` or a range, not only `5`",
        ),
        (
            "1-99/10 * * * *",
            "the minute is a number from 0 to 59, not `99`",
        ),
        (
            "* */24 * * *",
            "the step after `/` is a number from 1 up, within the field's numbers, not `24`",
        ),
        (
            "* * 20-10 * *",
            "`20-10` is no range from a lower to a higher number or name",
        ),
        (
            "* * * foo *",
            "the month is a number from 1 to 12 or a name from jan to dec, not `foo`",
        ),
        (
            "* * * * 5-8",
            "the day of the week is a number from 0 to 7 or a name from sun to sat, not `8`",
        ),
    ] {
        assert_eq!(Schedule::parse(cron).unwrap_err().message, message);
    }
}

/// A field, and the numbers from `low` to `high` that it stands for.
fn field(low: u32, high: u32) -> impl Strategy<Value = (String, BTreeSet<u32>)> {
    prop_oneof![
        3 => Just(("*".to_owned(), (low..=high).collect())),
        1 => (1..=high).prop_map(move |step| (format!("*/{step}"), (low..=high).step_by(step as usize).collect())),
        2 => (low..=high).prop_map(|n| (n.to_string(), [n].into())),
        1 => (low..=high, low..=high, 1..4u32).prop_map(|(a, b, step)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}/{step}"), (a..=b).step_by(step as usize).collect())
        }),
        1 => prop::collection::btree_set(low..=high, 1..4)
            .prop_map(|list| (list.iter().map(u32::to_string).collect::<Vec<_>>().join(","), list)),
    ]
}

/// A field of weekdays. `*/n` counts from Sunday to Saturday.
fn weekday_field() -> impl Strategy<Value = (String, BTreeSet<u32>)> {
    let from_0_to_7 =
        field(0, 7).prop_filter("7 is Sunday again", |(text, _)| !text.starts_with('*'));
    prop_oneof![field(0, 6), from_0_to_7]
        .prop_map(|(text, days)| (text, days.iter().map(|day| day % 7).collect()))
}

/// The first match after a moment in UTC, found by trying every day and every time of the day.
fn tried(fields: &[(String, BTreeSet<u32>); 6], after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let [seconds, minutes, hours, days, months, weekdays] = fields.each_ref().map(|(_, set)| set);
    let free = |nth: usize| fields[nth].0.starts_with('*');
    // The same weekdays and leap years come again after 28 years, and 2100 is not reached.
    for date in after.date_naive().iter_days().take(29 * 366) {
        let day = days.contains(&date.day());
        let weekday = weekdays.contains(&date.weekday().num_days_from_sunday());
        let either = if free(3) || free(5) {
            day && weekday
        } else {
            day || weekday
        };
        if !either || !months.contains(&date.month()) {
            continue;
        }
        for hour in hours {
            for minute in minutes {
                for second in seconds {
                    let at = date.and_hms_opt(*hour, *minute, *second).unwrap().and_utc();
                    if at > after {
                        return Some(at);
                    }
                }
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Where the clock never changes, the moments are those that are found by trying all.
    #[test]
    fn trying_every_time_finds_the_same(
        fields in (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), weekday_field()),
        start in 0i64..2_000_000_000,
    ) {
        let fields: [_; 6] = fields.into();
        let mut at = DateTime::from_timestamp(start, 0).unwrap();
        let text = fields.each_ref().map(|(text, _)| text.as_str()).join(" ");
        let Ok(schedule) = Schedule::parse(&text) else {
            prop_assert_eq!(tried(&fields, at), None, "{}", text);
            return Ok(());
        };
        for _ in 0..5 {
            let next = schedule.after(at, Tz::UTC);
            prop_assert_eq!(next, tried(&fields, at), "{}", text);
            at = next.unwrap();
        }
    }

    /// In any zone the moments strictly increase; each is one at which the clock matches or a gap has just ended;
    /// between two of them the clock matches only in the second pass of a repeated hour.
    #[test]
    fn moments_increase_and_match_and_none_is_skipped(
        minute in field(0, 59), hour in field(0, 23), zone in prop::sample::select(&ZONES[..]),
        change in prop::sample::select(&CHANGES[..]), before in 0i64..40,
    ) {
        let schedule = Schedule::parse(&format!("{} {} * * *", minute.0, hour.0)).unwrap();
        let every_hour = (0..24).all(|hour| matches_wall(&schedule, hour));
        let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        let matches = |at: DateTime<Utc>| {
            let shown = wall(at).and_utc();
            schedule.after(shown - TimeDelta::seconds(1), Tz::UTC) == Some(shown)
        };
        let second_pass = |at: DateTime<Utc>| zone.from_local_datetime(&wall(at)).earliest().unwrap() < at;
        let mut at = utc(change) - TimeDelta::hours(before);
        for _ in 0..12 {
            let next = schedule.after(at, zone).unwrap();
            prop_assert!(next > at);
            prop_assert_eq!(schedule.after(next - TimeDelta::seconds(1), zone), Some(next));
            let gap_ended = wall(next) - wall(next - TimeDelta::seconds(1)) > TimeDelta::seconds(1);
            prop_assert!(matches(next) || gap_ended, "{} in {}", next, zone);
            prop_assert!(every_hour || !second_pass(next), "{} in {}", next, zone);
            let mut skipped = at + TimeDelta::minutes(1);
            while skipped < next {
                prop_assert!(!matches(skipped) || second_pass(skipped) && !every_hour, "{} in {}", skipped, zone);
                skipped += TimeDelta::minutes(1);
            }
            at = next;
        }
    }

    #[test]
    fn every_ten_minutes_is_every_ten_minutes(
        zone in prop::sample::select(&ZONES[..]), start in 0i64..1_900_000_000,
    ) {
        // Since 1972 all offsets are multiples of five minutes but for Liberia's.
        let schedule = Schedule::parse("*/10 * * * *").unwrap();
        let mut at = DateTime::from_timestamp(start, 0).unwrap();
        at = schedule.after(at, zone).unwrap();
        for _ in 0..100 {
            let next = schedule.after(at, zone).unwrap();
            prop_assert_eq!(next - at, TimeDelta::minutes(10));
            at = next;
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", fields in prop::collection::vec("[0-9*/,a-z-]{1,6}", 5..7)) {
        let _ = Schedule::parse(&text);
        if let Ok(schedule) = Schedule::parse(&fields.join(" ")) {
            let _ = schedule.after(DateTime::UNIX_EPOCH, Tz::UTC);
            let _ = schedule.after(DateTime::<Utc>::MAX_UTC, Tz::UTC);
            let _ = schedule.after(DateTime::<Utc>::MIN_UTC, Tz::UTC);
        }
    }
}
