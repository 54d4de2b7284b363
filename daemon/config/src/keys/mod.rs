//! Every key of the configuration: what it is called, how it is written, what holds without it, what it means.
//! Reading, `config show`, the JSON Schema and the manual all come from here.

mod daemon;
mod notify;
mod pipeline;
mod rules;
mod source;
mod target;
mod telemetry;

pub use daemon::{Admin, Console, Daemon, Network, Role};
pub use notify::{Event, Notify, NotifyKind, Tongue};
pub use pipeline::{Drift, Retention};
pub use source::{ConnectorRef, Limits, Source};
pub use target::{Quotas, SignIn, Target, TargetKind};
pub use telemetry::Telemetry;

use camsync_core::rules::{AdmitRule, GrantRule, Guard, Leavers, Retry};

use crate::kinds::{Many, One};
use crate::reader::section;

section! {
    /// camsync's configuration: one TOML file. A file with one `[target]` and one `[[source]]` is complete.
    pub struct File {
        /// The process itself.
        daemon: Daemon = One<Daemon>, default({});
        /// Who may use the console and the API.
        console: Console = One<Console>, default({});
        /// How the internet is reached.
        network: Network = One<Network>, default({});
        /// Where changes go.
        target: Target = One<Target>, required;
        /// How changes that do not succeed are tried again.
        retry: Retry = One<Retry>, default({});
        /// When removals wait for a person.
        guard: Guard = One<Guard>, default({});
        /// What happens to those who leave.
        leavers: Leavers = One<Leavers>, default({});
        /// What is done about sub-users that somebody else altered.
        drift: Drift = One<Drift>, default({});
        /// How long data is kept.
        retention: Retention = One<Retention>, default({});
        /// Traces for an OpenTelemetry collector.
        telemetry: Telemetry = One<Telemetry>, default({});
        /// Identity providers. At least one.
        source: Vec<Source> = Many<Source>, required;
        /// Who gets a sub-user: the first matching rule wins.
        admit: Vec<AdmitRule> = Many<AdmitRule>, default([]);
        /// What they may do: all matching rules add up.
        grant: Vec<GrantRule> = Many<GrantRule>, default([]);
        /// Who is told what needs a person.
        notify: Vec<Notify> = Many<Notify>, default([]);
    }
}
