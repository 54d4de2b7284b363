//! The CAM simulator's faults: each does what it says, to whom it says, as often as it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, UserKind};
use serde_json::{Value, json};
use support::{CamClient, cam, column};

/// What a caller sees of one AddUser: the HTTP status with the code or the parse failure, or that nothing came.
async fn add(client: &CamClient, name: &str) -> String {
    match client.send("AddUser", &json!({"Name": name})).await {
        Err(_) => "no answer".to_owned(),
        Ok(response) => {
            let status = response.status().as_u16();
            let kind = response.headers()["content-type"]
                .to_str()
                .unwrap()
                .to_owned();
            let Ok(body) = response.text().await else {
                return format!("{status} broken");
            };
            match serde_json::from_str::<Value>(&body) {
                Err(_) => format!("{status} {kind} not json {}", body.len()),
                Ok(answer) => answer["Response"]["Error"]["Code"]
                    .as_str()
                    .unwrap_or("fine")
                    .to_owned(),
            }
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_write_shows_outside_and_has_or_lacks_its_effect() {
    let cases = [
        (Fault::AnswerLost, "no answer", true),
        (Fault::EffectLost, "no answer", false),
        (Fault::ResetAfter, "no answer", true),
        (Fault::InternalErrorBefore, "InternalError", false),
        (Fault::InternalErrorAfter, "InternalError", true),
        (Fault::FailedOperationBefore, "FailedOperation", false),
        (Fault::FailedOperationAfter, "FailedOperation", true),
        (
            Fault::Code("ResourceUnavailable".into()),
            "ResourceUnavailable",
            false,
        ),
        (
            Fault::CodeAfter("ResourceInUse".into()),
            "ResourceInUse",
            true,
        ),
        (Fault::Http(502), "502 text/html not json", false),
        (Fault::HttpAfter(504), "504 text/html not json", true),
        (Fault::TruncatedJson, "200 application/json not json", true),
        (Fault::CutBody, "200 broken", true),
        (Fault::EmptyBody, "200 application/json not json 0", true),
        (Fault::Legacy(4000), "fine", true),
    ];
    let (sim, client) = cam(Options::default()).await;
    for (number, (fault, seen, effect)) in cases.into_iter().enumerate() {
        let name = format!("user{number}");
        let id = sim.inject(When::action("AddUser").key(&name).once(), fault.clone());
        let answer = add(&client, &name).await;
        assert!(answer.starts_with(seen), "{fault:?}: {answer}");
        assert_eq!(sim.user(&name).is_some(), effect, "{fault:?}");
        assert_eq!(
            (sim.fault_hits(id), sim.writes().len()),
            (1, usize::from(effect)),
            "{fault:?}"
        );
        let again = add(&client, &name).await;
        assert_eq!(
            again,
            if effect {
                "InvalidParameter.SubUserNameInUse"
            } else {
                "fine"
            },
            "{fault:?} struck twice"
        );
        sim.clear_log();
    }
}

#[tokio::test]
async fn a_fault_strikes_only_what_it_is_meant_for() {
    let (sim, client) = cam(Options::default()).await;
    let uin = sim.add_user("bob", UserKind::SubUser);
    let id = sim.inject(
        When::action("AttachUserPolicy").key("bob").after(1),
        Fault::InternalErrorBefore,
    );
    let attach = |policy: u64| json!({"PolicyId": policy, "AttachUin": uin});
    client.ok("AttachUserPolicy", attach(5)).await;
    assert_eq!(
        client.refused("AttachUserPolicy", attach(6)).await,
        "InternalError"
    );
    assert_eq!(
        client.refused("AttachUserPolicy", attach(6)).await,
        "InternalError"
    );
    client.ok("GetUser", json!({"Name": "bob"})).await;
    sim.revoke_fault(id);
    client.ok("AttachUserPolicy", attach(6)).await;
    assert_eq!(sim.fault_hits(id), 2);
    sim.inject(When::any(), Fault::Code("InternalError.SystemError".into()));
    assert_eq!(
        client.refused("GetUser", json!({"Name": "bob"})).await,
        "InternalError.SystemError"
    );
    sim.clear_faults();
    client.ok("GetUser", json!({"Name": "bob"})).await;
}

#[tokio::test]
async fn a_silent_server_acts_all_the_same() {
    let (sim, client) = cam(Options::default()).await;
    sim.inject(When::action("AddUser").key("quiet"), Fault::NeverAnswer);
    sim.inject(
        When::action("AddUser").key("slow"),
        Fault::SlowAnswer(Duration::from_secs(3600)),
    );
    for name in ["quiet", "slow"] {
        let params = json!({"Name": name});
        let call = client.send("AddUser", &params);
        tokio::select! {
            answer = call => panic!("answered: {answer:?}"),
            () = async { while sim.user(name).is_none() { tokio::task::yield_now().await } } => {}
        }
    }
    sim.wait_for("AddUser", 2).await;
    assert_eq!(sim.writes().len(), 2);
}

#[tokio::test]
async fn delays_and_latency_take_their_time() {
    let (sim, client) = cam(Options {
        latency: Duration::from_millis(40),
        ..Options::default()
    })
    .await;
    sim.inject(
        When::action("GetUserAppId").once(),
        Fault::Delay(Duration::from_millis(60)),
    );
    let started = Instant::now();
    client.ok("GetUserAppId", json!({})).await;
    assert!(started.elapsed() >= Duration::from_millis(100));
    sim.inject(
        When::action("GetUserAppId").once(),
        Fault::Drip(Duration::from_millis(1)),
    );
    let dripped = client.ok("GetUserAppId", json!({})).await;
    assert_eq!(dripped["OwnerUin"], "100000000001");
}

#[tokio::test]
async fn reads_lag_behind_writes() {
    let (sim, client) = cam(Options::default()).await;
    sim.add_user("old", UserKind::SubUser);
    sim.set_read_lag(Duration::from_secs(3600));
    client.ok("AddUser", json!({"Name": "new"})).await;
    client.ok("DeleteUser", json!({"Name": "old"})).await;
    assert_eq!(
        client.refused("GetUser", json!({"Name": "new"})).await,
        "ResourceNotFound.UserNotExist"
    );
    client.ok("GetUser", json!({"Name": "old"})).await;
    assert_eq!(
        client.refused("AddUser", json!({"Name": "new"})).await,
        "InvalidParameter.SubUserNameInUse"
    );
    sim.settle();
    client.ok("GetUser", json!({"Name": "new"})).await;
    assert_eq!(
        client.refused("GetUser", json!({"Name": "old"})).await,
        "ResourceNotFound.UserNotExist"
    );
}

#[tokio::test]
async fn listings_can_lie() {
    let (sim, client) = cam(Options {
        uin_zero: false,
        ..Options::default()
    })
    .await;
    for name in ["a", "b", "c", "d"] {
        sim.add_user(name, UserKind::SubUser);
    }
    let first = client.ok("ListAccounts", json!({"MaxItems": 2})).await;
    let next = json!({"MaxItems": 2, "Marker": first["Marker"]});
    sim.inject(When::action("ListAccounts").times(2), Fault::MarkerExpired);
    client.ok("ListAccounts", json!({"MaxItems": 2})).await;
    assert_eq!(
        client.refused("ListAccounts", next.clone()).await,
        "InvalidParameter.PaginationTokenInvalid"
    );
    assert_eq!(
        column(
            &client.ok("ListAccounts", next.clone()).await["Users"],
            "Name"
        ),
        ["c", "d"]
    );
    sim.inject(When::action("ListAccounts").once(), Fault::ShiftPage(1));
    assert_eq!(
        column(
            &client.ok("ListAccounts", next.clone()).await["Users"],
            "Name"
        ),
        ["d"],
        "c fell through"
    );
    sim.inject(When::action("ListAccounts").once(), Fault::ShiftPage(-1));
    assert_eq!(
        column(&client.ok("ListAccounts", next).await["Users"], "Name"),
        ["b", "c"],
        "b came twice"
    );

    sim.inject(When::action("ListAccounts"), Fault::MissUser("b".into()));
    assert_eq!(
        column(&client.ok("ListAccounts", json!({})).await["Users"], "Name"),
        ["a", "c", "d"]
    );
    assert_eq!(
        column(&client.ok("ListUsers", json!({})).await["Data"], "Name"),
        ["a", "b", "c", "d"],
        "they disagree"
    );
    sim.inject(When::action("ListUsers"), Fault::EmptyListing);
    assert_eq!(client.ok("ListUsers", json!({})).await["Data"], json!([]));
}
