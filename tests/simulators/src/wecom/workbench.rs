//! The endpoints about the app itself: agent/get, sign-in codes, messages (`wecom-api.md 2.5`, `4.3`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::app::{AppKind, Sight};
use super::directory::Reading;
use super::reply::{Outcome, refuse};

/// How long an unused sign-in code lives (`wecom-api.md 4.1`).
const CODE_LIFE: Duration = Duration::from_secs(300);

pub(crate) fn agent_get(view: &Reading) -> Outcome {
    let Some(agent_id) = view.number("agentid")? else {
        return refuse(41011);
    };
    if view.app.kind == AppKind::ContactSync || agent_id != view.app.agent_id {
        return refuse(301002);
    }
    let range = &view.app.range;
    let container = |empty: bool, full: Value| {
        if empty && view.options.null_containers {
            Value::Null
        } else {
            full
        }
    };
    let users: Vec<_> = range
        .members
        .iter()
        .map(|userid| json!({"userid": userid}))
        .collect();
    Ok(json!({
        "agentid": view.app.agent_id, "name": view.app.name, "square_logo_url": "", "description": "",
        "allow_userinfos": container(users.is_empty(), json!({"user": users})),
        "allow_partys": container(range.departments.is_empty(), json!({"partyid": range.departments})),
        "allow_tags": container(range.tags.is_empty(), json!({"tagid": range.tags})),
        "close": u8::from(view.app.closed), "redirect_domain": "", "report_location_flag": 0, "isreportenter": 0,
        "home_url": "",
    }))
}

/// A sign-in code.
pub(crate) struct Code {
    pub(crate) agent_id: u32,
    pub(crate) who: Who,
    pub(crate) issued: Duration,
    pub(crate) used: bool,
}

/// Who scanned a sign-in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A member of the enterprise, in the visible range or not.
    Member(String),
    /// Somebody else.
    Outsider(String),
}

pub(crate) fn user_info(
    view: &Reading,
    codes: &mut BTreeMap<String, Code>,
    now: Duration,
) -> Outcome {
    if view.app.kind == AppKind::ContactSync {
        return refuse(48002);
    }
    let Some(code) = view.text("code").and_then(|code| codes.get_mut(code)) else {
        return refuse(40029);
    };
    if code.agent_id != view.app.agent_id {
        return refuse(50001);
    }
    if code.used {
        return refuse(42022);
    }
    if now.saturating_sub(code.issued) >= CODE_LIFE {
        return refuse(40029);
    }
    code.used = true;
    match &code.who {
        Who::Member(userid) => Ok(json!({"userid": userid})),
        Who::Outsider(openid) => {
            Ok(json!({"openid": openid, "external_userid": format!("wm{openid}")}))
        }
    }
}

/// A message that was sent. One that asks for the duplicate check is kept once; that the check ends is not simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The userids that it reached.
    pub to: Vec<String>,
    /// The msgtype.
    pub kind: String,
    /// What stands under the name of the msgtype.
    pub content: Value,
}

pub(crate) fn message_send(view: &Reading, messages: &mut Vec<Message>) -> Outcome {
    if view.app.kind == AppKind::ContactSync {
        return refuse(48002);
    }
    let body = view.json()?;
    match body.get("agentid") {
        None => return refuse(41011),
        Some(agent_id) if agent_id.as_u64() != Some(u64::from(view.app.agent_id)) => {
            return refuse(301002);
        }
        Some(_) => {}
    }
    let kind = body
        .get("msgtype")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(content) = body.get(kind).filter(|content| content.is_object()) else {
        return refuse(40058);
    };
    let sight = Sight::new(
        view.enterprise,
        view.app,
        view.options.member_departments_visible,
    );
    let list = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).unwrap_or_default();
        text.split('|')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (mut to, mut invalid) = (Vec::new(), Vec::new());
    for userid in list("touser") {
        if userid == "@all" {
            let all = view
                .enterprise
                .members
                .values()
                .filter(|member| sight.member(member));
            to.extend(all.map(|member| member.userid.clone()));
        } else if sight.userid(&userid) {
            to.push(userid);
        } else {
            invalid.push(userid);
        }
    }
    for department in list("toparty")
        .iter()
        .filter_map(|id| id.parse().ok())
        .filter(|id| sight.department(*id))
    {
        let below = view.enterprise.subtree([department]);
        let inside = view
            .enterprise
            .members
            .values()
            .filter(|member| member.departments.iter().any(|id| below.contains(id)));
        to.extend(inside.map(|member| member.userid.clone()));
    }
    if to.is_empty() {
        return refuse(81013);
    }
    let message = Message {
        to,
        kind: kind.to_owned(),
        content: content.clone(),
    };
    let once = body.get("enable_duplicate_check").and_then(Value::as_u64) == Some(1);
    if !(once && messages.contains(&message)) {
        messages.push(message);
    }
    Ok(json!({"invaliduser": invalid.join("|"), "msgid": format!("simulated-{}", messages.len())}))
}
