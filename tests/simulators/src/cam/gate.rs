//! What a request passes before its action runs: signature, permission, version, rate (`cam-api.md 1`, `6.4`).

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value};

use super::actions::{self, Action};
use super::cloud::Cloud;
use super::context::Caller;
use super::history::Actor;
use super::refusal::{Refusal, refuse};
use super::tc3::{Authorization, Flaw, Message, verify};
use crate::http::Call;

/// An API key that may sign requests. Its secret and token are never shown.
#[derive(Clone)]
pub struct Key {
    /// The secret that signs.
    pub secret_key: String,
    /// The user it belongs to.
    pub uin: u64,
    /// The root account that this user belongs to.
    pub owner_uin: u64,
    /// The token that must come with it, when it is a temporary key.
    pub token: Option<String>,
    /// The actions that it may not do; `DeleteApiKey` forbids DeleteUser with Force.
    pub denied: Vec<String>,
    /// Whether it has been revoked.
    pub revoked: bool,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("uin", &self.uin)
            .field("owner_uin", &self.owner_uin)
            .field("denied", &self.denied)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

/// The request as text: header names in lower case.
pub(crate) fn headers(call: &Call) -> Vec<(String, String)> {
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    call.headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

/// The value of a header, empty when absent.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

/// Who signed this request, if the signature holds.
pub(crate) fn authenticate(
    call: &Call,
    headers: &[(String, String)],
    keys: &BTreeMap<String, Key>,
    cloud: &Cloud,
    owner_uin: u64,
    now: i64,
) -> Result<Caller, Refusal> {
    let Some(authorization) = Authorization::parse(header(headers, "authorization")) else {
        return refuse(
            "AuthFailure.InvalidAuthorization",
            "The Authorization header is not valid.",
        );
    };
    let id = &authorization.secret_id;
    let key = keys
        .get(id)
        .cloned()
        .or_else(|| user_key(cloud, id, owner_uin));
    let Some(key) = key.filter(|key| !key.revoked) else {
        return refuse("AuthFailure.SecretIdNotFound", "The SecretId is not found.");
    };
    let message = Message {
        method: &call.method,
        query: &call.query,
        headers,
        body: &call.body,
    };
    match verify(message, &authorization, &key.secret_key, now) {
        Ok(()) => {}
        Err(Flaw::Expired) => {
            return refuse("AuthFailure.SignatureExpire", "The signature has expired.");
        }
        Err(Flaw::Wrong) => {
            return refuse(
                "AuthFailure.SignatureFailure",
                "The signature does not match.",
            );
        }
    }
    if header(headers, "x-tc-token") != key.token.as_deref().unwrap_or_default() {
        return refuse("AuthFailure.TokenFailure", "The token is not valid.");
    }
    Ok(Caller {
        actor: Actor::Key(id.clone()),
        uin: key.uin,
        owner_uin: key.owner_uin,
        denied: key.denied,
    })
}

/// A user's own key, while it is active.
fn user_key(cloud: &Cloud, id: &str, owner_uin: u64) -> Option<Key> {
    let (user, key) = cloud
        .users
        .values()
        .find_map(|user| user.keys.get(id).map(|key| (user, key)))?;
    Some(Key {
        secret_key: key.secret.clone(),
        uin: user.uin,
        owner_uin,
        token: None,
        denied: Vec::new(),
        revoked: !key.active,
    })
}

/// The action that a request names, if this site has it and the key may do it.
pub(crate) fn authorize(
    headers: &[(String, String)],
    caller: &Caller,
    international: bool,
) -> Result<&'static Action, Refusal> {
    let name = header(headers, "x-tc-action");
    if name.is_empty() {
        return refuse(
            "MissingParameter",
            "The request is missing a required parameter `Action`.",
        );
    }
    match header(headers, "x-tc-version") {
        "2019-01-16" => {}
        "" => {
            return refuse(
                "MissingParameter",
                "The request is missing a required parameter `Version`.",
            );
        }
        _ => return refuse("NoSuchVersion", "The version does not exist."),
    }
    let action = actions::find(name).filter(|action| !(international && action.china_only));
    let Some(action) = action else {
        return refuse("InvalidAction", "The request action is invalid.");
    };
    if caller.denied.iter().any(|denied| denied == name) {
        let message = format!("You are not authorized to perform operation (cam:{name}).");
        return refuse("AuthFailure.UnauthorizedOperation", message);
    }
    Ok(action)
}

/// The parameters of a request: the JSON object of a POST, or the query of a GET.
pub(crate) fn parameters(
    call: &Call,
    headers: &[(String, String)],
) -> Result<Map<String, Value>, Refusal> {
    let content_type = header(headers, "content-type")
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match (call.method.as_str(), content_type) {
        ("POST", "application/json") => match serde_json::from_slice(&call.body) {
            Ok(Value::Object(map)) => Ok(map),
            _ => refuse("InvalidParameter", "The request body is not a JSON object."),
        },
        ("GET", "application/x-www-form-urlencoded") => Ok(crate::query::pairs(&call.query)
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect()),
        _ => refuse("UnsupportedProtocol", "Send POST with application/json."),
    }
}

/// A token bucket for each action and root account.
#[derive(Default)]
pub(crate) struct Buckets(BTreeMap<(u64, &'static str), (f64, Option<Instant>)>);

impl Buckets {
    /// Takes one token; `per_second` is both the refill and the size.
    pub(crate) fn take(&mut self, owner_uin: u64, action: &'static str, per_second: f64) -> bool {
        let now = Instant::now();
        let (tokens, filled) = self
            .0
            .entry((owner_uin, action))
            .or_insert((per_second.max(1.0), None));
        let elapsed = filled.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        *tokens = (*tokens + elapsed * per_second).min(per_second.max(1.0));
        *filled = Some(now);
        let granted = *tokens >= 1.0;
        if granted {
            *tokens -= 1.0;
        }
        granted
    }

    /// Fills every bucket.
    pub(crate) fn refill(&mut self) {
        self.0.clear();
    }
}
