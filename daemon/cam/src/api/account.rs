//! Whose key it is, and how full the account is (`cam-api.md 3.4`).

use serde::Deserialize;

use super::NoParameters;
use crate::{
    action::actions::{GET_ACCOUNT_SUMMARY, GET_USER_APP_ID},
    cam::{Account, AccountSummary, Answer},
    client::Client,
    error::{Error, Fault},
};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct UserAppId {
    #[serde(deserialize_with = "crate::wire::number")]
    uin: u64,
    #[serde(deserialize_with = "crate::wire::number")]
    owner_uin: u64,
    #[serde(deserialize_with = "crate::wire::number")]
    app_id: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Summary {
    #[serde(deserialize_with = "crate::wire::number")]
    user: u64,
    #[serde(deserialize_with = "crate::wire::number")]
    group: u64,
    #[serde(deserialize_with = "crate::wire::number")]
    policies: u64,
}

impl Client {
    pub(crate) async fn get_user_app_id(&self) -> Result<Answer<Account>, Error> {
        let answer = self
            .call::<_, UserAppId>(&GET_USER_APP_ID, &NoParameters {})
            .await?;
        let UserAppId {
            uin,
            owner_uin,
            app_id,
        } = answer.value;
        // Without both, nothing would keep the daemon from its own account.
        if uin == 0 || owner_uin == 0 {
            let message = "no Uin or no OwnerUin";
            return Err(Error::unknown(
                &GET_USER_APP_ID,
                Fault::UnexpectedShape,
                message,
            ));
        }
        let account = Account {
            uin,
            owner_uin,
            app_id,
        };
        self.remember_account(&account);
        Ok(Answer {
            value: account,
            request_id: answer.request_id,
        })
    }

    pub(super) async fn get_account_summary(&self) -> Result<Answer<AccountSummary>, Error> {
        let answer = self
            .call::<_, Summary>(&GET_ACCOUNT_SUMMARY, &NoParameters {})
            .await?;
        Ok(answer.map(|summary| AccountSummary {
            users: summary.user,
            groups: summary.group,
            policies: summary.policies,
        }))
    }
}
