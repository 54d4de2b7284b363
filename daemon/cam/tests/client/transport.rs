//! What becomes of a call when the network, a gateway or CAM itself misbehaves.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::support::{NOW, Reply, SECRET_ID, SECRET_KEY, Server, http, options};
use camsync_cam::{Cam, Class, Error, ErrorKind, Fault, NewUser, NotSent, Scope, actions};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn alice() -> NewUser {
    NewUser {
        name: "alice".to_owned(),
        ..NewUser::default()
    }
}

/// How AddUser fails when it is answered like this; it must have been sent exactly once.
async fn failed_write(reply: Reply) -> Error {
    let server = Server::start(move |_| reply.clone()).await;
    let (mut options, _) = server.options();
    options.timeout = Duration::from_millis(300);
    options.response_bytes_max = 64 * 1024;
    let error = camsync_cam::Client::new(options)
        .unwrap()
        .add_user(&alice())
        .await
        .unwrap_err();
    assert_eq!(server.calls_of("AddUser").len(), 1, "{error}");
    error
}

async fn fault_of_write(reply: Reply) -> Fault {
    let error = failed_write(reply).await;
    assert_eq!(error.class(), Class::Unknown, "{error}");
    match error.kind {
        ErrorKind::Unknown { fault } => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_hides_the_answer_of_a_write_leaves_its_outcome_unknown() {
    let html = http(
        "502 Bad Gateway",
        "Content-Type: text/html\r\n",
        "<html>Bad Gateway</html>",
    );
    assert_eq!(fault_of_write(html).await, Fault::HttpStatus(502));
    assert_eq!(
        fault_of_write(http("200 OK", "", "<html>hello</html>")).await,
        Fault::NotJson
    );
    assert_eq!(
        fault_of_write(http("200 OK", "", "")).await,
        Fault::Truncated
    );
    assert_eq!(
        fault_of_write(http("200 OK", "", r#"{"Response":{"Uin":1000"#)).await,
        Fault::Truncated
    );
    assert_eq!(
        fault_of_write(http("200 OK", "", r#"{"Response":{}}"#)).await,
        Fault::UnexpectedShape
    );
    assert_eq!(
        fault_of_write(http("200 OK", "", "[1]")).await,
        Fault::UnexpectedShape
    );
    assert_eq!(fault_of_write(Reply::Drop).await, Fault::ConnectionLost);
    assert_eq!(fault_of_write(Reply::Hang).await, Fault::Timeout);
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Response\":{".to_vec();
    assert_eq!(fault_of_write(Reply::Raw(cut)).await, Fault::ConnectionLost);
}

#[tokio::test]
async fn a_huge_answer_is_refused_announced_or_not() {
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n".to_vec();
    assert_eq!(fault_of_write(Reply::Raw(announced)).await, Fault::TooLarge);
    let mut unannounced = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    unannounced.resize(200_000, b' ');
    assert_eq!(
        fault_of_write(Reply::Raw(unannounced)).await,
        Fault::TooLarge
    );
}

/// What becomes of a read whose answer is so much longer than the limit, with its length announced or not.
async fn answer_over_the_limit(by: usize, announced: bool) -> Result<(), ErrorKind> {
    let body = r#"{"Response":{"Uin":7,"Name":"alice","RequestId":"r"}}"#;
    let length = if announced {
        format!("Content-Length: {}\r\n", body.len())
    } else {
        String::new()
    };
    let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{length}\r\n{body}");
    let server = Server::start(move |_| Reply::Raw(answer.clone().into_bytes())).await;
    let (mut options, _) = server.options();
    options.response_bytes_max = body.len() - by;
    let client = camsync_cam::Client::new(options).unwrap();
    let answer = client.get_user("alice").await;
    answer.map(drop).map_err(|error| error.kind)
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let fault = Fault::TooLarge;
    for announced in [true, false] {
        assert_eq!(answer_over_the_limit(0, announced).await, Ok(()));
        assert_eq!(
            answer_over_the_limit(1, announced).await,
            Err(ErrorKind::Unknown { fault })
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| Reply::Ok(json!({"Uin": 7, "Name": "alice"}))).await;
    let location = format!("Location: {}/\r\n", elsewhere.endpoint);
    for status in ["302 Found", "307 Temporary Redirect"] {
        let fault = fault_of_write(http(status, &location, "")).await;
        assert!(matches!(fault, Fault::HttpStatus(302 | 307)), "{fault:?}");
    }
    assert!(elsewhere.calls().is_empty());
}

fn assert_no_connection(error: &camsync_cam::Error) {
    let cause = NotSent::Connect;
    assert_eq!(error.kind, ErrorKind::NotSent { cause }, "{error}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = camsync_cam::Client::new(options(&endpoint).0).unwrap();
    let error = client.add_user(&alice()).await.unwrap_err();
    assert_no_connection(&error);
    // The cause, and not the outermost words alone.
    assert!(error.message.contains("refused"), "{error}");
    assert_eq!(
        error.class(),
        Class::Transient {
            scope: Scope::Action
        }
    );
}

/// Accepts one connection, answers its first bytes with these, and returns what they were.
async fn answer_once(bytes: &'static [u8]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::with_capacity(4096);
        stream.read_buf(&mut seen).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        seen
    });
    (address, task)
}

#[tokio::test]
async fn tls_that_fails_sent_nothing() {
    let (address, server) = answer_once(b"SSH-2.0-elsewhere\r\n").await;
    let client = camsync_cam::Client::new(options(&format!("https://{address}")).0).unwrap();
    let error = client.add_user(&alice()).await.unwrap_err();
    assert_no_connection(&error);
    assert_eq!(
        server.await.unwrap()[0],
        0x16,
        "a TLS handshake and nothing else"
    );
}

#[tokio::test]
async fn the_proxy_is_used_for_everything_but_loopback_and_its_refusal_sent_nothing() {
    let (address, proxy) =
        answer_once(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let url = format!("http://someone:hunter2@{address}").parse().unwrap();
    let http = camsync_cam::http_client(Some(&url), None).unwrap();
    let server = Server::start(|_| Reply::Ok(json!({"Uin": 7, "Name": "alice"}))).await;
    let (mut near, _) = server.options();
    near.http = http.clone();
    camsync_cam::Client::new(near)
        .unwrap()
        .add_user(&alice())
        .await
        .unwrap();
    let (mut far, _) = options("https://cam.example");
    far.http = http;
    let error = camsync_cam::Client::new(far)
        .unwrap()
        .add_user(&alice())
        .await
        .unwrap_err();
    assert_no_connection(&error);
    assert!(!format!("{error:?}").contains("hunter2"));
    let seen = String::from_utf8(proxy.await.unwrap()).unwrap();
    assert!(
        seen.starts_with("CONNECT cam.example:443 HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.to_lowercase().contains("proxy-authorization: basic "),
        "{seen}"
    );
}

#[tokio::test]
async fn a_refusal_carries_code_words_and_request_id() {
    let error = failed_write(Reply::Error("InvalidParameter.SubUserFull", "too many")).await;
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(error.class(), Class::Quota);
    assert_eq!(error.request_id.as_deref(), Some("request-2"));
    assert_eq!(
        error.to_string(),
        "AddUser: CAM answered InvalidParameter.SubUserFull: too many (RequestId request-2)"
    );
}

#[tokio::test]
async fn the_legacy_shape_is_a_refusal() {
    let body = r#"{"code":4102,"message":"no","codeDesc":"AuthFailure"}"#;
    let error = failed_write(http("200 OK", "", body)).await;
    assert_eq!(error.code.as_deref(), Some("AuthFailure"));
    assert_eq!(error.class(), Class::Configuration);
}

#[tokio::test]
async fn a_write_is_never_sent_twice_even_for_a_rate_limit() {
    let error = failed_write(Reply::Error("RequestLimitExceeded", "slow down")).await;
    assert_eq!(
        error.class(),
        Class::Transient {
            scope: Scope::Action
        }
    );
    assert_eq!(
        failed_write(Reply::Error("InternalError", ""))
            .await
            .class(),
        Class::Unknown
    );
}

#[tokio::test]
async fn a_read_is_repeated_a_bounded_number_of_times() {
    let served = AtomicU32::new(0);
    let server = Server::start(move |_| match served.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Drop,
        1 => http("502 Bad Gateway", "", "<html>"),
        _ => Reply::Ok(json!({"Uin": 7, "Name": "alice"})),
    })
    .await;
    assert!(
        server
            .client()
            .get_user("alice")
            .await
            .unwrap()
            .value
            .is_some()
    );
    assert_eq!(server.calls_of("GetUser").len(), 3);

    let server = Server::start(|_| Reply::Drop).await;
    let error = server.client().get_user("alice").await.unwrap_err();
    assert_eq!(error.class(), Class::Unknown);
    assert_eq!(server.calls_of("GetUser").len(), 3);

    let server = Server::start(|_| Reply::Error("AuthFailure.SignatureFailure", "")).await;
    let error = server.client().get_user("alice").await.unwrap_err();
    assert_eq!(error.class(), Class::Configuration);
    assert_eq!(server.calls_of("GetUser").len(), 1);
}

#[tokio::test]
async fn each_repetition_waits_longer_and_is_signed_afresh() {
    let server = Server::start(|_| Reply::Error("InternalError", "")).await;
    let (mut options, clock) = server.options();
    options.read_backoff = Duration::from_secs(4);
    options.read_attempts = 4;
    let client = camsync_cam::Client::new(options).unwrap();
    client.get_user("alice").await.unwrap_err();
    let calls = server.calls_of("GetUser");
    let times: Vec<_> = calls.iter().map(|call| call.timestamp() - NOW).collect();
    assert_eq!(times, [0, 4, 12, 22]);
    assert!(
        calls
            .iter()
            .all(|call| call.is_signed_with(SECRET_ID, SECRET_KEY))
    );
    assert_eq!(camsync_cam::Clock::now(&*clock), Duration::from_secs(22));
}

#[tokio::test]
async fn a_rate_limit_slows_its_action_down() {
    let served = AtomicU32::new(0);
    let server = Server::start(move |_| match served.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Error("RequestLimitExceeded", ""),
        _ => Reply::Ok(json!({"Uin": 7, "Name": "alice"})),
    })
    .await;
    let (options, clock) = server.options();
    let client = camsync_cam::Client::new(options).unwrap();
    client.get_user("alice").await.unwrap();
    assert!(client.pacer().rate(&actions::GET_USER) < 12.0);
    assert!(client.pacer().rate(&actions::LIST_GROUPS) > 15.9);
    assert!(camsync_cam::Clock::now(&*clock) >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_account_wide_limit_slows_every_action_down() {
    let server = Server::start(|_| Reply::Error("RequestLimitExceeded.UinLimitExceeded", "")).await;
    let client = server.client();
    let error = client.add_user(&alice()).await.unwrap_err();
    assert_eq!(
        error.class(),
        Class::Transient {
            scope: Scope::Account
        }
    );
    assert!(client.pacer().rate(&actions::LIST_GROUPS) < 12.0);
}

#[tokio::test]
async fn calls_reach_the_configured_rate_over_the_wire() {
    let server = Server::start(|_| Reply::Ok(json!({"Uin": 7, "Name": "alice"}))).await;
    let (mut options, clock) = server.options();
    options.requests_per_second = 40.0;
    let client = camsync_cam::Client::new(options).unwrap();
    for _ in 0..81 {
        client.get_user("alice").await.unwrap();
    }
    let elapsed = camsync_cam::Clock::now(&*clock).as_secs_f64();
    assert!(
        (1.9..=2.0 / 0.95).contains(&elapsed),
        "{elapsed} s for 80 intervals at 40/s"
    );
}
