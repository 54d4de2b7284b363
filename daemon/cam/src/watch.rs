//! What calls came to, told to whoever counts.

use std::time::Duration;

use crate::{action::Action, error::Error};

/// Is told what becomes of calls. Its method is called in the middle of things and must not block.
pub trait Watch: Send + Sync {
    /// A request has been answered, or not: `error` says how it failed. `paced` is how long it waited for its turn,
    /// `elapsed` how long the answer took from then on.
    fn answered(&self, action: &Action, error: Option<&Error>, paced: Duration, elapsed: Duration);
}

/// Nobody counts.
impl Watch for () {
    fn answered(&self, _: &Action, _: Option<&Error>, _: Duration, _: Duration) {}
}
