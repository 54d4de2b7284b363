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
use crate::{
    error::Stop,
    watch::{Watch, result_word},
};

/// Requests submitted and not yet waited for, at most.
const IN_FLIGHT_MAX: usize = 64;
/// How long a request may take that does not say so itself.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What limits one call's requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// A body, in bytes.
    pub(crate) response: u32,
    /// All that is on its way or waits to be fetched by the connector, in bytes.
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
    watched: Watched,
}

/// Who is told what becomes of a source's requests.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) source: Arc<str>,
}

impl Tickets {
    /// For a call that may use the network.
    pub(crate) fn new(
        client: reqwest::Client,
        policy: Arc<Policy>,
        bounds: Bounds,
        watched: Watched,
    ) -> Self {
        Self {
            access: Some(Access {
                client,
                policy,
                watched,
            }),
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

    /// How many requests there were so far.
    pub(crate) fn submitted(&self) -> u32 {
        self.next
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
        let fetching = self.fetching(request);
        self.running.spawn(async move { (ticket, fetching.await) });
        Ok(ticket)
    }

    /// The request's task. It holds what the request takes for as long as it runs, and the answer what it takes
    /// until the connector has it.
    fn fetching(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, HttpFailure>> + Send + 'static {
        let Bounds {
            response, timeout, ..
        } = self.bounds;
        let wanted = request
            .timeout_ms
            .map_or(TIMEOUT_DEFAULT, |ms| Duration::from_millis(ms.into()));
        let mut sending = self.reservation();
        let ready = match &self.access {
            None => Err(HttpFailure::Denied(
                "this call must not use the network".to_owned(),
            )),
            Some(access) => match sending.add(request.size()) {
                Ok(()) => Ok((access.clone(), request)),
                Err(_) => Err(HttpFailure::Invalid(format!(
                    "the requests in flight hold more than {} bytes (limits.memory)",
                    self.bounds.buffered
                ))),
            },
        };
        let receiving = self.reservation();
        async move {
            let (access, request) = ready?;
            let began = std::time::Instant::now();
            let fetched = fetch(&access.client, &access.policy, request, response, receiving);
            let outcome = tokio::time::timeout(wanted.min(timeout), fetched).await;
            drop(sending);
            let outcome = outcome.unwrap_or(Err(HttpFailure::Timeout));
            let Watched { watch, source } = &access.watched;
            watch.request_ended(source, result_word(&outcome), began.elapsed());
            outcome
        }
    }

    fn reservation(&self) -> Reservation {
        Reservation {
            held: 0,
            total: Arc::clone(&self.buffered),
            max: self.bounds.buffered,
        }
    }

    /// Waits for whichever request ends first; nothing when none is in flight.
    pub(crate) async fn wait(&mut self) -> Option<(u32, Result<Response, HttpFailure>)> {
        loop {
            match self.running.join_next().await? {
                Ok(ended) => return Some(ended),
                Err(error) => {
                    tracing::error!(target: "connector", "a request's task ended badly: {error}")
                }
            }
        }
    }
}

/// A share of the bytes that may be buffered for a call, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
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
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.total.fetch_sub(self.held, Ordering::Relaxed);
    }
}
