//! What went wrong with a call, as kind and fields, so that the ledger can store it and read it back.

use serde::{Deserialize, Serialize};

use crate::{
    action::{Action, Effect},
    class::{Class, Scope},
};

/// The most characters of a message that are kept: enough for CAM's sentences, too few for a page of HTML.
const MESSAGE_CHARS_MAX: usize = 500;

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The action called.
    pub action: String,
    /// What it was to do.
    pub effect: Effect,
    /// How it failed.
    #[serde(flatten)]
    pub kind: ErrorKind,
    /// CAM's error code, when CAM answered one.
    pub code: Option<String>,
    /// CAM's own words, or what the transport said: bounded, without secrets, for people only.
    pub message: String,
    /// The id that Tencent's support asks for; absent when no answer came.
    pub request_id: Option<String>,
    /// How far CAM's clock is ahead of this machine's, in seconds; measured on `AuthFailure.SignatureExpire`.
    pub skew_seconds: Option<i64>,
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ErrorKind {
    /// CAM answered with the code.
    Refused,
    /// Nothing was sent, so nothing can have happened.
    NotSent {
        /// What stood in the way.
        cause: NotSent,
    },
    /// Something was sent and no valid answer came: a write may have taken effect.
    Unknown {
        /// What came instead of an answer.
        fault: Fault,
    },
    /// The key could not be read; nothing was sent.
    Credentials,
    /// Refused here: the call would have changed the account that the daemon itself uses, or the root account.
    OwnAccount,
    /// The request could not be put into JSON; nothing was sent. A bug.
    Unserializable,
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The host's name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, timed out, or the proxy or TLS said no.
    Connect,
}

/// What came instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing in time.
    Timeout,
    /// The connection broke.
    ConnectionLost,
    /// A status other than 200, which CAM itself never gives (`cam-api.md 1.6`): a gateway or a proxy spoke.
    HttpStatus(u16),
    /// Not JSON.
    NotJson,
    /// JSON that ends too early.
    Truncated,
    /// JSON of another shape than the action's.
    UnexpectedShape,
    /// More bytes than the client accepts.
    TooLarge,
    /// A listing that ended before it had given as many entries as it had announced.
    Incomplete,
}

impl Error {
    /// An error of this action with nothing known beyond its kind and message.
    pub(crate) fn new(action: &Action, kind: ErrorKind, message: &str) -> Self {
        Self {
            action: action.name.to_owned(),
            effect: action.effect,
            kind,
            code: None,
            message: bounded(message),
            request_id: None,
            skew_seconds: None,
        }
    }

    pub(crate) fn unknown(action: &Action, fault: Fault, message: &str) -> Self {
        Self::new(action, ErrorKind::Unknown { fault }, message)
    }

    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match &self.kind {
            ErrorKind::Refused => Class::of(self.code.as_deref().unwrap_or_default(), self.effect),
            ErrorKind::NotSent { .. } => Class::Transient {
                scope: Scope::Action,
            },
            ErrorKind::Unknown { .. } => Class::Unknown,
            ErrorKind::Credentials => Class::Configuration,
            ErrorKind::OwnAccount | ErrorKind::Unserializable => Class::Permanent,
        }
    }

    /// Whether CAM answered with one of these codes.
    #[must_use]
    pub fn has_code(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }

    /// "No such user", in each of its spellings (`cam-api.md 0.2` point 9). For a user that was created a moment
    /// ago it may mean "not yet visible" (`cam-api.md 6.3`); from group actions it may mean the group.
    #[must_use]
    pub fn is_user_not_found(&self) -> bool {
        self.has_code(&[
            "ResourceNotFound.UserNotExist",
            "ResourceNotFound.UserNotExists",
            "InvalidParameter.UserNotExist",
        ])
    }

    /// "No such group".
    #[must_use]
    pub fn is_group_not_found(&self) -> bool {
        self.has_code(&[
            "ResourceNotFound.GroupNotExist",
            "InvalidParameter.GroupNotExist",
        ])
    }

    /// "No such policy".
    #[must_use]
    pub fn is_policy_not_found(&self) -> bool {
        self.has_code(&[
            "ResourceNotFound.PolicyIdNotFound",
            "InvalidParameter.PolicyIdNotExist",
            "InvalidParameter.PolicyIdError",
        ])
    }

    /// "The name of this sub-user is taken": a conflict at the first attempt, to be resolved by reading after an
    /// unknown answer (`cam-api.md 6.2`).
    #[must_use]
    pub fn is_name_in_use(&self) -> bool {
        self.has_code(&["InvalidParameter.SubUserNameInUse"])
    }

    /// The action does not exist on this site, as ListAccounts on the international one.
    #[must_use]
    pub fn is_action_absent(&self) -> bool {
        self.has_code(&[
            "InvalidAction",
            "NoSuchVersion",
            "NoSuchProduct",
            "ActionOffline",
            "UnsupportedOperation",
        ])
    }

    /// The timestamp was refused.
    #[must_use]
    pub fn is_clock_skew(&self) -> bool {
        self.has_code(&["AuthFailure.SignatureExpire"])
    }
}

impl std::error::Error for Error {}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: ", self.action)?;
        match &self.kind {
            ErrorKind::Refused => match &self.code {
                Some(code) => write!(formatter, "CAM answered {code}")?,
                None => formatter.write_str("CAM refused")?,
            },
            ErrorKind::NotSent {
                cause: NotSent::Dns,
            } => {
                formatter.write_str("not sent, the host's name cannot be resolved")?;
            }
            ErrorKind::NotSent {
                cause: NotSent::Connect,
            } => {
                formatter.write_str("not sent, no connection")?;
            }
            ErrorKind::Unknown { fault } => write!(formatter, "outcome unknown, {fault}")?,
            ErrorKind::Credentials => formatter.write_str("not sent, no key")?,
            ErrorKind::OwnAccount => {
                formatter.write_str("refused, this is the account that camsync itself uses")?;
            }
            ErrorKind::Unserializable => {
                formatter.write_str("not sent, not expressible in JSON")?
            }
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        if let Some(seconds) = self.skew_seconds {
            write!(
                formatter,
                " (CAM's clock is {seconds} s ahead of this machine's)"
            )?;
        }
        if let Some(id) = &self.request_id {
            write!(formatter, " (RequestId {id})")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => formatter.write_str("no answer in time"),
            Self::ConnectionLost => formatter.write_str("the connection broke"),
            Self::HttpStatus(status) => write!(formatter, "HTTP status {status}"),
            Self::NotJson => formatter.write_str("the answer is not JSON"),
            Self::Truncated => formatter.write_str("the answer is cut short"),
            Self::UnexpectedShape => formatter.write_str("the answer has an unexpected shape"),
            Self::TooLarge => formatter.write_str("the answer is too large"),
            Self::Incomplete => formatter.write_str("the listing ended early"),
        }
    }
}

/// Cuts a message to what may be stored, and takes control characters out so that it stays on one line.
pub(crate) fn bounded(message: &str) -> String {
    let line = message
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut text: String = line.clone().take(MESSAGE_CHARS_MAX).collect();
    if line.count() > MESSAGE_CHARS_MAX {
        text.push('…');
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::action::actions;

    #[test]
    fn every_kind_is_stored_and_read_back() {
        let kinds = [
            ErrorKind::Refused,
            ErrorKind::NotSent {
                cause: NotSent::Dns,
            },
            ErrorKind::Unknown {
                fault: Fault::HttpStatus(502),
            },
            ErrorKind::Unknown {
                fault: Fault::TooLarge,
            },
            ErrorKind::Unknown {
                fault: Fault::Timeout,
            },
            ErrorKind::Credentials,
            ErrorKind::OwnAccount,
            ErrorKind::Unserializable,
        ];
        for kind in kinds {
            let mut error = Error::new(&actions::ADD_USER, kind, "words");
            error.code = Some("InvalidParameter.SubUserFull".to_owned());
            error.request_id = Some("id".to_owned());
            error.skew_seconds = Some(-400);
            let stored = serde_json::to_string(&error).unwrap();
            let read: Error = serde_json::from_str(&stored).unwrap();
            assert_eq!(read, error, "{stored}");
            assert_eq!(read.class(), error.class());
        }
    }

    #[test]
    fn a_failure_before_sending_is_transient_and_one_after_is_unknown() {
        let not_sent = ErrorKind::NotSent {
            cause: NotSent::Connect,
        };
        let class = Error::new(&actions::ADD_USER, not_sent, "").class();
        assert_eq!(
            class,
            Class::Transient {
                scope: Scope::Action
            }
        );
        assert_eq!(
            Error::unknown(&actions::ADD_USER, Fault::Timeout, "").class(),
            Class::Unknown
        );
    }

    #[test]
    fn a_message_is_cut_and_stays_on_one_line() {
        let message = bounded(&format!("a\r\nb{}", "张".repeat(900)));
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert!(message.starts_with("a  b张"));
        assert!(message.ends_with('…'));
    }

    #[test]
    fn the_text_names_action_code_words_and_request() {
        let mut error = Error::new(&actions::DELETE_USER, ErrorKind::Refused, "have keys");
        error.code = Some("OperationDenied.HaveKeys".to_owned());
        error.request_id = Some("r-1".to_owned());
        assert_eq!(
            error.to_string(),
            "DeleteUser: CAM answered OperationDenied.HaveKeys: have keys (RequestId r-1)"
        );
    }

    fn refused(code: &str) -> Error {
        let mut error = Error::new(&actions::GET_USER, ErrorKind::Refused, "");
        error.code = Some(code.to_owned());
        error
    }

    #[test]
    fn a_message_that_just_fits_is_not_cut() {
        let fits = "x".repeat(MESSAGE_CHARS_MAX);
        assert_eq!(bounded(&fits), fits);
        assert_eq!(bounded(&format!("{fits}x")), format!("{fits}…"));
    }

    #[test]
    fn what_is_missing_in_use_or_absent_is_told_by_its_code_alone() {
        type Is = fn(&Error) -> bool;
        let is: [(Is, &str); 6] = [
            (Error::is_user_not_found, "ResourceNotFound.UserNotExist"),
            (Error::is_group_not_found, "InvalidParameter.GroupNotExist"),
            (Error::is_policy_not_found, "InvalidParameter.PolicyIdError"),
            (Error::is_name_in_use, "InvalidParameter.SubUserNameInUse"),
            (Error::is_action_absent, "InvalidAction"),
            (Error::is_clock_skew, "AuthFailure.SignatureExpire"),
        ];
        for (row, (asked, _)) in is.iter().enumerate() {
            for (column, (_, code)) in is.iter().enumerate() {
                assert_eq!(asked(&refused(code)), row == column, "{code}");
            }
            let no_code = Error::new(&actions::GET_USER, ErrorKind::Refused, "");
            assert!(!asked(&no_code));
        }
    }

    #[test]
    fn the_text_says_what_became_of_the_call() {
        let text = |kind| Error::new(&actions::GET_USER, kind, "").to_string();
        let not_sent = |cause| ErrorKind::NotSent { cause };
        assert_eq!(text(ErrorKind::Refused), "GetUser: CAM refused");
        assert_eq!(
            text(not_sent(NotSent::Dns)),
            "GetUser: not sent, the host's name cannot be resolved"
        );
        assert_eq!(
            text(not_sent(NotSent::Connect)),
            "GetUser: not sent, no connection"
        );
        let fault = Fault::HttpStatus(502);
        assert_eq!(
            text(ErrorKind::Unknown { fault }),
            "GetUser: outcome unknown, HTTP status 502"
        );
        let mut skewed = refused("AuthFailure.SignatureExpire");
        skewed.skew_seconds = Some(400);
        assert_eq!(
            skewed.to_string(),
            "GetUser: CAM answered AuthFailure.SignatureExpire (CAM's clock is 400 s ahead of this machine's)"
        );
    }
}
