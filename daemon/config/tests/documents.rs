//! The committed sample, JSON Schema and manual pages agree with the program. `UPDATE=1` writes all but the sample anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use camsync_config::{Config, Tongue, manual, schema};
use serde_json::Value;

fn committed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn agrees(path: &str, made: &str) {
    let path = committed(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{} is out of date: UPDATE=1 cargo test -p camsync-config",
        path.display()
    );
}

fn sample() -> String {
    std::fs::read_to_string(committed("config/camsync.toml")).unwrap()
}

/// The sample with its optional keys switched on.
fn whole_sample() -> String {
    let switched_on = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && !rest.starts_with(|c: char| c.is_uppercase()) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    sample()
        .lines()
        .map(switched_on)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_schema_is_committed_and_is_one() {
    let made = schema();
    jsonschema::meta::validate(&made).unwrap();
    agrees(
        "config/camsync.schema.json",
        &format!("{}\n", serde_json::to_string_pretty(&made).unwrap()),
    );
}

#[test]
fn the_manual_is_committed_in_both_languages() {
    agrees("docs/configuration.md", &manual(Tongue::English));
    agrees("docs/configuration.zh-CN.md", &manual(Tongue::Chinese));
}

#[test]
fn the_sample_is_valid_and_raises_no_warning() {
    for text in [sample(), whole_sample()] {
        let loaded = Config::parse(&text, "config/camsync.toml", Path::new("/etc/camsync"))
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, []);
        let as_json: Value = toml::from_str(&text).unwrap();
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let complaints: Vec<String> = validator
            .iter_errors(&as_json)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(
            complaints,
            Vec::<String>::new(),
            "the schema accepts what the program accepts"
        );
    }
}

/// Every key path of a JSON document, lists left out of the paths.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if path != "source.settings" => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                found.insert(path.clone());
                paths(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, path, found)),
        _ => {}
    }
}

#[test]
fn the_sample_holds_every_key_and_show_shows_every_key() {
    let mut declared = BTreeSet::new();
    declared_paths(&schema(), "", &mut declared);
    assert!(declared.contains("source.limits.memory") && declared.contains("console.admin.role"));

    let text = whole_sample();
    let mut in_sample = BTreeSet::new();
    paths(&toml::from_str(&text).unwrap(), "", &mut in_sample);
    let missing: Vec<_> = declared.difference(&in_sample).collect();
    assert!(missing.is_empty(), "the sample lacks {missing:?}");

    let shown = Config::parse(&text, "f", Path::new("/etc/camsync"))
        .unwrap()
        .show();
    let mut in_show = BTreeSet::new();
    paths(&shown, "", &mut in_show);
    let missing: Vec<_> = declared.difference(&in_show).collect();
    assert!(missing.is_empty(), "show lacks {missing:?}");
    assert_eq!(shown["target"]["secret_key"], "env:TENCENTCLOUD_SECRET_KEY");
    assert_eq!(shown["source"][0]["settings"]["secret"], "env:WECOM_SECRET");
    assert_eq!(shown["source"][0]["limits"]["memory"], "256MiB");
    assert_eq!(shown["leavers"]["delete_after"], "30days");
}

fn declared_paths(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let schema = schema.get("items").unwrap_or(schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (key, inner) in properties {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        declared_paths(inner, &path, found);
        found.insert(path);
    }
}

#[test]
fn a_literal_secret_among_the_settings_is_not_shown() {
    let text = "[target]\n[[source]]\nname = \"a\"\nconnector = \"x\"\n\
                settings = { secret = \"hunter2\", deep = [{ api_key = \"hunter2\" }], corp = \"c\" }";
    let loaded = Config::parse(text, "f", Path::new("/")).unwrap();
    let shown = loaded.show().to_string();
    assert!(
        !shown.contains("hunter2") && shown.contains("\"corp\":\"c\""),
        "{shown}"
    );
    assert!(!format!("{loaded:?}").contains("hunter2"));
}
