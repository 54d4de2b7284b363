//! The built-in connector, built for real by two callers at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use camsync_connector_build::{BuildError, build};

/// One folder for every run: building the standard library may take a minute, the second time it takes none.
fn target_dir() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("connectors")
}

fn wecom() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wecom")
}

#[test]
fn two_callers_at_once_get_one_component_that_is_not_written_again() {
    let target = target_dir();
    let built: Vec<PathBuf> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| build(&wecom(), &target)))
            .collect();
        let built = callers.into_iter().map(|caller| caller.join().unwrap());
        built
            .map(|built| built.unwrap_or_else(|error| panic!("{error}")))
            .collect()
    });
    assert_eq!(built[0], built[1]);
    let bytes = fs::read(&built[0]).unwrap();
    // A component's preamble, in which a core module has `01 00 00 00`.
    assert_eq!(bytes[..8], *b"\0asm\x0d\0\x01\0");
    assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
    let written = fs::metadata(&built[0]).unwrap().modified().unwrap();
    build(&wecom(), &target).unwrap();
    assert_eq!(
        fs::metadata(&built[0]).unwrap().modified().unwrap(),
        written
    );
}

#[test]
fn what_cargo_says_is_passed_on() {
    let absent = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    match build(&absent, &target_dir()) {
        Err(BuildError::Cargo { stderr_tail, .. }) => {
            assert!(stderr_tail.contains("Cargo.toml"), "{stderr_tail}")
        }
        other => panic!("{other:?}"),
    }
}
