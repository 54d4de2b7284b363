//! House rules about dependencies: each is explained, and the pure steps have none that could do I/O.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn parse(path: &Path) -> toml::Table {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn keys(table: &toml::Table, section: &str) -> Vec<String> {
    let found = table.get(section).and_then(toml::Value::as_table);
    found
        .into_iter()
        .flatten()
        .map(|(k, _)| k.clone())
        .collect()
}

/// What the manifests say, for each of their tables of dependencies.
fn declared() -> BTreeSet<String> {
    let workspace = parse(&root().join("Cargo.toml"));
    let mut declared = BTreeSet::new();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let manifest = parse(&root().join(member.as_str().unwrap()).join("Cargo.toml"));
        let targets = manifest.get("target").and_then(toml::Value::as_table);
        let targets = targets.into_iter().flatten();
        let tables = targets.map(|(_, target)| target.as_table().unwrap());
        for table in tables.chain([&manifest]) {
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                declared.extend(keys(table, section));
            }
        }
    }
    declared.retain(|name| !name.starts_with("camsync"));
    declared
}

/// What the page says.
fn explained() -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, why) = row.split_once("` | ").expect("a crate");
        assert!(why.len() > 10, "{name}: say why");
        name.to_owned()
    })
    .collect()
}

#[test]
fn each_direct_dependency_is_explained() {
    let (declared, explained) = (declared(), explained());
    assert!(declared.len() > 20, "the manifests were not read");
    let missing: Vec<_> = declared.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/dependencies.md lacks {missing:?}");
    let unused: Vec<_> = explained.difference(&declared).collect();
    assert!(
        unused.is_empty(),
        "docs/dependencies.md explains {unused:?}, which nobody uses"
    );
}

/// By name, without versions: which packages a package was locked with, tests included.
fn locked() -> HashMap<String, BTreeSet<String>> {
    let lock = parse(&root().join("Cargo.lock"));
    let mut packages: HashMap<String, BTreeSet<String>> = HashMap::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap().to_owned();
        let needs = package.get("dependencies").and_then(toml::Value::as_array);
        let needs = needs.into_iter().flatten().map(|need| {
            let need = need.as_str().unwrap();
            need.split_once(' ')
                .map_or(need, |(name, _)| name)
                .to_owned()
        });
        packages.entry(name).or_default().extend(needs);
    }
    packages
}

#[test]
fn the_pure_steps_cannot_do_io() {
    let packages = locked();
    let mut reached = BTreeSet::new();
    let mut open = vec!["camsync-core".to_owned()];
    while let Some(name) = open.pop() {
        if reached.insert(name.clone()) {
            open.extend(packages.get(&name).into_iter().flatten().cloned());
        }
    }
    assert!(reached.contains("minijinja"), "the lock file was not read");
    for name in ["tokio", "hyper", "reqwest", "rusqlite", "wasmtime", "axum"] {
        assert!(!reached.contains(name), "camsync-core reaches {name}");
    }
}
