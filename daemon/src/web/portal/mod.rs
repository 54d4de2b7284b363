//! `/portal`: members sign in with their provider, apply for a sub-user, follow that, and get a password.
//!
//! The page is static; what it shows comes from `/portal/api/me`. Only members in the snapshot get in, and only for as
//! long as they are there. What a member does is audited as `member:SOURCE/ID`.

mod allowance;
mod api;
mod cookies;
mod page;
mod refusal;
mod session;
mod sign_in;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

use crate::ops::{Context, OpError};

use super::App;
use allowance::Allowance;
use refusal::Refusal;
use session::Sessions;

/// Sign-ins begun or finished from one address in a minute: an office has one address.
const SIGN_INS: u32 = 300;
/// Requests of one session in a minute.
const REQUESTS: u32 = 240;
/// Applications of one member in an hour.
const APPLICATIONS: u32 = 10;
/// Passwords of one member in ten minutes.
const PASSWORDS: u32 = 5;
/// So many sign-in codes are exchanged at a time; others wait for these.
const EXCHANGES: usize = 16;

/// What the portal keeps in memory. A restart signs everybody out.
#[derive(Debug)]
pub(super) struct Portal {
    sessions: Sessions,
    /// Binds a sign-in's state to the browser that began it.
    states: sign_in::Seal,
    exchanging: Semaphore,
    sign_ins: Mutex<Allowance<IpAddr>>,
    requests: Mutex<Allowance<session::Digest>>,
    applications: Mutex<Allowance<(String, String)>>,
    passwords: Mutex<Allowance<(String, String)>>,
}

impl Default for Portal {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            sessions: Sessions::default(),
            states: sign_in::Seal::default(),
            exchanging: Semaphore::new(EXCHANGES),
            sign_ins: Mutex::new(Allowance::new(SIGN_INS, minute)),
            requests: Mutex::new(Allowance::new(REQUESTS, minute)),
            applications: Mutex::new(Allowance::new(APPLICATIONS, 60 * minute)),
            passwords: Mutex::new(Allowance::new(PASSWORDS, 10 * minute)),
        }
    }
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/portal", get(page::show))
        .route("/portal/", get(page::show))
        .route("/portal/style.css", get(page::style))
        .route("/portal/script.js", get(page::script))
        .route("/portal/{source}/sign-in", get(sign_in::begin))
        .route("/portal/{source}/callback", get(sign_in::finish))
        .route("/portal/api/me", get(api::me))
        .route(
            "/portal/api/application",
            post(api::apply).delete(api::withdraw),
        )
        .route("/portal/api/password", post(api::password))
        .route("/portal/api/sign-out", post(api::sign_out))
}

/// Takes one from an allowance.
fn spend<K: std::hash::Hash + Eq + Clone>(
    allowance: &Mutex<Allowance<K>>,
    key: K,
) -> Result<(), Refusal> {
    let mut allowance = allowance.lock().unwrap_or_else(PoisonError::into_inner);
    allowance
        .spend(key, Instant::now())
        .map_err(|wait| Refusal::TooMany(wait.as_secs() + 1))
}

/// Reads and writes the ledger beside the threads that answer others.
async fn beside<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&Context) -> Result<T, OpError> + Send + 'static,
) -> Result<T, Refusal> {
    let place = Arc::clone(&app.reading).acquire_owned().await;
    let context = Arc::clone(&app.context);
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&context);
        drop(place);
        done
    });
    match done.await {
        Ok(done) => done.map_err(Refusal::Failed),
        Err(error) => Err(Refusal::Failed(OpError::failed(format!(
            "camsync broke while it did this ({error})"
        )))),
    }
}

/// Where browsers find this daemon: with the port that the system chose, where the configuration leaves it open.
pub(crate) fn public_url(context: &Context) -> url::Url {
    let mut url = context.config().config.daemon.public_url.clone();
    if url.port() == Some(0)
        && let Some(at) = context.listens_at()
    {
        let _ = url.set_port(Some(at.port()));
    }
    url
}

/// The path before `/portal`, where a proxy serves this daemon below one; never ends in a slash.
fn base(context: &Context) -> String {
    let config = context.config();
    let path = config.config.daemon.public_url.path();
    path.trim_end_matches('/').to_owned()
}

/// The reader's language: the first of the browser's that the portal speaks.
fn language(headers: &HeaderMap) -> &'static str {
    let accepted = headers
        .get(axum::http::header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted
        .split(',')
        .map(|one| one.trim_start().get(..2).unwrap_or_default())
        .find_map(|tag| match tag.to_ascii_lowercase().as_str() {
            "zh" => Some("zh"),
            "en" => Some("en"),
            _ => None,
        })
        .unwrap_or("en")
}
