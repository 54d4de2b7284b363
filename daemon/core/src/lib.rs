//! The pure steps of camsync: desired state, plan, guard and the outbox's states. No I/O lives here.

pub mod departments;
pub mod expression;
mod extent;
pub mod model;
pub mod nearest;
pub mod rules;
