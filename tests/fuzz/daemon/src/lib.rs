//! Fuzz targets that need the whole daemon, apart from `targets` so that those link no WebAssembly engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a target tells"
)]

mod api;
mod http;
mod panics;
mod read;
mod row;
mod staff;
mod tamper;
mod world;

/// A target's name, which is its corpus's too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 2] = [("api_body", api::api_body), ("ledger_row", row::ledger_row)];

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.expect("a target of this name").1(data);
}
