//! Configurations that are refused or warned about, and the very words. `UPDATE=1` writes the words anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;

use camsync_config::Config;

/// What a user is told about a text: warnings, or why it is refused.
fn told(text: &str, name: &str) -> String {
    match Config::parse(text, name, Path::new("/etc/camsync")) {
        Err(error) => format!("{error}\n"),
        Ok(loaded) => loaded
            .warnings
            .iter()
            .fold(String::new(), |mut all, warning| {
                writeln!(all, "warning: {warning}\n").unwrap();
                all
            }),
    }
}

#[test]
fn each_case_is_told_in_the_expected_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        cases += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let told = told(&std::fs::read_to_string(&path).unwrap(), name);
        let expected = path.with_extension("err");
        if update {
            std::fs::write(&expected, &told).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != told {
            writeln!(wrong, "== {name} is told:\n{told}").unwrap();
        }
        assert!(!told.contains("hunter2"), "{name} shows a secret:\n{told}");
    }
    assert!(cases > 10, "the cases are there");
    assert!(wrong.is_empty(), "{wrong}");
}
