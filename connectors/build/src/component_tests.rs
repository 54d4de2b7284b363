//! What is refused, and how files are written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use tempfile::TempDir;

use super::*;

/// `(module)`: a magic number and a version, nothing else.
const EMPTY_MODULE: [u8; 8] = [0, b'a', b's', b'm', 1, 0, 0, 0];

#[test]
fn what_is_no_connector_is_refused_with_a_reason() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("m.wasm");
    for bytes in [&EMPTY_MODULE[..], b"no wasm at all", b""] {
        fs::write(&path, bytes).unwrap();
        let error = encode(&path).unwrap_err();
        assert!(matches!(error, BuildError::NotAConnector { .. }), "{error}");
    }
    let absent = encode(&root.path().join("absent.wasm")).unwrap_err();
    assert!(matches!(absent, BuildError::File { .. }), "{absent}");
}

#[test]
fn an_unchanged_component_is_not_written_again() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("deep/er/c.wasm");
    write_if_changed(&path, b"one").unwrap();
    let first = fs::metadata(&path).unwrap().modified().unwrap();
    write_if_changed(&path, b"one").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), first);
    write_if_changed(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "no half file stays"
    );
}

#[test]
fn many_writers_leave_one_whole_file() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("c.wasm");
    let contents: Vec<Vec<u8>> = (0..8).map(|writer| vec![writer; 100_000]).collect();
    std::thread::scope(|scope| {
        for content in &contents {
            scope.spawn(|| write_if_changed(&path, content).unwrap());
        }
    });
    assert!(contents.contains(&fs::read(&path).unwrap()));
}
