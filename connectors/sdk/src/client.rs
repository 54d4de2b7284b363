//! Many requests through one host, as many at once as the provider bears.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::host::Host;
use crate::types::{HttpFailure, Outcome, Request, Ticket};

/// How many requests may be in flight: it grows by one after each round that nobody complained about, and is
/// halved when the provider says that it is crowded.
#[derive(Debug, Clone)]
pub struct Window {
    limit: u32,
    max: u32,
    calm: u32,
    round: u32,
}

impl Window {
    /// Starts at `first` in flight and never exceeds `max`; both are at least 1.
    #[must_use]
    pub fn new(first: u32, max: u32) -> Self {
        let max = max.max(1);
        Self {
            limit: first.clamp(1, max),
            max,
            calm: 0,
            round: 0,
        }
    }

    /// How many may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// A request of this round ended without a complaint.
    fn calm(&mut self, round: u32) {
        if round != self.round || self.limit == self.max {
            return;
        }
        self.calm += 1;
        if self.calm >= self.limit {
            self.limit += 1;
            self.calm = 0;
        }
    }

    /// A request of this round met a crowd. What was sent before the last halving says nothing about it, so a
    /// burst of complaints halves once.
    fn crowded(&mut self, round: u32) {
        if round != self.round {
            return;
        }
        self.limit = (self.limit / 2).max(1);
        self.calm = 0;
        self.round += 1;
    }
}

/// What a job's outcome leads to.
pub enum Next<J> {
    /// It is done; these jobs join the end of the queue.
    Done(Vec<J>),
    /// Send it again after so many milliseconds, before what still waits.
    Again {
        /// The job.
        job: J,
        /// How long to wait first, in milliseconds.
        after_ms: u32,
        /// The provider complained about requests in parallel: halve the window.
        crowded: bool,
    },
    /// Give up: nothing more is sent, and what is in flight is forgotten.
    Stop,
}

/// Runs requests over a host's `submit` and `wait`, and keeps apart who waits for which ticket.
pub struct Client<'h> {
    host: &'h dyn Host,
    window: RefCell<Window>,
    /// Outcomes that came while somebody else was being waited for.
    arrived: RefCell<BTreeMap<Ticket, Outcome>>,
    /// Tickets that nobody waits for any more.
    forgotten: RefCell<BTreeSet<Ticket>>,
}

impl<'h> Client<'h> {
    /// A client over this host; the window is shared by everything that is run through it.
    pub fn new(host: &'h dyn Host, window: Window) -> Self {
        Self {
            host,
            window: RefCell::new(window),
            arrived: RefCell::default(),
            forgotten: RefCell::default(),
        }
    }

    /// The host underneath.
    #[must_use]
    pub fn host(&self) -> &'h dyn Host {
        self.host
    }

    /// How many requests may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.window.borrow().limit()
    }

    /// One request, outside the window. Others in flight go on, and may come from inside a [`Client::run`].
    pub fn call(&self, request: Request) -> Outcome {
        let ticket = self.host.submit(request);
        self.await_ticket(ticket)
    }

    /// Runs jobs until none is left. `send` makes the request of a job just before it goes out (nothing: give
    /// up); `judge` says what its outcome leads to. Both may use [`Client::call`].
    pub fn run<J>(
        &self,
        jobs: impl IntoIterator<Item = J>,
        mut send: impl FnMut(&mut J) -> Option<Request>,
        mut judge: impl FnMut(J, Outcome) -> Next<J>,
    ) {
        let mut queue: VecDeque<J> = jobs.into_iter().collect();
        let mut later: Vec<Later<J>> = Vec::new();
        let mut flight: BTreeMap<Ticket, (J, u32)> = BTreeMap::new();
        loop {
            if !later.is_empty() {
                let now = self.host.now_ms();
                let (due, waiting): (Vec<_>, Vec<_>) =
                    later.into_iter().partition(|job| job.due_ms <= now);
                later = waiting;
                due.into_iter().for_each(|job| queue.push_front(job.job));
            }
            // A job that waits to be sent again keeps its place: a provider in trouble gets less, not more.
            while ((flight.len() + later.len()) as u64) < u64::from(self.limit()) {
                let Some(mut job) = queue.pop_front() else {
                    break;
                };
                let Some(request) = send(&mut job) else {
                    return self.forget(flight.into_keys());
                };
                let round = self.window.borrow().round;
                flight.insert(self.host.submit(request), (job, round));
            }
            if let Some((job, round, outcome)) = self.next_of(&mut flight) {
                match judge(job, outcome) {
                    Next::Done(more) => {
                        self.window.borrow_mut().calm(round);
                        queue.extend(more);
                    }
                    Next::Again {
                        job,
                        after_ms,
                        crowded,
                    } => {
                        if crowded {
                            self.window.borrow_mut().crowded(round);
                        }
                        later.push(Later {
                            due_ms: self.host.now_ms() + f64::from(after_ms),
                            after_ms,
                            job,
                        });
                    }
                    Next::Stop => return self.forget(flight.into_keys()),
                }
            } else {
                let Some(soonest) = soonest(&later) else {
                    return;
                };
                let job = later.swap_remove(soonest);
                // Never longer than was asked for, whatever the clock does meanwhile.
                let left_ms = (job.due_ms - self.host.now_ms()).clamp(0.0, f64::from(job.after_ms));
                self.host.sleep_ms(left_ms.ceil() as u32);
                queue.push_front(job.job);
            }
        }
    }

    fn forget(&self, tickets: impl Iterator<Item = Ticket>) {
        let mut arrived = self.arrived.borrow_mut();
        let mut forgotten = self.forgotten.borrow_mut();
        forgotten.extend(tickets.filter(|ticket| arrived.remove(ticket).is_none()));
    }

    /// The next outcome of those in flight; nothing when there are none.
    fn next_of<J>(&self, flight: &mut BTreeMap<Ticket, (J, u32)>) -> Option<(J, u32, Outcome)> {
        loop {
            let ready = self
                .arrived
                .borrow()
                .keys()
                .find(|ticket| flight.contains_key(ticket))
                .copied();
            if let Some(ticket) = ready {
                let outcome = self.arrived.borrow_mut().remove(&ticket)?;
                let (job, round) = flight.remove(&ticket)?;
                return Some((job, round, outcome));
            }
            if flight.is_empty() {
                return None;
            }
            if !self.take_in() {
                let (_, (job, round)) = flight.pop_first()?;
                return Some((job, round, Err(lost())));
            }
        }
    }

    fn await_ticket(&self, ticket: Ticket) -> Outcome {
        loop {
            if let Some(outcome) = self.arrived.borrow_mut().remove(&ticket) {
                return outcome;
            }
            if !self.take_in() {
                return Err(lost());
            }
        }
    }

    /// Takes one outcome in from the host; false when the host says that none is in flight.
    fn take_in(&self) -> bool {
        let Some((ticket, outcome)) = self.host.wait() else {
            return false;
        };
        if !self.forgotten.borrow_mut().remove(&ticket) {
            self.arrived.borrow_mut().insert(ticket, outcome);
        }
        true
    }
}

/// A job that is to be sent again, and when.
struct Later<J> {
    due_ms: f64,
    after_ms: u32,
    job: J,
}

fn soonest<J>(later: &[Later<J>]) -> Option<usize> {
    (0..later.len()).min_by(|&a, &b| later[a].due_ms.total_cmp(&later[b].due_ms))
}

fn lost() -> HttpFailure {
    HttpFailure::Protocol("the host knows nothing of this request".to_owned())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
