//! Deterministic simulation: the real pipeline, from a connector's answers to CAM writes, with clock, network and disk
//! replaced, run over histories that are drawn from seeds. An [`oracle`] that shares no code with the pipeline says after
//! each step whether the contract still holds, and at the end whether the cloud is what it should be.

pub mod cam;
pub mod clock;
pub mod cloud;
pub mod company;
pub mod dice;
pub mod oracle;
pub mod people;
pub mod rules;
pub mod shrink;
pub mod step;
pub mod world;
