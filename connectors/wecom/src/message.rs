//! Telling a member by a message of the app (应用消息, `message/send`). The app's own secret: the contact-sync
//! assistant's may not send (48002, `wecom-api.md` 1.4).

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{Failure, Message};
use serde_json::{Value, json};

use crate::api::{Api, Call};
use crate::settings::Settings;
use crate::wire::Sent;

const PATH: &str = "message/send";

/// What a text card's description may hold, in bytes; more is cut off by WeCom (发送应用消息, 文本卡片消息).
const CARD_MAX: usize = 512;
/// The longest userid, in bytes.
const ID_MAX: usize = 64;
/// Seconds in which WeCom drops the same message to the same receiver, the most that it takes: what is sent again
/// because its answer was lost arrives once.
const ONCE_WITHIN_S: u32 = 4 * 3600;

/// Sends a message to one member.
pub(crate) fn send(
    host: &dyn Host,
    settings: &Settings,
    member: &str,
    message: &Message,
) -> Result<(), Failure> {
    if !is_one_member(member) {
        return Err(crate::refused(PATH, "this is not the id of one member"));
    }
    let api = Api::of_app(host, settings)?;
    let sent: Sent = api
        .get(Call::post(PATH, &document(settings, member, message)))
        .map_err(|problem| api.failure(problem))?;
    if sent.invaliduser.is_empty() && sent.unlicenseduser.is_empty() {
        Ok(())
    } else {
        Err(crate::refused(PATH, "did not deliver to this member"))
    }
}

/// A userid is letters, digits and `_-@.`, a letter or digit first. Anything else could name more than one receiver:
/// `a|b`, `@all`.
fn is_one_member(id: &str) -> bool {
    let first = id.chars().next();
    first.is_some_and(|c| c.is_ascii_alphanumeric())
        && id.len() <= ID_MAX
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-@.".contains(c))
}

/// A card where there is a link and room, else plain text.
fn document(settings: &Settings, member: &str, message: &Message) -> Value {
    let (title, text) = (plain(&message.title), plain(&message.text));
    let (kind, content) = match &message.link {
        Some((url, label)) if text.len() <= CARD_MAX => (
            "textcard",
            json!({"title": title, "description": text, "url": url, "btntxt": label}),
        ),
        Some((url, label)) => (
            "text",
            json!({"content": format!("{title}\n{text}\n{label}: {url}")}),
        ),
        None => ("text", json!({"content": format!("{title}\n{text}")})),
    };
    let mut document = json!({
        "touser": member,
        "agentid": settings.agent_id,
        "msgtype": kind,
        "enable_duplicate_check": 1,
        "duplicate_check_interval": ONCE_WITHIN_S,
    });
    document[kind] = content;
    document
}

/// WeCom draws `<a>` and `<div>` in messages: what people wrote must not become a link.
fn plain(text: &str) -> String {
    text.replace('<', "＜").replace('>', "＞")
}
