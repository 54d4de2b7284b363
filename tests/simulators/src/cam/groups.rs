//! Groups and memberships (`cam-api.md 3.2`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cloud::{Cloud, Group, User};
use super::context::{Reading, Writing, contact, create_time, remark, time};
use super::history::FieldChange;
use super::options::Repeat;
use super::params::Params;
use super::refusal::{Outcome, Refusal, refuse};

fn no_user<T>() -> Result<T, Refusal> {
    refuse("ResourceNotFound.UserNotExist", "The user does not exist.")
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return refuse(
            "InvalidParameter.ParamError",
            "The group name is not valid.",
        );
    }
    Ok(())
}

pub(crate) fn create(edit: &mut Writing, params: &Params) -> Outcome {
    let name = params.text("GroupName").unwrap_or_default().to_owned();
    check_name(&name)?;
    if edit.cloud.group(&name).is_some() {
        return refuse(
            "InvalidParameter.GroupNameInUse",
            "The group name is in use.",
        );
    }
    if edit.cloud.groups.len() >= edit.options.quotas.groups {
        return refuse(
            "InvalidParameter.GroupFull",
            "The number of groups has reached the limit.",
        );
    }
    let id = edit.cloud.next_id();
    let remark = params.text("Remark").unwrap_or_default().to_owned();
    let group = Group {
        id,
        name: name.clone(),
        remark,
        created: edit.now,
        policies: BTreeMap::new(),
    };
    edit.cloud.groups.insert(id, group);
    edit.record(None, &name, vec![FieldChange::new("GroupName", "", &name)]);
    Ok(json!({"GroupId": id}))
}

pub(crate) fn update(edit: &mut Writing, params: &Params) -> Outcome {
    let id = params.number("GroupId").unwrap_or_default();
    if let Some(name) = params.text("GroupName") {
        check_name(name)?;
        if edit.cloud.group(name).is_some_and(|group| group.id != id) {
            return refuse(
                "InvalidParameter.GroupNameInUse",
                "The group name is in use.",
            );
        }
    }
    let Some(group) = edit.cloud.groups.get_mut(&id) else {
        return refuse(
            "ResourceNotFound.GroupNotExist",
            "The group does not exist.",
        );
    };
    let mut changes = Vec::new();
    for (field, old) in [
        ("GroupName", &mut group.name),
        ("Remark", &mut group.remark),
    ] {
        if let Some(new) = params.text(field)
            && new != old
        {
            changes.push(FieldChange::new(field, &*old, new));
            *old = new.to_owned();
        }
    }
    let name = group.name.clone();
    edit.record(None, &name, changes);
    Ok(json!({}))
}

pub(crate) fn delete(edit: &mut Writing, params: &Params) -> Outcome {
    let id = params.number("GroupId").unwrap_or_default();
    if !edit.cloud.groups.contains_key(&id) {
        // Sic: the code that the reference lists for DeleteGroup and GetGroup (`cam-api.md 0.2` point 9).
        return no_user();
    }
    if edit.cloud.group_size(id) > 0 && !edit.options.delete_full_group {
        return refuse("FailedOperation", "The group has members.");
    }
    for user in edit.cloud.users.values_mut() {
        user.groups.remove(&id);
    }
    if let Some(group) = edit.cloud.groups.remove(&id) {
        edit.record(
            None,
            &group.name,
            vec![FieldChange::new("GroupName", &group.name, "")],
        );
    }
    Ok(json!({}))
}

/// A pair of `Info`, resolved.
fn pair(cloud: &Cloud, pair: &Value) -> Result<(u64, Option<u64>), Refusal> {
    let number = |name: &str| pair.get(name).and_then(Value::as_u64);
    let Some(group) = number("GroupId") else {
        return refuse(
            "MissingParameter",
            "The request is missing a required parameter `Info.GroupId`.",
        );
    };
    let uin = match (number("Uin"), number("Uid")) {
        (None, None) => {
            return refuse(
                "InvalidParameter.UserUinAndUinNotAllNull",
                "One of Uin and Uid is required.",
            );
        }
        (Some(uin), _) => cloud.users.contains_key(&uin).then_some(uin),
        (None, Some(uid)) => cloud
            .users
            .values()
            .find(|user| user.uid == uid)
            .map(|user| user.uin),
    };
    Ok((group, uin))
}

pub(crate) fn add_user(edit: &mut Writing, params: &Params) -> Outcome {
    batch(edit, params, add_one)
}

pub(crate) fn remove_user(edit: &mut Writing, params: &Params) -> Outcome {
    batch(edit, params, remove_one)
}

fn batch(
    edit: &mut Writing,
    params: &Params,
    one: fn(&mut Writing, &Value) -> Result<(), Refusal>,
) -> Outcome {
    let pairs = params.list("Info");
    if pairs.is_empty() {
        return refuse(
            "MissingParameter",
            "The request is missing a required parameter `Info`.",
        );
    }
    let before = edit
        .options
        .batch_atomic
        .then(|| (edit.cloud.clone(), edit.history.len()));
    for pair in pairs {
        if let Err(refusal) = one(edit, pair) {
            if let Some((cloud, writes)) = before {
                *edit.cloud = cloud;
                edit.history.truncate(writes);
            }
            return Err(refusal);
        }
    }
    Ok(json!({}))
}

fn add_one(edit: &mut Writing, info: &Value) -> Result<(), Refusal> {
    let (group, uin) = pair(edit.cloud, info)?;
    let Some(group_name) = edit
        .cloud
        .groups
        .get(&group)
        .map(|group| group.name.clone())
    else {
        return refuse(
            "InvalidParameter.GroupNotExist",
            "The group does not exist.",
        );
    };
    let size = edit.cloud.group_size(group);
    let quotas = &edit.options.quotas;
    let Some(user) = uin.and_then(|uin| edit.cloud.users.get_mut(&uin)) else {
        return no_user();
    };
    if user.groups.contains(&group) {
        return repeated(edit.options.repeats);
    }
    if size >= quotas.users_per_group {
        return refuse("InvalidParameter.GroupUserFull", "The group is full.");
    }
    if user.groups.len() >= quotas.groups_per_user {
        return refuse(
            "InvalidParameter.UserGroupFull",
            "The user is in too many groups.",
        );
    }
    user.groups.insert(group);
    let (uin, name) = (user.uin, user.name.clone());
    edit.record(
        Some(uin),
        &name,
        vec![FieldChange::new("group", "", group_name)],
    );
    Ok(())
}

fn remove_one(edit: &mut Writing, info: &Value) -> Result<(), Refusal> {
    let (group, uin) = pair(edit.cloud, info)?;
    let group_name = edit
        .cloud
        .groups
        .get(&group)
        .map(|group| group.name.clone());
    let Some(user) = uin.and_then(|uin| edit.cloud.users.get_mut(&uin)) else {
        return no_user();
    };
    // The reference lists no code about groups for RemoveUserFromGroup, only this one (`cam-api.md 3.2`).
    let Some(group_name) = group_name else {
        return no_user();
    };
    if !user.groups.remove(&group) {
        return repeated(edit.options.repeats);
    }
    let (uin, name) = (user.uin, user.name.clone());
    edit.record(
        Some(uin),
        &name,
        vec![FieldChange::new("group", group_name, "")],
    );
    Ok(())
}

/// What adding what is there, or removing what is not, comes to.
pub(crate) fn repeated(repeats: Repeat) -> Result<(), Refusal> {
    match repeats {
        Repeat::Accepted => Ok(()),
        Repeat::Refused => refuse("FailedOperation", "The operation failed."),
    }
}

fn group_info(view: &Reading, group: &Group) -> Value {
    json!({
        "GroupId": group.id, "GroupName": group.name, "CreateTime": time(view.options, group.created),
        "Remark": group.remark,
    })
}

fn member_info(view: &Reading, user: &User) -> Value {
    json!({
        "Uid": user.uid, "Uin": user.uin, "Name": user.name, "PhoneNum": contact(view.options, &user.phone),
        "CountryCode": user.country_code, "PhoneFlag": 0, "Email": contact(view.options, &user.email),
        // A third enumeration, unrelated to the other UserTypes (`cam-api.md 2.1`).
        "EmailFlag": 0, "UserType": 2, "CreateTime": create_time(view.options, user.created), "IsReceiverOwner": 0,
        "Remark": remark(view.options, user),
    })
}

pub(crate) fn get(view: &Reading, params: &Params) -> Outcome {
    let Some(group) = view
        .cloud
        .groups
        .get(&params.number("GroupId").unwrap_or_default())
    else {
        return no_user();
    };
    let members = members(view, group.id);
    let mut answer = group_info(view, group);
    answer["GroupNum"] = json!(members.len());
    answer["UserInfo"] = Value::Array(members);
    Ok(answer)
}

fn members(view: &Reading, group: u64) -> Vec<Value> {
    let users = view
        .cloud
        .users
        .values()
        .filter(|user| user.groups.contains(&group) && view.shows(user));
    users.map(|user| member_info(view, user)).collect()
}

pub(crate) fn list(view: &Reading, params: &Params) -> Outcome {
    let keyword = params.text("Keyword").unwrap_or_default().to_lowercase();
    let groups = view
        .cloud
        .groups
        .values()
        .filter(|group| group.name.to_lowercase().contains(&keyword));
    paged(
        view,
        params,
        "GroupInfo",
        groups.map(|group| group_info(view, group)).collect(),
    )
}

pub(crate) fn list_users(view: &Reading, params: &Params) -> Outcome {
    let id = params.number("GroupId").unwrap_or_default();
    if !view.cloud.groups.contains_key(&id) {
        return refuse(
            "ResourceNotFound.GroupNotExist",
            "The group does not exist.",
        );
    }
    paged(view, params, "UserInfo", members(view, id))
}

pub(crate) fn list_for_user(view: &Reading, params: &Params) -> Outcome {
    let user = match (params.number("SubUin"), params.number("Uid")) {
        (Some(uin), _) => view.cloud.users.get(&uin),
        (None, Some(uid)) => view.cloud.users.values().find(|user| user.uid == uid),
        (None, None) => return refuse("InvalidParameter", "One of Uid and SubUin is required."),
    };
    let Some(user) = user else { return no_user() };
    let groups = user
        .groups
        .iter()
        .filter_map(|id| view.cloud.groups.get(id));
    paged(
        view,
        params,
        "GroupInfo",
        groups.map(|group| group_info(view, group)).collect(),
    )
}

/// One page of rows, with their total number.
pub(crate) fn paged(view: &Reading, params: &Params, field: &str, rows: Vec<Value>) -> Outcome {
    let (start, size) = params.page()?;
    let total = rows.len();
    let page: Vec<Value> = rows
        .into_iter()
        .skip(view.shifted(start))
        .take(size)
        .collect();
    Ok(json!({"TotalNum": total, field: page}))
}
