//! Commands that need no ledger, or the ledger's file itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use camsync_connector_host::{Compiler, compile_into, confine};
use clap::CommandFactory as _;
use serde_json::json;

use crate::ledger::{Ledger, LedgerLock};
use crate::ops::OpError;
use crate::pipeline::reconcile::OWNER_UIN;
use crate::say::refusals;

use super::Place;
use super::args::Cli;
use super::render;
use super::screen::Screen;

pub(super) fn show_config(place: &Place, json: bool, screen: &Screen) -> Result<u8, OpError> {
    let (path, loaded) = place.load()?;
    let shown = loaded.show();
    if json {
        screen.json(&shown);
    } else {
        let text = toml::to_string_pretty(&without_nulls(shown)).unwrap_or_default();
        screen.print(&format!("# {}\n{text}", path.display()));
    }
    Ok(0)
}

/// TOML has no null: what is absent is left out.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .filter(|v| !v.is_null())
                .map(without_nulls)
                .collect(),
        ),
        other => other,
    }
}

pub(super) fn completions(shell: clap_complete::Shell, screen: &Screen) {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "camsync", &mut text);
    screen.print(&String::from_utf8_lossy(&text));
}

pub(super) fn man(dir: &Path) -> Result<u8, OpError> {
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|e| OpError::failed(format!("{}: {e}", dir.display())))?;
    Ok(0)
}

/// Longer than any connector takes to be compiled, on a slow machine that is busy.
const COMPILING: Duration = Duration::from_secs(120);

/// This program, as what compiles connectors: [`compile`] in a process of its own.
pub(super) fn compiler() -> Compiler {
    // By this link also when an upgrade has put another program in its file's place.
    let itself = Path::new("/proc/self/exe");
    let program = match itself.exists() {
        true => itself.to_owned(),
        false => std::env::current_exe().unwrap_or_else(|_| "camsync".into()),
    };
    Compiler::new(program, vec!["compile-connector".into()], COMPILING)
}

/// What the process that compiles does: the component comes at standard input, why there is nothing goes to standard error.
pub(super) fn compile(folder: &Path) -> ExitCode {
    confine();
    match compile_into(folder, std::io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Puts a backup in the ledger's place. The present ledger is kept beside it.
pub(super) fn restore(
    place: &Place,
    file: &Path,
    other_account: bool,
    json: bool,
    screen: &Screen,
) -> Result<u8, OpError> {
    let (_, loaded) = place.load()?;
    let data_dir = &loaded.config.daemon.data_dir;
    let _lock = LedgerLock::take(data_dir, "camsync restore")?;
    let backup = Ledger::open_to_read(file)?;
    let damage = backup.integrity()?;
    if let Some(first) = damage.first() {
        return Err(refusals::damaged_backup(file, first));
    }
    let path = data_dir.join("camsync.db");
    // A damaged ledger is the very reason to restore: then there is nothing to compare with.
    if let Ok(present) = Ledger::open_to_read(&path) {
        let (theirs, ours) = (backup.meta(OWNER_UIN)?, present.meta(OWNER_UIN)?);
        if let (Some(theirs), Some(ours)) = (&theirs, &ours)
            && theirs != ours
            && !other_account
        {
            return Err(refusals::another_accounts_backup(theirs, ours));
        }
    }
    // The copy is whole before anything is moved: a disk that fills leaves the present ledger where it is.
    let fresh = data_dir.join("camsync.db.restoring");
    let _ = std::fs::remove_file(&fresh);
    backup.copy_into_folder(&fresh)?;
    let kept = put_aside(data_dir)?;
    rename(&fresh, &path)?;
    let document = json!({ "restored": file, "ledger": path, "kept": kept });
    if json {
        screen.json(&document);
    } else {
        screen.print(&render::text(render::Draw::Done, &document, screen.style()));
    }
    Ok(0)
}

/// Moves the ledger out of the way, with its write-ahead log: a log that stayed behind would be played into the ledger
/// that comes in its place. Says where it is kept, if there was one.
fn put_aside(data_dir: &Path) -> Result<Option<PathBuf>, OpError> {
    let now = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
    let mut kept = None;
    for suffix in ["", "-wal", "-shm"] {
        let from = data_dir.join(format!("camsync.db{suffix}"));
        if from.exists() {
            let to = data_dir.join(format!("camsync.db.before-restore-{now}{suffix}"));
            rename(&from, &to)?;
            kept.get_or_insert(to);
        }
    }
    Ok(kept)
}

fn rename(from: &Path, to: &Path) -> Result<(), OpError> {
    std::fs::rename(from, to).map_err(|e| OpError::failed(format!("{}: {e}", from.display())))
}
