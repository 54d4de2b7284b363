//! Policies and what they are attached to (`cam-api.md 3.3`).

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
            ATTACH_GROUP_POLICY, ATTACH_USER_POLICY, CREATE_POLICY, DELETE_POLICY,
            DETACH_GROUP_POLICY, DETACH_USER_POLICY, GET_POLICY, LIST_ATTACHED_GROUP_POLICIES,
            LIST_ATTACHED_USER_POLICIES, LIST_POLICIES,
        },
    },
    cam::{Answer, AttachedPolicy, PermissionLevel, Policy, PolicyDetails, PolicyKind},
    client::Client,
    error::{Error, Fault},
};

/// The largest page that ListPolicies documents.
const POLICY_PAGE_SIZE: u64 = 200;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyPage<'a> {
    page: u64,
    rp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_uin: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policies {
    #[serde(default, deserialize_with = "crate::wire::number")]
    total_num: u64,
    #[serde(default, deserialize_with = "crate::wire::list")]
    list: Vec<PolicyInfo>,
}

/// StrategyInfo and AttachPolicyInfo together: they name the same things, except for who wrote the policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyInfo {
    #[serde(deserialize_with = "crate::wire::number")]
    policy_id: u64,
    #[serde(default, deserialize_with = "crate::wire::text")]
    policy_name: String,
    /// 1 custom, 2 preset.
    #[serde(default, deserialize_with = "crate::wire::number")]
    r#type: u64,
    /// `User` custom, `QCS` preset.
    #[serde(default, deserialize_with = "crate::wire::text")]
    policy_type: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    permission_level: String,
    #[serde(default, deserialize_with = "crate::wire::flag")]
    deactived: Option<bool>,
    #[serde(default, deserialize_with = "crate::wire::flag")]
    is_service_linked_policy: Option<bool>,
}

impl PolicyInfo {
    /// Taken for preset only when CAM says so: a custom policy may be named like a preset one.
    fn kind(&self) -> PolicyKind {
        if self.r#type == 2 || self.policy_type == "QCS" {
            PolicyKind::Preset
        } else {
            PolicyKind::Custom
        }
    }

    fn level(&self) -> Option<PermissionLevel> {
        match self.permission_level.as_str() {
            "" => None,
            "Global" => Some(PermissionLevel::Global),
            "Finance" => Some(PermissionLevel::Finance),
            "CloudProduct" => Some(PermissionLevel::CloudProduct),
            other => Some(PermissionLevel::Other(other.to_owned())),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyId {
    #[serde(default, deserialize_with = "crate::wire::number")]
    policy_id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotPolicy {
    #[serde(deserialize_with = "crate::wire::text")]
    policy_name: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    description: String,
    #[serde(default, deserialize_with = "crate::wire::number")]
    r#type: u64,
    #[serde(deserialize_with = "crate::wire::text")]
    policy_document: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreatePolicy<'a> {
    policy_name: &'a str,
    policy_document: &'a str,
    description: &'a str,
}

/// A list on the wire (document/api/598/34577); one per call, so that each outcome is its own.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeletePolicy {
    policy_id: [u64; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachUser {
    policy_id: u64,
    attach_uin: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetachUser {
    policy_id: u64,
    detach_uin: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachGroup {
    policy_id: u64,
    attach_group_id: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetachGroup {
    policy_id: u64,
    detach_group_id: u64,
}

impl Client {
    pub(super) async fn policies(&self, keyword: Option<&str>) -> Result<Vec<Policy>, Error> {
        let policies = self
            .policy_pages(&LIST_POLICIES, POLICY_PAGE_SIZE, |page| {
                page.keyword = keyword
            })
            .await?;
        let policies = policies.into_iter().map(|policy| Policy {
            id: policy.policy_id,
            kind: policy.kind(),
            level: policy.level(),
            deactivated: policy.deactived.unwrap_or(false),
            service_linked: policy.is_service_linked_policy.unwrap_or(false),
            name: policy.policy_name,
        });
        Ok(policies.collect())
    }

    pub(super) async fn policies_on_user(&self, uin: u64) -> Result<Vec<AttachedPolicy>, Error> {
        let narrow = |page: &mut PolicyPage<'_>| page.target_uin = Some(uin);
        let listed = self
            .policy_pages(&LIST_ATTACHED_USER_POLICIES, PAGE_SIZE, narrow)
            .await?;
        Ok(attached(listed))
    }

    pub(super) async fn policies_on_group(
        &self,
        group_id: u64,
    ) -> Result<Vec<AttachedPolicy>, Error> {
        let narrow = |page: &mut PolicyPage<'_>| page.target_group_id = Some(group_id);
        let listed = self
            .policy_pages(&LIST_ATTACHED_GROUP_POLICIES, PAGE_SIZE, narrow)
            .await?;
        Ok(attached(listed))
    }

    async fn policy_pages<'a>(
        &self,
        action: &Action,
        page_size: u64,
        narrow: impl Fn(&mut PolicyPage<'a>) + Sync + Send,
    ) -> Result<Vec<PolicyInfo>, Error> {
        let narrow = &narrow;
        let policies = every_page(
            action,
            |policy: &PolicyInfo| policy.policy_id,
            |cursor: Cursor| async move {
                let mut request = PolicyPage {
                    page: cursor.number,
                    rp: page_size,
                    keyword: None,
                    target_uin: None,
                    target_group_id: None,
                };
                narrow(&mut request);
                let answer = self.call::<_, Policies>(action, &request).await?.value;
                Ok(Page {
                    total: answer.total_num,
                    entries: answer.list,
                })
            },
        );
        Ok(policies.await?.into_values().collect())
    }

    pub(super) async fn policy(
        &self,
        policy_id: u64,
    ) -> Result<Answer<Option<PolicyDetails>>, Error> {
        let answer = match self
            .call::<_, GotPolicy>(&GET_POLICY, &PolicyId { policy_id })
            .await
        {
            Ok(answer) => answer,
            Err(error) if error.is_policy_not_found() => {
                return Ok(Answer {
                    value: None,
                    request_id: error.request_id,
                });
            }
            Err(error) => return Err(error),
        };
        Ok(answer.map(|policy| {
            Some(PolicyDetails {
                name: policy.policy_name,
                kind: if policy.r#type == 2 {
                    PolicyKind::Preset
                } else {
                    PolicyKind::Custom
                },
                document: policy.policy_document,
                description: remark(policy.description),
            })
        }))
    }

    pub(super) async fn make_policy(
        &self,
        name: &str,
        document: &str,
        description: &str,
    ) -> Result<Answer<u64>, Error> {
        let request = CreatePolicy {
            policy_name: name,
            policy_document: document,
            description,
        };
        let answer = self.call::<_, PolicyId>(&CREATE_POLICY, &request).await?;
        if answer.value.policy_id == 0 {
            let mut error = Error::unknown(&CREATE_POLICY, Fault::UnexpectedShape, "no PolicyId");
            error.request_id = answer.request_id;
            return Err(error);
        }
        Ok(answer.map(|policy| policy.policy_id))
    }

    pub(super) async fn remove_policy(&self, policy_id: u64) -> Result<Answer<()>, Error> {
        self.done(
            &DELETE_POLICY,
            &DeletePolicy {
                policy_id: [policy_id],
            },
        )
        .await
    }

    pub(super) async fn give_user_policy(
        &self,
        policy_id: u64,
        uin: u64,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&ATTACH_USER_POLICY, uin).await?;
        self.done(
            &ATTACH_USER_POLICY,
            &AttachUser {
                policy_id,
                attach_uin: uin,
            },
        )
        .await
    }

    pub(super) async fn take_user_policy(
        &self,
        policy_id: u64,
        uin: u64,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&DETACH_USER_POLICY, uin).await?;
        self.done(
            &DETACH_USER_POLICY,
            &DetachUser {
                policy_id,
                detach_uin: uin,
            },
        )
        .await
    }

    pub(super) async fn give_group_policy(
        &self,
        policy_id: u64,
        group_id: u64,
    ) -> Result<Answer<()>, Error> {
        let request = AttachGroup {
            policy_id,
            attach_group_id: group_id,
        };
        self.done(&ATTACH_GROUP_POLICY, &request).await
    }

    pub(super) async fn take_group_policy(
        &self,
        policy_id: u64,
        group_id: u64,
    ) -> Result<Answer<()>, Error> {
        let request = DetachGroup {
            policy_id,
            detach_group_id: group_id,
        };
        self.done(&DETACH_GROUP_POLICY, &request).await
    }

    /// A write that answers with nothing but its RequestId.
    pub(super) async fn done<Request: Serialize + Sync>(
        &self,
        action: &Action,
        request: &Request,
    ) -> Result<Answer<()>, Error> {
        Ok(self.call::<_, Ignored>(action, request).await?.map(drop))
    }
}

fn attached(policies: Vec<PolicyInfo>) -> Vec<AttachedPolicy> {
    let policies = policies.into_iter().map(|policy| AttachedPolicy {
        id: policy.policy_id,
        kind: policy.kind(),
        name: policy.policy_name,
    });
    policies.collect()
}
