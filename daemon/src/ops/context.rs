//! What operations work on: the configuration, the ledger, and an engine once one is needed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use camsync_config::Loaded;
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use crate::ledger::{Ledger, LedgerError, LedgerLock};
use crate::metrics::Metrics;
use crate::pipeline::hints::Callbacks;
use crate::pipeline::{Clock, Engine};
use crate::setup;

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
    ledger: Arc<Ledger>,
    engine: OnceCell<Arc<Engine>>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    language: &'static str,
    listen: OnceLock<SocketAddr>,
    lock: Option<LedgerLock>,
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
                (Ledger::open(&path)?, Some(lock))
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
            ledger: Arc::new(ledger),
            engine: OnceCell::new(),
            metrics: Arc::default(),
            clock,
            language,
            listen: OnceLock::new(),
            lock,
        })
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

    /// Puts a changed configuration in force.
    ///
    /// # Errors
    /// When no engine can be made of it; then the old one stays.
    pub async fn reload(&self, config: Loaded) -> Result<(), OpError> {
        let engine = self.engine().await?;
        let parts = setup::parts(
            &config.config,
            Arc::clone(&self.ledger),
            Arc::clone(&self.clock),
            &self.metrics,
            self.language,
        )
        .await?;
        engine.replace(parts);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        *self
            .loaded_at
            .write()
            .unwrap_or_else(PoisonError::into_inner) = self.clock.now();
        self.refuse_config(None);
        Ok(())
    }

    /// Notes why an edit of the configuration was refused.
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

    /// Whether this process holds the ledger, and so may write it.
    #[must_use]
    pub fn holds_ledger(&self) -> bool {
        self.lock.is_some()
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
                let parts = setup::parts(
                    &config.config,
                    Arc::clone(&self.ledger),
                    Arc::clone(&self.clock),
                    &self.metrics,
                    self.language,
                )
                .await?;
                Ok::<_, OpError>(Arc::new(Engine::new(parts)))
            })
            .await
            .cloned()
    }
}
