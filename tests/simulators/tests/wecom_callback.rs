//! Callbacks against the vectors of `wecom-api.md 3.8`, and the generated enterprise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;

use camsync_simulators::wecom::{
    CallbackKeys, Enterprise, Options, Status, change_contact, subscription,
};
use support::{column, wecom};

const KEY: &str = "QTOWHIVAYvXSgkmLbE4XTanuii8GpMyiDkz08EZ3pgM";
const CORP: &str = "ww3f1c0de5a1b2c3d4";

fn keys() -> CallbackKeys {
    CallbackKeys::new("tv1Token", KEY, CORP).unwrap()
}

#[test]
fn the_official_sample_opens_though_its_key_is_not_canonical() {
    let keys = CallbackKeys::new(
        "QDG6eK",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "wx5823bf96d3bd56c7",
    )
    .unwrap();
    let echo =
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    assert_eq!(
        keys.sign(1_409_659_589, "263014780", echo),
        "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    );
    let (message, receive_id) = keys.decrypt(echo).unwrap();
    assert_eq!(
        (message.as_slice(), receive_id.as_str()),
        (&b"1616140317555161061"[..], "wx5823bf96d3bd56c7")
    );
}

#[test]
fn url_verification_is_as_in_vector_1() {
    let callback = keys().verification_with_prefix(
        "4815162342108",
        1_700_000_001,
        "820374615",
        *b"abcdefghij012345",
    );
    assert_eq!(
        callback.query,
        "msg_signature=6d5ba7a4301db1705db8281925fbba66019701a3&timestamp=1700000001&nonce=820374615&echostr=3YA%2BdPOKoJeTJhWRsxhugpvvjz2NgppLkuvm4L4dNDZ35RsqjSbJCJaJq20O%2F3KWsi%2FIk7iHCFBOEiq%2FU8%2FbQw%3D%3D"
    );
}

#[test]
fn events_are_as_in_vectors_2_and_3() {
    let plain = "<xml><ToUserName><![CDATA[ww3f1c0de5a1b2c3d4]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>1700000099</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_contact]]></Event><ChangeType>create_user</ChangeType><UserID><![CDATA[zhangsan]]></UserID><Name><![CDATA[张三]]></Name><Department><![CDATA[1,3]]></Department><MainDepartment>3</MainDepartment><IsLeaderInDept><![CDATA[0,1]]></IsLeaderInDept><Status>4</Status></xml>";
    let event = keys().event_with_prefix(plain, 1_700_000_100, "nonce42", *b"QRSTUVWXYZ987654");
    assert_eq!(event.signature, "7c5f248b6cb9c697c449aba8215189211d52fb48");
    assert_eq!(
        event.query,
        "msg_signature=7c5f248b6cb9c697c449aba8215189211d52fb48&timestamp=1700000100&nonce=nonce42"
    );
    assert!(event.body.starts_with("<xml><ToUserName><![CDATA[ww3f1c0de5a1b2c3d4]]></ToUserName><AgentID><![CDATA[]]></AgentID><Encrypt><![CDATA[Ly83wITAwLyZPMCjiBHPEQyhXKX8kmypgtPOaTqF1nMgXTs9AijSmMilQVBov8SZ3yo6O43d7Qo3qovgFhuLuC0N"));
    assert!(
        event
            .body
            .ends_with("jg5DJm9S6DBvEdJRe633Y9XM9wTgMtu4=]]></Encrypt></xml>")
    );

    let plain = "<xml><ToUserName><![CDATA[ww3f1c0de5a1b2c3d4]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>1700000199</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_contact]]></Event><ChangeType>update_user</ChangeType><UserID><![CDATA[zhangsan]]></UserID><NewUserID><![CDATA[zhangsan01]]></NewUserID><Department><![CDATA[3]]></Department></xml>";
    let event = keys().event_with_prefix(plain, 1_700_000_200, "7", *b"0123456789abcdef");
    assert_eq!(
        event.signature, "47b495f54fb2b4e173763b02e4fe89cce195d846",
        "a whole block of padding"
    );
}

#[test]
fn what_is_sealed_opens_and_what_is_damaged_does_not() {
    let plain = change_contact(
        CORP,
        1,
        "update_user",
        &[("UserID", "a]]>b"), ("NewUserID", "c")],
    );
    assert!(
        plain.contains("<UserID><![CDATA[a]]]]><![CDATA[>b]]></UserID>"),
        "{plain}"
    );
    let event = keys().event(&plain, 2, "n");
    assert_eq!(
        keys().decrypt(&event.encrypted).unwrap(),
        (plain.into_bytes(), CORP.to_owned())
    );
    let short = &event.encrypted[..event.encrypted.len() - 4];
    assert!(keys().decrypt(short).is_none());
    assert!(CallbackKeys::new("t", "too short", CORP).is_none());
    assert!(
        subscription(CORP, "zs", 1, 7, false).contains("<Event><![CDATA[unsubscribe]]></Event>")
    );
    assert!(!format!("{:?}", keys()).contains("tv1Token"));
}

#[test]
fn a_seed_makes_one_enterprise() {
    let enterprise = Enterprise::generate(7, 500, 40);
    assert_eq!(
        (
            enterprise.members.len(),
            enterprise.departments.len(),
            enterprise.tags.len()
        ),
        (500, 40, 4)
    );
    let same = Enterprise::generate(7, 500, 40);
    assert_eq!(format!("{enterprise:?}"), format!("{same:?}"));
    assert_ne!(
        format!("{enterprise:?}"),
        format!("{:?}", Enterprise::generate(8, 500, 40))
    );
    assert_eq!(
        enterprise.subtree([1]).len(),
        40,
        "a tree: everything is below the root"
    );
    let statuses: BTreeSet<u8> = enterprise
        .members
        .values()
        .map(|member| member.status.number())
        .collect();
    assert_eq!(statuses, BTreeSet::from([1, 2, 4]));
    assert!(
        enterprise
            .members
            .values()
            .any(|member| member.departments.len() == 2)
    );
    assert!(
        enterprise
            .members
            .values()
            .filter(|member| member.status == Status::Active)
            .count()
            > 400
    );
    assert!(
        enterprise
            .members
            .values()
            .all(|member| !member.name.is_ascii())
    );
    assert!(enterprise.tags.values().all(|tag| !tag.members.is_empty()));
    assert_eq!(Enterprise::generate(1, 0, 0).departments.len(), 1);
}

#[tokio::test]
async fn nasty_members_are_served_as_they_are() {
    let (sim, client) = wecom(Options::default()).await;
    let nasty = sim.with(|enterprise| enterprise.add_nasty());
    sim.change_range(|range| range.departments.extend(&nasty.departments));
    let mut seen = BTreeSet::new();
    for id in column(&client.ok("department/list").await["department"], "id") {
        let list = client.ok(&format!("user/list?department_id={id}")).await;
        seen.extend(
            column(&list["userlist"], "userid")
                .into_iter()
                .map(|id| id.as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(seen, nasty.members.into_iter().collect());
    assert_eq!(
        client.ok("user/get?userid=case.twin").await["name"],
        "大小写乙"
    );
    assert_eq!(
        client.ok("user/get?userid=Case.Twin").await["name"],
        "大小写甲"
    );
    assert_eq!(
        client.ok("user/get?userid=twenty").await["department"]
            .as_array()
            .unwrap()
            .len(),
        20
    );
    assert_eq!(
        client
            .ok(&format!("user/get?userid={}", "l".repeat(64)))
            .await["name"],
        "六十四字节"
    );
    assert_eq!(
        client.ok("department/list?id=9001").await["department"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "the cycle ends"
    );
}
