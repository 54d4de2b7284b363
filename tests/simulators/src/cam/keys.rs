//! API keys of users, password rules, and the account's own questions (`cam-api.md 3.4`).

use serde_json::{Value, json};

use super::cloud::AccessKey;
use super::context::{Reading, Writing, time};
use super::history::FieldChange;
use super::params::Params;
use super::refusal::{Outcome, Refusal, refuse};

/// A fresh key for a user, not yet given to one.
pub(crate) fn new_key(edit: &mut Writing, description: &str) -> (String, AccessKey) {
    let id = edit.cloud.next_id();
    let key = AccessKey {
        active: true,
        created: edit.now,
        description: description.to_owned(),
        secret: format!("simulatedSecret{id:017}"),
    };
    (format!("AKID{id:032}"), key)
}

/// TargetUin, which is the caller when missing: the trap of `cam-api.md 3.4`.
fn target(params: &Params, caller: &super::context::Caller) -> Result<u64, Refusal> {
    let uin = params.number("TargetUin").unwrap_or(caller.uin);
    if uin == caller.owner_uin && caller.uin != caller.owner_uin {
        return refuse(
            "OperationDenied.SubUin",
            "A sub-user may not operate the keys of the root account.",
        );
    }
    Ok(uin)
}

fn no_user<T>() -> Result<T, Refusal> {
    refuse("InvalidParameter.UserNotExist", "The user does not exist.")
}

pub(crate) fn create(edit: &mut Writing, params: &Params) -> Outcome {
    let uin = target(params, edit.caller)?;
    let most = edit.options.quotas.keys_per_user;
    let (id, key) = new_key(edit, params.text("Description").unwrap_or_default());
    let answer = json!({"AccessKey": {
        "AccessKeyId": id, "SecretAccessKey": key.secret, "Status": "Active",
        "CreateTime": time(edit.options, key.created), "Description": key.description,
    }});
    let Some(user) = edit.cloud.users.get_mut(&uin) else {
        return no_user();
    };
    if user.keys.len() >= most {
        return refuse(
            "OperationDenied.AccessKeyOverLimit",
            "The number of keys has reached the limit.",
        );
    }
    user.keys.insert(id.clone(), key);
    let name = user.name.clone();
    edit.record(Some(uin), &name, vec![FieldChange::new("key", "", id)]);
    Ok(answer)
}

pub(crate) fn list(view: &Reading, params: &Params) -> Outcome {
    let uin = target(params, view.caller)?;
    let Some(user) = view.cloud.users.get(&uin) else {
        return no_user();
    };
    let keys: Vec<Value> = user
        .keys
        .iter()
        .map(|(id, key)| {
            json!({
                "AccessKeyId": id, "Status": status(key.active),
                "CreateTime": time(view.options, key.created), "Description": key.description,
            })
        })
        .collect();
    // A user without keys may read as null (`cam-api.md 3.4`).
    Ok(json!({"AccessKeys": if keys.is_empty() { Value::Null } else { Value::Array(keys) }}))
}

pub(crate) fn update(edit: &mut Writing, params: &Params) -> Outcome {
    let active = match params.text("Status") {
        Some("Active") => true,
        Some("Inactive") => false,
        _ => {
            return refuse(
                "InvalidParameter.ParamError",
                "Status is Active or Inactive.",
            );
        }
    };
    let (uin, id) = owned_key(edit, params)?;
    let Some(user) = edit.cloud.users.get_mut(&uin) else {
        return no_user();
    };
    let name = user.name.clone();
    let mut changes = Vec::new();
    if let Some(key) = user.keys.get_mut(&id)
        && key.active != active
    {
        changes.push(FieldChange::new(
            "key",
            format!("{id} {}", status(!active)),
            format!("{id} {}", status(active)),
        ));
        key.active = active;
    }
    edit.record(Some(uin), &name, changes);
    Ok(json!({}))
}

pub(crate) fn delete(edit: &mut Writing, params: &Params) -> Outcome {
    let (uin, id) = owned_key(edit, params)?;
    let Some(user) = edit.cloud.users.get_mut(&uin) else {
        return no_user();
    };
    if !edit.options.delete_active_key && user.keys.get(&id).is_some_and(|key| key.active) {
        return refuse(
            "FailedOperation.Accesskey",
            "Disable the key before deleting it.",
        );
    }
    user.keys.remove(&id);
    let name = user.name.clone();
    edit.record(Some(uin), &name, vec![FieldChange::new("key", id, "")]);
    Ok(json!({}))
}

/// The key that an action names, which must belong to its target.
fn owned_key(edit: &Writing, params: &Params) -> Result<(u64, String), Refusal> {
    let uin = target(params, edit.caller)?;
    let id = params.text("AccessKeyId").unwrap_or_default().to_owned();
    let owner = edit
        .cloud
        .users
        .values()
        .find(|user| user.keys.contains_key(&id));
    match owner {
        None => refuse("ResourceNotFound.SecretNotExist", "The key does not exist."),
        Some(owner) if owner.uin != uin => refuse(
            "OperationDenied.UinNotMatch",
            "The key belongs to another account.",
        ),
        Some(_) => Ok((uin, id)),
    }
}

pub(crate) fn last_used(view: &Reading, params: &Params) -> Outcome {
    let ids = params.list("SecretIdList");
    if ids.is_empty() || ids.len() > 10 {
        return refuse(
            "InvalidParameter.ParamError",
            "SecretIdList holds 1 to 10 keys.",
        );
    }
    let day = time(view.options, 0)[..10].to_owned();
    let row = |id: &Value| json!({"SecretId": id, "LastUsedDate": day, "LastSecretUsedDate": 0});
    Ok(json!({"SecretIdLastUsedRows": ids.iter().map(row).collect::<Vec<_>>()}))
}

pub(crate) fn password_rules(view: &Reading, _: &Params) -> Outcome {
    let rules = &view.cloud.password_rules;
    Ok(json!({"Rules": {
        "MinimumLength": rules.minimum_length,
        "MustContain": rules.must_contain.iter().filter(|needed| **needed).count(),
        "ForcePasswordChange": 0, "ReusePasswordLimit": 1, "RetryPasswordLimit": 10,
        "PasswordExpirationInvalidation": 0,
    }}))
}

pub(crate) fn user_app_id(view: &Reading, _: &Params) -> Outcome {
    Ok(json!({
        "Uin": view.caller.uin.to_string(), "OwnerUin": view.caller.owner_uin.to_string(),
        "AppId": view.options.app_id,
    }))
}

pub(crate) fn summary(view: &Reading, _: &Params) -> Outcome {
    use super::cloud::UserKind::{SubUser, WeCom};
    let users = view
        .cloud
        .users
        .values()
        .filter(|user| matches!(user.kind, SubUser | WeCom))
        .count();
    let custom = view
        .cloud
        .policies
        .values()
        .filter(|policy| !policy.preset)
        .count();
    Ok(json!({
        "User": users, "Group": view.cloud.groups.len(), "Member": view.cloud.users.len() - users,
        "Policies": custom, "Roles": 0, "Idps": 0, "IdentityProviders": 0,
    }))
}

fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}
