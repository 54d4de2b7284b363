//! One function a target: bytes go in, and whatever they are, it neither panics nor breaks what is promised of the answer.
//! `make fuzz` drives them with libFuzzer, `tests/replay.rs` replays what was found.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a target tells"
)]

mod bytes;
mod callback;
mod cloud;
mod configuration;
mod connector;
mod expression;
mod signature;

// The CAM client's reading of answers and its signer, and the simulators' own of the other side: the very files, without
// the HTTP that is around them. They name each other from the root.
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/action.rs"]
mod action;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/class.rs"]
mod class;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/envelope.rs"]
mod envelope;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/error.rs"]
mod error;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../simulators/src/query.rs"]
mod query;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/signature.rs"]
mod signer;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../simulators/src/cam/tc3.rs"]
mod verifier;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../simulators/src/wecom/callback.rs"]
mod wecom_seal;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "parts of other crates"
)]
#[path = "../../../../daemon/cam/src/wire.rs"]
mod wire;

/// A target's name, which is its corpus's too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("wecom_callback", callback::wecom_callback),
    ("connector_answer", connector::connector_answer),
    ("configuration", configuration::configuration),
    ("expression", expression::expression),
    ("cam_response", cloud::cam_response),
    ("tc3", signature::tc3),
];

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.expect("a target of this name").1(data);
}
