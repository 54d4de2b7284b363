//! A session: one source's use of a connector. It keeps the source's cache and connections across calls, and gives
//! every call a store of its own.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;
use wasmtime::Store;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    allowed::AllowedHost,
    bounds,
    cache::Cache,
    call::{self, Allowance, Work},
    clean::Clean,
    connector::Loaded,
    error::{CallError, Stop},
    guest::Guest,
    handover::{CrawlSink, HandOver},
    host::HostError,
    http::{Bounds, Policy, Tickets, Watched},
    log::LogGate,
    progress::Progress,
    redact::Redactor,
    state::{CallState, MemoryBudget},
    types::{
        CallbackAnswer, CallbackRequest, Capability, CheckReport, CrawlSummary, Explanation,
        Failure, Message, Presence, SignInRequest, SignedIn,
    },
    watch::Usage,
};

/// How long a call may take that only computes: `sign-in-url`, `callback`, `explain`.
const COMPUTING: Duration = Duration::from_secs(10);

/// What a source's connector may take (`limits` in the configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// An instance's memory, and all that one crawl may hand over, each in bytes.
    pub memory: usize,
    /// How long a call may go without progress: without handing anything over, without a request that ends.
    pub idle: Duration,
    /// How long a call may take.
    pub time: Duration,
    /// The body of one response, in bytes.
    pub response: u32,
}

impl Default for Limits {
    /// 256 MiB, 2 minutes, 1 hour, 32 MiB.
    fn default() -> Self {
        Self {
            memory: 256 * 1024 * 1024,
            idle: Duration::from_secs(120),
            time: Duration::from_secs(3600),
            response: 32 * 1024 * 1024,
        }
    }
}

/// A source, as its connector gets to know it.
pub struct SourceContext {
    /// The source's name, for log lines.
    pub source: String,
    /// The settings, secrets resolved. Wiped once they are taken in.
    pub settings: Value,
    /// The secrets among the settings: kept out of every log line, failure and finding, and wiped with the session.
    pub secrets: Vec<Zeroizing<String>>,
    /// What it may take.
    pub limits: Limits,
    /// The hosts that it may talk to, over https. Everything else is denied.
    pub allowed_hosts: Vec<AllowedHost>,
    /// The hosts that the operator's own settings name as endpoints. They are allowed too and may be at private
    /// addresses; a loopback one also over plain http.
    pub operator_endpoints: Vec<AllowedHost>,
}

/// Leaves settings and secrets out.
impl fmt::Debug for SourceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceContext")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// One source's use of a connector. Its calls may run at the same time.
pub struct Session {
    connector: Arc<Loaded>,
    source: String,
    settings: Arc<Zeroizing<String>>,
    redactor: Arc<Redactor>,
    cache: Arc<Cache>,
    limits: Limits,
    client: reqwest::Client,
    policy: Arc<Policy>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(
        connector: Arc<Loaded>,
        mut context: SourceContext,
    ) -> Result<Self, HostError> {
        let settings = Arc::new(Zeroizing::new(context.settings.to_string()));
        wipe(&mut context.settings);
        let policy = Policy::new(context.allowed_hosts, context.operator_endpoints);
        let client = connector.host.clients.client(policy.private_names());
        let client = client.map_err(|error| HostError::Client {
            reason: error.without_url().to_string(),
        })?;
        let cache = Arc::new(Cache::new(Arc::clone(&connector.host.clock)));
        Ok(Self {
            redactor: Arc::new(Redactor::new(context.secrets, Arc::clone(&cache))),
            connector,
            source: context.source,
            settings,
            cache,
            limits: context.limits,
            client,
            policy: Arc::new(policy),
        })
    }

    /// Asks whether the settings are good, whose they are, and what they can see. `language` is `zh` or `en`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn check(&self, language: &str) -> Result<CheckReport, CallError> {
        let (guest, settings) = self.guest();
        let language = language.to_owned();
        let answer = self.call("check", self.online(HandOver::closed()), move |store| {
            Box::pin(async move { guest.check(store, &settings, &language).await })
        });
        self.taken(answer.await?, bounds::check_report)
    }

    /// Crawls the visible range, handing findings to `sink` as they come.
    ///
    /// # Errors
    /// See [`CallError`]. What was handed over until then is worth nothing by itself.
    pub async fn crawl(&self, sink: &mut dyn CrawlSink) -> Result<CrawlSummary, CallError> {
        let (handover, mut deliveries) = HandOver::new(self.limits.memory);
        let state = self.online(handover);
        let progress = Arc::clone(&state.progress);
        let (guest, settings) = self.guest();
        let mut call = std::pin::pin!(self.measured("crawl", state, move |store| {
            Box::pin(async move { guest.crawl(store, &settings).await })
        }));
        let kept = |outcome: Result<(), crate::SinkError>| {
            outcome.map_err(|error| CallError::Sink { reason: error.0 })
        };
        let (answer, usage) = loop {
            tokio::select! {
                biased;
                Some(delivery) = deliveries.recv() => {
                    kept(delivery.deliver(sink))?;
                    // Time that the sink took is not the connector's idleness.
                    progress.mark();
                }
                ended = &mut call => break ended,
            }
        };
        sink.ended(&usage);
        let answer = answer?;
        while let Ok(delivery) = deliveries.try_recv() {
            kept(delivery.deliver(sink))?;
        }
        self.taken(answer, bounds::crawl_summary)
    }

    /// Looks members up by id: an answer for each, in the order asked.
    ///
    /// # Errors
    /// See [`CallError`]; among them that the connector cannot look up.
    pub async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, CallError> {
        self.needs(Capability::LookUp)?;
        let (guest, settings) = self.guest();
        let asked = ids.to_owned();
        let answer = self.call("look-up", self.online(HandOver::closed()), move |store| {
            Box::pin(async move { guest.look_up(store, &settings, &asked).await })
        });
        self.taken(answer.await?, |answers| bounds::presences(ids, answers))
    }

    /// Takes in a provider's callback. The connector gets no network for it.
    ///
    /// # Errors
    /// See [`CallError`]; among them that the connector takes no callbacks.
    pub async fn callback(&self, request: CallbackRequest) -> Result<CallbackAnswer, CallError> {
        self.needs(Capability::Callbacks)?;
        let (guest, settings) = self.guest();
        let answer = self.call("callback", self.offline(), move |store| {
            Box::pin(async move { guest.callback(store, &settings, request).await })
        });
        self.taken(answer.await?, bounds::callback_answer)
    }

    /// Where to send a browser that is to sign in. The connector gets no network for it.
    ///
    /// # Errors
    /// See [`CallError`]; among them that the connector has no sign-in.
    pub async fn sign_in_url(&self, request: SignInRequest) -> Result<String, CallError> {
        self.needs(Capability::SignIn)?;
        let (guest, settings) = self.guest();
        let answer = self.call("sign-in-url", self.offline(), move |store| {
            Box::pin(async move { guest.sign_in_url(store, &settings, request).await })
        });
        self.taken(answer.await?, bounds::sign_in_url)
    }

    /// Exchanges the code that a sign-in came back with.
    ///
    /// # Errors
    /// See [`CallError`]; among them that the connector has no sign-in.
    pub async fn who_signed_in(&self, code: &str) -> Result<SignedIn, CallError> {
        self.needs(Capability::SignIn)?;
        let (guest, settings) = self.guest();
        let code = code.to_owned();
        let answer = self.call(
            "who-signed-in",
            self.online(HandOver::closed()),
            move |store| {
                Box::pin(async move { guest.who_signed_in(store, &settings, &code).await })
            },
        );
        self.taken(answer.await?, bounds::signed_in)
    }

    /// Tells a member, by id.
    ///
    /// # Errors
    /// See [`CallError`]; among them that the connector sends no messages.
    pub async fn send_message(&self, member: &str, message: Message) -> Result<(), CallError> {
        self.needs(Capability::Messages)?;
        let (guest, settings) = self.guest();
        let member = member.to_owned();
        let answer = self.call(
            "send-message",
            self.online(HandOver::closed()),
            move |store| {
                Box::pin(
                    async move { guest.send_message(store, &settings, &member, message).await },
                )
            },
        );
        self.taken(answer.await?, Ok)
    }

    /// Explains a failure of this connector in `zh` or `en`; nothing when there is nothing to add.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn explain(
        &self,
        failure: &Failure,
        language: &str,
    ) -> Result<Option<Explanation>, CallError> {
        let (guest, _) = self.guest();
        let (failure, language) = (failure.clone(), language.to_owned());
        let answer = self.call("explain", self.offline(), move |store| {
            Box::pin(async move { guest.explain(store, failure, &language).await })
        });
        answer
            .await?
            .map(|explanation| self.taken(Ok(explanation), bounds::explanation))
            .transpose()
    }

    fn guest(&self) -> (Guest, Arc<Zeroizing<String>>) {
        (self.connector.guest.clone(), Arc::clone(&self.settings))
    }

    fn needs(&self, capability: Capability) -> Result<(), CallError> {
        let description = &self.connector.description;
        if description.capabilities.contains(&capability) {
            return Ok(());
        }
        Err(CallError::Unable {
            connector: description.name.clone(),
            capability,
        })
    }

    /// What a call has that may use the network, for as long as the limits say.
    fn online(&self, handover: HandOver) -> CallState {
        let bounds = self.bounds();
        self.state(
            Tickets::new(
                self.client.clone(),
                Arc::clone(&self.policy),
                bounds,
                Watched {
                    watch: Arc::clone(&self.connector.host.watch),
                    source: self.source.as_str().into(),
                },
            ),
            handover,
        )
    }

    /// What a call has that must not use the network.
    fn offline(&self) -> CallState {
        self.state(Tickets::offline(self.bounds()), HandOver::closed())
    }

    fn bounds(&self) -> Bounds {
        let Limits {
            response,
            memory,
            idle,
            ..
        } = self.limits;
        Bounds {
            response,
            buffered: memory,
            timeout: idle,
        }
    }

    fn state(&self, tickets: Tickets, handover: HandOver) -> CallState {
        CallState {
            tickets,
            clock: Arc::clone(&self.connector.host.clock),
            cache: Arc::clone(&self.cache),
            log: LogGate::new(self.source.clone(), self.connector.description.name.clone()),
            redactor: Arc::clone(&self.redactor),
            handover,
            progress: Arc::new(Progress::new()),
            memory: MemoryBudget::new(self.limits.memory),
        }
    }

    async fn call<T>(
        &self,
        name: &'static str,
        state: CallState,
        work: impl for<'a> FnOnce(&'a mut Store<CallState>) -> Work<'a, T>,
    ) -> Result<T, CallError> {
        self.measured(name, state, work).await.0
    }

    /// Runs a call in a fresh store. Without the network it gets [`COMPUTING`] at most.
    async fn measured<T>(
        &self,
        name: &'static str,
        state: CallState,
        work: impl for<'a> FnOnce(&'a mut Store<CallState>) -> Work<'a, T>,
    ) -> (Result<T, CallError>, Usage) {
        let Limits {
            time, idle, memory, ..
        } = self.limits;
        let time = if state.tickets.is_online() {
            time
        } else {
            time.min(COMPUTING)
        };
        let host = &self.connector.host;
        let ended = call::run(
            &host.engine,
            host.ticker.running(),
            Allowance { time, idle, memory },
            state,
            work,
        );
        let (outcome, usage) = ended.await;
        host.watch.call_ended(&self.source, name, &usage);
        (outcome.map_err(|error| error.clean(&self.redactor)), usage)
    }

    /// An answer that keeps its bounds, or the connector's failure; neither with a secret in it.
    fn taken<T, U: Clean>(
        &self,
        answer: Result<T, Failure>,
        check: impl FnOnce(T) -> Result<U, Stop>,
    ) -> Result<U, CallError> {
        match answer {
            Ok(answer) => check(answer)
                .map(|answer| answer.clean(&self.redactor))
                .map_err(|Stop(error)| error),
            Err(failure) => Err(CallError::Connector(failure.clean(&self.redactor))),
        }
    }
}

fn wipe(settings: &mut Value) {
    match settings {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}
