//! Which compiler builds the connectors on this machine (`wasm.md` 1).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::BuildError;

/// The target that connectors are built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A cargo and a rustc that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolchainFolder {
    /// The cargo program.
    pub cargo: PathBuf,
    /// The rustc program.
    pub rustc: PathBuf,
    /// The folder that holds the compiler's `lib/rustlib`.
    pub sysroot: PathBuf,
}

impl ToolchainFolder {
    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    /// The standard library is there, ready made for the target.
    fn has_target(&self) -> bool {
        self.rustlib().join(TARGET).join("lib").is_dir()
    }

    /// The standard library's own sources are there. They always match the compiler, for they lie in its folder.
    fn has_std_source(&self) -> bool {
        self.rustlib()
            .join("src/rust/library/std/Cargo.toml")
            .is_file()
    }

    /// The linker that the compiler brings along; it lies in the folder of the host's target.
    fn linker(&self) -> Option<PathBuf> {
        let targets = std::fs::read_dir(self.rustlib()).ok()?;
        targets
            .flatten()
            .map(|target| target.path().join("bin/rust-lld"))
            .find(|linker| linker.is_file())
    }
}

/// What this machine has to build with.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The toolchains, the preferred one first.
    pub toolchains: Vec<ToolchainFolder>,
    /// Linkers for WebAssembly outside any toolchain.
    pub linkers: Vec<PathBuf>,
}

impl Machine {
    /// Looks around: the toolchain that is in use in `dir`, then Debian's.
    #[must_use]
    pub fn look(dir: &Path) -> Self {
        let program = |variable: &str, name: &str| {
            std::env::var_os(variable).unwrap_or_else(|| OsString::from(name))
        };
        let in_use = (program("CARGO", "cargo"), program("RUSTC", "rustc"));
        let debian = (
            OsString::from("/usr/bin/cargo"),
            OsString::from("/usr/bin/rustc"),
        );
        let toolchains = [in_use, debian]
            .into_iter()
            .filter_map(|(cargo, rustc)| ask(dir, &cargo, &rustc))
            .collect();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let linkers = std::env::split_paths(&path)
            .flat_map(|folder| [folder.join("wasm-ld"), folder.join("rust-lld")])
            .filter(|linker| linker.is_file())
            .collect();
        Self {
            toolchains,
            linkers,
        }
    }
}

/// Asks a compiler where it lives; nothing when there is none.
fn ask(dir: &Path, cargo: &OsString, rustc: &OsString) -> Option<ToolchainFolder> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .current_dir(dir)
        .output()
        .ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    if !output.status.success() || sysroot.as_os_str().is_empty() {
        return None;
    }
    // The compiler itself rather than a proxy in front of it, so that cargo uses the one that was asked.
    let itself = sysroot.join("bin/rustc");
    let rustc = if itself.is_file() {
        itself
    } else {
        PathBuf::from(rustc)
    };
    Some(ToolchainFolder {
        cargo: PathBuf::from(cargo),
        rustc,
        sysroot,
    })
}

/// How connectors are built here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The cargo program.
    pub cargo: PathBuf,
    /// The rustc program.
    pub rustc: PathBuf,
    /// The standard library is built as well, from the sources that came with the compiler.
    pub build_std: bool,
    /// The linker, when the compiler brings none.
    pub linker: Option<PathBuf>,
}

impl Toolchain {
    /// Chooses: a toolchain that has the target, else one that has the sources of the standard library.
    ///
    /// # Errors
    /// [`BuildError::NoTarget`] when there is neither, [`BuildError::NoLinker`] when nothing links.
    pub fn choose(machine: &Machine) -> Result<Self, BuildError> {
        let toolchains = &machine.toolchains;
        let ready = toolchains.iter().find(|toolchain| toolchain.has_target());
        let chosen = ready.or_else(|| {
            toolchains
                .iter()
                .find(|toolchain| toolchain.has_std_source())
        });
        let chosen = chosen.ok_or(BuildError::NoTarget)?;
        let linker = match chosen.linker() {
            Some(_) => None,
            None => {
                let elsewhere = toolchains.iter().find_map(ToolchainFolder::linker);
                let linker = elsewhere.or_else(|| machine.linkers.first().cloned());
                Some(linker.ok_or_else(|| BuildError::NoLinker {
                    rustc: chosen.rustc.clone(),
                })?)
            }
        };
        Ok(Self {
            cargo: chosen.cargo.clone(),
            rustc: chosen.rustc.clone(),
            build_std: ready.is_none(),
            linker,
        })
    }
}

#[cfg(test)]
#[path = "toolchain_tests.rs"]
mod tests;
