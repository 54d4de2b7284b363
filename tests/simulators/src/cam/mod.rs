//! A simulator of Tencent Cloud CAM, version 2019-01-16.
//!
//! What it does faithfully (`cam-api.md 11`):
//! 1. TC3-HMAC-SHA256 is verified over what was sent, Host with its port included; more than 300 s off the server's clock
//!    is SignatureExpire, any other flaw SignatureFailure; whatever is processed answers HTTP 200.
//! 2. Names are unique and immutable; a recreated name gets a new Uin; UpdateUser and DeleteUser go by name.
//! 3. AddUser answers empty Password, SecretId and SecretKey unless asked for, and a generated password once; UpdateUser
//!    answers a RequestId only.
//! 4. DeleteUser refuses while keys remain unless Force is 1, which needs the permission DeleteApiKey; keys are Active or
//!    Inactive, two at most, and key actions without TargetUin mean the caller.
//! 5. Three kinds of user (2, 3, 4), an entry of Uin 0 in ListUsers, type 3 only in ListWeChatWorkSubAccounts and
//!    ListAccounts; what ConsoleLogin 0 does to type 3 is a switch.
//! 6. Every quota, each settable low.
//! 7. A token bucket of 20, 10 or 5 per second for each action.
//! 8. Faults on demand ([`Fault`]), and reads that lag behind writes ([`Simulator::set_read_lag`]).
//! 9. Masked contacts, null Remark, null CreateTime as options.
//! 10. The error codes of `cam-api.md 9`, `ResourceNotFound.UserNotExist` from GetGroup included.

mod actions;
mod by_hand;
mod cloud;
mod context;
mod core;
mod fault;
mod gate;
mod groups;
mod history;
mod keys;
mod listings;
mod options;
mod params;
mod policies;
mod refusal;
pub mod tc3;
mod users;

pub use cloud::{AccessKey, Cloud, Group, PasswordRules, Policy, User, UserKind};
pub use fault::Fault;
pub use gate::Key;
pub use history::{Actor, FieldChange, Write};
pub use options::{NameRule, Options, Quotas, Repeat, WecomSignIn};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::core::Core;
use crate::fault::{FaultId, When};
use crate::host::{Host, any_port};
use crate::log::Request;

/// A running simulator. Clones are the same one; it stops when the last is dropped.
#[derive(Clone)]
pub struct Simulator {
    host: Arc<Host<Core>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cam::Simulator({})", self.url())
    }
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(any_port(), options).await
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_on(addr: SocketAddr, options: Options) -> std::io::Result<Self> {
        Ok(Self {
            host: Arc::new(Host::start(Core::new(options), addr)?),
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// Where it listens, or listened before a stop.
    pub fn addr(&self) -> SocketAddr {
        self.host.addr()
    }

    /// Closes the port and every connection; the state stays.
    pub async fn stop(&self) {
        self.host.stop().await;
    }

    /// Stops if needed, and listens again on the same port with the same state.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn restart(&self) -> std::io::Result<()> {
        self.host.restart().await
    }

    /// How many TCP connections were accepted so far.
    pub fn connections(&self) -> u64 {
        self.host.connections()
    }

    /// Every request since the start or the last [`Self::clear_log`].
    pub fn log(&self) -> Vec<Request> {
        self.host.service.log.all()
    }

    /// How many of them asked for this action.
    pub fn count(&self, action: &str) -> usize {
        self.host.service.log.count(action)
    }

    /// Those that changed something.
    pub fn writes(&self) -> Vec<Request> {
        self.host.service.log.writes()
    }

    /// Forgets the requests so far; the history of writes stays.
    pub fn clear_log(&self) {
        self.host.service.log.clear();
    }

    /// Waits until this action was asked for at least `times` times.
    pub async fn wait_for(&self, action: &str, times: usize) {
        self.host.service.log.wait_for(action, times).await;
    }

    /// Lets `fault` strike the requests that `when` says.
    pub fn inject(&self, when: When, fault: Fault) -> FaultId {
        self.host.service.faults.inject(when, fault)
    }

    /// How often a fault struck.
    pub fn fault_hits(&self, id: FaultId) -> u32 {
        self.host.service.faults.hits(id)
    }

    /// Takes one fault back.
    pub fn revoke_fault(&self, id: FaultId) {
        self.host.service.faults.revoke(id);
    }

    /// Takes every fault back.
    pub fn clear_faults(&self) {
        self.host.service.faults.revoke_all();
    }

    /// Reads and changes the account directly. What is changed this way is in no history.
    pub fn with<T>(&self, work: impl FnOnce(&mut Cloud) -> T) -> T {
        work(&mut self.host.service.state().cloud)
    }

    /// Changes the options of the running account.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.host.service.state().options);
    }

    /// Changes the API keys, by SecretId.
    pub fn keys<T>(
        &self,
        change: impl FnOnce(&mut std::collections::BTreeMap<String, Key>) -> T,
    ) -> T {
        change(&mut self.host.service.state().keys)
    }

    /// Puts the server's clock ahead by so many seconds, back if negative.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.host.service.state().clock_offset = seconds;
    }

    /// Fills the token buckets of every action.
    pub fn refill(&self) {
        self.host.service.state().buckets.refill();
    }

    /// From now on reads show the account as it was this long ago; writes judge by the newest state all the same.
    pub fn set_read_lag(&self, lag: Duration) {
        self.host.service.state().read_lag = lag;
    }

    /// Makes what was written so far visible to reads at once.
    pub fn settle(&self) {
        self.host.service.state().settle();
    }

    /// Every effective write so far, by whomever.
    pub fn history(&self) -> Vec<Write> {
        self.host.service.state().history.clone()
    }

    /// The effective writes about this user, group or policy.
    pub fn history_of(&self, name: &str) -> Vec<Write> {
        self.history()
            .into_iter()
            .filter(|write| write.name == name)
            .collect()
    }

    /// How often API requests created a user of this name.
    pub fn times_created(&self, name: &str) -> usize {
        let created = |write: &Write| {
            write.action == "AddUser" && write.by != Actor::ByHand && write.name == name
        };
        self.history().iter().filter(|write| created(write)).count()
    }

    /// The names of all sub-users of types 2 and 3, sorted.
    pub fn user_names(&self) -> Vec<String> {
        let sub_user = |user: &&User| matches!(user.kind, UserKind::SubUser | UserKind::WeCom);
        let mut names: Vec<_> = self.with(|cloud| {
            cloud
                .users
                .values()
                .filter(sub_user)
                .map(|user| user.name.clone())
                .collect()
        });
        names.sort();
        names
    }

    /// The user of exactly this name.
    pub fn user(&self, name: &str) -> Option<User> {
        self.with(|cloud| cloud.user(name).cloned())
    }
}
