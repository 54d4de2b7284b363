//! What operations work on: the configuration, the ledger, and an engine once one is needed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use camsync_config::{Config, Loaded};
use camsync_connector_host::{Compiler, Host};
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, OnceCell};

use crate::ledger::{Ledger, LedgerError, LedgerLock};
use crate::metrics::Metrics;
use crate::pipeline::hints::Callbacks;
use crate::pipeline::{Clock, Engine, EngineParts};
use crate::setup::{self, SetupError};

use super::OpError;

/// What an operation needs of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads it; another process may hold it.
    Read,
    /// Writes it; nobody else may hold it.
    Write,
}

/// What operations work on.
pub struct Context {
    config_file: PathBuf,
    config: RwLock<Arc<Loaded>>,
    loaded_at: RwLock<DateTime<Utc>>,
    config_error: RwLock<Option<String>>,
    reloaded: Notify,
    ledger: Arc<Ledger>,
    engine: OnceCell<Arc<Engine>>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    compiler: Option<Compiler>,
    language: &'static str,
    listen: OnceLock<SocketAddr>,
    _lock: Option<LedgerLock>,
}

impl Context {
    /// Opens the ledger that a configuration, read from `config_file`, names. `what` says who, in the lock.
    ///
    /// # Errors
    /// When the ledger cannot be opened, or another process holds it.
    pub fn open(
        config_file: PathBuf,
        config: Loaded,
        access: Access,
        what: &str,
        clock: Arc<dyn Clock>,
        language: &'static str,
    ) -> Result<Self, LedgerError> {
        let data_dir: PathBuf = config.config.daemon.data_dir.clone();
        let path = data_dir.join("camsync.db");
        let (ledger, lock) = match access {
            Access::Write => {
                let lock = LedgerLock::take(&data_dir, what)?;
                let ledger = Ledger::open(&path)?;
                ledger.end_idle_resumes(None)?;
                (ledger, Some(lock))
            }
            Access::Read => match Ledger::open_to_read(&path) {
                // Nothing has happened yet: that, too, can be shown.
                Err(LedgerError::Absent { .. }) => (Ledger::empty()?, None),
                ledger => (ledger?, None),
            },
        };
        let now = clock.now();
        Ok(Self {
            config_file,
            config: RwLock::new(Arc::new(config)),
            loaded_at: RwLock::new(now),
            config_error: RwLock::new(None),
            reloaded: Notify::new(),
            ledger: Arc::new(ledger),
            engine: OnceCell::new(),
            metrics: Arc::default(),
            clock,
            compiler: None,
            language,
            listen: OnceLock::new(),
            _lock: lock,
        })
    }

    /// On an engine of these parts and on their ledger, which is locked against nobody: time, cloud and sources are
    /// whatever the parts have. A run can so be simulated with the operations that people use.
    #[must_use]
    pub fn of_parts(config_file: PathBuf, config: Loaded, parts: EngineParts) -> Self {
        let now = parts.clock.now();
        Self {
            config_file,
            config: RwLock::new(Arc::new(config)),
            loaded_at: RwLock::new(now),
            config_error: RwLock::new(None),
            reloaded: Notify::new(),
            ledger: Arc::clone(&parts.ledger),
            metrics: Arc::clone(&parts.metrics),
            clock: Arc::clone(&parts.clock),
            engine: OnceCell::new_with(Some(Arc::new(Engine::new(parts)))),
            compiler: None,
            language: "en",
            listen: OnceLock::new(),
            _lock: None,
        }
    }

    /// Has connectors compiled by a program; without one this process does.
    #[must_use]
    pub fn compiling_with(mut self, compiler: Compiler) -> Self {
        self.compiler = Some(compiler);
        self
    }

    /// The configuration's file.
    #[must_use]
    pub fn config_file(&self) -> &std::path::Path {
        &self.config_file
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Loaded> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When it was loaded, and why a later edit was refused, if one was.
    #[must_use]
    pub fn config_state(&self) -> (DateTime<Utc>, Option<String>) {
        let at = *self
            .loaded_at
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let error = self
            .config_error
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        (at, error)
    }

    /// What a configuration would have an engine made of. Nothing changes by asking.
    ///
    /// # Errors
    /// When no engine can be made of it.
    pub async fn parts(&self, config: &Config) -> Result<EngineParts, OpError> {
        setup::parts(
            config,
            Arc::clone(&self.ledger),
            Arc::clone(&self.clock),
            &self.metrics,
            self.compiler.as_ref(),
            self.language,
        )
        .await
    }

    /// What runs the connectors of a configuration.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn connector_host(&self, config: &Config) -> Result<Host, SetupError> {
        setup::connector_host(config, &self.metrics, self.compiler.as_ref())
    }

    /// Puts another configuration in force, with what was made of it, and wakes the daemon's loop.
    ///
    /// # Errors
    /// When there was no engine, and none can be made.
    pub async fn put_in_force(&self, config: Loaded, parts: EngineParts) -> Result<(), OpError> {
        let engine = self.engine().await?;
        {
            let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
            engine.replace(parts);
            *current = Arc::new(config);
        }
        *self
            .loaded_at
            .write()
            .unwrap_or_else(PoisonError::into_inner) = self.clock.now();
        self.refuse_config(None);
        self.reloaded.notify_one();
        Ok(())
    }

    /// Makes an engine's parts anew of what is in force: what a source could not be set up for may have been put right, a
    /// connector's file or a secret's. Where none can be made the old ones stay, and serve the other sources.
    pub async fn set_up_again(&self) {
        if let Err(error) = self.try_set_up_again().await {
            tracing::warn!(%error, "the sources cannot be set up again");
        }
    }

    async fn try_set_up_again(&self) -> Result<(), OpError> {
        let engine = self.engine().await?;
        let config = self.config();
        let parts = self.parts(&config.config).await?;
        let current = self.config.read().unwrap_or_else(PoisonError::into_inner);
        // A reload that came meanwhile has set everything up.
        if Arc::ptr_eq(&current, &config) {
            engine.replace(parts);
        }
        Ok(())
    }

    /// Returns once another configuration has been put in force.
    pub async fn reloaded(&self) {
        self.reloaded.notified().await;
    }

    /// Notes why an edit of the configuration was refused; nothing once it was taken back.
    pub fn refuse_config(&self, why: Option<String>) {
        *self
            .config_error
            .write()
            .unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The administrator's language: `zh` or `en`.
    #[must_use]
    pub fn language(&self) -> &'static str {
        self.language
    }

    /// Where this process answers HTTP, once it does.
    #[must_use]
    pub fn listens_at(&self) -> Option<SocketAddr> {
        self.listen.get().copied()
    }

    /// Notes where this process answers HTTP.
    pub fn set_listens_at(&self, at: SocketAddr) {
        let _ = self.listen.set(at);
    }

    /// Whether the configuration has been put to work: the engine is made of it.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.engine.get().is_some()
    }

    /// The sources that are being crawled at this moment, by this process.
    #[must_use]
    pub fn crawling(&self) -> std::collections::BTreeSet<String> {
        self.engine.get().map(|e| e.crawling()).unwrap_or_default()
    }

    /// The engine, where one was made already.
    #[must_use]
    pub fn engine_in_use(&self) -> Option<Arc<Engine>> {
        self.engine.get().cloned()
    }

    /// What callbacks of a source have come to, in this process.
    #[must_use]
    pub fn callbacks(&self, source: &str) -> Option<Callbacks> {
        self.engine.get().map(|e| e.hints().callbacks(source))
    }

    /// The engine, made when it is first needed.
    ///
    /// # Errors
    /// When the configuration allows none.
    pub async fn engine(&self) -> Result<Arc<Engine>, OpError> {
        self.engine
            .get_or_try_init(|| async {
                let config = self.config();
                setup::enrol(&config.config, &self.ledger)?;
                let parts = self.parts(&config.config).await?;
                Ok::<_, OpError>(Arc::new(Engine::new(parts)))
            })
            .await
            .cloned()
    }
}
