//! The CAM simulator's users: their life, their listings, their quotas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use camsync_simulators::cam::{Actor, NameRule, Options, Quotas, UserKind, WecomSignIn};
use serde_json::json;
use support::{cam, column};

#[tokio::test]
async fn a_user_lives_from_add_to_delete_and_a_recreated_name_is_another_user() {
    let (sim, client) = cam(Options::default()).await;
    let plain = client
        .ok("AddUser", json!({"Name": "alice", "Remark": "爱丽丝"}))
        .await;
    for empty in ["Password", "SecretId", "SecretKey"] {
        assert_eq!(plain[empty], "", "{empty}");
    }
    let user = client.ok("GetUser", json!({"Name": "alice"})).await;
    assert_eq!(
        (&user["Uin"], &user["Remark"], &user["ConsoleLogin"]),
        (&plain["Uin"], &json!("爱丽丝"), &json!(0))
    );

    assert_eq!(
        client.refused("AddUser", json!({"Name": "alice"})).await,
        "InvalidParameter.SubUserNameInUse"
    );
    assert_eq!(
        client.refused("AddUser", json!({"Name": "Alice"})).await,
        "InvalidParameter.SubUserNameInUse"
    );
    assert_eq!(
        client.refused("AddUser", json!({"Name": "a b"})).await,
        "InvalidParameter.UserNameIllegal"
    );

    let updated = client
        .ok(
            "UpdateUser",
            json!({"Name": "alice", "Remark": "", "Email": "a@example.com"}),
        )
        .await;
    assert_eq!(updated.as_object().unwrap().len(), 1, "only the RequestId");
    let user = client.ok("GetUser", json!({"Name": "alice"})).await;
    assert_eq!(
        (&user["Remark"], &user["Email"]),
        (&json!(""), &json!("a@example.com"))
    );

    client.ok("DeleteUser", json!({"Name": "alice"})).await;
    for action in ["GetUser", "UpdateUser", "DeleteUser"] {
        assert_eq!(
            client.refused(action, json!({"Name": "alice"})).await,
            "ResourceNotFound.UserNotExist"
        );
    }
    let again = client.ok("AddUser", json!({"Name": "alice"})).await;
    assert_ne!(again["Uin"], plain["Uin"]);
    assert_eq!(sim.times_created("alice"), 2);
}

#[tokio::test]
async fn a_password_is_generated_once_and_rules_hold() {
    let (sim, client) = cam(Options::default()).await;
    let made = client
        .ok(
            "AddUser",
            json!({"Name": "bob", "ConsoleLogin": 1, "NeedResetPassword": 1}),
        )
        .await;
    assert_eq!(made["Password"].as_str().unwrap().chars().count(), 32);
    let weak = json!({"Name": "eve", "ConsoleLogin": 1, "Password": "weak"});
    assert_eq!(
        client.refused("AddUser", weak).await,
        "InvalidParameter.PasswordViolatedRules"
    );
    let own = json!({"Name": "eve", "ConsoleLogin": 1, "Password": "Str0ng!enough"});
    assert_eq!(client.ok("AddUser", own).await["Password"], "");
    client
        .ok("UpdateUser", json!({"Name": "bob", "ConsoleLogin": 0}))
        .await;
    client
        .ok("UpdateUser", json!({"Name": "bob", "ConsoleLogin": 1}))
        .await;
    let bob = sim.user("bob").unwrap();
    assert_eq!((bob.console_login, bob.passwords_set), (true, 2));
    client
        .ok("UpdateUser", json!({"Name": "bob", "ConsoleLogin": 1}))
        .await;
    assert_eq!(
        sim.user("bob").unwrap().passwords_set,
        3,
        "the default is the trap: sign-in on again resets"
    );
    sim.configure(|options| options.sign_in_resets_password = false);
    client
        .ok("UpdateUser", json!({"Name": "bob", "ConsoleLogin": 1}))
        .await;
    assert_eq!(sim.user("bob").unwrap().passwords_set, 3);
    assert_eq!(
        client.ok("GetPasswordRules", json!({})).await["Rules"]["MinimumLength"],
        8
    );
    let everything = format!("{:?} {:?} {:?}", sim.log(), sim.history(), sim.user("bob"));
    for secret in [made["Password"].as_str().unwrap(), "Str0ng!enough", "weak"] {
        assert!(!everything.contains(secret), "{secret} is shown");
    }
}

#[tokio::test]
async fn the_history_knows_who_changed_what() {
    let (sim, client) = cam(Options::default()).await;
    sim.add_user("human", UserKind::SubUser);
    client
        .ok("AddUser", json!({"Name": "made", "ConsoleLogin": 1}))
        .await;
    client
        .ok("UpdateUser", json!({"Name": "made", "ConsoleLogin": 0}))
        .await;
    client
        .ok("UpdateUser", json!({"Name": "made", "ConsoleLogin": 0}))
        .await;
    sim.set_sign_in("made", true).unwrap();
    let changes: Vec<_> = sim
        .history_of("made")
        .into_iter()
        .flat_map(|write| {
            write
                .changes
                .into_iter()
                .map(move |change| (write.by.clone(), change))
        })
        .filter(|(_, change)| change.field == "ConsoleLogin")
        .map(|(by, change)| (by == Actor::ByHand, change.before, change.after))
        .collect();
    assert_eq!(
        changes,
        [
            (false, "1".into(), "0".into()),
            (true, "0".into(), "1".into())
        ]
    );
    assert_eq!(sim.writes().len(), 2, "the repeated update had no effect");
    assert_eq!(sim.count("UpdateUser"), 2);
    assert_eq!(
        (sim.times_created("human"), sim.times_created("made")),
        (0, 1)
    );
}

#[tokio::test]
async fn the_listings_show_each_kind_where_the_real_ones_do() {
    let (sim, client) = cam(Options::default()).await;
    sim.add_user("sub", UserKind::SubUser);
    sim.add_wecom_user("wework", "ZhangSan");
    sim.add_user("partner", UserKind::Collaborator);
    let listed = client.ok("ListUsers", json!({})).await;
    assert_eq!(
        column(&listed["Data"], "Uin")[0],
        0,
        "an entry that is nobody"
    );
    assert_eq!(column(&listed["Data"], "Name"), ["root", "sub"]);
    let wecom = client
        .ok(
            "ListWeChatWorkSubAccounts",
            json!({"Offset": 0, "Limit": 100}),
        )
        .await;
    assert_eq!(wecom["TotalCount"], 1);
    assert_eq!(column(&wecom["Data"], "WeChatWorkUserId"), ["ZhangSan"]);
    let collaborators = client.ok("ListCollaborators", json!({})).await;
    assert_eq!(column(&collaborators["Data"], "Name"), ["partner"]);

    let mut names = Vec::new();
    let mut params = json!({"MaxItems": 1});
    loop {
        let page = client.ok("ListAccounts", params.clone()).await;
        names.extend(column(&page["Users"], "UserType"));
        if page["IsTruncated"] == false {
            break;
        }
        params["Marker"] = page["Marker"].clone();
    }
    assert_eq!(
        names,
        ["Owner", "SubUser", "WechatCorpUser", "Collaborator"]
    );
    let typed = client
        .ok("ListAccounts", json!({"UserType": "WechatCorpUser"}))
        .await;
    assert_eq!(column(&typed["Users"], "Name"), ["wework"]);
    let stale = json!({"Marker": "m:1:SubUser"});
    assert_eq!(
        client.refused("ListAccounts", stale).await,
        "InvalidParameter.PaginationTokenInvalid"
    );

    let uins = [sim.uin("sub"), sim.uin("wework"), sim.uin("partner"), 999];
    let described = client
        .ok("DescribeSubAccounts", json!({"FilterSubAccountUin": uins}))
        .await;
    assert_eq!(
        column(&described["SubAccounts"], "UserType"),
        [2, 3, 4],
        "an unknown Uin is absent"
    );
    let many: Vec<u64> = (1..=51).collect();
    assert_eq!(
        client
            .refused("DescribeSubAccounts", json!({"FilterSubAccountUin": many}))
            .await,
        "InvalidParameter"
    );
    assert_eq!(client.ok("GetAccountSummary", json!({})).await["User"], 2);

    sim.configure(|options| {
        options.list_users_holds_wecom = true;
        options.uin_zero = false;
        options.null_remark = true;
        options.null_create_time = true;
    });
    let listed = client.ok("ListUsers", json!({})).await;
    assert_eq!(column(&listed["Data"], "Name"), ["sub", "wework"]);
    assert!(listed["Data"][0]["Remark"].is_null() && listed["Data"][0]["CreateTime"].is_null());
}

#[tokio::test]
async fn switching_off_a_wecom_sub_user_is_a_matter_of_configuration() {
    for (wecom_sign_in, code, after) in [
        (WecomSignIn::Ignored, None, true),
        (
            WecomSignIn::Unmodifiable,
            Some("FailedOperation.Unmodifiable"),
            true,
        ),
        (WecomSignIn::Accepted, None, false),
    ] {
        let (sim, client) = cam(Options {
            wecom_sign_in,
            ..Options::default()
        })
        .await;
        sim.add_wecom_user("wework", "zs");
        let answer = client
            .call("UpdateUser", json!({"Name": "wework", "ConsoleLogin": 0}))
            .await;
        assert_eq!(answer["Error"]["Code"].as_str(), code);
        assert_eq!(sim.user("wework").unwrap().console_login, after);
    }
    let (sim, client) = cam(Options {
        wecom_by_name: false,
        ..Options::default()
    })
    .await;
    sim.add_wecom_user("wework", "zs");
    assert_eq!(
        client.refused("GetUser", json!({"Name": "wework"})).await,
        "ResourceNotFound.UserNotExist"
    );
    assert_eq!(
        client.refused("AddUser", json!({"Name": "wework"})).await,
        "InvalidParameter.SubUserNameInUse"
    );
    sim.delete_user("wework").unwrap();
    assert!(sim.user("wework").is_none(), "a person reaches everybody");
    sim.add_user("cic", UserKind::SubUser);
    sim.set_unmodifiable("cic", true);
    assert_eq!(
        client.refused("DeleteUser", json!({"Name": "cic"})).await,
        "FailedOperation.Unmodifiable"
    );
    assert_eq!(
        client.refused("UpdateUser", json!({"Name": "cic"})).await,
        "FailedOperation.Unmodifiable"
    );
}

#[tokio::test]
async fn names_and_contacts_follow_the_switches() {
    let rules = Options {
        names: NameRule::Seen,
        names_ignore_case: false,
        ..Options::default()
    };
    let (_sim, client) = cam(Options {
        mask_contacts: true,
        ..rules
    })
    .await;
    client
        .ok(
            "AddUser",
            json!({"Name": "cvm operation", "PhoneNum": "13212340828"}),
        )
        .await;
    client.ok("AddUser", json!({"Name": "CVM operation"})).await;
    assert_eq!(
        client.ok("GetUser", json!({"Name": "cvm operation"})).await["PhoneNum"],
        "132****0828"
    );
    assert!(
        NameRule::Any.allows("张三")
            && !NameRule::Seen.allows("张三")
            && !NameRule::Safe.allows(&"a".repeat(33))
    );
    let long = json!({"Name": "long", "Remark": "长".repeat(129)});
    assert_eq!(
        client.refused("AddUser", long).await,
        "InvalidParameter.ParamError"
    );
}

#[tokio::test]
async fn quotas_hold() {
    let quotas = Quotas {
        users: 3,
        created_per_day: Some(2),
        ..Quotas::default()
    };
    let (sim, client) = cam(Options {
        quotas,
        ..Options::default()
    })
    .await;
    client.ok("AddUser", json!({"Name": "one"})).await;
    client.ok("AddUser", json!({"Name": "two"})).await;
    assert_eq!(
        client.refused("AddUser", json!({"Name": "three"})).await,
        "RequestLimitExceeded.CreateUser"
    );
    sim.configure(|options| options.quotas.created_per_day = None);
    client.ok("AddUser", json!({"Name": "three"})).await;
    assert_eq!(
        client.refused("AddUser", json!({"Name": "four"})).await,
        "InvalidParameter.SubUserFull"
    );
    assert_eq!(sim.user_names(), ["one", "three", "two"]);
}
