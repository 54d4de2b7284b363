//! The two sides: what a connector may ask of its host, and what a host may ask of a connector.

use crate::types::{
    CallbackAnswer, CallbackRequest, CheckReport, CrawlSummary, Department, Description,
    Explanation, Failure, Language, Level, Member, Message, Outcome, Presence, Request,
    SignInRequest, SignedIn, Ticket,
};

/// All that a connector may import: HTTP, a clock, a log, a small cache and the sink of a crawl.
///
/// Methods take `&self`; a host that keeps state natively uses interior mutability. One connector call is one
/// thread, so nothing here needs to be `Sync`.
pub trait Host {
    /// Starts a request and returns at once (`http.submit`). At most 64 may be in flight.
    fn submit(&self, request: Request) -> Ticket;
    /// Waits for any submitted request to end (`http.wait`); nothing when none is in flight.
    fn wait(&self) -> Option<(Ticket, Outcome)>;
    /// Milliseconds since 1970-01-01T00:00:00Z (`clock.now-ms`).
    fn now_ms(&self) -> f64;
    /// Waits so many milliseconds; requests in flight go on (`clock.sleep-ms`).
    fn sleep_ms(&self, milliseconds: u32);
    /// Writes one line for the operator (`log.write`).
    fn log(&self, level: Level, message: &str);
    /// What was kept under this key, unless it has expired (`cache.get`).
    fn cache_get(&self, key: &str) -> Option<String>;
    /// Keeps a value for so many seconds, in memory (`cache.set`).
    fn cache_set(&self, key: &str, value: &str, ttl_seconds: u32);
    /// Forgets a key (`cache.delete`).
    fn cache_delete(&self, key: &str);
    /// Hands departments over (`sink.departments`).
    fn departments(&self, batch: Vec<Department>);
    /// Hands members over (`sink.members`).
    fn members(&self, batch: Vec<Member>);
    /// How far the crawl has come: steps done, and steps in all when known (`sink.progress`).
    fn progress(&self, done: u32, total: Option<u32>);
}

/// What a connector offers. `settings` is a JSON object with its secrets resolved, handed in with every call:
/// a connector keeps nothing between calls except what it puts into the cache.
pub trait Connector {
    /// Says what this connector is. Must not use the network.
    fn describe() -> Description;

    /// Read-only: are the settings good, whose are they, what can they see.
    ///
    /// # Errors
    /// Whatever keeps the settings from working.
    fn check(host: &dyn Host, settings: &str, language: Language) -> Result<CheckReport, Failure>;

    /// One complete pass over the visible range, handed over through the sink.
    ///
    /// # Errors
    /// Whatever keeps the pass from going on; a part that stayed unread may end in an incomplete summary instead.
    fn crawl(host: &dyn Host, settings: &str) -> Result<CrawlSummary, Failure>;

    /// Looks members up by id: an answer for each, in the order asked.
    ///
    /// # Errors
    /// Whatever keeps every look-up from working; one that stays unsettled is `Presence::Unknown`.
    fn look_up(host: &dyn Host, settings: &str, ids: &[String]) -> Result<Vec<Presence>, Failure> {
        let _ = (host, settings);
        Ok(ids
            .iter()
            .map(|_| Presence::Unknown("this connector cannot look members up".to_owned()))
            .collect())
    }

    /// Takes in a provider's callback. Must not use the network.
    ///
    /// # Errors
    /// Unusable settings; a callback that is refused is an answer, not a failure.
    fn callback(
        host: &dyn Host,
        settings: &str,
        request: &CallbackRequest,
    ) -> Result<CallbackAnswer, Failure> {
        let _ = (host, settings, request);
        Ok(CallbackAnswer {
            status: 404,
            body: String::new(),
            hints: Vec::new(),
        })
    }

    /// Where to send a browser that is to sign in. Must not use the network.
    ///
    /// # Errors
    /// Unusable settings, or no such capability.
    fn sign_in_url(
        host: &dyn Host,
        settings: &str,
        request: &SignInRequest,
    ) -> Result<String, Failure> {
        let _ = (host, settings, request);
        Err(Failure::Bug("this connector offers no sign-in".to_owned()))
    }

    /// Exchanges the code that a sign-in came back with.
    ///
    /// # Errors
    /// Whatever the provider answers instead of a name, or no such capability.
    fn who_signed_in(host: &dyn Host, settings: &str, code: &str) -> Result<SignedIn, Failure> {
        let _ = (host, settings, code);
        Err(Failure::Bug("this connector offers no sign-in".to_owned()))
    }

    /// Tells a member, by id, and nobody else. A message that is sent again should reach its member once.
    ///
    /// # Errors
    /// Whatever keeps the provider from taking it, or no such capability.
    fn send_message(
        host: &dyn Host,
        settings: &str,
        member: &str,
        message: &Message,
    ) -> Result<(), Failure> {
        let _ = (host, settings, member, message);
        Err(Failure::Bug("this connector sends no messages".to_owned()))
    }

    /// Explains a failure of this connector; nothing when there is nothing to add.
    fn explain(failure: &Failure, language: Language) -> Option<Explanation> {
        let _ = (failure, language);
        None
    }
}
