//! The CAM simulator's groups, policies and keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use camsync_simulators::cam::{Options, Quotas, Repeat, UserKind};
use serde_json::json;
use support::{cam, column, pair};

#[tokio::test]
async fn keys_stand_in_the_way_of_deletion() {
    let (sim, client) = cam(Options::default()).await;
    let uin = sim.add_user("bob", UserKind::SubUser);
    let none = client.ok("ListAccessKeys", json!({"TargetUin": uin})).await;
    assert!(none["AccessKeys"].is_null());
    let key = client
        .ok("CreateAccessKey", json!({"TargetUin": uin}))
        .await["AccessKey"]["AccessKeyId"]
        .clone();
    client
        .ok("CreateAccessKey", json!({"TargetUin": uin}))
        .await;
    let third = client
        .refused("CreateAccessKey", json!({"TargetUin": uin}))
        .await;
    assert_eq!(third, "OperationDenied.AccessKeyOverLimit");
    assert_eq!(
        client.refused("DeleteUser", json!({"Name": "bob"})).await,
        "OperationDenied.HaveKeys"
    );

    let off = json!({"AccessKeyId": key, "Status": "Inactive", "TargetUin": uin});
    let untargeted = json!({"AccessKeyId": key, "Status": "Inactive"});
    assert_eq!(
        client.refused("UpdateAccessKey", untargeted).await,
        "OperationDenied.UinNotMatch"
    );
    let delete = json!({"AccessKeyId": key, "TargetUin": uin});
    assert_eq!(
        client.refused("DeleteAccessKey", delete.clone()).await,
        "FailedOperation.Accesskey"
    );
    client.ok("UpdateAccessKey", off.clone()).await;
    client.ok("UpdateAccessKey", off).await;
    assert_eq!(
        sim.history_of("bob")
            .iter()
            .filter(|write| write.action == "UpdateAccessKey")
            .count(),
        1
    );
    client.ok("DeleteAccessKey", delete.clone()).await;
    assert_eq!(
        client.refused("DeleteAccessKey", delete).await,
        "ResourceNotFound.SecretNotExist"
    );
    let root = json!({"TargetUin": 100_000_000_001_u64});
    assert_eq!(
        client.refused("ListAccessKeys", root).await,
        "OperationDenied.SubUin"
    );
    let used = client
        .ok("GetSecurityLastUsed", json!({"SecretIdList": [key]}))
        .await;
    assert_eq!(used["SecretIdLastUsedRows"][0]["SecretId"], key);
    client
        .ok("DeleteUser", json!({"Name": "bob", "Force": 1}))
        .await;
    assert!(sim.user("bob").is_none());
}

#[tokio::test]
async fn groups_hold_members_within_their_limits() {
    let quotas = Quotas {
        groups: 3,
        groups_per_user: 2,
        users_per_group: 2,
        ..Quotas::default()
    };
    let (sim, client) = cam(Options {
        quotas,
        ..Options::default()
    })
    .await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(
            client.ok("CreateGroup", json!({"GroupName": name})).await["GroupId"]
                .as_u64()
                .unwrap(),
        );
    }
    assert_eq!(
        client
            .refused("CreateGroup", json!({"GroupName": "a"}))
            .await,
        "InvalidParameter.GroupNameInUse"
    );
    assert_eq!(
        client
            .refused("CreateGroup", json!({"GroupName": "d"}))
            .await,
        "InvalidParameter.GroupFull"
    );
    let uins: Vec<_> = ["u1", "u2", "u3"]
        .map(|name| sim.add_user(name, UserKind::SubUser))
        .into();
    client.ok("AddUserToGroup", pair(ids[0], uins[0])).await;
    client.ok("AddUserToGroup", pair(ids[0], uins[0])).await;
    client.ok("AddUserToGroup", pair(ids[0], uins[1])).await;
    client.ok("AddUserToGroup", pair(ids[1], uins[0])).await;
    assert_eq!(
        client
            .refused("AddUserToGroup", pair(ids[0], uins[2]))
            .await,
        "InvalidParameter.GroupUserFull"
    );
    assert_eq!(
        client
            .refused("AddUserToGroup", pair(ids[2], uins[0]))
            .await,
        "InvalidParameter.UserGroupFull"
    );
    assert_eq!(
        client.refused("AddUserToGroup", pair(99, uins[0])).await,
        "InvalidParameter.GroupNotExist"
    );
    assert_eq!(
        client.refused("AddUserToGroup", pair(ids[0], 99)).await,
        "ResourceNotFound.UserNotExist"
    );
    let nobody = json!({"Info": [{"GroupId": ids[0]}]});
    assert_eq!(
        client.refused("AddUserToGroup", nobody).await,
        "InvalidParameter.UserUinAndUinNotAllNull"
    );

    let members = client
        .ok("ListUsersForGroup", json!({"GroupId": ids[0]}))
        .await;
    assert_eq!(
        (&members["TotalNum"], column(&members["UserInfo"], "Name")),
        (&json!(2), vec!["u1".into(), "u2".into()])
    );
    let second = client
        .ok(
            "ListUsersForGroup",
            json!({"GroupId": ids[0], "Rp": 1, "Page": 2}),
        )
        .await;
    assert_eq!(column(&second["UserInfo"], "Name"), ["u2"]);
    let groups = client
        .ok("ListGroupsForUser", json!({"SubUin": uins[0]}))
        .await;
    assert_eq!(column(&groups["GroupInfo"], "GroupName"), ["a", "b"]);
    assert_eq!(
        client
            .refused("ListGroupsForUser", json!({"SubUin": 9}))
            .await,
        "ResourceNotFound.UserNotExist"
    );
    assert_eq!(
        client
            .refused("ListUsersForGroup", json!({"GroupId": 9}))
            .await,
        "ResourceNotFound.GroupNotExist"
    );
    assert_eq!(
        client.refused("GetGroup", json!({"GroupId": 9})).await,
        "ResourceNotFound.UserNotExist"
    );
    assert_eq!(
        client.ok("GetGroup", json!({"GroupId": ids[0]})).await["GroupNum"],
        2
    );

    assert_eq!(
        client
            .refused("DeleteGroup", json!({"GroupId": ids[0]}))
            .await,
        "FailedOperation"
    );
    sim.configure(|options| options.repeats = Repeat::Refused);
    assert_eq!(
        client
            .refused("RemoveUserFromGroup", pair(ids[2], uins[0]))
            .await,
        "FailedOperation"
    );
    client
        .ok("RemoveUserFromGroup", pair(ids[0], uins[0]))
        .await;
    client.ok("DeleteUser", json!({"Name": "u2"})).await;
    client
        .ok("UpdateGroup", json!({"GroupId": ids[0], "GroupName": "z"}))
        .await;
    let found = client.ok("ListGroups", json!({"Keyword": "Z"})).await;
    assert_eq!(column(&found["GroupInfo"], "GroupId"), [ids[0]]);
    client.ok("DeleteGroup", json!({"GroupId": ids[0]})).await;
    assert_eq!(sim.with(|cloud| cloud.groups_of("u1")), ["b"]);
}

#[tokio::test]
async fn a_batch_is_whole_or_stops_halfway_as_configured() {
    for (batch_atomic, left) in [(true, 0), (false, 1)] {
        let (sim, client) = cam(Options {
            batch_atomic,
            ..Options::default()
        })
        .await;
        let (uin, group) = (sim.add_user("u", UserKind::SubUser), sim.add_group("g"));
        let batch = json!({"Info": [{"GroupId": group, "Uin": uin}, {"GroupId": group, "Uin": 9}]});
        assert_eq!(
            client.refused("AddUserToGroup", batch).await,
            "ResourceNotFound.UserNotExist"
        );
        assert_eq!(sim.with(|cloud| cloud.groups_of("u").len()), left);
        assert_eq!(sim.writes().len(), left);
    }
}

#[tokio::test]
async fn policies_are_found_made_attached_and_detached() {
    let quotas = Quotas {
        policies_per_entity: 2,
        custom_policies: 1,
        ..Quotas::default()
    };
    let (sim, client) = cam(Options {
        quotas,
        ..Options::default()
    })
    .await;
    let (uin, group) = (sim.add_user("u", UserKind::SubUser), sim.add_group("g"));
    sim.join("u", "g").unwrap();
    let found = client
        .ok("ListPolicies", json!({"Keyword": "administratoraccess"}))
        .await;
    assert_eq!(column(&found["List"], "PermissionLevel"), ["Global"]);
    assert_eq!(
        client
            .refused("ListPolicies", json!({"Scope": "Mine"}))
            .await,
        "InvalidParameter.ScopeError"
    );
    let document =
        r#"{"version":"2.0","statement":[{"effect":"deny","action":["*"],"resource":["*"]}]}"#;
    let made = client
        .ok(
            "CreatePolicy",
            json!({"PolicyName": "deny-all", "PolicyDocument": document}),
        )
        .await;
    let id = made["PolicyId"].as_u64().unwrap();
    let same = json!({"PolicyName": "deny-all", "PolicyDocument": document});
    assert_eq!(
        client.refused("CreatePolicy", same).await,
        "FailedOperation.PolicyNameInUse"
    );
    let more = json!({"PolicyName": "more", "PolicyDocument": document});
    assert_eq!(
        client.refused("CreatePolicy", more).await,
        "FailedOperation.PolicyFull"
    );
    assert_eq!(
        client.ok("GetPolicy", json!({"PolicyId": id})).await["PolicyDocument"],
        document
    );

    client
        .ok(
            "AttachUserPolicy",
            json!({"PolicyId": id, "AttachUin": uin}),
        )
        .await;
    client
        .ok(
            "AttachUserPolicy",
            json!({"PolicyId": id, "AttachUin": uin}),
        )
        .await;
    client
        .ok("AttachUserPolicy", json!({"PolicyId": 5, "AttachUin": uin}))
        .await;
    let full = json!({"PolicyId": 6, "AttachUin": uin});
    assert_eq!(
        client.refused("AttachUserPolicy", full).await,
        "FailedOperation.PolicyFull"
    );
    let unknown = json!({"PolicyId": 77, "AttachUin": uin});
    assert_eq!(
        client.refused("AttachUserPolicy", unknown).await,
        "ResourceNotFound.PolicyIdNotFound"
    );
    let nobody = json!({"PolicyId": 5, "AttachUin": 9});
    assert_eq!(
        client.refused("AttachUserPolicy", nobody).await,
        "ResourceNotFound.UserNotExist"
    );
    client
        .ok(
            "AttachGroupPolicy",
            json!({"PolicyId": 6, "AttachGroupId": group}),
        )
        .await;

    let direct = client
        .ok("ListAttachedUserPolicies", json!({"TargetUin": uin}))
        .await;
    assert_eq!(column(&direct["List"], "PolicyType"), ["QCS", "User"]);
    let all = json!({"TargetUin": uin, "Rp": 200, "Page": 1, "AttachType": 0});
    let all = client.ok("ListAttachedUserAllPolicies", all).await;
    assert_eq!(column(&all["PolicyList"], "PolicyId").len(), 3);
    assert!(all["PolicyList"][0]["PolicyId"].is_string());
    let through = json!({"TargetUin": uin, "Rp": 200, "Page": 1, "AttachType": 2});
    let through = client.ok("ListAttachedUserAllPolicies", through).await;
    assert_eq!(through["PolicyList"][0]["Groups"][0]["GroupName"], "g");
    let of_group = client
        .ok("ListAttachedGroupPolicies", json!({"TargetGroupId": group}))
        .await;
    assert_eq!(
        column(&of_group["List"], "PolicyName"),
        ["QcloudCOSReadOnlyAccess"]
    );
    let entities = client
        .ok("ListEntitiesForPolicy", json!({"PolicyId": id}))
        .await;
    assert_eq!(column(&entities["List"], "Name"), ["u"]);

    client
        .ok("DetachUserPolicy", json!({"PolicyId": 5, "DetachUin": uin}))
        .await;
    client
        .ok(
            "DetachGroupPolicy",
            json!({"PolicyId": 6, "DetachGroupId": group}),
        )
        .await;
    client.ok("DeletePolicy", json!({"PolicyId": [id]})).await;
    assert!(sim.user("u").unwrap().policies.is_empty());
}
