//! The file of a plan: written and read here, where whoever asks has their rights, and not by the daemon.

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::ops::{OpError, Reviewed, open_plan_file};
use crate::say::refusals;

/// A plan of a hundred thousand changes is far smaller.
const LARGEST: u64 = 256 * 1024 * 1024;

fn failed(path: &Path, error: &dyn std::fmt::Display) -> OpError {
    OpError::failed(format!("{}: {error}", path.display()))
}

/// Writes a plan's document, whole or not at all, for its owner's eyes.
///
/// # Errors
/// When the plan is not whole, or the file cannot be written; then what was there is still there.
pub(super) fn write(path: &Path, document: &Value) -> Result<(), OpError> {
    if document["ok"] != Value::Bool(true) {
        return Err(refusals::plan_not_whole());
    }
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let put = || -> std::io::Result<()> {
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, document)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error).map(drop)
    };
    put().map_err(|e| failed(path, &e))
}

/// Reads a plan to be applied: which source it was of, and what to know it by.
///
/// # Errors
/// When it cannot be read, or is no such file.
pub(super) fn read(path: &Path) -> Result<(Option<String>, Reviewed), OpError> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| failed(path, &e))?;
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|e| failed(path, &e))?;
    open_plan_file(&text).map_err(|mut error| {
        error.message = format!("{}: {}", path.display(), error.message);
        error.zh = error.zh.map(|zh| format!("{}：{zh}", path.display()));
        error
    })
}
