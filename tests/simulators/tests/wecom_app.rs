//! The WeCom simulator's tokens, app, sign-in, messages and limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Options, VisibleRange, Who};
use serde_json::json;
use support::{WecomClient, acme, wecom};

#[tokio::test]
async fn tokens_last_are_shared_expire_and_are_revoked() {
    let (sim, client) = wecom(Options::default()).await;
    let options = Options::default();
    let first = client.gettoken(&options.secret).await;
    assert_eq!(
        (&first["errcode"], first["access_token"].as_str()),
        (&json!(0), Some(client.token.as_str()))
    );
    assert!(first["expires_in"].as_u64().unwrap() <= 7200);
    let agent = format!("agent/get?agentid={}", options.agent_id);
    client.ok(&agent).await;
    sim.advance(Duration::from_secs(7201));
    assert_eq!(client.code(&agent).await, 42001);
    let second = WecomClient::new(&sim, &options.secret).await;
    assert_ne!(second.token, client.token);
    second.ok(&agent).await;
    sim.revoke_tokens();
    assert_eq!(second.code(&agent).await, 40014);
    assert_eq!(client.raw("department/list").await["errcode"], 41001);
    assert_eq!(
        client
            .raw(&format!(
                "gettoken?corpid=wrong&corpsecret={}",
                options.secret
            ))
            .await["errcode"],
        40013
    );
    assert_eq!(client.raw("gettoken?corpsecret=x").await["errcode"], 41002);
    assert_eq!(
        client
            .raw(&format!("gettoken?corpid={}", options.corp_id))
            .await["errcode"],
        41004
    );
    let shown = format!("{:?} {:?}", sim.log(), sim.apps(|apps| apps.clone()));
    for secret in [&options.secret, &options.contact_sync_secret, &second.token] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[tokio::test]
async fn wrong_secrets_ban_the_address_for_an_hour() {
    let (sim, client) = wecom(Options {
        wrong_secrets_max: 3,
        ..Options::default()
    })
    .await;
    let right = Options::default().secret;
    for _ in 0..3 {
        let answer = client.gettoken("wrong").await;
        assert_eq!(answer["errcode"], 40001);
        let message = answer["errmsg"].as_str().unwrap();
        for part in [
            "hint: [",
            "from ip: 203.0.113.7",
            "more info at https://open.work.weixin.qq.com/",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
    assert_eq!(client.gettoken(&right).await["errcode"], 45009);
    sim.advance(Duration::from_secs(3601));
    assert_eq!(client.gettoken(&right).await["errcode"], 0);
}

#[tokio::test]
async fn agent_get_is_for_the_own_app_and_a_closed_app_reads_nothing_else() {
    let (sim, client) = acme(Options {
        null_containers: true,
        ..Options::default()
    })
    .await;
    let own = format!("agent/get?agentid={}", Options::default().agent_id);
    let agent = client.ok(&own).await;
    assert!(agent["allow_userinfos"].is_null() && agent["allow_tags"].is_null());
    assert_eq!(
        (&agent["allow_partys"]["partyid"], &agent["close"]),
        (&json!([1]), &json!(0))
    );
    assert_eq!(client.code("agent/get?agentid=1").await, 301002);
    assert_eq!(client.code("agent/get").await, 41011);
    sim.set_closed(true);
    assert_eq!(client.ok(&own).await["close"], 1);
    assert_eq!(client.code("department/list").await, 50003);
    sim.set_closed(false);
    sim.configure(|options| options.ip_trusted = false);
    let answer = client.get(&own).await;
    assert_eq!(answer["errcode"], 60020);
    assert!(
        answer["errmsg"]
            .as_str()
            .unwrap()
            .contains("from ip: 203.0.113.7")
    );
    assert_eq!(
        client.gettoken(&Options::default().secret).await["errcode"],
        0,
        "gettoken needs no trust"
    );
}

#[tokio::test]
async fn sign_in_codes_work_once_in_time_for_their_app() {
    let (sim, client) = acme(Options::default()).await;
    sim.set_range(VisibleRange::departments(&[4]));
    let code = sim.issue_code(Who::Member("boss".into()));
    assert_eq!(
        client.ok(&format!("auth/getuserinfo?code={code}")).await["userid"],
        "boss",
        "out of range, and told"
    );
    assert_eq!(
        client.code(&format!("auth/getuserinfo?code={code}")).await,
        42022
    );
    let outsider = sim.issue_code(Who::Outsider("oX".into()));
    let answer = client
        .ok(&format!("auth/getuserinfo?code={outsider}"))
        .await;
    assert!(answer.get("userid").is_none() && answer["openid"] == "oX");
    let late = sim.issue_code(Who::Member("boss".into()));
    sim.advance(Duration::from_secs(301));
    assert_eq!(
        client.code(&format!("auth/getuserinfo?code={late}")).await,
        40029
    );
    assert_eq!(client.code("auth/getuserinfo?code=made-up").await, 40029);
    sim.apps(|apps| {
        let other = camsync_simulators::wecom::App {
            agent_id: 9,
            secret: "other".into(),
            ..apps[0].clone()
        };
        apps.push(other);
    });
    let other = WecomClient::new(&sim, "other").await;
    let code = sim.issue_code(Who::Member("boss".into()));
    assert_eq!(
        other.code(&format!("auth/getuserinfo?code={code}")).await,
        50001
    );
}

#[tokio::test]
async fn messages_reach_the_visible() {
    let (sim, client) = acme(Options::default()).await;
    sim.set_range(VisibleRange::departments(&[2]));
    let agent_id = Options::default().agent_id;
    let message = json!({"touser": "dev|Sales", "msgtype": "text", "agentid": agent_id, "text": {"content": "你好"}});
    let sent = client.post("message/send", message).await;
    assert_eq!(
        (&sent["errcode"], &sent["invaliduser"]),
        (&json!(0), &json!("Sales"))
    );
    let messages = sim.messages();
    assert_eq!(
        (&messages[0].to, &messages[0].content["content"]),
        (&vec!["dev".to_owned()], &json!("你好"))
    );
    let nobody = json!({"touser": "Sales", "msgtype": "text", "agentid": agent_id, "text": {"content": "x"}});
    assert_eq!(client.post("message/send", nobody).await["errcode"], 81013);
    let foreign =
        json!({"touser": "dev", "msgtype": "text", "agentid": 1, "text": {"content": "x"}});
    assert_eq!(
        client.post("message/send", foreign).await["errcode"],
        301002
    );
    assert_eq!(sim.writes().len(), 1);
}

#[tokio::test]
async fn frequency_and_concurrency_are_limited() {
    let (sim, client) = acme(Options {
        per_minute: Some(3),
        ..Options::default()
    })
    .await;
    for _ in 0..3 {
        client.ok("department/list").await;
    }
    assert_eq!(client.code("department/list").await, 45009);
    client.ok("user/get?userid=dev").await;
    sim.advance(Duration::from_secs(59));
    assert_eq!(client.code("department/list").await, 45009);
    sim.advance(Duration::from_secs(2));
    client.ok("department/list").await;

    sim.configure(|options| {
        options.per_minute = None;
        options.parallel_max = Some(1);
    });
    let hour = Fault::Delay(Duration::from_secs(3600));
    sim.inject(When::action("user/list").key(1).once(), hour);
    let waiting = client.send("user/list?department_id=1");
    let other = async {
        while sim.parallel_most("user/list") < 1 {
            tokio::task::yield_now().await;
        }
        client.code("user/list?department_id=2").await
    };
    tokio::select! {
        answer = waiting => panic!("answered: {answer:?}"),
        code = other => assert_eq!(code, 45033),
    }
    assert_eq!(sim.parallel_most("user/list"), 2);
    client.ok("department/list").await;
    assert_eq!(sim.parallel_most("department/list"), 1);
}
