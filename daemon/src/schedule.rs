//! Schedule: which sources are to be crawled now, and when the others will be. Pure: the time and what the ledger knows
//! come in.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use camsync_config::Source;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ledger::SourceRow;

/// Sources with one schedule are kept apart by as much as this, or a tenth of the time between two crawls.
const LARGEST_JITTER: TimeDelta = TimeDelta::seconds(30);
/// A crawl of which the ledger took nothing, not even that it failed, is not begun again before this.
const UNRECORDED_WAITS: TimeDelta = TimeDelta::seconds(10);
/// A clock that went back by less was only set right.
const SET_RIGHT: TimeDelta = TimeDelta::seconds(5);

/// When a source is crawled next, by its schedule and by what its last crawl came to. Absent: never by itself.
#[must_use]
pub fn next_crawl(
    source: &Source,
    row: Option<&SourceRow>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if row.is_some_and(|r| r.paused || r.unlinked.is_some()) {
        return None;
    }
    let last = row.and_then(|r| r.last_crawl_at);
    let retry = row.and_then(|r| r.retry_at);
    match (last, retry) {
        // A failing source is left alone for a while, and then need not wait for its schedule.
        (_, Some(retry)) => Some(retry),
        (None, None) => Some(now),
        (Some(last), None) => scheduled(source, last.min(now)).or(Some(now)),
    }
}

/// The next moment of the schedule, moved by a part that is the source's own and always the same.
fn scheduled(source: &Source, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = source.next_crawl(after)?;
    let between = source.next_crawl(at).map_or(TimeDelta::zero(), |n| n - at);
    let most = (between / 10).min(LARGEST_JITTER);
    let mut hasher = DefaultHasher::new();
    source.name.hash(&mut hasher);
    let part = i32::try_from(hasher.finish() % 1000).unwrap_or(0);
    Some(at + most * part / 1000)
}

/// What the plan for a source was made from; another basis makes another plan.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    last: Option<DateTime<Utc>>,
    retry: Option<DateTime<Utc>>,
    schedule: (camsync_config::Schedule, chrono_tz::Tz),
}

/// The daemon's memory of when each source is due.
#[derive(Debug, Default)]
pub struct Schedule {
    next: HashMap<String, (Basis, DateTime<Utc>)>,
    seen: Option<DateTime<Utc>>,
}

impl Schedule {
    /// The sources that are due at this moment, without those that somebody has `taken`. What comes of their crawls plans
    /// them anew, once it is in the ledger.
    pub fn due(
        &mut self,
        sources: &[Source],
        rows: &HashMap<String, SourceRow>,
        taken: &HashSet<String>,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        // After a clock that went back, what was planned lies in a future that may be a day away.
        let went_back = self.seen.is_some_and(|seen| now + SET_RIGHT < seen);
        self.seen = Some(now);
        if went_back {
            self.next.clear();
        }
        self.next
            .retain(|name, _| sources.iter().any(|s| s.name == *name));
        let mut due = Vec::new();
        for source in sources {
            let row = rows.get(&source.name);
            let basis = Basis {
                last: row.and_then(|r| r.last_crawl_at),
                retry: row.and_then(|r| r.retry_at),
                schedule: (source.schedule.clone(), source.timezone),
            };
            let known = self.next.get(&source.name).filter(|(b, _)| *b == basis);
            let planned = match (known, next_crawl(source, row, now)) {
                (_, None) => {
                    self.next.remove(&source.name);
                    continue;
                }
                (Some((_, planned)), Some(_)) => *planned,
                (None, Some(at)) if went_back => at.min(scheduled(source, now).unwrap_or(now)),
                (None, Some(at)) => at,
            };
            let begins = planned <= now && !taken.contains(&source.name);
            if begins {
                due.push(source.name.clone());
            }
            let planned = if begins {
                now + UNRECORDED_WAITS
            } else {
                planned
            };
            self.next.insert(source.name.clone(), (basis, planned));
        }
        due
    }

    /// The next moment at which a source that nobody has `taken` is due.
    #[must_use]
    pub fn next(&self, taken: &HashSet<String>) -> Option<DateTime<Utc>> {
        let waiting = self.next.iter().filter(|(n, _)| !taken.contains(*n));
        waiting.map(|(_, (_, at))| *at).min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    fn sources(schedules: &[(&str, &str)]) -> Vec<Source> {
        let mut text =
            String::from("[target]\nsecret_id = { env = \"I\" }\nsecret_key = { env = \"K\" }\n");
        for (name, schedule) in schedules {
            text.push_str(&format!(
                "[[source]]\nname = \"{name}\"\nconnector = \"wecom\"\nschedule = \"{schedule}\"\ntimezone = \"UTC\"\n"
            ));
        }
        let loaded = camsync_config::Config::parse(&text, "camsync.toml", Path::new("/")).unwrap();
        loaded.config.sources
    }

    fn row(last: Option<DateTime<Utc>>) -> SourceRow {
        SourceRow {
            name: "acme".into(),
            connector: "wecom".into(),
            enterprise: None,
            names: Default::default(),
            seen_enterprise: None,
            paused: false,
            unlinked: None,
            last_crawl_at: last,
            last_complete_at: last,
            range_fingerprint: None,
            members: 0,
            departments: 0,
            error: None,
            failing_since: None,
            failures: 0,
            retry_at: None,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn minutes(n: i64) -> TimeDelta {
        TimeDelta::minutes(n)
    }

    fn due(schedule: &mut Schedule, row: &SourceRow, now: DateTime<Utc>) -> bool {
        let rows = [("acme".to_owned(), row.clone())].into();
        let sources = sources(&[("acme", "*/10 * * * *")]);
        !schedule
            .due(&sources, &rows, &HashSet::new(), now)
            .is_empty()
    }

    #[test]
    fn never_crawled_and_overdue_are_due_at_once_and_not_while_they_run() {
        let now = at("2026-03-01T12:00:00Z");
        let sources = sources(&[("acme", "*/10 * * * *")]);
        let mut schedule = Schedule::default();
        let none = HashMap::new();
        assert_eq!(
            schedule.due(&sources, &none, &HashSet::new(), now),
            ["acme"]
        );
        let running: HashSet<String> = ["acme".to_owned()].into();
        assert!(schedule.due(&sources, &none, &running, now).is_empty());
        assert!(schedule.next(&running).is_none());
        assert!(due(
            &mut Schedule::default(),
            &row(Some(now - minutes(60))),
            now
        ));
        assert!(!due(
            &mut Schedule::default(),
            &row(Some(now)),
            now + minutes(1)
        ));
        assert!(due(
            &mut Schedule::default(),
            &row(Some(now)),
            now + minutes(11)
        ));
    }

    #[test]
    fn a_failing_one_waits_for_its_back_off_and_a_paused_one_for_a_person() {
        let now = at("2026-03-01T12:00:00Z");
        let mut failing = row(Some(now));
        failing.retry_at = Some(now + minutes(4));
        let mut schedule = Schedule::default();
        assert!(!due(&mut schedule, &failing, now + minutes(3)));
        assert!(due(&mut schedule, &failing, now + minutes(4)));
        failing.paused = true;
        assert!(!due(&mut schedule, &failing, now + minutes(400)));
        assert!(schedule.next(&HashSet::new()).is_none());
    }

    #[test]
    fn a_crawl_by_hand_begins_the_wait_anew() {
        let now = at("2026-03-01T12:00:00Z");
        let mut schedule = Schedule::default();
        assert!(!due(&mut schedule, &row(Some(now)), now + minutes(9)));
        assert!(!due(
            &mut schedule,
            &row(Some(now + minutes(10))),
            now + minutes(11)
        ));
    }

    #[test]
    fn a_clock_that_jumps_by_a_day_costs_no_more_than_one_turn_of_the_schedule() {
        let now = at("2026-03-01T12:00:00Z");
        for retry in [None, Some(now + minutes(30))] {
            let mut crawled = row(Some(now));
            crawled.retry_at = retry;
            let mut schedule = Schedule::default();
            assert!(!due(&mut schedule, &crawled, now));
            let back = now - TimeDelta::days(1);
            assert!(!due(&mut schedule, &crawled, back));
            assert!(due(&mut schedule, &crawled, back + minutes(11)));
            assert!(due(
                &mut Schedule::default(),
                &crawled,
                now + TimeDelta::days(1)
            ));
        }
    }

    #[test]
    fn jitter_keeps_sources_apart_is_small_and_always_the_same() {
        let now = at("2026-03-01T12:00:30Z");
        let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
        let all: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "*/10 * * * *")).collect();
        let times: Vec<DateTime<Utc>> = sources(&all)
            .iter()
            .map(|s| next_crawl(s, Some(&row(Some(now))), now).unwrap())
            .collect();
        let again: Vec<DateTime<Utc>> = sources(&all)
            .iter()
            .map(|s| next_crawl(s, Some(&row(Some(now))), now).unwrap())
            .collect();
        assert_eq!(times, again);
        let distinct: HashSet<_> = times.iter().collect();
        assert!(distinct.len() > 40, "{}", distinct.len());
        let slot = at("2026-03-01T12:10:00Z");
        assert!(
            times
                .iter()
                .all(|t| *t >= slot && *t <= slot + LARGEST_JITTER)
        );
        let fast = &sources(&[("acme", "* * * * * *")])[0];
        let next = next_crawl(fast, Some(&row(Some(now))), now).unwrap();
        assert!(next - now <= TimeDelta::milliseconds(1100), "{next}");
    }

    #[test]
    fn what_is_not_recorded_is_not_due_again_at_once() {
        let mut schedule = Schedule::default();
        let (never, now) = (row(None), at("2026-11-24T10:05:00Z"));
        assert!(due(&mut schedule, &never, now));
        assert!(!due(&mut schedule, &never, now + TimeDelta::seconds(9)));
        assert!(due(&mut schedule, &never, now + UNRECORDED_WAITS));
        // What is recorded plans it anew, however soon that is.
        let crawled = row(Some(now - minutes(30)));
        assert!(due(&mut schedule, &crawled, now + UNRECORDED_WAITS));
    }
}
