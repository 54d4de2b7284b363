//! One process writes a ledger: an advisory lock on a file beside it, which says who holds it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{LedgerError, file};

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
        file::make_folder(data_dir).map_err(LedgerError::io(data_dir, "make the data folder"))?;
        let path: PathBuf = data_dir.join("camsync.lock");
        let mut file = file::of_folder(&path).map_err(LedgerError::io(&path, "open the lock"))?;
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
        write().map_err(LedgerError::io(&path, "write the lock"))?;
        Ok(Self { _file: file })
    }
}
