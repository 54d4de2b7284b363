//! What a client is made from.

use std::{sync::Arc, time::Duration};

use url::{Host, Url};

use crate::{
    clock::{Clock, SystemClock},
    credentials::CredentialSource,
    pacing::RATE_MIN,
    watch::Watch,
};

/// The language of CAM's messages (`X-TC-Language`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// `zh-CN`
    Chinese,
    /// `en-US`
    #[default]
    English,
}

impl Language {
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en-US",
        }
    }
}

/// Everything that a client needs; [`ClientOptions::new`] fills in the defaults.
#[derive(Clone)]
pub struct ClientOptions {
    /// The service, such as `https://cam.tencentcloudapi.com`; http is accepted for loopback only.
    pub endpoint: Url,
    /// The transport. It must not follow redirects: make it with [`crate::http_client`].
    pub http: reqwest::Client,
    /// The key, asked for before every attempt.
    pub credentials: Arc<dyn CredentialSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is told what calls came to. Default: nobody.
    pub watch: Arc<dyn Watch>,
    /// The language of messages. Default: English.
    pub language: Language,
    /// Calls per second of each usual action; slower actions scale with it. Default: 16.
    pub requests_per_second: f64,
    /// How long one attempt may take, from sending to the last byte. Default: 60 s, as the vendor's own clients.
    pub timeout: Duration,
    /// How often a read is tried in all. Writes are tried once. Default: 3.
    pub read_attempts: u32,
    /// The wait before the second try of a read; it doubles from then on, to at most ten seconds. Default: 500 ms.
    pub read_backoff: Duration,
    /// The largest answer accepted, in bytes. Default: 64 MiB.
    pub response_bytes_max: usize,
}

impl ClientOptions {
    /// Options with every default.
    #[must_use]
    pub fn new(
        endpoint: Url,
        http: reqwest::Client,
        credentials: Arc<dyn CredentialSource>,
    ) -> Self {
        Self {
            endpoint,
            http,
            credentials,
            clock: Arc::new(SystemClock::new()),
            watch: Arc::new(()),
            language: Language::default(),
            requests_per_second: 16.0,
            timeout: Duration::from_secs(60),
            read_attempts: 3,
            read_backoff: Duration::from_millis(500),
            response_bytes_max: 64 * 1024 * 1024,
        }
    }

    /// Checks the options and returns the host as it is signed: with the port, unless it is the scheme's own.
    pub(crate) fn checked_host(&self) -> Result<String, OptionsError> {
        let rate = self.requests_per_second;
        if !(rate.is_finite() && rate >= RATE_MIN) {
            return Err(OptionsError::Rate {
                requests_per_second: rate,
            });
        }
        let endpoint = &self.endpoint;
        let host = endpoint.host().ok_or(OptionsError::NoHost)?;
        match endpoint.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            scheme => {
                return Err(OptionsError::NotEncrypted {
                    scheme: scheme.to_owned(),
                });
            }
        }
        let bare = endpoint.path() == "/"
            && endpoint.query().is_none()
            && endpoint.fragment().is_none()
            && endpoint.username().is_empty()
            && endpoint.password().is_none();
        if !bare {
            return Err(OptionsError::NotBare);
        }
        Ok(match endpoint.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        })
    }
}

impl std::fmt::Debug for ClientOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientOptions")
            .field("host", &self.endpoint.host_str())
            .field("requests_per_second", &self.requests_per_second)
            .finish_non_exhaustive()
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Options that no client can be made from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// The endpoint names no host.
    #[error("the CAM endpoint names no host")]
    NoHost,
    /// Sub-users' data would travel unencrypted.
    #[error(
        "the CAM endpoint must begin with https:// (http:// is accepted for loopback only), not {scheme}://"
    )]
    NotEncrypted {
        /// The scheme that was given.
        scheme: String,
    },
    /// The API has one path, and its key goes elsewhere than into the address.
    #[error("the CAM endpoint must be a bare host, without path, query or user")]
    NotBare,
    /// No rate, or one so low that nothing would ever be done.
    #[error("requests_per_second must be at least {RATE_MIN}, not {requests_per_second}")]
    Rate {
        /// The rate that was given.
        requests_per_second: f64,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::credentials::{Credentials, StaticCredentials};

    fn host(endpoint: &str) -> Result<String, OptionsError> {
        options(endpoint).checked_host()
    }

    fn options(endpoint: &str) -> ClientOptions {
        let credentials = Arc::new(StaticCredentials(Credentials::new("id", "key")));
        let http = crate::http_client(None, None).unwrap();
        ClientOptions::new(Url::parse(endpoint).unwrap(), http, credentials)
    }

    #[test]
    fn the_signed_host_carries_the_port_unless_it_is_the_default() {
        assert_eq!(
            host("https://cam.tencentcloudapi.com").unwrap(),
            "cam.tencentcloudapi.com"
        );
        assert_eq!(
            host("https://CAM.tencentcloudapi.com:443/").unwrap(),
            "cam.tencentcloudapi.com"
        );
        assert_eq!(
            host("https://cam.example:8443").unwrap(),
            "cam.example:8443"
        );
        assert_eq!(host("http://127.0.0.1:8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(host("http://[::1]:8080").unwrap(), "[::1]:8080");
        assert_eq!(host("http://localhost").unwrap(), "localhost");
    }

    #[test]
    fn what_would_leak_or_mislead_is_refused() {
        let plain = OptionsError::NotEncrypted {
            scheme: "http".to_owned(),
        };
        assert_eq!(host("http://cam.tencentcloudapi.com"), Err(plain.clone()));
        assert_eq!(host("http://localhost.example.com"), Err(plain));
        for bad in [
            "https://a/v1",
            "https://a/?x",
            "https://u:p@a/",
            "https://a/#f",
        ] {
            assert_eq!(host(bad), Err(OptionsError::NotBare), "{bad}");
        }
        assert_eq!(host("unix:/run/cam"), Err(OptionsError::NoHost));
        for rate in [0.0, 1e-300, -1.0, f64::NAN, f64::INFINITY] {
            let mut options = options("https://a");
            options.requests_per_second = rate;
            assert!(
                matches!(options.checked_host(), Err(OptionsError::Rate { .. })),
                "{rate}"
            );
        }
    }

    #[test]
    fn the_lowest_rate_and_each_loopback_address_are_accepted() {
        let mut slow = options("https://a");
        slow.requests_per_second = RATE_MIN;
        assert_eq!(slow.checked_host().unwrap(), "a");
        assert_eq!(host("http://127.9.9.9").unwrap(), "127.9.9.9");
        for plain in ["http://10.0.0.1", "http://[::2]", "ftp://localhost"] {
            let refused = host(plain);
            assert!(
                matches!(refused, Err(OptionsError::NotEncrypted { .. })),
                "{plain}"
            );
        }
        assert_eq!(host("https://u@a/"), Err(OptionsError::NotBare));
        assert_eq!(host("https://:p@a/"), Err(OptionsError::NotBare));
    }
}
