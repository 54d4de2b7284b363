//! Listings: paged, restarted, merged, and never silently short.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{CALLER, Call, OWNER, Reply, Server};
use camsync_cam::{Cam, CloudUser, ErrorKind, Fault, UserType};
use serde_json::{Value, json};

fn account(uin: u64, kind: &str) -> Value {
    json!({"Uin": uin, "Name": format!("u{uin}"), "Remark": null, "ConsoleLogin": 1,
        "UserType": kind, "CreateTime": null})
}

/// A page of a numbered listing over these entries.
fn numbered(call: &Call, entries: &[Value], list: &str) -> Reply {
    let number = call.body["Page"].as_u64().unwrap() as usize;
    let size = call.body["Rp"].as_u64().unwrap() as usize;
    let page: Vec<_> = entries
        .iter()
        .skip((number - 1) * size)
        .take(size)
        .collect();
    Reply::Ok(json!({"TotalNum": entries.len(), list: page}))
}

fn uins(users: &[CloudUser]) -> Vec<u64> {
    users.iter().map(|user| user.uin).collect()
}

#[tokio::test]
async fn list_accounts_is_followed_by_its_marker() {
    let server = Server::start(|call| match call.body["Marker"].as_str() {
        None => Reply::Ok(
            json!({"Users": [account(3, "SubUser"), account(OWNER, "Owner"),
            account(0, "Owner")], "Marker": "m1", "IsTruncated": true}),
        ),
        Some("m1") => Reply::Ok(
            json!({"Users": [account(2, "WechatCorpUser"), account(3, "SubUser"),
            account(CALLER, "SubUser")], "Marker": "m2", "IsTruncated": true}),
        ),
        _ => Reply::Ok(
            json!({"Users": [account(4, "CICUser"), account(5, "Collaborator"),
            account(6, "AgentIdentity"), account(7, "MessageReceiver")], "IsTruncated": false}),
        ),
    })
    .await;
    let users = server.client().list_sub_users(false).await.unwrap();
    let kinds: Vec<_> = users
        .iter()
        .map(|user| (user.uin, user.user_type.clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            (2, UserType::WeComSubUser),
            (3, UserType::SubUser),
            (4, UserType::Cic),
            (5, UserType::Collaborator),
            (6, UserType::Other("AgentIdentity".to_owned())),
            (7, UserType::MessageReceiver),
            (OWNER, UserType::Owner),
            (CALLER, UserType::SubUser),
        ]
    );
    let manageable: Vec<_> = users
        .iter()
        .filter(|user| user.is_manageable())
        .cloned()
        .collect();
    assert_eq!(uins(&manageable), [2, 3]);
    assert!(
        users
            .iter()
            .all(|user| user.is_caller == (user.uin == CALLER))
    );
    assert_eq!(
        server.calls_of("ListAccounts")[0].body,
        json!({"MaxItems": 100})
    );
    assert!(server.calls_of("ListUsers").is_empty());
    assert!(server.calls_of("ListWeChatWorkSubAccounts").is_empty());
}

#[tokio::test]
async fn an_expired_marker_begins_the_listing_again() {
    let expired = AtomicU32::new(0);
    let server = Server::start(move |call| match call.body["Marker"].as_str() {
        // User 9 is deleted while the listing is read, and must not come back from the pass given up.
        None => {
            let first = if expired.load(Ordering::SeqCst) == 0 {
                9
            } else {
                1
            };
            Reply::Ok(
                json!({"Users": [account(first, "SubUser")], "Marker": "m1", "IsTruncated": true}),
            )
        }
        Some(_) if expired.fetch_add(1, Ordering::SeqCst) < 2 => {
            Reply::Error("InvalidParameter.PaginationTokenInvalid", "")
        }
        Some(_) => Reply::Ok(json!({"Users": [account(2, "SubUser")], "IsTruncated": false})),
    })
    .await;
    assert_eq!(
        uins(&server.client().list_sub_users(false).await.unwrap()),
        [1, 2]
    );
    assert_eq!(server.calls_of("ListAccounts").len(), 6);
}

#[tokio::test]
async fn a_marker_that_always_expires_or_never_moves_is_an_error() {
    let server = Server::start(|call| match call.body["Marker"].as_str() {
        None => Reply::Ok(json!({"Users": [], "Marker": "m1", "IsTruncated": true})),
        Some(_) => Reply::Error("InvalidParameter.PaginationTokenInvalid", ""),
    })
    .await;
    let error = server.client().list_sub_users(false).await.unwrap_err();
    assert!(
        error.has_code(&["InvalidParameter.PaginationTokenInvalid"]),
        "{error}"
    );
    // Begun once, and three times more; each time two pages.
    assert_eq!(server.calls_of("ListAccounts").len(), 2 * 4);

    for marker in [json!("same"), json!(null)] {
        let server = Server::start(move |_| {
            Reply::Ok(
                json!({"Users": [account(1, "SubUser")], "Marker": marker, "IsTruncated": true}),
            )
        })
        .await;
        let error = server.client().list_sub_users(false).await.unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::Unknown {
                fault: Fault::Incomplete
            }
        );
        assert_eq!(error.message, "IsTruncated without a new Marker");
        assert!(server.calls_of("ListAccounts").len() <= 2);
    }
}

#[tokio::test]
async fn without_list_accounts_two_other_listings_stand_in() {
    for code in [
        "InvalidAction",
        "ActionOffline",
        "UnsupportedOperation",
        "NoSuchVersion",
    ] {
        let server = Server::start(move |call| match call.action.as_str() {
            "ListAccounts" => Reply::Error(code, ""),
            "ListUsers" => Reply::Ok(json!({"Data": [
                {"Uin": 0, "Name": "ghost", "ConsoleLogin": 0},
                {"Uin": 2, "Name": "both", "Remark": "r", "ConsoleLogin": 1, "CreateTime": "t"},
                {"Uin": CALLER, "Name": "camsync"},
                {"Uin": 3, "Name": "plain", "ConsoleLogin": 0, "Remark": null}]})),
            _ => Reply::Ok(json!({"TotalCount": 2, "Data": [
                {"Uin": 2, "Name": "both", "WeChatWorkUserId": "zhang"},
                {"Uin": 9, "Name": "wecom", "WeChatWorkUserId": "li"}]})),
        })
        .await;
        let users = server.client().list_sub_users(false).await.unwrap();
        assert_eq!(uins(&users), [2, 3, 9, CALLER], "{code}");
        assert_eq!(users[0].user_type, UserType::WeComSubUser);
        assert_eq!(users[0].remark.as_deref(), Some("r"));
        assert_eq!(users[0].wecom_user_id.as_deref(), Some("zhang"));
        assert_eq!(users[0].console_login, Some(true));
        assert_eq!(users[1].user_type, UserType::SubUser);
        assert_eq!(
            (users[1].console_login, users[1].remark.as_deref()),
            (Some(false), None)
        );
        assert!(users[3].is_caller && !users[3].is_manageable());
    }
}

#[tokio::test]
async fn the_international_site_has_neither_list_accounts_nor_wecom() {
    let server = Server::start(|call| match call.action.as_str() {
        "ListUsers" => Reply::Ok(json!({"Data": [{"Uin": 2, "Name": "a"}]})),
        _ => Reply::Error("InvalidAction", ""),
    })
    .await;
    assert_eq!(
        uins(&server.client().list_sub_users(true).await.unwrap()),
        [2]
    );
}

#[tokio::test]
async fn a_missing_permission_is_not_taken_for_a_missing_action() {
    let server = Server::start(|_| Reply::Error("UnauthorizedOperation", "")).await;
    server.client().list_sub_users(false).await.unwrap_err();
    assert!(server.calls_of("ListUsers").is_empty());
    // Whose WeCom ids may not be read has not got none.
    let server = Server::start(|call| match call.action.as_str() {
        "ListAccounts" => Reply::Ok(json!({"Users": [account(1, "WechatCorpUser")]})),
        _ => Reply::Error("UnauthorizedOperation", ""),
    })
    .await;
    server.client().list_sub_users(true).await.unwrap_err();
}

#[tokio::test]
async fn wecom_ids_are_joined_in_when_asked_for() {
    let wecom: Vec<_> = (1..=150)
        .map(|uin| json!({"Uin": uin, "WeChatWorkUserId": format!("w{uin}")}))
        .collect();
    let server = Server::start(move |call| match call.action.as_str() {
        "ListAccounts" => Reply::Ok(
            json!({"Users": [account(1, "WechatCorpUser"), account(500, "SubUser")],
            "IsTruncated": false}),
        ),
        _ => {
            let offset = call.body["Offset"].as_u64().unwrap() as usize;
            // A service that gives fewer than asked for: 60 at most.
            let page: Vec<_> = wecom.iter().skip(offset).take(60).collect();
            Reply::Ok(json!({"TotalCount": wecom.len(), "Data": page}))
        }
    })
    .await;
    let users = server.client().list_sub_users(true).await.unwrap();
    assert_eq!(users.len(), 151);
    assert_eq!(users[0].wecom_user_id.as_deref(), Some("w1"));
    assert_eq!(users[0].name, "u1");
    assert_eq!(users[149].wecom_user_id.as_deref(), Some("w150"));
    assert_eq!(users[150].wecom_user_id, None);
    let offsets: Vec<_> = server
        .calls_of("ListWeChatWorkSubAccounts")
        .iter()
        .map(|call| call.body["Offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, [0, 60, 120]);
}

#[tokio::test]
async fn look_ups_by_uin_go_in_batches_of_fifty() {
    let server = Server::start(|call| {
        let found: Vec<_> = call.body["FilterSubAccountUin"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|uin| uin.as_u64() != Some(7))
            .map(|uin| json!({"Uin": uin, "Name": "n", "UserType": 3, "CreateTime": "t"}))
            .collect();
        Reply::Ok(json!({"SubAccounts": found}))
    })
    .await;
    let uins: Vec<u64> = (1..=120).collect();
    let found = server.client().sub_accounts(&uins).await.unwrap();
    assert_eq!(found.len(), 119);
    assert!(
        found
            .iter()
            .all(|user| user.user_type == UserType::WeComSubUser && user.uin != 7)
    );
    let sizes: Vec<_> = server
        .calls()
        .iter()
        .map(|call| call.body["FilterSubAccountUin"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [50, 50, 20]);
    assert!(server.client().sub_accounts(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn numbered_pages_are_read_to_the_total() {
    let members: Vec<_> = (1..=230)
        .map(|uin| json!({"Uin": uin, "Uid": uin, "Name": "n"}))
        .collect();
    let groups: Vec<_> = (1..=120)
        .map(|id| json!({"GroupId": id, "GroupName": format!("g{id}"), "Remark": ""}))
        .collect();
    let server = Server::start(move |call| match call.action.as_str() {
        "ListUsersForGroup" => numbered(call, &members, "UserInfo"),
        "ListAttachedUserPolicies" | "ListAttachedGroupPolicies" => {
            let policy = json!({"PolicyId": 5, "PolicyName": "p", "PolicyType": "QCS"});
            numbered(call, &[policy], "List")
        }
        _ => numbered(call, &groups, "GroupInfo"),
    })
    .await;
    let client = server.client();
    assert_eq!(client.group_members(4).await.unwrap().len(), 230);
    assert_eq!(
        server.calls_of("ListUsersForGroup")[2].body,
        json!({"Page": 3, "Rp": 100, "GroupId": 4})
    );
    assert_eq!(client.list_groups().await.unwrap().len(), 120);
    assert_eq!(client.groups_of_user(8).await.unwrap().len(), 120);
    assert_eq!(
        server.calls_of("ListGroupsForUser")[0].body,
        json!({"Page": 1, "Rp": 100, "SubUin": 8})
    );
    assert_eq!(client.find_group("g12").await.unwrap().unwrap().id, 12);
    assert!(client.find_group("G12").await.unwrap().is_none());
    assert_eq!(client.policies_of_user(8).await.unwrap()[0].id, 5);
    assert_eq!(client.policies_of_group(4).await.unwrap().len(), 1);
}

#[tokio::test]
async fn entries_that_shift_between_pages_are_found_in_another_pass() {
    let calls = AtomicU32::new(0);
    let server = Server::start(move |call| {
        // After the first page entry 1 moves to the end, so that entry 101 slips onto the page already read.
        let mut ids: Vec<u64> = (1..=150).collect();
        let served = calls.fetch_add(1, Ordering::SeqCst);
        if served > 0 {
            ids.rotate_left(1);
        }
        let entries: Vec<_> = ids
            .iter()
            .map(|id| json!({"GroupId": id, "GroupName": "g"}))
            .collect();
        numbered(call, &entries, "GroupInfo")
    })
    .await;
    let groups = server.client().list_groups().await.unwrap();
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    assert_eq!(ids, (1..=150).collect::<Vec<_>>());
    assert_eq!(server.calls().len(), 4);
}

#[tokio::test]
async fn a_listing_that_ends_early_is_an_error() {
    let server = Server::start(|call| match call.body["Page"].as_u64() {
        Some(1) => {
            Reply::Ok(json!({"TotalNum": 3, "GroupInfo": [{"GroupId": 1, "GroupName": "g"}]}))
        }
        _ => Reply::Ok(json!({"TotalNum": 3, "GroupInfo": null})),
    })
    .await;
    let error = server.client().list_groups().await.unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Unknown {
            fault: Fault::Incomplete
        }
    );
    assert_eq!(error.message, "1 of 3 entries");
}

#[tokio::test]
async fn a_group_that_does_not_exist_has_no_members_to_list() {
    let server = Server::start(|_| Reply::Error("ResourceNotFound.GroupNotExist", "")).await;
    assert!(
        server
            .client()
            .group_members(4)
            .await
            .unwrap_err()
            .is_group_not_found()
    );
}
