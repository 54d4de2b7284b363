//! Keys, signatures, clocks, and that no secret gets out.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use crate::support::{CALLER, NOW, OWNER, Reply, SECRET_ID, SECRET_KEY, Server, http};
use camsync_cam::{
    Cam, Class, Client, CredentialError, CredentialSource, Credentials, ErrorKind, Language,
    NewUser, SecretText, UserRef, UserUpdate,
};
use serde_json::json;

fn user() -> Reply {
    Reply::Ok(json!({"Uin": 7, "Name": "alice"}))
}

#[tokio::test]
async fn a_request_is_as_the_dossier_says() {
    let server = Server::start(|_| user()).await;
    let (mut options, _) = server.options();
    options.language = Language::Chinese;
    Client::new(options)
        .unwrap()
        .get_user("alice")
        .await
        .unwrap();
    let call = server.calls().remove(0);
    assert_eq!(call.raw_body, br#"{"Name":"alice"}"#);
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(format!("http://{}", call.header("host")), server.endpoint);
    assert_eq!(call.header("x-tc-version"), "2019-01-16");
    assert_eq!(call.header("x-tc-language"), "zh-CN");
    assert_eq!(call.header("x-tc-requestclient"), "camsync");
    assert_eq!(call.timestamp(), NOW);
    assert!(!call.headers.contains_key("x-tc-token"));
    assert!(!call.headers.contains_key("x-tc-region"));
    assert!(call.is_signed_with(SECRET_ID, SECRET_KEY));
}

#[tokio::test]
async fn a_call_without_parameters_sends_an_empty_object() {
    let server = Server::start(|_| Reply::Ok(json!({"User": 3, "Group": 2, "Policies": 1}))).await;
    let summary = server.client().account_summary().await.unwrap();
    assert_eq!(
        (
            summary.value.users,
            summary.value.groups,
            summary.value.policies
        ),
        (3, 2, 1)
    );
    assert_eq!(summary.request_id.as_deref(), Some("request-1"));
    assert_eq!(server.calls()[0].raw_body, b"{}");
}

/// Gives one key after another.
struct Rotating(Mutex<Vec<Result<Credentials, CredentialError>>>);

impl CredentialSource for Rotating {
    fn current(&self) -> Result<Credentials, CredentialError> {
        self.0.lock().unwrap().remove(0)
    }
}

#[tokio::test]
async fn the_key_is_asked_for_anew_at_every_attempt() {
    let server = Server::start(|_| Reply::Error("InternalError", "")).await;
    let mut second = Credentials::new("AKIDsecond", "KEYsecond");
    second.token = Some(SecretText::new("TOKsecond"));
    let unreadable = CredentialError {
        reason: "/run/key: gone".to_owned(),
    };
    let keys = vec![
        Ok(Credentials::new("AKIDfirst", "KEYfirst")),
        Ok(second),
        Err(unreadable),
    ];
    let (mut options, _) = server.options();
    options.credentials = Arc::new(Rotating(Mutex::new(keys)));
    let error = Client::new(options)
        .unwrap()
        .get_user("alice")
        .await
        .unwrap_err();
    let calls = server.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].is_signed_with("AKIDfirst", "KEYfirst"));
    assert!(calls[1].is_signed_with("AKIDsecond", "KEYsecond"));
    assert_eq!(calls[1].header("x-tc-token"), "TOKsecond");
    assert_eq!(error.kind, ErrorKind::Credentials);
    assert_eq!(error.class(), Class::Configuration);
    assert_eq!(
        error.to_string(),
        "GetUser: not sent, no key: /run/key: gone"
    );
}

/// An answer whose `Date` is 400 seconds after the tests' time.
fn expired() -> Reply {
    let body = r#"{"Response":{"RequestId":"r","Error":{"Code":"AuthFailure.SignatureExpire","Message":"m"}}}"#;
    http("200 OK", "Date: Tue, 14 Nov 2023 22:20:00 GMT\r\n", body)
}

#[tokio::test]
async fn a_clock_that_is_off_is_measured_and_corrected_once_even_for_a_write() {
    let server = Server::start(|call| {
        if (call.timestamp() - (NOW + 400)).abs() > 300 {
            expired()
        } else {
            user()
        }
    })
    .await;
    let client = server.client();
    client
        .add_user(&NewUser {
            name: "alice".to_owned(),
            ..NewUser::default()
        })
        .await
        .unwrap();
    assert_eq!(client.skew_seconds(), 400);
    let times: Vec<_> = server
        .calls()
        .iter()
        .map(|call| call.timestamp() - NOW)
        .collect();
    assert_eq!(times, [0, 400]);
    assert!(
        server
            .calls()
            .iter()
            .all(|call| call.is_signed_with(SECRET_ID, SECRET_KEY))
    );
    // What was learnt is used from the first attempt on.
    client.get_user("alice").await.unwrap();
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn a_clock_that_stays_off_is_a_configuration_failure_that_says_by_how_much() {
    let server = Server::start(|_| expired()).await;
    let error = server.client().get_user("alice").await.unwrap_err();
    assert_eq!(server.calls().len(), 2);
    assert_eq!(error.class(), Class::Configuration);
    assert_eq!(error.skew_seconds, Some(400));
    assert!(error.to_string().contains("400 s"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_no_reason_to_send_a_write_again_that_was_refused_for_another() {
    let body = r#"{"Response":{"RequestId":"r","Error":{"Code":"InternalError","Message":"m"}}}"#;
    let server =
        Server::start(move |_| http("200 OK", "Date: Tue, 14 Nov 2023 22:20:00 GMT\r\n", body))
            .await;
    let alice = NewUser {
        name: "alice".to_owned(),
        ..NewUser::default()
    };
    server.client().add_user(&alice).await.unwrap_err();
    assert_eq!(server.calls_of("AddUser").len(), 1);
}

#[tokio::test]
async fn without_a_date_the_timestamp_is_not_guessed() {
    let server = Server::start(|_| Reply::Error("AuthFailure.SignatureExpire", "m")).await;
    let error = server.client().get_user("alice").await.unwrap_err();
    assert_eq!(server.calls().len(), 1);
    assert_eq!(error.skew_seconds, None);
}

#[tokio::test]
async fn no_secret_gets_into_an_error_or_a_debug_text() {
    const PASSWORD: &str = "hunter2-visible";
    let echo = "AKIDtestvisible KEYtestvisible hunter2-visible";
    let server = Server::start(move |_| Reply::Error("InvalidParameter.ParamError", echo)).await;
    let (options, _) = server.options();
    assert!(!format!("{options:?}").contains("visible"));
    let client = Client::new(options).unwrap();
    assert!(!format!("{client:?}").contains("visible"));
    let update = UserUpdate {
        password: Some(SecretText::new(PASSWORD)),
        ..UserUpdate::default()
    };
    assert!(!format!("{update:?}").contains("visible"));
    let bob = UserRef {
        uin: 8,
        name: "bob".to_owned(),
    };
    let error = client.update_user(&bob, &update).await.unwrap_err();
    let stored = serde_json::to_string(&error).unwrap();
    assert!(!format!("{error} {error:?} {stored}").contains("visible"));
    assert!(error.message.contains("[redacted]"));
    assert_eq!(server.calls_of("UpdateUser")[0].body["Password"], PASSWORD);
}

#[tokio::test]
async fn what_add_user_returns_once_is_dropped() {
    let served = AtomicU32::new(0);
    let server = Server::start(move |_| {
        let uin = if served.fetch_add(1, Ordering::SeqCst) == 0 {
            json!(7)
        } else {
            json!(null)
        };
        Reply::Ok(
            json!({"Uin": uin, "Name": "alice", "Password": "hunter2", "SecretId": "hunter2",
            "SecretKey": "hunter2", "PhoneNumVerifyLink": "hunter2"}),
        )
    })
    .await;
    let client = server.client();
    let user = NewUser {
        name: "alice".to_owned(),
        console_login: true,
        ..NewUser::default()
    };
    let created = client.add_user(&user).await.unwrap();
    assert_eq!(created.value.uin, 7);
    assert!(!format!("{created:?}").contains("hunter2"));
    let error = client.add_user(&user).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    assert_eq!(error.request_id.as_deref(), Some("request-1"));
}

#[tokio::test]
async fn the_account_is_read_whole_or_not_at_all() {
    let server = Server::start(|_| user()).await;
    let account = server.client().account().await.unwrap().value;
    assert_eq!((account.uin, account.owner_uin), (CALLER, OWNER));
    assert_eq!(account.app_id, 1_250_000_000);
}

#[tokio::test]
async fn an_account_that_is_not_told_whole_keeps_every_write_back() {
    for (uin, owner) in [(0, 1), (1, 0)] {
        let body = format!(
            r#"{{"Response":{{"Uin":{uin},"OwnerUin":{owner},"AppId":1,"RequestId":"r"}}}}"#
        );
        let (mut options, _) = crate::support::options(&answering(body).await);
        options.read_attempts = 1;
        let client = Client::new(options).unwrap();
        let error = client.account().await.unwrap_err();
        assert_eq!(error.message, "no Uin or no OwnerUin");
        let user = UserRef {
            uin: 7,
            name: "alice".to_owned(),
        };
        let error = client.delete_user(&user, false).await.unwrap_err();
        assert_eq!(error.action, "GetUserAppId");
    }
}

/// Answers everything, whose key it is included, with this body.
async fn answering(body: String) -> String {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            crate::support::read_call(&mut stream).await;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    endpoint
}
