//! A connector that does whatever a test asks of it: the setting `behaviour` says what.

wit_bindgen::generate!({ path: "../../../../wit/1.0.0", world: "connector-world" });

use std::hint::black_box;

use camsync::connector::{
    cache, clock, http, log, sink,
    types::{Department, Failure, FailureDetail, Member, MemberStatus, Throttle},
};
use exports::camsync::connector::connector::{
    CallbackAnswer, CallbackRequest, Capability, CheckReport, CrawlSummary, Description,
    Explanation, Finding, Guest, Hint, Message, Names, Presence, Severity, SignInRequest, SignedIn,
};
use serde_json::Value;

/// `describe` gets no settings: a test patches what follows the equals sign in the file itself.
static DESCRIBE: &str = "DESCRIBE=normal                                          ";

struct Connector;

export!(Connector);

impl Guest for Connector {
    fn describe() -> Description {
        let behaviour = black_box(DESCRIBE)
            .split_once('=')
            .map_or("", |(_, word)| word.trim_end());
        misbehave(behaviour, &Value::Null);
        let bad = |part: &str, good: &str| match behaviour.strip_prefix(part) {
            Some(bad) => bad.to_owned(),
            None => good.to_owned(),
        };
        Description {
            name: bad("name:", "guest"),
            version: bad("version:", "1.2.3"),
            summary: "A connector for tests.".to_owned(),
            settings_schema: bad(
                "schema:",
                r#"{"type":"object","properties":{"secret":{"type":"string","x-camsync-secret":true}}}"#,
            ),
            hosts: vec![bad("host:", "idp.example")],
            capabilities: if behaviour == "incapable" {
                Vec::new()
            } else {
                vec![
                    Capability::LookUp,
                    Capability::Callbacks,
                    Capability::SignIn,
                    Capability::Messages,
                ]
            },
        }
    }

    fn check(settings: String, language: String) -> Result<CheckReport, Failure> {
        let settings = parse(&settings);
        misbehave(text(&settings, "behaviour"), &settings);
        Ok(CheckReport {
            enterprise: "enterprise-1".to_owned(),
            range_fingerprint: "range-1".to_owned(),
            range_summary: format!("departments 1, {language}"),
            findings: vec![Finding {
                severity: Severity::Warning,
                code: Some("60020".to_owned()),
                message: format!("the secret is {}", text(&settings, "secret")),
                remedy: String::new(),
            }],
        })
    }

    fn crawl(settings: String) -> Result<CrawlSummary, Failure> {
        let settings = parse(&settings);
        let behaviour = text(&settings, "behaviour");
        misbehave(behaviour, &settings);
        match behaviour {
            "find" => find(),
            "members" => endless_members(),
            "member" => sink::members(&[member(text(&settings, "id"), text(&settings, "name"))]),
            "department" => {
                sink::departments(&[department(text(&settings, "id"), text(&settings, "name"))])
            }
            "huge" => {
                let name = "x".repeat(settings["bytes"].as_u64().unwrap_or(0) as usize);
                sink::members(&[member("m", &name)]);
            }
            "chain" => {
                // Each department below the one before, and somebody in the last.
                let count = settings["count"].as_u64().unwrap_or(1);
                let below = |n: u64| Department {
                    parent: (n > 1).then(|| (n - 1).to_string()),
                    ..department(&n.to_string(), "部门")
                };
                sink::departments(&(1..=count).map(below).collect::<Vec<_>>());
                let mut last = member("deep", "深");
                last.departments = vec![count.to_string()];
                sink::members(&[last]);
            }
            "batch" => {
                let count = settings["count"].as_u64().unwrap_or(0);
                let members: Vec<_> = (0..count).map(|n| member(&n.to_string(), "")).collect();
                sink::members(&members);
            }
            "fetch" => fetch(&settings, |n, outcome| {
                sink::departments(&[department(&format!("r{n}"), outcome)])
            }),
            "submit" => {
                for _ in 0..settings["times"].as_u64().unwrap_or(0) {
                    http::submit(&request(&settings["requests"][0]));
                }
            }
            "idle-wait" => assert!(http::wait().is_none()),
            "remember-and-recall" => {
                let token = cache::get("token").unwrap_or_else(|| "nothing".to_owned());
                sink::departments(&[department("token", &token)]);
                cache::set("token", text(&settings, "token"), 60);
            }
            "remember-and-log" => {
                log::write(
                    log::Level::Info,
                    &format!("have {}", cache::get("token").unwrap_or_default()),
                );
                cache::set("token", text(&settings, "token"), 60);
            }
            "now" => sink::departments(&[department("now", &clock::now_ms().to_string())]),
            "fail" => return Err(failure(&settings)),
            "incomplete" => return Ok(summary(vec!["department 7 was not answered".to_owned()])),
            _ => {}
        }
        Ok(summary(Vec::new()))
    }

    fn look_up(settings: String, ids: Vec<String>) -> Result<Vec<Presence>, Failure> {
        let settings = parse(&settings);
        if text(&settings, "behaviour") == "hand-over" {
            sink::members(&[member("m", "")]);
        }
        let presences = ids.iter().map(|id| match id.as_str() {
            "gone" => Presence::Gone(format!("60111 {}", text(&settings, "secret"))),
            "hidden" => Presence::OutOfSight("60011".to_owned()),
            "unknown" => Presence::Unknown("timeout".to_owned()),
            "stranger" => Presence::Present(member("somebody-else", "")),
            id => Presence::Present(member(&id.to_uppercase(), "")),
        });
        Ok(presences.collect())
    }

    fn callback(settings: String, asked: CallbackRequest) -> Result<CallbackAnswer, Failure> {
        let settings = parse(&settings);
        let mut body = format!("{} {} {}", asked.method, asked.query, asked.body.len());
        if text(&settings, "behaviour") == "fetch" {
            fetch(&settings, |_, outcome| body = outcome.to_owned());
        }
        let hints = vec![
            Hint::Member("m".to_owned()),
            Hint::MemberRenamed(("old".to_owned(), "new".to_owned())),
            Hint::Everything,
        ];
        Ok(CallbackAnswer {
            status: 200,
            body,
            hints,
        })
    }

    fn sign_in_url(settings: String, request: SignInRequest) -> Result<String, Failure> {
        let base = parse(&settings)["sign_in"]
            .as_str()
            .unwrap_or("https://idp.example")
            .to_owned();
        Ok(format!(
            "{base}/?state={}&app={}",
            request.state, request.inside_app
        ))
    }

    fn who_signed_in(_: String, code: String) -> Result<SignedIn, Failure> {
        Ok(if code == "stranger" {
            SignedIn::Stranger
        } else {
            SignedIn::Member(code)
        })
    }

    fn send_message(_: String, member: String, message: Message) -> Result<(), Failure> {
        if member == "nobody" {
            return Err(Failure::Refused(FailureDetail {
                code: None,
                message: format!("not to {member}: {} {:?}", message.title, message.link),
                subject: None,
            }));
        }
        Ok(())
    }

    fn explain(failure: Failure, language: String) -> Option<Explanation> {
        let Failure::NotPermitted(detail) = failure else {
            return None;
        };
        Some(Explanation {
            cause: format!("{language}: {}", detail.message),
            remedy: "grant it".to_owned(),
        })
    }
}

/// What is bad in any call.
fn misbehave(behaviour: &str, settings: &Value) {
    match behaviour {
        "loop" => loop {
            black_box(());
        },
        "stack" => {
            black_box(deep(black_box(0)));
        }
        "memory" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("on purpose"),
        "log-flood" => loop {
            log::write(log::Level::Info, "flood");
        },
        "log" => log::write(
            log::Level::Warn,
            &format!("token {}\nforged line", text(settings, "secret")),
        ),
        "sleep" => clock::sleep_ms(settings["ms"].as_u64().unwrap_or(0) as u32),
        "busy-drip" => loop {
            sink::progress(1, None);
            clock::sleep_ms(5);
        },
        _ => {}
    }
}

#[allow(unconditional_recursion)]
fn deep(n: u64) -> u64 {
    black_box(deep(black_box(n + 1)) + 1)
}

fn find() {
    sink::progress(0, Some(2));
    sink::departments(&[
        department("1", "公司"),
        Department {
            parent: Some("1".to_owned()),
            ..department("2", "研发")
        },
    ]);
    let mut somebody = member("ZhangSan", "张三");
    somebody.departments = vec!["1".to_owned(), "2".to_owned(), "1".to_owned()];
    somebody.main_department = Some("2".to_owned());
    somebody.shown_by = vec![
        "department:2".to_owned(),
        "department:1".to_owned(),
        "department:2".to_owned(),
    ];
    somebody.attributes = vec![("工号".to_owned(), "7".to_owned())];
    sink::members(&[somebody]);
    sink::members(&[Member {
        status: MemberStatus::Disabled,
        ..member("lisi", "李四")
    }]);
    sink::progress(2, Some(2));
}

fn endless_members() {
    for batch in 0..100_000 {
        let members: Vec<_> = (0..100)
            .map(|n| member(&format!("member-{batch}-{n}"), "somebody"))
            .collect();
        sink::members(&members);
    }
}

fn fetch(settings: &Value, mut report: impl FnMut(usize, &str)) {
    let requests = settings["requests"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let tickets: Vec<u32> = requests
        .iter()
        .map(|wanted| http::submit(&request(wanted)))
        .collect();
    while let Some((ticket, outcome)) = http::wait() {
        let n = tickets
            .iter()
            .position(|known| *known == ticket)
            .unwrap_or(usize::MAX);
        report(n, &told(outcome));
    }
}

fn told(outcome: Result<http::Response, http::HttpFailure>) -> String {
    match outcome {
        Ok(response) => {
            let body = String::from_utf8_lossy(&response.body[..response.body.len().min(2000)])
                .into_owned();
            format!("{} {} {body}", response.status, response.body.len())
        }
        Err(http::HttpFailure::Denied(text)) => format!("denied {text}"),
        Err(http::HttpFailure::Invalid(text)) => format!("invalid {text}"),
        Err(http::HttpFailure::Connect(text)) => format!("connect {text}"),
        Err(http::HttpFailure::Timeout) => "timeout".to_owned(),
        Err(http::HttpFailure::TooLarge(bytes)) => format!("too large {bytes}"),
        Err(http::HttpFailure::Protocol(text)) => format!("protocol {text}"),
    }
}

fn request(wanted: &Value) -> http::Request {
    let headers = wanted["headers"].as_object().into_iter().flatten();
    http::Request {
        method: wanted["method"].as_str().unwrap_or("GET").to_owned(),
        url: text(wanted, "url").to_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        body: match wanted["body_bytes"].as_u64() {
            Some(bytes) => Some(vec![b'x'; bytes as usize]),
            None => wanted["body"].as_str().map(|body| body.as_bytes().to_vec()),
        },
        timeout_ms: wanted["timeout_ms"].as_u64().map(|ms| ms as u32),
    }
}

fn failure(settings: &Value) -> Failure {
    let detail = FailureDetail {
        code: Some("42".to_owned()),
        message: format!("refused {}", text(settings, "secret")),
        subject: Some("/path".to_owned()),
    };
    match text(settings, "failure") {
        "settings_wrong" => Failure::SettingsWrong(detail),
        "not_permitted" => Failure::NotPermitted(detail),
        "throttled" => Failure::Throttled(Throttle {
            detail,
            retry_after_seconds: 9,
        }),
        "unavailable" => Failure::Unavailable(detail),
        "refused" => Failure::Refused(detail),
        _ => Failure::Bug(detail.message),
    }
}

fn summary(missing: Vec<String>) -> CrawlSummary {
    CrawlSummary {
        enterprise: "enterprise-1".to_owned(),
        complete: missing.is_empty(),
        missing,
        range_fingerprint: "range-1".to_owned(),
        range: vec![
            "department:2".to_owned(),
            "department:1".to_owned(),
            "department:1".to_owned(),
        ],
        names: Names {
            enterprise: Some("Enterprise One".to_owned()),
            application: Some(" ".to_owned()),
        },
    }
}

fn department(id: &str, name: &str) -> Department {
    Department {
        id: id.to_owned(),
        parent: None,
        name: name.to_owned(),
    }
}

fn member(id: &str, name: &str) -> Member {
    Member {
        id: id.to_owned(),
        username: id.to_owned(),
        name: name.to_owned(),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: String::new(),
        status: MemberStatus::Active,
        departments: Vec::new(),
        main_department: None,
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: Vec::new(),
        shown_by: Vec::new(),
    }
}

fn parse(settings: &str) -> Value {
    serde_json::from_str(settings).unwrap_or_default()
}

fn text<'a>(settings: &'a Value, name: &str) -> &'a str {
    settings[name].as_str().unwrap_or_default()
}
