//! Which request headers a connector may set, and which of them follow a redirect to another host.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::HttpFailure;

/// Headers that say how the message travels: the host's own to set (RFC 9110 7.6.1, 10.1.1; RFC 9112 6.1).
const FORBIDDEN: &[HeaderName] = &[
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::USER_AGENT,
];
/// Headers that say nothing about who asks: all that another host gets to see after a redirect.
const IMPERSONAL: &[HeaderName] = &[
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::RANGE,
];
/// How many headers a request may have.
const MAX: usize = 64;

/// Parses a connector's headers.
///
/// # Errors
/// `Invalid`, naming the header; never its value.
pub(crate) fn parse(pairs: &[(String, String)]) -> Result<HeaderMap, HttpFailure> {
    if pairs.len() > MAX {
        return Err(HttpFailure::Invalid(format!("more than {MAX} headers")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpFailure::Invalid("a header's name is malformed".to_owned()))?;
        let text = parsed.as_str();
        if FORBIDDEN.contains(&parsed) || text.starts_with("proxy-") || text == "keep-alive" {
            return Err(HttpFailure::Invalid(format!(
                "the header {parsed} is the host's own to set"
            )));
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            HttpFailure::Invalid(format!("the value of the header {parsed} is malformed"))
        })?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// Takes away whatever another host must not see.
pub(crate) fn depersonalise(headers: &mut HeaderMap) {
    let kept: Vec<_> = IMPERSONAL
        .iter()
        .filter_map(|name| Some((name, headers.get(name)?.clone())))
        .collect();
    headers.clear();
    for (name, value) in kept {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn headers_of_the_connection_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Connection",
            "Keep-Alive",
            "Proxy-Authorization",
            "Transfer-Encoding",
        ] {
            assert!(
                matches!(parse(&pairs(&[(name, "x")])), Err(HttpFailure::Invalid(_))),
                "{name}"
            );
        }
        assert!(parse(&pairs(&[("a b", "x")])).is_err());
        let failure = parse(&pairs(&[("x-key", "s3cret\r\nHost: evil")])).unwrap_err();
        assert!(matches!(failure, HttpFailure::Invalid(text) if !text.contains("s3cret")));
    }

    #[test]
    fn another_host_sees_no_credentials() {
        let mut headers = parse(&pairs(&[
            ("Authorization", "x"),
            ("Cookie", "y"),
            ("X-Api-Key", "z"),
            ("Accept", "a/b"),
        ]))
        .unwrap();
        depersonalise(&mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers.get("accept").unwrap(), "a/b");
    }
}
