//! Apply: reads what stands in the files, and puts it in force whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use camsync_config::{Config, Loaded, Source};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::connectors::environment;
use crate::ledger::LedgerError;
use crate::ops::{Context, OpError};
use crate::pipeline::EngineParts;
use crate::setup;

use super::diff::diff;

/// What looking at the files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing happened that was not known.
    Unchanged,
    /// Something else is in force now.
    Applied,
    /// What stands there is refused, or is no longer.
    Noted,
}

/// Not a secret, and yet a file that is read anew.
const CA_FILE: &str = "network.ca_file";

/// The secrets' contents, each by its key's path, told apart by digest; what cannot be read is a content, too.
type Contents = BTreeMap<String, [u8; 32]>;

/// Compares the files with what is in force.
pub(super) struct Reloader {
    context: Arc<Context>,
    contents: Contents,
    /// What a refused file names besides: its cause may lie there.
    refused: BTreeSet<PathBuf>,
}

impl Reloader {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let contents = contents(&context.config());
        Self {
            context,
            contents,
            refused: BTreeSet::new(),
        }
    }

    /// The files whose content decides.
    pub(super) fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = files(&self.context.config());
        files.insert(self.context.config_file().to_owned());
        files.extend(self.refused.iter().cloned());
        files
    }

    /// Looks at the files. `actor` is whom the audit names.
    pub(super) async fn look(&mut self, actor: &str) -> Outcome {
        self.refused.clear();
        let loaded = match Config::load(self.context.config_file()) {
            Ok(loaded) => loaded,
            Err(error) => return self.refuse(error.to_string()),
        };
        let contents = contents(&loaded);
        let before = self.context.config();
        let rotated = rotated(&self.contents, &contents);
        if loaded.text_sha256 == before.text_sha256 && rotated.is_empty() {
            return self.as_before();
        }
        let named = files(&loaded);
        match self.apply(&before, loaded, &rotated, actor).await {
            Ok(()) => {
                self.contents = contents;
                self.context.metrics().config_reloaded(true);
                Outcome::Applied
            }
            Err(why) => {
                self.refused = named;
                self.refuse(why.to_string())
            }
        }
    }

    fn refuse(&self, why: String) -> Outcome {
        let known = self.context.config_state().1;
        if known.as_deref() == Some(why.as_str()) {
            return Outcome::Unchanged;
        }
        tracing::error!("the configuration is refused, the one before stays in force: {why}");
        self.context.metrics().config_reloaded(false);
        self.context.refuse_config(Some(why));
        Outcome::Noted
    }

    /// What was refused has been taken back.
    fn as_before(&self) -> Outcome {
        if self.context.config_state().1.is_none() {
            return Outcome::Unchanged;
        }
        tracing::info!("the configuration is again as it is in force");
        self.context.refuse_config(None);
        Outcome::Noted
    }

    async fn apply(
        &self,
        before: &Arc<Loaded>,
        loaded: Loaded,
        rotated: &[String],
        actor: &str,
    ) -> Result<(), Refused> {
        fixed_for_life(&before.config, &loaded)?;
        let context = &self.context;
        let engine = context.engine().await?;
        let parts = context.parts(&loaded.config).await?;
        sources_can_be_set_up(&parts, |name| {
            let known = before.config.sources.iter().any(|s| s.name == name);
            known && engine.is_broken(name)
        })?;
        // From here on it is wanted. The ledger is told first: nothing is in force that it does not show.
        let ledger = context.ledger();
        setup::enrol(&loaded.config, ledger)?;
        let mut changed = diff(&before.show(), &loaded.show());
        for key in rotated {
            let words = match key.as_str() {
                CA_FILE => "file reloaded",
                _ => "secret reloaded",
            };
            changed.entry(key.clone()).or_insert_with(|| words.into());
        }
        let file = context.config_file().display().to_string();
        let now = context.now();
        ledger.audit(now, actor, "config.reload", &file, &json!(changed))?;
        let crawled = to_be_crawled(&before.config, &loaded, rotated);
        for source in &loaded.config.sources {
            let failing = ledger.source(&source.name)?.is_some_and(|r| r.failures > 0);
            if failing || crawled.contains(&source.name) {
                ledger.crawl_at(&source.name, now)?;
            }
        }
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let keys: Vec<&String> = changed.keys().collect();
        tracing::info!(?keys, by = actor, "configuration reloaded");
        Ok(context.put_in_force(loaded, parts).await?)
    }
}

/// Why what stands in the files is not put in force.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Problem(camsync_config::Problem),
    #[error("{0}")]
    Source(String),
    #[error("{}", .0.message)]
    Setup(#[from] OpError),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
}

/// A ledger is held and a port is open for as long as the process lives.
fn fixed_for_life(before: &Config, loaded: &Loaded) -> Result<(), Refused> {
    let after = &loaded.config;
    let fixed = [
        (
            "data_dir",
            before.daemon.data_dir != after.daemon.data_dir,
            before.daemon.data_dir.display().to_string(),
        ),
        (
            "listen",
            before.daemon.listen != after.daemon.listen,
            before.daemon.listen.to_string(),
        ),
    ];
    for (key, differs, was) in fixed {
        if differs {
            return Err(Refused::Problem(
                loaded.problem_at(
                    &["daemon", key],
                    format!("`daemon.{key}` cannot change while camsync runs; it is {was:?}"),
                    "restart camsync to let the whole file take effect, or put the old value back"
                        .into(),
                ),
            ));
        }
    }
    Ok(())
}

/// A source that an edit breaks is refused; one that was broken before stops nobody.
fn sources_can_be_set_up(
    parts: &EngineParts,
    was_broken: impl Fn(&str) -> bool,
) -> Result<(), Refused> {
    let broken: Vec<String> = parts
        .broken
        .iter()
        .filter(|(name, _)| !was_broken(name))
        .map(|(name, (_, failure))| format!("source {name}: {failure}"))
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Refused::Source(broken.join("\n\n")))
    }
}

/// The sources that may show something else now: new, set otherwise, or with another secret.
fn to_be_crawled(before: &Config, loaded: &Loaded, rotated: &[String]) -> BTreeSet<String> {
    let same = |a: &Source, b: &Source| {
        a.connector == b.connector
            && a.sha256 == b.sha256
            && a.limits == b.limits
            && a.allow_hosts == b.allow_hosts
            && a.settings.shown() == b.settings.shown()
    };
    let sources = loaded.config.sources.iter();
    sources
        .filter(|source| {
            let prefix = format!("source[{}].", source.name);
            let known = before.sources.iter().find(|s| s.name == source.name);
            known.is_none_or(|known| !same(known, source))
                || rotated.iter().any(|key| key.starts_with(&prefix))
        })
        .map(|source| source.name.clone())
        .collect()
}

/// The files that a configuration names and that are read anew when they change.
fn files(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let secrets = loaded.secrets().into_iter();
    secrets
        .filter_map(|(_, secret)| secret.path(&environment).ok().flatten())
        .chain(loaded.config.network.ca_file.clone())
        .collect()
}

fn contents(loaded: &Loaded) -> Contents {
    let secrets = loaded.secrets().into_iter().map(|(key, secret)| {
        let content = match secret.resolve(&environment) {
            Ok(secret) => Sha256::digest(secret.expose()),
            Err(error) => Sha256::digest(format!("\0{error}")),
        };
        (key, content.into())
    });
    let ca_file = loaded.config.network.ca_file.iter().map(|path| {
        let content = std::fs::read(path).unwrap_or_default();
        (CA_FILE.to_owned(), Sha256::digest(content).into())
    });
    secrets.chain(ca_file).collect()
}

/// The keys whose file holds something else than before, without those that are new.
fn rotated(before: &Contents, after: &Contents) -> Vec<String> {
    after
        .iter()
        .filter(|(key, content)| before.get(*key).is_some_and(|known| known != *content))
        .map(|(key, _)| key.clone())
        .collect()
}
