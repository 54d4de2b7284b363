//! A refusal: the code and message of `Response.Error` (`cam-api.md 1.6`, `9`).

/// A code of `cam-api.md 9` with a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

/// What an action answers: the fields of `Response`, without the RequestId.
pub(crate) type Outcome = Result<serde_json::Value, Refusal>;

/// Ends an action with a code and a message.
pub(crate) fn refuse<T>(code: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(code, message))
}
