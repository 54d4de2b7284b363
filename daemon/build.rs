//! Builds the embedded connectors from source, so that `cargo build` alone yields a complete program.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

use std::path::{Path, PathBuf};
use std::{env, error, fs};

/// What a connector is made of besides its own folder.
const SHARED: [&str; 5] = [
    "connectors/sdk/src",
    "connectors/sdk/Cargo.toml",
    "connectors/build/src",
    "wit",
    "Cargo.lock",
];

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    for path in SHARED {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    for name in ["wecom"] {
        let folder = root.join("connectors").join(name);
        for path in ["src", "Cargo.toml"] {
            println!("cargo::rerun-if-changed={}", folder.join(path).display());
        }
        match camsync_connector_build::build(&folder, &target_dir(&out_dir)) {
            Ok(component) => copy_if_changed(&component, &out_dir.join(format!("{name}.wasm")))?,
            // The sentence that says what to run, rather than the Debug form of a returned error.
            Err(error) => {
                for line in format!("connector {name}: {error}").lines() {
                    println!("cargo::error={line}");
                }
            }
        }
    }
    Ok(())
}

/// A folder that every profile shares, for the connectors do not differ; never the target folder itself, whose lock
/// the outer cargo holds.
fn target_dir(out_dir: &Path) -> PathBuf {
    let target = out_dir
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(out_dir).join("connectors")
}

fn copy_if_changed(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(to, bytes)
}
