//! Access tokens: one per app and validity window, bound to the app whose secret made it (`wecom-api.md 1.1`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::app::App;
use super::options::Options;
use super::reply::{Errcode, Outcome, refuse};

const HOUR: Duration = Duration::from_secs(3600);

/// The tokens that were given out, and the count of wrong secrets.
#[derive(Default)]
pub(crate) struct Tokens {
    tokens: BTreeMap<String, Token>,
    serial: u64,
    wrong_secrets: Vec<Duration>,
    banned_until: Duration,
}

struct Token {
    agent_id: u32,
    expires: Duration,
}

impl Tokens {
    /// gettoken. `now` is the server's time since its start.
    pub(crate) fn get(
        &mut self,
        query: &BTreeMap<String, String>,
        apps: &[App],
        options: &Options,
        now: Duration,
    ) -> Outcome {
        if now < self.banned_until {
            return refuse(45009);
        }
        let parameter = |name: &str| {
            query
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        let Some(corp_id) = parameter("corpid") else {
            return refuse(41002);
        };
        let Some(secret) = parameter("corpsecret") else {
            return refuse(41004);
        };
        if corp_id != options.corp_id {
            return refuse(40013);
        }
        let Some(app) = apps.iter().find(|app| app.secret == secret) else {
            self.wrong_secrets
                .retain(|at| now.saturating_sub(*at) < HOUR);
            self.wrong_secrets.push(now);
            if self.wrong_secrets.len()
                >= usize::try_from(options.wrong_secrets_max).unwrap_or(usize::MAX)
            {
                self.banned_until = now + HOUR;
            }
            return refuse(40001);
        };
        let valid = self
            .tokens
            .iter()
            .find(|(_, token)| token.agent_id == app.agent_id && token.expires > now);
        if let Some((value, token)) = valid {
            return Ok(answer(value, token.expires.saturating_sub(now)));
        }
        self.serial += 1;
        // Real ones are of the order of 200 characters of base64url.
        let value = format!(
            "simulated_{}-{}_{}",
            app.agent_id,
            self.serial,
            "x".repeat(180)
        );
        let token = Token {
            agent_id: app.agent_id,
            expires: now + options.expires_in,
        };
        self.tokens.insert(value.clone(), token);
        Ok(answer(&value, options.expires_in))
    }

    /// The agentid that a token belongs to.
    pub(crate) fn check(&self, value: Option<&String>, now: Duration) -> Result<u32, Errcode> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return refuse(41001);
        };
        match self.tokens.get(value) {
            None => refuse(40014),
            Some(token) if token.expires <= now => refuse(42001),
            Some(token) => Ok(token.agent_id),
        }
    }

    /// Makes a token expire now.
    pub(crate) fn expire(&mut self, value: &str, now: Duration) {
        if let Some(token) = self.tokens.get_mut(value) {
            token.expires = token.expires.min(now);
        }
    }

    /// Makes a token unknown.
    pub(crate) fn revoke(&mut self, value: &str) {
        self.tokens.remove(value);
    }

    /// Makes every token unknown.
    pub(crate) fn revoke_all(&mut self) {
        self.tokens.clear();
    }
}

fn answer(value: &str, left: Duration) -> Value {
    json!({"access_token": value, "expires_in": left.as_secs_f64().ceil()  as u64})
}
