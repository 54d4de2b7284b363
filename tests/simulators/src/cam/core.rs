//! The service behind the simulator: one request from gate to answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::DATE;
use serde_json::{Map, Value, json};

use super::actions::{self, Action, Run};
use super::cloud::Cloud;
use super::context::{Caller, Reading, Writing};
use super::fault::Fault;
use super::gate::{self, Buckets, Key};
use super::history::{Actor, Write};
use super::options::Options;
use super::params::Params;
use super::policies::presets;
use super::refusal::{Outcome, Refusal, refuse};
use crate::fault::Plan;
use crate::http::{Answer, Answering, Call, Reply, Service, pause};
use crate::log::{Log, Request};

/// Everything that a request can change, under one lock.
pub(crate) struct State {
    pub(crate) cloud: Cloud,
    /// Older states with the moment each was replaced, oldest first; kept only while there is a read lag.
    past: VecDeque<(Instant, Arc<Cloud>)>,
    pub(crate) read_lag: Duration,
    pub(crate) history: Vec<Write>,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) buckets: Buckets,
    pub(crate) options: Options,
    /// Seconds by which the server's clock is ahead.
    pub(crate) clock_offset: i64,
    requests: u64,
}

impl State {
    pub(crate) fn now(&self) -> i64 {
        chrono::Utc::now().timestamp() + self.clock_offset
    }

    /// Runs a write as `caller`; returns its outcome and whether it changed anything.
    pub(crate) fn write(
        &mut self,
        action: &'static str,
        caller: &Caller,
        run: impl FnOnce(&mut Writing) -> Outcome,
    ) -> (Outcome, bool) {
        let before = (!self.read_lag.is_zero()).then(|| self.cloud.clone());
        let writes = self.history.len();
        let now = self.now();
        let outcome = run(&mut Writing {
            cloud: &mut self.cloud,
            options: &self.options,
            caller,
            history: &mut self.history,
            action,
            now,
        });
        let effect = self.history.len() > writes;
        if let Some(before) = before.filter(|_| effect) {
            self.past.push_back((Instant::now(), Arc::new(before)));
        }
        (outcome, effect)
    }

    /// The account as reads see it: as it was `read_lag` ago.
    fn seen(&mut self) -> Option<Arc<Cloud>> {
        let now = Instant::now();
        while self
            .past
            .front()
            .is_some_and(|(replaced, _)| now.duration_since(*replaced) >= self.read_lag)
        {
            self.past.pop_front();
        }
        self.past.front().map(|(_, cloud)| cloud.clone())
    }

    /// Ends the lag of the writes so far.
    pub(crate) fn settle(&mut self) {
        self.past.clear();
    }

    fn run(
        &mut self,
        action: &'static Action,
        caller: &Caller,
        params: &Params,
        faults: &[Fault],
    ) -> (Outcome, bool) {
        match action.run {
            Run::Write(run) => self.write(action.name, caller, |edit| run(edit, params)),
            Run::Read(run) => {
                let older = self.seen();
                let cloud = older.as_deref().unwrap_or(&self.cloud);
                (
                    run(
                        &Reading {
                            cloud,
                            options: &self.options,
                            caller,
                            faults,
                        },
                        params,
                    ),
                    false,
                )
            }
        }
    }

    fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("51317a7e-0000-4000-8000-{:012x}", self.requests)
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
        let key = Key {
            secret_key: options.secret_key.clone(),
            uin: options.owner_uin + 1,
            owner_uin: options.owner_uin,
            token: None,
            denied: Vec::new(),
            revoked: false,
        };
        let state = State {
            cloud: Cloud {
                policies: presets(),
                ..Cloud::default()
            },
            past: VecDeque::new(),
            read_lag: Duration::ZERO,
            history: Vec::new(),
            keys: BTreeMap::from([(options.secret_id.clone(), key)]),
            buckets: Buckets::default(),
            options,
            clock_offset: 0,
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

    /// Does an action as a person in the console: no signature, no rate, no faults.
    pub(crate) fn by_hand(&self, name: &str, params: Value) -> Outcome {
        let Some(action) = actions::find(name) else {
            return refuse("InvalidAction", name);
        };
        let params = params.as_object().cloned().unwrap_or_default();
        let params = Params::check(params, action.params)?;
        let mut state = self.state();
        let caller = state.person();
        state.run(action, &caller, &params, &[]).0
    }

    async fn serve(&self, call: Call) -> Answer {
        let headers = gate::headers(&call);
        let action = gate::header(&headers, "x-tc-action").to_owned();
        let given = gate::parameters(&call, &headers);
        let params = given.clone().unwrap_or_default();
        let (latency, keys) = {
            let state = self.state();
            (state.options.latency, keys_of(&state.cloud, &params))
        };
        let faults = self.faults.strike(&action, &keys);
        let delays = faults.iter().map(|fault| {
            if let Fault::Delay(by) = fault {
                *by
            } else {
                Duration::ZERO
            }
        });
        pause(latency / 2 + delays.sum::<Duration>()).await;

        let (outcome, effect, request_id, date) = {
            let mut state = self.state();
            let (outcome, effect) = self.act(&mut state, &call, &headers, given, &faults);
            let request_id = state.request_id();
            let date = chrono::DateTime::from_timestamp(state.now(), 0).unwrap_or_default();
            (
                outcome,
                effect,
                request_id,
                date.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            )
        };
        self.log.push(Request {
            at: Instant::now(),
            connection: call.connection,
            action,
            params: Value::Object(redacted(params)),
            outcome: outcome
                .as_ref()
                .map_or_else(|refusal| refusal.code.clone(), |_| "ok".to_owned()),
            effect,
            faulted: !faults.is_empty(),
        });

        let slow = faults.iter().map(|fault| {
            if let Fault::SlowAnswer(by) = fault {
                *by
            } else {
                Duration::ZERO
            }
        });
        pause(latency / 2 + slow.sum::<Duration>()).await;
        let mut answer = answer(outcome, &faults, &request_id);
        if let Answer::Whole(reply) | Answer::Cut(reply) | Answer::Drip(reply, _) = &mut answer {
            reply.headers.push((DATE, date));
        }
        answer
    }

    /// From gate to effect, unless a fault stands in between.
    fn act(
        &self,
        state: &mut State,
        call: &Call,
        headers: &[(String, String)],
        given: Result<Map<String, Value>, Refusal>,
        faults: &[Fault],
    ) -> (Outcome, bool) {
        let stopped = |fault: &Fault| matches!(fault, Fault::EffectLost | Fault::Http(_));
        if faults.iter().any(stopped) {
            return (refuse("lost", ""), false);
        }
        let admitted = admit(state, call, headers, given, faults);
        match admitted {
            Ok((action, caller, params)) => state.run(action, &caller, &params, faults),
            Err(refusal) => (Err(refusal), false),
        }
    }
}

impl State {
    /// The root account's owner in the console.
    pub(crate) fn person(&self) -> Caller {
        let owner_uin = self.options.owner_uin;
        Caller {
            actor: Actor::ByHand,
            uin: owner_uin,
            owner_uin,
            denied: Vec::new(),
        }
    }
}

fn admit(
    state: &mut State,
    call: &Call,
    headers: &[(String, String)],
    given: Result<Map<String, Value>, Refusal>,
    faults: &[Fault],
) -> Result<(&'static Action, Caller, Params), Refusal> {
    let owner_uin = state.options.owner_uin;
    let caller = gate::authenticate(
        call,
        headers,
        &state.keys,
        &state.cloud,
        owner_uin,
        state.now(),
    )?;
    let action = gate::authorize(headers, &caller, state.options.international)?;
    if let Some(scale) = state.options.rate
        && !state.buckets.take(
            caller.owner_uin,
            action.name,
            f64::from(action.rate) * scale,
        )
    {
        return refuse(
            "RequestLimitExceeded",
            "Your current request times exceeds the limit of the action.",
        );
    }
    let params = Params::check(given?, action.params)?;
    if let Some(code) = faults.iter().find_map(Fault::refusal_before) {
        return refuse(code, "An injected fault.");
    }
    Ok((action, caller, params))
}

fn answer(outcome: Outcome, faults: &[Fault], request_id: &str) -> Answer {
    for fault in faults {
        match fault {
            Fault::AnswerLost | Fault::EffectLost => return Answer::Hangup,
            Fault::ResetAfter => return Answer::Reset,
            Fault::NeverAnswer => return Answer::Never,
            Fault::Http(status) | Fault::HttpAfter(status) => {
                return Answer::Whole(Reply::error_page(*status));
            }
            Fault::EmptyBody => return Answer::Whole(Reply::json(Vec::new())),
            Fault::Legacy(code) => {
                let body =
                    json!({"code": code, "message": "An injected fault.", "codeDesc": "Injected"});
                return Answer::Whole(Reply::json(body.to_string().into_bytes()));
            }
            _ => {}
        }
    }
    let after = faults.iter().find_map(Fault::refusal_after);
    let outcome = match after {
        Some(code) => refuse(code, "An injected fault."),
        None => outcome,
    };
    let mut response = match outcome {
        Ok(fields) => fields,
        Err(refusal) => json!({"Error": {"Code": refusal.code, "Message": refusal.message}}),
    };
    response["RequestId"] = json!(request_id);
    let mut reply = Reply::json(json!({"Response": response}).to_string().into_bytes());
    for fault in faults {
        match fault {
            Fault::CutBody => return Answer::Cut(reply),
            Fault::Drip(every) => return Answer::Drip(reply, *every),
            Fault::TruncatedJson => reply.body.truncate(reply.body.len() / 2),
            _ => {}
        }
    }
    Answer::Whole(reply)
}

/// What a request is about, for faults that hit one user only: each value of it, and the name of each user it gives by id.
fn keys_of(cloud: &Cloud, params: &Map<String, Value>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut values: Vec<&Value> = params.values().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) => keys.push(text.clone()),
            Value::Number(number) => {
                keys.push(number.to_string());
                let user = number.as_u64().and_then(|uin| cloud.users.get(&uin));
                keys.extend(user.map(|user| user.name.clone()));
            }
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.values()),
            Value::Null | Value::Bool(_) => {}
        }
    }
    keys
}

fn redacted(mut params: Map<String, Value>) -> Map<String, Value> {
    if let Some(password) = params.get_mut("Password") {
        *password = json!("***");
    }
    params
}

impl Service for Core {
    fn answer(self: Arc<Self>, call: Call) -> Answering {
        Box::pin(async move { self.serve(call).await })
    }
}
