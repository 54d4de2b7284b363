//! What fuzzing has found, and what it began from, again: in every run of the tests, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use camsync_fuzz_targets::TARGETS;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn files(target: &str) -> Vec<PathBuf> {
    let found = std::fs::read_dir(corpora().join(target)).unwrap().flatten();
    let mut files: Vec<_> = found.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn every_file_of_every_corpus_passes() {
    for (target, run) in TARGETS {
        let files = files(target);
        assert!(files.len() > 2, "{target} has no corpus");
        for file in files {
            let data = std::fs::read(&file).unwrap();
            let passed = std::panic::catch_unwind(|| run(&data));
            assert!(passed.is_ok(), "{target}: {}", file.display());
        }
    }
}

/// Half of each file, and each file with a byte changed at a few places: near what is known to be of interest.
#[test]
fn what_is_near_to_the_corpora_passes() {
    for (target, run) in TARGETS {
        for file in files(target) {
            let data = std::fs::read(&file).unwrap();
            run(&data[..data.len() / 2]);
            for at in (0..data.len()).step_by(1 + data.len() / 8) {
                let mut near = data.clone();
                near[at] ^= 0x20;
                run(&near);
                near[at] = 0;
                run(&near);
            }
        }
    }
}

/// A folder that no target reads would never be replayed.
#[test]
fn each_corpus_has_a_target() {
    let folders = std::fs::read_dir(corpora()).unwrap().flatten();
    let folders: BTreeSet<String> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}
