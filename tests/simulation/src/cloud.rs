//! The simulated account: users, groups, policies and keys, and what each action does to them. No time, no faults.

use std::collections::{BTreeMap, BTreeSet};

use camsync_cam::UserType;

use crate::rules::{ADMIN, READ, TEMPLATE};

/// What CAM says instead of doing something.
pub type Code = &'static str;

/// The account that the product itself uses.
pub const CALLER: u64 = 1000;
/// The root account.
pub const OWNER: u64 = 100;

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// The stable id.
    pub uin: u64,
    /// The name.
    pub name: String,
    /// The remark.
    pub remark: String,
    /// May sign in.
    pub login: bool,
    /// What kind it is.
    pub kind: UserType,
    /// Groups, by id.
    pub groups: BTreeSet<u64>,
    /// Policies, by id.
    pub policies: BTreeSet<u64>,
    /// API keys, and whether each works.
    pub keys: BTreeMap<String, bool>,
    /// The member for whom the product made it, or took it over; nobody if neither.
    pub made_for: Option<String>,
    /// Others made it, and the product took it over.
    pub adopted: bool,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The remark.
    pub remark: String,
    /// Policies, by id.
    pub policies: BTreeSet<u64>,
    /// The product made it.
    pub ours: bool,
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The name.
    pub name: String,
    /// The account's own.
    pub custom: bool,
    /// What it allows, as JSON.
    pub document: String,
    /// The product made it.
    pub ours: bool,
}

/// The account.
#[derive(Debug, Clone, Default)]
pub struct Cloud {
    /// By Uin.
    pub users: BTreeMap<u64, User>,
    /// By id.
    pub groups: BTreeMap<u64, Group>,
    /// By id.
    pub policies: BTreeMap<u64, Policy>,
    last_id: u64,
}

const ALLOW_ALL: &str =
    r#"{"version":"2.0","statement":[{"effect":"allow","action":["*"],"resource":["*"]}]}"#;
const ALLOW_READ: &str = r#"{"version":"2.0","statement":[{"effect":"allow","action":["cvm:Describe*"],"resource":["*"]}]}"#;

impl Cloud {
    /// An account as it is before the product comes: the caller, a template, strangers of other kinds.
    #[must_use]
    pub fn new() -> Self {
        let mut cloud = Self {
            last_id: 2000,
            ..Self::default()
        };
        for (id, name, document) in [(1, ADMIN, ALLOW_ALL), (2, READ, ALLOW_READ)] {
            let policy = Policy {
                name: name.to_owned(),
                custom: false,
                document: document.to_owned(),
                ours: false,
            };
            cloud.policies.insert(id, policy);
        }
        cloud.insert(CALLER, "camsync-key", UserType::SubUser);
        cloud.insert(1001, TEMPLATE, UserType::SubUser);
        cloud.insert(1002, "partner", UserType::Collaborator);
        cloud.insert(1003, "mailbox", UserType::MessageReceiver);
        cloud.insert(1004, "auditor", UserType::SubUser);
        let tools = cloud.add_group("tools", "", false).unwrap_or_default();
        if let Some(template) = cloud.users.get_mut(&1001) {
            template.groups.insert(tools);
            template.policies.insert(2);
        }
        cloud
    }

    fn next(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn insert(&mut self, uin: u64, name: &str, kind: UserType) {
        let user = User {
            uin,
            name: name.to_owned(),
            remark: String::new(),
            login: true,
            kind,
            groups: BTreeSet::new(),
            policies: BTreeSet::new(),
            keys: BTreeMap::new(),
            made_for: None,
            adopted: false,
        };
        self.users.insert(uin, user);
    }

    /// The user of this name, spelt as it is.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.values().find(|u| u.name == name)
    }

    /// The id and the group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<(u64, &Group)> {
        let mut groups = self.groups.iter();
        groups.find(|(_, g)| g.name == name).map(|(id, g)| (*id, g))
    }

    /// Who is in a group.
    pub fn members(&self, group: u64) -> impl Iterator<Item = &User> {
        self.users
            .values()
            .filter(move |u| u.groups.contains(&group))
    }

    /// Whether a policy gives rights that administer: in this account one does.
    #[must_use]
    pub fn administers(&self, policy: u64) -> bool {
        let policy = self.policies.get(&policy);
        policy.is_some_and(|p| p.document == ALLOW_ALL)
    }

    /// Makes a user: by the product for a member, or by somebody else.
    pub fn add_user(
        &mut self,
        name: &str,
        remark: &str,
        login: bool,
        made_for: Option<String>,
    ) -> Result<u64, Code> {
        if self.user(name).is_some() {
            return Err("InvalidParameter.SubUserNameInUse");
        }
        let uin = self.next();
        self.insert(uin, name, UserType::SubUser);
        if let Some(user) = self.users.get_mut(&uin) {
            user.remark = remark.to_owned();
            user.login = login;
            user.made_for = made_for;
        }
        Ok(uin)
    }

    /// Changes a user, found by name alone.
    pub fn update_user(
        &mut self,
        name: &str,
        remark: Option<&str>,
        login: Option<bool>,
    ) -> Result<(), Code> {
        let user = self.users.values_mut().find(|u| u.name == name);
        let user = user.ok_or("ResourceNotFound.UserNotExist")?;
        if let Some(remark) = remark {
            user.remark = remark.to_owned();
        }
        user.login = login.unwrap_or(user.login);
        Ok(())
    }

    /// Deletes a user, found by name alone.
    pub fn delete_user(&mut self, name: &str, force: bool) -> Result<(), Code> {
        let user = self.user(name).ok_or("ResourceNotFound.UserNotExist")?;
        if !user.keys.is_empty() && !force {
            return Err("OperationDenied.HaveKeys");
        }
        let uin = user.uin;
        self.users.remove(&uin);
        Ok(())
    }

    /// Makes a group.
    pub fn add_group(&mut self, name: &str, remark: &str, ours: bool) -> Result<u64, Code> {
        if self.group(name).is_some() {
            return Err("InvalidParameter.GroupNameInUse");
        }
        let id = self.next();
        let group = Group {
            name: name.to_owned(),
            remark: remark.to_owned(),
            policies: BTreeSet::new(),
            ours,
        };
        self.groups.insert(id, group);
        Ok(id)
    }

    /// Deletes a group.
    pub fn delete_group(&mut self, id: u64) -> Result<(), Code> {
        if !self.groups.contains_key(&id) {
            return Err("ResourceNotFound.UserNotExist");
        }
        for user in self.users.values_mut() {
            user.groups.remove(&id);
        }
        self.groups.remove(&id);
        Ok(())
    }

    fn of(&mut self, uin: u64) -> Result<&mut User, Code> {
        let user = self.users.get_mut(&uin);
        user.ok_or("ResourceNotFound.UserNotExist")
    }

    /// Puts a user into a group, or takes it out.
    pub fn membership(&mut self, group: u64, uin: u64, there: bool) -> Result<(), Code> {
        if !self.groups.contains_key(&group) {
            return Err("InvalidParameter.GroupNotExist");
        }
        let user = self.of(uin)?;
        if there {
            user.groups.insert(group);
        } else {
            user.groups.remove(&group);
        }
        Ok(())
    }

    /// Makes a custom policy.
    pub fn add_policy(&mut self, name: &str, document: &str, ours: bool) -> Result<u64, Code> {
        if self.policies.values().any(|p| p.name == name) {
            return Err("FailedOperation.PolicyNameInUse");
        }
        let id = self.next();
        let policy = Policy {
            name: name.to_owned(),
            custom: true,
            document: document.to_owned(),
            ours,
        };
        self.policies.insert(id, policy);
        Ok(id)
    }

    /// Attaches a policy to a user, or detaches it.
    pub fn attachment(&mut self, policy: u64, uin: u64, there: bool) -> Result<(), Code> {
        if !self.policies.contains_key(&policy) {
            return Err("ResourceNotFound.PolicyIdNotFound");
        }
        let user = self.of(uin)?;
        if there {
            user.policies.insert(policy);
        } else {
            user.policies.remove(&policy);
        }
        Ok(())
    }

    /// Makes a key that works.
    pub fn add_key(&mut self, uin: u64) -> Result<String, Code> {
        let id = format!("AKID{}", self.next());
        self.of(uin)?.keys.insert(id.clone(), true);
        Ok(id)
    }

    /// Switches a key.
    pub fn switch_key(&mut self, uin: u64, key: &str, on: bool) -> Result<(), Code> {
        let active = self.of(uin)?.keys.get_mut(key);
        *active.ok_or("ResourceNotFound.SecretNotExist")? = on;
        Ok(())
    }

    /// Deletes a key.
    pub fn delete_key(&mut self, uin: u64, key: &str) -> Result<(), Code> {
        let removed = self.of(uin)?.keys.remove(key);
        removed.map(drop).ok_or("ResourceNotFound.SecretNotExist")
    }
}
