//! `/portal/api`: what somebody who is signed in sees and does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use camsync_core::problem::Problem;
use camsync_core::sub_user::{Stage, SubUser};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::ledger::{MemberRow, ResetRefused};
use crate::ops::applications::{self, row_json};
use crate::ops::{Context, OpError, password as passwords};
use crate::web::App;
use crate::web::api::json_response;

use super::cookies::Cookie;
use super::refusal::{self, Refusal};
use super::session::{Session, digest};
use super::{beside, sign_in, spend};

/// The largest body, in bytes.
const BODY: usize = 64 * 1024;
/// A body arrives within this.
const BODY_TIME: Duration = Duration::from_secs(10);
/// The longest reason, in characters.
const LONGEST_REASON: usize = 1000;
/// What requests that change something must name.
const CSRF: &str = "x-csrf-token";

/// What the audit calls a member.
pub(super) fn actor(member: &MemberRow) -> String {
    format!("member:{}/{}", member.source, member.facts.id)
}

/// Who asks: a session whose member is still in the snapshot of a source that is still there.
async fn signed_in(app: &Arc<App>, parts: &Parts) -> Result<(Session, MemberRow), Refusal> {
    let token = Cookie::Session
        .read(&app.context, &parts.headers)
        .ok_or(Refusal::SignedOut)?;
    let session = app.portal.sessions.find(token, Instant::now());
    let session = session.ok_or(Refusal::SignedOut)?;
    spend(&app.portal.requests, digest(token))?;
    let config = app.context.config();
    let configured = config.config.sources.iter();
    let member = if configured.clone().any(|s| s.name == session.source) {
        sign_in::present(app, &session.source, &session.key).await?
    } else {
        None
    };
    let Some(member) = member else {
        app.portal.sessions.close(token);
        return Err(Refusal::SignedOut);
    };
    Ok((session, member))
}

/// The same for what changes something: another site can send a cookie, but does not know the token.
async fn acting(app: &Arc<App>, parts: &Parts) -> Result<(Session, MemberRow), Refusal> {
    let (session, member) = signed_in(app, parts).await?;
    let said = parts.headers.get(CSRF).map_or(&b""[..], |v| v.as_bytes());
    if !bool::from(said.ct_eq(session.csrf.as_bytes())) {
        return Err(Refusal::Csrf);
    }
    if app.closing.is_cancelled() {
        return Err(Refusal::Closing);
    }
    Ok((session, member))
}

pub(super) async fn me(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (session, member) = signed_in(&app, &parts).await?;
    let document = beside(&app, move |context| told(context, &session, &member)).await?;
    Ok(json_response(StatusCode::OK, &document))
}

fn told(context: &Context, session: &Session, member: &MemberRow) -> Result<Value, OpError> {
    let ledger = context.ledger();
    let sub_user = ledger.latest_sub_user_of(&member.source, &member.key)?;
    let application = ledger.latest_application(&member.source, &member.key)?;
    let cannot_apply = applications::prospect_of(context, member)?.err();
    let approved = application
        .as_ref()
        .is_some_and(|row| row.status == "approved");
    let being_made = match &sub_user {
        Some(sub_user) => sub_user.stage == Stage::Wanted,
        None => approved,
    };
    let held_up = |problem: &Problem| !matches!(problem, Problem::AwaitingApplication { .. });
    let managed = sub_user.filter(|s| s.stage == Stage::Managed);
    let no_password = match &managed {
        None => Some(ResetRefused::NotManaged),
        Some(sub_user) => no_password(context, sub_user)?,
    };
    Ok(json!({
        "source": member.source,
        "member": member.facts.id,
        "name": member.facts.name,
        "sub_user": managed.as_ref().map(|s| json!({
            "username": s.username,
            "uin": s.uin,
            "managed": true,
            "suspended": s.suspended(),
            "console_login": s.login,
        })),
        "being_made": being_made,
        "held_up": being_made && member.problems.iter().any(held_up),
        "application": application.as_ref().map(row_json),
        "can_apply": cannot_apply.is_none(),
        "cannot_apply": cannot_apply.map(|why| refusal::cannot_apply(why).1),
        "can_set_password": no_password.is_none(),
        "cannot_set_password": no_password.map(|why| refusal::no_password(why).1),
        "groups": member.groups,
        "policies": member.policies,
        "sign_in_url": passwords::SIGN_IN_URL,
        "account": passwords::account(context)?,
        "csrf": session.csrf,
    }))
}

fn no_password(context: &Context, sub_user: &SubUser) -> Result<Option<ResetRefused>, OpError> {
    match context.engine_in_use() {
        Some(engine) => Ok(engine.no_password_for(sub_user, true)?),
        None => Ok(Some(ResetRefused::Busy)),
    }
}

/// What is said with an application.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    reason: String,
}

pub(super) async fn apply(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let (_, member) = acting(&app, &parts).await?;
    let asked = read_body(body).await?;
    let asked: Asked = if asked.trim_ascii().is_empty() {
        Asked::default()
    } else {
        serde_json::from_slice(&asked).map_err(|_| {
            Refusal::Invalid("the body is a JSON object such as {\"reason\": \"...\"}")
        })?
    };
    let reason = reason(&asked.reason)?;
    spend(
        &app.portal.applications,
        (member.source.clone(), member.key.clone()),
    )?;
    let row = beside(&app, move |context| {
        applications::apply(context, &member, &reason, &actor(&member))
    })
    .await?
    .map_err(Refusal::CannotApply)?;
    if let Some(engine) = app.context.engine_in_use() {
        engine.tell();
    }
    let document = json!({ "application": row_json(&row) });
    if row.status == "approved" {
        let context = Arc::clone(&app.context);
        app.under_way
            .spawn(async move { applications::carry_out(&context, &row).await });
    }
    Ok(json_response(StatusCode::CREATED, &document))
}

/// A member's words, without what could steer a terminal or a page.
fn reason(said: &str) -> Result<String, Refusal> {
    let kept: String = said
        .trim()
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect();
    if kept.chars().count() > LONGEST_REASON {
        return Err(Refusal::Invalid(
            "the reason is longer than 1000 characters",
        ));
    }
    Ok(kept)
}

pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (_, member) = acting(&app, &parts).await?;
    let row = beside(&app, move |context| {
        Ok(context.ledger().withdraw_application(
            &member.source,
            &member.key,
            context.now(),
            &actor(&member),
        )?)
    })
    .await?
    .ok_or(Refusal::NoOpenApplication)?;
    if let Some(engine) = app.context.engine_in_use() {
        engine.tell();
    }
    let document = json!({ "application": row_json(&row) });
    Ok(json_response(StatusCode::OK, &document))
}

pub(super) async fn password(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (_, member) = acting(&app, &parts).await?;
    let (source, key) = (member.source.clone(), member.key.clone());
    let found = beside(&app, move |context| {
        let sub_user = context.ledger().latest_sub_user_of(&source, &key)?;
        let sub_user = sub_user.filter(|s| s.stage == Stage::Managed);
        let why = sub_user.as_ref().map(|s| no_password(context, s));
        Ok((sub_user, why.transpose()?.flatten()))
    });
    let (sub_user, why) = found.await?;
    let sub_user = sub_user.ok_or(Refusal::NoSubUser)?;
    if let Some(why) = why {
        return Err(Refusal::NoPassword(why));
    }
    spend(
        &app.portal.passwords,
        (member.source.clone(), member.key.clone()),
    )?;
    let context = Arc::clone(&app.context);
    // It goes on when the browser hangs up: what is recorded as sent has an outcome.
    let done = app.under_way.spawn(async move {
        let actor = actor(&member);
        passwords::of_member(&context, &member.facts.id, &sub_user, &actor).await
    });
    let document = match done.await {
        Ok(document) => document.map_err(Refusal::Failed)?,
        Err(error) => {
            let error = OpError::failed(format!("camsync broke while it did this ({error})"));
            return Err(Refusal::Failed(error));
        }
    };
    Ok(json_response(StatusCode::OK, &document))
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    acting(&app, &parts).await?;
    if let Some(token) = Cookie::Session.read(&app.context, &parts.headers) {
        app.portal.sessions.close(token);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(over) = Cookie::Session.keep(&app.context, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, over);
    }
    Ok(response)
}

async fn read_body(body: Body) -> Result<axum::body::Bytes, Refusal> {
    tokio::time::timeout(BODY_TIME, to_bytes(body, BODY))
        .await
        .map_err(|_| Refusal::Invalid("the body did not arrive; send it whole"))?
        .map_err(|_| Refusal::TooLarge)
}
