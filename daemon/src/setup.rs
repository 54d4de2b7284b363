//! Setup: from a configuration to the parts of an engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use camsync_cam::{
    Cam, Client, ClientOptions, CredentialError, CredentialSource, Credentials, Language,
};
use camsync_config::{Config, ReloadingSecret, SignIn as ConfiguredSignIn, TargetKind};
use camsync_connector_host::{Compiler, Host, HostOptions};
use camsync_core::plan::quota::Quota;
use rand::Rng as _;

use crate::connectors::{ConnectorSource, environment};
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::pipeline::apply::SignIn;
use crate::pipeline::reconcile::Policy;
use crate::pipeline::{Clock, EngineParts, Source, SourceFailure};

/// Why the parts could not be made. A source that cannot be set up is not such a reason: the others go on.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The CA file cannot be read.
    #[error("network.ca_file: {path} cannot be read: {source}")]
    CaFile {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("network: {0}")]
    Http(#[from] camsync_cam::HttpClientError),
    /// The CAM client cannot be made.
    #[error("target: {0}")]
    Target(#[from] camsync_cam::OptionsError),
    /// The connector host cannot be made.
    #[error("connectors cannot be run: {0}")]
    Host(#[from] camsync_connector_host::HostError),
    /// The key cannot be had.
    #[error("target: {0}")]
    Key(#[from] camsync_config::SecretError),
}

/// The CAM key, read anew when its files change.
#[derive(Debug)]
struct ConfiguredKey {
    id: ReloadingSecret,
    key: ReloadingSecret,
    token: Option<ReloadingSecret>,
}

#[async_trait]
impl CredentialSource for ConfiguredKey {
    fn current(&self) -> Result<Credentials, CredentialError> {
        let read = |secret: &ReloadingSecret| {
            secret.current(&environment).map_err(|e| CredentialError {
                reason: e.to_string(),
            })
        };
        let mut credentials = Credentials::new(
            read(&self.id)?.expose().to_owned(),
            read(&self.key)?.expose().to_owned(),
        );
        credentials.token = self
            .token
            .as_ref()
            .map(|token| read(token).map(|t| camsync_cam::SecretText::new(t.expose().to_owned())))
            .transpose()?;
        Ok(credentials)
    }
}

/// What runs connectors: one engine for all sources, with compiled code kept beside the ledger.
/// `compiler` compiles what is not there yet; without one this process does.
///
/// # Errors
/// When the CA file or the cache folder cannot be used.
pub fn connector_host(
    config: &Config,
    metrics: &Arc<Metrics>,
    compiler: Option<&Compiler>,
) -> Result<Host, SetupError> {
    let watch: Arc<dyn camsync_connector_host::Watch> = metrics.clone();
    Ok(Host::new(HostOptions {
        cache_dir: Some(cache_dir(config)),
        compiler: compiler.cloned(),
        proxy: config.network.proxy.clone(),
        extra_ca_pem: extra_ca(config)?,
        watch,
        ..HostOptions::default()
    })?)
}

/// Where compiled connectors are kept: `CAMSYNC_CACHE_DIR`, or beside the ledger.
fn cache_dir(config: &Config) -> std::path::PathBuf {
    std::env::var_os("CAMSYNC_CACHE_DIR").map_or_else(
        || config.daemon.data_dir.join("cache"),
        std::path::PathBuf::from,
    )
}

/// The CAM client, unless changes are only recorded.
///
/// # Errors
/// When the endpoint, the proxy or the CA file cannot be used, or the key cannot be had.
pub fn cam(
    config: &Config,
    metrics: &Arc<Metrics>,
    language: &str,
) -> Result<Option<Arc<dyn Cam>>, SetupError> {
    let target = &config.target;
    if target.kind == TargetKind::Ledger {
        return Ok(None);
    }
    let key = ConfiguredKey {
        id: ReloadingSecret::new(target.secret_id.clone()),
        key: ReloadingSecret::new(target.secret_key.clone()),
        token: target.token.clone().map(ReloadingSecret::new),
    };
    for secret in [Some(&key.id), Some(&key.key), key.token.as_ref()]
        .into_iter()
        .flatten()
    {
        secret.current(&environment)?;
    }
    let http = http_client(config)?;
    let mut options = ClientOptions::new(target.endpoint.clone(), http, Arc::new(key));
    options.watch = metrics.clone();
    options.requests_per_second = f64::from(target.requests_per_second);
    options.language = match language {
        "zh" => Language::Chinese,
        _ => Language::English,
    };
    Ok(Some(Arc::new(Client::new(options)?)))
}

/// The transport for what the daemon itself sends, as `[network]` says.
///
/// # Errors
/// When the proxy or the CA file cannot be used.
pub fn http_client(config: &Config) -> Result<reqwest::Client, SetupError> {
    let ca = extra_ca(config)?;
    Ok(camsync_cam::http_client(
        config.network.proxy.as_ref(),
        ca.as_deref(),
    )?)
}

/// The certificates that are trusted in addition to the system's, in PEM.
///
/// # Errors
/// When the CA file cannot be read.
pub fn extra_ca(config: &Config) -> Result<Option<Vec<u8>>, SetupError> {
    config
        .network
        .ca_file
        .as_ref()
        .map(|path| {
            std::fs::read(path).map_err(|source| SetupError::CaFile {
                path: path.clone(),
                source,
            })
        })
        .transpose()
}

/// What the configuration says of plans.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    Policy {
        rules: config.rules.clone(),
        guard: config.guard,
        leavers: config.leavers,
        less_access: config.drift.less_access,
        quotas: quotas(&config.target.quotas),
        applications_expire_after: config.applications.expire_after,
    }
}

fn quotas(known: &camsync_config::Quotas) -> HashMap<Quota, u64> {
    [
        (Quota::SubUsers, known.sub_users),
        (Quota::Groups, known.groups),
        (Quota::GroupSubUsers, known.users_per_group),
        (Quota::SubUserGroups, known.groups_per_user),
        (Quota::SubUserPolicies, known.policies_per_user),
    ]
    .into_iter()
    .filter_map(|(quota, limit)| Some((quota, u64::from(limit?))))
    .collect()
}

/// All sources that can be set up, and those that cannot.
pub async fn sources(
    host: &Host,
    config: &Config,
    language: &'static str,
) -> (
    BTreeMap<String, Arc<ConnectorSource>>,
    BTreeMap<String, (String, SourceFailure)>,
) {
    let (mut sources, mut broken) = (BTreeMap::new(), BTreeMap::new());
    for source in &config.sources {
        match ConnectorSource::load(host, source, &config.daemon.connectors_dir, language).await {
            Ok(loaded) => {
                sources.insert(source.name.clone(), Arc::new(loaded));
            }
            Err(failure) => {
                broken.insert(
                    source.name.clone(),
                    (connector_name(&source.connector), failure),
                );
            }
        }
    }
    (sources, broken)
}

/// A connector's name before it is loaded.
#[must_use]
pub fn connector_name(reference: &camsync_config::ConnectorRef) -> String {
    match reference {
        camsync_config::ConnectorRef::Named(name) => name.clone(),
        camsync_config::ConnectorRef::File(path) => path.file_stem().map_or_else(
            || path.display().to_string(),
            |s| s.to_string_lossy().into_owned(),
        ),
    }
}

/// Makes the sources' rows in the ledger.
///
/// # Errors
/// When the ledger cannot be written.
pub fn enrol(config: &Config, ledger: &Ledger) -> Result<(), LedgerError> {
    for source in &config.sources {
        ledger.ensure_source(
            &source.name,
            &connector_name(&source.connector),
            source.former_name.as_deref(),
        )?;
    }
    Ok(())
}

/// Makes the parts of an engine.
///
/// # Errors
/// See [`SetupError`].
pub async fn parts(
    config: &Config,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    compiler: Option<&Compiler>,
    language: &'static str,
) -> Result<EngineParts, crate::ops::OpError> {
    let host = connector_host(config, metrics, compiler)?;
    let (sources, broken) = sources(&host, config, language).await;
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    Ok(EngineParts {
        ledger,
        cam: cam(config, metrics, language)?,
        sources: sources
            .into_iter()
            .map(|(name, source)| (name, source as Arc<dyn Source>))
            .collect(),
        broken,
        policy: policy(config),
        retry: config.retry,
        sign_in: SignIn {
            sso: config.target.sign_in == ConfiguredSignIn::Sso,
        },
        clock,
        metrics: Arc::clone(metrics),
        seed,
    })
}
