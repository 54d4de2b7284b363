//! The HTTP transport: TLS with the system's roots and the operator's own, through the configured proxy only.

use std::time::Duration;

use url::Url;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the transport for [`crate::ClientOptions`].
///
/// `proxy` is the `[network]` proxy (http or https; loopback is always reached directly), `extra_ca_pem` one or more
/// certificates in PEM that are trusted in addition to the system's. Redirects are not followed, cookies not kept,
/// and the environment's proxy variables are not looked at.
pub fn http_client(
    proxy: Option<&Url>,
    extra_ca_pem: Option<&[u8]>,
) -> Result<reqwest::Client, HttpClientError> {
    // Only one provider is linked; when somebody has installed it already there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(60));
    if let Some(proxy) = proxy {
        if !matches!(proxy.scheme(), "http" | "https") {
            return Err(HttpClientError::ProxyScheme {
                scheme: proxy.scheme().to_owned(),
            });
        }
        let loopback = reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1");
        let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|_| HttpClientError::Proxy)?;
        builder = builder.proxy(proxy.no_proxy(loopback));
    }
    if let Some(pem) = extra_ca_pem {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|_| HttpClientError::ExtraCa)?;
        if certificates.is_empty() {
            return Err(HttpClientError::ExtraCa);
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| HttpClientError::Tls {
        reason: error_chain(&error),
    })
}

/// An error and its causes in one line: the outermost alone rarely says what happened.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Why there is no transport. No variant holds the proxy's address, which may carry a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpClientError {
    /// Another kind of proxy.
    #[error("the proxy must begin with http:// or https://, not {scheme}://")]
    ProxyScheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// The proxy's address cannot be used.
    #[error("the proxy's address cannot be used")]
    Proxy,
    /// The extra certificates cannot be used.
    #[error("the extra CA file holds no certificate in PEM")]
    ExtraCa,
    /// TLS could not be set up.
    #[error("TLS cannot be set up; are CA certificates installed? ({reason})")]
    Tls {
        /// What the TLS library said.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn proxies_and_certificates_are_checked() {
        let url = |text| Url::parse(text).unwrap();
        assert!(http_client(Some(&url("http://proxy.example:3128")), None).is_ok());
        let socks =
            http_client(Some(&url("socks5://user:hunter2@proxy.example")), None).unwrap_err();
        assert!(matches!(&socks, HttpClientError::ProxyScheme { scheme } if scheme == "socks5"));
        assert!(!format!("{socks:?} {socks}").contains("hunter2"));
        assert_eq!(
            http_client(None, Some(b"no pem")).unwrap_err(),
            HttpClientError::ExtraCa
        );
    }
}
