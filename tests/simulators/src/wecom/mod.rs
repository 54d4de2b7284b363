//! A simulator of WeCom's server API for one enterprise.
//!
//! What it does faithfully, from `wecom-api.md`:
//! 1. gettoken gives the same token inside the validity window, bound to the app whose secret made it; 40013 for the corpid,
//!    40001 for the secret, 45009 for the address after too many wrong ones (1.1). Tokens expire (42001) and are revoked (40014).
//! 2. A token reads what its app's visible range comes to: chosen members, departments with all below, tags with their
//!    members and departments (2.5, 2.6); `department` and `main_department` name visible departments only (2.3).
//! 3. Outside the range: 60011 for departments, 60111 for members, filtered lists for tags; what does not exist is 60003,
//!    60111, 40068, malformed ids 40003 (2.7).
//! 4. agent/get answers for the token's own app, else 301002; `close` with 50003 from everything else; containers may be
//!    null (2.5).
//! 5. The contact-sync secret reads ids of the whole enterprise, details (48009) only from an address that is grandfathered;
//!    user/list_id is for it alone, a row per membership (1.4, 2.3); it neither signs in nor sends messages (48002).
//! 6. Status 1, 2, 4, 5; contact fields for old apps only (1.3).
//! 7. An untrusted address is 60020 for business calls, not for gettoken (1.5).
//! 8. Sign-in codes work once (42022) within five minutes (40029), for their own app (50001), and tell members outside the
//!    visible range, too (4.3).
//! 9. Limits: 45009 per minute and endpoint for a minute (6.1), 45033 for parallel calls (6.2).
//! 10. errmsg ends with hint, address and link; errcode may be text or absent, types may be odd (0.2).
//! 11. Callbacks signed and encrypted as real ones ([`CallbackKeys`], 3.3).
//! 12. Faults on demand ([`Fault`]).

mod app;
mod callback;
mod core;
mod directory;
mod enterprise;
mod fault;
mod generate;
mod options;
mod reply;
mod sign_in;
mod tokens;
mod traffic;
mod workbench;

pub use app::{App, AppKind, VisibleRange};
pub use callback::{Callback, CallbackKeys, change_contact, subscription};
pub use enterprise::{Department, Enterprise, Member, Status, Tag};
pub use fault::{Edit, Fault};
pub use generate::Nasty;
pub use options::{Options, Quirks};
pub use sign_in::Page;
pub use workbench::{Message, Who};

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
        write!(f, "wecom::Simulator({})", self.url())
    }
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1, with a root department that the app sees, and nobody in it.
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

    /// How many of them asked for this endpoint, e.g. `user/list`.
    pub fn count(&self, endpoint: &str) -> usize {
        self.host.service.log.count(endpoint)
    }

    /// Those that changed something: messages sent.
    pub fn writes(&self) -> Vec<Request> {
        self.host.service.log.writes()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.host.service.log.clear();
    }

    /// Waits until this endpoint was asked for at least `times` times.
    pub async fn wait_for(&self, endpoint: &str, times: usize) {
        self.host.service.log.wait_for(endpoint, times).await;
    }

    /// The most calls of this endpoint that were under way at one time.
    pub fn parallel_most(&self, endpoint: &str) -> u32 {
        self.host.service.state().traffic.parallel_most(endpoint)
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

    /// Reads and changes the directory.
    pub fn with<T>(&self, work: impl FnOnce(&mut Enterprise) -> T) -> T {
        work(&mut self.host.service.state().enterprise)
    }

    /// Puts another directory in place.
    pub fn load(&self, enterprise: Enterprise) {
        self.host.service.state().enterprise = enterprise;
    }

    /// Changes the apps; the first is the self-built one, the second contact-sync.
    pub fn apps<T>(&self, change: impl FnOnce(&mut Vec<App>) -> T) -> T {
        change(&mut self.host.service.state().apps)
    }

    /// Changes the visible range of the self-built app.
    pub fn change_range(&self, change: impl FnOnce(&mut VisibleRange)) {
        self.apps(|apps| apps.first_mut().map(|app| change(&mut app.range)));
    }

    /// Sets the visible range of the self-built app.
    pub fn set_range(&self, range: VisibleRange) {
        self.change_range(|current| *current = range);
    }

    /// Disables the self-built app, or enables it again.
    pub fn set_closed(&self, closed: bool) {
        self.apps(|apps| apps.first_mut().map(|app| app.closed = closed));
    }

    /// Changes the options of the running enterprise.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.host.service.state().options);
    }

    /// Makes every token unknown, as WeCom may at any time.
    pub fn revoke_tokens(&self) {
        self.host.service.state().tokens.revoke_all();
    }

    /// Puts the server's clock ahead by this much more: tokens, codes and blocks age.
    pub fn advance(&self, by: Duration) {
        self.host.service.state().clock_ahead += by;
    }

    /// Issues a sign-in code of the self-built app.
    pub fn issue_code(&self, who: Who) -> String {
        sign_in::issue(&mut self.host.service.state(), who)
    }

    /// Opens the page that a browser was sent to, as somebody who agrees: which page it was, and where the browser goes on
    /// to. With nobody, it is declined.
    ///
    /// # Errors
    /// What of its address WeCom would not accept.
    pub fn sign_in(&self, url: &str, who: Option<Who>) -> Result<(Page, String), String> {
        sign_in::open(&mut self.host.service.state(), url, who)
    }

    /// The messages that were sent.
    pub fn messages(&self) -> Vec<Message> {
        self.host.service.state().messages.clone()
    }

    /// Adds a department.
    pub fn add_department(&self, id: u32, name: &str, parent: u32) {
        self.with(|enterprise| enterprise.add_department(id, name, parent));
    }

    /// Adds an active member.
    pub fn add_member(&self, userid: &str, name: &str, departments: &[u32]) {
        self.with(|enterprise| enterprise.add_member(userid, name, departments));
    }

    /// Removes a member.
    pub fn remove_member(&self, userid: &str) {
        self.with(|enterprise| enterprise.remove_member(userid));
    }

    /// Sets a member's status.
    pub fn set_status(&self, userid: &str, status: Status) {
        self.with(|enterprise| enterprise.change(userid, |member| member.status = status));
    }

    /// Moves a member to these departments, the first being the main one.
    pub fn move_member(&self, userid: &str, departments: &[u32]) {
        self.with(|enterprise| {
            enterprise.change(userid, |member| {
                member.departments = departments.to_vec();
                member.main_department = departments.first().copied().unwrap_or(1);
            });
        });
    }

    /// Gives a member another name.
    pub fn rename_member(&self, userid: &str, name: &str) {
        self.with(|enterprise| enterprise.change(userid, |member| member.name = name.to_owned()));
    }

    /// Adds a tag.
    pub fn add_tag(&self, id: u32, name: &str, members: &[&str], departments: &[u32]) {
        self.with(|enterprise| enterprise.add_tag(id, name, members, departments));
    }
}
