//! Every user of the account (`cam-api.md 3.1`, shapes in 2.1): ListAccounts, or what stands in for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    NoParameters,
    pages::{Page, every_page},
    remark,
};
use crate::{
    action::actions::{
        DESCRIBE_SUB_ACCOUNTS, LIST_ACCOUNTS, LIST_USERS, LIST_WECHAT_WORK_SUB_ACCOUNTS,
    },
    cam::{Account, CloudUser, SubAccount, UserType},
    client::Client,
    error::{Error, Fault},
};

/// The most that ListAccounts gives at once; also a fair page of ListWeChatWorkSubAccounts.
const ITEMS_MAX: u64 = 100;
/// The most uins that DescribeSubAccounts takes at once.
const UINS_MAX: usize = 50;
/// How often a listing begins again because its marker expired.
const RESTARTS_MAX: u32 = 3;
/// No account comes near this; a service that never says "last page" must not keep us for ever.
const PAGES_MAX: u32 = 10_000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListAccounts<'a> {
    max_items: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Accounts {
    #[serde(default, deserialize_with = "crate::wire::list")]
    users: Vec<UserInfo>,
    #[serde(default, deserialize_with = "crate::wire::text")]
    marker: String,
    #[serde(default, deserialize_with = "crate::wire::flag")]
    is_truncated: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OffsetPage {
    offset: u64,
    limit: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserData {
    #[serde(default, deserialize_with = "crate::wire::list")]
    data: Vec<UserInfo>,
    #[serde(default, deserialize_with = "crate::wire::number")]
    total_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeSubAccounts<'a> {
    filter_sub_account_uin: &'a [u64],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubAccounts {
    #[serde(default, deserialize_with = "crate::wire::list")]
    sub_accounts: Vec<UserInfo>,
}

/// The user shapes of all four listings together; what one does not give is empty.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct UserInfo {
    #[serde(deserialize_with = "crate::wire::number")]
    uin: u64,
    #[serde(deserialize_with = "crate::wire::number")]
    uid: u64,
    #[serde(deserialize_with = "crate::wire::text")]
    name: String,
    #[serde(deserialize_with = "crate::wire::text")]
    remark: String,
    #[serde(deserialize_with = "crate::wire::flag")]
    console_login: Option<bool>,
    #[serde(deserialize_with = "crate::wire::text")]
    create_time: String,
    /// A word in ListAccounts, a number in DescribeSubAccounts.
    #[serde(deserialize_with = "crate::wire::text")]
    user_type: String,
    #[serde(deserialize_with = "crate::wire::text")]
    we_chat_work_user_id: String,
}

impl UserInfo {
    /// The user as the daemon sees it; `given` is the kind that the listing itself implies.
    fn into_cloud_user(self, account: &Account, given: Option<UserType>) -> CloudUser {
        let user_type = if self.uin == account.owner_uin {
            UserType::Owner
        } else {
            given.unwrap_or_else(|| user_type(&self.user_type))
        };
        CloudUser {
            uin: self.uin,
            name: self.name,
            remark: remark(self.remark),
            console_login: self.console_login,
            user_type,
            wecom_user_id: remark(self.we_chat_work_user_id),
            create_time: remark(self.create_time),
            is_caller: self.uin == account.uin,
        }
    }
}

fn user_type(word: &str) -> UserType {
    match word {
        "SubUser" | "2" => UserType::SubUser,
        "WechatCorpUser" | "3" => UserType::WeComSubUser,
        "Collaborator" | "4" => UserType::Collaborator,
        "MessageReceiver" | "5" => UserType::MessageReceiver,
        "Owner" | "1" => UserType::Owner,
        "CICUser" => UserType::Cic,
        other => UserType::Other(other.to_owned()),
    }
}

impl Client {
    pub(super) async fn list_every_user(
        &self,
        with_wecom_ids: bool,
    ) -> Result<Vec<CloudUser>, Error> {
        let account = &self.own_account().await?;
        let mut users = BTreeMap::new();
        let typed = match self.list_accounts().await {
            Ok(listed) => {
                merge(
                    &mut users,
                    listed
                        .into_iter()
                        .map(|user| user.into_cloud_user(account, None)),
                );
                true
            }
            Err(error) if error.is_action_absent() => {
                tracing::debug!("ListAccounts is absent on this site; using ListUsers");
                false
            }
            Err(error) => return Err(error),
        };
        // WeCom's listing goes before ListUsers, which cannot tell WeCom sub-users from others.
        if with_wecom_ids || !typed {
            let listed = self.list_wecom_users().await?.into_iter();
            let given = Some(UserType::WeComSubUser);
            merge(
                &mut users,
                listed.map(|user| user.into_cloud_user(account, given.clone())),
            );
        }
        if !typed {
            let listed = self
                .call::<_, UserData>(&LIST_USERS, &NoParameters {})
                .await?
                .value
                .data;
            let given = Some(UserType::SubUser);
            let listed = listed.into_iter();
            merge(
                &mut users,
                listed.map(|user| user.into_cloud_user(account, given.clone())),
            );
        }
        Ok(users.into_values().collect())
    }

    /// ListAccounts, page by page; an expired marker begins it again.
    async fn list_accounts(&self) -> Result<Vec<UserInfo>, Error> {
        let mut restarts = 0;
        let mut users = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let request = ListAccounts {
                max_items: ITEMS_MAX,
                marker: marker.as_deref(),
            };
            let page = match self.call::<_, Accounts>(&LIST_ACCOUNTS, &request).await {
                Ok(answer) => answer.value,
                Err(error)
                    if restarts < RESTARTS_MAX
                        && error.has_code(&["InvalidParameter.PaginationTokenInvalid"]) =>
                {
                    restarts += 1;
                    users.clear();
                    marker = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            users.extend(page.users);
            if !page.is_truncated.unwrap_or(false) {
                return Ok(users);
            }
            if page.marker.is_empty() || marker.as_ref() == Some(&page.marker) {
                let message = "IsTruncated without a new Marker";
                return Err(Error::unknown(&LIST_ACCOUNTS, Fault::Incomplete, message));
            }
            marker = Some(page.marker);
        }
        Err(Error::unknown(
            &LIST_ACCOUNTS,
            Fault::Incomplete,
            "no last page",
        ))
    }

    /// ListWeChatWorkSubAccounts; empty where the site does not have it.
    async fn list_wecom_users(&self) -> Result<Vec<UserInfo>, Error> {
        let action = &LIST_WECHAT_WORK_SUB_ACCOUNTS;
        let users = every_page(
            action,
            |user: &UserInfo| if user.uin == 0 { user.uid } else { user.uin },
            |cursor| async move {
                let request = OffsetPage {
                    offset: cursor.offset,
                    limit: ITEMS_MAX,
                };
                let answer = self.call::<_, UserData>(action, &request).await?.value;
                Ok(Page {
                    total: answer.total_count,
                    entries: answer.data,
                })
            },
        );
        match users.await {
            Ok(users) => Ok(users.into_values().collect()),
            Err(error) if error.is_action_absent() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn describe_sub_accounts(
        &self,
        uins: &[u64],
    ) -> Result<Vec<SubAccount>, Error> {
        let mut found = BTreeMap::new();
        for batch in uins.chunks(UINS_MAX) {
            let request = DescribeSubAccounts {
                filter_sub_account_uin: batch,
            };
            let answer = self
                .call::<_, SubAccounts>(&DESCRIBE_SUB_ACCOUNTS, &request)
                .await?;
            for user in answer
                .value
                .sub_accounts
                .into_iter()
                .filter(|user| user.uin != 0)
            {
                let account = SubAccount {
                    uin: user.uin,
                    name: user.name,
                    remark: remark(user.remark),
                    user_type: user_type(&user.user_type),
                    create_time: remark(user.create_time),
                };
                found.insert(account.uin, account);
            }
        }
        Ok(found.into_values().collect())
    }
}

/// Takes in each user once. What is known of a user already stays; what it lacked is filled in.
fn merge(users: &mut BTreeMap<u64, CloudUser>, listed: impl Iterator<Item = CloudUser>) {
    for user in listed.filter(|user| user.uin != 0) {
        match users.entry(user.uin) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(user);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.remark = known.remark.take().or(user.remark);
                known.console_login = known.console_login.or(user.console_login);
                known.wecom_user_id = known.wecom_user_id.take().or(user.wecom_user_id);
                known.create_time = known.create_time.take().or(user.create_time);
            }
        }
    }
}
