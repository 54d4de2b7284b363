//! What a message says: what became of the application, and nothing that is anybody else's.

use camsync_config::Tongue;
use camsync_connector_host::types::Message;
use url::Url;

use crate::ledger::{About, MessageRow};

/// The longest part that a person wrote, in characters: three bytes each still fit.
const NOTE_MAX: usize = 300;

/// The portal's page.
pub(super) fn page(public: &Url) -> String {
    format!("{}/portal", public.as_str().trim_end_matches('/'))
}

/// The message, with a link to the portal. `username` is the sub-user's, where there is one.
pub(super) fn message(
    tongue: Tongue,
    row: &MessageRow,
    username: Option<&str>,
    page: &str,
) -> Message {
    let number = row.application.id;
    let (title, mut text) = match tongue {
        Tongue::Chinese => zh(row.about, number, username.unwrap_or_default()),
        Tongue::English => en(row.about, number, username.unwrap_or_default()),
    };
    if let (About::Denied, Some(note)) = (row.about, &row.application.note) {
        let said = match tongue {
            Tongue::Chinese => "说明：",
            Tongue::English => "Note: ",
        };
        text = format!("{text}\n{said}{}", plain(note));
    }
    let label = match tongue {
        Tongue::Chinese => "查看",
        Tongue::English => "Open",
    };
    Message {
        title: title.to_owned(),
        text,
        link: Some((page.to_owned(), label.to_owned())),
    }
}

fn zh(about: About, number: i64, username: &str) -> (&'static str, String) {
    match about {
        About::Ready => (
            "腾讯云子用户已就绪",
            format!(
                "您的申请 {number} 已批准，子用户 {username} 已就绪。打开页面可取得密码和登录地址。"
            ),
        ),
        About::Approved => (
            "腾讯云子用户申请已批准",
            format!("您的申请 {number} 已批准，子用户稍后创建，就绪后再通知您。"),
        ),
        About::Denied => (
            "腾讯云子用户申请未获批准",
            format!("您的申请 {number} 未获批准。"),
        ),
        About::Expired => (
            "腾讯云子用户申请已过期",
            format!("您的申请 {number} 无人处理，已过期。您可以再次申请。"),
        ),
        About::NotAsked => (
            "腾讯云子用户申请已结束",
            format!("您的申请 {number} 已结束：按现行规则，您不必或不能申请。"),
        ),
    }
}

fn en(about: About, number: i64, username: &str) -> (&'static str, String) {
    match about {
        About::Ready => (
            "Your Tencent Cloud sub-user is ready",
            format!(
                "Your application {number} is approved, and the sub-user {username} is ready. \
                 The page has its password and where to sign in."
            ),
        ),
        About::Approved => (
            "Your application for a Tencent Cloud sub-user is approved",
            format!(
                "Your application {number} is approved. The sub-user follows; you are told when it is ready."
            ),
        ),
        About::Denied => (
            "Your application for a Tencent Cloud sub-user is denied",
            format!("Your application {number} is denied."),
        ),
        About::Expired => (
            "Your application for a Tencent Cloud sub-user has expired",
            format!(
                "Nobody answered your application {number}, and it has expired. You may apply again."
            ),
        ),
        About::NotAsked => (
            "Your application for a Tencent Cloud sub-user has ended",
            format!(
                "Your application {number} has ended: by the rules as they are, you need none, or cannot apply."
            ),
        ),
    }
}

/// A person's words, on one line and not too long.
fn plain(words: &str) -> String {
    let mut kept: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(NOTE_MAX)
        .collect();
    if words.chars().nth(NOTE_MAX).is_some() {
        kept.push('…');
    }
    kept
}
