//! Builds the test guest. A stand-in for the project's own builder of connectors.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Builds the connector in a folder and returns the component. Tests are processes that run side by side: a file of it would
/// be half written now and then.
pub(crate) fn build(folder: &Path, target: &Path) -> Vec<u8> {
    const TRIPLE: &str = "wasm32-unknown-unknown";
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout).unwrap().trim());
    let mut cargo = if sysroot.join("lib/rustlib").join(TRIPLE).is_dir() {
        Command::new("cargo")
    } else {
        let mut cargo = Command::new("/usr/bin/cargo");
        let linker = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", "/usr/bin/rustc")
            .env_remove("LD_LIBRARY_PATH");
        cargo.args(["-Z", "build-std=std,panic_abort"]);
        cargo
    };
    let status = cargo
        .args(["build", "--release", "--target", TRIPLE, "--target-dir"])
        .arg(target)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "the test guest did not build");
    let module = target.join(TRIPLE).join("release/misbehaving_guest.wasm");
    wit_component::ComponentEncoder::default()
        .module(&std::fs::read(module).unwrap())
        .unwrap()
        .encode()
        .unwrap()
}
