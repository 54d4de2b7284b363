//! CAM's answers.

use serde::Deserialize;
use serde_json::Value;

use crate::action::actions::{ADD_USER, LIST_ACCOUNTS};
use crate::envelope;
use crate::error::Error;

/// The ways in which CAM spells its values.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "read and dropped")]
struct Spelled {
    #[serde(default, deserialize_with = "crate::wire::number")]
    uin: u64,
    #[serde(default, deserialize_with = "crate::wire::flag")]
    console_login: Option<bool>,
    #[serde(default, deserialize_with = "crate::wire::text")]
    name: String,
    #[serde(default, deserialize_with = "crate::wire::list")]
    data: Vec<Spelled>,
}

fn is_kept(error: &Error) {
    assert!(error.message.chars().count() <= 501, "{}", error.message);
    assert!(!error.message.contains('\n'), "{:?}", error.message);
    for word in [&error.code, &error.request_id].into_iter().flatten() {
        assert!(
            word.chars().count() <= 501 && !word.contains('\n'),
            "{word:?}"
        );
    }
    let stored = serde_json::to_string(error).expect("it is stored");
    let read: Error = serde_json::from_str(&stored).expect("and read back");
    assert_eq!(&read, error);
}

/// Of whatever comes, either a success is read or an error that can be kept; what is not an answer leaves a write open.
pub(crate) fn cam_response(data: &[u8]) {
    for action in [&ADD_USER, &LIST_ACCOUNTS] {
        match envelope::head(action, data) {
            // What nobody reads of an answer need not be UTF-8.
            Ok(_) => {
                if let Ok(whole) = serde_json::from_slice::<Value>(data) {
                    assert!(whole["Response"].is_object());
                    assert!(whole["Response"]["Error"].is_null());
                }
            }
            Err(error) => is_kept(&error),
        }
        if let Err(error) = envelope::body::<Spelled>(action, data) {
            is_kept(&error);
            assert!(error.code.is_none(), "a code out of a body");
        }
    }
}
