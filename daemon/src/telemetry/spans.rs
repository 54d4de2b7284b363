//! The spans that are exported: what runs when, for how long, and what came of it.
//!
//! Their fields are sources, kinds, classes and counts. Names of members and sub-users are never among them.

use tracing::Span;
use tracing::field::Empty;

use camsync_core::outbox::Kind;

/// The target by which exported spans are told from all others.
pub(crate) const TARGET: &str = "camsync::span";

/// A pass by hand: crawls, a plan, and the work on the outbox. The daemon does each at its own pace.
pub(crate) fn pass() -> Span {
    tracing::info_span!(target: TARGET, "pass")
}

/// A crawl of one source.
pub(crate) fn crawl(source: &str) -> Span {
    tracing::info_span!(
        target: TARGET, "crawl", source, result = Empty, members = Empty, departments = Empty,
        requests = Empty
    )
}

/// Reading CAM and comparing.
pub(crate) fn plan() -> Span {
    tracing::info_span!(target: TARGET, "plan", result = Empty, changes = Empty, waiting = Empty)
}

/// Working off the outbox.
pub(crate) fn apply() -> Span {
    tracing::info_span!(
        target: TARGET, "apply", applied = Empty, failed = Empty, held = Empty, pending = Empty
    )
}

/// One attempt to apply a change.
pub(crate) fn attempt(change: i64, kind: Kind, number: u32) -> Span {
    tracing::info_span!(
        target: TARGET, "attempt", change, kind = kind.as_str(), number, result = Empty
    )
}
