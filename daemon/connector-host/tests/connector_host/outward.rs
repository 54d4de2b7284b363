//! The way out: TLS with the operator's own authority, and the operator's proxy.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
};

use camsync_connector_host::{Host, HostOptions, SourceContext};
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;

use crate::authority::Authority;
use crate::support::{crawl, guest, load, options, source};

/// An authority of its own, and a server on loopback with a certificate of it for `tls.example`.
struct TlsServer {
    authority_pem: String,
    address: SocketAddr,
    /// The first line of each request that came through.
    requests: mpsc::Receiver<String>,
}

impl TlsServer {
    fn start() -> Self {
        let authority = Authority::new();
        let config = authority.server(&["tls.example"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, stream.unwrap());
                // A client that does not trust the certificate ends the connection here.
                let Some(line) = first_line(&mut stream) else {
                    continue;
                };
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
                );
                stream.conn.send_close_notify();
                let _ = stream.flush();
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            authority_pem: authority.pem,
            address,
            requests,
        }
    }
}

/// Reads a request's head and returns its first line; nothing when the connection ends before that.
fn first_line(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    String::from_utf8(head)
        .unwrap()
        .lines()
        .next()
        .map(str::to_owned)
}

async fn answer(options: HostOptions, url: String, endpoint: Option<&str>) -> String {
    let connector = load(&Host::new(options).unwrap(), guest().to_vec())
        .await
        .unwrap();
    let mut context: SourceContext =
        source(json!({"behaviour": "fetch", "requests": [{"url": url}]}));
    context.allowed_hosts = vec!["idp.example".parse().unwrap()];
    context.operator_endpoints = endpoint
        .into_iter()
        .map(|host| host.parse().unwrap())
        .collect();
    let (outcome, sink) = crawl(&connector.session(context).unwrap()).await;
    outcome.unwrap();
    sink.told()["r0"].to_owned()
}

#[tokio::test]
async fn the_operators_own_authority_is_trusted() {
    let server = TlsServer::start();
    let endpoint = format!("tls.example:{}", server.address.port());
    let trusting = HostOptions {
        extra_ca_pem: Some(server.authority_pem.clone().into_bytes()),
        ..options()
    };
    assert_eq!(
        answer(trusting, format!("https://{endpoint}/x"), Some(&endpoint)).await,
        "200 2 ok"
    );
    assert_eq!(server.requests.recv().unwrap(), "GET /x HTTP/1.1");
}

#[tokio::test]
async fn any_other_authority_is_not() {
    let server = TlsServer::start();
    let endpoint = format!("tls.example:{}", server.address.port());
    let refused = answer(
        options(),
        format!("https://{endpoint}/?s3cret"),
        Some(&endpoint),
    )
    .await;
    assert!(
        refused.starts_with("connect tls.example") && refused.contains("certificate"),
        "{refused}"
    );
    assert!(!refused.contains("s3cret"), "{refused}");
    assert!(server.requests.try_recv().is_err());
}

/// A proxy that refuses after it has heard the first request's head.
fn proxy() -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
        let line = first_line(&mut stream).unwrap();
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        line
    });
    (address, heard)
}

#[tokio::test]
async fn a_proxy_gets_the_name_and_resolves_it_itself() {
    let (address, heard) = proxy();
    let url = format!("http://user:pr0xy-password@{address}")
        .parse()
        .unwrap();
    let proxied = HostOptions {
        proxy: Some(url),
        ..options()
    };
    assert!(!format!("{proxied:?}").contains("pr0xy"));
    let refused = answer(proxied, "https://idp.example/?s3cret".to_owned(), None).await;
    assert_eq!(heard.join().unwrap(), "CONNECT idp.example:443 HTTP/1.1");
    assert!(refused.starts_with("connect idp.example"), "{refused}");
    assert!(
        !refused.contains("s3cret") && !refused.contains("pr0xy"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_allowed_hosts() {
    let proxied = || HostOptions {
        proxy: Some("http://127.0.0.1:1".parse().unwrap()),
        ..options()
    };
    for url in [
        "https://evil.example/",
        "https://169.254.169.254/",
        "http://idp.example/",
        "http://127.0.0.1:1/",
    ] {
        let denied = answer(proxied(), url.to_owned(), None).await;
        assert!(denied.starts_with("denied"), "{url}: {denied}");
    }
}

#[tokio::test]
async fn loopback_is_reached_without_the_proxy() {
    let server = crate::server::Server::start().await;
    let proxied = HostOptions {
        proxy: Some("http://127.0.0.1:1".parse().unwrap()),
        ..options()
    };
    let endpoint = server.address.to_string();
    assert_eq!(
        answer(proxied, server.url("/hello"), Some(&endpoint)).await,
        "200 5 hello"
    );
}
