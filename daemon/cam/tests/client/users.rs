//! Single sub-users, their keys and memberships: what is sent, what is understood, what is refused.

use crate::support::{CALLER, OWNER, Reply, Server};
use camsync_cam::{
    Cam, Class, ErrorKind, NamedUser, NewUser, PermissionLevel, PolicyKind, UserRef, UserUpdate,
};
use serde_json::json;

const BOB: u64 = 100_000_546_533;

fn bob() -> UserRef {
    UserRef {
        uin: BOB,
        name: "bob".to_owned(),
    }
}

#[tokio::test]
async fn add_user_sends_what_was_asked_for_and_never_a_key_or_a_password() {
    let server = Server::start(|_| Reply::Ok(json!({"Uin": BOB, "Name": "bob"}))).await;
    let client = server.client();
    let mut user = NewUser {
        name: "bob".to_owned(),
        remark: "鲍勃 [camsync:1]".to_owned(),
        console_login: true,
        need_reset_password: true,
        ..NewUser::default()
    };
    let answer = client.add_user(&user).await.unwrap();
    assert_eq!((answer.value.uin, answer.value.name.as_str()), (BOB, "bob"));
    user.console_login = false;
    user.email = Some("bob@example.com".to_owned());
    client.add_user(&user).await.unwrap();
    let calls = server.calls();
    assert_eq!(
        calls[0].body,
        json!({"Name": "bob", "Remark": "鲍勃 [camsync:1]", "ConsoleLogin": 1, "UseApi": 0,
            "NeedResetPassword": 1})
    );
    assert_eq!(
        calls[1].body,
        json!({"Name": "bob", "Remark": "鲍勃 [camsync:1]", "ConsoleLogin": 0, "UseApi": 0,
            "Email": "bob@example.com"})
    );
}

#[tokio::test]
async fn update_user_leaves_out_what_does_not_change() {
    let server = Server::start(|_| Reply::Ok(json!({}))).await;
    let client = server.client();
    let update = UserUpdate {
        console_login: Some(false),
        ..UserUpdate::default()
    };
    client.update_user(&bob(), &update).await.unwrap();
    let update = UserUpdate {
        remark: Some(String::new()),
        ..UserUpdate::default()
    };
    client.update_user(&bob(), &update).await.unwrap();
    let calls = server.calls_of("UpdateUser");
    assert_eq!(calls[0].body, json!({"Name": "bob", "ConsoleLogin": 0}));
    assert_eq!(calls[1].body, json!({"Name": "bob", "Remark": ""}));
}

#[tokio::test]
async fn a_missing_user_is_none_in_each_spelling_and_done_when_deleting() {
    for code in [
        "ResourceNotFound.UserNotExist",
        "ResourceNotFound.UserNotExists",
        "InvalidParameter.UserNotExist",
    ] {
        let server = Server::start(move |_| Reply::Error(code, "")).await;
        let client = server.client();
        let answer = client.get_user("bob").await.unwrap();
        assert_eq!(
            (answer.value, answer.request_id.as_deref()),
            (None, Some("request-2"))
        );
        let error = client.delete_user(&bob(), false).await.unwrap_err();
        assert_eq!(error.class(), Class::Done);
    }
}

#[tokio::test]
async fn another_spelling_is_not_the_user_asked_for() {
    let server = Server::start(|call| {
        let uin = if call.body["Name"] == "nobody" {
            json!(0)
        } else {
            json!(BOB.to_string())
        };
        Reply::Ok(json!({"Uin": uin, "Name": "Bob", "Remark": null, "ConsoleLogin": 1, "New": [1]}))
    })
    .await;
    let client = server.client();
    let found = client.get_user("bob").await.unwrap().value.unwrap();
    assert!(
        matches!(&found, NamedUser::OtherSpelling(user) if user.name == "Bob"),
        "{found:?}"
    );
    let NamedUser::Exact(user) = client.get_user("Bob").await.unwrap().value.unwrap() else {
        panic!("the name is spelt the same");
    };
    assert_eq!(
        (user.uin, user.remark, user.console_login),
        (BOB, None, Some(true))
    );
    // An answer about nobody is not "nobody".
    assert_eq!(
        client.get_user("nobody").await.unwrap_err().class(),
        Class::Unknown
    );
}

#[tokio::test]
async fn delete_user_says_whether_keys_go_too() {
    let server = Server::start(|_| Reply::Ok(json!({}))).await;
    let client = server.client();
    client.delete_user(&bob(), false).await.unwrap();
    client.delete_user(&bob(), true).await.unwrap();
    let calls = server.calls_of("DeleteUser");
    assert_eq!(calls[0].body, json!({"Name": "bob", "Force": 0}));
    assert_eq!(calls[1].body, json!({"Name": "bob", "Force": 1}));
}

#[tokio::test]
async fn nothing_is_ever_written_to_the_callers_account_or_the_root_account() {
    for uin in [CALLER, OWNER, 0] {
        let server = Server::start(|_| Reply::Ok(json!({}))).await;
        let client = server.client();
        let user = UserRef {
            uin,
            name: "x".to_owned(),
        };
        let refusals = [
            client
                .update_user(&user, &UserUpdate::default())
                .await
                .unwrap_err(),
            client.delete_user(&user, true).await.unwrap_err(),
            client.access_keys(uin).await.unwrap_err(),
            client
                .set_access_key(uin, "AKID1", false)
                .await
                .unwrap_err(),
            client.delete_access_key(uin, "AKID1").await.unwrap_err(),
            client.add_to_group(1, uin).await.unwrap_err(),
            client.remove_from_group(1, uin).await.unwrap_err(),
            client.attach_user_policy(1, uin).await.unwrap_err(),
            client.detach_user_policy(1, uin).await.unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(error.kind, ErrorKind::OwnAccount, "{error}");
            assert_eq!(error.class(), Class::Permanent);
        }
        assert!(
            server
                .calls()
                .iter()
                .all(|call| call.action == "GetUserAppId")
        );
    }
}

#[tokio::test]
async fn whose_the_key_is_is_asked_once() {
    let server = Server::start(|_| Reply::Ok(json!({}))).await;
    let client = server.client();
    for group in 1..=3 {
        client.add_to_group(group, 7).await.unwrap();
    }
    assert_eq!(server.calls_of("GetUserAppId").len(), 1);
}

#[tokio::test]
async fn keys_are_always_addressed_by_their_user() {
    let server = Server::start(|call| match call.action.as_str() {
        "ListAccessKeys" => Reply::Ok(json!({"AccessKeys": [
            {"AccessKeyId": "AKID2", "Status": "Inactive", "CreateTime": null, "Description": ""},
            {"AccessKeyId": "AKID1", "Status": "Active", "CreateTime": "2026-01-01 00:00:00"}]})),
        _ => Reply::Ok(json!({})),
    })
    .await;
    let client = server.client();
    let keys = client.access_keys(BOB).await.unwrap();
    let listed: Vec<_> = keys
        .iter()
        .map(|key| (key.id.as_str(), key.active))
        .collect();
    assert_eq!(listed, [("AKID1", true), ("AKID2", false)]);
    client.set_access_key(BOB, "AKID1", false).await.unwrap();
    client.delete_access_key(BOB, "AKID1").await.unwrap();
    let body = |action| server.calls_of(action)[0].body.clone();
    assert_eq!(body("ListAccessKeys"), json!({"TargetUin": BOB}));
    assert_eq!(
        body("UpdateAccessKey"),
        json!({"AccessKeyId": "AKID1", "Status": "Inactive", "TargetUin": BOB})
    );
    assert_eq!(
        body("DeleteAccessKey"),
        json!({"AccessKeyId": "AKID1", "TargetUin": BOB})
    );
}

#[tokio::test]
async fn no_keys_may_come_as_null_and_an_unknown_state_is_not_guessed() {
    let server = Server::start(|_| Reply::Ok(json!({"AccessKeys": null}))).await;
    assert!(server.client().access_keys(BOB).await.unwrap().is_empty());
    let server = Server::start(|_| {
        Reply::Ok(json!({"AccessKeys": [{"AccessKeyId": "AKID1", "Status": "Frozen"}]}))
    })
    .await;
    assert_eq!(
        server.client().access_keys(BOB).await.unwrap_err().class(),
        Class::Unknown
    );
}

#[tokio::test]
async fn memberships_and_attachments_are_one_pair_a_call() {
    let server = Server::start(|_| Reply::Ok(json!({"GroupId": 9, "PolicyId": 8}))).await;
    let client = server.client();
    assert_eq!(
        client
            .create_group("rd", "made by camsync")
            .await
            .unwrap()
            .value,
        9
    );
    assert_eq!(
        client.create_policy("deny", "{}", "d").await.unwrap().value,
        8
    );
    client.add_to_group(9, BOB).await.unwrap();
    client.remove_from_group(9, BOB).await.unwrap();
    client.attach_user_policy(8, BOB).await.unwrap();
    client.detach_user_policy(8, BOB).await.unwrap();
    client.attach_group_policy(8, 9).await.unwrap();
    client.detach_group_policy(8, 9).await.unwrap();
    client.delete_policy(8).await.unwrap();
    client.delete_group(9).await.unwrap();
    let pair = json!({"Info": [{"GroupId": 9, "Uin": BOB}]});
    let expected = [
        (
            "CreateGroup",
            json!({"GroupName": "rd", "Remark": "made by camsync"}),
        ),
        (
            "CreatePolicy",
            json!({"PolicyName": "deny", "PolicyDocument": "{}", "Description": "d"}),
        ),
        ("AddUserToGroup", pair.clone()),
        ("RemoveUserFromGroup", pair),
        ("AttachUserPolicy", json!({"PolicyId": 8, "AttachUin": BOB})),
        ("DetachUserPolicy", json!({"PolicyId": 8, "DetachUin": BOB})),
        (
            "AttachGroupPolicy",
            json!({"PolicyId": 8, "AttachGroupId": 9}),
        ),
        (
            "DetachGroupPolicy",
            json!({"PolicyId": 8, "DetachGroupId": 9}),
        ),
        ("DeletePolicy", json!({"PolicyId": [8]})),
        ("DeleteGroup", json!({"GroupId": 9})),
    ];
    for (action, body) in expected {
        assert_eq!(server.calls_of(action)[0].body, body, "{action}");
    }
}

#[tokio::test]
async fn a_policy_is_found_by_its_exact_name_and_described() {
    let server = Server::start(|call| match call.action.as_str() {
        "ListPolicies" => Reply::Ok(json!({"TotalNum": 3, "List": [
            {"PolicyId": 3, "PolicyName": "ReadOnlyAccessPlus", "Type": 1},
            {"PolicyId": 2, "PolicyName": "ReadOnlyAccess", "Type": 2, "PermissionLevel": "Global",
             "Deactived": 1, "IsServiceLinkedPolicy": 0},
            {"PolicyId": 1, "PolicyName": "readonlyaccess", "Type": 1}]})),
        "GetPolicy" if call.body["PolicyId"] == 2 => Reply::Ok(json!({
            "PolicyName": "ReadOnlyAccess", "Type": 2, "PolicyDocument": "{}", "Description": null})),
        _ => Reply::Error("ResourceNotFound.PolicyIdNotFound", ""),
    })
    .await;
    let client = server.client();
    let policy = client.find_policy("ReadOnlyAccess").await.unwrap().unwrap();
    assert_eq!((policy.id, policy.kind), (2, PolicyKind::Preset));
    assert_eq!(policy.level, Some(PermissionLevel::Global));
    assert!(policy.deactivated && !policy.service_linked);
    assert!(client.find_policy("ReadOnly").await.unwrap().is_none());
    assert_eq!(
        server.calls_of("ListPolicies")[0].body["Keyword"],
        "ReadOnlyAccess"
    );
    let details = client.get_policy(2).await.unwrap().value.unwrap();
    assert_eq!(
        (details.kind, details.description),
        (PolicyKind::Preset, None)
    );
    assert!(client.get_policy(5).await.unwrap().value.is_none());
}
