//! Why a call did not do what was asked.

/// What is known of a failure, in the provider's words (`types.failure-detail`). Never put a secret in here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailureDetail {
    /// The provider's error code, as text.
    pub code: Option<String>,
    /// What happened, in the provider's words where it spoke.
    pub message: String,
    /// What it is about: an endpoint's path, or a setting's name.
    pub subject: Option<String>,
}

/// Too many calls: when to come again (`types.throttle`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// What the provider said.
    pub detail: FailureDetail,
    /// Seconds until a call may succeed.
    pub retry_after_seconds: u32,
}

/// Why a call did not do what was asked (`types.failure`). The host decides by the case alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A setting is wrong: nothing will work until a person changes it.
    SettingsWrong(FailureDetail),
    /// The provider refuses this application something it needs.
    NotPermitted(FailureDetail),
    /// Too many calls; come again later.
    Throttled(Throttle),
    /// The provider did not answer, or answered what is not an answer. May heal by itself.
    Unavailable(FailureDetail),
    /// The provider refused with a code that fits none of the other cases.
    Refused(FailureDetail),
    /// The connector itself is at fault.
    Bug(String),
}

impl Failure {
    /// The provider's code, where there is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.detail().and_then(|detail| detail.code.as_deref())
    }

    /// What is known of it; nothing for a bug.
    #[must_use]
    pub fn detail(&self) -> Option<&FailureDetail> {
        match self {
            Self::SettingsWrong(detail)
            | Self::NotPermitted(detail)
            | Self::Unavailable(detail)
            | Self::Refused(detail)
            | Self::Throttled(Throttle { detail, .. }) => Some(detail),
            Self::Bug(_) => None,
        }
    }

    /// What happened, in the provider's words where it spoke.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Bug(message) => message,
            other => other.detail().map_or("", |detail| detail.message.as_str()),
        }
    }
}
