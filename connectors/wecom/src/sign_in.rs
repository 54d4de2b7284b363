//! Signing in with WeCom: where to send the browser, and whom the returned code names (`wecom-api.md` 4.1 to 4.3).

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{Failure, SignInRequest, SignedIn};

use crate::api::{Api, Call};
use crate::member::is_usable_id;
use crate::request::encode;
use crate::settings::Settings;
use crate::wire::UserInfo;

const PATH: &str = "auth/getuserinfo";

/// The longest code that WeCom makes, in bytes.
const CODE_MAX: usize = 512;

/// The page to send the browser to: the silent one inside the WeCom app, the QR code elsewhere.
pub(crate) fn url(settings: &Settings, request: &SignInRequest) -> String {
    let agent_id = settings.agent_id.to_string();
    let language = request.language.pick("zh", "en");
    let (page, query, fragment): (_, Vec<(&str, &str)>, _) = if request.inside_app {
        let query = vec![
            ("appid", settings.corp_id.as_str()),
            ("redirect_uri", &request.redirect_uri),
            ("response_type", "code"),
            ("scope", "snsapi_base"),
            ("state", &request.state),
            ("agentid", &agent_id),
        ];
        (
            "https://open.weixin.qq.com/connect/oauth2/authorize",
            query,
            "#wechat_redirect",
        )
    } else {
        let query = vec![
            ("login_type", "CorpApp"),
            ("appid", settings.corp_id.as_str()),
            ("agentid", &agent_id),
            ("redirect_uri", &request.redirect_uri),
            ("state", &request.state),
            ("lang", language),
        ];
        (
            "https://login.work.weixin.qq.com/wwlogin/sso/login",
            query,
            "",
        )
    };
    let mut url = page.to_owned();
    for (position, (name, value)) in query.into_iter().enumerate() {
        url.push(if position == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        encode(value, &mut url);
    }
    url.push_str(fragment);
    url
}

/// Exchanges a code. Whether the member is in the visible range is not said by WeCom: it names every member of the
/// enterprise.
pub(crate) fn who(host: &dyn Host, settings: &Settings, code: &str) -> Result<SignedIn, Failure> {
    if code.is_empty() || code.len() > CODE_MAX {
        return Err(crate::refused(PATH, "this is not a sign-in code"));
    }
    let api = Api::of_app(host, settings)?;
    let who: UserInfo = api
        .get(Call::with(PATH, "code", code))
        .map_err(|problem| api.failure(problem))?;
    // `CorpId/userid` is somebody of a linked enterprise.
    if is_usable_id(&who.userid) && !who.userid.contains('/') {
        Ok(SignedIn::Member(who.userid))
    } else if who.userid.is_empty() && who.openid.is_empty() && who.external_userid.is_empty() {
        Err(crate::unavailable(PATH, "answered without naming anybody"))
    } else {
        Ok(SignedIn::Stranger)
    }
}
