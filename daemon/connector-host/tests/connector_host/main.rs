//! The host against a connector that misbehaves in every way a test can ask for (`../guest`), and against files that
//! are no connectors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../../tests/common/authority.rs"]
mod authority;
mod build;
mod calls;
mod compiling;
mod limits;
mod loading;
mod network;
mod outward;
mod server;
mod support;
