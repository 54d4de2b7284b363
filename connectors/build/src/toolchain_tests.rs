//! The choice of a toolchain, with folders that look like one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use tempfile::TempDir;

use super::*;

/// A folder that looks like a toolchain's, with these files and folders (those end in `/`) in `lib/rustlib`.
fn toolchain(root: &TempDir, name: &str, parts: &[&str]) -> ToolchainFolder {
    let sysroot = root.path().join(name);
    for part in parts {
        let path = sysroot.join("lib/rustlib").join(part);
        if part.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }
    ToolchainFolder {
        cargo: sysroot.join("cargo"),
        rustc: sysroot.join("rustc"),
        sysroot,
    }
}

const LINKER: &str = "x86_64-unknown-linux-gnu/bin/rust-lld";
const STD_SOURCE: &str = "src/rust/library/std/Cargo.toml";
const READY: &str = "wasm32-unknown-unknown/lib/";

fn choose(
    toolchains: Vec<ToolchainFolder>,
    linkers: Vec<PathBuf>,
) -> Result<Toolchain, BuildError> {
    Toolchain::choose(&Machine {
        toolchains,
        linkers,
    })
}

#[test]
fn an_installed_target_is_built_for_plainly() {
    let root = TempDir::new().unwrap();
    let rustup = toolchain(&root, "rustup", &[LINKER, READY]);
    let debian = toolchain(&root, "debian", &[STD_SOURCE]);
    let chosen = choose(vec![rustup.clone(), debian], vec![]).unwrap();
    assert_eq!(
        chosen,
        Toolchain {
            cargo: rustup.cargo,
            rustc: rustup.rustc,
            build_std: false,
            linker: None
        }
    );
}

#[test]
fn without_the_target_the_standard_library_is_built_with_the_other_toolchains_linker() {
    let root = TempDir::new().unwrap();
    let rustup = toolchain(&root, "rustup", &[LINKER]);
    let debian = toolchain(&root, "debian", &[STD_SOURCE]);
    let chosen = choose(vec![rustup.clone(), debian.clone()], vec![]).unwrap();
    let linker = rustup.sysroot.join("lib/rustlib").join(LINKER);
    assert_eq!(
        chosen,
        Toolchain {
            cargo: debian.cargo,
            rustc: debian.rustc,
            build_std: true,
            linker: Some(linker)
        }
    );
}

#[test]
fn a_linker_outside_any_toolchain_serves() {
    let root = TempDir::new().unwrap();
    let debian = toolchain(&root, "debian", &[STD_SOURCE]);
    let chosen = choose(
        vec![debian.clone()],
        vec![PathBuf::from("/usr/bin/wasm-ld")],
    )
    .unwrap();
    assert_eq!(chosen.linker, Some(PathBuf::from("/usr/bin/wasm-ld")));
    let error = choose(vec![debian], vec![]).unwrap_err();
    assert!(
        error.to_string().contains("apt-get install -y lld"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_said_in_one_sentence() {
    let root = TempDir::new().unwrap();
    let bare = toolchain(&root, "rustup", &[LINKER]);
    for toolchains in [vec![], vec![bare]] {
        let said = choose(toolchains, vec![]).unwrap_err().to_string();
        assert!(
            said.contains("`rustup target add wasm32-unknown-unknown`"),
            "{said}"
        );
        assert!(said.contains("rustc-web cargo-web rust-web-src"), "{said}");
        assert_eq!(said.lines().count(), 1);
    }
}
