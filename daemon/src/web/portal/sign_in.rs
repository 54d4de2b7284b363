//! Signing in: the browser goes to the provider with a state, and comes back with a code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use camsync_connector_host::types::{SignInRequest, SignedIn};
use camsync_core::model::fold;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;
use url::form_urlencoded;

use crate::ledger::MemberRow;
use crate::pipeline::Source;
use crate::web::{App, access};

use super::cookies::Cookie;
use super::refusal::Refusal;
use super::{beside, page, session};

/// A sign-in is finished within this.
const SIGN_IN_TIME: TimeDelta = TimeDelta::minutes(10);
/// The provider tells within this whom a code names.
const EXCHANGE_TIME: Duration = Duration::from_secs(20);
/// Letters and digits of a state (`wecom-api.md` 4.1: at most 128).
const STATE: usize = 43;

/// Seals which browser began a sign-in, with which source and until when. Another process' seals are broken.
#[derive(Debug)]
pub(super) struct Seal([u8; 32]);

impl Default for Seal {
    fn default() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self(key)
    }
}

impl Seal {
    fn mac(&self, source: &str, state: &str, until: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        // Neither a source's name nor a state has a line's end in it.
        mac.update(format!("{source}\n{state}\n{until}").as_bytes());
        Some(mac)
    }

    /// What the browser keeps.
    fn close(&self, source: &str, state: &str, until: DateTime<Utc>) -> Option<String> {
        let until = until.timestamp();
        let mac = self.mac(source, state, until)?.finalize().into_bytes();
        Some(format!("{state}.{until}.{}", URL_SAFE_NO_PAD.encode(mac)))
    }

    /// Whether a browser that keeps this began a sign-in with this source and state, not too long ago.
    fn holds(&self, kept: &str, source: &str, state: &str, now: DateTime<Utc>) -> bool {
        let mut parts = kept.splitn(3, '.');
        let (Some(own), Some(until), Some(mac)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let (Ok(until), Ok(mac)) = (until.parse::<i64>(), URL_SAFE_NO_PAD.decode(mac)) else {
            return false;
        };
        let genuine = self
            .mac(source, own, until)
            .is_some_and(|own| own.verify_slice(&mac).is_ok());
        genuine && own == state && now.timestamp() < until
    }
}

/// Sends the browser to the provider.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Path(source): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match try_begin(&app, &source, &parts).await {
        Ok(response) => response,
        Err(refusal) => page::refused(&app, &parts.headers, refusal),
    }
}

async fn try_begin(app: &App, name: &str, parts: &Parts) -> Result<Response, Refusal> {
    spend(app, parts)?;
    let source = source(app, name).await?;
    let mut back = super::public_url(&app.context);
    back.set_path(&format!(
        "{}/portal/{name}/callback",
        super::base(&app.context)
    ));
    let state = session::random_text(STATE);
    let agent = parts.headers.get(header::USER_AGENT);
    let agent = agent.and_then(|a| a.to_str().ok()).unwrap_or_default();
    let url = source
        .sign_in_url(SignInRequest {
            redirect_uri: back.into(),
            state: state.clone(),
            // The WeCom app calls itself `wxwork`; in plain WeChat there is only `MicroMessenger`.
            inside_app: agent.to_ascii_lowercase().contains("wxwork"),
            language: super::language(&parts.headers).to_owned(),
        })
        .await
        .map_err(|failure| {
            tracing::warn!(source = name, kind = failure.kind, "no sign-in: {failure}");
            Refusal::Provider
        })?;
    let until = app.context.now() + SIGN_IN_TIME;
    let cookie = app
        .portal
        .states
        .close(name, &state, until)
        .and_then(|kept| {
            let seconds = SIGN_IN_TIME.num_seconds().unsigned_abs();
            Cookie::SignIn.keep(&app.context, &kept, seconds)
        });
    let (Some(cookie), Ok(location)) = (cookie, HeaderValue::from_str(&url)) else {
        return Err(Refusal::Provider);
    };
    let headers = [(header::LOCATION, location), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Takes the browser back in.
pub(super) async fn finish(
    State(app): State<Arc<App>>,
    Path(source): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match try_finish(&app, &source, &parts).await {
        Ok(response) => response,
        Err(refusal) => page::refused(&app, &parts.headers, refusal),
    }
}

async fn try_finish(app: &Arc<App>, name: &str, parts: &Parts) -> Result<Response, Refusal> {
    spend(app, parts)?;
    let source = source(app, name).await?;
    let said = |wanted: &str| {
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(key, value)| (key == wanted).then(|| value.into_owned()))
    };
    let state = said("state").unwrap_or_default();
    let kept = Cookie::SignIn.read(&app.context, &parts.headers);
    let began_here = kept.is_some_and(|kept| {
        let now = app.context.now();
        app.portal.states.holds(kept, name, &state, now)
    });
    if !began_here {
        return Err(Refusal::State);
    }
    let code = said("code").filter(|code| !code.is_empty());
    let code = code.ok_or(Refusal::Declined)?;
    let id = exchange(app, name, &*source, &code).await?;
    let member = present(app, name, &id).await?;
    let Some(member) = member else {
        tracing::info!(
            source = name,
            "somebody signed in who is not in the snapshot"
        );
        return Err(Refusal::NotInSnapshot);
    };
    let actor = super::api::actor(&member);
    beside(app, move |context| {
        let subject = format!("{}/{}", member.source, member.facts.id);
        let detail = serde_json::Value::Null;
        let now = context.now();
        Ok(context
            .ledger()
            .audit(now, &actor, "portal.sign_in", &subject, &detail)?)
    })
    .await?;
    let token = app.portal.sessions.open(name, &fold(&id), Instant::now());
    let seconds = session::LONGEST.as_secs();
    let home = format!("{}/portal", super::base(&app.context));
    let cookies = (
        Cookie::Session.keep(&app.context, &token, seconds),
        Cookie::SignIn.keep(&app.context, "", 0),
    );
    let ((Some(session), Some(over)), Ok(home)) = (cookies, HeaderValue::from_str(&home)) else {
        return Err(Refusal::Provider);
    };
    // Only ever to the page: what a query says sends nobody anywhere.
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, home)]).into_response();
    response.headers_mut().append(header::SET_COOKIE, session);
    response.headers_mut().append(header::SET_COOKIE, over);
    Ok(response)
}

/// Whom a code names; the provider is asked.
async fn exchange(
    app: &App,
    name: &str,
    source: &dyn Source,
    code: &str,
) -> Result<String, Refusal> {
    let asked = async {
        let _one_of_few = app.portal.exchanging.acquire().await;
        source.who_signed_in(code).await
    };
    match tokio::time::timeout(EXCHANGE_TIME, asked).await {
        Err(_) => Err(Refusal::Provider),
        Ok(Ok(SignedIn::Member(id))) => Ok(id),
        Ok(Ok(SignedIn::Stranger)) => Err(Refusal::Stranger),
        Ok(Err(failure)) => {
            tracing::warn!(
                source = name,
                kind = failure.kind,
                code = failure.code,
                "a sign-in failed: {failure}"
            );
            Err(if failure.kind == "refused" {
                Refusal::Code
            } else {
                Refusal::Provider
            })
        }
    }
}

/// A member who is in the snapshot.
pub(super) async fn present(
    app: &Arc<App>,
    source: &str,
    id: &str,
) -> Result<Option<MemberRow>, Refusal> {
    let (source, key) = (source.to_owned(), fold(id));
    beside(app, move |context| {
        let row = context.ledger().member_row(&source, &key)?;
        Ok(row.filter(|member| member.present))
    })
    .await
}

async fn source(app: &App, name: &str) -> Result<Arc<dyn Source>, Refusal> {
    let engine = app.context.engine().await.map_err(Refusal::Failed)?;
    engine
        .source(name)
        .filter(|source| source.can_sign_in())
        .ok_or(Refusal::NoSuchSource)
}

fn spend(app: &App, parts: &Parts) -> Result<(), Refusal> {
    let client = access::client(&app.context.config().config, parts);
    super::spend(&app.portal.sign_ins, client)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_finished_where_it_began_with_the_same_source_and_in_time() {
        let (seal, now) = (Seal::default(), Utc::now());
        let kept = seal.close("acme", "S1", now + SIGN_IN_TIME).unwrap();
        assert!(seal.holds(&kept, "acme", "S1", now));
        assert!(!seal.holds(&kept, "acme", "S2", now));
        assert!(!seal.holds(&kept, "other", "S1", now));
        assert!(!seal.holds(&kept, "acme", "S1", now + SIGN_IN_TIME));
        assert!(!Seal::default().holds(&kept, "acme", "S1", now));
        let later = kept.replacen(
            &(now + SIGN_IN_TIME).timestamp().to_string(),
            "9999999999",
            1,
        );
        assert!(!seal.holds(&later, "acme", "S1", now));
        for broken in ["", "S1", "S1.1", "S1.x.y", "..", "S1.9999999999."] {
            assert!(!seal.holds(broken, "acme", "S1", now), "{broken}");
        }
        assert!(
            kept.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        );
    }
}
