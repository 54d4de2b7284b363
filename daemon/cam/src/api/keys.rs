//! API keys of sub-users (`cam-api.md 3.4`). Without TargetUin these actions mean the caller's own key, so it is
//! always sent, and the caller's own account refused.

use serde::{Deserialize, Serialize};

use super::{Ignored, remark};
use crate::{
    action::actions::{DELETE_ACCESS_KEY, LIST_ACCESS_KEYS, UPDATE_ACCESS_KEY},
    cam::{AccessKey, Answer},
    client::Client,
    error::{Error, Fault},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfUser {
    target_uin: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OneKey<'a> {
    access_key_id: &'a str,
    target_uin: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    #[serde(default, deserialize_with = "crate::wire::list")]
    access_keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    access_key_id: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    status: String,
    #[serde(default, deserialize_with = "crate::wire::text")]
    create_time: String,
}

impl Client {
    pub(super) async fn keys_of_user(&self, uin: u64) -> Result<Vec<AccessKey>, Error> {
        // Read by mistake, the caller's own keys would next be switched off.
        self.refuse_own_account(&LIST_ACCESS_KEYS, uin).await?;
        let answer = self
            .call::<_, Keys>(&LIST_ACCESS_KEYS, &OfUser { target_uin: uin })
            .await?;
        let mut keys = Vec::with_capacity(answer.value.access_keys.len());
        for key in answer.value.access_keys {
            let active = match key.status.as_str() {
                "Active" => true,
                "Inactive" => false,
                status => {
                    let message = format!("key status {status}");
                    return Err(Error::unknown(
                        &LIST_ACCESS_KEYS,
                        Fault::UnexpectedShape,
                        &message,
                    ));
                }
            };
            let create_time = remark(key.create_time);
            keys.push(AccessKey {
                id: key.access_key_id,
                active,
                create_time,
            });
        }
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(keys)
    }

    pub(super) async fn switch_key(
        &self,
        uin: u64,
        key_id: &str,
        active: bool,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&UPDATE_ACCESS_KEY, uin).await?;
        let status = Some(if active { "Active" } else { "Inactive" });
        let request = OneKey {
            access_key_id: key_id,
            target_uin: uin,
            status,
        };
        let answer = self
            .call::<_, Ignored>(&UPDATE_ACCESS_KEY, &request)
            .await?;
        Ok(answer.map(drop))
    }

    pub(super) async fn remove_key(&self, uin: u64, key_id: &str) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&DELETE_ACCESS_KEY, uin).await?;
        let request = OneKey {
            access_key_id: key_id,
            target_uin: uin,
            status: None,
        };
        let answer = self
            .call::<_, Ignored>(&DELETE_ACCESS_KEY, &request)
            .await?;
        Ok(answer.map(drop))
    }
}
