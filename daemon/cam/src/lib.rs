//! Tencent Cloud CAM client: TC3 signature, pacing, typed actions and error classes.
//!
//! The daemon talks to the cloud through the trait [`Cam`] and nothing else; [`Client`] is its one real
//! implementation, and tests put an in-memory cloud in its place. References of the form `cam-api.md 3.1`
//! name the section of the dossier about the real service that a fact comes from.

mod action;
mod api;
mod cam;
mod class;
mod client;
mod clock;
mod credentials;
mod envelope;
mod error;
mod http;
mod options;
mod pacing;
mod secret;
pub mod signature;
mod watch;
mod wire;

pub use action::{Action, Effect, Share, actions};
pub use cam::{
    AccessKey, Account, AccountSummary, Answer, AttachedPolicy, Cam, CloudUser, CreatedUser, Group,
    GroupMember, NamedUser, NewUser, PermissionLevel, Policy, PolicyDetails, PolicyKind,
    SubAccount, UserDetails, UserRef, UserType, UserUpdate,
};
pub use class::{Class, Scope};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use credentials::{CredentialError, CredentialSource, Credentials, StaticCredentials};
pub use error::{Error, ErrorKind, Fault, NotSent};
pub use http::{HttpClientError, http_client};
pub use options::{ClientOptions, Language, OptionsError};
pub use pacing::{Brake, Pacer, next_slot};
pub use secret::SecretText;
pub use watch::Watch;
