//! The client against a scripted CAM on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod grants;
mod listing;
mod signing;
mod support;
mod transport;
mod users;
