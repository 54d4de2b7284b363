//! Who asks: tokens, the names and roles behind them, and what is worth a warning about them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use camsync_config::{Config, Loaded, ReloadingSecret, Role, SecretRef};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::connectors::environment;

use super::advice::{self, Warning};
use super::connections::Peer;
use super::failures::Failures;
use super::problem::{Kind, Problem};

/// A shorter token can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// A token with the one who holds it.
#[derive(Debug)]
struct Key {
    name: String,
    role: Role,
    token: ReloadingSecret,
}

/// Who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    name: String,
    role: Role,
}

impl Person {
    /// What the audit calls this person.
    pub(super) fn actor(&self) -> String {
        format!("api:{}", self.name)
    }
}

/// The tokens of a configuration, with it.
type Keys = (Arc<Loaded>, Arc<Vec<Key>>);

/// The door.
#[derive(Debug, Default)]
pub(super) struct Access {
    keys: Mutex<Option<Keys>>,
    failures: Mutex<Failures>,
}

impl Access {
    /// Lets in whoever's token has the role that is needed.
    pub(super) fn admit(
        &self,
        config: &Arc<Loaded>,
        request: &Parts,
        needed: Role,
    ) -> Result<Person, Problem> {
        let person = self.authenticate(config, request)?;
        if person.role < needed {
            return Err(Problem::new(
                Kind::Forbidden,
                format!(
                    "{} is {}, and this needs {}: use another token, or change `role` in [[console.admin]]",
                    person.name,
                    word(person.role),
                    word(needed)
                ),
            ));
        }
        Ok(person)
    }

    fn authenticate(&self, config: &Arc<Loaded>, request: &Parts) -> Result<Person, Problem> {
        let keys = self.keys(config);
        if keys.is_empty() {
            return Err(Problem::new(
                Kind::Unauthorized,
                "no token is configured, so nobody is let in: set `admin_token` in [console], or add [[console.admin]]",
            ));
        }
        let Some(token) = bearer(&request.headers) else {
            return Err(Problem::new(
                Kind::Unauthorized,
                "send the header `Authorization: Bearer TOKEN`",
            ));
        };
        let (client, now) = (client(&config.config, request), Instant::now());
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = failures.wait(client, now) {
            return Err(Problem::new(
                Kind::TooMany,
                "too many wrong tokens came from this address, so none is looked at for a while",
            )
            .after(wait.as_secs() + 1));
        }
        match holder(&keys, token) {
            Some(person) => Ok(person),
            None => {
                if failures.note(client, now) {
                    tracing::warn!(%client, "too many wrong tokens; no more are looked at for a minute");
                }
                Err(Problem::new(
                    Kind::Unauthorized,
                    "the token is not one of [console]: check it, and that its place in the configuration can be read",
                ))
            }
        }
    }

    /// The tokens of the configuration in force.
    fn keys(&self, config: &Arc<Loaded>) -> Arc<Vec<Key>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match &*keys {
            Some((of, keys)) if Arc::ptr_eq(of, config) => Arc::clone(keys),
            _ => {
                let made = Arc::new(configured(&config.config));
                *keys = Some((Arc::clone(config), Arc::clone(&made)));
                made
            }
        }
    }
}

fn configured(config: &Config) -> Vec<Key> {
    let key = |name: &str, role, token: &SecretRef| Key {
        name: name.to_owned(),
        role,
        token: ReloadingSecret::new(token.clone()),
    };
    let shared = config
        .console
        .admin_token
        .iter()
        .map(|token| key("admin", Role::Admin, token));
    let named = config
        .console
        .admin
        .iter()
        .map(|a| key(&a.name, a.role, &a.token));
    shared.chain(named).collect()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who holds a token. All are compared, by digests of one length, so that time tells nothing of any.
fn holder(keys: &[Key], token: &str) -> Option<Person> {
    let given = Sha256::digest(token);
    let mut found = None;
    for key in keys {
        // A token that cannot be had lets nobody in; that is warned of at the start.
        let Ok(secret) = key.token.current(&environment) else {
            continue;
        };
        let own = Sha256::digest(secret.expose());
        if bool::from(own.as_slice().ct_eq(given.as_slice())) && found.is_none() {
            found = Some(Person {
                name: key.name.clone(),
                role: key.role,
            });
        }
    }
    found
}

/// Whose failures are counted together. Behind a proxy on this machine it is whom the proxy saw.
pub(super) fn client(config: &Config, request: &Parts) -> IpAddr {
    let peer = request
        .extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
    let behind_proxy = peer.is_loopback() && config.daemon.public_url.scheme() == "https";
    if !behind_proxy {
        return peer;
    }
    // Only the last entry is the proxy's own word.
    let forwarded = request
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back();
    forwarded
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
        .unwrap_or(peer)
}

pub(super) fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Approver => "approver",
        Role::Admin => "admin",
    }
}

/// What is worth a warning before anybody is let in.
#[must_use]
pub fn warnings(language: &str, config: &Config) -> Vec<Warning> {
    let mut found = Vec::new();
    let keys = configured(config);
    let exposed = !config.daemon.listen.ip().to_canonical().is_loopback();
    if exposed && config.daemon.public_url.scheme() != "https" {
        found.push(advice::without_tls(language, config.daemon.listen));
    }
    let mut digests = Vec::new();
    for key in &keys {
        match key.token.current(&environment) {
            Err(error) => found.push(advice::missing(language, &key.name, &error.to_string())),
            Ok(secret) => {
                if secret.expose().len() < SHORTEST_TOKEN {
                    found.push(advice::short(language, &key.name, SHORTEST_TOKEN));
                }
                let digest = Sha256::digest(secret.expose());
                if digests.contains(&digest) {
                    found.push(advice::shared(language, &key.name));
                }
                digests.push(digest);
            }
        }
    }
    found
}
