//! What the connector host checks of a connector's answers and files. These are its very source files, compiled without
//! wasmtime: a fuzzer's build would take many minutes with it.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "they are parts of another crate"
)]

#[path = "../../../../daemon/connector-host/src/bounds.rs"]
mod bounds;
#[path = "../../../../daemon/connector-host/src/error.rs"]
mod error;
#[path = "../../../../daemon/connector-host/src/inspect.rs"]
mod inspect;
#[path = "../../../../daemon/connector-host/src/types.rs"]
pub mod types;

use camsync_core::model::{Department, Member};
pub use error::CallError;
pub use inspect::FormatError;

type Checked<T> = Result<T, CallError>;

fn opened<T>(checked: Result<T, error::Stop>) -> Checked<T> {
    checked.map_err(|stop| stop.0)
}

pub fn department(department: Department) -> Checked<Department> {
    opened(bounds::department(department))
}

pub fn member(member: Member) -> Checked<Member> {
    opened(bounds::member(member))
}

pub fn member_size(member: &Member) -> usize {
    bounds::member_size(member)
}

pub fn crawl_summary(summary: types::CrawlSummary) -> Checked<types::CrawlSummary> {
    opened(bounds::crawl_summary(summary))
}

pub fn presences(asked: &[String], answers: Vec<types::Presence>) -> Checked<Vec<types::Presence>> {
    opened(bounds::presences(asked, answers))
}

pub fn sign_in_url(url: String) -> Checked<String> {
    opened(bounds::sign_in_url(url))
}

/// Whether a file is a connector of a version that is served.
///
/// # Errors
/// Why it is none.
pub fn inspect(bytes: &[u8]) -> Result<(), FormatError> {
    inspect::inspect(bytes).map(|_| ())
}
