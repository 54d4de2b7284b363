//! What a plan does with one case at a time: a line for each change, exactly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drift;
mod exclusive;
mod follows;
mod grants;
mod guard;
mod ladder;
mod leavers;
#[path = "../made_up/mod.rs"]
mod made_up;
mod needed;
mod newcomers;
mod objects;
mod quotas;
mod returns;
mod words;
mod world;
