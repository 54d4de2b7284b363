//! Takes secrets out of whatever text a connector answers with that people or the ledger get to see.

use crate::{
    error::CallError,
    log::cut,
    redact::Redactor,
    types::{
        CallbackAnswer, CheckReport, CrawlSummary, Explanation, Failure, FailureDetail, Finding,
        Presence, SignedIn,
    },
};

/// A failure's text, in bytes; the rest is cut off.
const FAILURE_MAX: usize = 4 * 1024;

/// An answer that can be cleaned. Ids and facts of members are facts, not words, and stay as they are.
pub(crate) trait Clean {
    fn clean(self, redactor: &Redactor) -> Self;
}

/// Nothing to say.
impl Clean for () {
    fn clean(self, _: &Redactor) -> Self {}
}

impl Clean for FailureDetail {
    fn clean(self, redactor: &Redactor) -> Self {
        let clean = |text: String| cut(&redactor.clean(&text), FAILURE_MAX).to_owned();
        Self {
            code: self.code.map(clean),
            message: clean(self.message),
            subject: self.subject.map(clean),
        }
    }
}

impl Clean for Failure {
    fn clean(self, redactor: &Redactor) -> Self {
        match self {
            Self::SettingsWrong(detail) => Self::SettingsWrong(detail.clean(redactor)),
            Self::NotPermitted(detail) => Self::NotPermitted(detail.clean(redactor)),
            Self::Throttled {
                detail,
                retry_after_seconds,
            } => Self::Throttled {
                detail: detail.clean(redactor),
                retry_after_seconds,
            },
            Self::Unavailable(detail) => Self::Unavailable(detail.clean(redactor)),
            Self::Refused(detail) => Self::Refused(detail.clean(redactor)),
            Self::Bug { message } => Self::Bug {
                message: cut(&redactor.clean(&message), FAILURE_MAX).to_owned(),
            },
        }
    }
}

/// A trap's words are wasmtime's, a sink's are the host's, yet both may have seen what the connector had.
impl Clean for CallError {
    fn clean(self, redactor: &Redactor) -> Self {
        match self {
            Self::Connector(failure) => Self::Connector(failure.clean(redactor)),
            Self::Trap { reason } => Self::Trap {
                reason: redactor.clean(&reason),
            },
            Self::Sink { reason } => Self::Sink {
                reason: redactor.clean(&reason),
            },
            other @ (Self::Limit(_) | Self::Unable { .. }) => other,
        }
    }
}

impl Clean for CheckReport {
    fn clean(mut self, redactor: &Redactor) -> Self {
        self.range_summary = redactor.clean(&self.range_summary);
        let clean = |finding: Finding| Finding {
            severity: finding.severity,
            code: finding.code.map(|code| redactor.clean(&code)),
            message: redactor.clean(&finding.message),
            remedy: redactor.clean(&finding.remedy),
        };
        self.findings = self.findings.into_iter().map(clean).collect();
        self
    }
}

impl Clean for CrawlSummary {
    fn clean(mut self, redactor: &Redactor) -> Self {
        self.missing = self
            .missing
            .iter()
            .map(|line| redactor.clean(line))
            .collect();
        let clean = |name: Option<String>| name.map(|name| redactor.clean(&name));
        self.names.enterprise = clean(self.names.enterprise);
        self.names.application = clean(self.names.application);
        self
    }
}

impl Clean for Vec<Presence> {
    fn clean(self, redactor: &Redactor) -> Self {
        let clean = |presence| match presence {
            Presence::Present { member } => Presence::Present { member },
            Presence::Gone { answer } => Presence::Gone {
                answer: redactor.clean(&answer),
            },
            Presence::OutOfSight { answer } => Presence::OutOfSight {
                answer: redactor.clean(&answer),
            },
            Presence::Unknown { answer } => Presence::Unknown {
                answer: redactor.clean(&answer),
            },
        };
        self.into_iter().map(clean).collect()
    }
}

/// An answer goes to the provider as it is: a verification echoes what the provider sent.
impl Clean for CallbackAnswer {
    fn clean(self, _: &Redactor) -> Self {
        self
    }
}

/// A URL goes to the browser as it is.
impl Clean for String {
    fn clean(self, _: &Redactor) -> Self {
        self
    }
}

impl Clean for SignedIn {
    fn clean(self, _: &Redactor) -> Self {
        self
    }
}

impl Clean for Explanation {
    fn clean(self, redactor: &Redactor) -> Self {
        Self {
            cause: redactor.clean(&self.cause),
            remedy: redactor.clean(&self.remedy),
        }
    }
}
