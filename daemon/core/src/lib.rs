//! The pure steps of camsync: desired state, plan, guard and the outbox's states. No I/O lives here.
//!
//! ```text
//! snapshot + rules + applications -> desired -> plan -> guard -> (outbox)
//! ```
//! Each step knows the one before it by its data only; time comes in as a value.

mod alike;
pub mod change;
pub mod departments;
pub mod desired;
pub mod evidence;
pub mod expression;
mod extent;
pub mod facts;
pub mod grants;
pub mod grounds;
pub mod guard;
pub mod model;
pub mod names;
pub mod nearest;
pub mod object;
pub mod outbox;
pub mod plan;
pub mod privilege;
pub mod problem;
pub mod remark;
pub mod retry;
pub mod rules;
pub mod sub_user;
