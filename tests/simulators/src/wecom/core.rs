//! The service behind the simulator: one request from token to answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::LOCATION;
use serde_json::{Map, Value, json};

use super::app::{App, AppKind, VisibleRange};
use super::directory::{self, Reading};
use super::enterprise::Enterprise;
use super::fault::Fault;
use super::options::Options;
use super::reply::{Errcode, Outcome, refuse, render};
use super::tokens::Tokens;
use super::traffic::Traffic;
use super::workbench::{self, Code, Message};
use crate::fault::Plan;
use crate::http::{Answer, Answering, Call, Reply, Service, pause};
use crate::log::{Log, Request};

/// Everything that a request can change, under one lock.
pub(crate) struct State {
    pub(crate) enterprise: Enterprise,
    pub(crate) apps: Vec<App>,
    pub(crate) options: Options,
    pub(crate) tokens: Tokens,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) messages: Vec<Message>,
    pub(crate) traffic: Traffic,
    pub(crate) clock_ahead: Duration,
    started: Instant,
    requests: u64,
}

impl State {
    /// The server's time since its start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed() + self.clock_ahead
    }
}

/// The simulated service.
pub(crate) struct Core {
    state: Mutex<State>,
    pub(crate) faults: Plan<Fault>,
    pub(crate) log: Log,
}

impl Core {
    pub(crate) fn new(options: Options) -> Self {
        let app = |agent_id: u32, name: &str, kind: AppKind, secret: &str| App {
            agent_id,
            name: name.to_owned(),
            kind,
            secret: secret.to_owned(),
            range: VisibleRange::departments(&[1]),
            closed: false,
        };
        let state = State {
            enterprise: Enterprise::new("云海科技"),
            apps: vec![
                app(
                    options.agent_id,
                    "camsync",
                    AppKind::SelfBuilt,
                    &options.secret,
                ),
                app(
                    0,
                    "contact-sync",
                    AppKind::ContactSync,
                    &options.contact_sync_secret,
                ),
            ],
            options,
            tokens: Tokens::default(),
            codes: BTreeMap::new(),
            messages: Vec::new(),
            traffic: Traffic::default(),
            clock_ahead: Duration::ZERO,
            started: Instant::now(),
            requests: 0,
        };
        Self {
            state: Mutex::new(state),
            faults: Plan::new(),
            log: Log::new(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, call: Call) -> Answer {
        let Some(endpoint) = call.path.strip_prefix("/cgi-bin/").map(str::to_owned) else {
            return Answer::Whole(Reply::error_page(404));
        };
        let query: BTreeMap<String, String> =
            crate::query::pairs(&call.query).into_iter().collect();
        let faults = self
            .faults
            .strike(&endpoint, &query.values().cloned().collect::<Vec<_>>());
        let latency = self.state().options.latency;
        let _inside = Inside::enter(self, &endpoint);
        let delays = faults.iter().map(|fault| {
            if let Fault::Delay(by) = fault {
                *by
            } else {
                Duration::ZERO
            }
        });
        pause(latency / 2 + delays.sum::<Duration>()).await;
        let answer = {
            let mut state = self.state();
            let outcome = act(&mut state, &endpoint, &query, &call, &faults);
            self.log.push(Request {
                at: Instant::now(),
                connection: call.connection,
                action: endpoint.clone(),
                params: Value::Object(redacted(&query, &call.body)),
                outcome: outcome
                    .as_ref()
                    .map_or_else(|Errcode(code)| code.to_string(), |_| "ok".to_owned()),
                effect: endpoint == "message/send" && outcome.is_ok(),
                faulted: !faults.is_empty(),
            });
            state.requests += 1;
            let body = render(&outcome, &state.options, state.requests);
            answer(body, &faults)
        };
        pause(latency / 2).await;
        answer
    }
}

/// Counts a call as under way for as long as it lives.
struct Inside<'a> {
    core: &'a Core,
    endpoint: String,
}

impl<'a> Inside<'a> {
    fn enter(core: &'a Core, endpoint: &str) -> Self {
        core.state().traffic.enter(endpoint);
        Self {
            core,
            endpoint: endpoint.to_owned(),
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.core.state().traffic.leave(&self.endpoint);
    }
}

fn act(
    state: &mut State,
    endpoint: &str,
    query: &BTreeMap<String, String>,
    call: &Call,
    faults: &[Fault],
) -> Outcome {
    let now = state.now();
    let token = query.get("access_token");
    for fault in faults {
        match fault {
            Fault::Errcode(code) => return refuse(*code),
            Fault::Edit(edit) => (edit.0)(&mut state.enterprise),
            Fault::TokenExpired => state.tokens.expire(token.map_or("", String::as_str), now),
            Fault::TokenRevoked => state.tokens.revoke(token.map_or("", String::as_str)),
            _ => {}
        }
    }
    let limits = |state: &mut State| {
        let (per_minute, parallel_max) = (state.options.per_minute, state.options.parallel_max);
        state.traffic.check(endpoint, per_minute, parallel_max, now)
    };
    if endpoint == "gettoken" {
        limits(state)?;
        return state.tokens.get(query, &state.apps, &state.options, now);
    }
    let agent_id = state.tokens.check(token, now)?;
    if !state.options.ip_trusted {
        return refuse(60020);
    }
    limits(state)?;
    let Some(app) = state.apps.iter().find(|app| app.agent_id == agent_id) else {
        return refuse(40014);
    };
    if app.closed && endpoint != "agent/get" {
        return refuse(50003);
    }
    let view = Reading {
        enterprise: &state.enterprise,
        app,
        options: &state.options,
        query,
        body: &call.body,
        post: call.method == "POST",
        faults,
    };
    match endpoint {
        "agent/get" => workbench::agent_get(&view),
        "department/simplelist" => directory::department_simplelist(&view),
        "department/list" => directory::department_list(&view),
        "department/get" => directory::department_get(&view),
        "user/simplelist" => directory::user_simplelist(&view),
        "user/list" => directory::user_list(&view),
        "user/get" => directory::user_get(&view),
        "user/list_id" => directory::user_list_id(&view),
        "tag/list" => directory::tag_list(&view),
        "tag/get" => directory::tag_get(&view),
        "auth/getuserinfo" => workbench::user_info(&view, &mut state.codes, now),
        "message/send" => workbench::message_send(&view, &mut state.messages),
        _ => refuse(48001),
    }
}

fn answer(body: Value, faults: &[Fault]) -> Answer {
    let mut reply = Reply::json(body.to_string().into_bytes());
    for fault in faults {
        match fault {
            Fault::Reset => return Answer::Reset,
            Fault::Hangup => return Answer::Hangup,
            Fault::NeverAnswer => return Answer::Never,
            Fault::Flood(bytes) => return Answer::Flood(*bytes),
            Fault::Http(status) => return Answer::Whole(Reply::error_page(*status)),
            Fault::EmptyBody => return Answer::Whole(Reply::json(Vec::new())),
            Fault::JsonArray => return Answer::Whole(Reply::json(b"[]".to_vec())),
            Fault::Redirect(url) => {
                let mut reply = Reply::error_page(302);
                reply.headers.push((LOCATION, url.clone()));
                return Answer::Whole(reply);
            }
            Fault::CutBody => return Answer::Cut(reply),
            Fault::Drip(every) => return Answer::Drip(reply, *every),
            Fault::TruncatedJson => reply.body.truncate(reply.body.len() / 2),
            _ => {}
        }
    }
    Answer::Whole(reply)
}

fn redacted(query: &BTreeMap<String, String>, body: &[u8]) -> Map<String, Value> {
    let shown = |(name, value): (&String, &String)| {
        let secret = ["access_token", "corpsecret", "code"].contains(&name.as_str());
        (name.clone(), json!(if secret { "***" } else { value }))
    };
    let mut params: Map<String, Value> = query.iter().map(shown).collect();
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        params.extend(fields);
    }
    params
}

impl Service for Core {
    fn answer(self: Arc<Self>, call: Call) -> Answering {
        Box::pin(async move { self.serve(call).await })
    }
}
