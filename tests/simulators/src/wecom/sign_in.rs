//! The two pages that a browser signs in at (`wecom-api.md 4.1`, `4.2`): what they demand of their address, and where
//! they send the browser.

use super::core::State;
use super::workbench::{Code, Who};

const IN_APP: &str = "https://open.weixin.qq.com/connect/oauth2/authorize?";
const QR: &str = "https://login.work.weixin.qq.com/wwlogin/sso/login?";

/// Which of the pages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The silent one inside the WeCom app.
    InApp,
    /// The one with the QR code.
    Qr,
}

/// Somebody opens the page and agrees, or, with nobody, declines: the page, and where the browser goes.
pub(super) fn open(
    state: &mut State,
    url: &str,
    who: Option<Who>,
) -> Result<(Page, String), String> {
    let (page, query) = if let Some(query) = url.strip_prefix(IN_APP) {
        let query = query.strip_suffix("#wechat_redirect");
        (Page::InApp, query.ok_or("no #wechat_redirect")?)
    } else if let Some(query) = url.strip_prefix(QR) {
        (Page::Qr, query)
    } else {
        return Err(format!("no page of WeCom: {url}"));
    };
    let pairs = crate::query::pairs(query);
    let said = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone())
    };
    let demand = |name: &str, wanted: &str| match said(name) {
        Some(value) if value == wanted => Ok(()),
        other => Err(format!("{name} is {other:?}, not {wanted:?}")),
    };
    demand("appid", &state.options.corp_id)?;
    match page {
        Page::InApp => {
            demand("response_type", "code")?;
            demand("scope", "snsapi_base")?;
        }
        Page::Qr => {
            demand("login_type", "CorpApp")?;
            demand("agentid", &state.options.agent_id.to_string())?;
        }
    }
    let back = said("redirect_uri").ok_or("no redirect_uri")?;
    let host = back.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    if host.is_empty() {
        return Err(format!("redirect_uri is no URL: {back}"));
    }
    if let Some(trusted) = &state.options.trusted_domain
        && trusted != host
    {
        return Err(format!("50001: {host} is not the trusted domain"));
    }
    let given = said("state").ok_or("no state")?;
    if given.is_empty() || given.len() > 128 || !given.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(format!("state is {given:?}"));
    }
    let join = if back.contains('?') { '&' } else { '?' };
    let Some(who) = who else {
        return Ok((page, format!("{back}{join}state={given}")));
    };
    let code = issue(state, who);
    Ok((page, format!("{back}{join}code={code}&state={given}")))
}

/// Makes a code of the self-built app.
pub(super) fn issue(state: &mut State, who: Who) -> String {
    let code = format!("code-{}", state.codes.len() + 1);
    let made = Code {
        agent_id: state.options.agent_id,
        who,
        issued: state.now(),
        used: false,
    };
    state.codes.insert(code.clone(), made);
    code
}
