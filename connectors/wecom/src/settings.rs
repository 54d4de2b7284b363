//! The source's settings: their schema, and one parsed set of them.

use camsync_connector_sdk::types::{Failure, FailureDetail};
use serde::Deserialize;

/// The JSON Schema of the settings.
pub const SCHEMA: &str = include_str!("settings.schema.json");

/// The host of WeCom's interface, when no other is set.
pub(crate) const HOST: &str = "qyapi.weixin.qq.com";

/// One source's settings. They hold secrets, and so have no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The enterprise's id.
    pub corp_id: String,
    /// The self-built app's id.
    pub agent_id: u64,
    /// The self-built app's secret.
    pub secret: String,
    /// The contact-sync assistant's secret.
    pub contact_sync_secret: Option<String>,
    /// The app's callback token; goes with `callback_aes_key`.
    pub callback_token: Option<String>,
    /// The app's callback key.
    pub callback_aes_key: Option<String>,
    /// The contact-sync assistant's callback token; goes with `contact_sync_callback_aes_key`.
    pub contact_sync_callback_token: Option<String>,
    /// The contact-sync assistant's callback key.
    pub contact_sync_callback_aes_key: Option<String>,
    /// Where the interface is, without a slash at the end.
    #[serde(default = "default_base")]
    pub api_base: String,
}

fn default_base() -> String {
    format!("https://{HOST}")
}

impl Settings {
    /// Parses the JSON object that the host hands over.
    ///
    /// # Errors
    /// `settings-wrong`. The message names places and keys, never a value.
    pub fn parse(json: &str) -> Result<Self, Failure> {
        let mut settings: Self = serde_json::from_str(json).map_err(|error| {
            // serde's own text may repeat a value, and a value may be a secret.
            let place = format!("line {}, column {}", error.line(), error.column());
            wrong(
                "settings",
                &format!("the settings do not fit the schema ({place})"),
            )
        })?;
        for (name, value) in [("corp_id", &settings.corp_id), ("secret", &settings.secret)] {
            if value.trim().is_empty() {
                return Err(wrong(name, &format!("{name} is empty")));
            }
        }
        if !(settings.api_base.starts_with("https://") || settings.api_base.starts_with("http://"))
        {
            return Err(wrong("api_base", "api_base must begin with https://"));
        }
        settings
            .api_base
            .truncate(settings.api_base.trim_end_matches('/').len());
        Ok(settings)
    }

    /// The callback token and key pairs that are configured: the app's, then the contact-sync assistant's.
    ///
    /// # Errors
    /// `settings-wrong` when one of a pair is missing.
    pub fn callback_pairs(&self) -> Result<Vec<(&str, &str)>, Failure> {
        let pairs = [
            (
                &self.callback_token,
                &self.callback_aes_key,
                "callback_aes_key",
                "callback_token",
            ),
            (
                &self.contact_sync_callback_token,
                &self.contact_sync_callback_aes_key,
                "contact_sync_callback_aes_key",
                "contact_sync_callback_token",
            ),
        ];
        let mut found = Vec::new();
        for (token, key, key_name, token_name) in pairs {
            match (token, key) {
                (Some(token), Some(key)) => found.push((token.as_str(), key.as_str())),
                (None, None) => {}
                (Some(_), None) => {
                    return Err(wrong(
                        key_name,
                        &format!("{token_name} needs {key_name} as well"),
                    ));
                }
                (None, Some(_)) => {
                    return Err(wrong(
                        token_name,
                        &format!("{key_name} needs {token_name} as well"),
                    ));
                }
            }
        }
        Ok(found)
    }

    /// Everything in here that must never be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let optional = [
            &self.contact_sync_secret,
            &self.callback_token,
            &self.callback_aes_key,
            &self.contact_sync_callback_token,
            &self.contact_sync_callback_aes_key,
        ];
        std::iter::once(self.secret.as_str())
            .chain(optional.into_iter().flatten().map(String::as_str))
    }
}

/// A failure because of this setting.
pub(crate) fn wrong(setting: &str, message: &str) -> Failure {
    Failure::SettingsWrong(FailureDetail {
        code: None,
        message: message.to_owned(),
        subject: Some(setting.to_owned()),
    })
}
