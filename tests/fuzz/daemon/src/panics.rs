//! Panics wherever they happen: in a task of the daemon one is caught, and would pass for a connection that broke.

use std::panic::{set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

static FIRST: Mutex<Option<String>> = Mutex::new(None);
static WATCHING: Once = Once::new();

/// Forgets what has panicked so far, and sees what does from now on.
pub(crate) fn watch() {
    WATCHING.call_once(|| {
        // libFuzzer's own ends the process.
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| panic.to_string());
            drop(first);
            before(panic);
        }));
    });
    *FIRST.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Fails when anything has panicked since.
pub(crate) fn none_so_far() {
    let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
    assert!(first.is_none(), "a part of the daemon panicked: {first:?}");
}
