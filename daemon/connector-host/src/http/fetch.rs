//! One request, from its check to the last byte of its answer, over as many redirects as are allowed.

use std::error::Error;

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::{
    HttpFailure, Policy, Request, Response, client::DeniedName, headers, policy,
    tickets::Reservation,
};

/// Redirects followed for one request.
const REDIRECTS_MAX: usize = 5;
/// A URL's length in bytes.
const URL_MAX: usize = 16 * 1024;

/// What a request has become, hop by hop.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// Sends a request and reads its answer. `body_max` is in bytes; what is read is reserved before it is kept.
pub(super) async fn fetch(
    client: &reqwest::Client,
    policy: &Policy,
    request: Request,
    body_max: u32,
    reservation: Reservation,
) -> Result<Response, HttpFailure> {
    let mut hop = prepare(request)?;
    for _ in 0..=REDIRECTS_MAX {
        policy.permit(&hop.url)?;
        let answer = send(client, &hop).await?;
        match redirect(&answer, &hop.url)? {
            Some(target) => hop = follow(hop, answer.status(), target)?,
            None => return read(answer, body_max, reservation).await,
        }
    }
    Err(HttpFailure::Protocol(format!(
        "more than {REDIRECTS_MAX} redirects"
    )))
}

fn prepare(request: Request) -> Result<Hop, HttpFailure> {
    let invalid = |text: &str| HttpFailure::Invalid(text.to_owned());
    if request.url.len() > URL_MAX {
        return Err(invalid("the URL is too long"));
    }
    let mut url = Url::parse(&request.url)
        .map_err(|error| invalid(&format!("the URL does not parse: {error}")))?;
    url.set_fragment(None);
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| invalid("the method is malformed"))?;
    if [Method::CONNECT, Method::TRACE].contains(&method) {
        return Err(invalid(&format!("the method {method} is not offered")));
    }
    Ok(Hop {
        method,
        url,
        headers: headers::parse(&request.headers)?,
        body: request.body,
    })
}

async fn send(client: &reqwest::Client, hop: &Hop) -> Result<reqwest::Response, HttpFailure> {
    let mut request = client
        .request(hop.method.clone(), hop.url.clone())
        .headers(hop.headers.clone());
    if let Some(body) = &hop.body {
        request = request.body(body.clone());
    }
    request
        .send()
        .await
        .map_err(|error| failure(error, &hop.url))
}

/// Where an answer redirects to, if it does.
fn redirect(answer: &reqwest::Response, from: &Url) -> Result<Option<Url>, HttpFailure> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get(header::LOCATION) else {
        return Ok(None);
    };
    let target = location
        .to_str()
        .ok()
        .and_then(|location| from.join(location).ok());
    target
        .map(Some)
        .ok_or_else(|| HttpFailure::Protocol("a redirect to what is not a URL".to_owned()))
}

/// The next hop (RFC 9110 15.4): 303 always asks with GET, 301 and 302 turn POST into GET, as browsers do.
fn follow(mut hop: Hop, status: StatusCode, target: Url) -> Result<Hop, HttpFailure> {
    if hop.url.scheme() == "https" && target.scheme() != "https" {
        return Err(HttpFailure::Denied(
            "a redirect from https to an unprotected URL".to_owned(),
        ));
    }
    let becomes_get = match status.as_u16() {
        303 => hop.method != Method::HEAD,
        301 | 302 => hop.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        hop.method = Method::GET;
        hop.body = None;
        hop.headers.remove(header::CONTENT_TYPE);
    }
    if hop.url.origin() != target.origin() {
        headers::depersonalise(&mut hop.headers);
    }
    hop.url = target;
    hop.url.set_fragment(None);
    Ok(hop)
}

async fn read(
    mut answer: reqwest::Response,
    body_max: u32,
    mut held: Reservation,
) -> Result<Response, HttpFailure> {
    let fits = |length: usize| u32::try_from(length).is_ok_and(|length| length <= body_max);
    if answer
        .content_length()
        .is_some_and(|length| length > u64::from(body_max))
    {
        return Err(HttpFailure::TooLarge(body_max));
    }
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let url = answer.url().clone();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(error, &url))? {
        if !fits(body.len() + chunk.len()) {
            return Err(HttpFailure::TooLarge(body_max));
        }
        held.add(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        status,
        headers,
        body,
        held,
    })
}

/// Sorts a client's error; its text is that of its causes, without the URL.
fn failure(error: reqwest::Error, url: &Url) -> HttpFailure {
    let error = error.without_url();
    if let Some(denied) = causes(&error).find_map(|cause| cause.downcast_ref::<DeniedName>()) {
        let DeniedName { name, address, why } = denied;
        return policy::denied_address(&format!("{name} resolves to {address}, which"), why);
    }
    if error.is_timeout() {
        return if error.is_connect() {
            HttpFailure::Connect(format!("{}: no connection in time", place(url)))
        } else {
            HttpFailure::Timeout
        };
    }
    // The innermost causes tell what happened; the outer ones only repeat that something did.
    let mut texts: Vec<String> = causes(&error).map(ToString::to_string).collect();
    texts.dedup();
    let text = match texts.as_slice() {
        [.., outer, inner] if texts.len() > 2 => format!("{outer}: {inner}"),
        [.., inner] => inner.clone(),
        [] => "unknown".to_owned(),
    };
    let text = format!("{}: {text}", place(url));
    if error.is_connect() {
        HttpFailure::Connect(text)
    } else {
        HttpFailure::Protocol(text)
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (**error).source()
    })
}

/// Host and port of a URL, all of it that may be shown.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
