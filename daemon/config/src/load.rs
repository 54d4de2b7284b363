//! From a file to a configuration.

use std::fs::File as Disk;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camsync_core::rules::{Guard, Leavers, Retry, Rules};
use serde_json::Value as Json;

use crate::document::{self, SourceText};
use crate::keys::{
    Applications, Console, Daemon, Drift, File, Network, Notify, Retention, Source, Target,
    Telemetry,
};
use crate::problem::{ConfigError, Problem};
use crate::reader::{Reader, Section};
use crate::written::Written;

/// The largest file that is read, in bytes.
pub(crate) const LARGEST_FILE: u64 = 1 << 20;
/// Where the file is looked for when nobody names it.
const PLACES: [&str; 2] = ["camsync.toml", "/etc/camsync/camsync.toml"];
const SMALLEST: &str = "the least it holds:\n\
    [target]\n\
    kind = \"cam\"\n\
    [[source]]\n\
    name = \"acme\"\n\
    connector = \"wecom\"\n\
    and config/camsync.toml shows all the rest";

/// The whole configuration, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The process itself.
    pub daemon: Daemon,
    /// Who may use the console and the API.
    pub console: Console,
    /// How the internet is reached.
    pub network: Network,
    /// Where changes go.
    pub target: Target,
    /// How changes that do not succeed are tried again.
    pub retry: Retry,
    /// When removals wait for a person.
    pub guard: Guard,
    /// What happens to those who leave.
    pub leavers: Leavers,
    /// What is done about drift.
    pub drift: Drift,
    /// What happens to members' own requests.
    pub applications: Applications,
    /// How long data is kept.
    pub retention: Retention,
    /// Traces for an OpenTelemetry collector.
    pub telemetry: Telemetry,
    /// Identity providers, at least one, in the order of the file. Names differ, without regard to case.
    pub sources: Vec<Source>,
    /// Who gets a sub-user, and what they may do.
    pub rules: Rules,
    /// Who is told what needs a person.
    pub notify: Vec<Notify>,
}

/// A configuration and what is known of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed and yet worth a look, in the order of the file.
    pub warnings: Vec<Problem>,
    /// The SHA-256 of the text, in hexadecimal: tells whether an edit changed anything.
    pub text_sha256: String,
    shown: Json,
    pub(crate) written: Written,
}

impl Loaded {
    /// The effective configuration with defaults; a secret stands as the place that it comes from.
    #[must_use]
    pub fn show(&self) -> Json {
        self.shown.clone()
    }
}

impl Config {
    /// The file to use: the one that is named, or the first that exists of `camsync.toml` and
    /// `/etc/camsync/camsync.toml`.
    ///
    /// # Errors
    /// When none was named and neither exists.
    pub fn locate(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
        if let Some(path) = named {
            return Ok(path.to_owned());
        }
        PLACES
            .iter()
            .map(PathBuf::from)
            // A broken link counts as there: it was meant, and reading it tells what is wrong.
            .find(|path| path.symlink_metadata().is_ok())
            .ok_or_else(|| ConfigError::Absent {
                looked: PLACES.iter().map(PathBuf::from).collect(),
            })
    }

    /// Reads and checks a file. Relative paths in it start from its folder.
    ///
    /// # Errors
    /// When it cannot be read, or with everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
        let text = read(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let base = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
        Self::parse(&text, &path.display().to_string(), &base)
    }

    /// Checks a text. `file` is what errors call it, `base` the folder that relative paths start from.
    ///
    /// # Errors
    /// With everything that is wrong in it.
    pub fn parse(text: &str, file: &str, base: &Path) -> Result<Loaded, ConfigError> {
        let source = Arc::new(SourceText::new(
            file,
            text.strip_prefix('\u{feff}').unwrap_or(text),
        ));
        let (table, mut syntax) = document::parse(&source.text);
        // A thousand brackets that are never closed are one mistake.
        syntax.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        let mut reader = Reader::new(&source, base);
        if !syntax.is_empty() {
            // What TOML's grammar refuses may have swallowed keys: complaints about missing ones would mislead.
            for error in syntax {
                reader.in_secret(|reader| {
                    reader.refuse(
                        &error.span,
                        format!("this is not TOML: {}", error.message),
                        "",
                    )
                });
            }
            return invalid(reader);
        }
        if table.0.is_empty() {
            reader.refuse(&(0..0), "the configuration is empty", SMALLEST);
            return invalid(reader);
        }
        let read = File::read(&table, &(0..0), &mut reader);
        let Some(file) = read.filter(|_| reader.count() == 0) else {
            return invalid(reader);
        };
        let mut warnings = Reader::new(&source, base);
        crate::warnings::gather(&file, &table, &mut warnings);
        Ok(Loaded {
            shown: file.show(),
            warnings: warnings.into_problems(),
            text_sha256: sha256(text),
            config: file.into(),
            written: Written {
                text: Arc::clone(&source),
                table,
                base: base.to_owned(),
            },
        })
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn invalid(reader: Reader<'_>) -> Result<Loaded, ConfigError> {
    Err(ConfigError::Invalid {
        problems: reader.into_problems(),
    })
}

impl From<File> for Config {
    fn from(file: File) -> Self {
        Self {
            daemon: file.daemon,
            console: file.console,
            network: file.network,
            target: file.target,
            retry: file.retry,
            guard: file.guard,
            leavers: file.leavers,
            drift: file.drift,
            applications: file.applications,
            retention: file.retention,
            telemetry: file.telemetry,
            sources: file.source,
            rules: Rules {
                admit: file.admit,
                grant: file.grant,
            },
            notify: file.notify,
        }
    }
}

/// Reads a text file of a sensible size.
fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound if path.is_symlink() => {
            unreadable("it is a symbolic link to a file that does not exist".into())
        }
        ErrorKind::NotFound => ConfigError::Absent {
            looked: vec![path.to_owned()],
        },
        ErrorKind::PermissionDenied => unreadable(format!(
            "{error}; let the user that camsync runs as read it"
        )),
        // Only links that lead in a circle end here: std has no stable name for that error.
        _ if path.is_symlink() => unreadable(format!(
            "it is a symbolic link that cannot be followed: {error}; put the file itself in its place"
        )),
        _ => unreadable(error.to_string()),
    };
    let file = Disk::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(unreadable("it is a folder; name the file in it".into()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
        });
    }
    let not_text = |reason: String| ConfigError::NotText {
        path: path.to_owned(),
        reason,
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(not_text("it is UTF-16; save it as UTF-8".into()));
    }
    if bytes.contains(&0) {
        return Err(not_text("it is a binary file; is it the right one?".into()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        not_text(format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}
