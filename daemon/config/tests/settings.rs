//! Settings against a connector's schema, and secrets from wherever they come.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use camsync_config::{
    Config, Problem, ReloadingSecret, ResolvedSettings, SecretError, SecretRef, Source,
    resolve_settings,
};
use serde_json::{Value, json};

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["corp_id", "secret"],
        "additionalProperties": false,
        "properties": {
            "corp_id": { "type": "string", "pattern": "^ww", "description": "the enterprise's id" },
            "agent_id": { "type": "integer", "minimum": 1 },
            "secret": { "type": "string", "minLength": 4, "x-camsync-secret": true, "description": "the app's secret" },
            "api_base": { "type": "string", "x-camsync-endpoint": true },
            "mirrors": { "type": "array", "items": { "$ref": "#/$defs/endpoint" } },
            "nested": { "$ref": "#/$defs/nested" }
        },
        "$defs": {
            "endpoint": { "type": "string", "x-camsync-endpoint": true },
            "nested": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "key": { "type": "string", "x-camsync-secret": true }, "label": { "type": "string" } }
            }
        }
    })
}

fn source(settings: &str) -> Source {
    let text = format!(
        "[target]\n[[source]]\nname = \"a\"\nconnector = \"x\"\n[source.settings]\n{settings}\n"
    );
    let loaded =
        Config::parse(&text, "c.toml", Path::new("/etc/camsync")).unwrap_or_else(|e| panic!("{e}"));
    loaded.config.sources[0].clone()
}

fn env(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some("hunter2".into()),
        "SHORT" => Some("h2".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn resolve(settings: &str) -> Result<ResolvedSettings, Vec<Problem>> {
    resolve_settings(&source(settings), &schema(), &env)
}

/// The problems of these settings, each as `line:column message; remedy`.
fn problems(settings: &str) -> Vec<String> {
    let problems = resolve(settings).unwrap_err();
    for problem in &problems {
        let told = format!("{problem} {problem:?}");
        assert!(
            !told.contains("hunter2") && !told.contains("h2\""),
            "{told}"
        );
    }
    problems
        .iter()
        .map(|p| {
            format!(
                "{}:{} {}; {}",
                p.line,
                p.column,
                p.message,
                p.remedy.replace('\n', " ")
            )
        })
        .collect()
}

#[test]
fn good_settings_are_resolved() {
    let resolved = resolve(
        "corp_id = \"ww1\"\nsecret = { env = \"SECRET\" }\napi_base = \"http://127.0.0.1:9\"\n\
         mirrors = [\"https://a.example\"]\n[source.settings.nested]\nkey = { env = \"SECRET\" }\nlabel = \"l\"",
    )
    .unwrap();
    assert_eq!(
        resolved.json,
        json!({
            "corp_id": "ww1", "secret": "hunter2", "api_base": "http://127.0.0.1:9",
            "mirrors": ["https://a.example"], "nested": { "key": "hunter2", "label": "l" }
        })
    );
    assert_eq!(resolved.secrets.len(), 2);
    let endpoints: Vec<_> = resolved.endpoints.iter().map(url::Url::as_str).collect();
    assert_eq!(endpoints, ["http://127.0.0.1:9/", "https://a.example/"]);
    assert!(!format!("{resolved:?}").contains("hunter2"));
}

#[test]
fn all_that_is_wrong_is_told_at_its_place() {
    let told = problems(
        "corp_id = 5\nagent_id = 0\nsecrt = { env = \"SECRET\" }\nschedule = \"* * * * *\"\n\
         api_base = \"http://evil.example\"\nnested = { key = \"hunter2\", lable = \"x\" }\nmirrors = [\"nope\"]",
    );
    assert_eq!(
        told,
        [
            "5:1 `source.settings.secret` is missing; \
             add `secret`: the app's secret a secret: { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }",
            "6:11 `source.settings.corp_id` is not of type \"string\"; the enterprise's id",
            "7:12 `source.settings.agent_id` is less than the minimum of 1; ",
            "8:1 `source.settings.secrt` is a key that this connector does not know, did you mean `secret`?; \
             known here: agent_id, api_base, corp_id, mirrors, nested, secret",
            "9:1 `source.settings.schedule` is a key that this connector does not know; \
             `schedule` is a key of [[source]]: put it above [source.settings]",
            "10:12 `source.settings.api_base` is not encrypted; \
             write https://; http:// is accepted for loopback (127.0.0.1, [::1], localhost) only",
            "11:18 `source.settings.nested.key` is a secret, and the configuration holds no secrets; \
             write a secret: { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }",
            "11:29 `source.settings.nested.lable` is a key that this connector does not know, did you mean `label`?; \
             known here: key, label",
            "12:12 `source.settings.mirrors.0` is not a URL; write it whole, with https:// in front",
        ]
    );
}

#[test]
fn a_secret_stands_where_the_schema_wants_one_and_nowhere_else() {
    assert_eq!(
        problems("corp_id = { env = \"SECRET\" }\nsecret = { env = \"SECRET\" }"),
        [
            "6:11 `source.settings.corp_id` is not a secret of this connector; write the value itself"
        ]
    );
    assert_eq!(
        problems("corp_id = \"ww\"\nsecret = { env = \"UNSET\" }"),
        [
            "7:10 `source.settings.secret` cannot be had; the environment variable UNSET is not set: set it"
        ]
    );
    assert_eq!(
        problems("corp_id = \"ww\"\nsecret = { value = \"hunter2\" }").len(),
        1
    );
    // A schema that lets unknown keys pass lets no secret pass with them.
    let open = resolve_settings(&source("x = { env = \"SECRET\" }"), &json!({}), &env);
    assert!(
        open.unwrap_err()[0]
            .message
            .contains("`source.settings.x` is not a secret"),
        "the connector did not ask for it"
    );
    // The value itself is checked, and not repeated.
    assert_eq!(
        problems("corp_id = \"ww\"\nsecret = { env = \"SHORT\" }"),
        ["7:10 `source.settings.secret` is shorter than 4 characters; the app's secret"]
    );
}

#[test]
fn a_schema_that_is_none_is_the_connector_s_fault() {
    let refused =
        resolve_settings(&source("a = 1"), &json!({ "type": "objekt" }), &env).unwrap_err();
    assert!(
        refused[0]
            .message
            .contains("the connector's own schema is wrong"),
        "{}",
        refused[0]
    );
    let looping = json!({ "properties": { "a": { "$ref": "#/properties/a" } } });
    let _ = resolve_settings(&source("a = { b = 1 }"), &looping, &env);
}

#[test]
fn each_kind_of_place_gives_its_secret_or_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let file = SecretRef::File(path.clone());
    let told = |reference: &SecretRef| reference.resolve(&env).unwrap_err().to_string();

    assert_eq!(
        SecretRef::Env("SECRET".into())
            .resolve(&env)
            .unwrap()
            .expose(),
        "hunter2"
    );
    assert_eq!(
        told(&SecretRef::Env("UNSET".into())),
        "the environment variable UNSET is not set: set it"
    );
    assert!(told(&SecretRef::Env("EMPTY".into())).starts_with("env:EMPTY is empty"));

    assert!(matches!(
        file.resolve(&env),
        Err(SecretError::Unreadable { .. })
    ));
    assert!(told(&file).starts_with(&format!("the file {} cannot be read: ", path.display())));
    for (bytes, why) in [
        (&b"\n"[..], "is empty"),
        (b"hunter2\nhunter3\n", "more than one line"),
        (b"\xff\xfe", "not text"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert!(
            told(&file).contains(why) && !told(&file).contains("hunter"),
            "{}",
            told(&file)
        );
    }
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    assert!(told(&file).contains("64 KiB"));
    std::fs::write(&path, " hunter2 \r\n").unwrap();
    assert_eq!(file.resolve(&env).unwrap().expose(), " hunter2 ");

    let credential = SecretRef::Credential("s".into());
    assert!(told(&credential).contains("LoadCredential=s:FILE"));
    let systemd =
        |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| folder.path().display().to_string());
    assert_eq!(credential.resolve(&systemd).unwrap().expose(), " hunter2 ");
}

#[test]
fn a_secret_is_shown_nowhere() {
    let secret = SecretRef::Env("SECRET".into()).resolve(&env).unwrap();
    assert_eq!(format!("{secret} {secret:?}"), "… Secret(…)");
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_keeps_the_last_good_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let secret = ReloadingSecret::new(SecretRef::File(path.clone()));
    let now = || secret.current(&env).unwrap().expose().to_owned();

    assert!(secret.current(&env).is_err());
    std::fs::write(&path, "one\n").unwrap();
    assert_eq!(now(), "one");
    std::fs::write(&path, "second\n").unwrap();
    assert_eq!(now(), "second");

    // Replaced by renaming, with the same length and the same time.
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let fresh = folder.path().join("fresh");
    std::fs::write(&fresh, "third.\n").unwrap();
    std::fs::File::options()
        .write(true)
        .open(&fresh)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    std::fs::rename(&fresh, &path).unwrap();
    assert_eq!(now(), "third.");

    std::fs::write(&path, "").unwrap();
    assert_eq!(now(), "third.");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(now(), "third.");
    std::fs::write(&path, "fourth").unwrap();
    assert_eq!(now(), "fourth");
    assert!(!format!("{secret:?}").contains("fourth"));
}
