//! Errors as RFC 9457 problem documents.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::ops::{Fault, OpError};

/// The media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What kind of problem it is: its status, its type's name, its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The request cannot be understood.
    Invalid,
    /// Nobody signed in.
    Unauthorized,
    /// Nobody is signed in at the portal.
    SignedOut,
    /// Whoever signed in may not do it.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It is not for this method.
    Method,
    /// It is in no state for this.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// Asked too often.
    TooMany,
    /// It failed.
    Failed,
    /// Not now.
    Busy,
}

impl Kind {
    /// The kind of an operation's error.
    pub(super) fn of(error: &OpError) -> Self {
        match error.fault {
            Fault::Failed => Self::Failed,
            Fault::Invalid => Self::Invalid,
            Fault::NotFound => Self::NotFound,
            Fault::Conflict => Self::Conflict,
        }
    }

    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Invalid => (StatusCode::BAD_REQUEST, "invalid", "The request is wrong"),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "A token is needed",
            ),
            Self::SignedOut => (
                StatusCode::UNAUTHORIZED,
                "signed-out",
                "Nobody is signed in",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "It is not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "Another method is needed",
            ),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Not in its present state"),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
            ),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Asked too often"),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed", "It failed"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Not now"),
        }
    }
}

/// A problem on its way to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    retry_after: Option<u64>,
    code: Option<&'static str>,
}

impl Problem {
    /// `detail` says what is wrong and what to do.
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
            code: None,
        }
    }

    /// With a word for programs that have sentences of their own.
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Asking again may help after so many seconds.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn document(&self) -> Value {
        let (status, name, title) = self.kind.told();
        let mut document = json!({
            "type": format!("urn:camsync:problem:{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let Some(code) = self.code {
            document["code"] = json!(code);
        }
        document
    }
}

impl From<OpError> for Problem {
    fn from(error: OpError) -> Self {
        Self::new(Kind::of(&error), error.message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, ..) = self.kind.told();
        let mut response = (status, self.document().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind == Kind::Unauthorized {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"camsync\""),
            );
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
