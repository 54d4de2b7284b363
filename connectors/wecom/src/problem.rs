//! Why a call to WeCom did not give what was asked, and the failure that it becomes.

use camsync_connector_sdk::types::{Failure, FailureDetail, HttpFailure, Outcome, Throttle};
use serde::de::DeserializeOwned;

use crate::codes::{Class, class_of};
use crate::wire::{self, NotAnAnswer};

/// How much of WeCom's own words a failure repeats, in characters.
const WORDS_MAX: usize = 500;

/// Seconds to wait for a frequency limit of a minute, of an hour, and for too many calls in parallel.
pub(crate) const MINUTE_LIMIT_S: u32 = 60;
pub(crate) const HOUR_LIMIT_S: u32 = 3600;
const CROWD_S: u32 = 2;
/// A suite ticket is pushed every ten minutes.
const TICKET_S: u32 = 600;

/// A call that did not give what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The interface, such as `user/list`: never a URL, whose query holds the token.
    pub(crate) path: &'static str,
    /// Why.
    pub(crate) cause: Cause,
    /// WeCom's words, or what came instead of an answer.
    pub(crate) message: String,
}

/// Why a call did not give what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// WeCom refused, with this code.
    Code(i64),
    /// No answer within the time.
    Timeout,
    /// No answer, or one that is none (HTTP 5xx, HTML, cut JSON).
    NoAnswer,
    /// The answer is larger than the source's limit.
    TooLarge,
    /// The host refuses to call this address.
    Denied,
    /// The host refuses the request's form.
    Malformed,
}

impl Problem {
    /// Something came that is not the answer.
    pub(crate) fn garbage(path: &'static str, what: &str) -> Self {
        Self {
            path,
            cause: Cause::NoAnswer,
            message: format!("answered {what}"),
        }
    }

    /// The class of a refusal; nothing where WeCom did not speak.
    pub(crate) fn class(&self) -> Option<Class> {
        match self.cause {
            Cause::Code(code) => Some(class_of(code)),
            Cause::TooLarge => Some(Class::TooLarge),
            _ => None,
        }
    }

    /// Another try may help at once (`wecom-api.md` 7: -1, 6000, HTTP 5xx, timeouts and bodies that are not JSON).
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.cause, Cause::Timeout | Cause::NoAnswer) || self.class() == Some(Class::Busy)
    }

    /// It concerns the whole app: every other call would end the same way.
    pub(crate) fn is_fatal(&self) -> bool {
        let class = self.class();
        matches!(self.cause, Cause::Denied | Cause::Malformed)
            || class.is_some_and(|class| {
                matches!(
                    class,
                    Class::Secret
                        | Class::TokenStale
                        | Class::Settings
                        | Class::Permission
                        | Class::Throttled
                )
            })
    }

    /// One line that names it: `user/get 60011 no privilege`. Without the trail of hint, address and link
    /// (`wecom-api.md` 0.2), which is another one each time: the same answer reads the same.
    pub(crate) fn line(&self) -> String {
        let said = self.message.split("hint:").next().unwrap_or_default();
        let said = said.trim_end_matches([',', ' ']);
        match self.cause {
            Cause::Code(code) => format!("{} {code} {said}", self.path),
            _ => format!("{} {said}", self.path),
        }
    }

    /// The failure that the host sees.
    pub(crate) fn failure(self) -> Failure {
        let code = match self.cause {
            Cause::Code(code) => Some(code),
            _ => None,
        };
        let line = self.line();
        let class = self.class();
        let detail = FailureDetail {
            code: code.map(|code| code.to_string()),
            message: self.message,
            subject: Some(self.path.to_owned()),
        };
        let throttled = |detail, retry_after_seconds| {
            Failure::Throttled(Throttle {
                detail,
                retry_after_seconds,
            })
        };
        match (self.cause, class) {
            (Cause::Denied, _) => Failure::SettingsWrong(detail),
            (Cause::Malformed, _) | (_, Some(Class::Mistake)) => Failure::Bug(line),
            (_, Some(class)) => match class {
                Class::Secret | Class::Settings => Failure::SettingsWrong(detail),
                Class::Permission | Class::MemberHidden | Class::TagDenied => {
                    Failure::NotPermitted(detail)
                }
                Class::Throttled if code == Some(40085) => throttled(detail, TICKET_S),
                Class::Throttled => throttled(detail, MINUTE_LIMIT_S),
                Class::Crowded => throttled(detail, CROWD_S),
                Class::Busy | Class::TokenStale => Failure::Unavailable(detail),
                Class::TooLarge
                | Class::MemberGone
                | Class::DepartmentGone
                | Class::TagGone
                | Class::SignInCode
                | Class::Mistake
                | Class::Refused => Failure::Refused(detail),
            },
            (_, None) => Failure::Unavailable(detail),
        }
    }
}

/// The body of an answer in which WeCom does not refuse, or the problem that the outcome is. `secrets` are struck out
/// of every text.
pub(crate) fn body(
    path: &'static str,
    outcome: Outcome,
    secrets: &mut dyn Iterator<Item = &str>,
) -> Result<Vec<u8>, Problem> {
    let (cause, message) = match outcome {
        Ok(response) if response.status == 200 => match wire::accept(&response.body) {
            Ok(()) => return Ok(response.body),
            Err(NotAnAnswer::Code(code, words)) => (Cause::Code(code), words),
            Err(NotAnAnswer::Garbage(what)) => return Err(Problem::garbage(path, &what)),
        },
        Ok(response) => (
            Cause::NoAnswer,
            format!("answered HTTP {}", response.status),
        ),
        Err(HttpFailure::Timeout) => (Cause::Timeout, "did not answer in time".to_owned()),
        Err(HttpFailure::TooLarge(limit)) => {
            (Cause::TooLarge, format!("answered more than {limit} bytes"))
        }
        Err(HttpFailure::Connect(why)) => (Cause::NoAnswer, format!("cannot be reached: {why}")),
        Err(HttpFailure::Protocol(why)) => (Cause::NoAnswer, format!("broke off: {why}")),
        Err(HttpFailure::Denied(why)) => (Cause::Denied, why),
        Err(HttpFailure::Invalid(why)) => (Cause::Malformed, why),
    };
    Err(Problem {
        path,
        cause,
        message: scrub(&message, secrets),
    })
}

/// Reads an accepted body.
pub(crate) fn read<T: DeserializeOwned>(path: &'static str, body: &[u8]) -> Result<T, Problem> {
    wire::read(body).map_err(|what| Problem::garbage(path, &what))
}

/// Strikes secrets out of words that come from elsewhere, and cuts them to a bearable length.
fn scrub(words: &str, secrets: &mut dyn Iterator<Item = &str>) -> String {
    // Cut only roughly at first: a secret that the cut runs through would not be found.
    let mut words: String = words.chars().take(8 * WORDS_MAX).collect();
    for secret in secrets.filter(|secret| secret.len() > 3) {
        words = words.replace(secret, "***");
    }
    for parameter in ["access_token=", "corpsecret=", "?code=", "&code="] {
        let mut from = 0;
        while let Some(at) = words[from..].find(parameter) {
            let value = from + at + parameter.len();
            let end = words[value..].find(['&', ' ', '"', '\'', ',', ']', ')']);
            words.replace_range(value..end.map_or(words.len(), |end| value + end), "***");
            from = value + 3;
        }
    }
    words.chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn secrets_are_struck_out() {
        let words = "GET https://h/cgi-bin/user/get?access_token=tok-1&userid=x and s3cret, corpsecret=abc, errcode=1";
        let scrubbed = scrub(words, &mut ["s3cret"].into_iter());
        assert!(
            !scrubbed.contains("tok-1")
                && !scrubbed.contains("s3cret")
                && !scrubbed.contains("abc"),
            "{scrubbed}"
        );
        assert!(scrubbed.contains("userid=x"), "{scrubbed}");
        assert_eq!(
            scrub(&"长".repeat(1000), &mut std::iter::empty())
                .chars()
                .count(),
            WORDS_MAX
        );
    }
}
