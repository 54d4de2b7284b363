//! Addresses, hosts and URLs.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};
use url::{Host as UrlHost, Url};

use super::text;
use crate::bilingual::Bilingual;
use crate::document::Node;
use crate::reader::{Kind, Reader, Shape};

/// An address and port to listen on.
pub(crate) struct Address;

impl Kind for Address {
    type Out = SocketAddr;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<SocketAddr> {
        let written = text(node, reader, "an address and port")?;
        let parsed = written.parse().ok();
        if parsed.is_none() {
            let message = format!(
                "`{}` is not an address and port: {written:?}",
                reader.path()
            );
            reader.refuse(
                &node.span,
                message,
                "such as \"127.0.0.1:8420\", \"0.0.0.0:8420\" or \"[::1]:8420\"",
            );
        }
        parsed
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "an IP address and port such as `\"127.0.0.1:8420\"`",
                zh: "IP 地址与端口，如 `\"127.0.0.1:8420\"`",
            },
            json!({ "type": "string" }),
        )
    }

    fn show(value: &SocketAddr) -> Json {
        json!(value.to_string())
    }
}

/// A host, or a host and port, as a connector may be allowed to reach it.
pub(crate) struct Host;

/// Whether a text is `host` or `host:port`, the host being a name or an IP address (version 6 in brackets).
fn is_host(written: &str) -> bool {
    // The URL parser is lenient about what it cuts off; what it keeps has to be the whole text.
    let plain = written
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    let Ok(url) = Url::parse(&format!("dns://{written}")) else {
        return false;
    };
    let named = match url.host() {
        Some(UrlHost::Domain(name)) => name.split('.').all(|label| {
            (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        }),
        Some(_) => true,
        None => false,
    };
    plain && named && url.port() != Some(0) && !written.ends_with(':')
}

impl Kind for Host {
    type Out = String;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
        let written = text(node, reader, "a host")?;
        if !is_host(written) {
            let message = format!("`{}` is not a host: {written:?}", reader.path());
            reader.refuse(
                &node.span,
                message,
                "a host's whole name, and a port if it is not 443: \"qyapi.weixin.qq.com\" or \"example.com:8443\"; \
                 no scheme, no path, no wildcard",
            );
            return None;
        }
        Some(written.to_ascii_lowercase())
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "`host` or `host:port`",
                zh: "`host` 或 `host:port`（主机，可带端口）",
            },
            json!({ "type": "string", "pattern": r"^[A-Za-z0-9.:_\[\]-]+$" }),
        )
    }

    fn show(value: &String) -> Json {
        json!(value)
    }
}

/// Whether a URL points at this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Domain(name)) => name == "localhost",
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Why a text is not a URL that may be used, and what to write instead.
pub(crate) struct BadUrl {
    pub(crate) message: &'static str,
    pub(crate) remedy: &'static str,
}

/// Reads a URL with `http` or `https` and no password in it. The text itself is not repeated in an error.
pub(crate) fn web_url(written: &str) -> Result<Url, BadUrl> {
    let bad = |message, remedy| Err(BadUrl { message, remedy });
    let Ok(url) = Url::parse(written.trim()) else {
        return bad("is not a URL", "write it whole, with https:// in front");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return bad("is not a web URL", "it begins with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad(
            "holds a user or a password",
            "leave them out: the configuration holds no secrets",
        );
    }
    Ok(url)
}

/// Reads a URL that credentials are sent to: `https`, or `http` on this machine.
pub(crate) fn endpoint(written: &str) -> Result<Url, BadUrl> {
    let url = web_url(written)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(BadUrl {
            message: "is not encrypted",
            remedy: "write https://; http:// is accepted for loopback (127.0.0.1, [::1], localhost) only",
        });
    }
    Ok(url)
}

fn read_url(
    node: &Node,
    reader: &mut Reader<'_>,
    parse: impl FnOnce(&str) -> Result<Url, BadUrl>,
) -> Option<Url> {
    let written = text(node, reader, "a URL")?;
    match parse(written) {
        Ok(url) => Some(url),
        Err(bad) => {
            let message = format!("`{}` {}", reader.path(), bad.message);
            // A URL that is refused may hold a password.
            reader.in_secret(|reader| reader.refuse(&node.span, message, bad.remedy));
            None
        }
    }
}

fn url_shape(words: Bilingual) -> Shape {
    Shape::plain(words, json!({ "type": "string", "format": "uri" }))
}

/// A web URL, encrypted or not: a proxy.
pub(crate) struct WebUrl;

impl Kind for WebUrl {
    type Out = Url;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Url> {
        read_url(node, reader, web_url)
    }

    fn shape() -> Shape {
        url_shape(Bilingual {
            en: "a URL with `http://` or `https://`",
            zh: "以 `http://` 或 `https://` 开头的 URL",
        })
    }

    fn show(value: &Url) -> Json {
        json!(value.as_str())
    }
}

/// A service's URL: credentials go there.
pub(crate) struct Endpoint;

impl Kind for Endpoint {
    type Out = Url;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Url> {
        read_url(node, reader, endpoint)
    }

    fn shape() -> Shape {
        url_shape(Bilingual {
            en: "a URL with `https://`, or `http://` for loopback only",
            zh: "以 `https://` 开头的 URL；`http://` 只能用于本机",
        })
    }

    fn show(value: &Url) -> Json {
        json!(value.as_str())
    }
}

/// The URL that this daemon is seen under: a scheme and a host, perhaps a path, and nothing behind it.
pub(crate) struct PublicUrl;

impl Kind for PublicUrl {
    type Out = Url;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Url> {
        read_url(node, reader, |written| {
            let url = web_url(written)?;
            if url.query().is_some() || url.fragment().is_some() {
                return Err(BadUrl {
                    message: "ends in a query or fragment",
                    remedy: "end it with the host, port or path",
                });
            }
            Ok(url)
        })
    }

    fn shape() -> Shape {
        url_shape(Bilingual {
            en: "a URL with `https://` or `http://`",
            zh: "以 `https://` 或 `http://` 开头的 URL",
        })
    }

    fn show(value: &Url) -> Json {
        json!(value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_only_looks_like_one() {
        for good in [
            "qyapi.weixin.qq.com",
            "localhost:8080",
            "10.0.0.1",
            "[::1]:9",
            "a_b.example",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "*.example.com",
            "https://a.b",
            "a/b",
            "a:b",
            "a:99999",
            "a:0",
            "a:",
            "a..b",
            "a@b",
            "-a.b",
            "a b",
            "::1",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn http_is_for_loopback_only() {
        for good in [
            "https://cam.tencentcloudapi.com",
            "http://127.0.0.1:9",
            "http://[::1]/x",
            "http://localhost",
        ] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://cam.tencentcloudapi.com",
            "http://127.0.0.1.evil.com",
            "ftp://a",
            "a.b",
            "https://u:p@a",
            "https://",
            "http://localhost.evil.com",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }
}
