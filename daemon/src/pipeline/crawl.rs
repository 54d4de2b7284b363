//! Crawl: one pass over a source, and the snapshot that a complete one becomes.

use camsync_core::evidence::Witness;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::Instrument as _;

use crate::ledger::{CrawlEnd, Ledger, LedgerError, Moved, SourceRow};
use crate::metrics::Metrics;
use crate::telemetry::spans;

use super::clock::Clock;
use super::progress::{Progress, ProgressSink};
use super::source::{Crawled, Source, SourceFailure};
use super::{story, witness};

/// A crawl that was complete, on its way to become the snapshot.
#[derive(Debug)]
pub struct Complete {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// What it found.
    pub crawled: Crawled,
    /// What look-ups said of those whom it did not find.
    pub witnesses: Vec<(String, Witness)>,
}

/// How a crawl ended.
#[derive(Debug)]
pub enum Outcome {
    /// Complete: [`store`] makes it the snapshot.
    Complete(Box<Complete>),
    /// Not complete: the snapshot is what it was.
    Failed(SourceFailure),
}

/// The longest that a failing source is left alone.
const LONGEST_BACK_OFF: TimeDelta = TimeDelta::minutes(30);

/// Crawls a source, and has those looked up who are missing. Writes nothing but a failure: however long the provider
/// takes, nobody else waits for it.
///
/// # Errors
/// Only when the ledger fails; a provider's failure is an [`Outcome`].
pub async fn crawl(
    ledger: &Ledger,
    clock: &dyn Clock,
    metrics: &Metrics,
    name: &str,
    source: &dyn Source,
    progress: &ProgressSink,
) -> Result<Outcome, LedgerError> {
    run(ledger, clock, metrics, name, source, progress)
        .instrument(spans::crawl(name))
        .await
}

async fn run(
    ledger: &Ledger,
    clock: &dyn Clock,
    metrics: &Metrics,
    name: &str,
    source: &dyn Source,
    progress: &ProgressSink,
) -> Result<Outcome, LedgerError> {
    let started_at = clock.now();
    let said = progress.clone();
    let watched = name.to_owned();
    let report = move |done, total| {
        said.say(Progress::Crawling {
            source: watched.clone(),
            done,
            total,
        });
    };
    report(0, None);
    let found = source.crawl(&report).await;
    let ended_at = clock.now();
    let row = ledger.source(name)?;
    let (counts, failure) = match found {
        Ok(mut crawled) => {
            let counts = (crawled.members.len(), crawled.departments.len());
            match refuse(row.as_ref(), &crawled) {
                None => {
                    say_end(progress, name, counts, None);
                    let looked_up =
                        witness::look_up_missing(ledger, name, source, &crawled.members, progress)
                            .await?;
                    crawled.put_back(looked_up.present);
                    story::found(&crawled);
                    return Ok(Outcome::Complete(Box::new(Complete {
                        started_at,
                        ended_at,
                        crawled,
                        witnesses: looked_up.witnesses,
                    })));
                }
                Some(failure) => {
                    if failure.kind == "another_enterprise"
                        && let Some(bound) = row.as_ref().and_then(|r| r.enterprise.as_deref())
                    {
                        ledger.set_enterprise(name, bound, Some(&crawled.enterprise))?;
                    }
                    (counts, failure)
                }
            }
        }
        Err(failure) => ((0, 0), failure),
    };
    let when = (started_at, ended_at);
    record_failure(ledger, metrics, name, when, counts, &failure)?;
    say_end(progress, name, counts, Some(failure.to_string()));
    Ok(Outcome::Failed(failure))
}

/// Makes a complete crawl the snapshot, and tells who is new, changed or gone.
///
/// # Errors
/// When the ledger fails; then the snapshot is what it was.
pub fn store(
    ledger: &Ledger,
    metrics: &Metrics,
    name: &str,
    complete: &Complete,
) -> Result<Moved, LedgerError> {
    let Complete {
        started_at,
        ended_at,
        crawled,
        witnesses,
    } = complete;
    let row = ledger.source(name)?;
    if row.is_none_or(|r| r.enterprise.is_none() || r.seen_enterprise.is_some()) {
        ledger.set_enterprise(name, &crawled.enterprise, None)?;
    }
    let moved = ledger.end_complete_crawl(
        name,
        &CrawlEnd {
            started_at: *started_at,
            ended_at: *ended_at,
            enterprise: &crawled.enterprise,
            range_fingerprint: &crawled.range_fingerprint,
            range: &crawled.range,
            names: &crawled.names,
            departments: &crawled.departments,
            members: &crawled.members,
            witnesses,
        },
    )?;
    story::crawled(metrics, name, crawled, &moved, *ended_at - *started_at);
    Ok(moved)
}

/// Records that a source could not be crawled between these moments, and how long it is left alone for that.
///
/// # Errors
/// When the ledger fails.
pub fn record_failure(
    ledger: &Ledger,
    metrics: &Metrics,
    name: &str,
    (started_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
    counts: (usize, usize),
    failure: &SourceFailure,
) -> Result<(), LedgerError> {
    let failures = ledger.source(name)?.map_or(0, |r| r.failures);
    let retry_at = ended_at + back_off(failures, failure.retry_after_seconds);
    story::not_crawled(metrics, name, counts, failure, ended_at - started_at);
    ledger.end_partial_crawl(
        name,
        started_at,
        ended_at,
        counts,
        &serde_json::to_value(failure).unwrap_or_default(),
        Some(retry_at),
    )
}

fn say_end(
    progress: &ProgressSink,
    source: &str,
    (members, departments): (usize, usize),
    error: Option<String>,
) {
    progress.say(Progress::Crawled {
        source: source.to_owned(),
        members,
        departments,
        error,
    });
}

/// Why a crawl that ended may not become the snapshot.
fn refuse(row: Option<&SourceRow>, crawled: &Crawled) -> Option<SourceFailure> {
    if let Some(bound) = row.and_then(|r| r.enterprise.as_deref())
        && bound != crawled.enterprise
    {
        let mut failure = SourceFailure::new(
            "another_enterprise",
            format!(
                "the settings now lead to the enterprise {}, but this source belongs to {bound}",
                crawled.enterprise
            ),
        );
        failure.remedy = Some(
            "put the old settings back, or use a new source name; if the enterprise itself was moved, `camsync sources rebind` says so"
                .into(),
        );
        failure.about = vec![crawled.enterprise.clone(), bound.to_owned()];
        return Some(failure);
    }
    if !crawled.missing.is_empty() {
        let mut shown: Vec<&str> = crawled.missing.iter().take(5).map(String::as_str).collect();
        let more = crawled.missing.len().saturating_sub(shown.len());
        let rest = format!("and {more} more");
        if more > 0 {
            shown.push(&rest);
        }
        return Some(SourceFailure {
            about: shown.iter().map(|&part| part.to_owned()).collect(),
            ..SourceFailure::new(
                "incomplete",
                format!("the crawl was not complete: {}", shown.join("; ")),
            )
        });
    }
    if crawled.members.is_empty() && row.is_some_and(|r| r.members > 0) {
        // A provider that suddenly shows nobody has not lost everybody.
        return Some(SourceFailure::new(
            "incomplete",
            "the provider showed no member at all, where there were some before; nobody is removed for that",
        ));
    }
    None
}

/// 1, 2, 4, ... minutes, or as long as the provider asked for.
fn back_off(failures: u32, asked: Option<u32>) -> TimeDelta {
    let own = TimeDelta::minutes(1 << failures.min(10)).min(LONGEST_BACK_OFF);
    asked.map_or(own, |seconds| TimeDelta::seconds(i64::from(seconds)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn row(enterprise: Option<&str>, members: i64) -> SourceRow {
        let ledger = Ledger::empty().unwrap();
        ledger.ensure_source("acme", "fake", None).unwrap();
        SourceRow {
            enterprise: enterprise.map(str::to_owned),
            members,
            ..ledger.source("acme").unwrap().unwrap()
        }
    }

    fn crawled(missing: usize) -> Crawled {
        Crawled {
            enterprise: "e1".into(),
            missing: (1..=missing).map(|n| format!("department {n}")).collect(),
            ..Crawled::default()
        }
    }

    #[test]
    fn what_is_missing_is_named_up_to_five() {
        let parts = [
            "department 1",
            "department 2",
            "department 3",
            "department 4",
            "department 5",
        ];
        let five = refuse(None, &crawled(5)).unwrap();
        assert_eq!(
            (&*five.kind, five.about.as_slice()),
            ("incomplete", &parts.map(str::to_owned)[..])
        );
        assert!(
            five.to_string().ends_with("department 4; department 5"),
            "{five}"
        );
        let seven = refuse(None, &crawled(7)).unwrap();
        assert_eq!(seven.about.len(), 6);
        assert!(
            seven.to_string().ends_with("department 5; and 2 more"),
            "{seven}"
        );
    }

    #[test]
    fn nobody_where_there_were_some_is_refused_and_so_is_another_enterprise() {
        assert!(refuse(None, &crawled(0)).is_none());
        assert!(refuse(Some(&row(None, 0)), &crawled(0)).is_none());
        assert!(refuse(Some(&row(Some("e1"), 0)), &crawled(0)).is_none());
        let nobody = refuse(Some(&row(Some("e1"), 1)), &crawled(0)).unwrap();
        assert_eq!(nobody.kind, "incomplete");
        let other = refuse(Some(&row(Some("e2"), 0)), &crawled(0)).unwrap();
        assert_eq!(other.kind, "another_enterprise");
        assert_eq!(other.about, ["e1", "e2"]);
        assert!(other.remedy.unwrap().contains("sources rebind"));
    }

    #[test]
    fn it_waits_twice_as_long_each_time_up_to_a_limit_or_as_long_as_it_is_asked_to() {
        let minutes = [1, 2, 3, 30].map(|failures| back_off(failures, None).num_minutes());
        assert_eq!(minutes, [2, 4, 8, LONGEST_BACK_OFF.num_minutes()]);
        assert_eq!(back_off(30, Some(7)), TimeDelta::seconds(7));
    }
}
