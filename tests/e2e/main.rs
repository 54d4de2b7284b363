//! End-to-end tests: the real binary against the WeCom and CAM simulators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod cam_faults;
mod crash;
mod main_job;
mod tools;
mod wecom_faults;
mod world;
