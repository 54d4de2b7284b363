//! Loads connectors (WebAssembly components) and runs them inside their limits.
//!
//! A [`Host`] holds what all sources share: the engine, the HTTP clients, the compiled code. It loads a [`Connector`],
//! which opens a [`Session`] for each source. Every call of a session runs in a store of its own, which is gone when
//! the call ends, however it ends: an endless loop, a memory bomb, a crash or a flood of log lines is a [`CallError`]
//! of that call and nothing else.
//!
//! A connector reaches what `wit/` offers it and nothing more: requests over https to its source's hosts at public
//! addresses, a clock, a log that is cleaned of its secrets, a small cache in memory, a sink. What it hands over is
//! checked once, here; what to make of it is for the caller to decide. Behind a proxy the proxy resolves names, so
//! that there only names, and addresses written out, are checked.
//!
//! Where the host is given a [`Compiler`], a connector is compiled by a process of its own: what a component does to a
//! compiler, it does not do to this process.
//!
//! Not here: reading settings and files, scheduling, retrying, merging what a crawl hands over more than once.

mod address;
mod allowed;
mod bounds;
mod cache;
mod call;
mod clean;
mod clock;
mod compile;
mod connector;
mod description;
mod error;
mod guest;
mod handover;
mod host;
mod http;
mod inspect;
mod log;
mod progress;
mod redact;
mod session;
mod state;
mod ticker;
pub mod types;
mod v1_0;
mod watch;

pub use allowed::{AllowedHost, AllowedHostError};
pub use clock::{Clock, SystemClock};
pub use compile::{CompileError, Compiler, compile_into, confine};
pub use connector::{Connector, LoadError, LoadErrorKind, Origin};
pub use description::{Description, DescriptionError, SettingProblem};
pub use error::{CallError, Limit};
pub use handover::{CrawlSink, SinkError};
pub use host::{Host, HostError, HostOptions};
pub use http::NameLookup;
pub use inspect::{Foreign, FormatError};
pub use session::{Limits, Session, SourceContext};
pub use watch::{Usage, Watch};
