//! A host in native code: what the daemon's host does for a connector, without a boundary in between and without
//! its checks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, SystemTime};

use camsync_connector_sdk::types::{
    Department, HttpFailure, Level, Member, Outcome, Request, Response, Ticket,
};
use camsync_connector_sdk::{Connector as _, Host};
use camsync_connector_wecom::WeCom;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Requests go out over one client, as tasks of the runtime; the connector runs on the caller's thread.
pub(crate) struct NativeHost {
    runtime: Handle,
    client: reqwest::Client,
    next: Cell<Ticket>,
    in_flight: Cell<usize>,
    answers: mpsc::UnboundedSender<(Ticket, Outcome)>,
    arrived: RefCell<mpsc::UnboundedReceiver<(Ticket, Outcome)>>,
    cache: RefCell<BTreeMap<String, String>>,
    departments: RefCell<Vec<Department>>,
    members: RefCell<Vec<Member>>,
}

impl NativeHost {
    pub(crate) fn new(runtime: Handle) -> Result<Self, Box<dyn Error>> {
        // Fails only when it is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let (answers, arrived) = mpsc::unbounded_channel();
        Ok(Self {
            runtime,
            client,
            next: Cell::default(),
            in_flight: Cell::default(),
            answers,
            arrived: RefCell::new(arrived),
            cache: RefCell::default(),
            departments: RefCell::default(),
            members: RefCell::default(),
        })
    }

    /// One crawl; how many members it found.
    pub(crate) fn crawl(&self, settings: &str) -> Result<usize, Box<dyn Error>> {
        self.departments.take();
        self.members.take();
        let summary = WeCom::crawl(self, settings).map_err(|failure| format!("{failure:?}"))?;
        if !summary.complete {
            return Err(format!("the crawl was not complete: {:?}", summary.missing).into());
        }
        Ok(self.members.borrow().len())
    }
}

async fn fetch(client: reqwest::Client, request: Request) -> Outcome {
    let failed = |error: reqwest::Error| HttpFailure::Protocol(error.without_url().to_string());
    let answer = client.get(&request.url).send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let body = answer.bytes().await.map_err(failed)?.to_vec();
    Ok(Response {
        status,
        headers,
        body,
    })
}

impl Host for NativeHost {
    fn submit(&self, request: Request) -> Ticket {
        let ticket = self.next.get();
        self.next.set(ticket.wrapping_add(1));
        self.in_flight.set(self.in_flight.get() + 1);
        let (client, answers) = (self.client.clone(), self.answers.clone());
        self.runtime.spawn(async move {
            // Nobody listens any more only when the benchmark is over.
            let _ = answers.send((ticket, fetch(client, request).await));
        });
        ticket
    }

    fn wait(&self) -> Option<(Ticket, Outcome)> {
        if self.in_flight.get() == 0 {
            return None;
        }
        let answer = self.runtime.block_on(self.arrived.borrow_mut().recv());
        self.in_flight.set(self.in_flight.get() - 1);
        answer
    }

    fn now_ms(&self) -> f64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default().as_secs_f64() * 1000.0
    }

    fn sleep_ms(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }

    fn log(&self, _: Level, _: &str) {}

    fn cache_get(&self, key: &str) -> Option<String> {
        self.cache.borrow().get(key).cloned()
    }

    fn cache_set(&self, key: &str, value: &str, _: u32) {
        self.cache.borrow_mut().insert(key.into(), value.into());
    }

    fn cache_delete(&self, key: &str) {
        self.cache.borrow_mut().remove(key);
    }

    fn departments(&self, batch: Vec<Department>) {
        self.departments.borrow_mut().extend(batch);
    }

    fn members(&self, batch: Vec<Member>) {
        self.members.borrow_mut().extend(batch);
    }

    fn progress(&self, _: u32, _: Option<u32>) {}
}
