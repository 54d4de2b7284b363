//! Outgoing HTTP for a connector: within the hosts of its source, bounded, several requests at a time, over
//! connections that outlive a call.

mod client;
mod fetch;
mod headers;
mod policy;
mod tickets;

pub use client::NameLookup;
pub(crate) use client::{Clients, Network, SystemLookup};
pub(crate) use policy::Policy;
pub(crate) use tickets::{Bounds, Tickets, Watched};

use tickets::Reservation;

/// A request as the connector made it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) timeout_ms: Option<u32>,
}

impl Request {
    /// What it takes in the host's memory, in bytes.
    fn size(&self) -> usize {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        self.url.len() + self.body.as_ref().map_or(0, Vec::len) + headers.sum::<usize>()
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What the body takes of the call's buffer, until the connector has it.
    pub(crate) held: Reservation,
}

/// Why there is no answer. None of the texts holds a URL: its query may be a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HttpFailure {
    /// The host or its address is not allowed.
    Denied(String),
    /// The request is malformed.
    Invalid(String),
    /// No connection: the request was not sent.
    Connect(String),
    /// Not all of the answer came in time.
    Timeout,
    /// The body is larger than so many bytes.
    TooLarge(u32),
    /// The connection broke, or what came was not HTTP.
    Protocol(String),
}
