//! Senders: one a kind of target. None waits long, and none says a secret.

mod email;
mod robot;
mod webhook;

use std::time::Duration;

use camsync_config::{Config, Event, NotifyKind, ReloadingSecret, Tongue};
use chrono::{DateTime, TimeDelta, Utc};

use crate::connectors::environment;
use crate::setup::{self, SetupError};

use super::notice::Notice;
use super::text::{self, Said};

/// How long one message may take to be taken.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Between two messages for people: a robot takes 20 a minute (WeCom, 群机器人配置说明), and nobody reads more.
const SPACING: TimeDelta = TimeDelta::seconds(3);

/// Where notifications go.
#[derive(Debug)]
pub struct Target {
    /// What it is called: how the configuration names it, never an address that is a secret.
    pub name: String,
    /// Its kind's word.
    pub kind: &'static str,
    /// What it is told.
    pub on: Vec<Event>,
    tongue: Tongue,
    way: Way,
}

/// How a message travels.
#[derive(Debug)]
enum Way {
    Robot(robot::Robot),
    Webhook(webhook::Webhook),
    Email(Box<email::Email>),
}

/// Why a message was not taken. The words hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What happened, and what to do.
    pub message: String,
    /// When to try again.
    pub again: Again,
}

/// When a message that was not taken is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// As often as any failure.
    Soon,
    /// When the target asks for it.
    After(Duration),
    /// Seldom: a person must put something right first.
    Seldom,
}

impl Refusal {
    fn new(message: impl Into<String>, again: Again) -> Self {
        Self {
            message: message.into(),
            again,
        }
    }
}

impl Target {
    /// The targets of a configuration. `language` is the process's own.
    ///
    /// # Errors
    /// When the network cannot be set up as the configuration says.
    pub fn all(config: &Config, language: &str) -> Result<Vec<Self>, SetupError> {
        if config.notify.is_empty() {
            return Ok(Vec::new());
        }
        let http = setup::http_client(config)?;
        let ca = setup::extra_ca(config)?;
        let own = if language == "zh" {
            Tongue::Chinese
        } else {
            Tongue::English
        };
        let made = config.notify.iter().filter_map(|notify| {
            let url = || notify.url.clone().map(ReloadingSecret::new);
            let (kind, way) = match notify.kind {
                NotifyKind::WecomRobot => {
                    let robot = robot::Robot::new(http.clone(), url()?);
                    ("wecom-robot", Way::Robot(robot))
                }
                NotifyKind::Webhook => {
                    let secret = ReloadingSecret::new(notify.secret.clone()?);
                    let webhook = webhook::Webhook::new(http.clone(), url()?, secret);
                    ("webhook", Way::Webhook(webhook))
                }
                NotifyKind::Email => {
                    let email = email::Email::new(notify, ca.clone())?;
                    ("email", Way::Email(Box::new(email)))
                }
            };
            Some(Self {
                name: notify.name(),
                kind,
                on: notify.on.clone(),
                tongue: notify.language.unwrap_or(own),
                way,
            })
        });
        Ok(made.collect())
    }

    /// The least time between two messages.
    #[must_use]
    pub fn spacing(&self) -> TimeDelta {
        match self.way {
            Way::Webhook(_) => TimeDelta::zero(),
            Way::Robot(_) | Way::Email(_) => SPACING,
        }
    }

    /// Sends these, or as many from the front as one message takes; how many that were.
    ///
    /// # Errors
    /// When the target did not take the message.
    pub async fn send(&self, notices: &[Notice], now: DateTime<Utc>) -> Result<usize, Refusal> {
        let said = |notice: &Notice| (notice.over.is_some(), text::said(self.tongue, notice));
        match &self.way {
            Way::Webhook(webhook) => {
                let Some(notice) = notices.first() else {
                    return Ok(0);
                };
                let body = webhook::body(notice, &said(notice).1);
                within(webhook.post(&notice.id, &body, now)).await?;
                Ok(1)
            }
            Way::Robot(robot) => {
                let said: Vec<_> = notices.iter().map(said).collect();
                within(robot.post(&Digest::of(self.tongue, &said))).await?;
                Ok(notices.len())
            }
            Way::Email(email) => {
                let said: Vec<_> = notices.iter().map(said).collect();
                let id = notices.first().map_or("", |notice| &notice.id);
                within(email.send(id, &Digest::of(self.tongue, &said))).await?;
                Ok(notices.len())
            }
        }
    }

    /// Sends a message that says that it is a test.
    ///
    /// # Errors
    /// When the target did not take it.
    pub async fn test(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let said = text::test(self.tongue);
        let id = format!("msg_test_{}", now.timestamp_millis());
        match &self.way {
            Way::Webhook(webhook) => {
                let body = webhook::test_body(&id, &said, now);
                within(webhook.post(&id, &body, now)).await
            }
            Way::Robot(robot) => within(robot.post(&Digest::one(self.tongue, said))).await,
            Way::Email(email) => within(email.send(&id, &Digest::one(self.tongue, said))).await,
        }
    }
}

/// Several notices as one message for people.
struct Digest {
    tongue: Tongue,
    title: String,
    items: Vec<Said>,
}

impl Digest {
    fn one(tongue: Tongue, said: Said) -> Self {
        Self {
            tongue,
            title: said.title.clone(),
            items: vec![said],
        }
    }

    /// What asks for a person comes first.
    fn of(tongue: Tongue, said: &[(bool, Said)]) -> Self {
        if let [(_, said)] = said {
            return Self::one(tongue, said.clone());
        }
        let over = said.iter().filter(|(over, _)| *over).count();
        let mut items: Vec<&(bool, Said)> = said.iter().collect();
        items.sort_by_key(|(over, _)| *over);
        Self {
            tongue,
            title: text::several(tongue, said.len() - over, over),
            items: items.into_iter().map(|(_, said)| said.clone()).collect(),
        }
    }

    /// The items, each as `draw` has it, as many as fit into so many bytes; what is left over is counted.
    fn fitting(&self, bytes: usize, draw: impl Fn(&Said) -> String) -> String {
        let mut all = String::new();
        for (at, item) in self.items.iter().enumerate() {
            let drawn = draw(item);
            let left = self.items.len() - at;
            let more = text::more(self.tongue, left);
            let room = if left > 1 { more.len() } else { 0 };
            if all.len() + drawn.len() + room > bytes {
                all.push_str(&more);
                break;
            }
            all.push_str(&drawn);
        }
        all
    }
}

/// No message takes longer than [`TIMEOUT`].
async fn within(sending: impl Future<Output = Result<(), Refusal>>) -> Result<(), Refusal> {
    tokio::time::timeout(TIMEOUT, sending)
        .await
        .unwrap_or_else(|_| {
            let message = format!("no answer within {} s", TIMEOUT.as_secs());
            Err(Refusal::new(message, Again::Soon))
        })
}

/// The secret as it is now.
fn current(secret: &ReloadingSecret) -> Result<std::sync::Arc<camsync_config::Secret>, Refusal> {
    secret
        .current(&environment)
        .map_err(|error| Refusal::new(error.to_string(), Again::Seldom))
}

/// The URL that a secret is.
fn address(secret: &ReloadingSecret) -> Result<url::Url, Refusal> {
    current(secret)?.endpoint().map_err(|why| {
        let message = format!("the URL in {} {why}", secret.reference());
        Refusal::new(message, Again::Seldom)
    })
}

/// A request that was not answered. The URL is left out: it may be the secret.
fn unanswered(error: reqwest::Error) -> Refusal {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    Refusal::new(message, Again::Soon)
}

/// What an answer's status means.
fn judge(response: &reqwest::Response) -> Result<(), Refusal> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let asked = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let again = match (asked, status.as_u16()) {
        (Some(pause), _) => Again::After(pause),
        (None, 408 | 425 | 429 | 500..) => Again::Soon,
        _ => Again::Seldom,
    };
    Err(Refusal::new(format!("the answer was HTTP {status}"), again))
}

#[cfg(test)]
mod tests;
