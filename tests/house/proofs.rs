//! A house rule about pages: the tests that they name as proof are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGES: [&str; 3] = [
    "docs/security.md",
    "docs/security.zh-CN.md",
    "docs/testing.md",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Names of functions and modules below a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() && name != "target" {
            collect(&path, names);
            names.insert(name);
        } else if let Some(module) = name.strip_suffix(".rs") {
            names.insert(module.to_owned());
            let text = fs::read_to_string(&path).unwrap();
            let functions = text.split("fn ").skip(1);
            let name = |after: &str| -> String {
                let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
                after.chars().take_while(is_word).collect()
            };
            names.extend(functions.map(name));
        }
    }
}

/// What stands in backticks and has a path in it.
fn named(page: &str) -> impl Iterator<Item = &str> {
    let words = page.split('`').skip(1).step_by(2);
    words.filter(|word| word.contains("::"))
}

fn is_there(wanted: &str, names: &BTreeSet<String>) -> bool {
    let mut parts = wanted.rsplit("::");
    let last = parts.next().unwrap();
    // `module::*` is all of a module.
    let last = if last == "*" {
        parts.next().unwrap()
    } else {
        last
    };
    let last = last.rsplit(' ').next().unwrap();
    match last.split_once('*') {
        None => names.contains(last),
        Some((head, tail)) => names
            .iter()
            .any(|name| name.starts_with(head) && name.ends_with(tail)),
    }
}

#[test]
fn each_test_that_a_page_names_is_there() {
    let mut names = BTreeSet::new();
    for folder in ["connectors", "daemon", "tests"] {
        collect(&root().join(folder), &mut names);
    }
    assert!(!is_there("api::nobody_ever_wrote_this", &names));
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let missing: Vec<_> = named(&text)
            .filter(|name| !is_there(name, &names))
            .collect();
        assert!(missing.is_empty(), "{page} names {missing:?}");
        assert!(named(&text).count() > 20, "{page} was not read");
    }
}
