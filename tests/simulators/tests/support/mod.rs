//! Clients for driving the simulators over HTTP.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use camsync_simulators::cam::tc3::{Message, authorize};
use camsync_simulators::{cam, wecom};
use serde_json::{Value, json};

/// An HTTP client that follows no redirects.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A caller of the CAM simulator.
pub(crate) struct CamClient {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) secret_id: String,
    pub(crate) secret_key: String,
    pub(crate) token: Option<String>,
    /// Seconds by which this caller's clock is ahead.
    pub(crate) clock_offset: i64,
    pub(crate) version: String,
    pub(crate) signed_headers: Vec<&'static str>,
}

impl CamClient {
    pub(crate) fn new(sim: &cam::Simulator) -> Self {
        let options = cam::Options::default();
        Self {
            http: http(),
            url: sim.url(),
            secret_id: options.secret_id,
            secret_key: options.secret_key,
            token: None,
            clock_offset: 0,
            version: "2019-01-16".into(),
            signed_headers: vec!["content-type", "host"],
        }
    }

    /// Sends an action; what comes back, whatever it is.
    pub(crate) async fn send(
        &self,
        action: &str,
        params: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let body = params.to_string();
        let host = self.url.trim_start_matches("http://").to_owned();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let timestamp = (i64::try_from(now).unwrap() + self.clock_offset).to_string();
        let mut headers: Vec<(String, String)> = [
            ("content-type", "application/json"),
            ("host", host.as_str()),
            ("x-tc-action", action),
            ("x-tc-version", self.version.as_str()),
            ("x-tc-timestamp", timestamp.as_str()),
        ]
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
        headers.extend(
            self.token
                .clone()
                .map(|token| ("x-tc-token".to_owned(), token)),
        );
        let message = Message {
            method: "POST",
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let authorization = authorize(
            message,
            &self.signed_headers,
            &self.secret_id,
            &self.secret_key,
        )
        .unwrap();
        let mut request = self.http.post(format!("{}/", self.url)).body(body.clone());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        request.header("authorization", authorization).send().await
    }

    /// The content of `Response`.
    pub(crate) async fn call(&self, action: &str, params: Value) -> Value {
        let response = self.send(action, &params).await.unwrap();
        assert_eq!(response.status(), 200, "a processed request answers 200");
        let answer: Value = response.json().await.unwrap();
        assert!(answer["Response"]["RequestId"].is_string(), "{answer}");
        answer["Response"].clone()
    }

    /// The content of `Response` of a call that must succeed.
    pub(crate) async fn ok(&self, action: &str, params: Value) -> Value {
        let response = self.call(action, params).await;
        assert!(response.get("Error").is_none(), "{action}: {response}");
        response
    }

    /// The code of a call that must be refused.
    pub(crate) async fn refused(&self, action: &str, params: Value) -> String {
        let response = self.call(action, params).await;
        response["Error"]["Code"]
            .as_str()
            .unwrap_or_else(|| panic!("{action} was not refused: {response}"))
            .to_owned()
    }
}

/// A CAM simulator without rate limits, and its caller.
pub(crate) async fn cam(options: cam::Options) -> (cam::Simulator, CamClient) {
    let sim = cam::Simulator::start(cam::Options {
        rate: None,
        ..options
    })
    .await
    .unwrap();
    let client = CamClient::new(&sim);
    (sim, client)
}

/// A caller of the WeCom simulator.
pub(crate) struct WecomClient {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl WecomClient {
    pub(crate) async fn new(sim: &wecom::Simulator, secret: &str) -> Self {
        let mut client = Self {
            http: http(),
            url: sim.url(),
            token: String::new(),
        };
        client.token = client.gettoken(secret).await["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        client
    }

    pub(crate) async fn gettoken(&self, secret: &str) -> Value {
        let corp_id = wecom::Options::default().corp_id;
        self.raw(&format!("gettoken?corpid={corp_id}&corpsecret={secret}"))
            .await
    }

    /// A GET without token.
    pub(crate) async fn raw(&self, path: &str) -> Value {
        self.http
            .get(format!("{}/cgi-bin/{path}", self.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) fn url_of(&self, path: &str) -> String {
        let separator = if path.contains('?') { '&' } else { '?' };
        format!(
            "{}/cgi-bin/{path}{separator}access_token={}",
            self.url, self.token
        )
    }

    /// A GET with token, answered somehow.
    pub(crate) async fn send(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        self.http.get(self.url_of(path)).send().await
    }

    /// A GET with token.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(path).await.unwrap().json().await.unwrap()
    }

    /// A GET that must succeed.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer["errcode"], 0, "{path}: {answer}");
        answer
    }

    /// The errcode of a GET.
    pub(crate) async fn code(&self, path: &str) -> i64 {
        self.get(path).await["errcode"].as_i64().unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.http
            .post(self.url_of(path))
            .body(body.to_string())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

/// A WeCom simulator and a caller with the self-built app's token.
pub(crate) async fn wecom(options: wecom::Options) -> (wecom::Simulator, WecomClient) {
    let secret = options.secret.clone();
    let sim = wecom::Simulator::start(options).await.unwrap();
    let client = WecomClient::new(&sim, &secret).await;
    (sim, client)
}

/// Root 1 with 2 (and 4 below it) and 3; a member in each, one in 2 and 3, one in the root.
pub(crate) async fn acme(options: wecom::Options) -> (wecom::Simulator, WecomClient) {
    let (sim, client) = self::wecom(options).await;
    for (id, name, parent) in [(2, "研发", 1), (3, "销售", 1), (4, "平台", 2)] {
        sim.add_department(id, name, parent);
    }
    for (userid, name, departments) in [
        ("boss", "老板", &[1][..]),
        ("dev", "开发", &[2]),
        ("Sales", "销售员", &[3]),
        ("ops", "运维", &[4]),
        ("both", "两边", &[3, 2]),
    ] {
        sim.add_member(userid, name, departments);
    }
    (sim, client)
}

/// The texts under `field` of every row of a list.
pub(crate) fn column(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[field].clone())
        .collect()
}

/// One user's pair for the membership actions.
pub(crate) fn pair(group: u64, uin: u64) -> Value {
    json!({"Info": [{"GroupId": group, "Uin": uin}]})
}
