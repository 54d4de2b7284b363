//! The HTTP transport: TLS with the system's roots and the operator's own, through the configured proxy only.

use std::time::Duration;

use url::Url;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; gateways close theirs after a minute or more.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);

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
    let proxy = proxy.map(checked_proxy).transpose()?;
    let certificates = extra_ca_pem.map(checked_certificates).transpose()?;
    let builder = || {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT);
        match &proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    };
    let client = match certificates {
        Some(certificates) => builder().tls_certs_merge(certificates).build(),
        None => builder().build().or_else(|error| {
            // A bare container has no roots at all. It can still speak to loopback, and everything else will be
            // refused as untrusted, with a message that says so.
            let reason = error_chain(&error);
            tracing::warn!(
                reason,
                "no CA certificates are installed, so no https server is trusted"
            );
            builder().tls_certs_only([]).build()
        }),
    };
    client.map_err(|error| HttpClientError::Tls {
        reason: error_chain(&error),
    })
}

fn checked_proxy(proxy: &Url) -> Result<reqwest::Proxy, HttpClientError> {
    if !matches!(proxy.scheme(), "http" | "https") {
        return Err(HttpClientError::ProxyScheme {
            scheme: proxy.scheme().to_owned(),
        });
    }
    let loopback = reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1");
    let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|_| HttpClientError::Proxy)?;
    Ok(proxy.no_proxy(loopback))
}

fn checked_certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, HttpClientError> {
    match reqwest::Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(HttpClientError::ExtraCa),
    }
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

    /// A root made for this test; its key is gone.
    const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBizCCATGgAwIBAgIUNYeA1FOtALf3TfYNfXCOgt8rwmwwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPY2Ftc3luYyB0ZXN0IENBMCAXDTI2MTEyNDE1NDc1MFoYDzIx
MjYxMDMxMTU0NzUwWjAaMRgwFgYDVQQDDA9jYW1zeW5jIHRlc3QgQ0EwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQHYHZz3yyB3VDVCLaxXh15cGtwglQXKa592EUk
uizLFzx4tXZhcWs2ICpA+7gd/P61KKfJOQF4FkWc8zkb3NP0o1MwUTAdBgNVHQ4E
FgQUBL8MwMeMAccM/zPWDCL7ZGCmxsgwHwYDVR0jBBgwFoAUBL8MwMeMAccM/zPW
DCL7ZGCmxsgwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA2Oju
dXvG2+G8peaLkoeJ1BeXLmHjhKj9IFgOcNOhLokCIDMe9xkDsANuRJV4/DIUWsan
TebpwsO0NwHbQpiRi0TX
-----END CERTIFICATE-----
";

    #[test]
    fn proxies_and_certificates_are_checked() {
        let url = |text| Url::parse(text).unwrap();
        assert!(http_client(Some(&url("http://proxy.example:3128")), None).is_ok());
        let socks = http_client(Some(&url("socks5://user:hunter2@proxy.example")), None);
        let socks = socks.unwrap_err();
        assert!(matches!(&socks, HttpClientError::ProxyScheme { scheme } if scheme == "socks5"));
        assert!(!format!("{socks:?} {socks}").contains("hunter2"));
        for bad in ["", "no pem", &ROOT[..300]] {
            let refused = http_client(None, Some(bad.as_bytes())).unwrap_err();
            assert_eq!(refused, HttpClientError::ExtraCa, "{bad}");
        }
        assert!(http_client(None, Some(format!("{ROOT}{ROOT}").as_bytes())).is_ok());
    }

    /// The roots come from the environment, so this test runs itself once more in one that has none.
    #[test]
    fn a_machine_without_roots_still_gets_a_transport() {
        const MARK: &str = "CAMSYNC_TEST_WITHOUT_ROOTS";
        if std::env::var_os(MARK).is_some() {
            assert!(http_client(None, None).is_ok());
            assert!(http_client(None, Some(ROOT.as_bytes())).is_ok());
            return;
        }
        let name = "http::tests::a_machine_without_roots_still_gets_a_transport";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(MARK, "1")
            .env("SSL_CERT_FILE", "/nonexistent/roots.pem")
            .env("SSL_CERT_DIR", "/nonexistent")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
