//! Requests in flight for one call: submitted, waited for, and gone with the call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{HttpFailure, Policy, Request, Response, fetch::fetch};
use crate::error::Stop;

/// Requests submitted and not yet waited for, at most.
const IN_FLIGHT_MAX: usize = 64;
/// How long a request may take that does not say so itself.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What limits one call's requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// A body, in bytes.
    pub(crate) response: u32,
    /// All bodies together that wait to be fetched by the connector, in bytes.
    pub(crate) buffered: usize,
    /// How long a request may take at most.
    pub(crate) timeout: Duration,
}

/// One call's requests. Dropping it aborts them.
pub(crate) struct Tickets {
    access: Option<Access>,
    bounds: Bounds,
    buffered: Arc<AtomicUsize>,
    next: u32,
    running: JoinSet<(u32, Result<Response, HttpFailure>)>,
}

/// What a call needs in order to use the network.
#[derive(Clone)]
struct Access {
    client: reqwest::Client,
    policy: Arc<Policy>,
}

impl Tickets {
    /// For a call that may use the network.
    pub(crate) fn new(client: reqwest::Client, policy: Arc<Policy>, bounds: Bounds) -> Self {
        Self {
            access: Some(Access { client, policy }),
            ..Self::offline(bounds)
        }
    }

    /// For a call that must not use the network: every request is denied.
    pub(crate) fn offline(bounds: Bounds) -> Self {
        Self {
            access: None,
            bounds,
            buffered: Arc::default(),
            next: 0,
            running: JoinSet::new(),
        }
    }

    pub(crate) fn is_online(&self) -> bool {
        self.access.is_some()
    }

    /// Starts a request.
    ///
    /// # Errors
    /// Too many are in flight: the connector does not keep to the interface.
    pub(crate) fn submit(&mut self, request: Request) -> Result<u32, Stop> {
        if self.running.len() >= IN_FLIGHT_MAX {
            return Err(Stop::bug(format!(
                "it submitted more than {IN_FLIGHT_MAX} requests at a time"
            )));
        }
        let ticket = self.next;
        self.next = self.next.wrapping_add(1);
        let Bounds {
            response,
            buffered,
            timeout,
        } = self.bounds;
        let wanted = request
            .timeout_ms
            .map_or(TIMEOUT_DEFAULT, |ms| Duration::from_millis(ms.into()));
        let reservation = Reservation {
            held: 0,
            total: Arc::clone(&self.buffered),
            max: buffered,
        };
        let access = self.access.clone();
        self.running.spawn(async move {
            let Some(Access { client, policy }) = access else {
                return (
                    ticket,
                    Err(HttpFailure::Denied(
                        "this call must not use the network".to_owned(),
                    )),
                );
            };
            let fetched = fetch(&client, &policy, request, response, reservation);
            let outcome = tokio::time::timeout(wanted.min(timeout), fetched).await;
            (ticket, outcome.unwrap_or(Err(HttpFailure::Timeout)))
        });
        Ok(ticket)
    }

    /// Waits for whichever request ends first; nothing when none is in flight.
    pub(crate) async fn wait(&mut self) -> Option<(u32, Result<Response, HttpFailure>)> {
        loop {
            match self.running.join_next().await? {
                Ok((ticket, outcome)) => {
                    if let Ok(response) = &outcome {
                        self.buffered
                            .fetch_sub(response.body.len(), Ordering::Relaxed);
                    }
                    return Some((ticket, outcome));
                }
                Err(error) => {
                    tracing::error!(target: "connector", "a request's task ended badly: {error}")
                }
            }
        }
    }
}

/// A request's share of the bytes that may be buffered for a call. A response takes it along; whatever else becomes
/// of the request gives it back.
pub(super) struct Reservation {
    held: usize,
    total: Arc<AtomicUsize>,
    max: usize,
}

impl Reservation {
    /// Takes so many bytes more.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), HttpFailure> {
        let before = self.total.fetch_add(bytes, Ordering::Relaxed);
        self.held += bytes;
        if before.saturating_add(bytes) > self.max {
            return Err(HttpFailure::TooLarge(
                u32::try_from(self.max).unwrap_or(u32::MAX),
            ));
        }
        Ok(())
    }

    /// Leaves what is held to whoever has the body now.
    pub(super) fn hand_over(mut self) {
        self.held = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.total.fetch_sub(self.held, Ordering::Relaxed);
    }
}
