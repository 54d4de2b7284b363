//! Metrics for Prometheus: what happens is counted as it happens, what the ledger knows is read when somebody asks.
//!
//! Labels are bounded: sources, kinds, classes, actions. No member, no username and no secret is ever among them.

mod counts;
mod figures;
mod process;
mod registrar;

pub use counts::Metrics;
pub use figures::LAST_BACKUP;
pub use registrar::Described;

use prometheus_client::encoding::text::{encode_eof, encode_registry};

use crate::ledger::LedgerError;
use crate::ops::Context;

use figures::Figures;
use process::Process;
use registrar::Registrar;

/// What [`render`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The text could not be written.
    #[error("the metrics cannot be written")]
    Text(#[from] std::fmt::Error),
}

/// All metrics as OpenMetrics text, which Prometheus reads.
///
/// # Errors
/// When the ledger cannot be read.
pub fn render(context: &Context) -> Result<String, MetricsError> {
    let mut registrar = Registrar::default();
    Figures::register(&mut registrar).fill(context)?;
    Process::register(&mut registrar).fill();
    let mut text = String::new();
    encode_registry(&mut text, &registrar.registry)?;
    encode_registry(&mut text, &context.metrics().registry)?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// Every metric that there is, whether or not it has a value at present.
#[must_use]
pub fn catalogue() -> Vec<Described> {
    let mut registrar = Registrar::default();
    Figures::register(&mut registrar);
    Process::register(&mut registrar);
    let mut all = registrar.described;
    all.extend(Metrics::new().described);
    all
}
