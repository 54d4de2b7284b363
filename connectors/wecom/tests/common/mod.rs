//! A host in memory with a small WeCom behind it, and a hook for whatever else a test wants answered.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use camsync_connector_sdk::types::{
    CrawlSummary, Department, Failure, HttpFailure, Level, Member, Outcome, Request, Response,
    Ticket,
};
use camsync_connector_sdk::{Connector, Host};
use camsync_connector_wecom::WeCom;
use serde_json::{Value, json};

pub const SECRET: &str = "the-app-secret";

/// What the wire brings back.
#[derive(Clone)]
pub enum Reply {
    Json(Value),
    Raw(u16, Vec<u8>),
    Fail(HttpFailure),
}

pub fn code(errcode: i64) -> Reply {
    Reply::Json(json!({"errcode": errcode, "errmsg": format!("refused {errcode}")}))
}

/// One request as WeCom sees it.
pub struct Ask {
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// How many requests of this path came before, this one not counted.
    pub before: usize,
    /// What is sent, where anything is.
    pub body: Option<Vec<u8>>,
}

impl Ask {
    pub fn id(&self) -> String {
        let names = ["department_id", "tagid", "userid", "id", "agentid"];
        names
            .iter()
            .find_map(|name| self.query.get(*name))
            .cloned()
            .unwrap_or_default()
    }

    pub fn is(&self, path: &str, id: &str) -> bool {
        self.path == path && self.id() == id
    }
}

type Hook = Box<dyn FnMut(&mut Corp, &Ask) -> Option<Reply>>;

/// A small enterprise.
#[derive(Default)]
pub struct Corp {
    pub departments: BTreeMap<u64, (u64, String)>,
    pub members: Vec<Value>,
    pub tags: BTreeMap<u64, (String, Vec<String>, Vec<u64>)>,
    pub range_users: Vec<String>,
    pub range_departments: Vec<u64>,
    pub range_tags: Vec<u64>,
    pub closed: bool,
    /// The token that is good now is `token-N`.
    pub token: u32,
}

pub struct Fake {
    pub corp: RefCell<Corp>,
    hook: RefCell<Hook>,
    pub now: Rc<RefCell<f64>>,
    pub cache: RefCell<BTreeMap<String, (String, f64)>>,
    flight: RefCell<VecDeque<(Ticket, Outcome)>>,
    pub most_in_flight: RefCell<usize>,
    pub asked: RefCell<Vec<String>>,
    counts: RefCell<BTreeMap<String, usize>>,
    pub logged: RefCell<Vec<(Level, String)>>,
    pub departments: RefCell<BTreeMap<String, Department>>,
    pub members: RefCell<BTreeMap<String, Member>>,
    pub progress: RefCell<(u32, Option<u32>)>,
}

pub fn member(id: &str, departments: &[u64]) -> Value {
    json!({"userid": id, "name": format!("Name {id}"), "department": departments, "status": 1,
           "main_department": departments.first(), "is_leader_in_dept": vec![0; departments.len()]})
}

impl Fake {
    /// Root 1 with departments 2 and 3 (3 below 2), three members, the whole of it in the range.
    pub fn small() -> Self {
        let corp = Corp {
            departments: [
                (1, (0, "Acme".into())),
                (2, (1, "R&D".into())),
                (3, (2, "Core".into())),
            ]
            .into(),
            members: vec![
                member("zhangsan", &[2]),
                member("LiSi", &[2, 3]),
                member("wangwu", &[1]),
            ],
            range_departments: vec![1],
            token: 1,
            ..Corp::default()
        };
        Self::new(corp)
    }

    /// A tree of `count` departments below the root, each with one member.
    pub fn wide(count: u64) -> Self {
        let mut corp = Corp {
            departments: [(1, (0, "Acme".into()))].into(),
            range_departments: vec![1],
            token: 1,
            ..Corp::default()
        };
        for id in 2..2 + count {
            corp.departments.insert(id, (1, format!("D{id}")));
            corp.members.push(member(&format!("user{id}"), &[id]));
        }
        Self::new(corp)
    }

    pub fn new(corp: Corp) -> Self {
        Self {
            corp: RefCell::new(corp),
            hook: RefCell::new(Box::new(|_, _| None)),
            now: Rc::new(RefCell::new(1_700_000_000_000.0)),
            cache: RefCell::default(),
            flight: RefCell::default(),
            most_in_flight: RefCell::default(),
            asked: RefCell::default(),
            counts: RefCell::default(),
            logged: RefCell::default(),
            departments: RefCell::default(),
            members: RefCell::default(),
            progress: RefCell::default(),
        }
    }

    /// Answers first: where it gives nothing, the enterprise answers.
    pub fn hook(self, hook: impl FnMut(&mut Corp, &Ask) -> Option<Reply> + 'static) -> Self {
        *self.hook.borrow_mut() = Box::new(hook);
        self
    }

    pub fn settings() -> String {
        json!({"corp_id": "ww1", "agent_id": 1_000_002, "secret": SECRET, "api_base": "http://127.0.0.1:1/"}).to_string()
    }

    pub fn crawl(&self) -> Result<CrawlSummary, Failure> {
        WeCom::crawl(self, &Self::settings())
    }

    pub fn count(&self, path: &str) -> usize {
        self.counts.borrow().get(path).copied().unwrap_or(0)
    }

    pub fn member(&self, id: &str) -> Member {
        self.members
            .borrow()
            .get(&id.to_lowercase())
            .cloned()
            .unwrap_or_else(|| panic!("no member {id}"))
    }

    pub fn advance(&self, ms: f64) {
        *self.now.borrow_mut() += ms;
    }

    pub fn log_text(&self) -> String {
        self.logged
            .borrow()
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }

    fn reply(&self, url: &str, body: Option<Vec<u8>>) -> Reply {
        let (path, query) = url
            .strip_prefix("http://127.0.0.1:1/cgi-bin/")
            .unwrap()
            .split_once('?')
            .unwrap();
        let query = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let query = query
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        let ask = Ask {
            path: path.to_owned(),
            query,
            before: self.count(path),
            body,
        };
        self.asked.borrow_mut().push(path.to_owned());
        *self.counts.borrow_mut().entry(path.to_owned()).or_default() += 1;
        let mut corp = self.corp.borrow_mut();
        let hooked = (self.hook.borrow_mut())(&mut corp, &ask);
        hooked.unwrap_or_else(|| corp.reply(&ask))
    }
}

fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Corp {
    fn below(&self, root: u64) -> BTreeSet<u64> {
        let mut found = BTreeSet::from([root]);
        loop {
            let more = self
                .departments
                .iter()
                .filter(|(_, (parent, _))| found.contains(parent))
                .map(|(id, _)| *id);
            let before = found.len();
            found.extend(more.collect::<Vec<_>>());
            if found.len() == before {
                return found;
            }
        }
    }

    fn visible(&self) -> BTreeSet<u64> {
        self.range_departments
            .iter()
            .flat_map(|id| self.below(*id))
            .collect()
    }

    fn reply(&self, ask: &Ask) -> Reply {
        if ask.path == "gettoken" {
            return match ask.query["corpsecret"].as_str() {
                SECRET => Reply::Json(
                    json!({"errcode": 0, "access_token": format!("token-{}", self.token), "expires_in": 7200}),
                ),
                _ => code(40001),
            };
        }
        if ask.query["access_token"] != format!("token-{}", self.token) {
            return code(42001);
        }
        let id: u64 = ask.id().parse().unwrap_or(0);
        match ask.path.as_str() {
            "agent/get" => Reply::Json(
                json!({"errcode": 0, "errmsg": "ok", "agentid": 1_000_002, "name": "通讯录同步应用",
                "close": u8::from(self.closed),
                "allow_userinfos": {"user": self.range_users.iter().map(|id| json!({"userid": id})).collect::<Vec<_>>()},
                "allow_partys": {"partyid": self.range_departments},
                "allow_tags": {"tagid": self.range_tags}}),
            ),
            "department/list" | "department/simplelist" => {
                let ids = if id == 0 {
                    self.visible()
                } else {
                    self.below(id)
                };
                let list: Vec<Value> = self.departments.iter().filter(|(id, _)| ids.contains(id))
                    .map(|(id, (parent, name))| match ask.path.as_str() {
                        "department/list" => json!({"id": id, "parentid": parent, "name": name, "order": 4_294_967_295_u32}),
                        _ => json!({"id": id, "parentid": parent}),
                    })
                    .collect();
                let key = if ask.path == "department/list" {
                    "department"
                } else {
                    "department_id"
                };
                Reply::Json(json!({"errcode": 0, key: list}))
            }
            "department/get" => match self.departments.get(&id) {
                Some((parent, name)) => Reply::Json(
                    json!({"errcode": 0, "department": {"id": id, "parentid": parent, "name": name}}),
                ),
                None => code(60123),
            },
            "user/list" => {
                if !self.departments.contains_key(&id) {
                    return code(60003);
                }
                let list: Vec<&Value> = self
                    .members
                    .iter()
                    .filter(|member| {
                        member["department"]
                            .as_array()
                            .is_some_and(|all| all.contains(&json!(id)))
                    })
                    .collect();
                Reply::Json(json!({"errcode": 0, "userlist": list}))
            }
            "user/get" => {
                let wanted = ask.id().to_lowercase();
                let same = |member: &&Value| {
                    member["userid"]
                        .as_str()
                        .is_some_and(|id| id.to_lowercase() == wanted)
                };
                self.members
                    .iter()
                    .find(same)
                    .map_or_else(|| code(60111), |member| Reply::Json(member.clone()))
            }
            "tag/list" => {
                let list: Vec<Value> = self
                    .tags
                    .iter()
                    .map(|(id, (name, ..))| json!({"tagid": id, "tagname": name}))
                    .collect();
                Reply::Json(json!({"errcode": 0, "taglist": list}))
            }
            "tag/get" => match self.tags.get(&id) {
                Some((name, users, parties)) => Reply::Json(json!({"errcode": 0, "tagname": name,
                    "userlist": users.iter().map(|id| json!({"userid": id, "name": id})).collect::<Vec<_>>(),
                    "partylist": parties})),
                None => code(40068),
            },
            _ => Reply::Raw(404, b"no such thing".to_vec()),
        }
    }
}

impl Host for Fake {
    fn submit(&self, request: Request) -> Ticket {
        let method = if request.body.is_some() {
            "POST"
        } else {
            "GET"
        };
        assert_eq!(request.method, method);
        let outcome = match self.reply(&request.url, request.body) {
            Reply::Json(body) => Ok(Response {
                status: 200,
                headers: vec![],
                body: body.to_string().into_bytes(),
            }),
            Reply::Raw(status, body) => Ok(Response {
                status,
                headers: vec![],
                body,
            }),
            Reply::Fail(failure) => Err(failure),
        };
        let ticket = self.asked.borrow().len() as Ticket;
        let mut flight = self.flight.borrow_mut();
        flight.push_back((ticket, outcome));
        assert!(flight.len() <= 64);
        let mut most = self.most_in_flight.borrow_mut();
        *most = (*most).max(flight.len());
        ticket
    }

    fn wait(&self) -> Option<(Ticket, Outcome)> {
        self.advance(5.0);
        self.flight.borrow_mut().pop_front()
    }

    fn now_ms(&self) -> f64 {
        *self.now.borrow()
    }

    fn sleep_ms(&self, milliseconds: u32) {
        self.advance(f64::from(milliseconds));
    }

    fn log(&self, level: Level, message: &str) {
        self.logged.borrow_mut().push((level, message.to_owned()));
    }

    fn cache_get(&self, key: &str) -> Option<String> {
        let cache = self.cache.borrow();
        cache
            .get(key)
            .filter(|(_, until)| *until > *self.now.borrow())
            .map(|(value, _)| value.clone())
    }

    fn cache_set(&self, key: &str, value: &str, ttl_seconds: u32) {
        let until = *self.now.borrow() + f64::from(ttl_seconds) * 1000.0;
        self.cache
            .borrow_mut()
            .insert(key.to_owned(), (value.to_owned(), until));
    }

    fn cache_delete(&self, key: &str) {
        self.cache.borrow_mut().remove(key);
    }

    fn departments(&self, batch: Vec<Department>) {
        let batch = batch
            .into_iter()
            .map(|department| (department.id.clone(), department));
        self.departments.borrow_mut().extend(batch);
    }

    /// Merges as the WIT says.
    fn members(&self, batch: Vec<Member>) {
        let mut members = self.members.borrow_mut();
        for mut member in batch {
            if let Some(before) = members.remove(&member.id.to_lowercase()) {
                for (now, before) in [
                    (&mut member.departments, before.departments),
                    (&mut member.tags, before.tags),
                    (&mut member.leader_of, before.leader_of),
                    (&mut member.shown_by, before.shown_by),
                ] {
                    now.extend(before);
                    now.sort();
                    now.dedup();
                }
            }
            members.insert(member.id.to_lowercase(), member);
        }
    }

    fn progress(&self, done: u32, total: Option<u32>) {
        self.progress.replace((done, total));
    }
}
