//! What can be wrong with a ledger, and what to do about it.

use std::path::{Path, PathBuf};

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is none yet.
    #[error("{path}: there is no ledger yet; `camsync sync` or `camsync run` makes it")]
    Absent {
        /// Where it would lie.
        path: PathBuf,
    },
    /// Another version wrote it.
    #[error(
        "{path}: the ledger has schema version {found}, this camsync knows {known}; {}",
        if found > known { "install the newer camsync that wrote it" } else { "start `camsync run` or `camsync sync` once to bring it up to date" }
    )]
    Version {
        /// Where it lies.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
    /// Not a ledger, or damaged.
    #[error(
        "{path}: not a camsync ledger, or damaged ({message}); restore a backup with `camsync restore FILE`, nothing was changed"
    )]
    Corrupt {
        /// Where it lies.
        path: PathBuf,
        /// SQLite's words.
        message: String,
    },
    /// Locked by another program for longer than can be waited for.
    #[error("{path}: another program keeps the ledger locked; it is tried again")]
    Busy {
        /// Where it lies.
        path: PathBuf,
    },
    /// No room left.
    #[error("{path}: the disk is full; free some space, then it goes on by itself")]
    Full {
        /// Where it lies.
        path: PathBuf,
    },
    /// May not be written.
    #[error("{path}: the ledger or its folder cannot be written; give camsync's user write access")]
    ReadOnly {
        /// Where it lies.
        path: PathBuf,
    },
    /// Another process holds the ledger.
    #[error("{path}: the ledger is held by {holder}; stop that first, or let it do the work")]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// A file could not be read or written.
    #[error("{path}: cannot {doing}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Doing what.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error("{path}: cannot {doing}: {source}")]
    Sqlite {
        /// Where it lies.
        path: PathBuf,
        /// Doing what.
        doing: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// Sorts the system's error about a file by what a person can do about it.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let path = path.to_owned();
        move |source| match source.kind() {
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::ReadOnly { path },
            Kind::StorageFull => Self::Full { path },
            _ => Self::Io {
                path,
                doing,
                source,
            },
        }
    }

    /// Sorts SQLite's error by what a person can do about it.
    #[must_use]
    pub(super) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy { path },
            Some(Code::DiskFull) => Self::Full { path },
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => Self::Corrupt {
                path,
                message: source.to_string(),
            },
            _ => Self::Sqlite {
                path,
                doing,
                source,
            },
        }
    }
}
