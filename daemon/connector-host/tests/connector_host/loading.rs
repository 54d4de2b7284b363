//! What is loaded, and what is refused with which words.

use std::path::PathBuf;

use camsync_connector_host::{
    CallError, DescriptionError, Foreign, FormatError, Host, HostError, HostOptions, Limit,
    LoadErrorKind, Origin, types::Capability,
};

use crate::support::{guest, guest_describing, load, options};

async fn refusal(bytes: &[u8]) -> LoadErrorKind {
    load(&Host::new(options()).unwrap(), bytes.to_vec())
        .await
        .unwrap_err()
        .kind
}

#[tokio::test]
async fn a_connector_says_what_it_is() {
    let host = Host::new(options()).unwrap();
    let connector = load(&host, guest().to_vec()).await.unwrap();
    let description = connector.description();
    assert_eq!(
        (description.name.as_str(), description.version.as_str()),
        ("guest", "1.2.3")
    );
    assert_eq!(description.wit, "1.0.0");
    assert_eq!(description.sha256.len(), 64);
    assert_eq!(description.hosts, ["idp.example".parse().unwrap()]);
    assert!(description.capabilities.contains(&Capability::LookUp));
    assert_eq!(description.secret_settings(), ["/secret"]);
    assert_eq!(connector.origin().to_string(), "built-in connector guest");
    let json = serde_json::to_value(description).unwrap();
    assert_eq!(json["hosts"], serde_json::json!(["idp.example"]));
    assert_eq!(
        json["capabilities"],
        serde_json::json!(["look-up", "callbacks", "sign-in", "messages"])
    );
}

#[tokio::test]
async fn a_pinned_digest_must_match() {
    let host = Host::new(options()).unwrap();
    let digest = load(&host, guest().to_vec())
        .await
        .unwrap()
        .description()
        .sha256
        .clone();
    let origin = Origin::File(PathBuf::from("guest.wasm"));
    let upper = digest.to_uppercase();
    assert!(
        host.load(origin.clone(), guest().to_vec(), Some(&upper))
            .await
            .is_ok()
    );
    let error = host
        .load(origin, guest().to_vec(), Some("00"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        LoadErrorKind::Digest {
            expected: "00".to_owned(),
            found: digest
        }
    );
    assert!(error.to_string().starts_with("guest.wasm: "), "{error}");
}

#[tokio::test]
async fn files_that_are_no_connectors_are_refused_by_kind() {
    let kind = refusal(b"MZ not wasm").await;
    assert_eq!(
        kind,
        LoadErrorKind::Format(FormatError::NotWebAssembly {
            found: Foreign::Other
        })
    );
    let kind = refusal(&wat::parse_str("(module (memory 1))").unwrap()).await;
    assert_eq!(kind, LoadErrorKind::Format(FormatError::CoreModule));
    let whole = guest();
    for length in [8, 100, whole.len() / 2, whole.len() - 1] {
        let kind = refusal(&whole[..length]).await;
        assert!(
            matches!(
                kind,
                LoadErrorKind::Format(FormatError::Damaged { .. } | FormatError::OtherWorld { .. })
            ),
            "{length}: {kind}"
        );
    }
    let kind = refusal(
        &wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap(),
    )
    .await;
    assert!(
        matches!(kind, LoadErrorKind::Format(FormatError::OtherWorld { .. })),
        "{kind}"
    );
}

#[tokio::test]
async fn a_component_that_asks_for_files_is_refused_by_name() {
    let wat = r#"(component
        (import "wasi:filesystem/types@0.2.0" (instance))
        (instance $connector) (export "camsync:connector/connector@1.0.0" (instance $connector)))"#;
    let kind = refusal(&wat::parse_str(wat).unwrap()).await;
    assert!(
        kind.to_string().contains("wasi:filesystem/types@0.2.0"),
        "{kind}"
    );
}

#[tokio::test]
async fn an_unknown_version_is_refused_by_name() {
    let wat = r#"(component (instance $connector) (export "camsync:connector/connector@3.1.4" (instance $connector)))"#;
    let kind = refusal(&wat::parse_str(wat).unwrap()).await;
    let text = kind.to_string();
    assert!(
        text.contains("3.1.4") && text.contains("serves 1.0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_connector_that_lacks_functions_is_refused() {
    let wat = r#"(component (instance $connector) (export "camsync:connector/connector@1.0.0" (instance $connector)))"#;
    let kind = refusal(&wat::parse_str(wat).unwrap()).await;
    assert!(matches!(kind, LoadErrorKind::Interface { .. }), "{kind}");
}

#[tokio::test]
async fn code_that_does_not_validate_is_refused() {
    let wat = r#"(component
        (core module (func (result i32)))
        (instance $connector) (export "camsync:connector/connector@1.0.0" (instance $connector)))"#;
    let kind = refusal(&wat::parse_str(wat).unwrap()).await;
    assert!(matches!(kind, LoadErrorKind::Compile { .. }), "{kind}");
}

#[tokio::test]
async fn a_description_is_bounded_like_any_call() {
    for (word, limit) in [
        ("stack", "Stack"),
        ("memory", "Memory"),
        ("log-flood", "Log"),
    ] {
        let kind = refusal(&guest_describing(word)).await;
        assert!(
            matches!(&kind, LoadErrorKind::Describe(CallError::Limit(_))),
            "{word}: {kind:?}"
        );
        assert!(format!("{kind:?}").contains(limit), "{word}: {kind:?}");
    }
    let kind = refusal(&guest_describing("trap")).await;
    assert!(
        matches!(&kind, LoadErrorKind::Describe(CallError::Trap { .. })),
        "{kind:?}"
    );
}

#[tokio::test]
async fn an_endless_description_ends() {
    let host = Host::new(HostOptions {
        describe_time: std::time::Duration::from_millis(200),
        ..options()
    })
    .unwrap();
    let kind = load(&host, guest_describing("loop"))
        .await
        .unwrap_err()
        .kind;
    assert!(
        matches!(
            kind,
            LoadErrorKind::Describe(CallError::Limit(Limit::Time { .. } | Limit::Idle { .. }))
        ),
        "{kind}"
    );
}

#[tokio::test]
async fn a_wrong_description_is_refused_by_part() {
    type Is = fn(&DescriptionError) -> bool;
    let cases: [(&str, Is); 4] = [
        ("name:Bad Name", |error| {
            matches!(error, DescriptionError::Name { .. })
        }),
        ("version:one", |error| {
            matches!(error, DescriptionError::Version { .. })
        }),
        ("schema:[]", |error| {
            matches!(error, DescriptionError::Schema { .. })
        }),
        ("host:*.example", |error| {
            matches!(error, DescriptionError::Host(_))
        }),
    ];
    for (word, is) in cases {
        let kind = refusal(&guest_describing(word)).await;
        assert!(
            matches!(&kind, LoadErrorKind::Description(error) if is(error)),
            "{word}: {kind}"
        );
    }
}

#[tokio::test]
async fn compiled_code_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cached = || {
        Host::new(HostOptions {
            cache_dir: Some(folder.path().join("a/b")),
            ..options()
        })
        .unwrap()
    };
    let first = cached();
    load(&first, guest().to_vec()).await.unwrap();
    let (hits, misses) = first.code_cache_use();
    assert_eq!(hits, 0);
    assert!(misses > 0);
    let second = cached();
    load(&second, guest().to_vec()).await.unwrap();
    let (hits, misses) = second.code_cache_use();
    assert!(hits > 0);
    assert_eq!(misses, 0);
}

#[tokio::test]
async fn damaged_compiled_code_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let cached = || {
        let cache_dir = Some(folder.path().join("compiled"));
        Host::new(HostOptions {
            cache_dir,
            ..options()
        })
        .unwrap()
    };
    load(&cached(), guest().to_vec()).await.unwrap();
    let damaged = damage(folder.path());
    assert!(damaged > 0);
    let host = cached();
    load(&host, guest().to_vec()).await.unwrap();
    assert_eq!(host.code_cache_use().0, 0);
}

/// Cuts every file below a folder short, and says how many there were.
fn damage(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let cut = |path: std::path::PathBuf| {
        if path.is_dir() {
            return damage(&path);
        }
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        1
    };
    entries.map(cut).sum()
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let error = Host::new(HostOptions {
        cache_dir: Some(folder.path().to_owned()),
        ..options()
    })
    .unwrap_err();
    assert!(error.to_string().contains("chmod go-w"), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_be_set_up_says_why() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = |options| Host::new(options).unwrap_err();
    let inside = file.path().join("cache");
    let refused = error(HostOptions {
        cache_dir: Some(inside),
        ..options()
    });
    assert!(matches!(refused, HostError::CacheDir { .. }), "{refused}");
    let refused = error(HostOptions {
        extra_ca_pem: Some(b"nonsense".to_vec()),
        ..options()
    });
    assert!(matches!(refused, HostError::ExtraCa { .. }), "{refused}");
    let refused = error(HostOptions {
        proxy: Some("socks5://127.0.0.1:1".parse().unwrap()),
        ..options()
    });
    assert!(matches!(refused, HostError::Proxy), "{refused}");
}
