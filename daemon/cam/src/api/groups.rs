//! Groups and memberships (`cam-api.md 3.2`).

use serde::{Deserialize, Serialize};

use super::{
    Ignored,
    pages::{Cursor, PAGE_SIZE, Page, every_page},
    remark,
};
use crate::{
    action::{
        Action,
        actions::{
            ADD_USER_TO_GROUP, CREATE_GROUP, DELETE_GROUP, LIST_GROUPS, LIST_GROUPS_FOR_USER,
            LIST_USERS_FOR_GROUP, REMOVE_USER_FROM_GROUP,
        },
    },
    cam::{Answer, Group, GroupMember},
    client::Client,
    error::{Error, Fault},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupPage<'a> {
    page: u64,
    rp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_uin: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<u64>,
}

impl GroupPage<'_> {
    fn at(cursor: Cursor) -> Self {
        Self {
            page: cursor.number,
            rp: PAGE_SIZE,
            keyword: None,
            sub_uin: None,
            group_id: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    #[serde(default, deserialize_with = "crate::wire::number")]
    total_num: u64,
    #[serde(default, deserialize_with = "crate::wire::list")]
    group_info: Vec<GroupInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupInfo {
    #[serde(deserialize_with = "crate::wire::number")]
    group_id: u64,
    #[serde(default, deserialize_with = "crate::wire::text")]
    group_name: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    remark: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    #[serde(default, deserialize_with = "crate::wire::number")]
    total_num: u64,
    #[serde(default, deserialize_with = "crate::wire::list")]
    user_info: Vec<MemberInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MemberInfo {
    #[serde(default, deserialize_with = "crate::wire::number")]
    uin: u64,
    /// A message receiver has no Uin; its Uid still tells it from another.
    #[serde(default, deserialize_with = "crate::wire::number")]
    uid: u64,
    #[serde(default, deserialize_with = "crate::wire::text")]
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateGroup<'a> {
    group_name: &'a str,
    remark: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupId {
    #[serde(default, deserialize_with = "crate::wire::number")]
    group_id: u64,
}

/// One pair per call, so that each outcome is its own (`cam-api.md 3.2`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Membership {
    info: [MembershipPair; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MembershipPair {
    group_id: u64,
    uin: u64,
}

impl Client {
    pub(super) async fn groups(&self, keyword: Option<&str>) -> Result<Vec<Group>, Error> {
        self.group_pages(&LIST_GROUPS, |page| page.keyword = keyword)
            .await
    }

    pub(super) async fn groups_with_user(&self, uin: u64) -> Result<Vec<Group>, Error> {
        self.group_pages(&LIST_GROUPS_FOR_USER, |page| page.sub_uin = Some(uin))
            .await
    }

    async fn group_pages<'a>(
        &self,
        action: &Action,
        narrow: impl Fn(&mut GroupPage<'a>) + Sync + Send,
    ) -> Result<Vec<Group>, Error> {
        let narrow = &narrow;
        let groups = every_page(
            action,
            |group: &Group| group.id,
            |cursor| async move {
                let mut request = GroupPage::at(cursor);
                narrow(&mut request);
                let answer = self.call::<_, Groups>(action, &request).await?.value;
                let entries = answer.group_info.into_iter().map(|group| Group {
                    id: group.group_id,
                    name: group.group_name,
                    remark: remark(group.remark),
                });
                Ok(Page {
                    total: answer.total_num,
                    entries: entries.collect(),
                })
            },
        );
        Ok(groups.await?.into_values().collect())
    }

    pub(super) async fn users_of_group(&self, group_id: u64) -> Result<Vec<GroupMember>, Error> {
        let members = every_page(
            &LIST_USERS_FOR_GROUP,
            |member: &MemberInfo| {
                if member.uin == 0 {
                    member.uid
                } else {
                    member.uin
                }
            },
            |cursor| async move {
                let mut request = GroupPage::at(cursor);
                request.group_id = Some(group_id);
                let answer = self
                    .call::<_, Members>(&LIST_USERS_FOR_GROUP, &request)
                    .await?
                    .value;
                Ok(Page {
                    total: answer.total_num,
                    entries: answer.user_info,
                })
            },
        );
        let mut members: Vec<_> = members
            .await?
            .into_values()
            .filter(|member| member.uin != 0)
            .map(|member| GroupMember {
                uin: member.uin,
                name: member.name,
            })
            .collect();
        members.sort_by_key(|member| member.uin);
        Ok(members)
    }

    pub(super) async fn make_group(&self, name: &str, remark: &str) -> Result<Answer<u64>, Error> {
        let request = CreateGroup {
            group_name: name,
            remark,
        };
        let answer = self.call::<_, GroupId>(&CREATE_GROUP, &request).await?;
        if answer.value.group_id == 0 {
            let mut error = Error::unknown(&CREATE_GROUP, Fault::UnexpectedShape, "no GroupId");
            error.request_id = answer.request_id;
            return Err(error);
        }
        Ok(answer.map(|group| group.group_id))
    }

    pub(super) async fn remove_group(&self, group_id: u64) -> Result<Answer<()>, Error> {
        let answer = self
            .call::<_, Ignored>(&DELETE_GROUP, &GroupId { group_id })
            .await?;
        Ok(answer.map(drop))
    }

    pub(super) async fn join_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.membership(&ADD_USER_TO_GROUP, group_id, uin).await
    }

    pub(super) async fn leave_group(&self, group_id: u64, uin: u64) -> Result<Answer<()>, Error> {
        self.membership(&REMOVE_USER_FROM_GROUP, group_id, uin)
            .await
    }

    async fn membership(
        &self,
        action: &Action,
        group_id: u64,
        uin: u64,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(action, uin).await?;
        let request = Membership {
            info: [MembershipPair { group_id, uin }],
        };
        let answer = self.call::<_, Ignored>(action, &request).await?;
        Ok(answer.map(drop))
    }
}
