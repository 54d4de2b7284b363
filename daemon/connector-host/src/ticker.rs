//! Advances the engine's epoch while calls run, so that a computing guest yields; sleeps while none does.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use wasmtime::Engine;

/// How long a guest may compute before others get their turn.
const TICK: Duration = Duration::from_millis(10);

#[derive(Default)]
struct State {
    running: usize,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ticking thread, which ends when this is dropped.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

impl Ticker {
    /// Starts the thread: not a task, for a guest could hold every worker that would run it.
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (seen, engine) = (Arc::clone(&shared), engine.weak());
        std::thread::Builder::new()
            .name("connector-epoch".to_owned())
            .spawn(move || {
                loop {
                    let state = seen.lock();
                    let idle = |state: &mut State| state.running == 0 && !state.stopped;
                    let state = seen
                        .changed
                        .wait_while(state, idle)
                        .unwrap_or_else(PoisonError::into_inner);
                    let stopped = state.stopped;
                    drop(state);
                    let Some(engine) = engine.upgrade().filter(|_| !stopped) else {
                        break;
                    };
                    std::thread::sleep(TICK);
                    engine.increment_epoch();
                }
            })?;
        Ok(Self { shared })
    }

    /// Keeps the epoch advancing until the guard is dropped.
    pub(crate) fn running(&self) -> Running {
        self.shared.lock().running += 1;
        self.shared.changed.notify_one();
        Running {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
    }
}

/// A call is running.
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.lock().running -= 1;
    }
}
