//! WeCom's callbacks: the URL verification, and events about changes (`wecom-api.md` 3).
//!
//! What an event says is a hint and nothing more: the host reads the member or the directory again.

mod crypto;
mod event;
mod query;
mod xml;

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{CallbackAnswer, CallbackRequest, Failure, Hint, Level};

use crate::settings::Settings;
use crypto::Refused;

/// The largest body that an event can have; they are a few kilobytes.
const BODY_MAX: usize = 1 << 20;

/// Answers a callback.
///
/// # Errors
/// Unusable settings. A callback that is refused is an answer: 403 for a wrong signature, 404 where no callback is
/// configured, 400 for what is no callback at all.
pub(crate) fn answer(
    host: &dyn Host,
    settings: &Settings,
    request: &CallbackRequest,
) -> Result<CallbackAnswer, Failure> {
    let pairs = settings.callback_pairs()?;
    if pairs.is_empty() {
        return Ok(say(404, "no callback is configured for this source"));
    }
    let answered = match request.method.as_str() {
        "GET" => verify_url(settings, &pairs, request),
        "POST" => take_event(host, settings, &pairs, request),
        _ => Err(say(405, "GET or POST")),
    };
    Ok(answered.unwrap_or_else(|refusal| {
        host.log(
            Level::Warn,
            &format!("a callback was refused: {}", refusal.body),
        );
        refusal
    }))
}

/// The console saves a callback URL only if it answers with the decrypted text, bare (`wecom-api.md` 3.1).
fn verify_url(
    settings: &Settings,
    pairs: &[(&str, &str)],
    request: &CallbackRequest,
) -> Result<CallbackAnswer, CallbackAnswer> {
    let echo =
        query::value(&request.query, "echostr").ok_or_else(|| say(400, "echostr is missing"))?;
    // Base64 has no spaces: where one stands, something on the way took a plus for one.
    let echo = echo.replace(' ', "+");
    let text = open(settings, pairs, &request.query, &echo)?;
    let text = String::from_utf8(text).map_err(|_| say(400, "the echo is not text"))?;
    Ok(CallbackAnswer {
        status: 200,
        body: text,
        hints: Vec::new(),
    })
}

/// An event. WeCom repeats what is not answered with 200 (`wecom-api.md` 3.4), so an authentic event is always
/// accepted, also one that means nothing here.
fn take_event(
    host: &dyn Host,
    settings: &Settings,
    pairs: &[(&str, &str)],
    request: &CallbackRequest,
) -> Result<CallbackAnswer, CallbackAnswer> {
    if request.body.len() > BODY_MAX {
        return Err(say(413, "the body is too large for a callback"));
    }
    let envelope = xml::parse(&request.body).map_err(|why| say(400, why))?;
    let encrypted = envelope
        .get("Encrypt")
        .ok_or_else(|| say(400, "the body has no Encrypt"))?;
    let text = open(settings, pairs, &request.query, encrypted.trim())?;
    let hints = match xml::parse(&text) {
        Ok(event) => event::hints(&event),
        Err(why) => {
            host.log(
                Level::Warn,
                &format!("an event that cannot be read ({why}): only a crawl can tell"),
            );
            vec![Hint::Everything]
        }
    };
    Ok(CallbackAnswer {
        status: 200,
        body: "success".to_owned(),
        hints,
    })
}

/// Checks the signature and decrypts, with each configured pair in turn.
fn open(
    settings: &Settings,
    pairs: &[(&str, &str)],
    query: &str,
    encrypted: &str,
) -> Result<Vec<u8>, CallbackAnswer> {
    let part =
        |name| query::value(query, name).ok_or_else(|| say(403, "the callback is not signed"));
    let (signature, timestamp, nonce) =
        (part("msg_signature")?, part("timestamp")?, part("nonce")?);
    let mut refusal = Refused::Signature;
    for (token, key) in pairs {
        let opened = crypto::check(token, &timestamp, &nonce, encrypted, &signature)
            .and_then(|()| crypto::decrypt(key, encrypted, &settings.corp_id));
        match opened {
            Ok(text) => return Ok(text),
            Err(Refused::Signature) => {}
            Err(other) => refusal = other,
        }
    }
    Err(say(403, refusal.words()))
}

fn say(status: u16, body: &str) -> CallbackAnswer {
    CallbackAnswer {
        status,
        body: body.to_owned(),
        hints: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
