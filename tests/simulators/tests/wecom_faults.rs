//! The WeCom simulator's faults: each does what it says, to whom it says, as often as it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Options};
use serde_json::{Value, json};
use support::{WecomClient, column, wecom};

/// What a caller sees of one user/get.
async fn seen(client: &WecomClient) -> String {
    match client.send("user/get?userid=dev").await {
        Err(_) => "no answer".to_owned(),
        Ok(response) => {
            let status = response.status().as_u16();
            let Ok(body) = response.text().await else {
                return format!("{status} broken");
            };
            match serde_json::from_str::<Value>(&body) {
                Err(_) => format!("{status} not json {}", body.len()),
                Ok(Value::Array(_)) => format!("{status} array"),
                Ok(answer) => format!("{status} {}", answer["errcode"]),
            }
        }
    }
}

#[tokio::test]
async fn every_fault_shows_once_and_then_no_more() {
    let (sim, mut client) = wecom(Options::default()).await;
    sim.add_member("dev", "开发", &[1]);
    let cases = [
        (Fault::Errcode(-1), "200 -1"),
        (Fault::Errcode(45009), "200 45009"),
        (Fault::Http(502), "502 not json"),
        (Fault::TruncatedJson, "200 not json"),
        (Fault::CutBody, "200 broken"),
        (Fault::JsonArray, "200 array"),
        (Fault::EmptyBody, "200 not json 0"),
        (Fault::Reset, "no answer"),
        (Fault::Hangup, "no answer"),
        (Fault::Redirect("http://elsewhere.example/".into()), "302"),
        (Fault::Drip(Duration::from_micros(10)), "200 0"),
        (Fault::Delay(Duration::from_millis(1)), "200 0"),
        (Fault::TokenExpired, "200 42001"),
        (Fault::TokenRevoked, "200 40014"),
    ];
    for (fault, expected) in cases {
        let id = sim.inject(When::action("user/get").key("dev").once(), fault.clone());
        let answer = seen(&client).await;
        assert!(answer.starts_with(expected), "{fault:?}: {answer}");
        assert_eq!(sim.fault_hits(id), 1);
        client.token = client.gettoken(&Options::default().secret).await["access_token"]
            .as_str()
            .unwrap()
            .into();
        assert_eq!(seen(&client).await, "200 0", "{fault:?} struck twice");
    }
}

#[tokio::test]
async fn a_flood_is_as_long_as_asked() {
    let (sim, client) = wecom(Options::default()).await;
    let size = 200 * 1024 * 1024;
    sim.inject(When::action("department/list"), Fault::Flood(size));
    let mut response = client.send("department/list").await.unwrap();
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        read += chunk.len() as u64;
    }
    assert_eq!(read, size);
}

#[tokio::test]
async fn a_silent_endpoint_stays_silent() {
    let (sim, client) = wecom(Options::default()).await;
    sim.inject(When::action("department/list"), Fault::NeverAnswer);
    tokio::select! {
        answer = client.send("department/list") => panic!("answered: {answer:?}"),
        () = sim.wait_for("department/list", 1) => {}
    }
    client.ok("department/simplelist").await;
}

#[tokio::test]
async fn lists_can_lie_and_move() {
    let (sim, client) = wecom(Options::default()).await;
    sim.add_department(2, "研发", 1);
    sim.add_member("a", "甲", &[2]);
    sim.add_member("b", "乙", &[2]);
    let users = async || {
        column(
            &client.ok("user/list?department_id=2").await["userlist"],
            "userid",
        )
    };
    sim.inject(
        When::action("user/list").key(2).once(),
        Fault::EmptyUserlist,
    );
    assert_eq!(users().await, Vec::<Value>::new());
    sim.inject(
        When::action("user/list").once(),
        Fault::MissMembers(vec!["a".into()]),
    );
    assert_eq!(users().await, ["b"]);
    sim.inject(
        When::action("department/list").once(),
        Fault::MissDepartments(vec![2]),
    );
    assert_eq!(
        column(&client.ok("department/list").await["department"], "id"),
        [1]
    );
    sim.inject(
        When::action("user/list").after(1).once(),
        Fault::edit(|enterprise| enterprise.remove_member("a")),
    );
    assert_eq!(users().await, ["a", "b"]);
    assert_eq!(users().await, ["b"]);
    let log = sim.log();
    let last = log.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.outcome.as_str(), last.faulted),
        ("user/list", "ok", true)
    );
    assert_eq!(last.params["department_id"], json!("2"));
    assert_eq!((sim.connections(), sim.count("user/list")), (1, 4));
}
