//! End-to-end tests: the real binary against the WeCom and CAM simulators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod api;
mod bad_input;
mod bindings;
mod cam_faults;
mod cli;
mod crash;
mod daemon;
mod documents;
mod drift;
mod emergency;
mod guard;
mod http;
mod http_limits;
mod inprocess;
mod leavers;
mod lost_creation;
mod main_job;
mod names;
mod observability;
mod operation;
mod quota;
mod removal;
mod secrets;
mod tools;
mod wecom_faults;
mod world;
