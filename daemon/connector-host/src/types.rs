//! What goes over the boundary, as plain Rust: the words of `wit/1.0.0/connector.wit`, whichever version of the
//! interface a connector speaks. Departments and members are [`camsync_core::model`]'s own.

use camsync_core::model::Member;
use serde::{Deserialize, Serialize};

/// What is known of a failure, in the provider's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureDetail {
    /// The provider's error code, as text.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What it is about: an endpoint's path, or a setting's name.
    pub subject: Option<String>,
}

/// Why a connector did not do what was asked. Serialised as `kind` and fields, the way the ledger stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// A setting is wrong: nothing works until a person changes it.
    SettingsWrong(FailureDetail),
    /// The provider refuses this application something it needs: a person must grant it.
    NotPermitted(FailureDetail),
    /// Too many calls; come again later.
    Throttled {
        /// What the provider said.
        detail: FailureDetail,
        /// Seconds until a call may succeed.
        retry_after_seconds: u32,
    },
    /// The provider did not answer, or answered what is not an answer. May heal by itself.
    Unavailable(FailureDetail),
    /// The provider refused with a code that fits none of the other cases.
    Refused(FailureDetail),
    /// The connector itself is at fault.
    Bug {
        /// What it did wrong.
        message: String,
    },
}

impl Failure {
    /// A fault of the connector's own.
    #[must_use]
    pub fn bug(message: impl Into<String>) -> Self {
        Self::Bug {
            message: message.into(),
        }
    }
}

/// Writes `what: message (code 60020, /cgi-bin/gettoken)`.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, detail) = match self {
            Self::SettingsWrong(detail) => ("a setting is wrong", detail),
            Self::NotPermitted(detail) => ("not permitted", detail),
            Self::Throttled { detail, .. } => ("too many calls", detail),
            Self::Unavailable(detail) => ("the provider is unavailable", detail),
            Self::Refused(detail) => ("the provider refused", detail),
            Self::Bug { message } => return write!(f, "the connector is at fault: {message}"),
        };
        write!(f, "{what}: {}", detail.message)?;
        match (&detail.code, &detail.subject) {
            (Some(code), Some(subject)) => write!(f, " (code {code}, {subject})")?,
            (Some(code), None) => write!(f, " (code {code})")?,
            (None, Some(subject)) => write!(f, " ({subject})")?,
            (None, None) => {}
        }
        if let Self::Throttled {
            retry_after_seconds,
            ..
        } = self
        {
            write!(f, "; again in {retry_after_seconds} s")?;
        }
        Ok(())
    }
}

/// What a connector can do beyond crawling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// A missing member can be asked for by id.
    LookUp,
    /// The provider's callbacks are understood.
    Callbacks,
    /// Members can sign in with the provider.
    SignIn,
    /// Members can be told something through the provider.
    Messages,
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LookUp => "look-up",
            Self::Callbacks => "callbacks",
            Self::SignIn => "sign-in",
            Self::Messages => "messages",
        })
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something will not work as it may be expected to.
    Warning,
    /// Something does not work.
    Error,
}

/// Something an administrator should know about the settings or the visible range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// What `check` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// What things are called at the provider, so that a person recognises them. Nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// What the enterprise calls itself, where the application may see that.
    pub enterprise: Option<String>,
    /// What the application is called.
    pub application: Option<String>,
}

/// The last word of a crawl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrawlSummary {
    /// The enterprise's stable id.
    pub enterprise: String,
    /// Whether every part of the visible range was asked for and answered.
    pub complete: bool,
    /// Why not, one line a missing part; empty exactly when complete.
    pub missing: Vec<String>,
    /// The configured visible range's fingerprint, as in [`CheckReport`].
    pub range_fingerprint: String,
    /// The resolved range, sorted, each item once; [`Member::shown_by`] refers to these.
    pub range: Vec<String>,
    /// What the enterprise and the application are called; never empty texts.
    pub names: Names,
}

/// Where a member is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "presence", rename_all = "snake_case")]
pub enum Presence {
    /// Inside the visible range, with these facts; `tags` and `shown_by` may be empty.
    Present {
        /// The facts.
        member: Box<Member>,
    },
    /// The provider knows no such member in this application's sight.
    Gone {
        /// The provider's answer.
        answer: String,
    },
    /// The provider says that the member exists but may not be seen.
    OutOfSight {
        /// The provider's answer.
        answer: String,
    },
    /// The provider did not give an answer that settles it.
    Unknown {
        /// The provider's answer.
        answer: String,
    },
}

/// A callback from the provider, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The raw query string, without the question mark.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a callback says may be stale. A hint only: nothing in it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hint", rename_all = "snake_case")]
pub enum Hint {
    /// This member.
    Member {
        /// The member's id.
        id: String,
    },
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

/// What to answer the provider, and what became stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The body, plain text.
    pub body: String,
    /// What became stale.
    pub hints: Vec<Hint>,
}

/// What a browser needs in order to sign in with the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// The state that must come back, letters and digits, at most 128.
    pub state: String,
    /// The browser is the provider's own app.
    pub inside_app: bool,
    /// `zh` or `en`.
    pub language: String,
}

/// Whom a sign-in code names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedIn {
    /// A member's id; whether that member is in the snapshot is for the caller to see.
    Member(String),
    /// Somebody who is not a member of this enterprise.
    Stranger,
}

/// What a member is told through the provider, as plain text without any markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about, in a few words, at most 120 bytes.
    pub title: String,
    /// What is said, at most 1500 bytes.
    pub text: String,
    /// Where the member can do something about it, an http or https URL, and what the link is called, at most 4 characters.
    pub link: Option<(String, String)>,
}

/// The cause and the remedy of a failure, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What it means.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}
