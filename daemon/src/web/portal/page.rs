//! The page: one static document with its style and script, and nothing of anybody in it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::web::App;

use super::refusal::Refusal;

const PAGE: &str = include_str!("portal.html");
const STYLE: &str = include_str!("portal.css");
const SCRIPT: &str = include_str!("portal.js");

/// What the page may load: its own style, script and answers. Nothing inline, nothing of others, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    html(StatusCode::OK, &page(&app, &headers, ""))
}

/// What went wrong on the way in: for a browser as the page, for others as a problem document.
pub(super) fn refused(app: &App, headers: &HeaderMap, refusal: Refusal) -> Response {
    let reads_pages = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")));
    let code = refusal.code();
    let mut response = refusal.into_response();
    if reads_pages {
        let shown = html(response.status(), &page(app, headers, code));
        let retry = response.headers_mut().remove(header::RETRY_AFTER);
        response = shown;
        if let Some(retry) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, retry);
        }
    }
    response
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// The document with the reader's language, what went wrong (a word), and where to sign in.
fn page(app: &App, headers: &HeaderMap, error: &str) -> String {
    let base = escaped(&super::base(&app.context));
    let sources = app
        .context
        .engine_in_use()
        .map(|engine| engine.sign_in_sources())
        .unwrap_or_default();
    let links: String = sources
        .iter()
        .map(|name| {
            let name = escaped(name);
            format!(
                "<li><a class=\"button\" href=\"{base}/portal/{name}/sign-in\" data-source=\"{name}\">{name}</a></li>"
            )
        })
        .collect();
    PAGE.replace("{{lang}}", super::language(headers))
        .replace("{{error}}", error)
        .replace("{{base}}", &base)
        .replace("{{sources}}", &links)
}

fn html(status: StatusCode, text: &str) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (
            header::VARY,
            HeaderValue::from_static("accept, accept-language"),
        ),
    ];
    (status, headers, text.to_owned()).into_response()
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    (headers, text).into_response()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut made, c| {
        match c {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '"' => made.push_str("&quot;"),
            '\'' => made.push_str("&#39;"),
            c => made.push(c),
        }
        made
    })
}
