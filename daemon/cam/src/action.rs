//! The actions of CAM: what each does to the cloud, and how fast it may be called.

use serde::{Deserialize, Serialize};

/// What a call does to the cloud, which decides what an error of it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing; may be repeated freely.
    Read,
    /// Creates or changes something.
    Write,
    /// Takes something away: "it does not exist" is then the desired state.
    Remove,
}

/// How much of the configured rate an action may have, after CAM's documented limits of 20, 10 and 5 calls a
/// second (`cam-api.md 3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// 20 a second: the usual.
    Whole,
    /// 10 a second.
    Half,
    /// 5 a second.
    Quarter,
}

impl Share {
    /// The part of the configured rate.
    #[must_use]
    pub fn fraction(self) -> f64 {
        match self {
            Self::Whole => 1.0,
            Self::Half => 0.5,
            Self::Quarter => 0.25,
        }
    }
}

/// One action of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action {
    /// The name on the wire, for the header `X-TC-Action`.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
    /// Its part of the rate.
    pub share: Share,
}

/// Every action whose effect and rate this crate knows.
pub mod actions {
    use super::{
        Action,
        Effect::{Read, Remove, Write},
        Share::{Half, Quarter, Whole},
    };

    macro_rules! table {
        ($($constant:ident = $name:literal, $effect:expr, $share:expr;)*) => {
            $(
                #[doc = concat!("`", $name, "`")]
                pub const $constant: Action = Action { name: $name, effect: $effect, share: $share };
            )*
            /// All of them.
            pub const ALL: &[Action] = &[$($constant),*];
        };
    }

    table! {
        GET_USER_APP_ID = "GetUserAppId", Read, Whole;
        GET_ACCOUNT_SUMMARY = "GetAccountSummary", Read, Whole;
        ADD_USER = "AddUser", Write, Whole;
        UPDATE_USER = "UpdateUser", Write, Whole;
        DELETE_USER = "DeleteUser", Remove, Whole;
        GET_USER = "GetUser", Read, Whole;
        LIST_USERS = "ListUsers", Read, Whole;
        LIST_ACCOUNTS = "ListAccounts", Read, Whole;
        DESCRIBE_SUB_ACCOUNTS = "DescribeSubAccounts", Read, Whole;
        LIST_WECHAT_WORK_SUB_ACCOUNTS = "ListWeChatWorkSubAccounts", Read, Whole;
        CREATE_GROUP = "CreateGroup", Write, Whole;
        DELETE_GROUP = "DeleteGroup", Remove, Whole;
        LIST_GROUPS = "ListGroups", Read, Whole;
        ADD_USER_TO_GROUP = "AddUserToGroup", Write, Whole;
        REMOVE_USER_FROM_GROUP = "RemoveUserFromGroup", Remove, Whole;
        LIST_USERS_FOR_GROUP = "ListUsersForGroup", Read, Whole;
        LIST_GROUPS_FOR_USER = "ListGroupsForUser", Read, Whole;
        ATTACH_USER_POLICY = "AttachUserPolicy", Write, Half;
        DETACH_USER_POLICY = "DetachUserPolicy", Remove, Half;
        ATTACH_GROUP_POLICY = "AttachGroupPolicy", Write, Half;
        DETACH_GROUP_POLICY = "DetachGroupPolicy", Remove, Half;
        LIST_ATTACHED_USER_POLICIES = "ListAttachedUserPolicies", Read, Whole;
        LIST_ATTACHED_USER_ALL_POLICIES = "ListAttachedUserAllPolicies", Read, Quarter;
        LIST_ATTACHED_GROUP_POLICIES = "ListAttachedGroupPolicies", Read, Whole;
        LIST_POLICIES = "ListPolicies", Read, Whole;
        GET_POLICY = "GetPolicy", Read, Whole;
        CREATE_POLICY = "CreatePolicy", Write, Half;
        // Its own page (document/api/598/34577) says 10 a second.
        DELETE_POLICY = "DeletePolicy", Remove, Half;
        LIST_ACCESS_KEYS = "ListAccessKeys", Read, Whole;
        UPDATE_ACCESS_KEY = "UpdateAccessKey", Write, Quarter;
        DELETE_ACCESS_KEY = "DeleteAccessKey", Remove, Quarter;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_verbs_tell_the_effect() {
        let mut names = BTreeSet::new();
        for action in actions::ALL {
            assert!(names.insert(action.name), "{} stands twice", action.name);
            let expected = match action.name {
                name if ["Get", "List", "Describe"]
                    .iter()
                    .any(|verb| name.starts_with(verb)) =>
                {
                    Effect::Read
                }
                name if ["Delete", "Remove", "Detach"]
                    .iter()
                    .any(|verb| name.starts_with(verb)) =>
                {
                    Effect::Remove
                }
                _ => Effect::Write,
            };
            assert_eq!(action.effect, expected, "{}", action.name);
        }
    }
}
