//! The mutants, as cargo-mutants lists them.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// A place in a file: line and column, both from 1 on, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Where what is changed begins and ends.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Span {
    /// Its first character.
    pub start: Place,
}

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Genre {
    /// A function answers something without doing anything.
    FnValue,
    /// An operator is another one.
    BinaryOperator,
    /// An operator is left out.
    UnaryOperator,
    /// An arm of a match is left out.
    MatchArm,
    /// An arm's guard says always or never.
    MatchArmGuard,
    /// A field has what the struct's rest gives it.
    StructField,
}

/// The function that is changed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Function {
    /// With its type, if it has one.
    pub function_name: String,
}

/// One change of one place.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Mutant {
    /// From the root of the workspace.
    pub file: String,
    /// Where it stands.
    pub function: Option<Function>,
    /// What is changed.
    pub genre: Genre,
    /// In words, with its place.
    pub name: String,
    /// What stands there instead.
    pub replacement: String,
    /// What is replaced.
    pub span: Span,
}

/// All mutants of a package's files.
///
/// # Errors
/// When cargo-mutants is missing, or says something else than a list.
pub(crate) fn mutants(root: &Path, package: &str, files: &str) -> Result<Vec<Mutant>, String> {
    let output = Command::new("cargo")
        .args([
            "mutants",
            "--list",
            "--json",
            "--package",
            package,
            "--file",
            files,
        ])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "cargo mutants --list: {said}\n(`cargo install --locked cargo-mutants` installs it)"
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo mutants --list: {e}"))
}
