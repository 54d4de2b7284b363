//! Builds a Rust connector into a WebAssembly component, on any machine.
//!
//! Cargo makes a core module for `wasm32-unknown-unknown`; `wit-component` makes a component of it, which may
//! import nothing but what the connector interface offers. Nothing is written when nothing changed.
//!
//! It is used by the daemon's build script (for the embedded connector) and by `camsync connector build`. It
//! never installs anything: what is missing is said in one sentence.

mod cargo;
mod component;
mod error;
mod toolchain;

use std::path::{Path, PathBuf};

pub use error::BuildError;
pub use toolchain::{Machine, Toolchain, ToolchainFolder};

/// Builds the connector in `connector_dir` (a folder with a `Cargo.toml` of a library) and returns the path of its
/// component, which lies in `target_dir`.
///
/// `target_dir` is cargo's own for this build and may be shared by many connectors and many callers at once. It
/// must not be the target folder of a cargo that is running, as the one around a build script is: that one holds
/// its lock, and both would wait for ever.
///
/// # Errors
/// [`BuildError::NoTarget`] when this machine lacks what it needs, with what to run; otherwise whatever cargo or
/// the check of the component refused.
pub fn build(connector_dir: &Path, target_dir: &Path) -> Result<PathBuf, BuildError> {
    // Cargo runs inside the connector's folder, so that its configuration files there count.
    let (connector_dir, target_dir) = (&absolute(connector_dir)?, &absolute(target_dir)?);
    let toolchain = Toolchain::choose(&Machine::look(connector_dir))?;
    let module = cargo::build_module(&toolchain, connector_dir, target_dir)?;
    let component = component::encode(&module)?;
    let name = module.file_stem().unwrap_or_default();
    let path = target_dir
        .join("components")
        .join(name)
        .with_extension("wasm");
    component::write_if_changed(&path, &component)?;
    Ok(path)
}

fn absolute(path: &Path) -> Result<PathBuf, BuildError> {
    std::path::absolute(path).map_err(|source| BuildError::File {
        path: path.to_path_buf(),
        source,
    })
}
