//! Policies and their attachments (`cam-api.md 3.3`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cloud::{Cloud, Policy};
use super::context::{Reading, Writing, time};
use super::groups::{paged, repeated};
use super::history::FieldChange;
use super::params::Params;
use super::refusal::{Outcome, Refusal, refuse};

/// The preset policies that every account has here: id, name, level.
const PRESETS: [(u64, &str, &str); 6] = [
    (1, "AdministratorAccess", "Global"),
    (2, "QcloudCamFullAccess", "Global"),
    (3, "QCloudFinanceFullAccess", "Finance"),
    (4, "ReadOnlyAccess", "Global"),
    (5, "QcloudCVMReadOnlyAccess", "CloudProduct"),
    (6, "QcloudCOSReadOnlyAccess", "CloudProduct"),
];

/// The preset policies, by id.
pub(crate) fn presets() -> BTreeMap<u64, Policy> {
    let preset = |(id, name, level): (u64, &str, &str)| {
        let policy = Policy {
            id,
            name: name.to_owned(),
            description: format!("Preset policy {name}"),
            preset: true,
            level: level.to_owned(),
            document: r#"{"version":"2.0","statement":[{"effect":"allow","action":["*"],"resource":["*"]}]}"#.to_owned(),
            deactivated: false,
            created: 1_500_000_000,
        };
        (id, policy)
    };
    PRESETS.into_iter().map(preset).collect()
}

/// A user or a group: what a policy is attached to.
#[derive(Clone, Copy)]
enum Entity {
    User(u64),
    Group(u64),
}

impl Entity {
    fn attachments(self, cloud: &mut Cloud) -> Result<(&mut BTreeMap<u64, i64>, String), Refusal> {
        match self {
            Self::User(uin) => match cloud.users.get_mut(&uin) {
                Some(user) => Ok((&mut user.policies, user.name.clone())),
                None => refuse("ResourceNotFound.UserNotExist", "The user does not exist."),
            },
            Self::Group(id) => match cloud.groups.get_mut(&id) {
                Some(group) => Ok((&mut group.policies, group.name.clone())),
                None => refuse(
                    "ResourceNotFound.GroupNotExist",
                    "The group does not exist.",
                ),
            },
        }
    }

    fn uin(self) -> Option<u64> {
        match self {
            Self::User(uin) => Some(uin),
            Self::Group(_) => None,
        }
    }
}

pub(crate) fn attach_user(edit: &mut Writing, params: &Params) -> Outcome {
    attach(
        edit,
        params,
        Entity::User(params.number("AttachUin").unwrap_or_default()),
    )
}

pub(crate) fn attach_group(edit: &mut Writing, params: &Params) -> Outcome {
    attach(
        edit,
        params,
        Entity::Group(params.number("AttachGroupId").unwrap_or_default()),
    )
}

pub(crate) fn detach_user(edit: &mut Writing, params: &Params) -> Outcome {
    detach(
        edit,
        params,
        Entity::User(params.number("DetachUin").unwrap_or_default()),
    )
}

pub(crate) fn detach_group(edit: &mut Writing, params: &Params) -> Outcome {
    detach(
        edit,
        params,
        Entity::Group(params.number("DetachGroupId").unwrap_or_default()),
    )
}

fn policy<'a>(cloud: &'a Cloud, params: &Params) -> Result<&'a Policy, Refusal> {
    match params.number("PolicyId") {
        None | Some(0) => refuse("InvalidParameter.PolicyIdError", "PolicyId is not valid."),
        Some(id) => match cloud.policies.get(&id) {
            Some(policy) => Ok(policy),
            None => refuse(
                "ResourceNotFound.PolicyIdNotFound",
                "The policy does not exist.",
            ),
        },
    }
}

fn attach(edit: &mut Writing, params: &Params, entity: Entity) -> Outcome {
    let (id, policy_name) =
        policy(edit.cloud, params).map(|policy| (policy.id, policy.name.clone()))?;
    let most = edit.options.quotas.policies_per_entity;
    let (attached, name) = entity.attachments(edit.cloud)?;
    if attached.contains_key(&id) {
        return repeated(edit.options.repeats).map(|()| json!({}));
    }
    if attached.len() >= most {
        return refuse(
            "FailedOperation.PolicyFull",
            "Too many policies are attached.",
        );
    }
    attached.insert(id, edit.now);
    edit.record(
        entity.uin(),
        &name,
        vec![FieldChange::new("policy", "", policy_name)],
    );
    Ok(json!({}))
}

fn detach(edit: &mut Writing, params: &Params, entity: Entity) -> Outcome {
    let (id, policy_name) =
        policy(edit.cloud, params).map(|policy| (policy.id, policy.name.clone()))?;
    let (attached, name) = entity.attachments(edit.cloud)?;
    if attached.remove(&id).is_none() {
        return repeated(edit.options.repeats).map(|()| json!({}));
    }
    edit.record(
        entity.uin(),
        &name,
        vec![FieldChange::new("policy", policy_name, "")],
    );
    Ok(json!({}))
}

pub(crate) fn create(edit: &mut Writing, params: &Params) -> Outcome {
    let name = params.text("PolicyName").unwrap_or_default().to_owned();
    let legal = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
    if name.is_empty() || name.len() > 128 || !name.chars().all(legal) {
        return refuse(
            "InvalidParameter.PolicyNameError",
            "The policy name is not valid.",
        );
    }
    let document = params.text("PolicyDocument").unwrap_or_default().to_owned();
    check_document(&document, edit.options.quotas.policy_chars)?;
    let description = params.text("Description").unwrap_or_default().to_owned();
    if description.len() > 300 {
        return refuse(
            "InvalidParameter.DescriptionLengthOverlimit",
            "The description is longer than 300 bytes.",
        );
    }
    if edit.cloud.policy(&name).is_some() {
        return refuse(
            "FailedOperation.PolicyNameInUse",
            "The policy name is in use.",
        );
    }
    if edit
        .cloud
        .policies
        .values()
        .filter(|policy| !policy.preset)
        .count()
        >= edit.options.quotas.custom_policies
    {
        return refuse(
            "FailedOperation.PolicyFull",
            "The number of policies has reached the limit.",
        );
    }
    let id = 200_000_000 + edit.cloud.next_id();
    let level = "CloudProduct".to_owned();
    let policy = Policy {
        id,
        name: name.clone(),
        description,
        preset: false,
        level,
        document,
        deactivated: false,
        created: edit.now,
    };
    edit.cloud.policies.insert(id, policy);
    edit.record(None, &name, vec![FieldChange::new("PolicyName", "", &name)]);
    Ok(json!({"PolicyId": id}))
}

fn check_document(document: &str, chars_max: usize) -> Result<(), Refusal> {
    if document.chars().count() > chars_max {
        return refuse(
            "InvalidParameter.PolicyDocumentLengthOverLimit",
            "The policy document is too long.",
        );
    }
    let Ok(parsed) = serde_json::from_str::<Value>(document) else {
        return refuse(
            "InvalidParameter.PolicyDocumentError",
            "The policy document is not JSON.",
        );
    };
    if parsed["version"] != "2.0" {
        return refuse(
            "InvalidParameter.VersionError",
            "The version of a policy document is 2.0.",
        );
    }
    let statements = parsed["statement"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let effects = statements
        .iter()
        .all(|statement| statement["effect"] == "allow" || statement["effect"] == "deny");
    if statements.is_empty() || !effects {
        return refuse(
            "InvalidParameter.StatementError",
            "The statements are not valid.",
        );
    }
    Ok(())
}

pub(crate) fn delete(edit: &mut Writing, params: &Params) -> Outcome {
    let ids = params.numbers("PolicyId");
    for id in &ids {
        match edit.cloud.policies.get(id) {
            None => {
                return refuse(
                    "ResourceNotFound.PolicyIdNotFound",
                    "The policy does not exist.",
                );
            }
            Some(policy) if policy.preset => {
                return refuse(
                    "InvalidParameter.PolicyIdError",
                    "A preset policy cannot be deleted.",
                );
            }
            Some(_) => {}
        }
    }
    for id in ids {
        for user in edit.cloud.users.values_mut() {
            user.policies.remove(&id);
        }
        for group in edit.cloud.groups.values_mut() {
            group.policies.remove(&id);
        }
        if let Some(policy) = edit.cloud.policies.remove(&id) {
            edit.record(
                None,
                &policy.name,
                vec![FieldChange::new("PolicyName", &policy.name, "")],
            );
        }
    }
    Ok(json!({}))
}

fn kind(policy: &Policy) -> u8 {
    if policy.preset { 2 } else { 1 }
}

fn attached_info(view: &Reading, attached: &BTreeMap<u64, i64>) -> Vec<Value> {
    let policies = attached
        .iter()
        .filter_map(|(id, at)| view.cloud.policies.get(id).map(|policy| (policy, at)));
    let row = |(policy, at): (&Policy, &i64)| {
        json!({
            "PolicyId": policy.id, "PolicyName": policy.name, "AddTime": time(view.options, *at), "CreateMode": 2,
            "PolicyType": if policy.preset { "QCS" } else { "User" }, "Remark": policy.description,
            "OperateOwnerUin": "", "OperateUin": "", "OperateUinType": "",
            "Deactived": u8::from(policy.deactivated), "DeactivedDetail": [],
        })
    };
    policies.map(row).collect()
}

pub(crate) fn list_user(view: &Reading, params: &Params) -> Outcome {
    let uin = params.number("TargetUin").unwrap_or_default();
    let none = BTreeMap::new();
    // No code is listed for an unknown TargetUin: it reads as a user without policies.
    let attached = view
        .cloud
        .users
        .get(&uin)
        .map_or(&none, |user| &user.policies);
    paged(view, params, "List", attached_info(view, attached))
}

pub(crate) fn list_group(view: &Reading, params: &Params) -> Outcome {
    let id = params.number("TargetGroupId").unwrap_or_default();
    let none = BTreeMap::new();
    let attached = view
        .cloud
        .groups
        .get(&id)
        .map_or(&none, |group| &group.policies);
    let keyword = params.text("Keyword").unwrap_or_default().to_lowercase();
    let mut rows = attached_info(view, attached);
    rows.retain(|row| {
        row["PolicyName"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
            .contains(&keyword)
    });
    paged(view, params, "List", rows)
}

pub(crate) fn list_user_all(view: &Reading, params: &Params) -> Outcome {
    let Some(user) = view
        .cloud
        .users
        .get(&params.number("TargetUin").unwrap_or_default())
    else {
        return refuse("ResourceNotFound.UserNotExist", "The user does not exist.");
    };
    let attach_type = params.number("AttachType").unwrap_or(0);
    if attach_type > 2 {
        return refuse("InvalidParameter.ParamError", "AttachType is 0, 1 or 2.");
    }
    let keyword = params.text("Keyword").unwrap_or_default().to_lowercase();
    let mut rows = Vec::new();
    for policy in view.cloud.policies.values() {
        let direct = attach_type != 2 && user.policies.contains_key(&policy.id);
        let groups: Vec<_> = user
            .groups
            .iter()
            .filter_map(|id| view.cloud.groups.get(id))
            .filter(|group| attach_type != 1 && group.policies.contains_key(&policy.id))
            .map(|group| json!({"GroupId": group.id, "GroupName": group.name}))
            .collect();
        let wanted = params
            .number("StrategyType")
            .is_none_or(|wanted| wanted == u64::from(kind(policy)));
        if (direct || !groups.is_empty()) && wanted && policy.name.to_lowercase().contains(&keyword)
        {
            rows.push(json!({
                "PolicyId": policy.id.to_string(), "PolicyName": policy.name, "Description": policy.description,
                "AddTime": time(view.options, policy.created), "StrategyType": kind(policy).to_string(),
                "CreateMode": "2", "Groups": groups, "Deactived": u8::from(policy.deactivated), "DeactivedDetail": [],
            }));
        }
    }
    paged(view, params, "PolicyList", rows)
}

pub(crate) fn list(view: &Reading, params: &Params) -> Outcome {
    let scope = params.text("Scope").unwrap_or("All");
    if !["All", "QCS", "Local"].contains(&scope) {
        return refuse("InvalidParameter.ScopeError", "Scope is All, QCS or Local.");
    }
    let keyword = params.text("Keyword").unwrap_or_default().to_lowercase();
    let wanted = |policy: &&Policy| {
        (scope == "All" || policy.preset == (scope == "QCS"))
            && policy.name.to_lowercase().contains(&keyword)
    };
    let row = |policy: &Policy| {
        let users = view
            .cloud
            .users
            .values()
            .filter(|user| user.policies.contains_key(&policy.id))
            .count();
        let groups = view
            .cloud
            .groups
            .values()
            .filter(|group| group.policies.contains_key(&policy.id))
            .count();
        json!({
            "PolicyId": policy.id, "PolicyName": policy.name, "AddTime": time(view.options, policy.created),
            "UpdateTime": time(view.options, policy.created), "Type": kind(policy),
            "Description": policy.description, "CreateMode": 2, "Attachments": users + groups, "ServiceType": "",
            "IsAttached": u8::from(users + groups > 0), "Deactived": u8::from(policy.deactivated),
            "DeactivedDetail": [], "IsServiceLinkedPolicy": 0, "Tags": [], "PermissionLevel": policy.level,
        })
    };
    let rows = view
        .cloud
        .policies
        .values()
        .filter(wanted)
        .map(row)
        .collect();
    let mut answer = paged(view, params, "List", rows)?;
    answer["ServiceTypeList"] = json!([]);
    Ok(answer)
}

pub(crate) fn get(view: &Reading, params: &Params) -> Outcome {
    let policy = policy(view.cloud, params)?;
    Ok(json!({
        "PolicyName": policy.name, "Description": policy.description, "Type": kind(policy),
        "AddTime": time(view.options, policy.created), "UpdateTime": time(view.options, policy.created),
        "PolicyDocument": policy.document, "PresetAlias": "", "IsServiceLinkedRolePolicy": 0, "Tags": [],
    }))
}

pub(crate) fn list_entities(view: &Reading, params: &Params) -> Outcome {
    let id = policy(view.cloud, params)?.id;
    let filter = params.text("EntityFilter").unwrap_or("All");
    if !["All", "User", "Group", "Role"].contains(&filter) {
        return refuse(
            "InvalidParameter.EntityFilterError",
            "EntityFilter is not valid.",
        );
    }
    let row = |id: u64, uin: u64, name: &str, related: u8, at: i64| {
        json!({
            "Id": id.to_string(), "Name": name, "Uin": uin, "RelatedType": related,
            "AttachmentTime": time(view.options, at),
        })
    };
    let mut rows = Vec::new();
    if filter == "All" || filter == "User" {
        for user in view.cloud.users.values() {
            rows.extend(
                user.policies
                    .get(&id)
                    .map(|at| row(user.uin, user.uin, &user.name, 1, *at)),
            );
        }
    }
    if filter == "All" || filter == "Group" {
        for group in view.cloud.groups.values() {
            rows.extend(
                group
                    .policies
                    .get(&id)
                    .map(|at| row(group.id, 0, &group.name, 2, *at)),
            );
        }
    }
    paged(view, params, "List", rows)
}
