//! Observe: what CAM says exists. Read before every plan; nothing is believed to be missing on one listing's word.

use std::collections::HashSet;

use camsync_cam::{Account, Cam, CloudUser, NamedUser, UserType};
use camsync_core::sub_user::{AccountKind, Observed, ObservedUser};

/// Reads CAM. Managed sub-users, by Uin and name, that the listing does not show are asked for by name: listings lag, shift between
/// pages, and differ from one another (`cam-api.md` 6.3).
///
/// # Errors
/// When CAM cannot be read whole.
pub async fn observe(
    cam: &dyn Cam,
    account: &Account,
    managed: &[(u64, String)],
    with_wecom_ids: bool,
) -> Result<Observed, camsync_cam::Error> {
    let listed = cam.list_sub_users(with_wecom_ids).await?;
    let seen: HashSet<u64> = listed.iter().map(|u| u.uin).collect();
    let mut users: Vec<ObservedUser> = listed
        .into_iter()
        .map(|user| observed(user, account))
        .collect();
    for (uin, username) in managed.iter().filter(|(uin, _)| !seen.contains(uin)) {
        let found = cam.get_user(username).await?.value;
        if let Some(NamedUser::Exact(details) | NamedUser::OtherSpelling(details)) = found {
            let known = seen.contains(&details.uin);
            let kind = if details.uin == *uin {
                AccountKind::SubUser
            } else {
                AccountKind::Other
            };
            if !known {
                users.push(ObservedUser {
                    uin: details.uin,
                    name: details.name,
                    remark: details.remark,
                    console_login: details.console_login,
                    kind,
                    wecom_user_id: None,
                    off_limits: details.uin == account.uin || details.uin == account.owner_uin,
                });
            }
        }
    }
    Ok(Observed::new(users))
}

fn observed(user: CloudUser, account: &Account) -> ObservedUser {
    ObservedUser {
        off_limits: user.is_caller || user.uin == account.uin || user.uin == account.owner_uin,
        uin: user.uin,
        name: user.name,
        remark: user.remark,
        console_login: user.console_login,
        kind: match user.user_type {
            UserType::SubUser => AccountKind::SubUser,
            UserType::WeComSubUser => AccountKind::WecomSubUser,
            _ => AccountKind::Other,
        },
        wecom_user_id: user.wecom_user_id,
    }
}
