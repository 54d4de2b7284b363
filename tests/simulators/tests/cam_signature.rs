//! The CAM simulator's gate: signatures, clock, keys, permissions, versions, parameters, rates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use camsync_simulators::cam::{Key, Options, Simulator};
use serde_json::{Value, json};
use support::{CamClient, cam, http};

const ID: &str = "AKIDEXAMPLE0000000000000000000000000";
const KEY: &str = "FAKEsecretKEY0123456789abcdefGHIJKL";
const LONG_BODY: &str = r#"{"Name":"zhang.san","Remark":"张三","ConsoleLogin":1,"UseApi":0,"NeedResetPassword":1,"CountryCode":"86"}"#;

/// A vector of `cam-api.md 1.7`.
struct Vector {
    name: &'static str,
    timestamp: i64,
    date: &'static str,
    method: &'static str,
    query: &'static str,
    content_type: &'static str,
    host: &'static str,
    action: &'static str,
    signed_headers: &'static str,
    token: Option<&'static str>,
    body: &'static str,
    signature: &'static str,
}

const BASE: Vector = Vector {
    name: "V7",
    timestamp: 1_700_000_000,
    date: "2023-11-14",
    method: "POST",
    query: "",
    content_type: "application/json",
    host: "cam.tencentcloudapi.com",
    action: "GetUser",
    signed_headers: "content-type;host",
    token: None,
    body: r#"{"Name":"alice"}"#,
    signature: "072cfe16242de809b54d8ba60996d3e8b7434197aa80711fccff27720407df2b",
};

const VECTORS: [Vector; 11] = [
    Vector {
        name: "V1",
        body: r#"{"Name": "alice"}"#,
        signature: "9a74a217aac911e5b90b4ff1007ce585a4466b7a8ae8ed4abd5c0f312d3eb172",
        ..BASE
    },
    Vector {
        name: "V2",
        timestamp: 1_718_409_599,
        date: "2024-06-14",
        action: "AddUser",
        body: r#"{"Name": "zhang.san", "Remark": "\u5f20\u4e09", "ConsoleLogin": 1, "UseApi": 0, "NeedResetPassword": 1, "CountryCode": "86"}"#,
        signature: "45538384e0b66913fc7bb3d91d14ee53cf4439d590b3ba748ead80a1ddccd432",
        ..BASE
    },
    Vector {
        name: "V3",
        timestamp: 1_718_409_600,
        date: "2024-06-15",
        action: "ListUsers",
        body: "{}",
        signature: "b67ab50333dc07946bd8caa9d497970cb72a2523322f660c482b2a0b4dbe4121",
        ..BASE
    },
    Vector {
        name: "V4",
        timestamp: 1_767_225_600,
        date: "2026-01-01",
        host: "cam.intl.tencentcloudapi.com",
        action: "AddUserToGroup",
        token: Some("FAKETOKEN+/=abc"),
        body: r#"{"Info": [{"GroupId": 3449, "Uin": 100000546533}]}"#,
        signature: "3db172fe15a5adb45564bad999f8ec33774f60bc3ce92ef35f6ffee1ca6cb627",
        ..BASE
    },
    Vector {
        name: "V5",
        timestamp: 1_709_251_199,
        date: "2024-02-29",
        action: "DeleteUser",
        body: r#"{"Name": "zhang.san@acme", "Force": 1}"#,
        signature: "c3e6b69f874daf4afc0618882e3517560caeecf1c1e3d2791da8decb38146ccf",
        ..BASE
    },
    Vector {
        name: "V6",
        method: "GET",
        query: "Offset=0&Limit=100",
        content_type: "application/x-www-form-urlencoded",
        action: "ListWeChatWorkSubAccounts",
        body: "",
        signature: "cc9a4a6a4225a50f6675b690c188020d9ed915eba62e9a607f39cae4e1da85db",
        ..BASE
    },
    BASE,
    Vector {
        name: "V8",
        signed_headers: "content-type;host;x-tc-action",
        signature: "70112b5c38a1777831f78cb8966db04ee5d79adbbb0db74d910fb7e31da8bb1c",
        ..BASE
    },
    Vector {
        name: "V9",
        signature: "cdfd215e9ef8faf14c4e0c41b667f6e293f661295c557332f9f755e010f7c05c",
        ..LONG
    },
    Vector {
        name: "V10",
        content_type: "application/json; charset=utf-8",
        signature: "391524a88fb292b0e16c5398820b328fc5c32d34a45eb015f3e514f03ca2e5b7",
        ..LONG
    },
    Vector {
        name: "V9 with a port",
        host: "127.0.0.1:8080",
        signature: "c7e1733fabd4e4501c8e375a7fa7df130c743ddfa4302407f262ad89b12c9183",
        ..LONG
    },
];

const LONG: Vector = Vector {
    timestamp: 1_718_409_599,
    date: "2024-06-14",
    action: "AddUser",
    body: LONG_BODY,
    ..BASE
};

/// Sends a vector as it stands, with this signature; the code, or none.
async fn send(sim: &Simulator, vector: &Vector, signature: &str, body: &str) -> Option<String> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    sim.set_clock_offset(vector.timestamp - i64::try_from(now).unwrap());
    let client = http();
    let request = match vector.method {
        "GET" => client.get(format!("{}/?{}", sim.url(), vector.query)),
        _ => client.post(format!("{}/", sim.url())).body(body.to_owned()),
    };
    let authorization = format!(
        "TC3-HMAC-SHA256 Credential={ID}/{}/cam/tc3_request, SignedHeaders={}, Signature={signature}",
        vector.date, vector.signed_headers
    );
    let mut request = request
        .header("host", vector.host)
        .header("content-type", vector.content_type)
        .header("x-tc-action", vector.action)
        .header("x-tc-version", "2019-01-16")
        .header("x-tc-timestamp", vector.timestamp)
        .header("authorization", authorization);
    if let Some(token) = vector.token {
        request = request.header("x-tc-token", token);
    }
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["Response"]["Error"]["Code"]
        .as_str()
        .map(str::to_owned)
}

fn key(token: Option<&str>) -> Key {
    Key {
        secret_key: KEY.into(),
        uin: 100_000_000_002,
        owner_uin: 100_000_000_001,
        token: token.map(str::to_owned),
        denied: Vec::new(),
        revoked: false,
    }
}

#[tokio::test]
async fn every_vector_passes_and_its_slightest_alteration_does_not() {
    for vector in VECTORS {
        let (sim, _) = cam(Options::default()).await;
        sim.keys(|keys| keys.insert(ID.into(), key(vector.token)));
        let code = send(&sim, &vector, vector.signature, vector.body).await;
        assert!(
            code.as_ref()
                .is_none_or(|code| !code.starts_with("AuthFailure")),
            "{}: {code:?}",
            vector.name
        );

        let mut altered = vector.signature.to_owned();
        let last = altered.pop().unwrap();
        altered.push(if last == '0' { '1' } else { '0' });
        let code = send(&sim, &vector, &altered, vector.body).await;
        assert_eq!(
            code.as_deref(),
            Some("AuthFailure.SignatureFailure"),
            "{}",
            vector.name
        );
        if vector.method == "POST" {
            let body = format!("{} ", vector.body);
            let code = send(&sim, &vector, vector.signature, &body).await;
            assert_eq!(
                code.as_deref(),
                Some("AuthFailure.SignatureFailure"),
                "{} with another body",
                vector.name
            );
        }
        let host = Vector {
            host: "cam.tencentcloudapi.com:8443",
            ..vector
        };
        let code = send(&sim, &host, host.signature, host.body).await;
        assert_eq!(
            code.as_deref(),
            Some("AuthFailure.SignatureFailure"),
            "{} with another port",
            host.name
        );
    }
}

#[tokio::test]
async fn a_clock_off_by_more_than_five_minutes_is_refused_and_the_date_header_tells_the_right_time()
{
    let (sim, mut client) = cam(Options::default()).await;
    for (offset, fine) in [
        (0, true),
        (295, true),
        (-295, true),
        (310, false),
        (-310, false),
    ] {
        client.clock_offset = offset;
        let answer = client.call("GetUserAppId", json!({})).await;
        assert_eq!(answer.get("Error").is_none(), fine, "{offset}: {answer}");
        if !fine {
            assert_eq!(answer["Error"]["Code"], "AuthFailure.SignatureExpire");
        }
    }
    sim.set_clock_offset(1_000_000_000);
    let response = client.send("GetUserAppId", &json!({})).await.unwrap();
    assert!(
        response.headers()["date"]
            .to_str()
            .unwrap()
            .contains(" 205"),
        "{:?}",
        response.headers()["date"]
    );
}

#[tokio::test]
async fn keys_are_told_apart() {
    let (sim, mut client) = cam(Options::default()).await;
    let good = client.ok("GetUserAppId", json!({})).await;
    assert_eq!(good["OwnerUin"], "100000000001");
    assert_eq!(good["Uin"], "100000000002");

    client.secret_key = "wrong".into();
    assert_eq!(
        client.refused("GetUserAppId", json!({})).await,
        "AuthFailure.SignatureFailure"
    );
    client.secret_id = "AKIDunknown".into();
    assert_eq!(
        client.refused("GetUserAppId", json!({})).await,
        "AuthFailure.SecretIdNotFound"
    );

    sim.keys(|keys| {
        keys.insert(
            ID.into(),
            Key {
                owner_uin: 7,
                ..key(Some("token"))
            },
        )
    });
    (client.secret_id, client.secret_key) = (ID.into(), KEY.into());
    assert_eq!(
        client.refused("GetUserAppId", json!({})).await,
        "AuthFailure.TokenFailure"
    );
    client.token = Some("token".into());
    assert_eq!(client.ok("GetUserAppId", json!({})).await["OwnerUin"], "7");
    sim.keys(|keys| keys.get_mut(ID).unwrap().revoked = true);
    assert_eq!(
        client.refused("GetUserAppId", json!({})).await,
        "AuthFailure.SecretIdNotFound"
    );

    let answer: Value = http()
        .post(sim.url())
        .header("x-tc-action", "GetUserAppId")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        answer["Response"]["Error"]["Code"],
        "AuthFailure.InvalidAuthorization"
    );
}

#[tokio::test]
async fn a_users_own_key_signs_while_it_is_active() {
    let (_sim, client) = cam(Options::default()).await;
    let made = client
        .ok("AddUser", json!({"Name": "robot", "UseApi": 1}))
        .await;
    let mut robot = CamClient::new(&_sim);
    robot.secret_id = made["SecretId"].as_str().unwrap().into();
    robot.secret_key = made["SecretKey"].as_str().unwrap().into();
    assert_eq!(
        robot.ok("GetUserAppId", json!({})).await["Uin"],
        made["Uin"].to_string()
    );
    let params =
        json!({"TargetUin": made["Uin"], "AccessKeyId": made["SecretId"], "Status": "Inactive"});
    client.ok("UpdateAccessKey", params).await;
    assert_eq!(
        robot.refused("GetUserAppId", json!({})).await,
        "AuthFailure.SecretIdNotFound"
    );
}

#[tokio::test]
async fn permissions_versions_and_actions_are_checked() {
    let (sim, mut client) = cam(Options::default()).await;
    sim.keys(|keys| {
        keys.values_mut()
            .for_each(|key| key.denied = vec!["AddUser".into(), "DeleteApiKey".into()]);
    });
    let answer = client.call("AddUser", json!({"Name": "bob"})).await;
    assert_eq!(answer["Error"]["Code"], "AuthFailure.UnauthorizedOperation");
    assert!(
        answer["Error"]["Message"]
            .as_str()
            .unwrap()
            .contains("cam:AddUser")
    );
    sim.add_user("bob", camsync_simulators::cam::UserKind::SubUser);
    let force = json!({"Name": "bob", "Force": 1});
    assert_eq!(
        client.refused("DeleteUser", force).await,
        "UnauthorizedOperation.DeleteApiKey"
    );
    assert!(sim.user("bob").is_some());

    assert_eq!(
        client.refused("RenameUser", json!({})).await,
        "InvalidAction"
    );
    sim.configure(|options| options.international = true);
    assert_eq!(
        client.refused("ListAccounts", json!({})).await,
        "InvalidAction"
    );
    let page = json!({"Offset": 0, "Limit": 10});
    assert_eq!(
        client.refused("ListWeChatWorkSubAccounts", page).await,
        "InvalidAction"
    );
    client.version = "2017-03-12".into();
    assert_eq!(
        client.refused("GetUserAppId", json!({})).await,
        "NoSuchVersion"
    );
}

#[tokio::test]
async fn parameters_are_checked() {
    let (sim, client) = cam(Options::default()).await;
    assert_eq!(
        client.refused("GetUser", json!({})).await,
        "MissingParameter"
    );
    assert_eq!(
        client
            .refused("GetUser", json!({"Name": "a", "Uin": 1}))
            .await,
        "UnknownParameter"
    );
    assert_eq!(
        client.refused("GetUser", json!({"Name": 1})).await,
        "InvalidParameter"
    );
    assert_eq!(
        client.refused("ListUsers", json!({"Page": 1})).await,
        "UnknownParameter"
    );
    assert_eq!(
        client
            .refused("AddUser", json!({"Name": "a", "ConsoleLogin": 2}))
            .await,
        "InvalidParameter.ParamError"
    );
    assert_eq!(
        client
            .refused("AddUser", json!({"Name": "a", "ConsoleLogin": true}))
            .await,
        "InvalidParameter"
    );
    assert_eq!(
        client
            .refused("ListAccounts", json!({"MaxItems": 101}))
            .await,
        "InvalidParameter"
    );
    // The gateway takes quoted integers.
    client
        .ok("AddUser", json!({"Name": "a", "ConsoleLogin": "1"}))
        .await;
    assert!(sim.user("a").unwrap().console_login);
    assert!(
        sim.log()
            .iter()
            .all(|request| request.outcome != "ok"
                || request.effect == (request.action == "AddUser"))
    );
}

#[tokio::test]
async fn each_action_has_its_own_rate() {
    let sim = Simulator::start(Options {
        rate: Some(0.001),
        ..Options::default()
    })
    .await
    .unwrap();
    let client = CamClient::new(&sim);
    client.ok("ListUsers", json!({})).await;
    assert_eq!(
        client.refused("ListUsers", json!({})).await,
        "RequestLimitExceeded"
    );
    client.ok("GetUserAppId", json!({})).await;
    sim.refill();
    client.ok("ListUsers", json!({})).await;

    sim.configure(|options| options.rate = Some(1.0));
    sim.refill();
    let started = std::time::Instant::now();
    let mut granted = 0;
    while client
        .call(
            "ListAttachedUserAllPolicies",
            json!({"TargetUin": 1, "Rp": 1, "Page": 1, "AttachType": 0}),
        )
        .await["Error"]["Code"]
        != "RequestLimitExceeded"
    {
        granted += 1;
    }
    let most = 5 + 1 + started.elapsed().as_secs() * 5;
    assert!((5..=most).contains(&granted), "{granted}");
}

#[tokio::test]
async fn connections_are_counted_and_a_stopped_simulator_comes_back_with_its_state() {
    let (sim, client) = cam(Options::default()).await;
    for _ in 0..5 {
        client.ok("GetUserAppId", json!({})).await;
    }
    assert_eq!(sim.connections(), 1);
    client.ok("AddUser", json!({"Name": "kept"})).await;
    sim.stop().await;
    assert!(client.send("GetUserAppId", &json!({})).await.is_err());
    sim.restart().await.unwrap();
    client.ok("GetUser", json!({"Name": "kept"})).await;
    assert_eq!(sim.connections(), 2);
    let addr = sim.addr();
    drop(sim);
    let gone = async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone)
        .await
        .expect("dropping stops the simulator");
}
