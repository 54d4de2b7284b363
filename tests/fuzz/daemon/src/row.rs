//! A ledger that somebody edited, or that a disk has changed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camsync::ledger::{Ledger, LedgerError, Purge};
use camsync::ops::Request;
use chrono::Utc;

use crate::panics;
use crate::read::{ask, everything, questions, words};
use crate::tamper::good;
use crate::world::{World, world};

/// Longer than all of it may take, on a machine that does much else; the fuzzer itself is less patient.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest error, in characters: what is wrong and what to do, not all of what was found.
const LONGEST: usize = 1000;
/// The line after which a ledger is written to.
const PASS: &[u8] = b"then pass";
/// More steps than a purge of so small a ledger has.
const PURGE: u32 = 100;
/// A file system in memory, where there is one.
const MEMORY: &str = "/dev/shm";

/// What is said is a sentence for a person, about this ledger.
fn is_told(said: &str, file: Option<&Path>) {
    let length = said.chars().count();
    let start: String = said.chars().take(LONGEST).collect();
    assert!(
        (10..=LONGEST).contains(&length),
        "{length} characters: {start}"
    );
    if let Some(file) = file {
        let named = said.starts_with(&file.display().to_string());
        assert!(named && said.contains(": "), "of what is it said? {said}");
    }
}

fn folder() -> tempfile::TempDir {
    let made = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir());
    made.expect("a folder")
}

/// What a daemon does with a ledger by itself: at its start, and once a day.
fn look_after(ledger: &Ledger) -> Result<(), LedgerError> {
    ledger.end_idle_resumes(None)?;
    let now = Utc::now();
    let mut purge = Purge::of_before(now);
    for _ in 0..PURGE {
        if ledger.purge_on(&mut purge, now)?.is_some() {
            return Ok(());
        }
    }
    panic!("a purge does not end");
}

/// Reads what can be read of it.
fn is_read(world: &World, file: &Path) {
    let ledger = match Ledger::open_to_read(file) {
        Ok(ledger) => ledger,
        Err(error) => return is_told(&error.to_string(), Some(file)),
    };
    for said in words(&everything(&ledger)) {
        is_told(&said, Some(file));
    }
    let context = world.recorder(Arc::new(ledger));
    for question in questions() {
        if let Err(error) = world.runtime.block_on(ask(&context, question)) {
            is_told(&error.message, None);
        }
    }
}

/// Looks after it, shows a plan, and does a pass, which only records.
fn is_worked_on(world: &World, file: &Path) {
    let ledger = match Ledger::open(file) {
        Ok(ledger) => ledger,
        Err(error) => return is_told(&error.to_string(), Some(file)),
    };
    if let Err(error) = look_after(&ledger) {
        is_told(&error.to_string(), Some(file));
    }
    let context = world.recorder(Arc::new(ledger));
    let (source, basis, timeout_seconds) = (None, true, 2);
    let plan = Request::Plan { source, basis };
    let source = None;
    let sync = Request::Sync {
        source,
        timeout_seconds,
    };
    for request in [plan, sync] {
        if let Err(error) = world.runtime.block_on(ask(&context, request)) {
            is_told(&error.message, None);
        }
    }
}

/// It is read, or refused in words; whatever is done with it ends.
pub(crate) fn ledger_row(data: &[u8]) {
    let world = world();
    let good = good(&world.ledger);
    panics::watch();
    let began = Instant::now();
    let folder = folder();
    let file = folder.path().join("camsync.db");
    good.write(&file, data);
    if data.split(|byte| *byte == b'\n').any(|line| line == PASS) {
        is_worked_on(world, &file);
    } else {
        is_read(world, &file);
    }
    panics::none_so_far();
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
}
