//! Hosts that a source may be connected to, as parsed types: how they are written, and when a URL is one of them.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A host, and a port where it is not the scheme's own: `qyapi.weixin.qq.com`, `idp.example:8443`, `[2400::1]:8443`.
///
/// Names are kept as they are compared: lower case, internationalised names in their ASCII form, without the final
/// dot; numeric forms of an IPv4 address (`0x7f.1`, `2130706433`) as the address that they mean. There are no
/// wildcards. Without a port, only the scheme's own port is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedHost {
    host: Host<String>,
    port: Option<u16>,
}

/// Why a text is not an [`AllowedHost`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host: {reason}")]
pub struct AllowedHostError {
    /// The text as it was.
    pub text: String,
    /// What is wrong with it, and how to write it.
    pub reason: &'static str,
}

impl AllowedHost {
    /// The host of a URL, with its port where that is not the scheme's own. For a setting that names an endpoint.
    ///
    /// # Errors
    /// The URL does not parse or has no host. The error does not repeat what may hold a secret: user and query.
    pub fn of_url(url: &str) -> Result<Self, AllowedHostError> {
        let refused = |reason| AllowedHostError {
            text: "the URL".to_owned(),
            reason,
        };
        let url = Url::parse(url).map_err(|_| refused("it does not parse as a URL"))?;
        let host = url.host().ok_or(refused("it names no host"))?;
        Ok(Self {
            host: normal(host.to_owned()),
            port: url.port(),
        })
    }

    /// Whether this URL's host and port are the ones meant. Says nothing of scheme and address.
    #[must_use]
    pub fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let own_port = match url.scheme() {
            "https" => 443,
            "http" => 80,
            _ => return false,
        };
        self.host == normal(host.to_owned())
            && url.port_or_known_default() == Some(self.port.unwrap_or(own_port))
    }

    /// The name or address alone, as it is compared.
    #[must_use]
    pub fn host(&self) -> String {
        host_text(&self.host)
    }

    /// Whether the host is this machine: `localhost` or a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl FromStr for AllowedHost {
    type Err = AllowedHostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |reason| AllowedHostError {
            text: text.to_owned(),
            reason,
        };
        if text.is_empty() {
            return Err(refused("it is empty"));
        }
        if text.contains("://") {
            return Err(refused("write the host alone, without a scheme"));
        }
        if text.contains(['/', '?', '#', '\\']) {
            return Err(refused("write the host alone, without a path"));
        }
        if text.contains('@') {
            return Err(refused("write the host alone, without a user"));
        }
        if text.contains('*') {
            return Err(refused("there are no wildcards; name each host"));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err(refused("write an IPv6 address in brackets, `[2400::1]`"));
        }
        let port = match port.map(|port| {
            (
                port.bytes().all(|b| b.is_ascii_digit()),
                port.parse::<u16>(),
            )
        }) {
            None => None,
            Some((true, Ok(port))) if port > 0 => Some(port),
            Some(_) => return Err(refused("the port is not a number from 1 to 65535")),
        };
        let host =
            Host::parse(host).map_err(|_| refused("this is neither a name nor an address"))?;
        match normal(host) {
            Host::Domain(name)
                if name.is_empty() || name.starts_with('.') || name.contains("..") =>
            {
                Err(refused("this is neither a name nor an address"))
            }
            host => Ok(Self { host, port }),
        }
    }
}

impl TryFrom<String> for AllowedHost {
    type Error = AllowedHostError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AllowedHost> for String {
    fn from(host: AllowedHost) -> Self {
        host.to_string()
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

/// The URL's host as names and addresses are compared here.
pub(crate) fn host_of(url: &Url) -> Option<Host<String>> {
    url.host().map(|host| normal(host.to_owned()))
}

pub(crate) fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The address, when the host is one rather than a name.
pub(crate) fn address_of(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

pub(crate) fn host_text(host: &Host<String>) -> String {
    match host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// `name.` and `name` are one host; upper case is lowered already by the parser.
fn normal(host: Host<String>) -> Host<String> {
    match host {
        Host::Domain(name) => {
            Host::Domain(name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(allowed: &str, url: &str, expected: bool) {
        let allowed: AllowedHost = allowed.parse().unwrap();
        assert_eq!(
            allowed.matches(&Url::parse(url).unwrap()),
            expected,
            "{allowed} {url}"
        );
    }

    #[test]
    fn a_host_without_a_port_means_the_schemes_own_port() {
        check("idp.example", "https://idp.example/a?b", true);
        check("idp.example", "https://idp.example:443/", true);
        check("idp.example", "https://idp.example:8443/", false);
        check("idp.example", "http://idp.example:443/", false);
        check("idp.example:8443", "https://idp.example:8443/", true);
        check("idp.example:8443", "https://idp.example/", false);
        check("idp.example:443", "https://idp.example/", true);
    }

    #[test]
    fn one_host_in_many_spellings_is_one_host() {
        check("QYAPI.Weixin.qq.com", "https://qyapi.weixin.QQ.com/", true);
        check("idp.example.", "https://idp.example/", true);
        check("idp.example", "https://idp.example./", true);
        check("bücher.example", "https://xn--bcher-kva.example/", true);
        check("企业.example", "https://企业.example/", true);
        check("idp。example", "https://idp.example/", true);
        check("127.0.0.1", "https://2130706433/", true);
        check("127.0.0.1", "https://0x7f.1/", true);
        check("0177.0.0.1", "https://127.0.0.1/", true);
        check("[2400:0:0::1]:8443", "https://[2400::1]:8443/", true);
        check("[2400::1]", "https://[2400::1]/", true);
    }

    #[test]
    fn lookalikes_are_other_hosts() {
        check("idp.example", "https://idp.example.evil/", false);
        check("idp.example", "https://evil-idp.example/", false);
        check("idp.example", "https://sub.idp.example/", false);
        check("idp.example", "https://idp.example@evil.example/", false);
        check(
            "idp.example",
            "https://idp.example:443@evil.example/",
            false,
        );
        check(
            "idp.example",
            "https://evil.example/?https://idp.example/",
            false,
        );
        check("idp.example", "https://evil.example\\@idp.example/", false);
        check("idp.example", "ftp://idp.example/", false);
        check("127.0.0.1", "https://[::ffff:127.0.0.1]/", false);
    }

    #[test]
    fn what_is_not_a_host_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("https://idp.example", "scheme"),
            ("idp.example/path", "path"),
            ("user@idp.example", "user"),
            ("*.example", "wildcards"),
            ("2400::1", "brackets"),
            ("idp.example:0", "port"),
            ("idp.example:", "port"),
            ("idp.example:+80", "port"),
            ("idp.example:65536", "port"),
            ("idp .example", "neither"),
            (".", "neither"),
            ("..", "neither"),
            (".example", "neither"),
            ("[::1", "neither"),
            ("1.2.3.4.5", "neither"),
        ] {
            let error = text.parse::<AllowedHost>().unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_endpoint_gives_its_host_and_port_and_no_secret() {
        assert_eq!(
            AllowedHost::of_url("http://LOCALHOST:8080/x")
                .unwrap()
                .to_string(),
            "localhost:8080"
        );
        assert_eq!(
            AllowedHost::of_url("https://u:p@idp.example:443/x")
                .unwrap()
                .to_string(),
            "idp.example"
        );
        assert!(
            AllowedHost::of_url("http://127.0.0.1:1")
                .unwrap()
                .is_loopback()
        );
        assert!(AllowedHost::of_url("http://[::1]:1").unwrap().is_loopback());
        let error = AllowedHost::of_url("nonsense s3cret").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}
