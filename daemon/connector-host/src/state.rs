//! What one call has: the data of its store, and the memory that its instance may take.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::{
    cache::Cache,
    clock::Clock,
    error::{Limit, Stop},
    handover::HandOver,
    http::Tickets,
    log::LogGate,
    progress::Progress,
    redact::Redactor,
};

/// Instances, memories and tables that a component may have: language runtimes bring dozens.
const PARTS_MAX: usize = 256;

/// The data of a call's store. Every version of the interface serves its imports from here.
pub(crate) struct CallState {
    pub(crate) tickets: Tickets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) log: LogGate,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) handover: HandOver,
    pub(crate) progress: Arc<Progress>,
    pub(crate) memory: MemoryBudget,
}

/// Counts all memories and tables of a call against one limit.
pub(crate) struct MemoryBudget {
    taken: usize,
    max: usize,
}

impl MemoryBudget {
    /// `max` is in bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self { taken: 0, max }
    }

    /// The most that there was so far, in bytes: what a guest has it keeps until the call ends.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        self.taken = self.taken.saturating_add(desired.saturating_sub(current));
        if self.taken > self.max {
            return Err(Stop::limit(Limit::Memory {
                bytes: self.max as u64,
            })
            .into());
        }
        Ok(true)
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(current, desired)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(size_of::<usize>());
        self.grow(bytes(current), bytes(desired))
    }

    fn instances(&self) -> usize {
        PARTS_MAX
    }

    fn tables(&self) -> usize {
        PARTS_MAX
    }

    fn memories(&self) -> usize {
        PARTS_MAX
    }
}
