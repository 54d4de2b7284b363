//! The shape around every answer (`cam-api.md 1.6`).

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    action::Action,
    error::{Error, ErrorKind, Fault, bounded},
    wire::Object,
};

/// What every answer says, whatever the action.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) request_id: Option<String>,
    /// CAM's remark that the action is going away.
    pub(crate) deprecated: bool,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Response")]
    response: Option<Object<ResponseHead>>,
    // The legacy shape, without `Response`.
    #[serde(default, deserialize_with = "crate::wire::text")]
    code: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    message: String,
    #[serde(default, rename = "codeDesc", deserialize_with = "crate::wire::text")]
    code_desc: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseHead {
    request_id: Option<String>,
    error: Option<Object<ResponseError>>,
    deprecated_warning: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseError {
    #[serde(default, deserialize_with = "crate::wire::text")]
    code: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    message: String,
}

#[derive(Deserialize)]
struct Body<T> {
    #[serde(rename = "Response")]
    response: Object<T>,
}

/// Tells a success from an error. Nothing of the body is kept in an error but CAM's code and message: it may hold
/// a password.
pub(crate) fn head(action: &Action, bytes: &[u8]) -> Result<Head, Error> {
    let Object(envelope): Object<Envelope> = parse(action, bytes)?;
    let Some(Object(response)) = envelope.response else {
        if envelope.code.is_empty() || envelope.code == "0" {
            return Err(Error::unknown(
                action,
                Fault::UnexpectedShape,
                "no Response",
            ));
        }
        let code = if envelope.code_desc.is_empty() {
            envelope.code
        } else {
            envelope.code_desc
        };
        return Err(refused(action, &code, &envelope.message, None));
    };
    match response.error {
        Some(Object(error)) => Err(refused(
            action,
            &error.code,
            &error.message,
            response.request_id,
        )),
        None => Ok(Head {
            request_id: response.request_id,
            deprecated: response.deprecated_warning.is_some(),
        }),
    }
}

/// The action's own part of a successful answer.
pub(crate) fn body<T: DeserializeOwned>(action: &Action, bytes: &[u8]) -> Result<T, Error> {
    parse::<Object<Body<T>>>(action, bytes).map(|Object(body)| body.response.0)
}

fn refused(action: &Action, code: &str, message: &str, request_id: Option<String>) -> Error {
    let mut error = Error::new(action, ErrorKind::Refused, message);
    error.code = Some(bounded(code));
    error.request_id = request_id.as_deref().map(bounded);
    error
}

fn parse<T: DeserializeOwned>(action: &Action, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        let fault = match error.classify() {
            serde_json::error::Category::Eof => Fault::Truncated,
            serde_json::error::Category::Data => Fault::UnexpectedShape,
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => Fault::NotJson,
        };
        // The parser's own words would quote the answer.
        let place = format!("at line {}, column {}", error.line(), error.column());
        Error::unknown(action, fault, &place)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::action::actions::GET_USER;

    fn fault(bytes: &str) -> Fault {
        match head(&GET_USER, bytes.as_bytes()).unwrap_err().kind {
            ErrorKind::Unknown { fault } => fault,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_success_gives_the_request_id() {
        let answer = br#"{"Response":{"RequestId":"r","Uin":1,"DeprecatedWarning":"gone soon"}}"#;
        let head = head(&GET_USER, answer).unwrap();
        assert_eq!(
            head,
            Head {
                request_id: Some("r".to_owned()),
                deprecated: true
            }
        );
    }

    #[test]
    fn an_error_gives_code_words_and_request_id() {
        let answer = br#"{"Response":{"RequestId":"r","Error":{"Code":"AuthFailure.SignatureFailure","Message":"m"}}}"#;
        let error = head(&GET_USER, answer).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        assert_eq!(error.code.as_deref(), Some("AuthFailure.SignatureFailure"));
        assert_eq!(
            (error.message.as_str(), error.request_id.as_deref()),
            ("m", Some("r"))
        );
    }

    #[test]
    fn the_legacy_shape_is_an_error() {
        let answer = br#"{"code":4000,"message":"m","codeDesc":"InternalError"}"#;
        assert_eq!(
            head(&GET_USER, answer).unwrap_err().code.as_deref(),
            Some("InternalError")
        );
        let answer = br#"{"code":4000,"message":"m","codeDesc":""}"#;
        assert_eq!(
            head(&GET_USER, answer).unwrap_err().code.as_deref(),
            Some("4000")
        );
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        assert_eq!(fault("<html>"), Fault::NotJson);
        assert_eq!(fault(""), Fault::Truncated);
        assert_eq!(fault(r#"{"Response":{"Requ"#), Fault::Truncated);
        assert_eq!(fault("[]"), Fault::UnexpectedShape);
        assert_eq!(fault("{}"), Fault::UnexpectedShape);
        // A list is none either, though its entries may be taken for fields in their order.
        assert_eq!(fault("[{}]"), Fault::UnexpectedShape);
        assert_eq!(fault(r#"{"Response":["r"]}"#), Fault::UnexpectedShape);
        assert_eq!(
            fault(r#"{"Response":{"Error":["a","b"]}}"#),
            Fault::UnexpectedShape
        );
        assert_eq!(fault(r#"{"code":0}"#), Fault::UnexpectedShape);
    }

    #[test]
    fn a_shape_error_quotes_nothing_of_the_answer() {
        #[derive(Debug, Deserialize)]
        struct Numbers {
            #[serde(rename = "Password")]
            _password: u64,
        }
        let answer = br#"{"Response":{"Password":"hunter2"}}"#;
        let error = body::<Numbers>(&GET_USER, answer).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
