//! Cause and remedy of a failure, in Chinese and English, for an administrator.

mod texts;

use camsync_connector_sdk::types::{Explanation, Failure, FailureDetail, Language};

use crate::codes::{Class, class_of};
use crate::range::{CLOSED, EMPTY};
use texts::Text;

/// Explains a failure of this connector; nothing when its own words say all there is to say.
pub(crate) fn explain(failure: &Failure, language: Language) -> Option<Explanation> {
    if let Failure::Bug(_) = failure {
        return Some(words(&texts::BUG, language));
    }
    let detail = failure.detail()?;
    if let Some(code) = code_of(detail) {
        if code == 60020 {
            return Some(untrusted_address(detail, language));
        }
        return texts::of_code(code)
            .or_else(|| texts::of_class(class_of(code)))
            .map(|text| words(text, language));
    }
    match (detail.message.as_str(), failure) {
        (CLOSED, _) => texts::of_code(50003).map(|text| words(text, language)),
        (EMPTY, _) => Some(words(&texts::EMPTY_RANGE, language)),
        (_, Failure::Unavailable(_)) => Some(words(&texts::UNREACHABLE, language)),
        (_, Failure::SettingsWrong(_)) => Some(words(&texts::SETTINGS, language)),
        (_, Failure::Refused(_)) => {
            texts::of_class(Class::TooLarge).map(|text| words(text, language))
        }
        _ => None,
    }
}

/// Every code of the table that an administrator can meet has words of its own, or those of its class.
fn code_of(detail: &FailureDetail) -> Option<i64> {
    detail.code.as_deref()?.parse().ok()
}

fn words(text: &Text, language: Language) -> Explanation {
    let (cause, remedy) = language.pick(text.zh, text.en);
    Explanation {
        cause: cause.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// 60020: WeCom names the address it saw, and exactly that one must be entered (`wecom-api.md` 1.5).
fn untrusted_address(detail: &FailureDetail, language: Language) -> Explanation {
    let address = from_ip(&detail.message);
    let (zh_what, en_what) = match address {
        Some(address) => (format!("地址 {address}"), format!("address {address}")),
        None => (
            "本机的公网出口地址".to_owned(),
            "public address that this machine calls from".to_owned(),
        ),
    };
    let cause = language.pick(
        format!("{zh_what} 不在该应用的「企业可信IP」中，企业微信拒绝了这次调用。"),
        format!("The {en_what} is not among the app's trusted IPs (企业可信IP), so WeCom refused the call."),
    );
    let remedy = language.pick(
        format!(
            "在管理后台「应用管理 > 该应用 > 企业可信IP」中加入{zh_what}，约一分钟后生效。\
             该地址必须属于本企业；如控制台不允许保存，请先设置可信域名或可用的接收消息回调URL。"
        ),
        format!(
            "Add exactly the {en_what} in the console: 应用管理 > the app > 企业可信IP. It takes about a minute to work. \
             The address must belong to the enterprise itself; if the console will not save it, first set a trusted \
             domain or a working callback URL."
        ),
    );
    Explanation { cause, remedy }
}

/// The address in `... from ip: 203.0.113.7, more info at ...`.
fn from_ip(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("from ip:")?;
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'))
        .unwrap_or(rest.len());
    let address = rest[..end].trim_end_matches([':', '.']);
    (!address.is_empty()).then_some(address)
}

#[cfg(test)]
mod tests;
