//! camsync's one configuration file: types, validation, secrets, schedules, its JSON Schema and its manual.
//!
//! [`Config::load`] reads the file and refuses it with everything that is wrong in it, each [`Problem`] at its
//! very place. Secrets stand in it only as a [`SecretRef`]; who needs one resolves it. Each key is declared once,
//! in `keys`, and what reads it, shows it and documents it follows from there.

mod bilingual;
mod document;
mod keys;
mod kinds;
mod load;
mod manual;
mod problem;
mod reader;
mod reference;
mod resolve;
mod schedule;
mod secret;
mod settings;
mod warnings;
mod written;

pub use keys::{
    Admin, Applications, ConnectorRef, Console, Daemon, Drift, Event, Limits, Network, Notify,
    NotifyKind, Quotas, Retention, Role, SignIn, Source, Target, TargetKind, Telemetry, Tongue,
};
pub use load::{Config, Loaded};
pub use manual::manual;
pub use problem::{ConfigError, Problem};
pub use reference::schema;
pub use resolve::{ResolvedSettings, resolve_settings};
pub use schedule::{Schedule, ScheduleError};
pub use secret::{ReloadingSecret, Secret, SecretError, SecretRef};
pub use settings::Settings;
