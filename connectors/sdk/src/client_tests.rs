//! The client against a host that answers from a script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::*;
use crate::types::{Department, Level, Member, Response};

/// Answers every request with 200 in the order they were sent (or the reverse), and keeps the clock by itself.
#[derive(Default)]
struct Script {
    flight: RefCell<VecDeque<(Ticket, String)>>,
    next: Cell<Ticket>,
    most: Cell<usize>,
    newest_first: bool,
    now: Cell<f64>,
    slept: RefCell<Vec<u32>>,
    /// The clock jumps back by an hour after it was read so many times.
    jump_at_reading: Cell<u32>,
}

impl Host for Script {
    fn submit(&self, request: Request) -> Ticket {
        self.next.set(self.next.get() + 1);
        self.flight
            .borrow_mut()
            .push_back((self.next.get(), request.url));
        self.most
            .set(self.most.get().max(self.flight.borrow().len()));
        self.next.get()
    }

    fn wait(&self) -> Option<(Ticket, Outcome)> {
        let mut flight = self.flight.borrow_mut();
        let (ticket, url) = if self.newest_first {
            flight.pop_back()?
        } else {
            flight.pop_front()?
        };
        Some((
            ticket,
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: url.into_bytes(),
            }),
        ))
    }

    fn now_ms(&self) -> f64 {
        let readings = self.jump_at_reading.get();
        if readings == 1 {
            self.now.set(self.now.get() - 3_600_000.0);
        }
        self.jump_at_reading.set(readings.saturating_sub(1));
        self.now.get()
    }

    fn sleep_ms(&self, milliseconds: u32) {
        self.slept.borrow_mut().push(milliseconds);
        self.now.set(self.now.get() + f64::from(milliseconds));
    }

    fn log(&self, _: Level, _: &str) {}

    fn cache_get(&self, _: &str) -> Option<String> {
        None
    }

    fn cache_set(&self, _: &str, _: &str, _: u32) {}

    fn cache_delete(&self, _: &str) {}

    fn departments(&self, _: Vec<Department>) {}

    fn members(&self, _: Vec<Member>) {}

    fn progress(&self, _: u32, _: Option<u32>) {}
}

fn body(outcome: Outcome) -> String {
    String::from_utf8(outcome.unwrap_or_else(|failure| panic!("{failure:?}")).body).unwrap()
}

#[test]
fn every_job_is_answered_once_by_its_own_answer() {
    for newest_first in [false, true] {
        let host = Script {
            newest_first,
            ..Script::default()
        };
        let client = Client::new(&host, Window::new(4, 16));
        let mut seen = Vec::new();
        client.run(
            0..200,
            |job| Some(Request::get(format!("u{job}"))),
            |job, outcome| {
                assert_eq!(body(outcome), format!("u{job}"));
                seen.push(job);
                Next::Done(if job == 7 { vec![1000] } else { Vec::new() })
            },
        );
        seen.sort_unstable();
        assert_eq!(seen, (0..200).chain([1000]).collect::<Vec<_>>());
    }
}

#[test]
fn the_window_grows_to_its_top_and_no_further() {
    let host = Script::default();
    let client = Client::new(&host, Window::new(4, 16));
    let mut first_limit = None;
    client.run(
        0..400,
        |_| {
            first_limit.get_or_insert(client.limit());
            Some(Request::get("u"))
        },
        |_, _| Next::Done(Vec::new()),
    );
    assert_eq!(
        (first_limit, client.limit(), host.most.get()),
        (Some(4), 16, 16)
    );
}

#[test]
fn a_burst_of_complaints_halves_once_and_everything_is_sent_again() {
    let host = Script::default();
    let client = Client::new(&host, Window::new(8, 8));
    let mut done = 0;
    let mut limits = Vec::new();
    client.run(
        (0..8).map(|id| (id, 0)),
        |_| Some(Request::get("u")),
        |(id, tries), _| {
            if tries == 0 {
                limits.push(client.limit());
                return Next::Again {
                    job: (id, 1),
                    after_ms: 1000,
                    crowded: true,
                };
            }
            done += 1;
            Next::Done(Vec::new())
        },
    );
    assert_eq!(done, 8);
    assert_eq!(
        limits.last(),
        Some(&4),
        "seven more complaints of the same round change nothing"
    );
    assert!(host.slept.borrow().iter().all(|ms| *ms <= 1000));
    assert!(!host.slept.borrow().is_empty());
}

#[test]
fn a_call_inside_a_run_disturbs_nobody() {
    let host = Script::default();
    let client = Client::new(&host, Window::new(4, 4));
    let mut inner = 0;
    let mut seen = 0;
    client.run(
        0..20,
        |job| Some(Request::get(format!("u{job}"))),
        |job, outcome| {
            assert_eq!(body(outcome), format!("u{job}"));
            if job % 5 == 0 {
                assert_eq!(body(client.call(Request::get("inner"))), "inner");
                inner += 1;
            }
            seen += 1;
            Next::Done(Vec::new())
        },
    );
    assert_eq!((inner, seen), (4, 20));
}

#[test]
fn stopping_forgets_what_is_in_flight() {
    let host = Script::default();
    let client = Client::new(&host, Window::new(4, 4));
    client.run(0..10, |_| Some(Request::get("old")), |_, _| Next::Stop);
    let mut seen = Vec::new();
    client.run(
        0..2,
        |_| Some(Request::get("new")),
        |_, outcome| {
            seen.push(body(outcome));
            Next::Done(Vec::new())
        },
    );
    assert_eq!(seen, ["new", "new"]);
}

#[test]
fn a_clock_that_jumps_back_delays_nothing_for_long() {
    let host = Script {
        now: Cell::new(1e12),
        jump_at_reading: Cell::new(2),
        ..Script::default()
    };
    let client = Client::new(&host, Window::new(1, 1));
    let mut tries = 0;
    client.run(
        [()],
        |()| Some(Request::get("u")),
        |(), _| {
            tries += 1;
            if tries == 2 {
                return Next::Done(Vec::new());
            }
            Next::Again {
                job: (),
                after_ms: 500,
                crowded: false,
            }
        },
    );
    assert_eq!(tries, 2);
    assert!(host.now.get() < 1e12 - 3_000_000.0, "the clock did jump");
    assert_eq!(*host.slept.borrow(), [500]);
}

#[test]
fn a_job_that_waits_keeps_its_place() {
    let host = Script::default();
    let client = Client::new(&host, Window::new(2, 2));
    let mut sent = Vec::new();
    client.run(
        (0..6).map(|id| (id, 0)),
        |job: &mut (u32, u32)| {
            sent.push(*job);
            Some(Request::get("u"))
        },
        |(id, tries), _| match tries {
            0 => Next::Again {
                job: (id, 1),
                after_ms: 100,
                crowded: false,
            },
            _ => Next::Done(Vec::new()),
        },
    );
    sent.truncate(4);
    sent.sort_unstable();
    assert_eq!(
        sent,
        [(0, 0), (0, 1), (1, 0), (1, 1)],
        "nothing new is sent while two wait"
    );
}
