//! Which URLs a source's connector may ask for. Pure: what DNS says about a name is checked in `client`.

use std::collections::BTreeSet;

use url::Url;

use super::HttpFailure;
use crate::{
    address,
    allowed::{self, AllowedHost},
};

/// The hosts of a source; everything else is denied.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    allowed: Vec<AllowedHost>,
    operator: Vec<AllowedHost>,
}

impl Policy {
    /// `allowed` are the source's hosts, `operator` those that the operator's own settings name as endpoints: they
    /// are allowed as well, and may be at private addresses.
    pub(crate) fn new(allowed: Vec<AllowedHost>, operator: Vec<AllowedHost>) -> Self {
        Self { allowed, operator }
    }

    /// The names that may resolve to private addresses.
    pub(crate) fn private_names(&self) -> BTreeSet<String> {
        self.operator.iter().map(AllowedHost::host).collect()
    }

    /// Whether a URL may be asked for, as far as can be seen without resolving its name.
    ///
    /// # Errors
    /// `Denied` or `Invalid`, naming the host and what would allow it.
    pub(crate) fn permit(&self, url: &Url) -> Result<(), HttpFailure> {
        let host = allowed::host_of(url)
            .ok_or_else(|| HttpFailure::Invalid("the URL names no host".to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpFailure::Invalid(
                "the URL holds a user or a password; use a header".to_owned(),
            ));
        }
        let name = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let by_operator = self.operator.iter().any(|endpoint| endpoint.matches(url));
        if !by_operator && !self.allowed.iter().any(|allowed| allowed.matches(url)) {
            return Err(HttpFailure::Denied(format!(
                "{name} is not among this source's hosts (allow_hosts)"
            )));
        }
        match url.scheme() {
            "https" => {}
            "http" if by_operator && allowed::is_loopback(&host) => {}
            _ => {
                return Err(HttpFailure::Denied(format!(
                    "{name} may be asked over https only; http is for a loopback address that a setting names"
                )));
            }
        }
        match allowed::address_of(&host).and_then(address::forbidden) {
            Some(why) if !by_operator => Err(denied_address(&name, why)),
            _ => Ok(()),
        }
    }
}

/// The refusal of an address, whether it was written out or came from DNS.
pub(crate) fn denied_address(host: &str, why: &str) -> HttpFailure {
    HttpFailure::Denied(format!(
        "{host} is {why}, and only a setting for the endpoint may name such a one"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(allowed: &[&str], operator: &[&str]) -> Policy {
        let parse = |hosts: &[&str]| hosts.iter().map(|host| host.parse().unwrap()).collect();
        Policy::new(parse(allowed), parse(operator))
    }

    fn permit(policy: &Policy, url: &str) -> Result<(), HttpFailure> {
        policy.permit(&Url::parse(url).unwrap())
    }

    #[test]
    fn only_https_to_allowed_hosts() {
        let policy = policy(&["idp.example"], &[]);
        assert!(permit(&policy, "https://idp.example/x?token=s3cret").is_ok());
        for url in [
            "https://evil.example/?token=s3cret",
            "http://idp.example/",
            "https://idp.example:8443/",
        ] {
            let failure = permit(&policy, url).unwrap_err();
            assert!(
                matches!(&failure, HttpFailure::Denied(text) if !text.contains("s3cret")),
                "{failure:?}"
            );
        }
        assert!(matches!(
            permit(&policy, "https://u:p@idp.example/"),
            Err(HttpFailure::Invalid(_))
        ));
        assert!(matches!(
            permit(&policy, "ftp://idp.example/"),
            Err(HttpFailure::Denied(_))
        ));
        assert!(matches!(
            permit(&policy, "data:text/plain,x"),
            Err(HttpFailure::Invalid(_))
        ));
    }

    #[test]
    fn addresses_written_out_are_checked_like_those_from_dns() {
        let listed = policy(
            &[
                "169.254.169.254",
                "127.0.0.1",
                "[::1]",
                "[::ffff:7f00:1]",
                "8.8.8.8",
            ],
            &[],
        );
        assert!(permit(&listed, "https://8.8.8.8/").is_ok());
        for url in [
            "https://169.254.169.254/latest",
            "https://2852039166/",
            "https://127.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            assert!(
                matches!(permit(&listed, url), Err(HttpFailure::Denied(_))),
                "{url}"
            );
        }
    }

    #[test]
    fn the_operators_own_endpoint_may_be_private_and_loopback_may_be_plain() {
        let policy = policy(&[], &["127.0.0.1:8080", "10.0.0.5", "localhost:81"]);
        assert!(permit(&policy, "http://127.0.0.1:8080/").is_ok());
        assert!(permit(&policy, "http://localhost:81/").is_ok());
        assert!(permit(&policy, "https://10.0.0.5/").is_ok());
        assert!(permit(&policy, "http://10.0.0.5/").is_err());
        assert!(permit(&policy, "http://127.0.0.1:8081/").is_err());
    }
}
