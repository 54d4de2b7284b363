//! Simulators of WeCom and Tencent Cloud CAM on loopback.
//!
//! Both speak real HTTP/1.1 on 127.0.0.1, keep their state in memory where a test can read and change it,
//! write down every request, and break on demand in each way that a network or a provider breaks. They are strict:
//! what the real service would refuse they refuse with the same code, and where its behaviour is not known for certain
//! a switch in `Options` chooses, with the less convenient answer as the default.
//!
//! Each simulator runs on a thread of its own, so a test may block on a child process that talks to it.

mod fault;
mod host;
mod http;
mod log;
mod query;

pub mod cam;
pub mod wecom;

pub use fault::{FaultId, When};
pub use log::Request;
