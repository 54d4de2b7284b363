//! A scripted CAM on loopback and a clock that never makes a test wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use camsync_cam::{
    Client, ClientOptions, Clock, Credentials, StaticCredentials, http_client,
    signature::{Signable, authorization},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) const SECRET_ID: &str = "AKIDtestvisible";
pub(crate) const SECRET_KEY: &str = "KEYtestvisible";
/// The machine's time in every test.
pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const CALLER: u64 = 100_000_000_010;
pub(crate) const OWNER: u64 = 100_000_000_001;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) body: Value,
    pub(crate) raw_body: Vec<u8>,
    pub(crate) headers: HashMap<String, String>,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn timestamp(&self) -> i64 {
        self.header("x-tc-timestamp").parse().unwrap()
    }

    /// Whether the request is signed with this key, over exactly what arrived.
    pub(crate) fn is_signed_with(&self, id: &str, key: &str) -> bool {
        let headers = [
            ("content-type", self.header("content-type")),
            ("host", self.header("host")),
        ];
        let request = Signable {
            method: "POST",
            query: "",
            headers: &headers,
            body: &self.raw_body,
        };
        self.header("authorization") == authorization(id, key, &request, self.timestamp())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status 200 with `{"Response": …}` around this, and a RequestId in it.
    Ok(Value),
    /// An error as CAM gives it.
    Error(&'static str, &'static str),
    /// These bytes, whatever they are, then the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection without a word.
    Drop,
    /// Silence.
    Hang,
}

/// The whole text of a plain answer.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    Reply::Raw(format!("{head}{body}").into_bytes())
}

pub(crate) struct Server {
    pub(crate) endpoint: String,
    calls: Arc<Mutex<Vec<Call>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a CAM that answers `GetUserAppId` by itself and everything else as the script says.
    pub(crate) async fn start(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&calls);
        let script = Arc::new(script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (recorded, script) = (Arc::clone(&recorded), Arc::clone(&script));
                tokio::spawn(async move { serve(stream, &recorded, &*script).await });
            }
        });
        Self {
            endpoint,
            calls,
            task,
        }
    }

    /// Every request so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The requests of one action.
    pub(crate) fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls()
            .into_iter()
            .filter(|call| call.action == action)
            .collect()
    }

    pub(crate) fn options(&self) -> (ClientOptions, Arc<TestClock>) {
        options(&self.endpoint)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.options().0).unwrap()
    }
}

pub(crate) fn options(endpoint: &str) -> (ClientOptions, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    let credentials = Arc::new(StaticCredentials(Credentials::new(SECRET_ID, SECRET_KEY)));
    let http = http_client(None, None).unwrap();
    let mut options = ClientOptions::new(endpoint.parse().unwrap(), http, credentials);
    options.clock = clock.clone();
    (options, clock)
}

async fn serve(
    mut stream: TcpStream,
    calls: &Mutex<Vec<Call>>,
    script: &(dyn Fn(&Call) -> Reply + Send + Sync),
) {
    let Some(call) = read_call(&mut stream).await else {
        return;
    };
    calls.lock().unwrap().push(call.clone());
    let reply = if call.action == "GetUserAppId" {
        Reply::Ok(
            json!({"Uin": CALLER.to_string(), "OwnerUin": OWNER.to_string(), "AppId": 1_250_000_000}),
        )
    } else {
        script(&call)
    };
    let bytes = match reply {
        Reply::Ok(mut value) => {
            value["RequestId"] = json!("request-1");
            answer(&json!({ "Response": value }))
        }
        Reply::Error(code, message) => answer(&json!({"Response": {
            "RequestId": "request-2", "Error": {"Code": code, "Message": message}}})),
        Reply::Raw(bytes) => bytes,
        Reply::Drop => return,
        Reply::Hang => std::future::pending().await,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

fn answer(value: &Value) -> Vec<u8> {
    let Reply::Raw(bytes) = http(
        "200 OK",
        "Content-Type: application/json\r\n",
        &value.to_string(),
    ) else {
        unreachable!()
    };
    bytes
}

pub(crate) async fn read_call(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let headers: HashMap<_, _> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut raw_body = bytes[head_end + 4..].to_vec();
    while raw_body.len() < length {
        if stream.read_buf(&mut raw_body).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&raw_body).unwrap();
    Some(Call {
        action: headers["x-tc-action"].clone(),
        body,
        raw_body,
        headers,
    })
}

/// Sleeping takes no time but moves this clock.
#[derive(Default)]
pub(crate) struct TestClock {
    now: Mutex<Duration>,
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn unix_seconds(&self) -> i64 {
        NOW + i64::try_from(self.now().as_secs()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.now.lock().unwrap() += duration;
    }
}
