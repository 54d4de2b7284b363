//! JSON by POST, signed as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camsync_config::ReloadingSecret;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::ledger::time_text;
use crate::notify::notice::Notice;
use crate::notify::text::Said;

use super::{Again, Refusal, address, current, judge, unanswered};

#[derive(Debug)]
pub(super) struct Webhook {
    http: reqwest::Client,
    url: ReloadingSecret,
    secret: ReloadingSecret,
}

impl Webhook {
    pub(super) fn new(
        http: reqwest::Client,
        url: ReloadingSecret,
        secret: ReloadingSecret,
    ) -> Self {
        Self { http, url, secret }
    }

    pub(super) async fn post(
        &self,
        id: &str,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let body = body.to_string();
        let timestamp = now.timestamp().to_string();
        let key = key(current(&self.secret)?.expose()).ok_or_else(|| {
            let message = format!(
                "the secret in {} is not base64 behind `whsec_`",
                self.secret.reference()
            );
            Refusal::new(message, Again::Seldom)
        })?;
        let signature = signature(&key, id, &timestamp, &body)
            .ok_or_else(|| Refusal::new("the secret cannot sign", Again::Seldom))?;
        let request = self
            .http
            .post(address(&self.url)?)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        judge(&request.send().await.map_err(unanswered)?)
    }
}

/// The key of a secret: base64 behind `whsec_`, or else its bytes.
fn key(secret: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let key = match secret.strip_prefix("whsec_") {
        Some(coded) => STANDARD.decode(coded).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    Some(zeroize::Zeroizing::new(key))
}

/// The signature of a message, version 1.
fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// What is posted.
pub(super) fn body(notice: &Notice, said: &Said) -> Value {
    let mut details = serde_json::to_value(&notice.cause).unwrap_or_default();
    let cause = details
        .as_object_mut()
        .and_then(|fields| fields.remove("cause"))
        .unwrap_or_default();
    json!({
        "id": notice.id,
        "event": notice.event(),
        "cause": cause,
        "key": notice.key,
        "at": time_text(notice.at),
        "title": said.title,
        "text": said.text,
        "remedy": said.remedy,
        "command": said.command,
        "details": details,
    })
}

/// What a test posts.
pub(super) fn test_body(id: &str, said: &Said, now: DateTime<Utc>) -> Value {
    json!({
        "id": id,
        "event": "test",
        "cause": "test",
        "key": "test",
        "at": time_text(now),
        "title": said.title,
        "text": said.text,
        "remedy": said.remedy,
        "command": said.command,
        "details": {},
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn it_signs_as_the_reference_libraries_do() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_that_only_looks_like_base64_is_refused() {
        assert_eq!(key("whsec_%%%"), None);
        assert_eq!(key("plain words").unwrap().as_slice(), b"plain words");
    }
}
