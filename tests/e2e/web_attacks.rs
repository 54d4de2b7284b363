//! What somebody sends who wants the portal or the API to do something for another: to redirect, to set a header, to show a
//! script. Cookies, CSRF, the page's policy and brute force are in `portal` and `api`.

use std::io::{Read as _, Write as _};

use crate::http::{Served, serving};
use crate::portal::asking;
use crate::portal_browser::{Browser, DESKTOP};
use crate::world::text;

/// What comes back to these very bytes.
fn raw(served: &Served, request: &str) -> String {
    let mut stream = served.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    text(&all)
}

fn get(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept: text/html\r\n{headers}\r\n"
    )
}

/// Where the browser is sent does not depend on anything that was asked.
#[test]
fn nobody_is_sent_where_a_request_says() {
    let world = asking("");
    let served = serving(&world);
    let evil = "evil.example";
    let paths = [
        "//evil.example/portal",
        "/\\evil.example/portal",
        "/portal//evil.example",
        "/portal/?next=https://evil.example/",
        "/portal/acme/sign-in?redirect_uri=https://evil.example/&next=//evil.example",
        "/portal/acme/callback?code=x&state=y&next=https://evil.example/",
        "/portal/https:%2F%2Fevil.example/sign-in",
        "http://evil.example/portal/acme/sign-in",
    ];
    let hosts = "x-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\nforwarded: host=evil.example\r\n\
                 x-original-url: https://evil.example/\r\nreferer: https://evil.example/\r\norigin: https://evil.example\r\n";
    for path in paths {
        let answer = raw(&served, &get(path, hosts));
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(!head.contains(evil), "{path}: {head}");
    }
    let other =
        "GET /portal/acme/sign-in HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    let sent = raw(&served, other);
    assert!(sent.starts_with("HTTP/1.1 302"), "{sent}");
    assert!(!sent.contains(evil), "{sent}");
    // Who has signed in is sent to the page, whatever is added to the way back.
    let browser = Browser::new(&world, &served, DESKTOP);
    let who = camsync_simulators::wecom::Who::Member("m1".into());
    let back = world.wecom.sign_in(&browser.begin(), Some(who)).unwrap().1;
    let way = format!(
        "{}&next=https://{evil}/&redirect=//{evil}",
        browser.path_of(&back)
    );
    let answer = browser.get(&way);
    assert_eq!((answer.status, answer.header("location")), (303, "/portal"));
}

/// Line ends in whatever may come back as a header, and markup in whatever may come back in a page.
#[test]
fn nothing_that_is_sent_becomes_a_header_or_markup() {
    let world = asking("");
    let served = serving(&world);
    let line_end = "%0d%0aset-cookie:%20planted=1%0d%0a%0d%0a";
    let markup = "%3Cscript%3Ealert(1)%3C/script%3E";
    for hostile in [line_end, markup] {
        for path in [
            format!("/portal/{hostile}/sign-in"),
            format!("/portal/acme/callback?state={hostile}&code={hostile}"),
            format!("/portal/acme/callback?error={hostile}"),
            format!("/portal/{hostile}"),
            format!("/api/v1/members/{hostile}"),
            format!("/webhooks/{hostile}?msg_signature={hostile}&echostr={hostile}"),
            format!("/{hostile}"),
        ] {
            for headers in [
                "",
                "accept-language: <script>alert(1)</script>\r\nuser-agent: <script>alert(1)</script>\r\n\
                 cookie: camsync-sign-in=<script>alert(1)</script>\r\nx-request-id: <script>alert(1)</script>\r\n",
            ] {
                let answer = raw(&served, &get(&path, headers));
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                let head = head.to_lowercase();
                assert!(!head.contains("planted"), "{path}: {head}");
                assert!(
                    head.contains("x-content-type-options: nosniff"),
                    "{path}: {head}"
                );
                let page = head.contains("content-type: text/html");
                assert!(!page || !body.contains("alert("), "{path}: {body}");
            }
        }
    }
    // Two answers to what could be taken for one request, or for two, are never given.
    let smuggled = "POST /portal/api/application HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\
                    transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /portal HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = raw(&served, smuggled);
    assert!(
        answer.matches("HTTP/1.1 ").count() <= 1 || !answer.contains("text/html"),
        "{answer}"
    );
}
