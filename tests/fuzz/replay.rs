//! Runs targets over what fuzzing has found, and what it began from: a part of the tests of each crate that has targets.

use std::path::{Path, PathBuf};

/// A target's name, which is its corpus's too, and its function.
type Target = (&'static str, fn(&[u8]));

/// Where the corpora are; seen from either crate.
pub(crate) fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn files(target: &str) -> Vec<PathBuf> {
    let found = std::fs::read_dir(corpora().join(target)).unwrap().flatten();
    let mut files: Vec<_> = found.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Each file of each corpus.
pub(crate) fn all(targets: &[Target]) {
    for (target, run) in targets {
        let files = files(target);
        assert!(files.len() > 2, "{target} has no corpus");
        for file in files {
            let data = std::fs::read(&file).unwrap();
            let passed = std::panic::catch_unwind(|| run(&data));
            assert!(passed.is_ok(), "{target}: {}", file.display());
        }
    }
}

/// Half of each file, and each file with a byte changed at some places of its length: near what is known to be of interest.
pub(crate) fn near<I: Iterator<Item = usize>>(targets: &[Target], places: impl Fn(usize) -> I) {
    for (target, run) in targets {
        for file in files(target) {
            let data = std::fs::read(&file).unwrap();
            run(&data[..data.len() / 2]);
            for at in places(data.len()) {
                let mut near = data.clone();
                near[at] ^= 0x20;
                run(&near);
                near[at] = 0;
                run(&near);
            }
        }
    }
}
