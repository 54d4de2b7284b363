//! One process writes a ledger: an advisory lock on a file beside it, which says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::LedgerError;

/// Held for as long as it lives; the system lets go of it however the process ends.
#[derive(Debug)]
pub struct LedgerLock {
    _file: File,
}

impl LedgerLock {
    /// Takes the lock of a data folder, making the folder when it is missing.
    ///
    /// # Errors
    /// When another process has it (the error says which), or the folder cannot be written.
    pub fn take(data_dir: &Path, what: &str) -> Result<Self, LedgerError> {
        let io = |path: &Path, doing| {
            let path = path.to_owned();
            move |source: std::io::Error| match source.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    LedgerError::ReadOnly { path }
                }
                _ => LedgerError::Io {
                    path,
                    doing,
                    source,
                },
            }
        };
        std::fs::create_dir_all(data_dir).map_err(io(data_dir, "make the data folder"))?;
        let path: PathBuf = data_dir.join("camsync.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io(&path, "open the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    said => said.to_owned(),
                };
                return Err(LedgerError::Held { path, holder });
            }
            Err(TryLockError::Error(source)) => {
                return Err(LedgerError::Io {
                    path,
                    doing: "lock",
                    source,
                });
            }
        }
        let mut write = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "`{what}` (process {})", std::process::id())
        };
        write().map_err(io(&path, "write the lock"))?;
        Ok(Self { _file: file })
    }
}
