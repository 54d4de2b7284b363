//! Between version 1.0's own types and the host's.

use camsync_core::model::{Department, Member, MemberStatus};

use super::bindings::{camsync::connector::types, exports::camsync::connector::connector as guest};
use crate::{
    description::RawDescription,
    types::{
        CallbackAnswer, CallbackRequest, Capability, CheckReport, CrawlSummary, Explanation,
        Failure, FailureDetail, Finding, Hint, Message, Names, Presence, Severity, SignInRequest,
        SignedIn,
    },
};

impl From<types::Department> for Department {
    fn from(department: types::Department) -> Self {
        let types::Department { id, parent, name } = department;
        Self { id, parent, name }
    }
}

impl From<types::Member> for Member {
    fn from(member: types::Member) -> Self {
        Self {
            id: member.id,
            username: member.username,
            name: member.name,
            alias: member.alias,
            email: member.email,
            phone: member.phone,
            position: member.position,
            status: match member.status {
                types::MemberStatus::Active => MemberStatus::Active,
                types::MemberStatus::Disabled => MemberStatus::Disabled,
                types::MemberStatus::Invited => MemberStatus::Invited,
                types::MemberStatus::Left => MemberStatus::Left,
            },
            departments: member.departments,
            main_department: member.main_department,
            leader_of: member.leader_of,
            tags: member.tags,
            attributes: member.attributes.into_iter().collect(),
            shown_by: member.shown_by,
        }
    }
}

impl From<types::FailureDetail> for FailureDetail {
    fn from(detail: types::FailureDetail) -> Self {
        let types::FailureDetail {
            code,
            message,
            subject,
        } = detail;
        Self {
            code,
            message,
            subject,
        }
    }
}

impl From<FailureDetail> for types::FailureDetail {
    fn from(detail: FailureDetail) -> Self {
        let FailureDetail {
            code,
            message,
            subject,
        } = detail;
        Self {
            code,
            message,
            subject,
        }
    }
}

impl From<types::Failure> for Failure {
    fn from(failure: types::Failure) -> Self {
        match failure {
            types::Failure::SettingsWrong(detail) => Self::SettingsWrong(detail.into()),
            types::Failure::NotPermitted(detail) => Self::NotPermitted(detail.into()),
            types::Failure::Throttled(types::Throttle {
                detail,
                retry_after_seconds,
            }) => Self::Throttled {
                detail: detail.into(),
                retry_after_seconds,
            },
            types::Failure::Unavailable(detail) => Self::Unavailable(detail.into()),
            types::Failure::Refused(detail) => Self::Refused(detail.into()),
            types::Failure::Bug(message) => Self::Bug { message },
        }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::SettingsWrong(detail) => Self::SettingsWrong(detail.into()),
            Failure::NotPermitted(detail) => Self::NotPermitted(detail.into()),
            Failure::Throttled {
                detail,
                retry_after_seconds,
            } => Self::Throttled(types::Throttle {
                detail: detail.into(),
                retry_after_seconds,
            }),
            Failure::Unavailable(detail) => Self::Unavailable(detail.into()),
            Failure::Refused(detail) => Self::Refused(detail.into()),
            Failure::Bug { message } => Self::Bug(message),
        }
    }
}

impl From<guest::Description> for RawDescription {
    fn from(description: guest::Description) -> Self {
        let capabilities =
            description
                .capabilities
                .into_iter()
                .map(|capability| match capability {
                    guest::Capability::LookUp => Capability::LookUp,
                    guest::Capability::Callbacks => Capability::Callbacks,
                    guest::Capability::SignIn => Capability::SignIn,
                    guest::Capability::Messages => Capability::Messages,
                });
        Self {
            name: description.name,
            version: description.version,
            summary: description.summary,
            settings_schema: description.settings_schema,
            hosts: description.hosts,
            capabilities: capabilities.collect(),
        }
    }
}

impl From<guest::CheckReport> for CheckReport {
    fn from(report: guest::CheckReport) -> Self {
        let findings = report.findings.into_iter().map(|finding| Finding {
            severity: match finding.severity {
                guest::Severity::Info => Severity::Info,
                guest::Severity::Warning => Severity::Warning,
                guest::Severity::Error => Severity::Error,
            },
            code: finding.code,
            message: finding.message,
            remedy: finding.remedy,
        });
        Self {
            findings: findings.collect(),
            enterprise: report.enterprise,
            range_fingerprint: report.range_fingerprint,
            range_summary: report.range_summary,
        }
    }
}

impl From<guest::CrawlSummary> for CrawlSummary {
    fn from(summary: guest::CrawlSummary) -> Self {
        let guest::CrawlSummary {
            enterprise,
            complete,
            missing,
            range_fingerprint,
            range,
            names,
        } = summary;
        Self {
            enterprise,
            complete,
            missing,
            range_fingerprint,
            range,
            names: Names {
                enterprise: names.enterprise,
                application: names.application,
            },
        }
    }
}

impl From<guest::Presence> for Presence {
    fn from(presence: guest::Presence) -> Self {
        match presence {
            guest::Presence::Present(member) => Self::Present {
                member: Box::new(member.into()),
            },
            guest::Presence::Gone(answer) => Self::Gone { answer },
            guest::Presence::OutOfSight(answer) => Self::OutOfSight { answer },
            guest::Presence::Unknown(answer) => Self::Unknown { answer },
        }
    }
}

impl From<CallbackRequest> for guest::CallbackRequest {
    fn from(request: CallbackRequest) -> Self {
        let CallbackRequest {
            method,
            query,
            body,
        } = request;
        Self {
            method,
            query,
            body,
        }
    }
}

impl From<guest::CallbackAnswer> for CallbackAnswer {
    fn from(answer: guest::CallbackAnswer) -> Self {
        let hints = answer.hints.into_iter().map(|hint| match hint {
            guest::Hint::Member(id) => Hint::Member { id },
            guest::Hint::MemberRenamed((old, new)) => Hint::MemberRenamed { old, new },
            guest::Hint::Everything => Hint::Everything,
        });
        Self {
            hints: hints.collect(),
            status: answer.status,
            body: answer.body,
        }
    }
}

impl From<SignInRequest> for guest::SignInRequest {
    fn from(request: SignInRequest) -> Self {
        let SignInRequest {
            redirect_uri,
            state,
            inside_app,
            language,
        } = request;
        Self {
            redirect_uri,
            state,
            inside_app,
            language,
        }
    }
}

impl From<guest::SignedIn> for SignedIn {
    fn from(signed_in: guest::SignedIn) -> Self {
        match signed_in {
            guest::SignedIn::Member(id) => Self::Member(id),
            guest::SignedIn::Stranger => Self::Stranger,
        }
    }
}

impl From<Message> for guest::Message {
    fn from(message: Message) -> Self {
        let Message { title, text, link } = message;
        Self { title, text, link }
    }
}

impl From<guest::Explanation> for Explanation {
    fn from(explanation: guest::Explanation) -> Self {
        let guest::Explanation { cause, remedy } = explanation;
        Self { cause, remedy }
    }
}
