//! House rules about dependencies: each is explained, and the pure steps have none that could do I/O.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

/// Crate by crate: the packages that use it, the name in asterisks when only for tests or build scripts.
type Uses = BTreeMap<String, BTreeSet<String>>;

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

/// What the manifests say.
fn declared() -> Uses {
    let workspace = parse(&root().join("Cargo.toml"));
    let mut uses = Uses::new();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let manifest = parse(&root().join(member.as_str().unwrap()).join("Cargo.toml"));
        let package = manifest["package"]["name"].as_str().unwrap();
        let package = package.strip_prefix("camsync-").unwrap_or(package);
        let mut normal = keys(&manifest, "dependencies");
        let targets = manifest.get("target").and_then(toml::Value::as_table);
        for (_, target) in targets.into_iter().flatten() {
            normal.extend(keys(target.as_table().unwrap(), "dependencies"));
        }
        let mut aside = keys(&manifest, "dev-dependencies");
        aside.extend(keys(&manifest, "build-dependencies"));
        aside.retain(|name| !normal.contains(name));
        let named = normal
            .into_iter()
            .map(|name| (name, package.to_owned()))
            .chain(aside.into_iter().map(|name| (name, format!("*{package}*"))));
        for (name, user) in named.filter(|(name, _)| !name.starts_with("camsync")) {
            uses.entry(name).or_default().insert(user);
        }
    }
    uses
}

/// What the page says.
fn explained() -> Uses {
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").expect("a crate");
        let (users, why) = rest.split_once(" | ").expect("its users");
        assert!(why.len() > 10, "{name}: say why");
        let users = users.split(", ").map(str::to_owned).collect();
        (name.to_owned(), users)
    })
    .collect()
}

#[test]
fn each_direct_dependency_is_explained() {
    let (declared, explained) = (declared(), explained());
    assert!(declared.len() > 20, "the manifests were not read");
    for (name, users) in &declared {
        assert_eq!(
            explained.get(name),
            Some(users),
            "docs/dependencies.md on `{name}` (left) and the manifests (right)"
        );
    }
    for name in explained.keys() {
        let used = declared.contains_key(name);
        assert!(
            used,
            "docs/dependencies.md explains `{name}`, which nobody uses"
        );
    }
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
