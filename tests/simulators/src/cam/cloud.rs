//! What the simulated account holds: users, groups, policies, keys.

use std::collections::{BTreeMap, BTreeSet};

/// The whole account. Change it through [`super::Simulator`]'s methods to have the change in the history.
#[derive(Clone, Debug, Default)]
pub struct Cloud {
    /// Users by Uin.
    pub users: BTreeMap<u64, User>,
    /// Groups by GroupId.
    pub groups: BTreeMap<u64, Group>,
    /// Policies by PolicyId.
    pub policies: BTreeMap<u64, Policy>,
    /// The root account's password rules.
    pub password_rules: PasswordRules,
    /// When users were created, UNIX seconds, for the daily limit.
    pub(crate) creations: Vec<i64>,
    pub(crate) last_id: u64,
}

impl Cloud {
    /// An id that was never given out before, so that a recreated name gets a new Uin.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The user of exactly this name, of whatever kind.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.name == name)
    }

    /// The group of exactly this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.name == name)
    }

    /// The policy of exactly this name.
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.values().find(|policy| policy.name == name)
    }

    /// The names of the groups that this user is in, sorted.
    pub fn groups_of(&self, name: &str) -> Vec<String> {
        let ids = self
            .user(name)
            .map(|user| user.groups.clone())
            .unwrap_or_default();
        let mut names: Vec<_> = ids
            .iter()
            .filter_map(|id| self.groups.get(id))
            .map(|group| group.name.clone())
            .collect();
        names.sort();
        names
    }

    /// The names of the policies directly on this user, sorted.
    pub fn policies_of(&self, name: &str) -> Vec<String> {
        let ids = self
            .user(name)
            .map(|user| user.policies.clone())
            .unwrap_or_default();
        let mut names: Vec<_> = ids
            .keys()
            .filter_map(|id| self.policies.get(id))
            .map(|policy| policy.name.clone())
            .collect();
        names.sort();
        names
    }

    /// The names of the users in this group, sorted.
    pub fn members_of(&self, group: &str) -> Vec<String> {
        let Some(group) = self.group(group) else {
            return Vec::new();
        };
        let mut names: Vec<_> = self
            .users
            .values()
            .filter(|user| user.groups.contains(&group.id))
            .map(|user| user.name.clone())
            .collect();
        names.sort();
        names
    }

    /// How many users are in this group.
    pub(crate) fn group_size(&self, id: u64) -> usize {
        self.users
            .values()
            .filter(|user| user.groups.contains(&id))
            .count()
    }
}

/// The kinds of user (`cam-api.md 2.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// Type 2, an ordinary sub-user.
    SubUser,
    /// Type 3, imported from WeCom in the console.
    WeCom,
    /// Type 4, another customer's root account.
    Collaborator,
    /// Type 5, receives messages only.
    MessageReceiver,
}

impl UserKind {
    /// The integer UserType.
    pub fn number(self) -> u64 {
        match self {
            Self::SubUser => 2,
            Self::WeCom => 3,
            Self::Collaborator => 4,
            Self::MessageReceiver => 5,
        }
    }

    /// The string UserType of ListAccounts.
    pub fn word(self) -> &'static str {
        match self {
            Self::SubUser => "SubUser",
            Self::WeCom => "WechatCorpUser",
            Self::Collaborator => "Collaborator",
            Self::MessageReceiver => "MessageReceiver",
        }
    }
}

/// A user. Its password is kept to be compared, and never shown.
#[derive(Clone)]
pub struct User {
    /// The stable id.
    pub uin: u64,
    /// The second id.
    pub uid: u64,
    /// The unique, immutable name.
    pub name: String,
    /// What kind of user it is.
    pub kind: UserKind,
    /// The remark.
    pub remark: String,
    /// Whether it may sign in to the console.
    pub console_login: bool,
    /// Whether it must change its password at the next sign-in.
    pub need_reset_password: bool,
    /// How often a password was set or generated.
    pub passwords_set: u32,
    /// The phone number.
    pub phone: String,
    /// The country code, without plus.
    pub country_code: String,
    /// The e-mail address.
    pub email: String,
    /// The WeCom userid, for type 3.
    pub wecom_id: String,
    /// UNIX seconds.
    pub created: i64,
    /// Whether UpdateUser and DeleteUser answer FailedOperation.Unmodifiable, as for users of the identity centre.
    pub unmodifiable: bool,
    /// Ids of the groups it is in.
    pub groups: BTreeSet<u64>,
    /// Ids of the policies directly on it, with when they were attached, UNIX seconds.
    pub policies: BTreeMap<u64, i64>,
    /// Its API keys by AccessKeyId.
    pub keys: BTreeMap<String, AccessKey>,
    pub(crate) password: String,
}

impl User {
    /// Whether this password signs it in to the console.
    pub fn takes(&self, password: &str) -> bool {
        self.console_login && !password.is_empty() && self.password == password
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("uin", &self.uin)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("remark", &self.remark)
            .field("console_login", &self.console_login)
            .field("passwords_set", &self.passwords_set)
            .field("groups", &self.groups)
            .field("policies", &self.policies)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// An API key of a user. Its secret is never shown.
#[derive(Clone)]
pub struct AccessKey {
    /// Whether its Status is `Active`.
    pub active: bool,
    /// UNIX seconds.
    pub created: i64,
    /// The description.
    pub description: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A group of users.
#[derive(Clone, Debug)]
pub struct Group {
    /// The GroupId.
    pub id: u64,
    /// The unique name.
    pub name: String,
    /// The remark.
    pub remark: String,
    /// UNIX seconds.
    pub created: i64,
    /// Ids of the policies on it, with when they were attached, UNIX seconds.
    pub policies: BTreeMap<u64, i64>,
}

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The PolicyId.
    pub id: u64,
    /// The unique name.
    pub name: String,
    /// The description.
    pub description: String,
    /// Whether CAM made it (`QCS`); otherwise it is custom (`User`).
    pub preset: bool,
    /// `Global`, `Finance` or `CloudProduct` (`cam-api.md 3.3`).
    pub level: String,
    /// The document, JSON.
    pub document: String,
    /// Whether it has been taken out of service.
    pub deactivated: bool,
    /// UNIX seconds.
    pub created: i64,
}

/// The rules that a password must keep (`cam-api.md 4.3`).
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// 8 to 32 characters.
    pub minimum_length: usize,
    /// Which classes it must have: upper, lower, digit, special.
    pub must_contain: [bool; 4],
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            minimum_length: 8,
            must_contain: [true; 4],
        }
    }
}

impl PasswordRules {
    /// Whether `password` keeps the rules.
    pub fn allow(&self, password: &str) -> bool {
        let classes = [
            password.chars().any(|c| c.is_ascii_uppercase()),
            password.chars().any(|c| c.is_ascii_lowercase()),
            password.chars().any(|c| c.is_ascii_digit()),
            password.chars().any(|c| c.is_ascii_punctuation()),
        ];
        let length = password.chars().count();
        (self.minimum_length..=32).contains(&length)
            && self
                .must_contain
                .iter()
                .zip(classes)
                .all(|(needed, present)| present || !needed)
    }
}
