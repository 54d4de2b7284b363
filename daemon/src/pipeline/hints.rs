//! Hints: what a provider's callbacks say may be stale. Nothing in one is believed; it only says where to look. Many in
//! a burst come to few look-ups, or to one crawl.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use camsync_connector_host::types::Hint;
use camsync_core::model::fold;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

/// So many members are looked up one by one; when more are named, a crawl is quicker.
const MOST_NAMED: usize = 200;

/// An id that has not been seen to have changed by then has not.
const RENAMED_COUNTS: TimeDelta = TimeDelta::hours(24);

/// What waits to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Members, by id.
    pub members: Vec<String>,
    /// Everything: only a crawl can tell.
    pub everything: bool,
    /// When the first of these hints came.
    pub since: DateTime<Utc>,
}

/// What callbacks of a source have come to since the daemon began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callbacks {
    /// Verified ones.
    pub received: u64,
    /// Those that the connector refused.
    pub refused: u64,
    /// When the last one came, verified or not.
    pub last_received_at: Option<DateTime<Utc>>,
    /// When the last verified one came.
    pub last_at: Option<DateTime<Utc>>,
    /// Members whom a crawl found changed and no callback had named, though callbacks come.
    pub missed: u64,
    /// From the last hint that was followed to the plan that it led to.
    pub last_lag: Option<TimeDelta>,
}

#[derive(Debug, Default)]
struct Source {
    members: BTreeSet<String>,
    everything: bool,
    since: Option<DateTime<Utc>>,
    /// Whom callbacks have named since the last complete crawl began, by folded id.
    named: HashMap<String, DateTime<Utc>>,
    everything_at: Option<DateTime<Utc>>,
    /// Ids that are said to have changed, old and new, until a look-up has shown it or too long has passed.
    renamed: Vec<Renamed>,
    callbacks: Callbacks,
}

/// An id that is said to have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The old id, folded.
    pub old: String,
    /// The new id, folded.
    pub new: String,
    /// When that was said.
    pub at: DateTime<Utc>,
}

/// Hints of all sources.
#[derive(Debug, Default)]
pub struct Hints {
    sources: Mutex<BTreeMap<String, Source>>,
    arrived: Notify,
}

impl Hints {
    fn with<T>(&self, source: &str, work: impl FnOnce(&mut Source) -> T) -> T {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        work(sources.entry(source.to_owned()).or_default())
    }

    /// Takes in a verified callback.
    pub fn add(&self, source: &str, hints: &[Hint], now: DateTime<Utc>) {
        self.with(source, |s| {
            s.callbacks.received += 1;
            s.callbacks.last_at = Some(now);
            s.callbacks.last_received_at = Some(now);
            for hint in hints {
                match hint {
                    Hint::Member { id } => s.name(id, now),
                    Hint::MemberRenamed { old, new } => {
                        s.name(old, now);
                        s.name(new, now);
                        s.renamed(old, new, now);
                    }
                    Hint::Everything => s.everything(now),
                }
            }
        });
        if !hints.is_empty() {
            self.arrived.notify_one();
        }
    }

    /// Counts a callback that the connector refused.
    pub fn refuse(&self, source: &str, now: DateTime<Utc>) {
        self.with(source, |s| {
            s.callbacks.refused += 1;
            s.callbacks.last_received_at = Some(now);
        });
    }

    /// Returns once hints have come.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// The sources of which something waits.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = sources.iter().filter(|(_, s)| s.since.is_some());
        waiting.map(|(name, _)| name.clone()).collect()
    }

    /// Takes what waits of a source.
    pub fn take(&self, source: &str) -> Option<Stale> {
        self.with(source, |s| {
            let since = s.since.take()?;
            Some(Stale {
                members: std::mem::take(&mut s.members).into_iter().collect(),
                everything: std::mem::take(&mut s.everything),
                since,
            })
        })
    }

    /// Compares what a complete crawl found changed with what callbacks had named.
    pub fn compare(&self, source: &str, changed: &[String], crawl_began: DateTime<Utc>) {
        self.with(source, |s| {
            let told_of_all = s.everything_at.take().is_some();
            if s.callbacks.received > 0 && !told_of_all {
                let missed = changed.iter().filter(|key| !s.named.contains_key(*key));
                s.callbacks.missed += missed.count() as u64;
            }
            s.named.retain(|_, at| *at >= crawl_began);
        });
    }

    /// The ids of a source that are said to have changed. Only a hint: nothing is done before it is seen.
    #[must_use]
    pub fn renamed(&self, source: &str, now: DateTime<Utc>) -> Vec<Renamed> {
        self.with(source, |s| {
            s.renamed.retain(|r| now - r.at < RENAMED_COUNTS);
            s.renamed.clone()
        })
    }

    /// Forgets one of these: it is done, or will not be.
    pub fn settle_renamed(&self, source: &str, renamed: &Renamed) {
        self.with(source, |s| s.renamed.retain(|r| r != renamed));
    }

    /// Notes that what a hint led to is in the ledger.
    pub fn followed(&self, source: &str, lag: TimeDelta) {
        self.with(source, |s| s.callbacks.last_lag = Some(lag));
    }

    /// What callbacks of a source have come to.
    #[must_use]
    pub fn callbacks(&self, source: &str) -> Callbacks {
        self.with(source, |s| s.callbacks.clone())
    }
}

impl Source {
    fn name(&mut self, id: &str, now: DateTime<Utc>) {
        self.since.get_or_insert(now);
        if self.named.len() < 100 * MOST_NAMED {
            self.named.insert(fold(id), now);
        }
        if self.everything {
            return;
        }
        self.members.insert(id.to_owned());
        if self.members.len() > MOST_NAMED {
            self.members.clear();
            self.everything = true;
        }
    }

    fn renamed(&mut self, old: &str, new: &str, now: DateTime<Utc>) {
        let (old, new) = (fold(old), fold(new));
        if old == new || self.renamed.len() >= MOST_NAMED {
            return;
        }
        self.renamed.retain(|r| r.old != old);
        self.renamed.push(Renamed { old, new, at: now });
    }

    fn everything(&mut self, now: DateTime<Utc>) {
        self.since.get_or_insert(now);
        self.everything = true;
        self.everything_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn member(id: &str) -> Hint {
        Hint::Member { id: id.into() }
    }

    #[test]
    fn a_burst_about_one_member_is_one_look_up_and_one_about_many_is_a_crawl() {
        let (hints, now) = (Hints::default(), Utc::now());
        for _ in 0..1000 {
            hints.add("acme", &[member("m1")], now);
        }
        assert_eq!(hints.waiting(), ["acme"]);
        let stale = hints.take("acme").unwrap();
        assert_eq!(
            (stale.members, stale.everything),
            (vec!["m1".into()], false)
        );
        assert!(hints.take("acme").is_none() && hints.waiting().is_empty());
        for n in 0..10_000 {
            hints.add("acme", &[member(&format!("m{n}"))], now);
        }
        let stale = hints.take("acme").unwrap();
        assert_eq!((stale.members, stale.everything), (Vec::new(), true));
        assert_eq!(hints.callbacks("acme").received, 11_000);
    }

    #[test]
    fn a_change_that_no_callback_named_is_missed_once_callbacks_come() {
        let (hints, now) = (Hints::default(), Utc::now());
        let missed = || hints.callbacks("acme").missed;
        hints.compare("acme", &["m1".into()], now);
        assert_eq!(missed(), 0, "without callbacks there is nothing to miss");
        hints.add("acme", &[member("M1")], now);
        hints.compare("acme", &["m1".into(), "m2".into()], now);
        assert_eq!(missed(), 1);
        hints.compare("acme", &["m1".into()], now + TimeDelta::seconds(1));
        assert_eq!(missed(), 1, "named while that crawl may have been past it");
        hints.compare("acme", &["m1".into()], now + TimeDelta::seconds(2));
        assert_eq!(missed(), 2);
        hints.add("acme", &[Hint::Everything], now);
        hints.compare("acme", &["m7".into()], now);
        assert_eq!(missed(), 2);
    }

    #[test]
    fn as_many_as_are_looked_up_one_by_one_are_and_one_more_is_a_crawl() {
        let (hints, now) = (Hints::default(), Utc::now());
        let name = |range: std::ops::Range<usize>| {
            let named: Vec<Hint> = range.map(|n| member(&format!("m{n}"))).collect();
            hints.add("acme", &named, now);
        };
        name(0..MOST_NAMED);
        let stale = hints.take("acme").unwrap();
        assert_eq!(
            (stale.members.len(), stale.everything, stale.since),
            (MOST_NAMED, false, now)
        );
        name(0..MOST_NAMED + 1);
        name(0..1);
        let stale = hints.take("acme").unwrap();
        assert_eq!((stale.members.len(), stale.everything), (0, true));
        // Nothing of it is left over for the next.
        name(3..4);
        let stale = hints.take("acme").unwrap();
        assert_eq!(
            (stale.members, stale.everything),
            (vec!["m3".into()], false)
        );
    }

    #[test]
    fn what_waits_is_as_old_as_its_first_hint_and_who_waits_for_hints_is_woken() {
        let (hints, now) = (Hints::default(), Utc::now());
        hints.add("acme", &[], now);
        assert!(hints.waiting().is_empty() && hints.take("acme").is_none());
        hints.add("acme", &[Hint::Everything], now + TimeDelta::seconds(1));
        hints.add("acme", &[member("m1")], now + TimeDelta::seconds(2));
        let stale = hints.take("acme").unwrap();
        assert_eq!(stale.since, now + TimeDelta::seconds(1));
        assert!(stale.everything && stale.members.is_empty());
        use futures_util::FutureExt as _;
        assert!(hints.arrived().now_or_never().is_some());
        assert!(hints.arrived().now_or_never().is_none());
    }

    #[test]
    fn callbacks_are_counted_by_whether_they_were_verified() {
        let (hints, now) = (Hints::default(), Utc::now());
        let later = now + TimeDelta::seconds(5);
        hints.add("acme", &[member("m1")], now);
        hints.refuse("acme", later);
        hints.refuse("other", later);
        hints.followed("acme", TimeDelta::seconds(7));
        let expected = Callbacks {
            received: 1,
            refused: 1,
            last_received_at: Some(later),
            last_at: Some(now),
            missed: 0,
            last_lag: Some(TimeDelta::seconds(7)),
        };
        assert_eq!(hints.callbacks("acme"), expected);
        assert_eq!(hints.callbacks("other").refused, 1);
        assert_eq!(hints.callbacks("nobody"), Callbacks::default());
    }

    #[test]
    fn an_id_counts_as_changed_for_a_day_or_until_it_is_settled() {
        let (hints, now) = (Hints::default(), Utc::now());
        let said = |old: &str, new: &str, at| {
            let (old, new) = (old.to_owned(), new.to_owned());
            hints.add("acme", &[Hint::MemberRenamed { old, new }], at);
        };
        let told = |at| -> Vec<(String, String)> {
            let renamed = hints.renamed("acme", at).into_iter();
            renamed.map(|r| (r.old, r.new)).collect()
        };
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        said("M1", "n1", now);
        said("m2", "M2", now);
        assert_eq!(
            told(now),
            [pair("m1", "n1")],
            "an id that differs by case is the same"
        );
        said("m1", "o1", now);
        assert_eq!(told(now), [pair("m1", "o1")], "the last word counts");
        let stale = hints.take("acme").unwrap();
        assert_eq!(stale.members, ["M1", "M2", "m1", "m2", "n1", "o1"]);
        let second = TimeDelta::seconds(1);
        assert_eq!(told(now + RENAMED_COUNTS - second), [pair("m1", "o1")]);
        assert!(told(now + RENAMED_COUNTS).is_empty());
        said("m3", "n3", now);
        said("m4", "n4", now);
        let third = hints.renamed("acme", now)[0].clone();
        hints.settle_renamed("acme", &third);
        assert_eq!(told(now), [pair("m4", "n4")]);
        for n in 0..2 * MOST_NAMED {
            said(&format!("x{n}"), &format!("y{n}"), now);
        }
        assert_eq!(told(now).len(), MOST_NAMED);
    }

    #[test]
    fn whom_callbacks_name_is_kept_within_bounds() {
        let (hints, now) = (Hints::default(), Utc::now());
        let most = 100 * MOST_NAMED;
        let named: Vec<Hint> = (0..=most).map(|n| member(&format!("m{n}"))).collect();
        hints.add("acme", &named, now);
        hints.compare("acme", &[format!("m{}", most - 1)], now);
        assert_eq!(hints.callbacks("acme").missed, 0);
        hints.compare("acme", &[format!("m{most}")], now);
        assert_eq!(hints.callbacks("acme").missed, 1);
    }
}
