//! What can be made to go wrong.

use std::time::Duration;

/// A fault. Those named "after" let the request take effect first.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The request takes effect, and the connection closes without an answer.
    AnswerLost,
    /// The connection closes before the request takes effect.
    EffectLost,
    /// The connection is reset after the request took effect.
    ResetAfter,
    /// InternalError without effect.
    InternalErrorBefore,
    /// InternalError after effect.
    InternalErrorAfter,
    /// Plain FailedOperation without effect.
    FailedOperationBefore,
    /// Plain FailedOperation after effect.
    FailedOperationAfter,
    /// This code and no effect.
    Code(String),
    /// This code after effect.
    CodeAfter(String),
    /// An HTML error page of this HTTP status, without effect.
    Http(u16),
    /// An HTML error page of this HTTP status, after effect.
    HttpAfter(u16),
    /// After effect, half the JSON in a well-formed HTTP answer.
    TruncatedJson,
    /// After effect, half the promised body, then the connection closes.
    CutBody,
    /// After effect, HTTP 200 with an empty body.
    EmptyBody,
    /// After effect, JSON in the legacy shape `{"code":..}` (`cam-api.md 1.6`) with this code.
    Legacy(i64),
    /// Waits before the request takes effect.
    Delay(Duration),
    /// Waits after the request took effect, before the answer.
    SlowAnswer(Duration),
    /// After effect, no answer for as long as the caller waits.
    NeverAnswer,
    /// After effect, the answer comes byte by byte, one each interval.
    Drip(Duration),
    /// ListAccounts refuses a Marker with InvalidParameter.PaginationTokenInvalid; a first page passes.
    MarkerExpired,
    /// Listings leave out the user of this name.
    MissUser(String),
    /// Pages after the first start this many entries later, as if as many had been removed meanwhile; earlier if negative.
    ShiftPage(i64),
    /// Listings come back empty, with success.
    EmptyListing,
}

impl Fault {
    /// One of each kind, for tests that go through all; listings leave out `user`.
    pub fn every(user: &str) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(Self::AnswerLost), move |fault| fault.next(user))
    }

    /// The kind that follows: a new one does not compile before it has its place in the row.
    fn next(&self, user: &str) -> Option<Self> {
        Some(match self {
            Self::AnswerLost => Self::EffectLost,
            Self::EffectLost => Self::ResetAfter,
            Self::ResetAfter => Self::InternalErrorBefore,
            Self::InternalErrorBefore => Self::InternalErrorAfter,
            Self::InternalErrorAfter => Self::FailedOperationBefore,
            Self::FailedOperationBefore => Self::FailedOperationAfter,
            Self::FailedOperationAfter => Self::Code("NeverHeardOf.Before".to_owned()),
            Self::Code(_) => Self::CodeAfter("NeverHeardOf.After".to_owned()),
            Self::CodeAfter(_) => Self::Http(502),
            Self::Http(_) => Self::HttpAfter(504),
            Self::HttpAfter(_) => Self::TruncatedJson,
            Self::TruncatedJson => Self::CutBody,
            Self::CutBody => Self::EmptyBody,
            Self::EmptyBody => Self::Legacy(4000),
            Self::Legacy(_) => Self::Delay(Duration::from_millis(60)),
            Self::Delay(_) => Self::SlowAnswer(Duration::from_millis(60)),
            Self::SlowAnswer(_) => Self::NeverAnswer,
            Self::NeverAnswer => Self::Drip(Duration::from_micros(200)),
            Self::Drip(_) => Self::MarkerExpired,
            Self::MarkerExpired => Self::MissUser(user.to_owned()),
            Self::MissUser(_) => Self::ShiftPage(1),
            Self::ShiftPage(_) => Self::EmptyListing,
            Self::EmptyListing => return None,
        })
    }

    /// The refusal that takes the place of the effect, if this is one.
    pub(crate) fn refusal_before(&self) -> Option<&str> {
        match self {
            Self::InternalErrorBefore => Some("InternalError"),
            Self::FailedOperationBefore => Some("FailedOperation"),
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The refusal that takes the place of the answer, if this is one.
    pub(crate) fn refusal_after(&self) -> Option<&str> {
        match self {
            Self::InternalErrorAfter => Some("InternalError"),
            Self::FailedOperationAfter => Some("FailedOperation"),
            Self::CodeAfter(code) => Some(code),
            _ => None,
        }
    }
}
