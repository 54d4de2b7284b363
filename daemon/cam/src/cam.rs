//! What the daemon asks of CAM, in plain types: the trait [`Cam`] and everything that goes in and out of it.
//!
//! Three rules hold for every operation, whoever implements it.
//! - An operation that writes does so at most once. [`crate::Error::class`] tells what its failure means: only
//!   [`crate::Class::Unknown`] leaves open whether it took effect, and then the read named at the operation decides.
//! - An operation that writes to a sub-user refuses the account that camsync itself uses, and the root account.
//! - A listing is whole or an error. CAM promises no read-after-write (`cam-api.md 6.3`): what a write made may be
//!   missing from reads for a while.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{error::Error, secret::SecretText};

/// What CAM answered, with the id that its support asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Its RequestId.
    pub request_id: Option<String>,
}

impl<T> Answer<T> {
    /// The same request's answer in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: form(self.value),
            request_id: self.request_id,
        }
    }
}

/// Whose key it is (GetUserAppId).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The account that the key belongs to: a sub-user, or the root account itself.
    pub uin: u64,
    /// The root account.
    pub owner_uin: u64,
    /// The root account's application id.
    pub app_id: u64,
}

/// Counts (GetAccountSummary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// Sub-users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Policies.
    pub policies: u64,
}

/// The kind of a user. Only sub-users of both kinds can be managed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// An ordinary sub-user, as AddUser makes them.
    SubUser,
    /// A sub-user imported from WeCom in the console (type 3): signs in by WeCom, and cannot be kept from it.
    WeComSubUser,
    /// A root account of somebody else.
    Collaborator,
    /// Receives messages only.
    MessageReceiver,
    /// The root account.
    Owner,
    /// Managed by the organisation's identity centre.
    Cic,
    /// A kind that this program does not know, in CAM's word or number.
    Other(String),
}

/// One user of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudUser {
    /// The account id, stable for a user's life.
    pub uin: u64,
    /// The name, fixed at creation; compare it case-folded (`cam-api.md 4.1`).
    pub name: String,
    /// The remark; none and empty are not told apart by CAM.
    pub remark: Option<String>,
    /// Whether the user may sign in to the console, if the listing tells.
    pub console_login: Option<bool>,
    /// The kind.
    pub user_type: UserType,
    /// The WeCom userid, of WeCom sub-users, when asked for and available on this site.
    pub wecom_user_id: Option<String>,
    /// When the user was made, in CAM's words and without a time zone: never order anything by it.
    pub create_time: Option<String>,
    /// Whether this is the account that camsync itself uses.
    pub is_caller: bool,
}

impl CloudUser {
    /// Whether camsync could ever manage this user: a sub-user, and not the one whose key it uses.
    #[must_use]
    pub fn is_manageable(&self) -> bool {
        !self.is_caller && matches!(self.user_type, UserType::SubUser | UserType::WeComSubUser)
    }
}

/// One user of a look-up by uin (DescribeSubAccounts), which does not tell whether sign-in is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubAccount {
    /// The account id.
    pub uin: u64,
    /// The name.
    pub name: String,
    /// The remark.
    pub remark: Option<String>,
    /// The kind.
    pub user_type: UserType,
    /// When the user was made, as in [`CloudUser::create_time`].
    pub create_time: Option<String>,
}

/// One user of a look-up by name (GetUser), which does not tell the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetails {
    /// The account id.
    pub uin: u64,
    /// The name as CAM spells it.
    pub name: String,
    /// The remark.
    pub remark: Option<String>,
    /// Whether the user may sign in to the console.
    pub console_login: Option<bool>,
}

/// Whom a name was found to be. Whether CAM tells upper from lower case is unconfirmed (`cam-api.md 3.1`), so a
/// match in another spelling is told apart: it occupies the name, but it is not the user that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedUser {
    /// The name is spelt as it was asked for.
    Exact(UserDetails),
    /// CAM found a user whose name is spelt in another way.
    OtherSpelling(UserDetails),
}

/// Which sub-user to write to. CAM takes the name alone (`cam-api.md 0.2` point 1), so right before the write the
/// caller compares `get_user(name)`'s uin with this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRef {
    /// The account id, as recorded.
    pub uin: u64,
    /// The name, as CAM spells it.
    pub name: String,
}

/// A sub-user to be made. No API key is ever made with it, and no password is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// The remark, which carries the ownership mark.
    pub remark: String,
    /// Whether to allow console sign-in; CAM then generates a password, which is dropped unread.
    pub console_login: bool,
    /// Whether the password must be changed at the first sign-in; sent with `console_login` only.
    pub need_reset_password: bool,
    /// Contact data, if the rule sends it.
    pub phone: Option<String>,
    /// Country code of the phone number, without a plus.
    pub country_code: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// The answer to AddUser, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedUser {
    /// The account id.
    pub uin: u64,
    /// The name as CAM took it.
    pub name: String,
}

/// What to change about a sub-user; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// The remark.
    pub remark: Option<String>,
    /// Console sign-in. Send it only when it changes: whether 1 over 1 makes a new password is unconfirmed.
    pub console_login: Option<bool>,
    /// A password, which CAM never tells again. Without one, sign-in 0 to 1 makes a password that nobody knows.
    pub password: Option<SecretText>,
    /// Whether the password must be changed at the next sign-in.
    pub need_reset_password: Option<bool>,
    /// Phone number.
    pub phone: Option<String>,
    /// Country code of the phone number, without a plus.
    pub country_code: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group's id.
    pub id: u64,
    /// The name, unique in the account.
    pub name: String,
    /// The remark.
    pub remark: Option<String>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// The account id.
    pub uin: u64,
    /// The name.
    pub name: String,
}

/// Who wrote a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// The account itself.
    Custom,
    /// Tencent Cloud.
    Preset,
}

/// How far a policy reaches, as CAM ranks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionLevel {
    /// The whole account: administrators' rights.
    Global,
    /// Money.
    Finance,
    /// One product.
    CloudProduct,
    /// A level that this program does not know.
    Other(String),
}

/// A policy of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The policy's id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// Who wrote it.
    pub kind: PolicyKind,
    /// How far it reaches, if CAM says.
    pub level: Option<PermissionLevel>,
    /// Whether CAM has taken it out of service.
    pub deactivated: bool,
    /// Whether it belongs to a service-linked role; such a policy is not for users.
    pub service_linked: bool,
}

/// One policy with its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDetails {
    /// The name.
    pub name: String,
    /// Who wrote it.
    pub kind: PolicyKind,
    /// The document, JSON as text; CAM may space it in its own way.
    pub document: String,
    /// The description.
    pub description: Option<String>,
}

/// A policy on a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedPolicy {
    /// The policy's id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// Who wrote it.
    pub kind: PolicyKind,
}

/// An API key of a sub-user: its id and state, never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// Whether it works.
    pub active: bool,
    /// When it was made, in CAM's words.
    pub create_time: Option<String>,
}

/// The cloud as the daemon sees it.
#[async_trait]
pub trait Cam: Send + Sync {
    /// Whose key it is, asked anew each time: the cheapest proof that the key works.
    async fn account(&self) -> Result<Answer<Account>, Error>;

    /// How many users, groups and policies there are.
    async fn account_summary(&self) -> Result<Answer<AccountSummary>, Error>;

    /// Every user, each once, sorted by uin; entries without a uin are left out. `with_wecom_ids` fills in
    /// [`CloudUser::wecom_user_id`] at the cost of another listing, where the site has it.
    async fn list_sub_users(&self, with_wecom_ids: bool) -> Result<Vec<CloudUser>, Error>;

    /// Those of these uins that exist, in any order, any number of them.
    async fn sub_accounts(&self, uins: &[u64]) -> Result<Vec<SubAccount>, Error>;

    /// Who bears this name; `None` when CAM says that nobody does.
    async fn get_user(&self, name: &str) -> Result<Answer<Option<NamedUser>>, Error>;

    /// Makes a sub-user. Unknown: `get_user`, then compare remark and creation time (`cam-api.md 6.2`).
    async fn add_user(&self, user: &NewUser) -> Result<Answer<CreatedUser>, Error>;

    /// Changes a sub-user. Unknown: `get_user`; password fields cannot be read and are simply sent again.
    async fn update_user(&self, user: &UserRef, update: &UserUpdate) -> Result<Answer<()>, Error>;

    /// Deletes a sub-user; with `force` its API keys too, without it such a user is refused
    /// (`OperationDenied.HaveKeys`). Unknown: `get_user`, and another uin means done. An absent one is an error of
    /// class `Done`.
    async fn delete_user(&self, user: &UserRef, force: bool) -> Result<Answer<()>, Error>;

    /// Every group, sorted by id.
    async fn list_groups(&self) -> Result<Vec<Group>, Error>;

    /// The group of exactly this name.
    async fn find_group(&self, name: &str) -> Result<Option<Group>, Error>;

    /// Makes a group and returns its id. Unknown, or `Done` for a name in use: `find_group`.
    async fn create_group(&self, name: &str, remark: &str) -> Result<Answer<u64>, Error>;

    /// Deletes a group; empty it first. Unknown: `list_groups`.
    async fn delete_group(&self, group_id: u64) -> Result<Answer<()>, Error>;

    /// Every member of a group, sorted by uin; a group that does not exist is an error, not an empty list.
    async fn group_members(&self, group_id: u64) -> Result<Vec<GroupMember>, Error>;

    /// Every group of a user, sorted by id.
    async fn groups_of_user(&self, uin: u64) -> Result<Vec<Group>, Error>;

    /// Puts a user into a group; what CAM says to a member is unconfirmed, so read first. Unknown: `groups_of_user`.
    async fn add_to_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error>;

    /// Takes a user out of a group. Unknown: `groups_of_user`.
    async fn remove_from_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error>;

    /// The policy of exactly this name, preset or custom.
    async fn find_policy(&self, name: &str) -> Result<Option<Policy>, Error>;

    /// Every policy, sorted by id: several thousand, the presets included.
    async fn list_policies(&self) -> Result<Vec<Policy>, Error>;

    /// A policy with its document; `None` when it does not exist.
    async fn get_policy(&self, policy_id: u64) -> Result<Answer<Option<PolicyDetails>>, Error>;

    /// Makes a custom policy and returns its id. Unknown, or `Done` for a name in use: `find_policy`, then compare
    /// the document.
    async fn create_policy(
        &self,
        name: &str,
        document: &str,
        description: &str,
    ) -> Result<Answer<u64>, Error>;

    /// Deletes a custom policy. Unknown: `get_policy`.
    async fn delete_policy(&self, policy_id: u64) -> Result<Answer<()>, Error>;

    /// The policies attached to a user directly, sorted by id.
    async fn policies_of_user(&self, uin: u64) -> Result<Vec<AttachedPolicy>, Error>;

    /// The policies attached to a group, sorted by id.
    async fn policies_of_group(&self, group_id: u64) -> Result<Vec<AttachedPolicy>, Error>;

    /// Attaches a policy to a user; read first, as for groups. Unknown: `policies_of_user`.
    async fn attach_user_policy(&self, policy_id: u64, uin: u64) -> Result<Answer<()>, Error>;

    /// Detaches a policy from a user. Unknown: `policies_of_user`.
    async fn detach_user_policy(&self, policy_id: u64, uin: u64) -> Result<Answer<()>, Error>;

    /// Attaches a policy to a group. Unknown: `policies_of_group`.
    async fn attach_group_policy(&self, policy_id: u64, group_id: u64)
    -> Result<Answer<()>, Error>;

    /// Detaches a policy from a group. Unknown: `policies_of_group`.
    async fn detach_group_policy(&self, policy_id: u64, group_id: u64)
    -> Result<Answer<()>, Error>;

    /// The API keys of a sub-user, sorted by id.
    async fn access_keys(&self, uin: u64) -> Result<Vec<AccessKey>, Error>;

    /// Switches an API key of a sub-user on or off. Unknown: `access_keys`.
    async fn set_access_key(
        &self,
        uin: u64,
        key_id: &str,
        active: bool,
    ) -> Result<Answer<()>, Error>;

    /// Deletes an API key of a sub-user, for good; switch it off first. Unknown: `access_keys`.
    async fn delete_access_key(&self, uin: u64, key_id: &str) -> Result<Answer<()>, Error>;
}
