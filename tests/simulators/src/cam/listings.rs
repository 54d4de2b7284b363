//! The reads of users, each with the shape of its own (`cam-api.md 2.1`, `3.1`).

use serde_json::{Value, json};

use super::cloud::{User, UserKind};
use super::context::{Reading, contact, create_time, find_by_name, remark};
use super::fault::Fault;
use super::params::Params;
use super::refusal::{Outcome, Refusal, refuse};

impl Reading<'_> {
    /// Whether a listing shows this user, as far as faults go.
    pub(crate) fn shows(&self, user: &User) -> bool {
        !self.faults.iter().any(|fault| match fault {
            Fault::MissUser(name) => *name == user.name,
            Fault::EmptyListing => true,
            _ => false,
        })
    }

    /// Where a page after the first starts, as faults shift it.
    pub(crate) fn shifted(&self, start: usize) -> usize {
        let shift: i64 = self
            .faults
            .iter()
            .map(|fault| {
                if let Fault::ShiftPage(by) = fault {
                    *by
                } else {
                    0
                }
            })
            .sum();
        let moved = i64::try_from(start)
            .unwrap_or(i64::MAX)
            .saturating_add(shift);
        if start == 0 {
            0
        } else {
            usize::try_from(moved).unwrap_or(0)
        }
    }

    fn users(&self, wanted: impl Fn(&User) -> bool) -> Vec<&User> {
        self.cloud
            .users
            .values()
            .filter(|user| wanted(user) && self.shows(user))
            .collect()
    }
}

/// The fields that nearly every shape has.
fn common(view: &Reading, user: &User) -> Value {
    json!({
        "Uin": user.uin, "Name": user.name, "Uid": user.uid, "Remark": remark(view.options, user),
        "ConsoleLogin": u8::from(user.console_login),
        "PhoneNum": contact(view.options, &user.phone), "CountryCode": user.country_code,
        "Email": contact(view.options, &user.email),
    })
}

fn with(mut value: Value, fields: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut value, fields) {
        into.extend(from);
    }
    value
}

pub(crate) fn get(view: &Reading, params: &Params) -> Outcome {
    let uin = find_by_name(
        view.cloud,
        view.options,
        params.text("Name").unwrap_or_default(),
    )?;
    match view.cloud.users.get(&uin) {
        Some(user) => Ok(with(
            common(view, user),
            json!({"RecentlyLoginIP": "", "RecentlyLoginTime": ""}),
        )),
        None => refuse("ResourceNotFound.UserNotExist", "The user does not exist."),
    }
}

fn sub_account_info(view: &Reading, user: &User) -> Value {
    let fields =
        json!({"CreateTime": create_time(view.options, user.created), "NickName": user.name});
    with(common(view, user), fields)
}

pub(crate) fn list(view: &Reading, _: &Params) -> Outcome {
    let users = view.users(|user| {
        user.kind == UserKind::SubUser
            || (user.kind == UserKind::WeCom && view.options.list_users_holds_wecom)
    });
    let mut data: Vec<Value> = Vec::new();
    if view.options.uin_zero {
        // The documented sample (`cam-api.md 3.1`): an entry that is nobody.
        data.push(json!({
            "Uin": 0, "Name": "root", "Uid": 0, "Remark": null, "ConsoleLogin": 0, "PhoneNum": "",
            "CountryCode": "", "Email": "", "CreateTime": null, "NickName": null,
        }));
    }
    data.extend(users.into_iter().map(|user| sub_account_info(view, user)));
    Ok(json!({"Data": data}))
}

/// The string UserTypes that ListAccounts takes; `Unknown` only ever appears in answers.
const USER_TYPES: [&str; 7] = [
    "Owner",
    "SubUser",
    "CICUser",
    "WechatCorpUser",
    "AgentIdentity",
    "Collaborator",
    "MessageReceiver",
];

pub(crate) fn list_accounts(view: &Reading, params: &Params) -> Outcome {
    let most = params.number("MaxItems").unwrap_or(20);
    if !(1..=100).contains(&most) {
        return refuse("InvalidParameter", "MaxItems is 1 to 100.");
    }
    let wanted = params.text("UserType").unwrap_or_default();
    if !wanted.is_empty() && !USER_TYPES.contains(&wanted) {
        return refuse("InvalidParameter", "UserType is not valid.");
    }
    let marker = params.text("Marker").unwrap_or_default();
    if !marker.is_empty() && view.faults.contains(&Fault::MarkerExpired) {
        return marker_invalid();
    }
    let type_of = |user: &User| {
        if user.unmodifiable {
            "CICUser"
        } else {
            user.kind.word()
        }
    };
    // An account of many thousands is read page by page: only a page's own rows are made.
    let owner = view.options.uin_zero
        && (wanted.is_empty() || wanted == "Owner")
        && !view.faults.contains(&Fault::EmptyListing);
    let users = view.users(|user| wanted.is_empty() || wanted == type_of(user));
    let all: Vec<Option<&User>> = owner
        .then_some(None)
        .into_iter()
        .chain(users.into_iter().map(Some))
        .collect();
    let uin = |entry: &Option<&User>| entry.map_or(0, |user| user.uin);
    // The marker holds the last Uin that was given, so that removals between pages make no gap by themselves.
    let start = match marker {
        "" => 0,
        _ => {
            let last = read_marker(marker, wanted)?;
            all.iter()
                .position(|entry| uin(entry) > last)
                .unwrap_or(all.len())
        }
    };
    let start = view.shifted(start);
    let most = usize::try_from(most).unwrap_or(100);
    let page: Vec<_> = all.iter().skip(start).take(most).collect();
    let truncated = start + page.len() < all.len();
    let next = match page.last() {
        Some(entry) if truncated => format!("m:{}:{wanted}", uin(entry)),
        _ => String::new(),
    };
    let row = |entry: &Option<&User>| match entry {
        None => json!({
            "Uin": 0, "Name": "root", "Uid": 0, "Remark": null, "ConsoleLogin": 1, "PhoneNum": "",
            "CountryCode": "", "Email": "", "CreateTime": null, "UserType": "Owner",
        }),
        Some(user) => with(
            common(view, user),
            json!({"CreateTime": create_time(view.options, user.created), "UserType": type_of(user)}),
        ),
    };
    let users: Vec<_> = page.into_iter().map(row).collect();
    Ok(json!({"Users": users, "Marker": next, "IsTruncated": truncated}))
}

fn read_marker(marker: &str, wanted: &str) -> Result<u64, Refusal> {
    let mut parts = marker.splitn(3, ':');
    match (
        parts.next(),
        parts.next().and_then(|uin| uin.parse().ok()),
        parts.next(),
    ) {
        (Some("m"), Some(uin), Some(kind)) if kind == wanted => Ok(uin),
        _ => marker_invalid(),
    }
}

fn marker_invalid<T>() -> Result<T, Refusal> {
    refuse(
        "InvalidParameter.PaginationTokenInvalid",
        "The pagination token is invalid.",
    )
}

pub(crate) fn list_wecom(view: &Reading, params: &Params) -> Outcome {
    let users = view.users(|user| user.kind == UserKind::WeCom);
    let (offset, limit) = (
        params.number("Offset").unwrap_or(0),
        params.number("Limit").unwrap_or(0),
    );
    let offset = view.shifted(usize::try_from(offset).unwrap_or(usize::MAX));
    let limit = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .min(view.options.wecom_page_max);
    let row = |user: &&User| {
        let created = create_time(view.options, user.created);
        with(
            common(view, user),
            json!({"WeChatWorkUserId": user.wecom_id, "CreateTime": created}),
        )
    };
    let data: Vec<_> = users.iter().skip(offset).take(limit).map(row).collect();
    Ok(json!({"Data": data, "TotalCount": users.len()}))
}

pub(crate) fn describe(view: &Reading, params: &Params) -> Outcome {
    let uins = params.numbers("FilterSubAccountUin");
    if uins.len() > 50 {
        return refuse("InvalidParameter", "FilterSubAccountUin holds at most 50.");
    }
    let users = uins
        .iter()
        .filter_map(|uin| view.cloud.users.get(uin))
        .filter(|user| view.shows(user));
    let row = |user: &User| {
        json!({
            "Uin": user.uin, "Name": user.name, "Uid": user.uid, "Remark": remark(view.options, user),
            "CreateTime": create_time(view.options, user.created), "UserType": user.kind.number(),
            "LastLoginIp": null, "LastLoginTime": null,
        })
    };
    Ok(json!({"SubAccounts": users.map(row).collect::<Vec<_>>()}))
}

pub(crate) fn list_collaborators(view: &Reading, params: &Params) -> Outcome {
    let users = view.users(|user| user.kind == UserKind::Collaborator);
    let offset = usize::try_from(params.number("Offset").unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = usize::try_from(params.number("Limit").unwrap_or(20)).unwrap_or(usize::MAX);
    let page = users.iter().skip(view.shifted(offset)).take(limit);
    let data: Vec<_> = page.map(|user| sub_account_info(view, user)).collect();
    Ok(json!({"TotalNum": users.len(), "Data": data}))
}
