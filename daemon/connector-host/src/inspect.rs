//! Reads a file's imports and exports before anything of it is compiled, so that a wrong file is refused by name.

use std::fmt;

use semver::Version;
use wasmparser::{Encoding, Parser, Payload};

/// The package that connectors are written against.
const PACKAGE: &str = "camsync:connector";
/// The interface that makes a component a connector.
const EXPORT: &str = "connector";
/// What a connector may import of the package; `types` holds no function.
const IMPORTS: &[&str] = &["types", "http", "clock", "log", "cache", "sink"];

/// A version of the interface that this host serves. Patch releases change words, never shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// 1.0, in `v1_0/`.
    V1_0,
}

/// Every version that this host serves, newest first.
pub(crate) const SERVED: &[(u64, u64, Served)] = &[(1, 0, Served::V1_0)];

/// The versions that this host serves, for a person: `1.0`.
pub(crate) fn served_versions() -> String {
    let versions: Vec<_> = SERVED
        .iter()
        .map(|(major, minor, _)| format!("{major}.{minor}"))
        .collect();
    versions.join(", ")
}

/// What a file is, when it is a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// Which module of this host serves it.
    pub(crate) served: Served,
    /// The version that it was built for, in full.
    pub(crate) version: Version,
}

/// Why a file is not a connector that this host can run. Each text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Not WebAssembly at all.
    #[error("this is not a WebAssembly file{}; give the .wasm that `camsync connector build` makes", describe(*.found))]
    NotWebAssembly {
        /// What it seems to be.
        found: Foreign,
    },
    /// The file ends too early or is damaged.
    #[error(
        "the file is damaged or was cut short at byte {offset} of {length} ({reason}); fetch or build it again"
    )]
    Damaged {
        /// Where reading failed.
        offset: usize,
        /// The file's length in bytes.
        length: usize,
        /// The parser's words.
        reason: String,
    },
    /// WebAssembly, but a core module rather than a component.
    #[error(
        "this is a core WebAssembly module, not a component; build it with `camsync connector build`"
    )]
    CoreModule,
    /// A component of another world.
    #[error("this component is not a connector: it does not export {PACKAGE}/{EXPORT}{}", list(.exports))]
    OtherWorld {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// A connector for a version of the interface that this host does not know.
    #[error(
        "this connector speaks version {found} of {PACKAGE}; this camsync serves {served}: build it for one of these, or use another camsync"
    )]
    UnknownVersion {
        /// The version found.
        found: String,
        /// The versions served.
        served: String,
    },
    /// It asks for something that no connector gets.
    #[error(
        "this connector asks for `{import}`, which no connector gets: files, sockets, environment and the like are not offered, only {PACKAGE}'s http, clock, log, cache and sink; build it without"
    )]
    ForbiddenImport {
        /// The import's name.
        import: String,
    },
}

/// What a file that is not WebAssembly seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing at all.
    Empty,
    /// WebAssembly's text format.
    Text,
    /// Anything else.
    Other,
}

fn describe(found: Foreign) -> &'static str {
    match found {
        Foreign::Empty => ": it is empty",
        Foreign::Text => " but WebAssembly text",
        Foreign::Other => "",
    }
}

fn list(exports: &[String]) -> String {
    if exports.is_empty() {
        String::new()
    } else {
        format!(", only {}", exports.join(", "))
    }
}

/// Reads what a component imports and exports, and decides whether it is a connector that can be served.
///
/// # Errors
/// See [`FormatError`]: every case is a different mistake with a different remedy.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, FormatError> {
    recognise(bytes)?;
    let (imports, exports) = names(bytes)?;
    let version = interface_version(&exports)?;
    let served = serving(&version);
    let (Some(served), Ok(version)) = (served, Version::parse(&version)) else {
        return Err(unknown(&version));
    };
    for import in &imports {
        let name = Name::parse(import);
        if name.package != PACKAGE || !IMPORTS.contains(&name.interface) {
            return Err(FormatError::ForbiddenImport {
                import: import.clone(),
            });
        }
        if serving(name.version) != Some(served) {
            return Err(unknown(name.version));
        }
    }
    Ok(Inspected { served, version })
}

fn recognise(bytes: &[u8]) -> Result<(), FormatError> {
    if bytes.starts_with(b"\0asm") {
        return Ok(());
    }
    let text = bytes.trim_ascii_start();
    let found = match bytes {
        [] => Foreign::Empty,
        _ if text.starts_with(b"(module")
            || text.starts_with(b"(component")
            || text.starts_with(b";;") =>
        {
            Foreign::Text
        }
        _ => Foreign::Other,
    };
    Err(FormatError::NotWebAssembly { found })
}

/// The names that the outermost component imports and exports.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), FormatError> {
    let damaged = |error: wasmparser::BinaryReaderError| FormatError::Damaged {
        offset: error.offset(),
        length: bytes.len(),
        reason: error.message().to_owned(),
    };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(FormatError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(full_name(&import.map_err(damaged)?.name));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(full_name(&export.map_err(damaged)?.name));
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn full_name(name: &wasmparser::ComponentExternName<'_>) -> String {
    format!("{}{}", name.name, name.version_suffix.unwrap_or_default())
}

/// The version of the connector interface that is exported: a served one if there are several.
fn interface_version(exports: &[String]) -> Result<String, FormatError> {
    let mut versions: Vec<&str> = exports
        .iter()
        .map(|export| Name::parse(export))
        .filter(|name| name.package == PACKAGE && name.interface == EXPORT)
        .map(|name| name.version)
        .collect();
    versions.sort_by_key(|version| serving(version).is_some());
    versions
        .pop()
        .map(str::to_owned)
        .ok_or_else(|| FormatError::OtherWorld {
            exports: exports.iter().take(8).cloned().collect(),
        })
}

fn serving(version: &str) -> Option<Served> {
    let version = Version::parse(version)
        .ok()
        .filter(|version| version.pre.is_empty())?;
    SERVED
        .iter()
        .find(|(major, minor, _)| (*major, *minor) == (version.major, version.minor))
        .map(|(_, _, served)| *served)
}

fn unknown(version: &str) -> FormatError {
    let found = if version.is_empty() {
        "(none)"
    } else {
        version
    };
    FormatError::UnknownVersion {
        found: found.to_owned(),
        served: served_versions(),
    }
}

/// `package/interface@version`, taken apart; what is missing is empty.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: &'a str,
}

impl<'a> Name<'a> {
    fn parse(text: &'a str) -> Self {
        let (path, version) = text.split_once('@').unwrap_or((text, ""));
        let (package, interface) = path.split_once('/').unwrap_or(("", path));
        Self {
            package,
            interface,
            version,
        }
    }
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PACKAGE}@{}", self.version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn component(body: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {body})")).unwrap()
    }

    /// Without names inside, so that the last byte is the last of what matters.
    fn connector(version: &str, imports: &[&str]) -> Vec<u8> {
        let own = imports.len();
        let imports: String = imports
            .iter()
            .map(|import| format!("(import \"{import}\" (instance))"))
            .collect();
        component(&format!(
            "{imports} (instance) (export \"camsync:connector/connector@{version}\" (instance {own}))"
        ))
    }

    #[test]
    fn a_connector_of_a_served_version_is_recognised() {
        for version in ["1.0.0", "1.0.7"] {
            let bytes = connector(
                version,
                &[
                    "camsync:connector/http@1.0.0",
                    "camsync:connector/types@1.0.0",
                ],
            );
            let inspected = inspect(&bytes).unwrap();
            assert_eq!(
                inspected.to_string(),
                format!("camsync:connector@{version}")
            );
        }
    }

    #[test]
    fn an_unknown_version_is_refused_by_name() {
        for version in ["2.0.0", "1.1.0", "0.9.0", "1.0.0-rc1"] {
            let error = inspect(&connector(version, &[])).unwrap_err();
            assert_eq!(
                error,
                FormatError::UnknownVersion {
                    found: version.to_owned(),
                    served: "1.0".to_owned()
                }
            );
        }
        let error = inspect(&connector("1.0.0", &["camsync:connector/http@1.1.0"])).unwrap_err();
        assert!(matches!(error, FormatError::UnknownVersion { found, .. } if found == "1.1.0"));
    }

    #[test]
    fn what_no_connector_gets_is_refused_by_name() {
        for import in [
            "wasi:filesystem/types@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "camsync:connector/files@1.0.0",
            "env",
        ] {
            let error = inspect(&connector("1.0.0", &[import])).unwrap_err();
            assert_eq!(
                error,
                FormatError::ForbiddenImport {
                    import: import.to_owned()
                }
            );
        }
    }

    #[test]
    fn imports_of_inner_components_are_not_the_components_own() {
        let bytes = component(
            "(component (import \"wasi:filesystem/types@0.2.0\" (instance)))
             (core module (import \"env\" \"open\" (func)))
             (instance $i) (export \"camsync:connector/connector@1.0.0\" (instance $i))",
        );
        assert!(inspect(&bytes).is_ok());
    }

    #[test]
    fn other_files_are_refused_each_in_its_own_way() {
        let not_wasm = |found| FormatError::NotWebAssembly { found };
        assert_eq!(inspect(b"").unwrap_err(), not_wasm(Foreign::Empty));
        assert_eq!(
            inspect(b"  (component)").unwrap_err(),
            not_wasm(Foreign::Text)
        );
        assert_eq!(
            inspect(b"\x7fELF....").unwrap_err(),
            not_wasm(Foreign::Other)
        );
        assert_eq!(
            inspect(&wat::parse_str("(module)").unwrap()).unwrap_err(),
            FormatError::CoreModule
        );
        let other = component("(instance $i) (export \"wasi:cli/run@0.2.0\" (instance $i))");
        let expected = FormatError::OtherWorld {
            exports: vec!["wasi:cli/run@0.2.0".to_owned()],
        };
        assert_eq!(inspect(&other).unwrap_err(), expected);
    }

    #[test]
    fn a_file_cut_short_anywhere_is_refused() {
        let whole = connector("1.0.0", &["camsync:connector/http@1.0.0"]);
        for length in 4..whole.len() {
            assert!(
                inspect(&whole[..length]).is_err(),
                "{length} of {}",
                whole.len()
            );
        }
    }
}
