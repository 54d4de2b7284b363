//! A receiver of notifications on loopback: an HTTP server that takes, refuses or keeps silent.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Posted {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Posted {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The text of a robot's message.
    pub fn markdown(&self) -> String {
        let body = self.json();
        assert_eq!(body["msgtype"], "markdown");
        body["markdown"]["content"].as_str().unwrap().to_owned()
    }
}

/// What the HTTP server answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As WeCom does when all is well; others look at the status alone.
    Taken,
    Status(u16),
    Body(String),
    /// Nothing comes, and when another answer is set the connection closes.
    Silence,
}

/// An HTTP server that keeps what is posted.
pub struct Inbox {
    port: u16,
    posted: Arc<Mutex<Vec<Posted>>>,
    answer: Arc<Answering>,
}

/// What is answered now, and who waits for something else.
type Answering = (Mutex<Answer>, Condvar);

impl Inbox {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inbox = Self {
            port: listener.local_addr().unwrap().port(),
            posted: Arc::default(),
            answer: Arc::new((Mutex::new(Answer::Taken), Condvar::new())),
        };
        let (posted, answer) = (Arc::clone(&inbox.posted), Arc::clone(&inbox.answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (posted, answer) = (Arc::clone(&posted), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &posted, &answer));
            }
        });
        inbox
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn answer(&self, answer: Answer) {
        *self.answer.0.lock().unwrap() = answer;
        self.answer.1.notify_all();
    }

    /// What was posted to a path, in order.
    pub fn posted(&self, path: &str) -> Vec<Posted> {
        let mut posted = self.posted.lock().unwrap().clone();
        posted.retain(|p| p.path.starts_with(path));
        posted
    }

    /// The documents of a webhook with this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let documents = self.posted("/hook").into_iter().map(|p| p.json());
        documents.filter(|d| d["event"] == event).collect()
    }
}

fn serve(stream: TcpStream, posted: &Mutex<Vec<Posted>>, (answer, changed): &Answering) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let now = answer.lock().unwrap().clone();
        posted.lock().unwrap().push(Posted {
            path,
            headers,
            body: String::from_utf8(body).unwrap(),
        });
        let (status, body) = match now {
            Answer::Taken => (200, r#"{"errcode":0,"errmsg":"ok"}"#.to_owned()),
            Answer::Status(status) => (status, String::new()),
            Answer::Body(body) => (200, body),
            Answer::Silence => {
                let silent = answer.lock().unwrap();
                let over = changed.wait_while(silent, |now| matches!(now, Answer::Silence));
                drop(over);
                return;
            }
        };
        let answered = write!(
            reader.get_mut(),
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if answered.is_err() {
            return;
        }
    }
}
