//! `plan --with NEW.toml`: what if these were the rules. And `plan --config NEW.toml`, which people write for it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::ops::{OpError, Request};

use super::{Place, read};

/// `--config` is an option of every command, and so clap cannot tell one behind `plan` from one before it. It is
/// called otherwise there; `-c` is not, and always names the configuration in force.
const BEHIND: &str = "--config-behind";
/// Options before the command that take a value in the next word.
const WITH_VALUE: [&str; 4] = ["-c", "--config", "--socket", "--lang"];

/// The command line's words, with a `--config` behind `plan` under its own name.
pub(super) fn words(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut made: Vec<OsString> = Vec::new();
    let mut words = given.into_iter();
    made.extend(words.next());
    let mut command = None;
    let mut rest = false;
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        if command.is_some() {
            let plan = command.as_deref() == Some("plan") && !rest;
            rest |= text == "--";
            made.push(match text.strip_prefix("--config") {
                Some("") if plan => BEHIND.into(),
                Some(value) if plan && value.starts_with('=') => renamed(&word),
                _ => word,
            });
        } else if WITH_VALUE.contains(&text.as_str()) {
            made.push(word);
            made.extend(words.next());
        } else {
            if !text.starts_with('-') {
                command = Some(text);
            }
            made.push(word);
        }
    }
    made
}

/// `--config=FILE` under the other name, whatever bytes the file is named by.
fn renamed(word: &OsStr) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let value = word.as_bytes().get("--config".len()..).unwrap_or_default();
    OsString::from_vec([BEHIND.as_bytes(), value].concat())
}

/// What a `--config` behind `plan` means: other rules for the ledger of the configuration in force, where there is such
/// a ledger; or else, as everywhere, the configuration itself.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn meant(place: &mut Place, behind: PathBuf) -> Result<Option<PathBuf>, OpError> {
    if place.socket.is_some() || another_ledger(place, &behind)? {
        return Ok(Some(behind));
    }
    place.config = Some(behind);
    Ok(None)
}

/// Whether the configuration in force is another file, with a ledger that is not this file's own.
fn another_ledger(place: &Place, behind: &Path) -> Result<bool, OpError> {
    let Ok(current) = place.locate() else {
        return Ok(false);
    };
    let same = current.canonicalize().ok() == behind.canonicalize().ok();
    if same || !current.exists() {
        return Ok(false);
    }
    let ledger = |path: &Path| -> Result<Option<PathBuf>, OpError> {
        let file = read(path)?.config.daemon.data_dir.join("camsync.db");
        Ok(file.canonicalize().ok())
    };
    let (theirs, own) = (ledger(&current)?, ledger(behind).ok().flatten());
    Ok(theirs.is_some() && (own.is_none() || own == theirs))
}

/// The operation for a file of other rules.
///
/// # Errors
/// When the file cannot be read, or is no configuration.
pub(super) fn request(source: Option<String>, file: &Path) -> Result<Request, OpError> {
    // Checked here too: relative names in it are those of whoever asks.
    read(file)?;
    let text = std::fs::read_to_string(file)
        .map_err(|e| OpError::usage(format!("{}: {e}", file.display())))?;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Ok(Request::WhatIf {
        source,
        file: file.to_string_lossy().into_owned(),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(line: &str) -> String {
        let words = words(line.split(' ').map(OsString::from));
        let words: Vec<String> = words
            .iter()
            .map(|w| w.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn only_the_long_option_behind_plan_is_renamed() {
        for same in [
            "camsync --config a plan",
            "camsync -c plan status --config b",
            "camsync plan -c b",
            "camsync --lang zh sync --config b",
            "camsync plan -- --config b",
        ] {
            assert_eq!(made(same), same);
        }
        assert_eq!(
            made("camsync -c a plan --json --config b"),
            "camsync -c a plan --json --config-behind b"
        );
        assert_eq!(
            made("camsync --config=a plan --config=b"),
            "camsync --config=a plan --config-behind=b"
        );
    }
}
