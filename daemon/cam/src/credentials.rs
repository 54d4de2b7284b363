//! The key that signs requests, and where it comes from.

use serde::{Deserialize, Serialize};

use crate::secret::SecretText;

/// A key of Tencent Cloud: `SecretId`, `SecretKey` and, for temporary keys, a token (`cam-api.md 1.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Names the key; treated as a secret all the same.
    pub secret_id: SecretText,
    /// Signs requests; never sent.
    pub secret_key: SecretText,
    /// The token of a temporary key.
    pub token: Option<SecretText>,
}

impl Credentials {
    /// A key without a token.
    #[must_use]
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            secret_id: SecretText::new(secret_id),
            secret_key: SecretText::new(secret_key),
            token: None,
        }
    }

    /// Replaces every part of this key that occurs in `text`, so that no answer or error can carry it on.
    #[must_use]
    pub(crate) fn scrub(&self, text: &str) -> String {
        let parts = [
            Some(&self.secret_id),
            Some(&self.secret_key),
            self.token.as_ref(),
        ];
        let mut clean = text.to_owned();
        for secret in parts
            .into_iter()
            .flatten()
            .filter(|secret| !secret.reveal().is_empty())
        {
            clean = clean.replace(secret.reveal(), "[redacted]");
        }
        clean
    }
}

/// Why the key could not be had; `reason` says which part and must not hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the CAM key cannot be read: {reason}")]
pub struct CredentialError {
    /// The cause in words, such as the path that cannot be read.
    pub reason: String,
}

/// Gives the key that is valid now. The client asks before every attempt, so a source that watches a file
/// makes a rotated key take effect without a restart; it should answer at once.
pub trait CredentialSource: Send + Sync {
    /// The present key, or why there is none.
    fn current(&self) -> Result<Credentials, CredentialError>;
}

/// A key that never changes.
#[derive(Debug, Clone)]
pub struct StaticCredentials(pub Credentials);

impl CredentialSource for StaticCredentials {
    fn current(&self) -> Result<Credentials, CredentialError> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_scrubbing_hide_every_part() {
        let mut key = Credentials::new("AKIDvisible", "KEYvisible");
        key.token = Some(SecretText::new("TOKvisible"));
        assert!(!format!("{key:?}").contains("visible"));
        let clean = key.scrub("AKIDvisible, KEYvisible and TOKvisible");
        assert_eq!(clean, "[redacted], [redacted] and [redacted]");
    }

    #[test]
    fn an_empty_part_scrubs_nothing() {
        assert_eq!(Credentials::new("", "").scrub("plain"), "plain");
    }
}
