//! The typed actions (`cam-api.md 3`), a file a group, and the trait [`Cam`] over them.

mod account;
mod groups;
mod keys;
mod listing;
mod pages;
mod policies;
mod users;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    cam::{
        AccessKey, Account, AccountSummary, Answer, AttachedPolicy, Cam, CloudUser, CreatedUser,
        Group, GroupMember, NamedUser, NewUser, Policy, PolicyDetails, SubAccount, UserRef,
        UserUpdate,
    },
    client::Client,
    error::Error,
};

/// A call without parameters still sends an object.
#[derive(Serialize)]
struct NoParameters {}

/// An answer of which nothing but its RequestId is wanted.
#[derive(Deserialize)]
struct Ignored {}

/// A remark as CAM gives it: null and empty mean the same.
fn remark(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[async_trait]
impl Cam for Client {
    async fn account(&self) -> Result<Answer<Account>, Error> {
        self.get_user_app_id().await
    }

    async fn account_summary(&self) -> Result<Answer<AccountSummary>, Error> {
        self.get_account_summary().await
    }

    async fn list_sub_users(&self, with_wecom_ids: bool) -> Result<Vec<CloudUser>, Error> {
        self.list_every_user(with_wecom_ids).await
    }

    async fn sub_accounts(&self, uins: &[u64]) -> Result<Vec<SubAccount>, Error> {
        self.describe_sub_accounts(uins).await
    }

    async fn get_user(&self, name: &str) -> Result<Answer<Option<NamedUser>>, Error> {
        self.find_user(name).await
    }

    async fn add_user(&self, user: &NewUser) -> Result<Answer<CreatedUser>, Error> {
        self.create_user(user).await
    }

    async fn update_user(&self, user: &UserRef, update: &UserUpdate) -> Result<Answer<()>, Error> {
        self.change_user(user, update).await
    }

    async fn delete_user(&self, user: &UserRef, force: bool) -> Result<Answer<()>, Error> {
        self.remove_user(user, force).await
    }

    async fn list_groups(&self) -> Result<Vec<Group>, Error> {
        self.groups(None).await
    }

    async fn find_group(&self, name: &str) -> Result<Option<Group>, Error> {
        let groups = self.groups(Some(name)).await?;
        Ok(groups.into_iter().find(|group| group.name == name))
    }

    async fn create_group(&self, name: &str, remark: &str) -> Result<Answer<u64>, Error> {
        self.make_group(name, remark).await
    }

    async fn delete_group(&self, group_id: u64) -> Result<Answer<()>, Error> {
        self.remove_group(group_id).await
    }

    async fn group_members(&self, group_id: u64) -> Result<Vec<GroupMember>, Error> {
        self.users_of_group(group_id).await
    }

    async fn groups_of_user(&self, uin: u64) -> Result<Vec<Group>, Error> {
        self.groups_with_user(uin).await
    }

    async fn add_to_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.join_group(group_id, uin).await
    }

    async fn remove_from_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.leave_group(group_id, uin).await
    }

    async fn find_policy(&self, name: &str) -> Result<Option<Policy>, Error> {
        let policies = self.policies(Some(name)).await?;
        Ok(policies.into_iter().find(|policy| policy.name == name))
    }

    async fn list_policies(&self) -> Result<Vec<Policy>, Error> {
        self.policies(None).await
    }

    async fn get_policy(&self, policy_id: u64) -> Result<Answer<Option<PolicyDetails>>, Error> {
        self.policy(policy_id).await
    }

    async fn create_policy(
        &self,
        name: &str,
        document: &str,
        description: &str,
    ) -> Result<Answer<u64>, Error> {
        self.make_policy(name, document, description).await
    }

    async fn delete_policy(&self, policy_id: u64) -> Result<Answer<()>, Error> {
        self.remove_policy(policy_id).await
    }

    async fn policies_of_user(&self, uin: u64) -> Result<Vec<AttachedPolicy>, Error> {
        self.policies_on_user(uin).await
    }

    async fn policies_of_group(&self, group_id: u64) -> Result<Vec<AttachedPolicy>, Error> {
        self.policies_on_group(group_id).await
    }

    async fn attach_user_policy(&self, policy_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.give_user_policy(policy_id, uin).await
    }

    async fn detach_user_policy(&self, policy_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.take_user_policy(policy_id, uin).await
    }

    async fn attach_group_policy(
        &self,
        policy_id: u64,
        group_id: u64,
    ) -> Result<Answer<()>, Error> {
        self.give_group_policy(policy_id, group_id).await
    }

    async fn detach_group_policy(
        &self,
        policy_id: u64,
        group_id: u64,
    ) -> Result<Answer<()>, Error> {
        self.take_group_policy(policy_id, group_id).await
    }

    async fn access_keys(&self, uin: u64) -> Result<Vec<AccessKey>, Error> {
        self.keys_of_user(uin).await
    }

    async fn set_access_key(
        &self,
        uin: u64,
        key_id: &str,
        active: bool,
    ) -> Result<Answer<()>, Error> {
        self.switch_key(uin, key_id, active).await
    }

    async fn delete_access_key(&self, uin: u64, key_id: &str) -> Result<Answer<()>, Error> {
        self.remove_key(uin, key_id).await
    }
}
