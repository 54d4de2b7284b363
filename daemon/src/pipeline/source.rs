//! A source as the pipeline sees it: something that can be crawled and asked about one member.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use camsync_connector_host::types::{
    CallbackAnswer, CallbackRequest, Message, Names, SignInRequest, SignedIn,
};
use camsync_core::model::{Department, Member};
use serde::{Deserialize, Serialize};

/// What a whole pass over a visible range found.
#[derive(Debug, Clone, Default)]
pub struct Crawled {
    /// The enterprise's stable id.
    pub enterprise: String,
    /// What was not answered, one line a part; empty when the crawl is complete.
    pub missing: Vec<String>,
    /// The configured range's fingerprint.
    pub range_fingerprint: String,
    /// The resolved range.
    pub range: BTreeSet<String>,
    /// What the enterprise and the application are called at the provider.
    pub names: Names,
    /// Requests that it took.
    pub requests: u32,
    /// Departments.
    pub departments: Vec<Department>,
    /// Members, merged, in the order of their folded ids.
    pub members: Vec<Arc<Member>>,
}

/// Where one member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Inside the visible range, with these facts.
    Present(Box<Member>),
    /// The provider knows no such member.
    Gone(String),
    /// The provider says that the member exists but may not be seen.
    OutOfSight(String),
    /// Not settled.
    Unknown(String),
}

/// Why a source did not answer, as kind and fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFailure {
    /// `settings_wrong`, `not_permitted`, `throttled`, `unavailable`, `refused`, `bug`, `limit`, `trap`,
    /// `incomplete`, `another_enterprise`, `connector`, `settings`.
    pub kind: String,
    /// The provider's code.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What it means, in the administrator's language, where the connector knows.
    pub cause: Option<String>,
    /// What to do, likewise.
    pub remedy: Option<String>,
    /// When asking again may help.
    pub retry_after_seconds: Option<u32>,
    /// What camsync's own words are about: the parts that an incomplete crawl lacks; the enterprise found and the one
    /// that the source is bound to.
    #[serde(default)]
    pub about: Vec<String>,
}

impl SourceFailure {
    /// A failure with nothing known but its kind and words.
    #[must_use]
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            code: None,
            message: message.into(),
            cause: None,
            remedy: None,
            retry_after_seconds: None,
            about: Vec::new(),
        }
    }

    /// What it means, where that is known, or else what happened.
    #[must_use]
    pub fn in_short(&self) -> String {
        let words = self.cause.as_ref().unwrap_or(&self.message);
        match &self.code {
            Some(code) if !words.contains(code.as_str()) => format!("{code}: {words}"),
            _ => words.clone(),
        }
    }
}

impl std::fmt::Display for SourceFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if let Some(cause) = &self.cause {
            write!(f, "\n  {cause}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  {remedy}")?;
        }
        Ok(())
    }
}

impl Crawled {
    /// Takes in members whom only a look-up found; the order stays that of the folded ids.
    pub fn put_back(&mut self, present: Vec<Arc<Member>>) {
        if present.is_empty() {
            return;
        }
        self.members.extend(present);
        self.members.sort_by_cached_key(|member| member.key());
    }
}

/// Progress of a crawl: steps done, and in all when known.
pub type CrawlProgress<'a> = &'a (dyn Fn(u32, Option<u32>) + Send + Sync);

/// One identity provider.
#[async_trait]
pub trait Source: Send + Sync {
    /// The connector's name.
    fn connector(&self) -> &str;

    /// Whether [`Source::look_up`] can settle an absence.
    fn can_look_up(&self) -> bool;

    /// One pass over the visible range.
    ///
    /// # Errors
    /// When the provider or the connector failed; a part that was not answered is in [`Crawled::missing`].
    async fn crawl(&self, progress: CrawlProgress<'_>) -> Result<Crawled, SourceFailure>;

    /// An answer for each id, in order.
    ///
    /// # Errors
    /// When none could be had.
    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure>;

    /// Takes in a provider's callback: verifies it, and says what to answer and what became stale.
    ///
    /// # Errors
    /// When the connector takes none, its settings lack what it needs for that, or it failed.
    async fn callback(&self, _request: CallbackRequest) -> Result<CallbackAnswer, SourceFailure> {
        Err(SourceFailure::new(
            "not_permitted",
            "this connector takes no callbacks",
        ))
    }

    /// Whether members sign in with the provider.
    fn can_sign_in(&self) -> bool {
        false
    }

    /// Where to send a browser that is to sign in.
    ///
    /// # Errors
    /// When the connector has no sign-in, or failed.
    async fn sign_in_url(&self, _request: SignInRequest) -> Result<String, SourceFailure> {
        Err(no_sign_in())
    }

    /// Whom the code names that a sign-in came back with.
    ///
    /// # Errors
    /// When the provider does not accept it, does not answer, or the connector has no sign-in.
    async fn who_signed_in(&self, _code: &str) -> Result<SignedIn, SourceFailure> {
        Err(no_sign_in())
    }

    /// Whether members can be told something through the provider.
    fn can_send_messages(&self) -> bool {
        false
    }

    /// Tells a member, by id, and nobody else.
    ///
    /// # Errors
    /// When the provider does not take it, does not answer, or the connector sends no messages.
    async fn send_message(&self, _member: &str, _message: Message) -> Result<(), SourceFailure> {
        Err(SourceFailure::new(
            "not_permitted",
            "this connector sends no messages",
        ))
    }
}

fn no_sign_in() -> SourceFailure {
    SourceFailure::new("not_permitted", "this connector has no sign-in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_short_it_says_what_it_means_with_the_code_once() {
        let mut failure = SourceFailure::new("refused", "errcode 60011 no privilege");
        assert_eq!(failure.in_short(), "errcode 60011 no privilege");
        failure.code = Some("60011".into());
        assert_eq!(failure.in_short(), "errcode 60011 no privilege");
        failure.cause = Some("the member is outside of the app's range".into());
        assert_eq!(
            failure.in_short(),
            "60011: the member is outside of the app's range"
        );
        assert_eq!(
            failure.to_string(),
            "errcode 60011 no privilege\n  the member is outside of the app's range"
        );
        failure.remedy = Some("widen it".into());
        assert!(failure.to_string().ends_with("range\n  widen it"));
    }
}
