//! A copy of the sources with every mutant in it, and its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::list::Mutant;
use crate::switch::switch;

const RUNTIME: &str = include_str!("runtime.rs.txt");

/// Tries to build before it is given up.
const TRIES: usize = 40;

/// The copy.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Its root.
    pub root: PathBuf,
    /// Where it is built.
    pub target: PathBuf,
}

/// A program of tests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Binary {
    /// What is run.
    pub program: PathBuf,
    /// Where it is run: the folder of its package.
    pub folder: PathBuf,
    /// Its package and target.
    pub name: String,
}

impl Tree {
    /// Copies what git knows of a workspace; what is the same already stays, so that it is not built again.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub(crate) fn copy(from: &Path, work: &Path) -> Result<Self, String> {
        let tree = Self {
            root: work.join("tree"),
            target: work.join("target"),
        };
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(from)
            .output()
            .map_err(|e| format!("git: {e}"))?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for file in listed.split('\0').filter(|file| !file.is_empty()) {
            if let Ok(bytes) = fs::read(from.join(file)) {
                let there = tree.root.join(file);
                write(&there, &bytes)?;
                let mode = fs::metadata(from.join(file)).map(|m| m.permissions());
                let _ = mode.and_then(|mode| fs::set_permissions(&there, mode));
            }
        }
        Ok(tree)
    }

    /// Puts the mutants in, and leaves out those that do not compile: their numbers.
    ///
    /// # Errors
    /// When it does not compile for a reason of its own.
    pub(crate) fn put_in(
        &self,
        from: &Path,
        package: &str,
        mutants: &BTreeMap<usize, Mutant>,
    ) -> Result<BTreeSet<usize>, String> {
        let mut out = BTreeSet::new();
        for _ in 0..TRIES {
            let mut files: BTreeMap<&str, BTreeMap<usize, &Mutant>> = BTreeMap::new();
            for (&number, mutant) in mutants.iter().filter(|(n, _)| !out.contains(*n)) {
                files
                    .entry(&mutant.file)
                    .or_default()
                    .insert(number, mutant);
            }
            let mut without = Vec::new();
            for (file, of_file) in &files {
                let source =
                    fs::read_to_string(from.join(file)).map_err(|e| format!("{file}: {e}"))?;
                let switched = switch(&source, of_file).map_err(|e| format!("{file}: {e}"))?;
                write(&self.root.join(file), switched.text.as_bytes())?;
                without.extend(switched.without);
            }
            for number in without {
                if out.insert(number) {
                    println!("no switch can be put around: {}", mutants[&number].name);
                }
            }
            let first = mutants.values().next().ok_or("no mutant is left")?;
            self.runtime(from, &first.file, mutants.keys().max().map_or(1, |n| n + 1))?;
            let wrong = self.check(package)?;
            if wrong.is_empty() {
                return Ok(out);
            }
            let before = out.len();
            out.extend(wrong);
            println!("{} of {} do not compile so far", out.len(), mutants.len());
            if out.len() == before {
                return Err("it does not compile, and no mutant is the reason".into());
            }
        }
        Err("it does not compile".into())
    }

    /// Puts in what asks whether a mutant is switched on.
    fn runtime(&self, from: &Path, file: &str, count: usize) -> Result<(), String> {
        let (crate_root, _) = file.split_once("/src/").ok_or("a file outside src")?;
        let library = format!("{crate_root}/src/lib.rs");
        let text =
            fs::read_to_string(from.join(&library)).map_err(|e| format!("{library}: {e}"))?;
        let text = format!("{text}\npub mod mutants;\n");
        write(&self.root.join(&library), text.as_bytes())?;
        let module = RUNTIME.replace("COUNT]", &format!("{count}]"));
        let place = format!("{crate_root}/src/mutants.rs");
        write(&self.root.join(place), module.as_bytes())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null());
        command
    }

    /// The mutants that the compiler complains of.
    fn check(&self, package: &str) -> Result<BTreeSet<usize>, String> {
        let output = self
            .cargo(&[
                "check",
                "--locked",
                "--package",
                package,
                "--lib",
                "--message-format=json",
            ])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| format!("cargo: {e}"))?;
        if output.status.success() {
            return Ok(BTreeSet::new());
        }
        let mut wrong = BTreeSet::new();
        let mut unknown = String::new();
        for message in messages(&output.stdout) {
            let message = &message["message"];
            if message["level"] != "error" {
                continue;
            }
            let spans = message["spans"].as_array().into_iter().flatten();
            let primary = spans.filter(|span| span["is_primary"] == true);
            let numbers: BTreeSet<usize> = primary.flat_map(|span| self.mutants_at(span)).collect();
            if numbers.is_empty() && message["spans"].as_array().is_some_and(|s| !s.is_empty()) {
                unknown += message["rendered"].as_str().unwrap_or_default();
            }
            wrong.extend(numbers);
        }
        if wrong.is_empty() {
            return Err(format!("it does not compile:\n{unknown}"));
        }
        Ok(wrong)
    }

    /// The innermost mutant around what the compiler points at, or those within it, or before it in its function.
    fn mutants_at(&self, span: &Value) -> Vec<usize> {
        let file = span["file_name"].as_str().unwrap_or_default();
        let Ok(text) = fs::read_to_string(self.root.join(file)) else {
            return Vec::new();
        };
        let number = |name: &str| span[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let (Some(start), Some(end)) = (number("byte_start"), number("byte_end")) else {
            return Vec::new();
        };
        let mut open = Vec::new();
        let before = text.get(..start).unwrap_or_default();
        for (number, opens) in marks(before) {
            if opens {
                open.push(number);
            } else {
                open.retain(|n| *n != number);
            }
        }
        if let Some(innermost) = open.last() {
            return vec![*innermost];
        }
        // Around the whole of a site: what stands in it.
        let within = marks(text.get(start..end).unwrap_or_default());
        let within: Vec<usize> = within.map(|(number, _)| number).collect();
        if !within.is_empty() {
            return within;
        }
        // The body does not answer what was returned before it.
        let returned = before.rfind("{ return /*m").unwrap_or(start);
        let line = before[..returned].rfind('\n').unwrap_or(0);
        let line = before[line..].trim_start().lines().next();
        marks(line.unwrap_or_default())
            .map(|(number, _)| number)
            .collect()
    }

    /// Builds the tests, and says what programs they are.
    ///
    /// # Errors
    /// When they do not build.
    pub(crate) fn tests(&self) -> Result<Vec<Binary>, String> {
        let output = self
            .cargo(&[
                "test",
                "--no-run",
                "--locked",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
                "--message-format=json",
            ])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| format!("cargo: {e}"))?;
        if !output.status.success() {
            return Err("the tests do not build".into());
        }
        let binary = |message: Value| {
            let program = PathBuf::from(message["executable"].as_str()?);
            let manifest = PathBuf::from(message["manifest_path"].as_str()?);
            let is_test = message["profile"]["test"] == true;
            let folder = manifest.parent()?.to_owned();
            let package = folder.file_name()?.to_string_lossy().into_owned();
            let name = format!("{package}::{}", message["target"]["name"].as_str()?);
            is_test.then_some(Binary {
                program,
                folder,
                name,
            })
        };
        Ok(messages(&output.stdout).filter_map(binary).collect())
    }
}

fn messages(stdout: &[u8]) -> impl Iterator<Item = Value> {
    stdout
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
}

/// The marks in a text: a mutant's number, and whether it begins there.
fn marks(text: &str) -> impl Iterator<Item = (usize, bool)> {
    text.split("/*").skip(1).filter_map(|part| {
        let (mark, _) = part.split_once("*/")?;
        let (number, opens) = match mark.strip_prefix('}') {
            None => (mark.strip_suffix('{')?, true),
            Some(mark) => (mark, false),
        };
        Some((number.strip_prefix('m')?.parse().ok()?, opens))
    })
}

/// Writes a file, unless it says that already.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().ok_or("a file without a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|e| format!("{}: {e}", path.display()))
}
