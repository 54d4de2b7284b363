//! The daemon's HTTP: the API, the portal, webhooks, and whatever else somebody sends there.
//!
//! An input is text, up to four requests one after another, apart by lines of `###` as in editors' `.http` files: a line with
//! method and path, headers, an empty line, a body. In headers `{admin}`, `{approver}` and `{viewer}` stand for the tokens,
//! `{session ID}` and `{csrf ID}` for what a member who signed in at the portal has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use camsync::web::{self, Web};
use serde_json::Value;

use crate::http::{Answer, Client};
use crate::panics;
use crate::world::{SOURCE, World, secret, secrets, world};

/// An answer comes within this, on a machine that does much else; the fuzzer itself is less patient.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of an input.
const MOST: usize = 4;
/// Requests that a daemon answers before another takes its place: whoever asks at the portal too often is told to wait.
const RENEWED: u32 = 200;
/// Headers that say where a request ends: that is the client's to say.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// The daemon that answers, for as long as nothing has changed.
struct Served {
    web: Web,
    ledger: Arc<camsync::ledger::Ledger>,
    client: Client,
    /// How many requests were sent, for an address of each.
    sent: u32,
    /// Who is signed in: the cookie and the word against forged requests.
    session: Option<(String, String, String)>,
    written: u64,
}

impl Served {
    async fn start(world: &World) -> Self {
        let ledger = Arc::new(world.ledger.scratch().expect("a copy"));
        let context = Arc::new(world.daemon(Arc::clone(&ledger)));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let web = web::bind(any).await.expect("a port");
        let web = web.serve(Arc::clone(&context));
        let address = context.listens_at().expect("it listens");
        Self {
            web,
            client: Client::new(address),
            sent: 0,
            session: None,
            written: written(&ledger),
            ledger,
        }
    }

    /// Sends one request, and checks what is promised of every answer.
    async fn ask(&mut self, first: &str, headers: &[String], body: &[u8]) -> Answer {
        self.sent += 1;
        let [_, a, b, c] = self.sent.to_be_bytes();
        let mut request = format!("{first} HTTP/1.1\r\nhost: camsync.example.com\r\n");
        for header in headers {
            request += header;
            request += "\r\n";
        }
        request += &format!("content-length: {}\r\n", body.len());
        request += &format!("x-forwarded-for: 10.{a}.{b}.{c}\r\n\r\n");
        let request = [request.as_bytes(), body].concat();
        let answer = tokio::time::timeout(PATIENCE, self.client.ask(&request)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {first}"));
        keeps_its_promises(first, &answer);
        answer
    }

    /// Signs a member in, as a browser does.
    async fn sign_in(&mut self, member: &str) -> Option<(String, String)> {
        if let Some((who, cookie, csrf)) = &self.session
            && who == member
        {
            return Some((cookie.clone(), csrf.clone()));
        }
        let before = written(&self.ledger);
        let begun = self
            .ask(&format!("GET /portal/{SOURCE}/sign-in"), &[], b"")
            .await;
        let (_, state) = begun.header("location").split_once("state=")?;
        let back = format!("GET /portal/{SOURCE}/callback?code={member}&state={state}");
        let done = self.ask(&back, &[cookie(&begun, "sign-in")?], b"").await;
        let cookie = cookie(&done, "portal")?;
        let me = self
            .ask("GET /portal/api/me", std::slice::from_ref(&cookie), b"")
            .await;
        let me: Value = serde_json::from_slice(&me.body).ok()?;
        let csrf = me["csrf"].as_str()?.to_owned();
        // That somebody signed in is in the ledger, and changes nothing for who comes next.
        self.written += written(&self.ledger) - before;
        self.session = Some((member.to_owned(), cookie.clone(), csrf.clone()));
        Some((cookie, csrf))
    }

    /// A header, with what its first word in braces stands for.
    async fn filled(&mut self, header: &str) -> String {
        let Some((before, rest)) = header.split_once('{') else {
            return header.to_owned();
        };
        let Some((word, after)) = rest.split_once('}') else {
            return header.to_owned();
        };
        let value = match word.split_once(' ') {
            Some(("session", member)) if is_member(member) => {
                // The header is `cookie: ` with the name and the value.
                self.sign_in(member).await.map(|(cookie, _)| {
                    let (_, pair) = cookie.split_once(' ').unwrap_or_default();
                    pair.to_owned()
                })
            }
            Some(("csrf", member)) if is_member(member) => {
                self.sign_in(member).await.map(|(_, csrf)| csrf)
            }
            _ if ["admin", "approver", "viewer"].contains(&word) => Some(secret(word)),
            _ => None,
        };
        // What stands for nothing stays as it is: an empty line would end the head.
        value.map_or_else(
            || header.to_owned(),
            |value| format!("{before}{value}{after}"),
        )
    }
}

fn is_member(word: &str) -> bool {
    let number = word.strip_prefix('m').and_then(|n| n.parse::<u32>().ok());
    number.is_some()
}

/// How often a ledger was written to.
fn written(ledger: &camsync::ledger::Ledger) -> u64 {
    *ledger.watch().borrow()
}

/// The header that sends a cookie back.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let mut kept = answer.headers("set-cookie");
    let of = format!("__Host-camsync-{name}=");
    let found = kept.find(|value| value.starts_with(&of))?;
    let (pair, _) = found.split_once(';')?;
    Some(format!("cookie: {pair}"))
}

/// What somebody who has seen no input can say of any answer.
fn keeps_its_promises(first: &str, answer: &Answer) {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    let body = String::from_utf8_lossy(&answer.body);
    // Not now is an answer; that it broke is none.
    let fine = (200..500).contains(&answer.status) || answer.status == 503;
    assert!(fine, "{first}: {} {body}", answer.status);
    for secret in SECRETS.get_or_init(secrets) {
        let shown = body.contains(secret) || answer.head.contains(secret);
        assert!(!shown, "{first}: a secret in {} {body}", answer.head);
    }
    let of = answer.header("content-type");
    if of.contains("json") && !answer.body.is_empty() {
        let read: Result<Value, _> = serde_json::from_slice(&answer.body);
        let read = read.unwrap_or_else(|error| panic!("{first}: {error}: {body}"));
        if of.contains("problem") {
            assert_eq!(read["status"], answer.status, "{first}");
            assert!(read["detail"].as_str().is_some_and(|said| !said.is_empty()));
        }
    }
}

fn served() -> MutexGuard<'static, Option<Served>> {
    static SERVED: Mutex<Option<Served>> = Mutex::new(None);
    SERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each request of an input is answered, by a daemon to which nothing has happened before.
pub(crate) fn api_body(data: &[u8]) {
    let world = world();
    panics::watch();
    let mut kept = served();
    world.runtime.block_on(async {
        // Taken out: what a failure leaves behind serves nobody.
        let mut served = match kept.take() {
            Some(served) => served,
            None => Served::start(world).await,
        };
        for request in parts(data) {
            let (first, headers, body) = read(request);
            let mut filled = Vec::new();
            for header in headers {
                filled.push(served.filled(&header).await);
            }
            served.ask(&first, &filled, body).await;
        }
        panics::none_so_far();
        if written(&served.ledger) == served.written && served.sent < RENEWED {
            *kept = Some(served);
            return;
        }
        served.client.hang_up();
        let stopped = tokio::time::timeout(PATIENCE, served.web.stop()).await;
        assert!(stopped.is_ok(), "what it set off does not end");
        panics::none_so_far();
    });
}

/// The requests of an input.
fn parts(data: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"\n###\n";
    let (mut found, mut rest) = (Vec::new(), data);
    while found.len() + 1 < MOST
        && let Some(at) = rest.windows(BETWEEN.len()).position(|w| w == BETWEEN)
    {
        found.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    found.push(rest);
    found
}

/// The first line, the headers, the body.
fn read(request: &[u8]) -> (String, Vec<String>, &[u8]) {
    let at = request.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match at {
        Some(at) => (&request[..at], &request[at + 2..]),
        None => (request, &b""[..]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().trim().to_owned();
    let ends_it = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().trim();
        line.is_empty() || FRAMING.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let headers = lines.filter(|line| !ends_it(line)).map(str::to_owned);
    (first, headers.collect(), body)
}
