//! Connectors: the built-in ones, those in `connectors_dir`, and how a source is made of one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use camsync_config::{ConnectorRef, resolve_settings};
use camsync_connector_host::types::{
    CallbackAnswer, CallbackRequest, Capability, Failure, Message, Presence as HostPresence,
    SignInRequest, SignedIn,
};
use camsync_connector_host::{
    AllowedHost, CallError, Connector, CrawlSink, Host, Limits, Origin, Session, SinkError,
    SourceContext, Usage,
};
use camsync_core::model::{Department, Member};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::pipeline::merge::Merge;
use crate::pipeline::source::CrawlProgress;
use crate::pipeline::{Crawled, Presence, Source, SourceFailure};

/// Connectors that are part of the program.
pub const BUILT_IN: [(&str, &[u8]); 1] = [(
    "wecom",
    include_bytes!(concat!(env!("OUT_DIR"), "/wecom.wasm")),
)];

/// The environment, as secrets are looked up in it.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where a connector is, and what it is made of.
///
/// # Errors
/// When there is none of this name, or its file cannot be read; the message says where it was looked for.
pub fn find(reference: &ConnectorRef, connectors_dir: &Path) -> Result<(Origin, Vec<u8>), String> {
    match reference {
        ConnectorRef::File(path) => read(path),
        ConnectorRef::Named(name) => {
            let file = connectors_dir.join(format!("{name}.wasm"));
            if let Some((_, bytes)) = BUILT_IN.iter().find(|(built_in, _)| built_in == name) {
                return Ok((Origin::BuiltIn(name.clone()), bytes.to_vec()));
            }
            if file.exists() {
                return read(&file);
            }
            let built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let near = camsync_core::nearest::nearest(name, built_in.iter().copied())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            Err(format!(
                "there is no connector `{name}`: built in are {}, and there is no {}{near}",
                built_in.join(", "),
                file.display()
            ))
        }
    }
}

fn read(path: &Path) -> Result<(Origin, Vec<u8>), String> {
    std::fs::read(path)
        .map(|bytes| (Origin::File(path.to_owned()), bytes))
        .map_err(|e| format!("the connector {} cannot be read: {e}", path.display()))
}

/// The files of a connectors folder, by name.
#[must_use]
pub fn installed(connectors_dir: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(connectors_dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    found.sort();
    found
}

/// A source made of a connector and its settings. Secrets in files are read again when the files change.
pub struct ConnectorSource {
    name: String,
    connector: Connector,
    config: camsync_config::Source,
    language: &'static str,
    session: tokio::sync::Mutex<Option<([u8; 32], Arc<Session>)>>,
}

impl ConnectorSource {
    /// Loads a source's connector and checks its settings.
    ///
    /// # Errors
    /// When the connector cannot be loaded, or the settings are not what it wants.
    pub async fn load(
        host: &Host,
        config: &camsync_config::Source,
        connectors_dir: &Path,
        language: &'static str,
    ) -> Result<Self, SourceFailure> {
        let (origin, bytes) = find(&config.connector, connectors_dir)
            .map_err(|message| SourceFailure::new("connector", message))?;
        let connector = host
            .load(origin, bytes, config.sha256.as_deref())
            .await
            .map_err(|e| SourceFailure::new("connector", e.to_string()))?;
        let source = Self {
            name: config.name.clone(),
            connector,
            config: config.clone(),
            language,
            session: tokio::sync::Mutex::new(None),
        };
        source.session().await?;
        Ok(source)
    }

    /// A session with the settings as they are now.
    ///
    /// # Errors
    /// When a setting is wrong or a secret cannot be had.
    pub async fn session(&self) -> Result<Arc<Session>, SourceFailure> {
        let description = self.connector.description();
        let resolved = resolve_settings(&self.config, &description.settings_schema, &environment)
            .map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            SourceFailure::new("settings", lines.join("\n"))
        })?;
        let digest: [u8; 32] =
            Sha256::digest(Zeroizing::new(resolved.json.to_string()).as_bytes()).into();
        let mut current = self.session.lock().await;
        if let Some((known, session)) = current.as_ref()
            && *known == digest
        {
            return Ok(Arc::clone(session));
        }
        let invalid = |e: &dyn std::fmt::Display| SourceFailure::new("settings", e.to_string());
        let allowed_hosts = match &self.config.allow_hosts {
            Some(hosts) => hosts
                .iter()
                .map(|host| host.parse::<AllowedHost>())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| invalid(&e))?,
            None => description.hosts.clone(),
        };
        let operator_endpoints = resolved
            .endpoints
            .iter()
            .map(|url| AllowedHost::of_url(url.as_str()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| invalid(&e))?;
        let limits = &self.config.limits;
        let session = self
            .connector
            .session(SourceContext {
                source: self.name.clone(),
                settings: resolved.json,
                secrets: resolved
                    .secrets
                    .iter()
                    .map(|s| Zeroizing::new(s.expose().to_owned()))
                    .collect(),
                limits: Limits {
                    memory: usize::try_from(limits.memory).unwrap_or(usize::MAX),
                    idle: limits.idle,
                    time: limits.time,
                    response: u32::try_from(limits.response).unwrap_or(u32::MAX),
                },
                allowed_hosts,
                operator_endpoints,
            })
            .map_err(|e| SourceFailure::new("connector", e.to_string()))?;
        let session = Arc::new(session);
        *current = Some((digest, Arc::clone(&session)));
        Ok(session)
    }

    /// A call's failure, with what the connector has to say about it in the administrator's language.
    pub async fn explained(&self, session: &Session, error: CallError) -> SourceFailure {
        let mut failure = failure(&error);
        if let CallError::Connector(said) = &error
            && let Ok(Some(explanation)) = session.explain(said, self.language).await
        {
            failure.cause = Some(explanation.cause);
            failure.remedy = Some(explanation.remedy);
        }
        failure
    }
}

fn failure(error: &CallError) -> SourceFailure {
    let kind = match error {
        CallError::Connector(Failure::SettingsWrong(_)) => "settings_wrong",
        CallError::Connector(Failure::NotPermitted(_)) => "not_permitted",
        CallError::Connector(Failure::Throttled { .. }) => "throttled",
        CallError::Connector(Failure::Unavailable(_)) => "unavailable",
        CallError::Connector(Failure::Refused(_)) => "refused",
        CallError::Connector(Failure::Bug { .. }) | CallError::Unable { .. } => "bug",
        CallError::Limit(_) => "limit",
        CallError::Trap { .. } => "trap",
        CallError::Sink { .. } => "incomplete",
    };
    let mut made = SourceFailure::new(kind, error.to_string());
    match error {
        CallError::Connector(
            Failure::SettingsWrong(detail)
            | Failure::NotPermitted(detail)
            | Failure::Unavailable(detail)
            | Failure::Refused(detail),
        ) => made.code.clone_from(&detail.code),
        CallError::Connector(Failure::Throttled {
            detail,
            retry_after_seconds,
        }) => {
            made.code.clone_from(&detail.code);
            made.retry_after_seconds = Some(*retry_after_seconds);
        }
        _ => {}
    }
    made
}

/// Collects a crawl, each member once.
struct Collector<'a> {
    merge: Merge,
    progress: CrawlProgress<'a>,
    requests: u32,
}

impl CrawlSink for Collector<'_> {
    fn departments(&mut self, batch: Vec<Department>) -> Result<(), SinkError> {
        self.merge.departments(batch);
        Ok(())
    }

    fn members(&mut self, batch: Vec<Member>) -> Result<(), SinkError> {
        self.merge.members(batch);
        Ok(())
    }

    fn progress(&mut self, done: u32, total: Option<u32>) {
        (self.progress)(done, total);
    }

    fn ended(&mut self, usage: &Usage) {
        self.requests = usage.requests;
    }
}

#[async_trait]
impl Source for ConnectorSource {
    fn connector(&self) -> &str {
        &self.connector.description().name
    }

    fn can_look_up(&self) -> bool {
        self.connector
            .description()
            .capabilities
            .contains(&Capability::LookUp)
    }

    async fn crawl(&self, progress: CrawlProgress<'_>) -> Result<Crawled, SourceFailure> {
        let session = self.session().await?;
        let mut collector = Collector {
            merge: Merge::default(),
            progress,
            requests: 0,
        };
        let summary = match session.crawl(&mut collector).await {
            Ok(summary) => summary,
            Err(error) => return Err(self.explained(&session, error).await),
        };
        let requests = collector.requests;
        let (departments, members) = collector.merge.finish();
        let mut missing = summary.missing;
        if !summary.complete && missing.is_empty() {
            missing.push("the connector did not say what".into());
        }
        Ok(Crawled {
            enterprise: summary.enterprise,
            missing,
            requests,
            range_fingerprint: summary.range_fingerprint,
            range: summary.range.into_iter().collect::<BTreeSet<_>>(),
            names: summary.names,
            departments,
            members,
        })
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure> {
        let session = self.session().await?;
        match session.look_up(ids).await {
            Ok(answers) => Ok(answers
                .into_iter()
                .map(|answer| match answer {
                    HostPresence::Present { member } => Presence::Present(member),
                    HostPresence::Gone { answer } => Presence::Gone(answer),
                    HostPresence::OutOfSight { answer } => Presence::OutOfSight(answer),
                    HostPresence::Unknown { answer } => Presence::Unknown(answer),
                })
                .collect()),
            Err(error) => Err(self.explained(&session, error).await),
        }
    }

    async fn callback(&self, request: CallbackRequest) -> Result<CallbackAnswer, SourceFailure> {
        let session = self.session().await?;
        session
            .callback(request)
            .await
            .map_err(|error| failure(&error))
    }

    fn can_sign_in(&self) -> bool {
        self.connector
            .description()
            .capabilities
            .contains(&Capability::SignIn)
    }

    async fn sign_in_url(&self, request: SignInRequest) -> Result<String, SourceFailure> {
        let session = self.session().await?;
        let url = session.sign_in_url(request).await;
        url.map_err(|error| failure(&error))
    }

    async fn who_signed_in(&self, code: &str) -> Result<SignedIn, SourceFailure> {
        let session = self.session().await?;
        match session.who_signed_in(code).await {
            Ok(who) => Ok(who),
            Err(error) => Err(self.explained(&session, error).await),
        }
    }

    fn can_send_messages(&self) -> bool {
        self.connector
            .description()
            .capabilities
            .contains(&Capability::Messages)
    }

    async fn send_message(&self, member: &str, message: Message) -> Result<(), SourceFailure> {
        let session = self.session().await?;
        match session.send_message(member, message).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(&session, error).await),
        }
    }
}
