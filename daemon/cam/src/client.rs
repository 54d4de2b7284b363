//! Sends calls: signs each attempt afresh, paces it, reads a bounded answer, and repeats reads (never writes).

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::DateTime;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    action::{Action, Effect},
    cam::{Account, Answer},
    class::Class,
    credentials::Credentials,
    envelope,
    error::{Error, ErrorKind, Fault, NotSent},
    http::error_chain,
    options::{ClientOptions, OptionsError},
    pacing::Pacer,
    signature::{Signable, authorization},
};

/// The version of the API, for `X-TC-Version`.
const API_VERSION: &str = "2019-01-16";
/// Signed byte for byte as it is sent.
const JSON: &str = "application/json";
const READ_BACKOFF_MAX: Duration = Duration::from_secs(10);

/// A client of one account; cheap to share behind an `Arc`.
pub struct Client {
    options: ClientOptions,
    host: String,
    pacer: Pacer,
    /// Seconds by which CAM's clock is ahead of ours, once CAM has refused a timestamp.
    skew_seconds: AtomicI64,
    /// The account of the key, as last answered.
    account: Mutex<Option<Account>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Client")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the options; nothing is sent.
    pub fn new(options: ClientOptions) -> Result<Self, OptionsError> {
        let host = options.checked_host()?;
        let pacer = Pacer::new(Arc::clone(&options.clock), options.requests_per_second);
        Ok(Self {
            options,
            host,
            pacer,
            skew_seconds: AtomicI64::new(0),
            account: Mutex::default(),
        })
    }

    /// How far CAM's clock is ahead of this machine's, in seconds, as measured when CAM last refused a timestamp;
    /// 0 when it never has. Later requests are signed with the corrected time.
    #[must_use]
    pub fn skew_seconds(&self) -> i64 {
        self.skew_seconds.load(Ordering::Relaxed)
    }

    /// What paces the calls.
    #[must_use]
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Calls an action and waits for its turn first.
    ///
    /// A read is repeated after a transient or unknown error, a bounded number of times. A write is sent once; only
    /// when CAM refuses its timestamp, which is before any effect, is it signed with the corrected time and sent once
    /// more. `Response` is the action's own part of the answer; unknown fields in it are ignored.
    pub async fn call<Request, Response>(
        &self,
        action: &Action,
        request: &Request,
    ) -> Result<Answer<Response>, Error>
    where
        Request: Serialize + Sync,
        Response: DeserializeOwned,
    {
        let body = serde_json::to_vec(request)
            .map(Zeroizing::new)
            .map_err(|_| Error::new(action, ErrorKind::Unserializable, ""))?;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(action, &body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = action.effect == Effect::Read
                && attempt < self.options.read_attempts
                && matches!(error.class(), Class::Transient { .. } | Class::Unknown)
                // The same marker would only be refused again: the listing restarts by itself.
                && !error.has_code(&["InvalidParameter.PaginationTokenInvalid"]);
            if !again {
                return Err(error);
            }
            tracing::debug!(action = action.name, attempt, %error, "reading again");
            let doublings = (attempt - 1).min(16);
            let wait = self.options.read_backoff.saturating_mul(1 << doublings);
            self.options.clock.sleep(wait.min(READ_BACKOFF_MAX)).await;
            attempt += 1;
        }
    }

    /// The account that the key belongs to: as last answered, asked for when it never was.
    pub(crate) async fn own_account(&self) -> Result<Account, Error> {
        let known = self
            .account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known {
            Some(account) => Ok(account),
            None => Ok(self.get_user_app_id().await?.value),
        }
    }

    /// Remembers whose key it is; a rotated key may belong to another sub-user.
    pub(crate) fn remember_account(&self, account: &Account) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.clone());
    }

    /// Refuses a write to the caller's own account or to the root account, which nothing here may ever change.
    pub(crate) async fn refuse_own_account(&self, action: &Action, uin: u64) -> Result<(), Error> {
        let account = self.own_account().await?;
        if uin == 0 || uin == account.uin || uin == account.owner_uin {
            let message = format!("uin {uin}");
            return Err(Error::new(action, ErrorKind::OwnAccount, &message));
        }
        Ok(())
    }

    async fn attempt<Response: DeserializeOwned>(
        &self,
        action: &Action,
        body: &[u8],
    ) -> Result<Answer<Response>, Error> {
        let signed_with = self.skew_seconds();
        let answer = self.exchange(action, body).await;
        // Measured only of what was refused for it, and so had no effect.
        let measured = answer.as_ref().err().and_then(|error| error.skew_seconds);
        match measured.filter(|skew| *skew != signed_with) {
            Some(skew) => {
                tracing::warn!(skew, "this machine's clock is off; signing with CAM's time");
                self.skew_seconds.store(skew, Ordering::Relaxed);
                self.exchange(action, body).await
            }
            None => answer,
        }
    }

    /// One request and its answer.
    async fn exchange<Response: DeserializeOwned>(
        &self,
        action: &Action,
        body: &[u8],
    ) -> Result<Answer<Response>, Error> {
        let waits = Instant::now();
        self.pacer.admit(action).await;
        let paced = waits.elapsed();
        let key = self
            .options
            .credentials
            .current()
            .map_err(|error| Error::new(action, ErrorKind::Credentials, &error.reason))?;
        let sent = Instant::now();
        let outcome = self.send(action, body, &key).await;
        self.options
            .watch
            .answered(action, outcome.as_ref().err(), paced, sent.elapsed());
        outcome.map_err(|mut error| {
            if let Some(code) = &error.code {
                self.pacer.refused(action, code);
            }
            error.message = key.scrub(&error.message);
            error.code = error.code.as_deref().map(|code| key.scrub(code));
            error.request_id = error.request_id.as_deref().map(|id| key.scrub(id));
            tracing::debug!(action = action.name, %error, "call failed");
            error
        })
    }

    async fn send<Response: DeserializeOwned>(
        &self,
        action: &Action,
        body: &[u8],
        key: &Credentials,
    ) -> Result<Answer<Response>, Error> {
        let now = self
            .options
            .clock
            .unix_seconds()
            .saturating_add(self.skew_seconds());
        let headers = [("content-type", JSON), ("host", self.host.as_str())];
        let signable = Signable {
            method: "POST",
            query: "",
            headers: &headers,
            body,
        };
        let (id, secret) = (key.secret_id.reveal(), key.secret_key.reveal());
        let mut request = self
            .options
            .http
            .post(self.options.endpoint.clone())
            .timeout(self.options.timeout)
            .header(CONTENT_TYPE, JSON)
            .header(AUTHORIZATION, authorization(id, secret, &signable, now))
            .header("X-TC-Action", action.name)
            .header("X-TC-Version", API_VERSION)
            .header("X-TC-Timestamp", now.to_string())
            .header("X-TC-Language", self.options.language.header())
            .header("X-TC-RequestClient", "camsync")
            .body(body.to_vec());
        if let Some(token) = &key.token {
            request = request.header("X-TC-Token", token.reveal());
        }
        let response = request
            .send()
            .await
            .map_err(|error| transport_error(action, error))?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            let fault = Fault::HttpStatus(status.as_u16());
            return Err(Error::unknown(action, fault, ""));
        }
        let server_time = response
            .headers()
            .get(DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map(|date| date.timestamp());
        let bytes = self.read_bounded(action, response).await?;
        let head = envelope::head(action, &bytes).map_err(|mut error| {
            if error.is_clock_skew() {
                let here = self.options.clock.unix_seconds();
                error.skew_seconds = server_time.map(|there| there.saturating_sub(here));
            }
            error
        })?;
        if head.deprecated {
            tracing::warn!(
                action = action.name,
                "CAM says that this action is deprecated"
            );
        }
        let value = envelope::body(action, &bytes).map_err(|mut error| {
            error.request_id.clone_from(&head.request_id);
            error
        })?;
        tracing::trace!(
            action = action.name,
            request_id = head.request_id,
            "call succeeded"
        );
        Ok(Answer {
            value,
            request_id: head.request_id,
        })
    }

    async fn read_bounded(
        &self,
        action: &Action,
        mut response: reqwest::Response,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let limit = self.options.response_bytes_max;
        let too_large = || {
            Error::unknown(
                action,
                Fault::TooLarge,
                &format!("the limit is {limit} bytes"),
            )
        };
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| transport_error(action, error))?
        {
            if bytes.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Only a failure to connect is sure to have sent nothing; everything else may have reached CAM.
fn transport_error(action: &Action, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let kind = if error.is_dns() {
        ErrorKind::NotSent {
            cause: NotSent::Dns,
        }
    } else if error.is_connect() {
        ErrorKind::NotSent {
            cause: NotSent::Connect,
        }
    } else if error.is_builder() {
        ErrorKind::Unserializable
    } else if error.is_timeout() {
        ErrorKind::Unknown {
            fault: Fault::Timeout,
        }
    } else {
        ErrorKind::Unknown {
            fault: Fault::ConnectionLost,
        }
    };
    Error::new(action, kind, &error_chain(&error))
}
