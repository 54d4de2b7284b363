//! The pipeline, a module a step, in the order of the flow:
//!
//! ```text
//! source -> crawl -> snapshot -> desired -> plan -> guard -> outbox -> apply -> ledger
//! ```
//! `desired`, `plan` and `guard` are pure and live in `camsync-core`; [`reconcile`] feeds them. Time, randomness,
//! the network and the disk come in through what an [`Engine`] is made of.

mod applications;
pub mod apply;
pub mod basis;
pub mod clock;
pub mod crawl;
pub mod crawls;
pub mod engine;
mod full;
pub mod hints;
mod lines;
pub mod look_up;
pub mod merge;
pub mod observe;
pub mod observe_grants;
pub mod outbox;
pub mod passes;
pub mod password;
pub mod progress;
pub mod reconcile;
mod renamed;
pub mod source;
mod story;
pub mod target;
pub mod turns;
pub mod witness;

#[cfg(test)]
mod tests;

pub use clock::{Clock, SystemClock};
pub use crawls::Gathered;
pub use engine::{Engine, EngineParts};
pub use passes::{PassReport, Trigger};
pub use progress::{Progress, ProgressSink};
pub use source::{Crawled, Presence, Source, SourceFailure};
pub use turns::Applier;
