//! The table of actions: documented rate, parameters, and what each does (`cam-api.md 3`).

use super::context::{Reading, Writing};
use super::params::Kind::{Flag, List, Number, Numbers, Pairs, Text, Texts};
use super::params::{Param, Params, opt, req};
use super::refusal::Outcome;
use super::{groups, keys, listings, policies, users};

/// An action of the service.
pub(crate) struct Action {
    pub(crate) name: &'static str,
    /// Requests per second and root account.
    pub(crate) rate: u32,
    /// Whether the international site lacks it (`cam-api.md 1.1`).
    pub(crate) china_only: bool,
    pub(crate) params: &'static [Param],
    pub(crate) run: Run,
}

/// What an action does.
pub(crate) enum Run {
    Read(fn(&Reading, &Params) -> Outcome),
    Write(fn(&mut Writing, &Params) -> Outcome),
}

/// The action of this name.
pub(crate) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

const fn read(
    name: &'static str,
    params: &'static [Param],
    run: fn(&Reading, &Params) -> Outcome,
) -> Action {
    Action {
        name,
        rate: 20,
        china_only: false,
        params,
        run: Run::Read(run),
    }
}

const fn write(
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Writing, &Params) -> Outcome,
) -> Action {
    Action {
        name,
        rate: 20,
        china_only: false,
        params,
        run: Run::Write(run),
    }
}

impl Action {
    const fn per_second(mut self, rate: u32) -> Self {
        self.rate = rate;
        self
    }

    const fn china_only(mut self) -> Self {
        self.china_only = true;
        self
    }
}

const PAGE: Param = opt("Page", Number);
const RP: Param = opt("Rp", Number);
const KEYWORD: Param = opt("Keyword", Text);
const GROUP_ID: Param = req("GroupId", Number);
const POLICY_ID: Param = req("PolicyId", Number);
const NAME: Param = req("Name", Text);

static ACTIONS: [Action; 38] = [
    read("GetUserAppId", &[], keys::user_app_id),
    read("GetAccountSummary", &[], keys::summary),
    write(
        "AddUser",
        &[
            NAME,
            opt("Remark", Text),
            opt("ConsoleLogin", Flag),
            opt("UseApi", Flag),
            opt("Password", Text),
            opt("NeedResetPassword", Flag),
            opt("PhoneNum", Text),
            opt("CountryCode", Text),
            opt("Email", Text),
        ],
        users::add,
    ),
    write(
        "UpdateUser",
        &[
            NAME,
            opt("Remark", Text),
            opt("ConsoleLogin", Flag),
            opt("Password", Text),
            opt("NeedResetPassword", Flag),
            opt("PhoneNum", Text),
            opt("CountryCode", Text),
            opt("Email", Text),
        ],
        users::update,
    ),
    write("DeleteUser", &[NAME, opt("Force", Flag)], users::delete),
    read("GetUser", &[NAME], listings::get),
    read("ListUsers", &[], listings::list),
    read(
        "ListAccounts",
        &[
            opt("MaxItems", Number),
            opt("Marker", Text),
            opt("UserType", Text),
        ],
        listings::list_accounts,
    )
    .china_only(),
    read(
        "DescribeSubAccounts",
        &[req("FilterSubAccountUin", Numbers)],
        listings::describe,
    ),
    read(
        "ListWeChatWorkSubAccounts",
        &[req("Offset", Number), req("Limit", Number)],
        listings::list_wecom,
    )
    .china_only(),
    read(
        "ListCollaborators",
        &[opt("Offset", Number), opt("Limit", Number)],
        listings::list_collaborators,
    ),
    write(
        "CreateGroup",
        &[req("GroupName", Text), opt("Remark", Text)],
        groups::create,
    ),
    write(
        "UpdateGroup",
        &[GROUP_ID, opt("GroupName", Text), opt("Remark", Text)],
        groups::update,
    ),
    write("DeleteGroup", &[GROUP_ID], groups::delete),
    read("GetGroup", &[GROUP_ID], groups::get),
    read("ListGroups", &[PAGE, RP, KEYWORD], groups::list),
    write("AddUserToGroup", &[req("Info", Pairs)], groups::add_user),
    write(
        "RemoveUserFromGroup",
        &[req("Info", Pairs)],
        groups::remove_user,
    ),
    read(
        "ListUsersForGroup",
        &[GROUP_ID, PAGE, RP],
        groups::list_users,
    ),
    read(
        "ListGroupsForUser",
        &[opt("Uid", Number), opt("SubUin", Number), PAGE, RP],
        groups::list_for_user,
    ),
    write(
        "AttachUserPolicy",
        &[POLICY_ID, req("AttachUin", Number)],
        policies::attach_user,
    )
    .per_second(10),
    write(
        "DetachUserPolicy",
        &[POLICY_ID, req("DetachUin", Number)],
        policies::detach_user,
    )
    .per_second(10),
    write(
        "AttachGroupPolicy",
        &[POLICY_ID, req("AttachGroupId", Number)],
        policies::attach_group,
    )
    .per_second(10),
    write(
        "DetachGroupPolicy",
        &[POLICY_ID, req("DetachGroupId", Number)],
        policies::detach_group,
    )
    .per_second(10),
    read(
        "ListAttachedUserPolicies",
        &[req("TargetUin", Number), PAGE, RP],
        policies::list_user,
    ),
    read(
        "ListAttachedUserAllPolicies",
        &[
            req("TargetUin", Number),
            req("Rp", Number),
            req("Page", Number),
            req("AttachType", Number),
            opt("StrategyType", Number),
            KEYWORD,
        ],
        policies::list_user_all,
    )
    .per_second(5),
    read(
        "ListAttachedGroupPolicies",
        &[req("TargetGroupId", Number), PAGE, RP, KEYWORD],
        policies::list_group,
    ),
    read(
        "ListPolicies",
        &[PAGE, RP, KEYWORD, opt("Scope", Text)],
        policies::list,
    ),
    read("GetPolicy", &[POLICY_ID], policies::get),
    read(
        "ListEntitiesForPolicy",
        &[POLICY_ID, PAGE, RP, opt("EntityFilter", Text)],
        policies::list_entities,
    ),
    write(
        "CreatePolicy",
        &[
            req("PolicyName", Text),
            req("PolicyDocument", Text),
            opt("Description", Text),
            opt("Tags", List),
        ],
        policies::create,
    )
    .per_second(10),
    write(
        "DeletePolicy",
        &[req("PolicyId", Numbers)],
        policies::delete,
    )
    .per_second(10),
    write(
        "CreateAccessKey",
        &[opt("TargetUin", Number), opt("Description", Text)],
        keys::create,
    )
    .per_second(5),
    read("ListAccessKeys", &[opt("TargetUin", Number)], keys::list),
    write(
        "UpdateAccessKey",
        &[
            req("AccessKeyId", Text),
            req("Status", Text),
            opt("TargetUin", Number),
        ],
        keys::update,
    )
    .per_second(5),
    write(
        "DeleteAccessKey",
        &[req("AccessKeyId", Text), opt("TargetUin", Number)],
        keys::delete,
    )
    .per_second(5),
    read(
        "GetSecurityLastUsed",
        &[req("SecretIdList", Texts)],
        keys::last_used,
    ),
    read("GetPasswordRules", &[], keys::password_rules),
];
