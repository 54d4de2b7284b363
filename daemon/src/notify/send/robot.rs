//! A WeCom group robot: markdown by POST (WeCom's documentation, 群机器人配置说明).

use std::time::Duration;

use camsync_config::ReloadingSecret;
use serde::Deserialize;
use serde_json::json;

use crate::notify::text::Said;

use super::{Again, Digest, Refusal, address, judge, unanswered};

/// The longest content of a markdown message, in bytes of UTF-8.
const LONGEST: usize = 4096;
/// More than 20 messages within a minute: what is refused for that is sent after one.
const TOO_OFTEN: i64 = 45009;
/// The key in the URL is no robot's.
const NO_SUCH_ROBOT: i64 = 93000;

#[derive(Debug)]
pub(super) struct Robot {
    http: reqwest::Client,
    url: ReloadingSecret,
}

#[derive(Deserialize)]
struct Answer {
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

impl Robot {
    pub(super) fn new(http: reqwest::Client, url: ReloadingSecret) -> Self {
        Self { http, url }
    }

    pub(super) async fn post(&self, digest: &Digest) -> Result<(), Refusal> {
        let body = json!({ "msgtype": "markdown", "markdown": { "content": content(digest) } });
        let request = self.http.post(address(&self.url)?).json(&body);
        let response = request.send().await.map_err(unanswered)?;
        judge(&response)?;
        let answer: Answer = response.json().await.map_err(|_| {
            let message = "the answer is not WeCom's: does the URL lead to a group robot?";
            Refusal::new(message, Again::Seldom)
        })?;
        let Answer { errcode, errmsg } = answer;
        let again = match errcode {
            0 => return Ok(()),
            TOO_OFTEN => Again::After(Duration::from_secs(60)),
            NO_SUCH_ROBOT => {
                let message = format!(
                    "errcode {errcode}: the robot does not exist; copy its webhook address into {} again",
                    self.url.reference()
                );
                return Err(Refusal::new(message, Again::Seldom));
            }
            _ => Again::Soon,
        };
        // WeCom ends its messages in a trail that changes each time.
        let errmsg = errmsg.split(", hint").next().unwrap_or_default();
        Err(Refusal::new(format!("errcode {errcode}: {errmsg}"), again))
    }
}

/// The message's text.
pub(super) fn content(digest: &Digest) -> String {
    let head = format!("**camsync: {}**\n", safe(&digest.title));
    let room = LONGEST - head.len();
    let titled = digest.items.len() > 1;
    head + &digest.fitting(room, |said| item(said, titled))
}

fn item(said: &Said, titled: bool) -> String {
    let mut text = String::new();
    if titled {
        text.push_str(&format!("**{}**\n", safe(&said.title)));
    }
    for part in [&said.text, &said.remedy] {
        if !part.is_empty() {
            text.push_str(&format!("> {}\n", safe(part)));
        }
    }
    if !said.command.is_empty() {
        text.push_str(&format!("> `{}`\n", safe(&said.command).replace('`', "'")));
    }
    text
}

/// Without what markdown would take for a link, a mention or a font: names come from elsewhere.
fn safe(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '<' => '‹',
            '>' => '›',
            '[' => '(',
            ']' => ')',
            '*' => '＊',
            c => c,
        })
        .collect()
}
