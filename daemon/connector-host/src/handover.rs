//! A crawl's findings on their way from the connector's imports to the sink of whoever asked for the crawl.

use camsync_core::model::{Department, Member};
use tokio::sync::mpsc;

use crate::{
    bounds,
    error::{Limit, Stop},
    watch::Usage,
};

/// Why a sink can take no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Takes a crawl's findings, as they are found. Every id and text has been checked; nothing has been merged: a
/// department or member may come more than once, as `sink` in the WIT says.
pub trait CrawlSink: Send {
    /// Departments.
    ///
    /// # Errors
    /// They cannot be kept: the crawl ends as [`crate::CallError::Sink`].
    fn departments(&mut self, batch: Vec<Department>) -> Result<(), SinkError>;

    /// Members.
    ///
    /// # Errors
    /// As for departments.
    fn members(&mut self, batch: Vec<Member>) -> Result<(), SinkError>;

    /// Steps done, and steps in all where that is known.
    fn progress(&mut self, done: u32, total: Option<u32>) {
        let _ = (done, total);
    }

    /// The connector has ended, well or badly, and took this much.
    fn ended(&mut self, usage: &Usage) {
        let _ = usage;
    }
}

/// One hand-over.
pub(crate) enum Delivery {
    Departments(Vec<Department>),
    Members(Vec<Member>),
    Progress(u32, Option<u32>),
}

impl Delivery {
    /// Gives it to the sink.
    pub(crate) fn deliver(self, sink: &mut dyn CrawlSink) -> Result<(), SinkError> {
        match self {
            Self::Departments(batch) => sink.departments(batch),
            Self::Members(batch) => sink.members(batch),
            Self::Progress(done, total) => {
                sink.progress(done, total);
                Ok(())
            }
        }
    }
}

/// A call's end of the way. It holds one delivery at a time: a connector waits until its last was taken.
pub(crate) struct HandOver {
    way: Option<mpsc::Sender<Delivery>>,
    taken: usize,
    max: usize,
}

impl HandOver {
    /// For a crawl. All deliveries together may have so many bytes.
    pub(crate) fn new(max: usize) -> (Self, mpsc::Receiver<Delivery>) {
        let (way, end) = mpsc::channel(1);
        (
            Self {
                way: Some(way),
                taken: 0,
                max,
            },
            end,
        )
    }

    /// For a call that has nothing to hand over.
    pub(crate) fn closed() -> Self {
        Self {
            way: None,
            taken: 0,
            max: usize::MAX,
        }
    }

    /// Checks departments and hands them over.
    pub(crate) async fn departments(&mut self, batch: Vec<Department>) -> Result<(), Stop> {
        let batch = batch
            .into_iter()
            .map(bounds::department)
            .collect::<Result<Vec<_>, _>>()?;
        self.count(batch.iter().map(bounds::department_size).sum())?;
        self.send(Delivery::Departments(batch)).await
    }

    /// Checks members and hands them over.
    pub(crate) async fn members(&mut self, batch: Vec<Member>) -> Result<(), Stop> {
        let batch = batch
            .into_iter()
            .map(bounds::member)
            .collect::<Result<Vec<_>, _>>()?;
        self.count(batch.iter().map(bounds::member_size).sum())?;
        self.send(Delivery::Members(batch)).await
    }

    /// Says how far the crawl has come.
    pub(crate) async fn progress(&mut self, done: u32, total: Option<u32>) -> Result<(), Stop> {
        self.send(Delivery::Progress(done, total)).await
    }

    fn count(&mut self, bytes: usize) -> Result<(), Stop> {
        self.taken = self.taken.saturating_add(bytes);
        if self.taken > self.max {
            return Err(Stop::limit(Limit::HandedOver {
                bytes: self.max as u64,
            }));
        }
        Ok(())
    }

    async fn send(&self, delivery: Delivery) -> Result<(), Stop> {
        let way = self
            .way
            .as_ref()
            .ok_or_else(|| Stop::bug("it handed findings over outside of a crawl"))?;
        way.send(delivery)
            .await
            .map_err(|_| Stop::bug("it handed findings over after the crawl's end"))
    }
}
