//! The access token: cached, fetched by one call at a time, and never asked for again because of a wrong secret
//! (`wecom-api.md` 1.1, 1.2).

use std::cell::RefCell;
use std::rc::Rc;

use camsync_connector_sdk::types::Level;
use camsync_connector_sdk::{Client, Host};

use crate::lenient::Number;
use crate::problem::{self, Cause, Problem};
use crate::request;
use crate::settings::Settings;
use crate::wire::TokenAnswer;

/// The interface that gives tokens.
pub(crate) const PATH: &str = "gettoken";

/// A token is dropped this long before WeCom would: a crawl should not begin with one that ends at once.
const EARLY_S: i64 = 300;

/// WeCom's usual lifetime, for an answer that does not say.
const LIFETIME_S: i64 = 7200;

/// Between two calls of `gettoken`, unless the token of the first was refused. Also how long a refused secret is
/// remembered: asking again and again gets the whole address blocked for an hour (`wecom-api.md` 1.1).
const FLOOR_MS: u64 = 30_000;

/// Whose token: each app has its own, made with its own secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppKind {
    /// The self-built app, which reads the directory.
    App,
    /// The contact-sync assistant.
    ContactSync,
}

/// The token of one app.
pub(crate) struct Tokens<'h> {
    host: &'h dyn Host,
    settings: &'h Settings,
    secret: &'h str,
    key: String,
    held: RefCell<Option<Held>>,
}

/// A token and what is known of it. In the cache it is one line: `until fetched after-refusal token`.
#[derive(Clone)]
struct Held {
    token: Rc<str>,
    until_ms: u64,
    fetched_ms: u64,
    after_refusal: bool,
}

impl Held {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        Some(Self {
            until_ms: words.next()?.parse().ok()?,
            fetched_ms: words.next()?.parse().ok()?,
            after_refusal: words.next()? == "true",
            token: words.next()?.into(),
        })
    }

    fn line(&self) -> String {
        format!(
            "{} {} {} {}",
            self.until_ms, self.fetched_ms, self.after_refusal, self.token
        )
    }
}

impl<'h> Tokens<'h> {
    /// The token of this kind of app; what an earlier call cached is taken up again. Nothing when the settings
    /// hold no secret for it.
    pub(crate) fn new(host: &'h dyn Host, settings: &'h Settings, kind: AppKind) -> Option<Self> {
        let (name, secret) = match kind {
            AppKind::App => ("app", settings.secret.as_str()),
            AppKind::ContactSync => ("contact-sync", settings.contact_sync_secret.as_deref()?),
        };
        // With another secret the cached token is another app's, and a refusal says nothing.
        let fingerprint = crate::hex(&crate::sha1(&[
            settings.corp_id.as_bytes(),
            b"\0",
            secret.as_bytes(),
        ]));
        let key = format!(
            "{name}/{}/{}",
            settings.corp_id,
            fingerprint.get(..16).unwrap_or_default()
        );
        let held = host
            .cache_get(&format!("token/{key}"))
            .as_deref()
            .and_then(Held::parse);
        Some(Self {
            host,
            settings,
            secret,
            key,
            held: RefCell::new(held),
        })
    }

    /// The token to use now.
    pub(crate) fn current(&self, client: &Client) -> Result<Rc<str>, Problem> {
        let held = self.held.borrow().clone();
        match held {
            Some(held) if self.now_ms() < held.until_ms => Ok(held.token),
            _ => self.fetch(client, false),
        }
    }

    /// Says that WeCom refused this token, and gives another one to try once more with.
    ///
    /// Of many requests in flight with the same token only the first one leads to a call.
    pub(crate) fn refused(
        &self,
        client: &Client,
        token: &str,
        problem: Problem,
    ) -> Result<Rc<str>, Problem> {
        let held = self.held.borrow().clone();
        match held {
            Some(held) if *held.token != *token => Ok(held.token),
            Some(held) if held.after_refusal && self.is_recent(held.fetched_ms) => Err(problem),
            _ => self.fetch(client, true),
        }
    }

    /// The held token, for striking it out of texts.
    pub(crate) fn held(&self) -> Option<Rc<str>> {
        self.held.borrow().as_ref().map(|held| held.token.clone())
    }

    /// Whole milliseconds: a token needs no finer clock.
    fn now_ms(&self) -> u64 {
        self.host.now_ms() as u64
    }

    /// False also when the clock was set back.
    fn is_recent(&self, then_ms: u64) -> bool {
        self.now_ms()
            .checked_sub(then_ms)
            .is_some_and(|since_ms| since_ms < FLOOR_MS)
    }

    fn fetch(&self, client: &Client, after_refusal: bool) -> Result<Rc<str>, Problem> {
        if let Some(problem) = self.remembered_refusal() {
            return Err(problem);
        }
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            let query = [
                ("corpid", self.settings.corp_id.as_str()),
                ("corpsecret", self.secret),
            ];
            let outcome = client.call(request::request(self.settings, PATH, query, None));
            let body = problem::body(PATH, outcome, &mut self.settings.secrets());
            let answer = body.and_then(|body| problem::read::<TokenAnswer>(PATH, &body));
            match answer {
                Err(problem) if problem.is_passing() && tries < request::TRIES_MAX => {
                    self.host
                        .log(Level::Warn, &format!("{}; trying again", problem.line()));
                    self.host.sleep_ms(request::pause_ms(tries));
                }
                answer => break answer,
            }
        };
        match answer {
            Ok(answer) if !answer.access_token.is_empty() => Ok(self.keep(&answer, after_refusal)),
            Ok(_) => Err(Problem::garbage(PATH, "JSON without a token")),
            Err(problem) => {
                self.remember_refusal(&problem);
                Err(problem)
            }
        }
    }

    fn keep(&self, answer: &TokenAnswer, after_refusal: bool) -> Rc<str> {
        let lifetime_s = match answer.expires_in {
            Number::Is(seconds) => seconds,
            Number::Absent | Number::Nonsense => LIFETIME_S,
        };
        let use_s = if lifetime_s > 2 * EARLY_S {
            lifetime_s - EARLY_S
        } else {
            lifetime_s / 2
        };
        let use_s = u32::try_from(use_s.max(0)).unwrap_or(u32::MAX);
        let now_ms = self.now_ms();
        let held = Held {
            token: answer.access_token.as_str().into(),
            // At least as long as the floor, lest a lifetime of 0 makes every request ask for a token.
            until_ms: now_ms + (u64::from(use_s) * 1000).max(FLOOR_MS),
            fetched_ms: now_ms,
            after_refusal,
        };
        if use_s > 0 {
            self.host
                .cache_set(&format!("token/{}", self.key), &held.line(), use_s);
        }
        let token = held.token.clone();
        self.held.replace(Some(held));
        token
    }

    fn remember_refusal(&self, problem: &Problem) {
        if let Cause::Code(code) = problem.cause
            && !problem.is_passing()
        {
            let line = format!("{code} {}", problem.message);
            self.host.cache_set(
                &format!("refusal/{}", self.key),
                &line,
                (FLOOR_MS / 1000) as u32,
            );
        }
    }

    fn remembered_refusal(&self) -> Option<Problem> {
        let line = self.host.cache_get(&format!("refusal/{}", self.key))?;
        let (code, message) = line.split_once(' ')?;
        Some(Problem {
            path: PATH,
            cause: Cause::Code(code.parse().ok()?),
            message: message.to_owned(),
        })
    }
}
