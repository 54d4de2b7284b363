//! Groups and policies as listings show them, and answers that do not say what was made.

use crate::support::{Reply, Server};
use camsync_cam::{
    AttachedPolicy, Cam, Class, Error, ErrorKind, Fault, Group, GroupMember, NewUser,
    PermissionLevel, Policy, PolicyKind,
};
use serde_json::{Value, json};

const BOB: u64 = 100_000_546_533;

/// A CAM that answers everything like this.
async fn answers(value: Value) -> Server {
    Server::start(move |_| Reply::Ok(value.clone())).await
}

fn custom(id: u64, name: &str) -> Policy {
    Policy {
        id,
        name: name.to_owned(),
        kind: PolicyKind::Custom,
        level: None,
        deactivated: false,
        service_linked: false,
    }
}

#[tokio::test]
async fn every_policy_is_listed_with_its_kind_and_level() {
    let server = answers(json!({"TotalNum": 5, "List": [
        {"PolicyId": 1, "PolicyName": "a", "Type": 2, "PermissionLevel": "Finance"},
        {"PolicyId": 2, "PolicyName": "b", "PolicyType": "QCS", "PermissionLevel": "CloudProduct"},
        {"PolicyId": 3, "PolicyName": "c", "Type": 1, "PolicyType": "User",
         "PermissionLevel": "Else", "IsServiceLinkedPolicy": 1},
        {"PolicyId": 4, "PolicyName": "d", "PermissionLevel": "", "Deactived": 1},
        {"PolicyId": "5", "PolicyName": "e", "Type": "2", "PermissionLevel": "Global"}]}))
    .await;
    let preset = |id, name, level| Policy {
        kind: PolicyKind::Preset,
        level: Some(level),
        ..custom(id, name)
    };
    let wanted = [
        preset(1, "a", PermissionLevel::Finance),
        preset(2, "b", PermissionLevel::CloudProduct),
        Policy {
            level: Some(PermissionLevel::Other("Else".to_owned())),
            service_linked: true,
            ..custom(3, "c")
        },
        Policy {
            deactivated: true,
            ..custom(4, "d")
        },
        preset(5, "e", PermissionLevel::Global),
    ];
    assert_eq!(server.client().list_policies().await.unwrap(), wanted);
    let body = &server.calls_of("ListPolicies")[0].body;
    assert_eq!(*body, json!({"Page": 1, "Rp": 200}));
}

#[tokio::test]
async fn what_is_attached_is_asked_of_the_one_it_is_attached_to() {
    let server = answers(json!({"TotalNum": 2, "List": [
        {"PolicyId": 6, "PolicyName": "own", "PolicyType": "User"},
        {"PolicyId": 5, "PolicyName": "preset", "PolicyType": "QCS"}]}))
    .await;
    let client = server.client();
    let attached = |id, name: &str, kind| AttachedPolicy {
        id,
        name: name.to_owned(),
        kind,
    };
    let wanted = [
        attached(5, "preset", PolicyKind::Preset),
        attached(6, "own", PolicyKind::Custom),
    ];
    assert_eq!(client.policies_of_user(BOB).await.unwrap(), wanted);
    assert_eq!(client.policies_of_group(4).await.unwrap(), wanted);
    let body = |action| server.calls_of(action)[0].body.clone();
    assert_eq!(
        body("ListAttachedUserPolicies"),
        json!({"Page": 1, "Rp": 100, "TargetUin": BOB})
    );
    assert_eq!(
        body("ListAttachedGroupPolicies"),
        json!({"Page": 1, "Rp": 100, "TargetGroupId": 4})
    );
}

#[tokio::test]
async fn a_custom_policy_is_described_as_one_and_only_a_missing_one_is_none() {
    let server = Server::start(|call| match call.body["PolicyId"].as_u64() {
        Some(2) => Reply::Ok(
            json!({"PolicyName": "own", "Type": 1, "PolicyDocument": "{}",
            "Description": "d"}),
        ),
        Some(3) => Reply::Error("AuthFailure.UnauthorizedOperation", "no"),
        _ => Reply::Error("InvalidParameter.PolicyIdNotExist", ""),
    })
    .await;
    let client = server.client();
    let details = client.get_policy(2).await.unwrap().value.unwrap();
    assert_eq!(
        (details.name.as_str(), details.kind),
        ("own", PolicyKind::Custom)
    );
    assert_eq!(details.document, "{}");
    assert_eq!(details.description.as_deref(), Some("d"));
    assert_eq!(client.get_policy(4).await.unwrap().value, None);
    let error = client.get_policy(3).await.unwrap_err();
    assert_eq!(error.class(), Class::ConfigurationForAction);
}

#[tokio::test]
async fn groups_have_a_remark_or_none() {
    let server = answers(json!({"TotalNum": 2, "GroupInfo": [
        {"GroupId": 2, "GroupName": "ops", "Remark": "by hand"},
        {"GroupId": 1, "GroupName": "rd", "Remark": null}]}))
    .await;
    let group = |id, name: &str, remark: Option<&str>| Group {
        id,
        name: name.to_owned(),
        remark: remark.map(str::to_owned),
    };
    assert_eq!(
        server.client().list_groups().await.unwrap(),
        [group(1, "rd", None), group(2, "ops", Some("by hand"))]
    );
    assert_eq!(server.calls()[0].body, json!({"Page": 1, "Rp": 100}));
    server.client().find_group("rd").await.unwrap();
    assert_eq!(server.calls()[1].body["Keyword"], "rd");
}

#[tokio::test]
async fn whoever_only_receives_messages_is_no_member_and_is_counted_all_the_same() {
    let server = answers(json!({"TotalNum": 3, "UserInfo": [
        {"Uin": BOB, "Uid": 3, "Name": "bob"},
        {"Uin": 0, "Uid": 1, "Name": "mail"},
        {"Uin": null, "Uid": 2, "Name": "phone"}]}))
    .await;
    let members = server.client().group_members(4).await.unwrap();
    let bob = GroupMember {
        uin: BOB,
        name: "bob".to_owned(),
    };
    assert_eq!(members, [bob]);
    assert_eq!(server.calls().len(), 1, "nobody shifted between pages");
}

#[tokio::test]
async fn an_answer_that_does_not_say_what_was_made_leaves_the_outcome_unknown() {
    let server = answers(json!({})).await;
    let client = server.client();
    let user = NewUser {
        name: "bob".to_owned(),
        ..NewUser::default()
    };
    let errors: [(Error, &str); 3] = [
        (client.create_group("rd", "").await.unwrap_err(), "GroupId"),
        (
            client.create_policy("p", "{}", "").await.unwrap_err(),
            "PolicyId",
        ),
        (client.add_user(&user).await.unwrap_err(), "Uin"),
    ];
    for (error, what) in errors {
        let fault = Fault::UnexpectedShape;
        assert_eq!(error.kind, ErrorKind::Unknown { fault }, "{error}");
        assert_eq!(error.message, format!("no {what}"));
        assert!(error.request_id.is_some(), "{error}");
    }
}

#[tokio::test]
async fn the_account_says_how_full_it_is() {
    let server = answers(json!({"User": 7, "Group": "3", "Policies": 2, "Member": 9})).await;
    let full = server.client().account_summary().await.unwrap().value;
    assert_eq!((full.users, full.groups, full.policies), (7, 3, 2));
}

#[tokio::test]
async fn a_key_is_switched_on_as_well_as_off() {
    let server = answers(json!({})).await;
    let client = server.client();
    client.set_access_key(BOB, "AKID1", true).await.unwrap();
    assert_eq!(
        server.calls_of("UpdateAccessKey")[0].body["Status"],
        "Active"
    );
}
