//! `members reset-password`, and the portal's password: shown once, kept nowhere.

use camsync_core::sub_user::SubUser;
use serde_json::{Value, json};

use crate::pipeline::password::NoPassword;
use crate::pipeline::reconcile::OWNER_UIN;
use crate::say::refusals;

use super::{Context, OpError, members};

/// Where sub-users sign in (`cam-api.md` 7.2); the page asks for the root account's id.
pub(crate) const SIGN_IN_URL: &str = "https://cloud.tencent.com/login/subAccount";

/// The root account whose sub-users these are; absent while nothing was ever written.
pub(crate) fn account(context: &Context) -> Result<Option<String>, OpError> {
    Ok(context.ledger().meta(OWNER_UIN)?)
}

/// An administrator gives somebody another password.
pub(super) async fn reset(
    context: &Context,
    id: &str,
    source: Option<&str>,
    actor: &str,
) -> Result<Value, OpError> {
    let (member, sub_user) = members::managed_of(context, id, source)?;
    set(context, &member, &sub_user, false, actor).await
}

/// A member asks for one; only for a sub-user that camsync made.
pub(crate) async fn of_member(
    context: &Context,
    member: &str,
    sub_user: &SubUser,
    actor: &str,
) -> Result<Value, OpError> {
    set(context, member, sub_user, true, actor).await
}

async fn set(
    context: &Context,
    member: &str,
    sub_user: &SubUser,
    only_created: bool,
    actor: &str,
) -> Result<Value, OpError> {
    let engine = context.engine().await?;
    let password = engine
        .reset_password(sub_user.id, only_created, actor)
        .await
        .map_err(|why| refused(member, why))?;
    Ok(json!({
        "source": sub_user.source,
        "member": member,
        "username": sub_user.username,
        "uin": sub_user.uin,
        "password": password.reveal(),
        "sign_in_url": SIGN_IN_URL,
        "account": account(context)?,
    }))
}

fn refused(member: &str, why: NoPassword) -> OpError {
    match why {
        NoPassword::Refused(why) => refusals::no_password(member, why),
        NoPassword::Failed { change, failure } => {
            refusals::password_not_set(member, change, &failure)
        }
        NoPassword::Account(error) => refusals::reconcile(error),
        NoPassword::Ledger(error) => error.into(),
    }
}
