//! The inner cargo's command line and environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn line(build_std: bool) -> String {
    let toolchain = Toolchain {
        cargo: "/t/cargo".into(),
        rustc: "/t/rustc".into(),
        build_std,
        linker: build_std.then(|| "/t/rust-lld".into()),
    };
    let command = command(&toolchain, Path::new("/c"), Path::new("/out"));
    let words = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned());
    let set = command.get_envs().filter_map(|(name, value)| {
        Some(format!(
            "{}={}",
            name.to_string_lossy(),
            value?.to_string_lossy()
        ))
    });
    set.chain(words).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_installed_target_needs_no_unstable_option() {
    let line = line(false);
    assert!(
        line.contains("--release --target wasm32-unknown-unknown"),
        "{line}"
    );
    assert!(line.contains("RUSTC=/t/rustc"), "{line}");
    assert!(
        !line.contains("-Z") && !line.contains("RUSTC_BOOTSTRAP") && !line.contains("LINKER"),
        "{line}"
    );
}

#[test]
fn building_std_takes_the_bootstrap_switch_and_the_linker() {
    let line = line(true);
    assert!(line.contains("-Z build-std=std,panic_abort"), "{line}");
    assert!(line.contains("RUSTC_BOOTSTRAP=1"), "{line}");
    assert!(
        line.contains("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/t/rust-lld"),
        "{line}"
    );
}

#[test]
fn an_outer_cargo_does_not_reach_the_inner_one() {
    let dropped = [
        "CARGO",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_DIR",
        "CARGO_PROFILE_RELEASE_LTO",
        "CARGO_INCREMENTAL",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "CLIPPY_ARGS",
        "MAKEFLAGS",
        "TARGET",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "DEBUG",
        "LLVM_PROFILE_FILE",
    ];
    for name in dropped {
        assert!(!keeps(OsStr::new(name), false), "{name}");
    }
    for name in [
        "PATH",
        "HOME",
        "CARGO_HOME",
        "CARGO_NET_OFFLINE",
        "CARGO_HTTP_PROXY",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
    ] {
        assert!(keeps(OsStr::new(name), true), "{name}");
    }
    assert!(keeps(OsStr::new("LD_LIBRARY_PATH"), false));
    assert!(!keeps(OsStr::new("LD_LIBRARY_PATH"), true));
}

#[test]
fn the_module_is_the_last_one_that_cargo_names() {
    let messages = concat!(
        r#"{"reason":"compiler-artifact","filenames":["/out/libdep.rlib"]}"#,
        "\n",
        "not json\n",
        r#"{"reason":"compiler-artifact","filenames":["/out/connector.wasm"],"fresh":true}"#,
        "\n",
        r#"{"reason":"build-finished","success":true}"#,
        "\n",
    );
    assert_eq!(
        module_of(messages.as_bytes()),
        Some(PathBuf::from("/out/connector.wasm"))
    );
    assert_eq!(module_of(b""), None);
}

#[test]
fn an_error_carries_the_end_of_what_cargo_said() {
    let long: String = (0..100).map(|line| format!("line {line}\n")).collect();
    let tail = tail(long.as_bytes());
    assert_eq!(tail.lines().count(), TAIL_LINES);
    assert!(tail.ends_with("line 99"));
}
