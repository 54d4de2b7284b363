//! A client for tests: the daemon's HTTP, with tokens of every role.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::tools::{Process, until, wait_for_socket};
use crate::world::World;

/// Tokens by the name of who holds them; each is in the environment of [`serving`].
pub const TOKENS: [(&str, &str, &str); 5] = [
    ("admin", "TOKEN_ADMIN", "token-admin-6f1e0c9b7a35"),
    ("ann", "TOKEN_ANN", "token-ann-0d4b1f88c2e6"),
    ("ben", "TOKEN_BEN", "token-ben-93ab77e1500f"),
    ("vic", "TOKEN_VIC", "token-vic-41c5d2ee8b09"),
    // The same person as the one who runs commands in tests.
    ("tester", "TOKEN_TESTER", "token-tester-5a90be13d7c4"),
];

/// Tokens for everybody, as a piece of configuration: ann and ben approve, vic looks.
pub const CONSOLE: &str = r#"
[console]
admin_token = { env = "TOKEN_ADMIN" }
[[console.admin]]
name = "ann"
token = { env = "TOKEN_ANN" }
role = "approver"
[[console.admin]]
name = "ben"
token = { env = "TOKEN_BEN" }
role = "approver"
[[console.admin]]
name = "vic"
token = { env = "TOKEN_VIC" }
role = "viewer"
[[console.admin]]
name = "tester"
token = { env = "TOKEN_TESTER" }
"#;

pub fn token(name: &str) -> &'static str {
    let found = TOKENS.iter().find(|(who, ..)| *who == name);
    found.unwrap().2
}

pub fn environment() -> Vec<(&'static str, &'static str)> {
    TOKENS
        .iter()
        .map(|(_, variable, token)| (*variable, *token))
        .collect()
}

/// `camsync run` with its HTTP.
pub struct Served<'w> {
    world: &'w World,
    pub process: Process,
    pub address: String,
    client: reqwest::Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// What a problem says.
    pub fn detail(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        self.body["detail"].as_str().unwrap()
    }
}

pub fn serving(world: &World) -> Served<'_> {
    let mut process = Process::start_with(world, &["run"], &environment());
    wait_for_socket(world, &mut process);
    let mut address = String::new();
    until("HTTP is served", || {
        let status = world.read(&["status"]);
        address = status["listen"].as_str().unwrap_or_default().to_owned();
        !address.is_empty()
    });
    // The client is made for TLS too, and asks for its cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let served = Served {
        world,
        process,
        address,
        client,
    };
    until("it is ready", || {
        served.ask("GET", "/readyz", "").status == 200
    });
    served
}

impl Served<'_> {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a body that may not be taken; the status, when an answer came.
    pub fn send(&self, method: &str, path: &str, body: String) -> Option<u16> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, self.url(path)).body(body);
        let answer = self.world.block_on(request.send());
        answer.ok().map(|response| response.status().as_u16())
    }

    /// Posts a body to each path over so many connections that are kept, each request after the answer to the one before;
    /// the status of every answer. Without a client, whose own work would be the most of it.
    pub fn post_all(&self, requests: &[(String, String)], connections: usize) -> Vec<u16> {
        std::thread::scope(|scope| {
            let each = requests.len().div_ceil(connections);
            let post = |requests| scope.spawn(move || post_over(self.connect(), requests));
            let posting: Vec<_> = requests.chunks(each).map(post).collect();
            posting
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        })
    }

    /// Asks as somebody, or as nobody when `who` is empty; any other word is taken for a token.
    pub fn ask(&self, method: &str, path: &str, who: &str) -> Answer {
        self.ask_with(method, path, who, |request| request)
    }

    pub fn ask_with(
        &self,
        method: &str,
        path: &str,
        who: &str,
        more: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(path));
        if !who.is_empty() {
            let known = TOKENS.iter().any(|(name, ..)| *name == who);
            request = request.bearer_auth(if known { token(who) } else { who });
        }
        let request = more(request);
        self.world.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.unwrap();
            Answer {
                status,
                headers,
                body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            }
        })
    }

    /// What somebody may read.
    pub fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, "vic");
        assert_eq!(answer.status, 200, "{path}: {:#}", answer.body);
        answer.body
    }

    /// What somebody does, that must succeed.
    pub fn post(&self, path: &str, who: &str) -> Value {
        let answer = self.ask("POST", path, who);
        assert_eq!(answer.status, 200, "{path}: {:#}", answer.body);
        answer.body
    }

    /// A connection of one's own, for what no client does.
    pub fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(crate::tools::PATIENCE))
            .unwrap();
        stream
    }
}

fn post_over(mut stream: TcpStream, requests: &[(String, String)]) -> Vec<u16> {
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut statuses = Vec::new();
    for (path, body) in requests {
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                answers.read_line(&mut head).unwrap() > 0,
                "no answer: {head}"
            );
        }
        let status = head.split(' ').nth(1).unwrap();
        statuses.push(status.parse().unwrap());
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        let mut rest = vec![0; length.unwrap().parse().unwrap()];
        answers.read_exact(&mut rest).unwrap();
    }
    statuses
}
