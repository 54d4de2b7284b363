//! What fuzzing the daemon has found, and what it began from, again: in every run of the tests, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use camsync_fuzz_daemon::TARGETS;

#[path = "../../replay.rs"]
mod replay;

#[test]
fn every_file_of_the_daemon_s_corpora_passes() {
    replay::all(&TARGETS);
}

/// At one place of each file: a daemon takes longer than a function.
#[test]
fn what_is_near_to_the_daemon_s_corpora_passes() {
    replay::near(&TARGETS, |length| (length / 3..length).take(1));
}

/// A folder that no target reads would never be replayed.
#[test]
fn each_corpus_has_a_target() {
    let folders = std::fs::read_dir(replay::corpora()).unwrap().flatten();
    let folders: BTreeSet<String> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let others = camsync_fuzz_targets::TARGETS.iter();
    let targets = TARGETS.iter().chain(others);
    let targets = targets.map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}
