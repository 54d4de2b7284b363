//! The host: one engine, one set of HTTP clients, one cache of compiled code, shared by all sources.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::Mutex;
use url::Url;
use wasmtime::{Cache as CodeCache, CacheConfig, Config, Engine};

use crate::{
    clock::{Clock, SystemClock},
    compile::Compiler,
    description::Description,
    guest::Guest,
    http::{Clients, NameLookup, Network, SystemLookup},
    ticker::Ticker,
    watch::Watch,
};

/// The stack of a guest, in bytes: enough for language runtimes.
const WASM_STACK: usize = 1024 * 1024;
/// The stack on which guest and imports run, in bytes.
const ASYNC_STACK: usize = WASM_STACK + 1024 * 1024;

/// How a [`Host`] is set up.
#[derive(Clone)]
pub struct HostOptions {
    /// Where compiled code is kept, so that the next start need not compile again. It is made when missing, for this
    /// user alone. Nothing is kept when absent.
    pub cache_dir: Option<PathBuf>,
    /// What compiles connectors that are not in `cache_dir` yet. When absent, and without a `cache_dir`, this process does.
    pub compiler: Option<Compiler>,
    /// A proxy for everything that is not on this machine's loopback. It may hold user and password, and may itself
    /// be at a private address. The proxy resolves names then: only names and addresses written out are checked.
    pub proxy: Option<Url>,
    /// Certificates of authorities trusted in addition to the system's, as PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The time of day that connectors see.
    pub clock: Arc<dyn Clock>,
    /// How long a connector may take to say what it is when it is loaded.
    pub describe_time: Duration,
    /// Who is asked for addresses of names.
    pub lookup: Arc<dyn NameLookup>,
    /// Who is told what calls and requests came to.
    pub watch: Arc<dyn Watch>,
}

impl Default for HostOptions {
    /// No cache of code, no compiler but this process, no proxy, the system's certificates, clock and resolver; 10 s to describe; nobody watches.
    fn default() -> Self {
        Self {
            cache_dir: None,
            compiler: None,
            proxy: None,
            extra_ca_pem: None,
            clock: Arc::new(SystemClock),
            describe_time: Duration::from_secs(10),
            lookup: Arc::new(SystemLookup),
            watch: Arc::new(()),
        }
    }
}

/// Leaves the proxy out: it may hold a password.
impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("cache_dir", &self.cache_dir)
            .finish_non_exhaustive()
    }
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The folder for compiled code cannot be used.
    #[error("compiled connectors cannot be kept in {}: {reason}", path.display())]
    CacheDir {
        /// The folder.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The extra certificates are none.
    #[error("the extra certificates (network.ca_file) are not PEM certificates: {reason}")]
    ExtraCa {
        /// What is wrong.
        reason: String,
    },
    /// The proxy is none.
    #[error("the proxy (network.proxy) must be an http or https URL with a host")]
    Proxy,
    /// No HTTP client can be made.
    #[error(
        "no HTTP client can be made: {reason}; are the system's certificates installed (ca-certificates)?"
    )]
    Client {
        /// What happened.
        reason: String,
    },
    /// The engine cannot be set up on this machine.
    #[error("WebAssembly cannot be run on this machine: {reason}")]
    Engine {
        /// What happened.
        reason: String,
    },
}

/// Runs connectors. Cheap to clone; what is inside ends with its last clone, connector and session.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) clients: Clients,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) describe_time: Duration,
    pub(crate) watch: Arc<dyn Watch>,
    /// What was loaded, by digest: many sources of one connector share its code.
    pub(crate) loaded: Mutex<HashMap<String, (Guest, Description)>>,
    pub(crate) code: Option<CodeCache>,
    pub(crate) compiler: Option<Compiler>,
}

impl Host {
    /// Sets a host up.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let extra_roots = match &options.extra_ca_pem {
            Some(pem) => certificates(pem)?,
            None => Vec::new(),
        };
        if options
            .proxy
            .as_ref()
            .is_some_and(|proxy| !matches!(proxy.scheme(), "http" | "https") || !proxy.has_host())
        {
            return Err(HostError::Proxy);
        }
        // Fails when another part of the program has installed one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clients = Clients::new(Network {
            proxy: options.proxy,
            extra_roots,
            lookup: options.lookup,
        });
        let code = options.cache_dir.as_deref().map(code_cache).transpose()?;
        let engine = engine(code.clone())?;
        let ticker = Ticker::start(&engine).map_err(|error| HostError::Engine {
            reason: error.to_string(),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                ticker,
                clients,
                clock: options.clock,
                describe_time: options.describe_time,
                watch: options.watch,
                loaded: Mutex::default(),
                code,
                compiler: options.compiler,
            }),
        })
    }

    /// How often compiled code was found in the folder, and how often it had to be compiled.
    #[must_use]
    pub fn code_cache_use(&self) -> (usize, usize) {
        self.inner
            .code
            .as_ref()
            .map_or((0, 0), |code| (code.cache_hits(), code.cache_misses()))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// The engine: whatever compiles, and whatever runs what was compiled, has this one.
pub(crate) fn engine(code: Option<CodeCache>) -> Result<Engine, HostError> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(ASYNC_STACK);
    config.cache(code);
    Engine::new(&config).map_err(|error| HostError::Engine {
        reason: format!("{error:#}"),
    })
}

pub(crate) fn code_cache(path: &Path) -> Result<CodeCache, HostError> {
    let unusable = |reason: String| HostError::CacheDir {
        path: path.to_owned(),
        reason,
    };
    make_private(path).map_err(|error| unusable(error.to_string()))?;
    let path = path
        .canonicalize()
        .map_err(|error| unusable(error.to_string()))?;
    let mut config = CacheConfig::new();
    config.with_directory(path);
    CodeCache::new(config).map_err(|error| unusable(format!("{error:#}")))
}

/// Makes the folder for this user alone; refuses one that others may write to, for they could run code as this user.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&path.metadata()?);
        if mode & 0o022 != 0 {
            return Err(io::Error::other(
                "others may write there; run `chmod go-w` on it",
            ));
        }
    }
    Ok(())
}

fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, HostError> {
    match reqwest::Certificate::from_pem_bundle(pem) {
        Ok(found) if found.is_empty() => Err(HostError::ExtraCa {
            reason: "there is none in it".to_owned(),
        }),
        Ok(found) => Ok(found),
        Err(error) => Err(HostError::ExtraCa {
            reason: error.to_string(),
        }),
    }
}
