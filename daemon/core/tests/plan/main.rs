//! What a plan does with one case at a time: a line for each change, exactly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drift;
mod ladder;
mod leavers;
mod newcomers;
mod returns;
mod world;
