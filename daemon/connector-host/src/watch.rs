//! What calls and their requests came to, told to whoever counts.

use std::time::Duration;

use crate::http::{HttpFailure, Response};

/// What one call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The most memory that the call's instance had, in bytes.
    pub memory: usize,
    /// The time in which the connector computed, waiting left out. It is bounded by the limits of time; there is no
    /// fuel.
    pub computing: Duration,
    /// The time from begin to end.
    pub elapsed: Duration,
    /// Requests that it made.
    pub requests: u32,
}

/// Is told what connectors do. Its methods are called in the middle of things and must not block.
pub trait Watch: Send + Sync {
    /// A call of this source's connector has ended, well or badly; `call` is the function's name in `wit/`.
    fn call_ended(&self, source: &str, call: &'static str, usage: &Usage);

    /// A request has ended. `result` is the class of its status (`2xx` ... `5xx`), or why there is none: `denied`,
    /// `invalid`, `connect`, `timeout`, `too_large`, `protocol`.
    fn request_ended(&self, source: &str, result: &'static str, elapsed: Duration);
}

/// Nobody counts.
impl Watch for () {
    fn call_ended(&self, _: &str, _: &'static str, _: &Usage) {}

    fn request_ended(&self, _: &str, _: &'static str, _: Duration) {}
}

/// What a request came to, as one of few words.
pub(crate) fn result_word(outcome: &Result<Response, HttpFailure>) -> &'static str {
    match outcome {
        Ok(response) => match response.status {
            ..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        },
        Err(HttpFailure::Denied(_)) => "denied",
        Err(HttpFailure::Invalid(_)) => "invalid",
        Err(HttpFailure::Connect(_)) => "connect",
        Err(HttpFailure::Timeout) => "timeout",
        Err(HttpFailure::TooLarge(_)) => "too_large",
        Err(HttpFailure::Protocol(_)) => "protocol",
    }
}
