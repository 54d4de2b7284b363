//! The ledger: the one SQLite database that holds snapshots, sub-users, changes, attempts, plans and the audit.
//!
//! Everything that must be true together is written in one transaction. `synchronous = FULL`: a write that was
//! recorded before it was sent is still recorded after power loss.

mod applications;
mod attempts;
mod audit;
mod changes;
mod digest;
mod effects;
mod error;
mod figures;
mod file;
mod grants;
mod lock;
mod lost_groups;
mod members;
mod messages;
mod notes;
mod notifications;
mod passwords;
mod plans;
mod policy_pins;
mod quotas;
mod range;
mod recording;
mod retention;
mod rows;
mod snapshot;
mod sources;
mod sub_users;
#[cfg(test)]
mod tests;
mod unlinking;
mod urgent;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use tokio::sync::watch;

pub use applications::{
    ApplicationRow, ApplicationStanding, Decided, Decision, Ended, Entered, NewApplication,
};
pub use attempts::AttemptEnd;
pub use audit::{AuditChain, AuditRow};
pub use changes::{AttemptRow, ChangeFilter, ChangeRow, Failure, NewChange};
pub use effects::Effect;
pub use error::LedgerError;
pub use figures::Figures;
pub use lock::LedgerLock;
pub use members::{MemberRow, Said};
pub use messages::{About, MessageRow};
pub use notifications::{KeptDrift, NotificationRow, NotificationStep, TargetRow};
pub use passwords::{ResetRefused, StartedReset, refused as reset_refused};
pub use plans::{APPROVAL_HOLDS, PlanRemoval, PlanRow};
pub use policy_pins::Pin;
pub use quotas::{FullQuota, NEW_SUB_USERS};
pub use range::{RangeChange, RangeItem};
pub use recording::{Recorded, Recording};
pub use retention::{Purge, Purged};
pub use snapshot::{
    CrawlEnd, Finding, KnownMember, MissingMember, Moved, StoredSnapshot, facts_hash,
};
pub use sources::SourceRow;
pub use sub_users::KnownFacts;
pub use unlinking::{MovedTo, NotMoved, ShownRemoval, Unlinking, Word};

/// The schema that this program writes. A newer ledger is refused.
const VERSION: i64 = 1;
const MIGRATIONS: [&str; 1] = [include_str!("schema_1.sql")];

/// How soon a copy that met a lock is tried again.
const COPY_AGAIN: Duration = Duration::from_millis(50);

/// How long is waited for another process that writes the ledger.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// A transaction of this process is open, and so is the database locked by it.
    writing: AtomicBool,
    /// Grows with every write.
    written: watch::Sender<u64>,
}

impl Ledger {
    /// Opens the ledger for writing, making or migrating it. The caller holds the lock of its folder.
    ///
    /// # Errors
    /// When it cannot be opened, is corrupt, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        file::of_folder(path).map_err(LedgerError::io(path, "open"))?;
        let connection =
            Connection::open(path).map_err(|e| LedgerError::from_sqlite(path, "open", e))?;
        let ledger = Self::wrap(path, connection)?;
        ledger.migrate()?;
        ledger.refuse_read_only()?;
        file::restrict(path).map_err(LedgerError::io(path, "restrict"))?;
        Ok(ledger)
    }

    /// Opens an existing ledger for reading.
    ///
    /// # Errors
    /// As [`Ledger::open`]; also when there is none.
    pub fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        // What cannot be looked at is not absent: an error must never pass for an empty ledger.
        let there = path.try_exists().map_err(|source| LedgerError::Io {
            path: path.to_owned(),
            doing: "look at the ledger",
            source,
        })?;
        if !there {
            return Err(LedgerError::Absent {
                path: path.to_owned(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .or_else(|_| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY))
            .map_err(|e| LedgerError::from_sqlite(path, "open", e))?;
        let ledger = Self::wrap(path, connection)?;
        let found = ledger.version()?;
        if found != VERSION {
            return Err(LedgerError::Version {
                path: path.to_owned(),
                found,
                known: VERSION,
            });
        }
        Ok(ledger)
    }

    /// A ledger in memory, with nothing in it.
    ///
    /// # Errors
    /// When SQLite cannot make one.
    pub fn empty() -> Result<Self, LedgerError> {
        let path = Path::new(":memory:");
        let connection =
            Connection::open_in_memory().map_err(|e| LedgerError::from_sqlite(path, "open", e))?;
        let ledger = Self::wrap(path, connection)?;
        ledger.migrate()?;
        Ok(ledger)
    }

    fn wrap(path: &Path, connection: Connection) -> Result<Self, LedgerError> {
        let setup = || -> rusqlite::Result<()> {
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // What is deleted is overwritten: purged is what nobody can read in the file any more.
            connection.pragma_update(None, "secure_delete", true)?;
            connection.set_prepared_statement_cache_capacity(128);
            Ok(())
        };
        setup().map_err(|e| LedgerError::from_sqlite(path, "open", e))?;
        let ledger = Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            writing: AtomicBool::new(false),
            written: watch::Sender::new(0),
        };
        ledger.recognise()?;
        ledger.read("open", |c| {
            c.pragma_update(None, "journal_mode", "wal")?;
            c.pragma_update(None, "synchronous", "full")
        })?;
        Ok(ledger)
    }

    /// Refuses what is not this program's to write, before anything of it is: even the journal's mode is kept in
    /// the file.
    fn recognise(&self) -> Result<(), LedgerError> {
        let found = self.version()?;
        if found > VERSION {
            return Err(LedgerError::Version {
                path: self.path.clone(),
                found,
                known: VERSION,
            });
        }
        let holds_tables: bool = self.read("open", |c| {
            c.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| {
                row.get(0)
            })
        })?;
        if found < 1 && holds_tables {
            return Err(LedgerError::Corrupt {
                path: self.path.clone(),
                message: "its tables are another program's".into(),
            });
        }
        Ok(())
    }

    /// SQLite opens what may only be read without a word, and says so at the first write: too late, for nothing may be
    /// begun that could not be recorded.
    fn refuse_read_only(&self) -> Result<(), LedgerError> {
        // The first is the ledger itself, the second the index beside it.
        let file = self.read("open", |c| c.is_readonly(rusqlite::MAIN_DB))?;
        let index = self.write("open for writing", |_| Ok(()));
        if file {
            return Err(LedgerError::ReadOnly {
                path: self.path.clone(),
            });
        }
        index
    }

    fn version(&self) -> Result<i64, LedgerError> {
        self.read("read the version", |c| {
            c.pragma_query_value(None, "user_version", |row| row.get(0))
        })
    }

    fn migrate(&self) -> Result<(), LedgerError> {
        let found = self.version()?;
        let done = usize::try_from(found).unwrap_or(0);
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
            self.write("migrate", |t| {
                t.execute_batch(migration)?;
                t.pragma_update(None, "user_version", index + 1)
            })?;
        }
        Ok(())
    }

    /// Where the ledger lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while holding the lock leaves no transaction open: it rolls back when dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&self.connection()).map_err(|e| LedgerError::from_sqlite(&self.path, doing, e))
    }

    /// Runs one transaction; all or nothing.
    fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let mut connection = self.connection();
        let run = || -> rusqlite::Result<T> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            self.writing.store(true, Ordering::SeqCst);
            let made = work(&transaction)?;
            transaction.commit()?;
            Ok(made)
        };
        let made = run();
        self.writing.store(false, Ordering::SeqCst);
        let made = made.map_err(|e| LedgerError::from_sqlite(&self.path, doing, e))?;
        self.written.send_modify(|count| *count += 1);
        Ok(made)
    }

    /// Sees whenever this process has written something.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// Writes a row, to see whether one can be written: not when the disk is full or read-only, or another process
    /// holds the ledger. Waits at most `patience` for it, and for nothing that this process itself is writing.
    ///
    /// # Errors
    /// Why nothing can be written.
    pub fn probe(&self, patience: Duration) -> Result<(), LedgerError> {
        // A connection of its own: the probe may wait without keeping anybody from reading.
        let run = || -> rusqlite::Result<()> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(patience)?;
            // What the row says is of no use after a crash, so nothing waits for the disk; and what this connection
            // did not make safe, it does not move into the database either.
            connection.pragma_update(None, "synchronous", "off")?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            set_meta(&transaction, "probed_at", Some(&time_text(Utc::now())))?;
            transaction.commit()
        };
        match run() {
            Err(e) if busy(&e) && self.writing.load(Ordering::SeqCst) => Ok(()),
            done => done.map_err(|e| LedgerError::from_sqlite(&self.path, "write", e)),
        }
    }

    /// A value kept by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>, LedgerError> {
        self.read("read a setting", |c| {
            c.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps a value by name, or forgets it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), LedgerError> {
        self.write("write a setting", |t| set_meta(t, key, value))
    }

    /// Copies the whole ledger, as it is at one moment, into a new file while it is in use.
    ///
    /// # Errors
    /// When the file exists, or either cannot be read or written; then no file is left.
    pub fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        file::new(to).map_err(LedgerError::io(to, "make the backup"))?;
        self.copy(to)
    }

    /// Copies the whole ledger into a new file of a data folder.
    ///
    /// # Errors
    /// As [`Ledger::backup`].
    pub fn copy_into_folder(&self, to: &Path) -> Result<(), LedgerError> {
        file::of_folder(to).map_err(LedgerError::io(to, "make the ledger"))?;
        self.copy(to)
    }

    /// Copies the whole ledger into memory: what is written there is nobody's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn scratch(&self) -> Result<Self, LedgerError> {
        let scratch = Self::empty()?;
        self.copy_to(&mut scratch.connection())
            .map_err(|e| LedgerError::from_sqlite(&self.path, "copy the ledger", e))?;
        Ok(scratch)
    }

    fn copy(&self, to: &Path) -> Result<(), LedgerError> {
        let copied = Connection::open(to).and_then(|mut target| self.copy_to(&mut target));
        copied.map_err(|e| {
            let _ = std::fs::remove_file(to);
            LedgerError::from_sqlite(to, "copy the ledger", e)
        })
    }

    fn copy_to(&self, target: &mut Connection) -> rusqlite::Result<()> {
        let connection = self.connection();
        let backup = Backup::new(&connection, target)?;
        // All pages in one step are one reading transaction. A copy in several would begin again with each write of
        // another process, and never end while one writes all the time; in WAL mode nobody waits for a reader.
        while backup.step(-1)? != StepResult::Done {
            std::thread::sleep(COPY_AGAIN);
        }
        Ok(())
    }

    /// SQLite's own check; empty when all is well.
    ///
    /// # Errors
    /// When the check cannot run.
    pub fn integrity(&self) -> Result<Vec<String>, LedgerError> {
        self.read("check", |c| {
            let mut statement = c.prepare("PRAGMA integrity_check")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            let found: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").collect())
        })
    }
}

fn busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

fn set_meta(t: &Connection, key: &str, value: Option<&str>) -> rusqlite::Result<()> {
    match value {
        Some(value) => t
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
            )?
            .execute([key, value]),
        None => t
            .prepare_cached("DELETE FROM meta WHERE key = ?1")?
            .execute([key]),
    }
    .map(drop)
}

/// Time as the ledger and all JSON write it.
#[must_use]
pub fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
