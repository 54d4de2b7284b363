//! Calls of WeCom's interfaces: with a token, as many at once as WeCom bears, and tried again where that helps.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use camsync_connector_sdk::types::{Failure, Level, Outcome};
use camsync_connector_sdk::{Client, Host, Next, Window};
use serde::de::DeserializeOwned;

use crate::codes::Class;
use crate::pace::Pace;
use crate::problem::{self, HOUR_LIMIT_S, MINUTE_LIMIT_S, Problem};
use crate::request;
use crate::settings::Settings;
use crate::token::{AppKind, Tokens};

/// Requests in flight: at first, and at most (`wecom-api.md` 6.2).
const FLIGHT_FIRST: u32 = 4;
const FLIGHT_MAX: u32 = 16;

/// Tries of a request that meets a crowd: other programs of the enterprise may fill what WeCom allows.
const CROWDED_MAX: u32 = 6;

/// Two frequency limits within this time mean that it is the hour's, not the minute's.
const LIMIT_MEMORY_S: u32 = 600;

/// One call of an interface with a token.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    path: &'static str,
    query: Option<(&'static str, String)>,
    body: Option<Rc<[u8]>>,
}

impl Call {
    /// An interface without parameters.
    pub(crate) fn new(path: &'static str) -> Self {
        Self {
            path,
            query: None,
            body: None,
        }
    }

    /// An interface with one parameter.
    pub(crate) fn with(path: &'static str, name: &'static str, value: impl ToString) -> Self {
        Self {
            query: Some((name, value.to_string())),
            ..Self::new(path)
        }
    }

    /// An interface that takes a JSON document. It is tried again like any other: only for those that bear it.
    pub(crate) fn post(path: &'static str, json: &serde_json::Value) -> Self {
        Self {
            body: Some(json.to_string().into_bytes().into()),
            ..Self::new(path)
        }
    }
}

/// Whether the calls that are left are still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on.
    On,
    /// Drop the rest.
    Stop,
}

/// WeCom's interfaces, for one app.
pub(crate) struct Api<'h> {
    client: Client<'h>,
    settings: &'h Settings,
    tokens: Tokens<'h>,
    /// Pauses because of a crowd so far.
    pauses: Cell<u32>,
    pace: Pace,
}

struct Job {
    /// Where it stands among the calls.
    place: usize,
    call: Call,
    token: Rc<str>,
    refreshed: bool,
    tries: u32,
    crowded: u32,
}

impl<'h> Api<'h> {
    /// The interfaces for this kind of app; nothing when the settings hold no secret for it.
    pub(crate) fn new(host: &'h dyn Host, settings: &'h Settings, kind: AppKind) -> Option<Self> {
        let client = Client::new(host, Window::new(FLIGHT_FIRST, FLIGHT_MAX));
        Some(Self {
            client,
            settings,
            tokens: Tokens::new(host, settings, kind)?,
            pauses: Cell::new(0),
            pace: Pace::default(),
        })
    }

    /// The interfaces for the self-built app, whose secret is always there.
    pub(crate) fn of_app(host: &'h dyn Host, settings: &'h Settings) -> Result<Self, Failure> {
        Self::new(host, settings, AppKind::App)
            .ok_or_else(|| Failure::Bug("the app has no secret".to_owned()))
    }

    /// The settings that it was made with.
    pub(crate) fn settings(&self) -> &'h Settings {
        self.settings
    }

    /// The host underneath.
    pub(crate) fn host(&self) -> &'h dyn Host {
        self.client.host()
    }

    /// Writes a line for the operator.
    pub(crate) fn log(&self, level: Level, line: &str) {
        self.host().log(level, line);
    }

    /// Whether there is a token to be had.
    pub(crate) fn authenticate(&self) -> Result<(), Problem> {
        self.tokens.current(&self.client).map(|_| ())
    }

    /// One call.
    pub(crate) fn get<T: DeserializeOwned>(&self, call: Call) -> Result<T, Problem> {
        let path = call.path;
        let mut answer = None;
        self.each(vec![((), call)], |(), result| {
            answer = Some(result);
            Flow::On
        })?;
        answer.unwrap_or_else(|| Err(Problem::garbage(path, "nothing")))
    }

    /// Many calls, each with a key of the caller's; `done` gets each one's answer, in whatever order they come.
    ///
    /// # Errors
    /// There is no token to be had, and so not every call was made.
    pub(crate) fn each<K, T: DeserializeOwned>(
        &self,
        calls: Vec<(K, Call)>,
        mut done: impl FnMut(K, Result<T, Problem>) -> Flow,
    ) -> Result<(), Problem> {
        let (mut keys, calls): (Vec<Option<K>>, Vec<Call>) = calls
            .into_iter()
            .map(|(key, call)| (Some(key), call))
            .unzip();
        self.run(calls, &mut |place, path, result| {
            let answer = match result {
                Ok(body) => Ok(problem::read(path, body)?),
                Err(problem) => Err(problem),
            };
            Ok(keys[place].take().map_or(Flow::On, |key| done(key, answer)))
        })
    }

    /// The calls without the type of their answer, so that this is compiled once and not for every interface.
    fn run(&self, calls: Vec<Call>, settle: &mut Settle) -> Result<(), Problem> {
        let no_token = RefCell::new(None);
        let token = Rc::<str>::from("");
        let jobs = calls.into_iter().enumerate().map(|(place, call)| Job {
            place,
            call,
            token: token.clone(),
            refreshed: false,
            tries: 0,
            crowded: 0,
        });
        self.client.run(
            jobs,
            |job| match self.tokens.current(&self.client) {
                Ok(token) => {
                    let query = job
                        .call
                        .query
                        .iter()
                        .map(|(name, value)| (*name, value.as_str()));
                    let query = std::iter::once(("access_token", &*token)).chain(query);
                    let request = request::request(
                        self.settings,
                        job.call.path,
                        query,
                        job.call.body.as_deref(),
                    );
                    job.token = token;
                    self.pace.wait(self.host(), job.call.path);
                    Some(request)
                }
                Err(problem) => {
                    no_token.replace(Some(problem));
                    None
                }
            },
            |job, outcome| {
                self.judge(job, outcome, settle).unwrap_or_else(|problem| {
                    no_token.replace(Some(problem));
                    Next::Stop
                })
            },
        );
        no_token.into_inner().map_or(Ok(()), Err)
    }

    /// What an outcome leads to: another try, or an answer. The error is that there is no token.
    fn judge(
        &self,
        mut job: Job,
        outcome: Outcome,
        settle: &mut Settle,
    ) -> Result<Next<Job>, Problem> {
        let (place, path) = (job.place, job.call.path);
        let next = |flow| match flow {
            Flow::On => Next::Done(Vec::new()),
            Flow::Stop => Next::Stop,
        };
        let body = {
            let held = self.tokens.held();
            let tokens = held.as_deref().into_iter().chain([&*job.token]);
            problem::body(path, outcome, &mut self.settings.secrets().chain(tokens))
        };
        let problem = match body.and_then(|body| settle(place, path, Ok(&body))) {
            Ok(flow) => return Ok(next(flow)),
            Err(problem) => problem,
        };
        let class = problem.class();
        if matches!(class, Some(Class::TokenStale | Class::Secret)) && !job.refreshed {
            self.tokens.refused(&self.client, &job.token, problem)?;
            job.refreshed = true;
            return Ok(Next::Again {
                job,
                after_ms: 0,
                crowded: false,
            });
        }
        if problem.is_passing() && job.tries + 1 < request::TRIES_MAX {
            job.tries += 1;
            let after_ms = request::pause_ms(job.tries);
            return Ok(Next::Again {
                job,
                after_ms,
                crowded: false,
            });
        }
        if class == Some(Class::Crowded) && job.crowded + 1 < CROWDED_MAX {
            job.crowded += 1;
            // Between 1 and 2 s, spread without randomness: those that failed together should not return together.
            let pauses = self.pauses.get().wrapping_add(1);
            self.pauses.set(pauses);
            let after_ms = 1000 + pauses.wrapping_mul(389) % 1000;
            return Ok(Next::Again {
                job,
                after_ms,
                crowded: true,
            });
        }
        settle(place, path, Err(problem)).map(next)
    }

    /// The failure that a problem becomes; a second frequency limit within a short time is the hour's.
    pub(crate) fn failure(&self, problem: Problem) -> Failure {
        const KEY: &str = "frequency-limit";
        let mut failure = problem.failure();
        if let Failure::Throttled(throttle) = &mut failure
            && throttle.retry_after_seconds == MINUTE_LIMIT_S
        {
            if self.host().cache_get(KEY).is_some() {
                throttle.retry_after_seconds = HOUR_LIMIT_S;
            }
            self.host().cache_set(KEY, "met", LIMIT_MEMORY_S);
        }
        failure
    }
}

/// Takes one call's result in: its place among the calls, its path, and the accepted body or the problem. The error is
/// that the body is not the answer that was asked for.
type Settle<'s> =
    dyn FnMut(usize, &'static str, Result<&[u8], Problem>) -> Result<Flow, Problem> + 's;
