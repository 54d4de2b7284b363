//! Every conversion between the plain types and those that wit-bindgen makes, in one place.

use super::bindings::camsync::connector as wit;
use super::bindings::exports::camsync::connector::connector as export;
use crate::types;

impl From<types::Department> for wit::types::Department {
    fn from(from: types::Department) -> Self {
        Self {
            id: from.id,
            parent: from.parent,
            name: from.name,
        }
    }
}

impl From<types::MemberStatus> for wit::types::MemberStatus {
    fn from(from: types::MemberStatus) -> Self {
        match from {
            types::MemberStatus::Active => Self::Active,
            types::MemberStatus::Disabled => Self::Disabled,
            types::MemberStatus::Invited => Self::Invited,
            types::MemberStatus::Left => Self::Left,
        }
    }
}

impl From<types::Member> for wit::types::Member {
    fn from(from: types::Member) -> Self {
        Self {
            id: from.id,
            username: from.username,
            name: from.name,
            alias: from.alias,
            email: from.email,
            phone: from.phone,
            position: from.position,
            status: from.status.into(),
            departments: from.departments,
            main_department: from.main_department,
            leader_of: from.leader_of,
            tags: from.tags,
            attributes: from.attributes,
            shown_by: from.shown_by,
        }
    }
}

impl From<types::FailureDetail> for wit::types::FailureDetail {
    fn from(from: types::FailureDetail) -> Self {
        Self {
            code: from.code,
            message: from.message,
            subject: from.subject,
        }
    }
}

impl From<wit::types::FailureDetail> for types::FailureDetail {
    fn from(from: wit::types::FailureDetail) -> Self {
        Self {
            code: from.code,
            message: from.message,
            subject: from.subject,
        }
    }
}

impl From<types::Failure> for wit::types::Failure {
    fn from(from: types::Failure) -> Self {
        match from {
            types::Failure::SettingsWrong(detail) => Self::SettingsWrong(detail.into()),
            types::Failure::NotPermitted(detail) => Self::NotPermitted(detail.into()),
            types::Failure::Throttled(throttle) => Self::Throttled(wit::types::Throttle {
                detail: throttle.detail.into(),
                retry_after_seconds: throttle.retry_after_seconds,
            }),
            types::Failure::Unavailable(detail) => Self::Unavailable(detail.into()),
            types::Failure::Refused(detail) => Self::Refused(detail.into()),
            types::Failure::Bug(message) => Self::Bug(message),
        }
    }
}

impl From<wit::types::Failure> for types::Failure {
    fn from(from: wit::types::Failure) -> Self {
        match from {
            wit::types::Failure::SettingsWrong(detail) => Self::SettingsWrong(detail.into()),
            wit::types::Failure::NotPermitted(detail) => Self::NotPermitted(detail.into()),
            wit::types::Failure::Throttled(throttle) => Self::Throttled(types::Throttle {
                detail: throttle.detail.into(),
                retry_after_seconds: throttle.retry_after_seconds,
            }),
            wit::types::Failure::Unavailable(detail) => Self::Unavailable(detail.into()),
            wit::types::Failure::Refused(detail) => Self::Refused(detail.into()),
            wit::types::Failure::Bug(message) => Self::Bug(message),
        }
    }
}

impl From<types::Request> for wit::http::Request {
    fn from(from: types::Request) -> Self {
        Self {
            method: from.method,
            url: from.url,
            headers: from.headers,
            body: from.body,
            timeout_ms: from.timeout_ms,
        }
    }
}

impl From<wit::http::Response> for types::Response {
    fn from(from: wit::http::Response) -> Self {
        Self {
            status: from.status,
            headers: from.headers,
            body: from.body,
        }
    }
}

impl From<wit::http::HttpFailure> for types::HttpFailure {
    fn from(from: wit::http::HttpFailure) -> Self {
        match from {
            wit::http::HttpFailure::Denied(text) => Self::Denied(text),
            wit::http::HttpFailure::Invalid(text) => Self::Invalid(text),
            wit::http::HttpFailure::Connect(text) => Self::Connect(text),
            wit::http::HttpFailure::Timeout => Self::Timeout,
            wit::http::HttpFailure::TooLarge(bytes) => Self::TooLarge(bytes),
            wit::http::HttpFailure::Protocol(text) => Self::Protocol(text),
        }
    }
}

impl From<types::Level> for wit::log::Level {
    fn from(from: types::Level) -> Self {
        match from {
            types::Level::Debug => Self::Debug,
            types::Level::Info => Self::Info,
            types::Level::Warn => Self::Warn,
            types::Level::Error => Self::Error,
        }
    }
}

impl From<types::Capability> for export::Capability {
    fn from(from: types::Capability) -> Self {
        match from {
            types::Capability::LookUp => Self::LookUp,
            types::Capability::Callbacks => Self::Callbacks,
            types::Capability::SignIn => Self::SignIn,
            types::Capability::Messages => Self::Messages,
        }
    }
}

impl From<types::Description> for export::Description {
    fn from(from: types::Description) -> Self {
        Self {
            name: from.name,
            version: from.version,
            summary: from.summary,
            settings_schema: from.settings_schema,
            hosts: from.hosts,
            capabilities: from.capabilities.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<types::Finding> for export::Finding {
    fn from(from: types::Finding) -> Self {
        let severity = match from.severity {
            types::Severity::Info => export::Severity::Info,
            types::Severity::Warning => export::Severity::Warning,
            types::Severity::Error => export::Severity::Error,
        };
        Self {
            severity,
            code: from.code,
            message: from.message,
            remedy: from.remedy,
        }
    }
}

impl From<types::CheckReport> for export::CheckReport {
    fn from(from: types::CheckReport) -> Self {
        Self {
            enterprise: from.enterprise,
            range_fingerprint: from.range_fingerprint,
            range_summary: from.range_summary,
            findings: from.findings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<types::CrawlSummary> for export::CrawlSummary {
    fn from(from: types::CrawlSummary) -> Self {
        Self {
            enterprise: from.enterprise,
            complete: from.complete,
            missing: from.missing,
            range_fingerprint: from.range_fingerprint,
            range: from.range,
            names: export::Names {
                enterprise: from.names.enterprise,
                application: from.names.application,
            },
        }
    }
}

impl From<types::Presence> for export::Presence {
    fn from(from: types::Presence) -> Self {
        match from {
            types::Presence::Present(member) => Self::Present((*member).into()),
            types::Presence::Gone(text) => Self::Gone(text),
            types::Presence::OutOfSight(text) => Self::OutOfSight(text),
            types::Presence::Unknown(text) => Self::Unknown(text),
        }
    }
}

impl From<export::CallbackRequest> for types::CallbackRequest {
    fn from(from: export::CallbackRequest) -> Self {
        Self {
            method: from.method,
            query: from.query,
            body: from.body,
        }
    }
}

impl From<types::CallbackAnswer> for export::CallbackAnswer {
    fn from(from: types::CallbackAnswer) -> Self {
        Self {
            status: from.status,
            body: from.body,
            hints: from.hints.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<types::Hint> for export::Hint {
    fn from(from: types::Hint) -> Self {
        match from {
            types::Hint::Member(id) => Self::Member(id),
            types::Hint::MemberRenamed { old, new } => Self::MemberRenamed((old, new)),
            types::Hint::Everything => Self::Everything,
        }
    }
}

impl From<export::SignInRequest> for types::SignInRequest {
    fn from(from: export::SignInRequest) -> Self {
        Self {
            redirect_uri: from.redirect_uri,
            state: from.state,
            inside_app: from.inside_app,
            language: types::Language::parse(&from.language),
        }
    }
}

impl From<types::SignedIn> for export::SignedIn {
    fn from(from: types::SignedIn) -> Self {
        match from {
            types::SignedIn::Member(id) => Self::Member(id),
            types::SignedIn::Stranger => Self::Stranger,
        }
    }
}

impl From<export::Message> for types::Message {
    fn from(from: export::Message) -> Self {
        Self {
            title: from.title,
            text: from.text,
            link: from.link,
        }
    }
}

impl From<types::Explanation> for export::Explanation {
    fn from(from: types::Explanation) -> Self {
        Self {
            cause: from.cause,
            remedy: from.remedy,
        }
    }
}
