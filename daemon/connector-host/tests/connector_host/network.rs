//! What a connector reaches over the network, and what it does not.

use std::time::Duration;

use camsync_connector_host::{AllowedHost, CallError, Connector, Limit, Session, SourceContext};
use serde_json::{Value, json};

use crate::{
    server::Server,
    support::{Remembered, SECRET, connector, crawl, source},
};

/// A source that makes these requests and may talk to these servers.
fn asking(requests: Value, servers: &[&Server]) -> SourceContext {
    let mut context = source(json!({"behaviour": "fetch", "requests": requests}));
    context.operator_endpoints = servers
        .iter()
        .map(|server| AllowedHost::of_url(&server.url("")).unwrap())
        .collect();
    context
}

async fn told(session: &Session) -> Remembered {
    let (outcome, sink) = crawl(session).await;
    outcome.unwrap();
    sink
}

async fn answer(connector: &Connector, request: Value, servers: &[&Server]) -> String {
    let session = connector
        .session(asking(json!([request]), servers))
        .unwrap();
    told(&session).await.told()["r0"].to_owned()
}

#[tokio::test]
async fn requests_are_answered_whatever_the_status() {
    let (server, connector) = (Server::start().await, connector().await);
    let request = json!({"url": server.url("/hello")});
    assert_eq!(answer(&connector, request, &[&server]).await, "200 5 hello");
    let request = json!({"url": server.url("/missing")});
    assert_eq!(answer(&connector, request, &[&server]).await, "404 4 none");
    let request = json!({"url": server.url("/echo"), "method": "POST", "body": "b", "headers": {"x-key": "k"}});
    let echo = answer(&connector, request, &[&server]).await;
    assert!(
        echo.contains(r#""method":"POST""#)
            && echo.contains(r#""x-key":"k""#)
            && echo.contains(r#""body":"b""#),
        "{echo}"
    );
    let agent = concat!(r#""user-agent":"camsync/"#, env!("CARGO_PKG_VERSION"), "\"");
    assert!(echo.contains(agent), "{echo}");
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_denied() {
    let (server, connector) = (Server::start().await, connector().await);
    for url in [
        server.url("/hello?token=s3cret"),
        "https://evil.example/?token=s3cret".to_owned(),
    ] {
        let denied = answer(&connector, json!({"url": url}), &[]).await;
        assert!(
            denied.starts_with("denied") && denied.contains("allow_hosts"),
            "{denied}"
        );
        assert!(!denied.contains("s3cret"), "{denied}");
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn forbidden_addresses_are_denied_even_to_allowed_hosts() {
    let connector = connector().await;
    let hosts = [
        "169.254.169.254",
        "127.0.0.1",
        "10.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "rebound.example",
        "private.example",
        "metadata.example",
        "nat64.example",
        "localhost",
    ];
    let requests: Vec<_> = hosts
        .iter()
        .map(|host| json!({"url": format!("https://{host}/?token=s3cret")}))
        .collect();
    let mut context = asking(requests.into(), &[]);
    context.allowed_hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let sink = told(&connector.session(context).unwrap()).await;
    assert_eq!(sink.departments.len(), hosts.len());
    for (n, text) in sink.told() {
        assert!(
            text.starts_with("denied") && text.contains("address"),
            "{n}: {text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn plain_http_is_for_loopback_that_a_setting_names() {
    let (server, connector) = (Server::start().await, connector().await);
    let port = server.address.port();
    let mut context = asking(
        json!([{"url": server.url("/hello")}, {"url": format!("http://private.example:{port}/")}]),
        &[],
    );
    context.allowed_hosts = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    context.operator_endpoints = vec![format!("private.example:{port}").parse().unwrap()];
    let sink = told(&connector.session(context).unwrap()).await;
    for text in sink.told().into_values() {
        assert!(
            text.starts_with("denied") && text.contains("https"),
            "{text}"
        );
    }
    let mut context = asking(
        json!([{"url": format!("http://localhost:{port}/hello")}]),
        &[],
    );
    context.operator_endpoints = vec![format!("localhost:{port}").parse().unwrap()];
    assert_eq!(
        told(&connector.session(context).unwrap()).await.told()["r0"],
        "200 5 hello"
    );
}

#[tokio::test]
async fn redirects_stay_within_the_allowed_hosts() {
    let (server, other, connector) = (
        Server::start().await,
        Server::start().await,
        connector().await,
    );
    let to = |target: &str, status: u16| json!({"url": server.url(&format!("/redirect?status={status}&to={target}"))});
    assert_eq!(
        answer(&connector, to("/hello", 302), &[&server]).await,
        "200 5 hello"
    );
    for target in [
        other.url("/hello"),
        "https://169.254.169.254/".to_owned(),
        "https://evil.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let denied = answer(&connector, to(&target, 302), &[&server]).await;
        assert!(
            denied.starts_with("denied") || denied.starts_with("invalid"),
            "{target}: {denied}"
        );
    }
    assert_eq!(other.accepted(), 0);
    let endless = answer(&connector, json!({"url": server.url("/round")}), &[&server]).await;
    assert_eq!(endless, "protocol more than 5 redirects");
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_credentials() {
    let (server, other, connector) = (
        Server::start().await,
        Server::start().await,
        connector().await,
    );
    let headers =
        json!({"authorization": "Bearer t", "x-api-key": "k", "cookie": "c", "accept": "text/x"});
    for (target, kept) in [(other.url("/echo"), false), (server.url("/echo"), true)] {
        let request =
            json!({"url": server.url(&format!("/redirect?to={target}")), "headers": headers});
        let echo = answer(&connector, request, &[&server, &other]).await;
        assert!(echo.contains(r#""accept":"text/x""#), "{echo}");
        for name in ["authorization", "x-api-key", "cookie"] {
            assert_eq!(echo.contains(name), kept, "{name}: {echo}");
        }
    }
}

#[tokio::test]
async fn a_redirect_changes_the_method_as_it_should() {
    let (server, connector) = (Server::start().await, connector().await);
    for (status, method, body) in [
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "b"),
        (308, "POST", "b"),
    ] {
        let url = server.url(&format!("/redirect?status={status}&to=/echo"));
        let echo = answer(
            &connector,
            json!({"url": url, "method": "POST", "body": "b"}),
            &[&server],
        )
        .await;
        assert!(
            echo.contains(&format!(r#""method":"{method}""#)),
            "{status}: {echo}"
        );
        assert!(
            echo.contains(&format!(r#""body":"{body}""#)),
            "{status}: {echo}"
        );
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_without_repeating_secrets() {
    let (server, connector) = (Server::start().await, connector().await);
    let hello = server.url("/hello");
    for request in [
        json!({"url": "not a url s3cret"}),
        json!({"url": "/relative?s3cret"}),
        json!({"url": hello, "method": "A B"}),
        json!({"url": hello, "method": "CONNECT"}),
        json!({"url": hello, "headers": {"host": "evil.example"}}),
        json!({"url": hello, "headers": {"content-length": "5"}}),
        json!({"url": hello, "headers": {"x": "s3cret\r\nhost: evil"}}),
        json!({"url": hello.replace("http://", "http://user:s3cret@")}),
    ] {
        let refused = answer(&connector, request.clone(), &[&server]).await;
        assert!(refused.starts_with("invalid"), "{request}: {refused}");
        assert!(!refused.contains("s3cret"), "{refused}");
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn an_oversized_body_is_cut_off() {
    let (server, connector) = (Server::start().await, connector().await);
    for path in ["/big", "/big-unsized"] {
        let text = answer(&connector, json!({"url": server.url(path)}), &[&server]).await;
        assert_eq!(text, "too large 1048576", "{path}");
    }
}

/// Each body is within its limit; all together they are more than the host would hold.
#[tokio::test]
async fn many_large_bodies_are_bounded_together() {
    let (server, connector) = (Server::start().await, connector().await);
    let requests: Vec<_> = (0..16)
        .map(|_| json!({"url": server.url("/big")}))
        .collect();
    let mut context = asking(requests.into(), &[&server]);
    context.limits.response = 4 << 20;
    context.limits.memory = 16 << 20;
    let (outcome, sink) = crawl(&connector.session(context).unwrap()).await;
    let texts = sink.told();
    let refused = texts
        .values()
        .filter(|text| text.starts_with("too large"))
        .count();
    assert!(refused > 0 || outcome.is_err(), "{texts:?}");
}

/// What is on its way out counts too: a connector may not park its bodies in the host.
#[tokio::test]
async fn many_large_requests_are_bounded_together() {
    let (server, connector) = (Server::start().await, connector().await);
    let body = "x".repeat(1 << 20);
    let requests: Vec<_> = (0..12)
        .map(|_| json!({"url": server.url("/never"), "method": "POST", "body": body, "timeout_ms": 500}))
        .collect();
    let mut context = asking(requests.into(), &[&server]);
    context.limits.memory = 48 << 20;
    let sink = told(&connector.session(context).unwrap()).await;
    assert!(
        sink.told().values().all(|text| *text == "timeout"),
        "{:?}",
        sink.told()
    );
    let requests: Vec<_> = (0..64)
        // None may end before the last has asked, however busy the machine.
        .map(|_| json!({"url": server.url("/never"), "body_bytes": 1 << 20, "timeout_ms": 3000}))
        .collect();
    let mut context = asking(requests.into(), &[&server]);
    context.limits.memory = 16 << 20;
    let sink = told(&connector.session(context).unwrap()).await;
    let refused = sink
        .told()
        .values()
        .filter(|text| text.contains("limits.memory"))
        .count();
    assert!((48..64).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_request_or_with_the_call() {
    let (server, connector) = (Server::start().await, connector().await);
    for path in ["/drip", "/never"] {
        let request = json!({"url": server.url(path), "timeout_ms": 200});
        assert_eq!(answer(&connector, request, &[&server]).await, "timeout");
        let mut context = asking(json!([{"url": server.url(path)}]), &[&server]);
        context.limits.time = Duration::from_millis(300);
        let error = crawl(&connector.session(context).unwrap())
            .await
            .0
            .unwrap_err();
        assert_eq!(error, CallError::Limit(Limit::Time { allowed_ms: 300 }));
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_told_apart() {
    let connector = connector().await;
    let gone = Server::start().await;
    let mut request = asking(
        json!([{"url": gone.url("/?token=s3cret"), "headers": {"x": SECRET}}]),
        &[&gone],
    );
    request.limits.time = Duration::from_secs(20);
    drop(gone);
    let session = connector.session(request).unwrap();
    tokio::task::yield_now().await;
    let sink = told(&session).await;
    let text = sink.told()["r0"];
    assert!(text.starts_with("connect 127.0.0.1:"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    let mut unresolved = asking(
        json!([{"url": "https://nowhere.example/?token=s3cret"}]),
        &[],
    );
    unresolved.allowed_hosts = vec!["nowhere.example".parse().unwrap()];
    let sink = told(&connector.session(unresolved).unwrap()).await;
    let text = sink.told()["r0"];
    assert!(
        text.starts_with("connect nowhere.example:") && text.contains("no such name"),
        "{text}"
    );
}

#[tokio::test]
async fn sixteen_requests_are_in_flight_at_once() {
    let (server, connector) = (Server::start().await, connector().await);
    let requests: Vec<_> = (0..16)
        .map(|_| json!({"url": server.url("/all-at-once")}))
        .collect();
    let sink = told(
        &connector
            .session(asking(requests.into(), &[&server]))
            .unwrap(),
    )
    .await;
    assert_eq!(sink.told().len(), 16);
    assert!(sink.told().values().all(|text| *text == "200 8 together"));
}

#[tokio::test]
async fn connections_are_reused_across_requests_crawls_and_sessions() {
    let (server, connector) = (Server::start().await, connector().await);
    let requests = json!([{"url": server.url("/hello")}]);
    let session = connector
        .session(asking(requests.clone(), &[&server]))
        .unwrap();
    for _ in 0..3 {
        assert_eq!(told(&session).await.told()["r0"], "200 5 hello");
    }
    let renewed = connector.session(asking(requests, &[&server])).unwrap();
    assert_eq!(told(&renewed).await.told()["r0"], "200 5 hello");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn nothing_in_flight_means_nothing_to_wait_for() {
    let session = connector()
        .await
        .session(source(json!({"behaviour": "idle-wait"})))
        .unwrap();
    assert!(crawl(&session).await.0.is_ok());
}
