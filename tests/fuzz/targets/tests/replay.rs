//! What fuzzing has found, and what it began from, again: in every run of the tests, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use camsync_fuzz_targets::TARGETS;

#[path = "../../replay.rs"]
mod replay;

#[test]
fn every_file_of_every_corpus_passes() {
    replay::all(&TARGETS);
}

#[test]
fn what_is_near_to_the_corpora_passes() {
    replay::near(&TARGETS, |length| (0..length).step_by(1 + length / 8));
}
