//! Story: one line of the log for each crawl and each plan, and the same for the metrics.

use std::time::Duration;

use chrono::TimeDelta;
use tracing::Span;

use crate::ledger::{Moved, Recorded};
use crate::metrics::Metrics;
use crate::say::Blocked;

use super::passes::summary;
use super::reconcile::{Made, Ready, ReconcileError};
use super::source::{Crawled, SourceFailure};

/// What a complete crawl found.
pub(super) fn found(crawled: &Crawled) {
    let span = Span::current();
    span.record("result", "complete");
    span.record("members", crawled.members.len());
    span.record("departments", crawled.departments.len());
    span.record("requests", crawled.requests);
}

/// A complete crawl has become the snapshot.
pub(super) fn crawled(
    metrics: &Metrics,
    source: &str,
    crawled: &Crawled,
    moved: &Moved,
    took: TimeDelta,
) {
    let took = length(took);
    metrics.crawl_ended(source, "complete", took);
    let Moved {
        joined,
        changed,
        gone,
        ..
    } = moved;
    tracing::info!(
        source,
        members = crawled.members.len(),
        departments = crawled.departments.len(),
        joined,
        changed,
        gone,
        requests = crawled.requests,
        seconds = seconds(took),
        "crawl complete"
    );
}

/// A crawl was not complete, or could not even begin.
pub(super) fn not_crawled(
    metrics: &Metrics,
    source: &str,
    (members, departments): (usize, usize),
    failure: &SourceFailure,
    took: TimeDelta,
) {
    let took = length(took);
    metrics.crawl_ended(source, &failure.kind, took);
    Span::current().record("result", failure.kind.as_str());
    tracing::warn!(
        source,
        kind = failure.kind,
        code = failure.code,
        members,
        departments,
        seconds = seconds(took),
        "crawl failed, the snapshot stays as it was: {}",
        one_line(&failure.to_string())
    );
}

/// A plan was made and recorded.
pub(super) fn planned(
    metrics: &Metrics,
    span: &Span,
    actor: &str,
    sources: &[Ready],
    made: &Made,
    recorded: &Recorded,
) {
    let counts = summary(made.shown());
    let waiting = made.shown().filter(|c| c.hold.is_some()).count();
    metrics.planned(&counts, waiting);
    span.record("result", "made");
    span.record("changes", counts.values().sum::<usize>());
    span.record("waiting", waiting);
    let changes = counts
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect::<Vec<_>>()
        .join(", ");
    tracing::info!(
        actor,
        sources = sources
            .iter()
            .map(|source| source.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        changes = if changes.is_empty() { "none" } else { &changes },
        waiting,
        held_plans = ?recorded.held,
        newly_held = ?recorded.newly_held,
        "plan"
    );
}

/// No plan could be made; why is said where the pass is reported.
pub(super) fn not_planned(metrics: &Metrics, span: &Span, error: &ReconcileError) {
    let why = match error {
        ReconcileError::Ledger(_) => "ledger",
        ReconcileError::Cam(_) | ReconcileError::Blocked(Blocked::Cam { .. }) => "cam",
        ReconcileError::Blocked(Blocked::AnotherAccount { .. }) => "account",
        ReconcileError::Blocked(Blocked::Rule { .. }) => "rule",
        ReconcileError::Blocked(Blocked::MovedOn { .. }) => "moved_on",
    };
    metrics.not_planned(why);
    span.record("result", why);
}

/// A clock that was set back makes no time negative.
fn length(took: TimeDelta) -> Duration {
    took.to_std().unwrap_or_default()
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("; ")
}
