//! Tests, one process each: which mutants each meets, and whether it fails with one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::tree::Binary;

/// One test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Test {
    /// Whose it is.
    pub binary: Binary,
    /// Its name there.
    pub name: String,
}

/// What a test did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It did not end in time.
    Endless,
}

/// How often it is looked whether a test has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The tests of some programs, without those that are ignored.
///
/// # Errors
/// When one does not say which it has.
pub(crate) fn list(binaries: &[Binary]) -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    for binary in binaries {
        let names = |ignored: bool| -> Result<BTreeSet<String>, String> {
            let mut command = Command::new(&binary.program);
            command.args(["--list", "--format", "terse"]);
            if ignored {
                command.arg("--ignored");
            }
            let output = command
                .current_dir(&binary.folder)
                .stderr(Stdio::null())
                .output()
                .map_err(|e| format!("{}: {e}", binary.name))?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
            Ok(names.map(str::to_owned).collect())
        };
        let ignored = names(true)?;
        let names = names(false)?;
        tests.extend(names.difference(&ignored).map(|name| Test {
            binary: binary.clone(),
            name: name.clone(),
        }));
    }
    Ok(tests)
}

impl Test {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary.program);
        command
            .args([&self.name, "--exact", "--test-threads=1"])
            .current_dir(&self.binary.folder)
            .env("CARGO_MANIFEST_DIR", &self.binary.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs it without a mutant: whether it passed, how long it took, and which mutants it met.
    pub(crate) fn meets(
        &self,
        folder: &Path,
        most: Duration,
    ) -> (Outcome, Duration, BTreeSet<usize>) {
        let _ = fs::remove_dir_all(folder);
        let _ = fs::create_dir_all(folder);
        let mut command = self.command();
        command.env("MUTANTS_MET", folder);
        let began = Instant::now();
        let outcome = finish(command, most);
        let took = began.elapsed();
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        let met = texts
            .flat_map(|text| {
                let numbers: Vec<usize> = text.lines().filter_map(|n| n.parse().ok()).collect();
                numbers
            })
            .collect();
        (outcome, took, met)
    }

    /// Runs it with one mutant.
    #[must_use]
    pub(crate) fn with(&self, mutant: usize, most: Duration) -> Outcome {
        let mut command = self.command();
        command.env("MUTANT", mutant.to_string());
        finish(command, most)
    }
}

/// Waits for the end of a test, and ends it when it takes too long, with all that it began.
fn finish(mut command: Command, most: Duration) -> Outcome {
    use std::os::unix::process::CommandExt as _;
    // What it leaves running can be found, and ended, by its group.
    command.process_group(0);
    let Ok(mut child) = command.spawn() else {
        return Outcome::Failed;
    };
    let began = Instant::now();
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break Outcome::Passed,
            Ok(Some(_)) | Err(_) => break Outcome::Failed,
            Ok(None) if began.elapsed() > most => break Outcome::Endless,
            Ok(None) => std::thread::sleep(BETWEEN_LOOKS),
        }
    };
    end_group(&mut child);
    outcome
}

fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
}
