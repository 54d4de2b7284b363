//! A member's browser: cookies, no automatic redirects, and the portal's own requests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use camsync_simulators::wecom::{Page, Who};
use serde_json::{Value, json};

use crate::http::{Answer, Served};
use crate::world::World;

/// The WeCom app's own browser, on a phone.
pub const IN_APP: &str = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 wxwork/4.1.30 MicroMessenger/7.0.1 Language/zh";
/// Any other.
pub const DESKTOP: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131 Safari/537.36";

pub struct Browser<'s> {
    world: &'s World,
    served: &'s Served<'s>,
    client: reqwest::Client,
    agent: &'static str,
    /// What it keeps, by name.
    pub cookies: RefCell<BTreeMap<String, String>>,
    /// The attributes of the last cookie of a name.
    pub attributes: RefCell<BTreeMap<String, String>>,
}

impl<'s> Browser<'s> {
    pub fn new(world: &'s World, served: &'s Served<'s>, agent: &'static str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            world,
            served,
            client,
            agent,
            cookies: RefCell::default(),
            attributes: RefCell::default(),
        }
    }

    /// A browser in which somebody has signed in.
    pub fn of(world: &'s World, served: &'s Served<'s>, member: &str) -> Self {
        let browser = Self::new(world, served, DESKTOP);
        let back = browser.go_through(Who::Member(member.into())).1;
        assert_eq!(back.status, 303, "{:#}", back.body);
        browser
    }

    pub fn ask(
        &self,
        method: &str,
        path: &str,
        more: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.served.url(path));
        request = request.header("user-agent", self.agent);
        let cookies: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = more(request);
        let answer = self.world.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.unwrap();
            Answer {
                status,
                headers,
                body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            }
        });
        for cookie in answer.headers.get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if attributes.contains("Max-Age=0;") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
            self.attributes
                .borrow_mut()
                .insert(name.to_owned(), attributes.to_owned());
        }
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, |r| r)
    }

    /// Begins a sign-in; where the provider's page is.
    pub fn begin(&self) -> String {
        let sent = self.get("/portal/acme/sign-in");
        assert_eq!(sent.status, 302, "{:#}", sent.body);
        sent.header("location").to_owned()
    }

    /// Signs in as somebody: which page the provider showed, and what the way back came to.
    pub fn go_through(&self, who: Who) -> (Page, Answer) {
        let (page, back) = self.world.wecom.sign_in(&self.begin(), Some(who)).unwrap();
        (page, self.get(&self.path_of(&back)))
    }

    /// The path and query of an address here.
    pub fn path_of(&self, url: &str) -> String {
        let path = url.strip_prefix(&self.served.url(""));
        path.unwrap_or_else(|| panic!("{url} is not ours"))
            .to_owned()
    }

    /// What the portal tells of who is signed in.
    pub fn me(&self) -> Value {
        let answer = self.get("/portal/api/me");
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        answer.body
    }

    fn csrf(&self) -> String {
        self.me()["csrf"].as_str().unwrap().to_owned()
    }

    /// Does something, as the page does.
    pub fn act(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let csrf = self.csrf();
        self.ask(method, &format!("/portal/api/{path}"), |r| {
            let r = r.header("x-csrf-token", csrf);
            match body {
                Some(body) => r
                    .header("content-type", "application/json")
                    .body(body.to_string()),
                None => r,
            }
        })
    }

    /// Applies; the application's id.
    pub fn apply(&self, reason: &str) -> i64 {
        let made = self.act("POST", "application", Some(json!({ "reason": reason })));
        assert_eq!(made.status, 201, "{:#}", made.body);
        made.body["application"]["id"].as_i64().unwrap()
    }
}
