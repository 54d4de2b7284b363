//! AddUser, UpdateUser, DeleteUser, and what a person does to users by hand (`cam-api.md 3.1`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::cloud::{AccessKey, User, UserKind};
use super::context::{Writing, same_name};
use super::history::FieldChange;
use super::keys::new_key;
use super::options::WecomSignIn;
use super::params::Params;
use super::refusal::{Outcome, refuse};

const DAY_SECONDS: i64 = 24 * 3600;

/// Creates a sub-user. Password, SecretId and SecretKey are empty unless asked for.
pub(crate) fn add(edit: &mut Writing, params: &Params) -> Outcome {
    let name = params.text("Name").unwrap_or_default().to_owned();
    if !edit.options.names.allows(&name) {
        return refuse(
            "InvalidParameter.UserNameIllegal",
            "The user name is illegal.",
        );
    }
    if name_taken(edit, &name) {
        return refuse(
            "InvalidParameter.SubUserNameInUse",
            "The sub-user name is in use.",
        );
    }
    check_remark(edit, params)?;
    let sub_user = |user: &&User| matches!(user.kind, UserKind::SubUser | UserKind::WeCom);
    if edit.cloud.users.values().filter(sub_user).count() >= edit.options.quotas.users {
        return refuse(
            "InvalidParameter.SubUserFull",
            "The number of sub-users has reached the limit.",
        );
    }
    let today = edit
        .cloud
        .creations
        .iter()
        .filter(|at| edit.now - **at < DAY_SECONDS)
        .count();
    if edit
        .options
        .quotas
        .created_per_day
        .is_some_and(|most| today >= most)
    {
        return refuse(
            "RequestLimitExceeded.CreateUser",
            "Too many sub-users were created today.",
        );
    }
    let console_login = params.flag("ConsoleLogin").unwrap_or(false);
    let given = params.text("Password").unwrap_or_default().to_owned();
    let password = if !console_login {
        String::new()
    } else if given.is_empty() {
        generated_password(edit.cloud.next_id())
    } else if edit.cloud.password_rules.allow(&given) {
        given.clone()
    } else {
        return refuse(
            "InvalidParameter.PasswordViolatedRules",
            "The password violates the rules.",
        );
    };
    let mut user = blank(edit, &name, UserKind::SubUser);
    user.console_login = console_login;
    user.remark = params.text("Remark").unwrap_or_default().to_owned();
    user.phone = params.text("PhoneNum").unwrap_or_default().to_owned();
    user.country_code = params.text("CountryCode").unwrap_or_default().to_owned();
    user.email = params.text("Email").unwrap_or_default().to_owned();
    user.need_reset_password = console_login && params.flag("NeedResetPassword").unwrap_or(false);
    user.passwords_set = u32::from(console_login);
    user.password = password.clone();
    let (mut secret_id, mut secret_key) = (String::new(), String::new());
    if params.flag("UseApi").unwrap_or(false) {
        let (id, key) = new_key(edit, "");
        (secret_id, secret_key) = (id.clone(), key.secret.clone());
        user.keys.insert(id, key);
    }
    let answer = json!({
        "Uin": user.uin, "Name": user.name, "Uid": user.uid,
        "Password": if given.is_empty() { password } else { String::new() },
        "SecretId": secret_id, "SecretKey": secret_key, "PhoneNumVerifyLink": "",
    });
    edit.cloud.creations.push(edit.now);
    insert(edit, user);
    Ok(answer)
}

/// Changes the fields that are given; answers nothing, not even a generated password.
pub(crate) fn update(edit: &mut Writing, params: &Params) -> Outcome {
    let uin = edit.find(params.text("Name").unwrap_or_default())?;
    check_remark(edit, params)?;
    let rules = edit.cloud.password_rules.clone();
    let generated = generated_password(edit.cloud.next_id());
    let Some(user) = edit.cloud.users.get_mut(&uin) else {
        return refuse("ResourceNotFound.UserNotExist", "The user does not exist.");
    };
    if user.unmodifiable {
        return refuse(
            "FailedOperation.Unmodifiable",
            "The user cannot be modified.",
        );
    }
    let given = params.text("Password").unwrap_or_default();
    let mut login = params.flag("ConsoleLogin");
    if login == Some(false) && user.kind == UserKind::WeCom {
        match edit.options.wecom_sign_in {
            WecomSignIn::Accepted => {}
            WecomSignIn::Ignored => login = None,
            WecomSignIn::Unmodifiable => {
                return refuse(
                    "FailedOperation.Unmodifiable",
                    "Console access of a WeCom sub-user cannot be changed.",
                );
            }
        }
    }
    let may_sign_in = login.unwrap_or(user.console_login);
    if may_sign_in && !given.is_empty() && !rules.allow(given) {
        return refuse(
            "InvalidParameter.PasswordViolatedRules",
            "The password violates the rules.",
        );
    }
    let mut changes = Vec::new();
    let resets =
        login == Some(true) && (!user.console_login || edit.options.sign_in_resets_password);
    if may_sign_in && (!given.is_empty() || resets) {
        user.password = if given.is_empty() {
            generated
        } else {
            given.to_owned()
        };
        user.passwords_set += 1;
        changes.push(FieldChange::new("Password", "***", "***"));
    }
    let mut set = |field: &str, old: &mut bool, new: Option<bool>| {
        if let Some(new) = new
            && new != *old
        {
            changes.push(FieldChange::new(field, u8::from(*old), u8::from(new)));
            *old = new;
        }
    };
    set("ConsoleLogin", &mut user.console_login, login);
    set(
        "NeedResetPassword",
        &mut user.need_reset_password,
        params.flag("NeedResetPassword"),
    );
    for (field, old) in [
        ("Remark", &mut user.remark),
        ("PhoneNum", &mut user.phone),
        ("CountryCode", &mut user.country_code),
        ("Email", &mut user.email),
    ] {
        if let Some(new) = params.text(field)
            && new != old
        {
            changes.push(FieldChange::new(field, &*old, new));
            *old = new.to_owned();
        }
    }
    let name = user.name.clone();
    edit.record(Some(uin), &name, changes);
    Ok(json!({}))
}

/// Deletes a user, with its keys when `Force` is 1, and with its memberships and attachments.
pub(crate) fn delete(edit: &mut Writing, params: &Params) -> Outcome {
    let uin = edit.find(params.text("Name").unwrap_or_default())?;
    let Some(user) = edit.cloud.users.get(&uin) else {
        return refuse("ResourceNotFound.UserNotExist", "The user does not exist.");
    };
    if user.unmodifiable {
        return refuse(
            "FailedOperation.Unmodifiable",
            "The user cannot be modified.",
        );
    }
    let force = params.flag("Force").unwrap_or(false);
    if force
        && edit
            .caller
            .denied
            .iter()
            .any(|denied| denied == "DeleteApiKey")
    {
        return refuse(
            "UnauthorizedOperation.DeleteApiKey",
            "You are not authorized to perform cam:DeleteApiKey.",
        );
    }
    if !force && !user.keys.is_empty() {
        return refuse(
            "OperationDenied.HaveKeys",
            "[QC_WACCOUNT] subAccount have API keys",
        );
    }
    if let Some(user) = edit.cloud.users.remove(&uin) {
        edit.record(
            Some(uin),
            &user.name,
            vec![FieldChange::new("Name", &user.name, "")],
        );
    }
    Ok(json!({}))
}

/// A user without rights, not yet part of the account.
pub(crate) fn blank(edit: &mut Writing, name: &str, kind: UserKind) -> User {
    let id = edit.cloud.next_id();
    User {
        uin: 100_000_500_000 + id,
        uid: 5_000_000 + id,
        name: name.to_owned(),
        kind,
        remark: String::new(),
        console_login: false,
        need_reset_password: false,
        passwords_set: 0,
        phone: String::new(),
        country_code: String::new(),
        email: String::new(),
        wecom_id: String::new(),
        created: edit.now,
        unmodifiable: false,
        groups: BTreeSet::new(),
        policies: BTreeMap::new(),
        keys: BTreeMap::<String, AccessKey>::new(),
        password: String::new(),
    }
}

/// Makes a user part of the account.
pub(crate) fn insert(edit: &mut Writing, user: User) {
    let (uin, name) = (user.uin, user.name.clone());
    edit.cloud.users.insert(uin, user);
    edit.record(Some(uin), &name, vec![FieldChange::new("Name", "", &name)]);
}

fn name_taken(edit: &Writing, name: &str) -> bool {
    edit.cloud
        .users
        .values()
        .filter(|user| user.kind == UserKind::SubUser || edit.options.names_shared)
        .any(|user| same_name(edit.options, &user.name, name))
}

fn check_remark(edit: &Writing, params: &Params) -> Result<(), super::refusal::Refusal> {
    let length = params
        .text("Remark")
        .map_or(0, |remark| remark.chars().count());
    if length > edit.options.remark_chars_max {
        return refuse("InvalidParameter.ParamError", "The remark is too long.");
    }
    Ok(())
}

/// 32 characters of all four classes.
fn generated_password(id: u64) -> String {
    format!("Sim!{id:028x}")
}
