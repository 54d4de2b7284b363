//! A connector: read, checked, compiled, and asked what it is.

use std::{fmt, path::PathBuf, sync::Arc};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::{
    cache::Cache,
    call::{self, Allowance},
    description::{Description, DescriptionError},
    error::CallError,
    guest::Guest,
    handover::HandOver,
    host::{Host, HostError, Inner},
    http::{Bounds, Tickets},
    inspect::{FormatError, inspect},
    log::LogGate,
    progress::Progress,
    redact::Redactor,
    session::{Session, SourceContext},
    state::{CallState, MemoryBudget},
};

/// A file's length in bytes: more than a connector with a language runtime has (`wasm.md` 4).
pub(crate) const FILE_MAX: usize = 128 * 1024 * 1024;
/// Memory that a connector may take to say what it is, in bytes.
const DESCRIBE_MEMORY: usize = 256 * 1024 * 1024;

/// Where a connector comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Part of this program, under this name.
    BuiltIn(String),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(name) => write!(f, "built-in connector {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why a connector was not loaded, and which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {kind}")]
pub struct LoadError {
    /// Which connector.
    pub origin: Origin,
    /// Why.
    pub kind: LoadErrorKind,
}

/// Why a connector was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadErrorKind {
    /// The file is too large to be one.
    #[error("the file has {length} bytes; a connector has at most {FILE_MAX}")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
    },
    /// It is not the file that the configuration pins.
    #[error(
        "the file's SHA-256 is {found}, but the configuration says {expected}; restore the file, or change sha256 if this change is meant"
    )]
    Digest {
        /// What the configuration says.
        expected: String,
        /// The file's.
        found: String,
    },
    /// It is not a connector that this host can run.
    #[error("{0}")]
    Format(FormatError),
    /// It does not compile.
    #[error("it does not compile ({reason}); the file may be damaged: fetch or build it again")]
    Compile {
        /// The compiler's words.
        reason: String,
    },
    /// Whatever compiled it was brought down by it, or had to be ended.
    #[error(
        "it brought the compiler down ({reason}), and nothing of it was run; fetch or build it again, smaller if it is very large"
    )]
    CompilerDown {
        /// How it ended.
        reason: String,
    },
    /// Its functions are not those of the interface that it names.
    #[error(
        "it does not keep to version {version} of the interface ({reason}); build it against that version's WIT"
    )]
    Interface {
        /// The version that it names.
        version: String,
        /// What differs.
        reason: String,
    },
    /// It could not say what it is.
    #[error("it could not say what it is: {0}")]
    Describe(CallError),
    /// What it says of itself is wrong.
    #[error("{0}")]
    Description(DescriptionError),
}

/// A connector, ready for sessions. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    inner: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) host: Arc<Inner>,
    pub(crate) guest: Guest,
    pub(crate) description: Description,
    origin: Origin,
}

impl Host {
    /// Loads a connector: checks its digest (`expected_sha256`, hexadecimal in either case) and what it imports and exports, compiles it or
    /// takes what was compiled before, and asks it what it is. Compiling runs in a process of its own, or on a thread.
    ///
    /// # Errors
    /// See [`LoadErrorKind`]: every way of not being a connector has its own.
    pub async fn load(
        &self,
        origin: Origin,
        bytes: Vec<u8>,
        expected_sha256: Option<&str>,
    ) -> Result<Connector, LoadError> {
        match self.load_bytes(&origin, bytes, expected_sha256).await {
            Ok((guest, description)) => {
                let host = Arc::clone(&self.inner);
                Ok(Connector {
                    inner: Arc::new(Loaded {
                        host,
                        guest,
                        description,
                        origin,
                    }),
                })
            }
            Err(kind) => Err(LoadError { origin, kind }),
        }
    }

    async fn load_bytes(
        &self,
        origin: &Origin,
        bytes: Vec<u8>,
        expected: Option<&str>,
    ) -> Result<(Guest, Description), LoadErrorKind> {
        if bytes.len() > FILE_MAX {
            return Err(LoadErrorKind::TooLarge {
                length: bytes.len(),
            });
        }
        let found = hex(&Sha256::digest(&bytes));
        if let Some(expected) = expected.filter(|expected| !expected.eq_ignore_ascii_case(&found)) {
            return Err(LoadErrorKind::Digest {
                expected: expected.to_owned(),
                found,
            });
        }
        // Kept until it is loaded: two that ask for one connector do not compile it twice.
        let mut loaded = self.inner.loaded.lock().await;
        if let Some(known) = loaded.get(&found) {
            return Ok(known.clone());
        }
        let inspected = inspect(&bytes).map_err(LoadErrorKind::Format)?;
        let component = self.compile(bytes, &found).await?;
        let wit = inspected.version.to_string();
        let guest =
            Guest::link(&self.inner.engine, &component, inspected.served).map_err(|error| {
                LoadErrorKind::Interface {
                    version: wit.clone(),
                    reason: format!("{error:#}"),
                }
            })?;
        let asked = guest.clone();
        let state = nameless_state(&self.inner, origin);
        let time = self.inner.describe_time;
        let allowance = Allowance {
            time,
            idle: time,
            memory: DESCRIBE_MEMORY,
        };
        let raw = call::run(
            &self.inner.engine,
            self.inner.ticker.running(),
            allowance,
            state,
            move |store| Box::pin(async move { asked.describe(store).await }),
        );
        let (raw, _) = raw.await;
        let raw = raw.map_err(LoadErrorKind::Describe)?;
        let description = raw
            .check(wit, found.clone())
            .map_err(LoadErrorKind::Description)?;
        loaded.insert(found, (guest.clone(), description.clone()));
        Ok((guest, description))
    }

    /// Takes what was compiled before; else has it compiled, in a process of its own where it can be.
    async fn compile(&self, bytes: Vec<u8>, digest: &str) -> Result<Component, LoadErrorKind> {
        if let (Some(compiler), Some(code)) = (&self.inner.compiler, &self.inner.code) {
            let engine = &self.inner.engine;
            compiler
                .compile(engine, code.directory(), digest, &bytes)
                .await?;
        }
        let engine = self.inner.engine.clone();
        let compiled = tokio::task::spawn_blocking(move || Component::new(&engine, bytes)).await;
        match compiled {
            Ok(Ok(component)) => Ok(component),
            Ok(Err(error)) => Err(LoadErrorKind::Compile {
                reason: format!("{error:#}"),
            }),
            Err(error) => Err(LoadErrorKind::Compile {
                reason: error.to_string(),
            }),
        }
    }
}

impl Connector {
    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// Begins a session: one source's use of this connector. Keep it as long as the source's settings stay as they are:
    /// it holds the source's cache.
    ///
    /// # Errors
    /// No HTTP client can be made ([`HostError::Client`]).
    pub fn session(&self, context: SourceContext) -> Result<Session, HostError> {
        Session::new(Arc::clone(&self.inner), context)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("origin", &self.inner.origin)
            .finish_non_exhaustive()
    }
}

/// What a call has that belongs to no source: no network, no secrets, an empty cache.
fn nameless_state(host: &Inner, origin: &Origin) -> CallState {
    let cache = Arc::new(Cache::new(Arc::clone(&host.clock)));
    CallState {
        tickets: Tickets::offline(Bounds {
            response: 0,
            buffered: 0,
            timeout: host.describe_time,
        }),
        clock: Arc::clone(&host.clock),
        log: LogGate::new(String::new(), origin.to_string()),
        redactor: Arc::new(Redactor::new(Vec::new(), Arc::clone(&cache))),
        cache,
        handover: HandOver::closed(),
        progress: Arc::new(Progress::new()),
        memory: MemoryBudget::new(DESCRIBE_MEMORY),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
