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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use camsync_cam::{Client, ClientOptions, Credentials, StaticCredentials};
    use camsync_simulators::When;
    use camsync_simulators::cam::{Fault, Key, Options, Simulator, UserKind};

    use super::*;

    /// An account in which listings miss `zhang`, camsync's key, and what is observed of that name when this Uin is managed.
    async fn missed(sim: &Simulator, client: &Client, uin: u64) -> ObservedUser {
        sim.inject(When::any(), Fault::MissUser("zhang".into()));
        let account = client.account().await.unwrap().value;
        let managed = [(uin, "zhang".to_owned())];
        let observed = observe(client, &account, &managed, false).await.unwrap();
        let mut named = observed.users().iter().filter(|u| u.name == "zhang");
        let user = named.next().unwrap().clone();
        assert!(named.next().is_none());
        user
    }

    async fn account() -> (Simulator, Client, u64) {
        let options = Options {
            rate: None,
            ..Options::default()
        };
        let key = Credentials::new(options.secret_id.clone(), options.secret_key.clone());
        let sim = Simulator::start(options).await.unwrap();
        let client = ClientOptions::new(
            sim.url().parse().unwrap(),
            camsync_cam::http_client(None, None).unwrap(),
            Arc::new(StaticCredentials(key)),
        );
        let uin = sim.add_user("zhang", UserKind::SubUser);
        (sim, Client::new(client).unwrap(), uin)
    }

    #[tokio::test]
    async fn who_is_managed_and_missed_by_the_listing_is_asked_for_by_name() {
        let (sim, client, uin) = account().await;
        let user = missed(&sim, &client, uin).await;
        assert_eq!((user.uin, user.kind), (uin, AccountKind::SubUser));
        assert!(!user.off_limits);
    }

    #[tokio::test]
    async fn who_bears_the_name_by_then_is_somebody_else() {
        let (sim, client, uin) = account().await;
        let user = missed(&sim, &client, uin + 1).await;
        assert_eq!((user.uin, user.kind), (uin, AccountKind::Other));
    }

    #[tokio::test]
    async fn the_callers_own_account_is_off_limits_however_it_is_found() {
        let (sim, client, uin) = account().await;
        let own = |key: &mut Key| key.uin = uin;
        sim.keys(|keys| keys.values_mut().for_each(own));
        assert!(missed(&sim, &client, uin).await.off_limits);
    }

    #[test]
    fn the_caller_its_account_and_the_owner_are_off_limits_in_a_listing() {
        let account = Account {
            uin: 7,
            owner_uin: 1,
            app_id: 0,
        };
        let listed = |uin, is_caller| {
            let user = CloudUser {
                uin,
                is_caller,
                name: "zhang".into(),
                remark: None,
                console_login: None,
                user_type: UserType::SubUser,
                wecom_user_id: None,
                create_time: None,
            };
            observed(user, &account).off_limits
        };
        let cases = [(7, false), (1, false), (8, true), (8, false)];
        let off_limits = cases.map(|(uin, is_caller)| listed(uin, is_caller));
        assert_eq!(off_limits, [true, true, true, false]);
    }
}
