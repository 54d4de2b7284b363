//! What stands between the binary and the disk (`tests/crash/shim.c`), and what power loss leaves of a ledger.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::tools::Dice;
use crate::world::World;

/// A piece of a disk that is written whole or not at all.
const SECTOR: usize = 512;

/// The shim, compiled once: a C compiler is needed to build SQLite, too.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let mine = folder.join(format!("crash-shim-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/crash/shim.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let compiled = Command::new(compiler)
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([mine.as_path(), Path::new(source)])
            .arg("-ldl")
            .status();
        assert!(compiled.unwrap().success(), "the shim does not compile");
        // Other tests may have it loaded, or be about to.
        let library = folder.join("crash-shim.so");
        std::fs::rename(mine, &library).unwrap();
        library
    })
}

/// One process's disk.
pub struct Disk {
    ledger: PathBuf,
    safe: PathBuf,
    trace: PathBuf,
}

impl Disk {
    /// The disk of the next process in this world. What is there now is safe.
    pub fn of(world: &World) -> Self {
        let folder = world.dir.path().canonicalize().unwrap();
        let disk = Self {
            ledger: folder.join("data/camsync.db"),
            safe: folder.join("safe"),
            trace: folder.join("trace"),
        };
        let _ = std::fs::remove_dir_all(&disk.safe);
        let _ = std::fs::remove_file(&disk.trace);
        std::fs::create_dir(&disk.safe).unwrap();
        for (name, safe) in disk.files() {
            if name.exists() {
                std::fs::copy(name, safe).unwrap();
            }
        }
        disk
    }

    /// A command whose process is ended `at` an instant (`before:7`, `after:7`), if it comes to it.
    pub fn command(&self, world: &World, arguments: &[&str], at: Option<String>) -> Command {
        let mut command = world.command(arguments);
        command
            .env("LD_PRELOAD", library())
            .env("CRASH_LEDGER", &self.ledger)
            .env("CRASH_SAFE", &self.safe)
            .env("CRASH_TRACE", &self.trace);
        if let Some(at) = at {
            command.env("CRASH_AT", at);
        }
        command
    }

    /// How many times something was made safe.
    pub fn syncs(&self) -> u32 {
        let trace = std::fs::read(&self.trace).unwrap_or_default();
        u32::try_from(trace.len()).unwrap()
    }

    /// The power fails: of what was written and not made safe, nothing is left, or with `dice` any sectors of it.
    pub fn lose_power(&self, mut dice: Option<&mut Dice>) {
        for (file, safe) in self.files() {
            let mut left = std::fs::read(safe).unwrap_or_default();
            if let (Some(dice), Ok(written)) = (&mut dice, std::fs::read(&file)) {
                for (number, sector) in written.chunks(SECTOR).enumerate() {
                    let at = number * SECTOR;
                    if left.get(at..at + sector.len()) == Some(sector) || dice.below(2) == 0 {
                        continue;
                    }
                    if left.len() < at + sector.len() {
                        left.resize(at + sector.len(), 0);
                    }
                    left[at..at + sector.len()].copy_from_slice(sector);
                }
            }
            // What is not there any more may come back, for its deletion was not safe either.
            if file.exists() || !left.is_empty() {
                std::fs::write(file, left).unwrap();
            }
        }
        // An index into the log, in memory that the processes share: no power loss leaves it.
        let _ = std::fs::remove_file(self.ledger.with_extension("db-shm"));
    }

    /// SQLite's word on what is there now; asked of a copy, for asking repairs.
    pub fn integrity(&self) -> String {
        let copy = self.safe.join("copy.db");
        for suffix in ["", "-wal", "-journal"] {
            let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            let to = name(&copy);
            let _ = std::fs::remove_file(&to);
            let from = name(&self.ledger);
            if from.exists() {
                std::fs::copy(from, to).unwrap();
            }
        }
        if !copy.exists() {
            return "ok".into();
        }
        let ledger = rusqlite::Connection::open(&copy).unwrap();
        let word = ledger.query_row("PRAGMA integrity_check", [], |row| row.get(0));
        word.unwrap_or_else(|error| error.to_string())
    }

    /// The ledger's files, each with what is safe of it. The journal is a new ledger's, until it has a write-ahead log.
    fn files(&self) -> [(PathBuf, PathBuf); 3] {
        [("", "db"), ("-wal", "wal"), ("-journal", "journal")].map(|(suffix, safe)| {
            let file = format!("{}{suffix}", self.ledger.display());
            (PathBuf::from(file), self.safe.join(safe))
        })
    }
}
