//! Files that are no configuration, and texts of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use camsync_config::{Config, ConfigError, ConnectorRef, SecretRef};
use camsync_core::rules::{Guard, Leavers, LessAccess, Retry};
use proptest::prelude::*;

const MINIMAL: &str = "[target]\n[[source]]\nname = \"acme\"\nconnector = \"wecom\"\n";

fn refused(path: &Path) -> String {
    Config::load(path).unwrap_err().to_string()
}

#[test]
fn defaults_complete_a_minimal_file() {
    let loaded = Config::parse(MINIMAL, "camsync.toml", Path::new("/x")).unwrap();
    let config = &loaded.config;
    assert_eq!(config.retry, Retry::default());
    assert_eq!(config.guard, Guard::default());
    assert_eq!(config.leavers, Leavers::default());
    assert_eq!(config.drift.less_access, LessAccess::Keep);
    assert_eq!(config.daemon.data_dir, Path::new("/var/lib/camsync"));
    assert_eq!(
        config.daemon.connectors_dir,
        Path::new("/var/lib/camsync/connectors")
    );
    assert_eq!(config.daemon.public_url.as_str(), "http://127.0.0.1:8420/");
    assert_eq!(config.target.requests_per_second, 16);
    assert_eq!(
        config.target.secret_id,
        SecretRef::Env("TENCENTCLOUD_SECRET_ID".into())
    );
    assert_eq!(
        config.retention.snapshots,
        Duration::from_secs(90 * 24 * 3600)
    );
    let source = &config.sources[0];
    assert_eq!(source.limits.memory, 256 << 20);
    assert_eq!(source.schedule.as_str(), "*/10 * * * *");
    assert_eq!(source.connector, ConnectorRef::Named("wecom".into()));
    assert_eq!((source.line, source.allow_hosts.as_ref()), (2, None));
    assert_eq!(loaded.warnings.len(), 1, "nobody is admitted");
}

#[test]
fn relative_paths_start_from_the_file_s_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("camsync.toml");
    let text = "[daemon]\ndata_dir = \"data\"\n[network]\nca_file = \"/etc/ca.pem\"\n[target]\n\
                token = { file = \"t\" }\n[[source]]\nname = \"a\"\nconnector = \"./c.wasm\"\n";
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap().config;
    assert_eq!(config.daemon.data_dir, folder.path().join("data"));
    assert_eq!(
        config.daemon.connectors_dir,
        folder.path().join("data/connectors")
    );
    assert_eq!(config.network.ca_file, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(
        config.target.token,
        Some(SecretRef::File(folder.path().join("t")))
    );
    assert_eq!(
        config.sources[0].connector,
        ConnectorRef::File(folder.path().join("./c.wasm"))
    );
}

#[test]
fn each_unreadable_file_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);

    let absent = refused(&path("absent.toml"));
    assert!(
        absent.contains("absent.toml") && absent.contains("[[source]]"),
        "{absent}"
    );
    assert!(refused(folder.path()).contains("it is a folder"));

    std::fs::write(path("binary"), [0x7f, b'E', b'L', b'F', 0, 0]).unwrap();
    assert!(refused(&path("binary")).contains("binary file"));
    std::fs::write(path("latin"), b"# first\n# caf\xe9\n").unwrap();
    assert!(refused(&path("latin")).contains("line 2 is not UTF-8"));
    std::fs::write(path("utf16"), [0xff, 0xfe, b'[', 0]).unwrap();
    assert!(refused(&path("utf16")).contains("UTF-16"));

    let huge = std::fs::File::create(path("huge")).unwrap();
    huge.set_len(50 << 20).unwrap();
    assert!(refused(&path("huge")).contains("larger than 1024 KiB"));

    std::fs::write(path("bom"), format!("\u{feff}{MINIMAL}")).unwrap();
    assert!(Config::load(&path("bom")).is_ok());
    std::fs::write(path("crlf"), MINIMAL.replace('\n', "\r\n")).unwrap();
    assert!(Config::load(&path("crlf")).is_ok());
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(path("b"), path("a")).unwrap();
    std::os::unix::fs::symlink(path("a"), path("b")).unwrap();
    assert!(matches!(
        Config::load(&path("a")),
        Err(ConfigError::Unreadable { .. })
    ));
    std::os::unix::fs::symlink(path("gone"), path("broken")).unwrap();
    assert!(refused(&path("broken")).contains("symbolic link"));
    assert!(refused(Path::new("/dev/zero")).contains("larger than"));
}

#[test]
fn a_thousand_mistakes_are_not_a_thousand_paragraphs() {
    let mut text = MINIMAL.to_owned();
    for n in 0..1000 {
        text += &format!("x{n} = 1\n");
    }
    let error = Config::parse(&text, "f", Path::new("/")).unwrap_err();
    assert!(error.to_string().ends_with("and 950 more"));
    let ConfigError::Invalid { problems } = error else {
        panic!("the text is invalid")
    };
    assert_eq!(problems.len(), 1000);
    assert_eq!(problems[0].key, "source.x0");
}

/// A megabyte of anything is answered in moments, in a few screens.
#[test]
fn a_megabyte_of_mistakes_is_answered() {
    let filled = |line: &str| line.repeat((1 << 20) / line.len());
    let sources = "[[source]]\nname = \"a\"\nconnector = \"c\"\n";
    let mut keys = MINIMAL.to_owned();
    for n in 0..100_000 {
        keys += &format!("k{n}=1\n");
    }
    for text in [
        keys,
        format!("[target]\n{}", filled(sources)),
        filled("= \n"),
        filled("\u{1}"),
        format!("{MINIMAL}timezone = \"{}\"", filled("z")),
        format!("{MINIMAL}schedule = \"{}\"", filled("1,")),
        format!("{MINIMAL}allow_hosts = [{}]", filled("\"*\",")),
        format!("{MINIMAL}[[admit]]\nwhen = \"{}\"", filled("x.y + ")),
        format!("{MINIMAL}{} = 1", filled("k")),
    ] {
        let error = Config::parse(&text, "f", Path::new("/")).unwrap_err();
        let told = error.to_string();
        assert!(told.len() < 200_000, "{} bytes", told.len());
    }
}

#[test]
fn depth_is_bounded() {
    for opening in ["a = ", "[[admit]]\nwhen = "] {
        let text = format!("{opening}{}", "[".repeat(200_000));
        assert!(Config::parse(&text, "f", Path::new("/")).is_err());
        let text = format!("{opening}{}", "{a=".repeat(100_000));
        assert!(Config::parse(&text, "f", Path::new("/")).is_err());
    }
    let text = format!("{}x = 1", "a.".repeat(200_000));
    assert!(Config::parse(&text, "f", Path::new("/")).is_err());
    let text = format!("{MINIMAL}[[admit]]\nwhen = \"{}\"", "(".repeat(200_000));
    assert!(Config::parse(&text, "f", Path::new("/")).is_err());
}

#[test]
fn the_hash_tells_whether_the_text_changed() {
    let hash = |text: &str| {
        Config::parse(text, "f", Path::new("/"))
            .unwrap()
            .text_sha256
    };
    assert_eq!(hash(MINIMAL), hash(MINIMAL));
    assert_ne!(hash(MINIMAL), hash(&format!("{MINIMAL}#\n")));
    assert_eq!(hash(MINIMAL).len(), 64);
}

/// Texts that resemble a configuration.
fn resembling() -> impl Strategy<Value = String> {
    let sample = include_str!("../../../config/camsync.toml");
    let lines: Vec<&str> = sample.lines().collect();
    let line = prop_oneof![
        4 => prop::sample::select(lines).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => "[a-z_]{1,12} = [\"\\[{0-9a-z]{0,12}",
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics(text in prop_oneof![resembling(), "\\PC{0,200}", ".{0,200}"]) {
        match Config::parse(&text, "f", Path::new("/")) {
            Ok(loaded) => drop(loaded.show()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// A byte cut out, put in or changed anywhere.
    #[test]
    fn no_slip_panics(at in 0usize..10_000, with in any::<char>(), cut in 0usize..3) {
        let mut chars: Vec<char> = include_str!("../../../config/camsync.toml").chars().collect();
        let at = at % chars.len();
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, [with]);
        let text: String = chars.into_iter().collect();
        let _ = Config::parse(&text, "f", Path::new("/"));
    }
}
