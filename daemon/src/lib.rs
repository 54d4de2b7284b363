//! camsync keeps Tencent Cloud CAM sub-users in step with an identity provider.

pub mod advice;
pub mod callbacks;
pub mod cli;
pub mod connectors;
pub mod daemon;
mod demo;
pub mod ledger;
mod log;
pub mod messages;
pub mod metrics;
pub mod notify;
pub mod ops;
pub mod pipeline;
pub mod reload;
mod retention;
pub mod say;
pub mod schedule;
pub mod setup;
pub mod socket;
mod systemd;
pub mod telemetry;
pub mod web;
