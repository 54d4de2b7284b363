//! From a core module to a checked component.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use wit_component::{ComponentEncoder, DecodedWasm};

use crate::error::BuildError;

/// The package that a connector may import from.
const PACKAGE: &str = "camsync:connector/";

/// Makes a component of the module in this file, valid and without a foreign import.
pub(crate) fn encode(module: &Path) -> Result<Vec<u8>, BuildError> {
    let bytes = std::fs::read(module).map_err(|source| BuildError::File {
        path: module.to_path_buf(),
        source,
    })?;
    let refuse = |reason: String| BuildError::NotAConnector {
        module: module.to_path_buf(),
        reason,
    };
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| refuse(format!("{error:#}")))?;
    match foreign_import(&component).map_err(refuse)? {
        Some(import) => Err(BuildError::ForeignImport {
            module: module.to_path_buf(),
            import,
        }),
        None => Ok(component),
    }
}

/// The first import that is not the connector interface's.
fn foreign_import(component: &[u8]) -> Result<Option<String>, String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err("it holds a WIT package and no code".to_owned());
    };
    let world = &resolve.worlds[world];
    if world.exports.is_empty() {
        return Err("it exports nothing; does it say `camsync_connector_sdk::export!`?".to_owned());
    }
    let names = world.imports.keys().map(|key| resolve.name_world_key(key));
    Ok(names.into_iter().find(|name| !name.starts_with(PACKAGE)))
}

/// Writes the file unless it already holds these bytes, and never leaves half of it: of two who write at once, one
/// whole file stays.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    static WRITES: AtomicU32 = AtomicU32::new(0);
    if std::fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let failed = |source| BuildError::File {
        path: path.to_path_buf(),
        source,
    };
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    let unique = format!(
        "{}-{}.tmp",
        std::process::id(),
        WRITES.fetch_add(1, Ordering::Relaxed)
    );
    let half = path.with_extension(unique);
    std::fs::write(&half, bytes).map_err(failed)?;
    std::fs::rename(&half, path).map_err(failed)
}

#[cfg(test)]
#[path = "component_tests.rs"]
mod tests;
