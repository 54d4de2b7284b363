//! Why a connector could not be built.

use std::path::PathBuf;

/// Why a connector could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No compiler on this machine can build for WebAssembly.
    #[error(
        "no Rust compiler here can build WebAssembly connectors; run `rustup target add wasm32-unknown-unknown`, \
         or on a Debian machine where rustup cannot download: \
         `apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src`"
    )]
    NoTarget,
    /// A compiler and the sources of its standard library are there, but nothing links WebAssembly.
    #[error(
        "the Rust compiler {} comes without a linker for WebAssembly; run `apt-get install -y lld` or install a \
         rustup toolchain, which brings `rust-lld`", rustc.display()
    )]
    NoLinker {
        /// The compiler that was found.
        rustc: PathBuf,
    },
    /// A program could not be started.
    #[error("cannot run {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Cargo ended with an error.
    #[error("building the connector in {} failed:\n{stderr_tail}", connector_dir.display())]
    Cargo {
        /// The connector's folder.
        connector_dir: PathBuf,
        /// The last lines that cargo wrote.
        stderr_tail: String,
    },
    /// Cargo succeeded without making a WebAssembly module.
    #[error("the package in {} has no library to make a connector of", connector_dir.display())]
    NoModule {
        /// The connector's folder.
        connector_dir: PathBuf,
    },
    /// The module is not a connector.
    #[error("{} is not a connector: {reason}", module.display())]
    NotAConnector {
        /// The core module.
        module: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The component imports something that the connector interface does not offer.
    #[error(
        "{} imports {import}, but a connector may import only `camsync:connector`: a dependency reaches for the \
         system (time, randomness, files); use the SDK's host instead", module.display()
    )]
    ForeignImport {
        /// The core module.
        module: PathBuf,
        /// The import's name.
        import: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
