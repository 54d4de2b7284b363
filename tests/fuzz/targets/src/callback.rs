//! WeCom's callbacks, as anybody may send them to the portal's address: forged, and sealed as WeCom does.

use camsync_connector_sdk::types::{
    CallbackRequest, Department, Level, Member, Outcome, Request, Ticket,
};
use camsync_connector_sdk::{Connector, Host};
use camsync_connector_wecom::WeCom;

use crate::bytes::Bytes;
use crate::wecom_seal::CallbackKeys;

const TOKEN: &str = "QDG6eK";
const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const CORP: &str = "ww0123456789abcdef";
const NOW: i64 = 1_718_000_000;

/// A callback may use neither network nor sink.
struct Deaf;

impl Host for Deaf {
    fn submit(&self, _: Request) -> Ticket {
        panic!("a callback used the network")
    }
    fn wait(&self) -> Option<(Ticket, Outcome)> {
        panic!("a callback used the network")
    }
    fn now_ms(&self) -> f64 {
        1_718_000_000_000.0
    }
    fn sleep_ms(&self, _: u32) {
        panic!("a callback slept")
    }
    fn log(&self, _: Level, line: &str) {
        assert!(!line.contains(TOKEN) && !line.contains(KEY), "{line}");
    }
    fn cache_get(&self, _: &str) -> Option<String> {
        None
    }
    fn cache_set(&self, _: &str, _: &str, _: u32) {}
    fn cache_delete(&self, _: &str) {}
    fn departments(&self, _: Vec<Department>) {
        panic!("a callback found somebody")
    }
    fn members(&self, _: Vec<Member>) {
        panic!("a callback found somebody")
    }
    fn progress(&self, _: u32, _: Option<u32>) {}
}

/// The first byte says who sent it; the rest is what.
pub(crate) fn wecom_callback(data: &[u8]) {
    let settings = format!(
        r#"{{"corp_id":"{CORP}","agent_id":1000002,"secret":"s","callback_token":"{TOKEN}","callback_aes_key":"{KEY}"}}"#
    );
    let keys = CallbackKeys::new(TOKEN, KEY, CORP).expect("a key");
    let mut data = Bytes::new(data);
    let kind = data.byte() % 4;
    let (method, query, body) = match kind {
        // Anybody.
        0 | 1 => {
            let query = String::from_utf8_lossy(data.line()).into_owned();
            let method = if kind == 0 { "POST" } else { "GET" };
            (method, query, data.rest().to_vec())
        }
        // WeCom, whatever it says.
        2 => {
            let text = String::from_utf8_lossy(data.rest()).into_owned();
            let sealed = keys.event(&text, NOW, "nonce");
            ("POST", sealed.query, sealed.body.into_bytes())
        }
        // Whoever knows the token and not the key: signed, and no message of WeCom's.
        _ => {
            let cipher = String::from_utf8_lossy(data.rest()).into_owned();
            let signature = keys.sign(NOW, "nonce", &cipher);
            let query = format!("msg_signature={signature}&timestamp={NOW}&nonce=nonce");
            let body = format!("<xml><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>");
            ("POST", query, body.into_bytes())
        }
    };
    let request = CallbackRequest {
        method: method.to_owned(),
        query,
        body,
    };
    let answer = WeCom::callback(&Deaf, &settings, &request).expect("the settings are good");
    let known = [200, 400, 403, 404, 405, 413];
    assert!(known.contains(&answer.status), "status {}", answer.status);
    if kind < 2 {
        assert!(answer.hints.is_empty(), "a forged callback was believed");
        assert_ne!(answer.status, 200, "a forged callback was taken");
    }
}
