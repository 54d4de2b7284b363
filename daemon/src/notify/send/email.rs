//! E-mail by SMTP: TLS at once on port 465, STARTTLS elsewhere, plain only on this machine.

use std::time::SystemTime;

use camsync_config::{Notify, ReloadingSecret};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::notify::text::Said;

use super::{Again, Digest, Refusal, TIMEOUT, current};

/// Where servers take what their own users send.
const SUBMISSION: u16 = 587;
/// The same, with TLS at once.
const SUBMISSIONS: u16 = 465;
/// A message longer than this is no notification.
const LONGEST: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Email {
    server: String,
    from: String,
    to: Vec<String>,
    sign_in: Option<(String, ReloadingSecret)>,
    extra_ca: Option<Vec<u8>>,
}

impl Email {
    /// Nothing when a key is missing that the configuration insists on.
    pub(super) fn new(notify: &Notify, extra_ca: Option<Vec<u8>>) -> Option<Self> {
        let password = notify.password.clone().map(ReloadingSecret::new);
        Some(Self {
            server: notify.server.clone()?,
            from: notify.from.clone()?,
            to: notify.to.clone(),
            sign_in: notify.username.clone().zip(password),
            extra_ca,
        })
    }

    pub(super) async fn send(&self, id: &str, digest: &Digest) -> Result<(), Refusal> {
        let (host, port) = parts(&self.server).ok_or_else(|| {
            Refusal::new(format!("{} is not a server", self.server), Again::Seldom)
        })?;
        let transport = self.transport(&host, port, Protection::of(&host, port))?;
        self.send_by(&transport, id, digest).await
    }

    async fn send_by(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        id: &str,
        digest: &Digest,
    ) -> Result<(), Refusal> {
        let message = self.message(id, digest)?;
        let sent = transport.send(message).await;
        sent.map(drop).map_err(|error| {
            let again = if error.is_permanent() {
                Again::Seldom
            } else {
                Again::Soon
            };
            Refusal::new(error.to_string(), again)
        })
    }

    fn message(&self, id: &str, digest: &Digest) -> Result<Message, Refusal> {
        let wrong =
            |what: &str| Refusal::new(format!("{what} is not an e-mail address"), Again::Seldom);
        let from: Mailbox = self.from.parse().map_err(|_| wrong(&self.from))?;
        // What answers by itself leaves machines alone that say that they are one (RFC 3834).
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        );
        let mut builder: MessageBuilder = Message::builder()
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .from(from)
            .date(SystemTime::now())
            .raw_header(automatic)
            .subject(format!("camsync: {}", digest.title))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.parse().map_err(|_| wrong(to))?);
        }
        builder
            .body(content(digest))
            .map_err(|error| Refusal::new(error.to_string(), Again::Seldom))
    }

    fn transport(
        &self,
        host: &str,
        port: u16,
        protection: Protection,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, Refusal> {
        let tls = || {
            let mut tls = TlsParameters::builder(host.to_owned());
            if let Some(pem) = &self.extra_ca {
                tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
            }
            tls.build_rustls()
        };
        let unfit =
            |error: lettre::transport::smtp::Error| Refusal::new(error.to_string(), Again::Seldom);
        let tls = match protection {
            Protection::None => Tls::None,
            Protection::StartTls => Tls::Required(tls().map_err(unfit)?),
            Protection::AtOnce => Tls::Wrapper(tls().map_err(unfit)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = &self.sign_in {
            let password = current(password)?.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }
}

/// What keeps others from reading along. Nothing falls back to less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// Nothing: the way does not leave this machine.
    None,
    /// The server is asked for TLS before anything is said to it.
    StartTls,
    /// TLS from the first byte.
    AtOnce,
}

impl Protection {
    fn of(host: &str, port: u16) -> Self {
        match port {
            SUBMISSIONS => Self::AtOnce,
            _ if is_loopback(host) => Self::None,
            _ => Self::StartTls,
        }
    }
}

/// Host and port of `host` or `host:port`.
fn parts(server: &str) -> Option<(String, u16)> {
    let url = url::Url::parse(&format!("smtp://{server}")).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port().unwrap_or(SUBMISSION)))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The message's text.
pub(super) fn content(digest: &Digest) -> String {
    digest.fitting(LONGEST, |said| item(said, digest.items.len() > 1))
}

fn item(said: &Said, titled: bool) -> String {
    let mut text = String::new();
    if titled {
        text.push_str(&format!("== {}\n", said.title));
    }
    for part in [&said.text, &said.remedy] {
        if !part.is_empty() {
            text.push_str(&format!("{part}\n"));
        }
    }
    if !said.command.is_empty() {
        text.push_str(&format!("\n    {}\n", said.command));
    }
    text.push('\n');
    text
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
