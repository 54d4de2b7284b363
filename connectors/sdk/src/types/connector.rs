//! What goes in and out of a connector's exports.

use super::Member;

/// The language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese, `zh`.
    Zh,
    /// English, `en`.
    En,
}

impl Language {
    /// Reads `zh` (also `zh-CN` and the like); whatever else is English.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text
            .get(..2)
            .is_some_and(|head| head.eq_ignore_ascii_case("zh"))
        {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// Picks the text of this language.
    #[must_use]
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// What a connector can do beyond crawling (`connector.capability`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// `look_up` works.
    LookUp,
    /// `callback` works.
    Callbacks,
    /// `sign_in_url` and `who_signed_in` work.
    SignIn,
    /// `send_message` works.
    Messages,
}

/// What a connector says of itself (`connector.description`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, as a source's `connector` names it.
    pub name: String,
    /// Its own version, semantic.
    pub version: String,
    /// One sentence for an administrator.
    pub summary: String,
    /// The settings as a JSON Schema (draft 2020-12) of an object.
    pub settings_schema: String,
    /// The hosts it talks to with default settings, each `host` or `host:port`.
    pub hosts: Vec<String>,
    /// What it can do.
    pub capabilities: Vec<Capability>,
}

/// How much a finding matters (`connector.severity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Works, but not as it should.
    Warning,
    /// Will not work.
    Error,
}

/// Something an administrator should know (`connector.finding`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The provider's code, where there is one.
    pub code: Option<String>,
    /// What it is, in the language asked for.
    pub message: String,
    /// What to do about it; empty when nothing is to be done.
    pub remedy: String,
}

/// What `check` found (`connector.check-report`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The enterprise's stable id.
    pub enterprise: String,
    /// A text that changes when the configured visible range changes, and only then.
    pub range_fingerprint: String,
    /// What the range holds, for a person.
    pub range_summary: String,
    /// Whatever else there is to say.
    pub findings: Vec<Finding>,
}

/// What things are called at the provider, so that a person recognises them (`connector.names`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// What the enterprise calls itself, where the application may see that.
    pub enterprise: Option<String>,
    /// What the application is called.
    pub application: Option<String>,
}

/// The last word of a crawl (`connector.crawl-summary`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrawlSummary {
    /// The enterprise's stable id.
    pub enterprise: String,
    /// Whether every part of the visible range was asked for and answered.
    pub complete: bool,
    /// Why not, one line a part that is missing; empty when complete.
    pub missing: Vec<String>,
    /// As in `CheckReport`.
    pub range_fingerprint: String,
    /// The resolved range; `Member::shown_by` refers to these.
    pub range: Vec<String>,
    /// What the enterprise and the application are called.
    pub names: Names,
}

/// Where a member is (`connector.presence`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Inside the visible range, with these facts.
    Present(Box<Member>),
    /// The provider knows no such member in this application's sight. The text is its answer.
    Gone(String),
    /// The provider says that the member exists but may not be seen.
    OutOfSight(String),
    /// The provider did not give an answer that settles it.
    Unknown(String),
}

/// A callback from the provider, as it came (`connector.callback-request`).
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The raw query string, without the question mark.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a callback says may be stale (`connector.hint`). A hint only: nothing in it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// This member.
    Member(String),
    /// This member's id changed.
    MemberRenamed {
        /// The id until now.
        old: String,
        /// The id from now on.
        new: String,
    },
    /// Departments, tags or the range: only a crawl can tell.
    Everything,
}

/// What to answer the provider, and what became stale (`connector.callback-answer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, plain text.
    pub body: String,
    /// What became stale.
    pub hints: Vec<Hint>,
}

/// What a browser needs in order to sign in with the provider (`connector.sign-in-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// The state that must come back, letters and digits, at most 128.
    pub state: String,
    /// The browser is the provider's own app.
    pub inside_app: bool,
    /// The language of the provider's page.
    pub language: Language,
}

/// Whom a sign-in code names (`connector.signed-in`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// A member's id; whether that member is in the snapshot is for the host to see.
    Member(String),
    /// Somebody who is not a member of this enterprise.
    Stranger,
}

/// What a member is told, as plain text without any markup (`connector.message`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about, in a few words, at most 120 bytes.
    pub title: String,
    /// What is said, at most 1500 bytes; lines are parted by a line feed.
    pub text: String,
    /// Where the member can do something about it, an http or https URL, and what the link is called, at most 4 characters.
    pub link: Option<(String, String)>,
}

/// The cause and the remedy of a failure, for a person (`connector.explanation`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it means.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}
