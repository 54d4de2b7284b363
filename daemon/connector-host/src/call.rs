//! Runs one call inside its limits, and tells how it ended.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    time::{Duration, Instant},
};

use wasmtime::{Engine, Store, Trap};

use crate::{
    error::{CallError, Limit, Stop},
    state::CallState,
    ticker::Running,
    watch::Usage,
};

/// The most that one import or result may carry, in bytes, whatever the memory limit: wasmtime's own default.
const TRANSFER_MAX: usize = 128 * 1024 * 1024;

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) time: Duration,
    pub(crate) idle: Duration,
    pub(crate) memory: usize,
}

/// A call into an instance, borrowing its store.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// Runs `work` in a store of its own, and says what that took. Whatever happens, store, instance and requests are gone
/// afterwards.
pub(crate) async fn run<T>(
    engine: &Engine,
    _running: Running,
    allowance: Allowance,
    state: CallState,
    work: impl for<'a> FnOnce(&'a mut Store<CallState>) -> Work<'a, T>,
) -> (Result<T, CallError>, Usage) {
    let transfer = allowance.memory.min(TRANSFER_MAX);
    let progress = state.progress.clone();
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(transfer);
    // Every tick, a computing guest lets other tasks run, among them the clock that ends it.
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let (began, mut computing) = (Instant::now(), Duration::ZERO);
    let outcome = tokio::select! {
        biased;
        limit = progress.exceeded(allowance.time, allowance.idle) => Err(CallError::Limit(limit)),
        outcome = timed(work(&mut store), &mut computing) => {
            outcome.map_err(|error| ended(&error, transfer))
        }
    };
    let state = store.data();
    let usage = Usage {
        memory: state.memory.taken(),
        computing,
        elapsed: began.elapsed(),
        requests: state.tickets.submitted(),
    };
    (outcome, usage)
}

/// Counts the time in which `work` is at work, and not waiting.
async fn timed<T>(mut work: Work<'_, T>, spent: &mut Duration) -> wasmtime::Result<T> {
    poll_fn(|context| {
        let began = Instant::now();
        let polled = work.as_mut().poll(context);
        *spent += began.elapsed();
        polled
    })
    .await
}

/// Why a call ended with an error: an import's decision, a trap, or something between.
fn ended(error: &wasmtime::Error, transfer: usize) -> CallError {
    if let Some(Stop(decided)) = error.downcast_ref::<Stop>() {
        return decided.clone();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => CallError::Limit(Limit::Stack),
        Some(trap) => CallError::Trap {
            reason: trap.to_string(),
        },
        None => {
            let reason = error.root_cause().to_string();
            // wasmtime has no type for this one; a test makes sure that the words still match.
            if reason.contains("fuel allocated for hostcalls") {
                return CallError::Limit(Limit::Transfer {
                    bytes: transfer as u64,
                });
            }
            CallError::Trap { reason }
        }
    }
}
