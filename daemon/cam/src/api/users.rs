//! One sub-user at a time (`cam-api.md 3.1`).

use serde::{Deserialize, Serialize};

use super::{Ignored, remark};
use crate::{
    action::actions::{ADD_USER, DELETE_USER, GET_USER, UPDATE_USER},
    cam::{Answer, CreatedUser, NamedUser, NewUser, UserDetails, UserRef, UserUpdate},
    client::Client,
    error::{Error, Fault},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ByName<'a> {
    name: &'a str,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct User {
    #[serde(deserialize_with = "crate::wire::number")]
    uin: u64,
    #[serde(deserialize_with = "crate::wire::text")]
    name: String,
    #[serde(deserialize_with = "crate::wire::text")]
    remark: String,
    #[serde(deserialize_with = "crate::wire::flag")]
    console_login: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AddUser<'a> {
    name: &'a str,
    remark: &'a str,
    console_login: u8,
    /// Always 0: nobody asked for an API key.
    use_api: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_reset_password: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_num: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

/// The answer also holds Password, SecretId and SecretKey; what has no field here is never taken in.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Added {
    #[serde(deserialize_with = "crate::wire::number")]
    uin: u64,
    #[serde(deserialize_with = "crate::wire::text")]
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateUser<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_login: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_reset_password: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_num: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteUser<'a> {
    name: &'a str,
    force: u8,
}

impl Client {
    pub(super) async fn find_user(&self, name: &str) -> Result<Answer<Option<NamedUser>>, Error> {
        let answer = match self.call::<_, User>(&GET_USER, &ByName { name }).await {
            Ok(answer) => answer,
            Err(error) if error.is_user_not_found() => {
                return Ok(Answer {
                    value: None,
                    request_id: error.request_id,
                });
            }
            Err(error) => return Err(error),
        };
        // An answer that names nobody must not pass for "nobody bears the name".
        if answer.value.uin == 0 {
            return Err(Error::unknown(&GET_USER, Fault::UnexpectedShape, "no Uin"));
        }
        Ok(answer.map(|user| {
            let exact = user.name == name;
            let details = UserDetails {
                uin: user.uin,
                name: user.name,
                remark: remark(user.remark),
                console_login: user.console_login,
            };
            Some(if exact {
                NamedUser::Exact(details)
            } else {
                NamedUser::OtherSpelling(details)
            })
        }))
    }

    pub(super) async fn create_user(&self, user: &NewUser) -> Result<Answer<CreatedUser>, Error> {
        let request = AddUser {
            name: &user.name,
            remark: &user.remark,
            console_login: u8::from(user.console_login),
            use_api: 0,
            need_reset_password: user
                .console_login
                .then_some(u8::from(user.need_reset_password)),
            phone_num: user.phone.as_deref(),
            country_code: user.country_code.as_deref(),
            email: user.email.as_deref(),
        };
        let answer = self.call::<_, Added>(&ADD_USER, &request).await?;
        if answer.value.uin == 0 {
            let mut error = Error::unknown(&ADD_USER, Fault::UnexpectedShape, "no Uin");
            error.request_id = answer.request_id;
            return Err(error);
        }
        Ok(answer.map(|added| CreatedUser {
            uin: added.uin,
            name: added.name,
        }))
    }

    pub(super) async fn change_user(
        &self,
        user: &UserRef,
        update: &UserUpdate,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&UPDATE_USER, user.uin).await?;
        let request = UpdateUser {
            name: &user.name,
            remark: update.remark.as_deref(),
            console_login: update.console_login.map(u8::from),
            password: update.password.as_ref().map(crate::SecretText::reveal),
            need_reset_password: update.need_reset_password.map(u8::from),
            phone_num: update.phone.as_deref(),
            country_code: update.country_code.as_deref(),
            email: update.email.as_deref(),
        };
        let answer = self.call::<_, Ignored>(&UPDATE_USER, &request).await;
        answer
            .map(|answer| answer.map(drop))
            .map_err(|error| match &update.password {
                Some(password) => without(error, password.reveal()),
                None => error,
            })
    }

    pub(super) async fn remove_user(
        &self,
        user: &UserRef,
        force: bool,
    ) -> Result<Answer<()>, Error> {
        self.refuse_own_account(&DELETE_USER, user.uin).await?;
        let request = DeleteUser {
            name: &user.name,
            force: u8::from(force),
        };
        let answer = self.call::<_, Ignored>(&DELETE_USER, &request).await?;
        Ok(answer.map(drop))
    }
}

/// CAM may quote the password that it did not like.
fn without(mut error: Error, password: &str) -> Error {
    if !password.is_empty() {
        error.message = error.message.replace(password, "[redacted]");
    }
    error
}
