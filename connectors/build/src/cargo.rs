//! The inner cargo: its command line, its environment, and the module it makes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::BuildError;
use crate::toolchain::{TARGET, Toolchain};

/// The guest's profile, given on the command line so that the host's release profile stays as it is: one small
/// module, loaded by every daemon, in which speed matters less than size only where nothing loops.
const PROFILE: [&str; 6] = [
    "profile.release.opt-level=2",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.strip=true",
    "profile.release.debug=false",
];

/// Lines of cargo's output that an error carries.
const TAIL_LINES: usize = 40;

/// Builds the core module of the connector in this folder and returns its path.
pub(crate) fn build_module(
    toolchain: &Toolchain,
    connector_dir: &Path,
    target_dir: &Path,
) -> Result<PathBuf, BuildError> {
    let output = command(toolchain, connector_dir, target_dir)
        .output()
        .map_err(|source| BuildError::Start {
            program: toolchain.cargo.clone(),
            source,
        })?;
    let connector_dir = connector_dir.to_path_buf();
    if !output.status.success() {
        return Err(BuildError::Cargo {
            connector_dir,
            stderr_tail: tail(&output.stderr),
        });
    }
    module_of(&output.stdout).ok_or(BuildError::NoModule { connector_dir })
}

/// The command that builds the module. It does not pass `--locked`: a connector outside this workspace may have no
/// lock file yet, and inside it the outer cargo has already brought the lock file up to date.
fn command(toolchain: &Toolchain, connector_dir: &Path, target_dir: &Path) -> Command {
    let mut command = Command::new(&toolchain.cargo);
    // `rustc --crate-type`: the connector's own manifest need not make a `cdylib` of every native build.
    command.args([
        "rustc",
        "--lib",
        "--crate-type",
        "cdylib",
        "--release",
        "--target",
        TARGET,
    ]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command
        .arg("--manifest-path")
        .arg(connector_dir.join("Cargo.toml"));
    command.arg("--target-dir").arg(target_dir);
    for setting in PROFILE {
        command.args(["--config", setting]);
    }
    if toolchain.build_std {
        command.args(["-Z", "build-std=std,panic_abort"]);
    }
    for (name, _) in std::env::vars_os() {
        if !keeps(&name, toolchain.build_std) {
            command.env_remove(name);
        }
    }
    command.env("RUSTC", &toolchain.rustc);
    if toolchain.build_std {
        // The only way to `-Z` with a stable compiler; it concerns this one build.
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    if let Some(linker) = &toolchain.linker {
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    command.current_dir(connector_dir);
    command
}

/// Whether the inner cargo may see this variable. An outer cargo, clippy, make or a coverage tool sets many that
/// speak of another build; only what tells where to find crates is passed on.
fn keeps(name: &OsStr, other_toolchain: bool) -> bool {
    const CARGO: [&str; 6] = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    const DROPPED: [&str; 15] = [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "CLIPPY_",
        "__CARGO",
        "MAKEFLAGS",
        "MFLAGS",
        "OUT_DIR",
        "TARGET",
        "OPT_LEVEL",
        "PROFILE",
        "DEP_",
        "DEBUG",
        "LLVM_PROFILE_FILE",
    ];
    let Some(name) = name.to_str() else {
        return true;
    };
    if CARGO.iter().any(|kept| name.starts_with(kept)) {
        return true;
    }
    // An outer cargo puts its own compiler's libraries in front; a compiler from elsewhere must not load those.
    if other_toolchain && name == "LD_LIBRARY_PATH" {
        return false;
    }
    !DROPPED.iter().any(|dropped| name.starts_with(dropped))
}

/// The module that cargo says it made, fresh or not.
fn module_of(messages: &[u8]) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let files = message["filenames"].as_array()?.iter();
            let file = files
                .filter_map(Value::as_str)
                .find(|file| file.ends_with(".wasm"))?;
            Some(PathBuf::from(file))
        })
        .next_back()
}

fn tail(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
#[path = "cargo_tests.rs"]
mod tests;
