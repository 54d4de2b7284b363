//! The actions, one by one: what each shows and what it does.

use async_trait::async_trait;
use camsync_cam::{
    AccessKey, Account, AccountSummary, Action, Answer, AttachedPolicy, Cam, CloudUser,
    CreatedUser, Error, Group, GroupMember, NamedUser, NewUser, PermissionLevel, Policy,
    PolicyDetails, PolicyKind, SubAccount, UserDetails, UserRef, UserUpdate, actions,
};

use crate::cloud::{CALLER, Cloud, Code, OWNER};

use super::{Late, SimCam, Write, lock};

fn remark(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn details(user: &crate::cloud::User) -> UserDetails {
    UserDetails {
        uin: user.uin,
        name: user.name.clone(),
        remark: remark(&user.remark),
        console_login: Some(user.login),
    }
}

fn group(id: u64, group: &crate::cloud::Group) -> Group {
    Group {
        id,
        name: group.name.clone(),
        remark: remark(&group.remark),
    }
}

fn policy(cloud: &Cloud, id: u64, policy: &crate::cloud::Policy) -> Policy {
    let global = cloud.administers(id) && !policy.custom;
    Policy {
        id,
        name: policy.name.clone(),
        kind: if policy.custom {
            PolicyKind::Custom
        } else {
            PolicyKind::Preset
        },
        level: Some(if global {
            PermissionLevel::Global
        } else {
            PermissionLevel::CloudProduct
        }),
        deactivated: false,
        service_linked: false,
    }
}

fn attached(cloud: &Cloud, ids: &std::collections::BTreeSet<u64>) -> Vec<AttachedPolicy> {
    let known = ids
        .iter()
        .filter_map(|id| Some((*id, cloud.policies.get(id)?)));
    known
        .map(|(id, p)| {
            let Policy { name, kind, .. } = policy(cloud, id, p);
            AttachedPolicy { id, name, kind }
        })
        .collect()
}

const NO_USER: Code = "ResourceNotFound.UserNotExist";

#[async_trait]
impl Cam for SimCam {
    async fn account(&self) -> Result<Answer<Account>, Error> {
        let account = Account {
            uin: CALLER,
            owner_uin: OWNER,
            app_id: 1,
        };
        self.read(&actions::GET_USER_APP_ID, None, |_| Ok(account))
            .await
    }

    async fn account_summary(&self) -> Result<Answer<AccountSummary>, Error> {
        let count = |c: &Cloud| {
            Ok(AccountSummary {
                users: c.users.len() as u64,
                groups: c.groups.len() as u64,
                policies: c.policies.len() as u64,
            })
        };
        self.read(&actions::GET_ACCOUNT_SUMMARY, None, count).await
    }

    async fn list_sub_users(&self, _: bool) -> Result<Vec<CloudUser>, Error> {
        let list = |c: &Cloud| {
            let users = c.users.values().map(|u| CloudUser {
                uin: u.uin,
                name: u.name.clone(),
                remark: remark(&u.remark),
                console_login: Some(u.login),
                user_type: u.kind.clone(),
                wecom_user_id: None,
                create_time: None,
                is_caller: u.uin == CALLER,
            });
            Ok(users.collect::<Vec<_>>())
        };
        let all = self
            .read(&actions::LIST_USERS, Some("*"), list)
            .await?
            .value;
        Ok(self.missing(all))
    }

    async fn sub_accounts(&self, uins: &[u64]) -> Result<Vec<SubAccount>, Error> {
        let find = |c: &Cloud| {
            let found = uins.iter().filter_map(|uin| c.users.get(uin));
            Ok(found
                .map(|u| SubAccount {
                    uin: u.uin,
                    name: u.name.clone(),
                    remark: remark(&u.remark),
                    user_type: u.kind.clone(),
                    create_time: None,
                })
                .collect())
        };
        let read = self.read(&actions::DESCRIBE_SUB_ACCOUNTS, None, find);
        Ok(read.await?.value)
    }

    async fn get_user(&self, name: &str) -> Result<Answer<Option<NamedUser>>, Error> {
        let find = |c: &Cloud| Ok(c.user(name).map(|u| NamedUser::Exact(details(u))));
        self.perhaps_swap(name);
        self.read(&actions::GET_USER, Some(name), find).await
    }

    async fn add_user(&self, user: &NewUser) -> Result<Answer<CreatedUser>, Error> {
        let name = user.name.clone();
        let write = Write::AddUser { name: name.clone() };
        let made_for = lock(&self.oracle).member_of(&name);
        let late = Late::User(user.clone(), made_for.clone());
        let effect = |c: &mut Cloud| {
            let uin = c.add_user(&name, &user.remark, user.console_login, made_for)?;
            Ok(CreatedUser {
                uin,
                name: name.clone(),
            })
        };
        self.create(&actions::ADD_USER, write, Some(late), effect)
            .await
    }

    async fn update_user(&self, user: &UserRef, update: &UserUpdate) -> Result<Answer<()>, Error> {
        let write = Write::UpdateUser {
            name: user.name.clone(),
            login: update.console_login,
        };
        let effect = |c: &mut Cloud| {
            c.update_user(&user.name, update.remark.as_deref(), update.console_login)
        };
        self.write(&actions::UPDATE_USER, write, effect).await
    }

    async fn delete_user(&self, user: &UserRef, force: bool) -> Result<Answer<()>, Error> {
        let write = Write::DeleteUser {
            name: user.name.clone(),
        };
        let effect = |c: &mut Cloud| c.delete_user(&user.name, force);
        self.write(&actions::DELETE_USER, write, effect).await
    }

    async fn list_groups(&self) -> Result<Vec<Group>, Error> {
        let list = |c: &Cloud| {
            Ok(c.groups
                .iter()
                .map(|(id, g)| group(*id, g))
                .collect::<Vec<_>>())
        };
        let read = self.read(&actions::LIST_GROUPS, Some("groups"), list);
        Ok(read.await?.value)
    }

    async fn find_group(&self, name: &str) -> Result<Option<Group>, Error> {
        let find = |c: &Cloud| Ok(c.group(name).map(|(id, g)| group(id, g)));
        let read = self.read(&actions::LIST_GROUPS, Some("groups"), find);
        Ok(read.await?.value)
    }

    async fn create_group(&self, name: &str, remark: &str) -> Result<Answer<u64>, Error> {
        let write = Write::CreateGroup {
            name: name.to_owned(),
        };
        let late = Late::Group(name.to_owned(), remark.to_owned());
        let effect = |c: &mut Cloud| c.add_group(name, remark, true);
        self.create(&actions::CREATE_GROUP, write, Some(late), effect)
            .await
    }

    async fn delete_group(&self, id: u64) -> Result<Answer<()>, Error> {
        let write = Write::DeleteGroup { group: id };
        let effect = |c: &mut Cloud| c.delete_group(id);
        self.write(&actions::DELETE_GROUP, write, effect).await
    }

    async fn group_members(&self, id: u64) -> Result<Vec<GroupMember>, Error> {
        let list = |c: &Cloud| {
            if !c.groups.contains_key(&id) {
                return Err("InvalidParameter.GroupNotExist");
            }
            Ok(c.members(id)
                .map(|u| GroupMember {
                    uin: u.uin,
                    name: u.name.clone(),
                })
                .collect())
        };
        let read = self.read(&actions::LIST_USERS_FOR_GROUP, Some("groups"), list);
        Ok(read.await?.value)
    }

    async fn groups_of_user(&self, uin: u64) -> Result<Vec<Group>, Error> {
        let name = self.name_of(uin);
        let list = |c: &Cloud| {
            let user = c.users.get(&uin).ok_or(NO_USER)?;
            let ids = user.groups.iter();
            Ok(ids
                .filter_map(|id| Some(group(*id, c.groups.get(id)?)))
                .collect())
        };
        let read = self.read(&actions::LIST_GROUPS_FOR_USER, name.as_deref(), list);
        Ok(read.await?.value)
    }

    async fn add_to_group(&self, group: u64, uin: u64) -> Result<Answer<()>, Error> {
        let there = true;
        let write = Write::Membership { group, uin, there };
        let effect = |c: &mut Cloud| c.membership(group, uin, there);
        self.write(&actions::ADD_USER_TO_GROUP, write, effect).await
    }

    async fn remove_from_group(&self, group: u64, uin: u64) -> Result<Answer<()>, Error> {
        let there = false;
        let write = Write::Membership { group, uin, there };
        let effect = |c: &mut Cloud| c.membership(group, uin, there);
        self.write(&actions::REMOVE_USER_FROM_GROUP, write, effect)
            .await
    }

    async fn find_policy(&self, name: &str) -> Result<Option<Policy>, Error> {
        let find = |c: &Cloud| {
            let mut all = c.policies.iter();
            let found = all.find(|(_, p)| p.name == name);
            Ok(found.map(|(id, p)| policy(c, *id, p)))
        };
        let read = self.read(&actions::LIST_POLICIES, Some("policies"), find);
        Ok(read.await?.value)
    }

    async fn list_policies(&self) -> Result<Vec<Policy>, Error> {
        let list = |c: &Cloud| Ok(c.policies.iter().map(|(id, p)| policy(c, *id, p)).collect());
        let read = self.read(&actions::LIST_POLICIES, Some("policies"), list);
        Ok(read.await?.value)
    }

    async fn get_policy(&self, id: u64) -> Result<Answer<Option<PolicyDetails>>, Error> {
        let find = |c: &Cloud| {
            Ok(c.policies.get(&id).map(|p| PolicyDetails {
                name: p.name.clone(),
                kind: policy(c, id, p).kind,
                document: p.document.clone(),
                description: None,
            }))
        };
        self.read(&actions::GET_POLICY, Some("policies"), find)
            .await
    }

    async fn create_policy(
        &self,
        name: &str,
        document: &str,
        _: &str,
    ) -> Result<Answer<u64>, Error> {
        let write = Write::CreatePolicy {
            name: name.to_owned(),
        };
        let effect = |c: &mut Cloud| c.add_policy(name, document, true);
        self.write(&actions::CREATE_POLICY, write, effect).await
    }

    async fn delete_policy(&self, _: u64) -> Result<Answer<()>, Error> {
        self.foreign(&actions::DELETE_POLICY).await
    }

    async fn policies_of_user(&self, uin: u64) -> Result<Vec<AttachedPolicy>, Error> {
        let name = self.name_of(uin);
        let list = |c: &Cloud| {
            let user = c.users.get(&uin).ok_or(NO_USER)?;
            Ok(attached(c, &user.policies))
        };
        let read = self.read(&actions::LIST_ATTACHED_USER_POLICIES, name.as_deref(), list);
        Ok(read.await?.value)
    }

    async fn policies_of_group(&self, id: u64) -> Result<Vec<AttachedPolicy>, Error> {
        let list = |c: &Cloud| {
            let group = c.groups.get(&id).ok_or("InvalidParameter.GroupNotExist")?;
            Ok(attached(c, &group.policies))
        };
        let read = self.read(&actions::LIST_ATTACHED_GROUP_POLICIES, Some("groups"), list);
        Ok(read.await?.value)
    }

    async fn attach_user_policy(&self, policy: u64, uin: u64) -> Result<Answer<()>, Error> {
        let there = true;
        let write = Write::Attachment { policy, uin, there };
        let effect = |c: &mut Cloud| c.attachment(policy, uin, there);
        self.write(&actions::ATTACH_USER_POLICY, write, effect)
            .await
    }

    async fn detach_user_policy(&self, policy: u64, uin: u64) -> Result<Answer<()>, Error> {
        let there = false;
        let write = Write::Attachment { policy, uin, there };
        let effect = |c: &mut Cloud| c.attachment(policy, uin, there);
        self.write(&actions::DETACH_USER_POLICY, write, effect)
            .await
    }

    async fn attach_group_policy(&self, _: u64, _: u64) -> Result<Answer<()>, Error> {
        self.foreign(&actions::ATTACH_GROUP_POLICY).await
    }

    async fn detach_group_policy(&self, _: u64, _: u64) -> Result<Answer<()>, Error> {
        self.foreign(&actions::DETACH_GROUP_POLICY).await
    }

    async fn access_keys(&self, uin: u64) -> Result<Vec<AccessKey>, Error> {
        let name = self.name_of(uin);
        let list = |c: &Cloud| {
            let user = c.users.get(&uin).ok_or(NO_USER)?;
            let keys = user.keys.iter().map(|(id, active)| AccessKey {
                id: id.clone(),
                active: *active,
                create_time: None,
            });
            Ok(keys.collect())
        };
        let read = self.read(&actions::LIST_ACCESS_KEYS, name.as_deref(), list);
        Ok(read.await?.value)
    }

    async fn set_access_key(&self, uin: u64, key: &str, on: bool) -> Result<Answer<()>, Error> {
        let write = Write::Key {
            uin,
            key: key.to_owned(),
            on,
        };
        let effect = |c: &mut Cloud| c.switch_key(uin, key, on);
        self.write(&actions::UPDATE_ACCESS_KEY, write, effect).await
    }

    async fn delete_access_key(&self, uin: u64, key: &str) -> Result<Answer<()>, Error> {
        let write = Write::DeleteKey {
            uin,
            key: key.to_owned(),
        };
        let effect = |c: &mut Cloud| c.delete_key(uin, key);
        self.write(&actions::DELETE_ACCESS_KEY, write, effect).await
    }
}

impl SimCam {
    async fn foreign(&self, action: &Action) -> Result<Answer<()>, Error> {
        let write = Write::Foreign {
            action: action.name,
        };
        self.write(action, write, |_| Ok(())).await
    }
}
