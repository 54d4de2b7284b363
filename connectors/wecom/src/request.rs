//! The form of a request to WeCom, and how it is tried again.

use camsync_connector_sdk::types::Request;

use crate::settings::Settings;

/// Tries of a request that met a passing fault.
pub(crate) const TRIES_MAX: u32 = 3;

/// WeCom answers in well under a second; a large department may take some.
const TIMEOUT_MS: u32 = 30_000;

/// The pause after so many tries: 1 s, 2 s, 4 s.
pub(crate) fn pause_ms(tries: u32) -> u32 {
    1000 << tries.saturating_sub(1).min(4)
}

/// A request of one of WeCom's interfaces, a POST where there is a body; the values are percent-encoded here.
pub(crate) fn request<'q>(
    settings: &Settings,
    path: &str,
    query: impl IntoIterator<Item = (&'static str, &'q str)>,
    body: Option<&[u8]>,
) -> Request {
    let mut url = format!("{}/cgi-bin/{path}", settings.api_base);
    for (position, (name, value)) in query.into_iter().enumerate() {
        url.push(if position == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        encode(value, &mut url);
    }
    Request {
        timeout_ms: Some(TIMEOUT_MS),
        ..match body {
            Some(json) => Request::post_json(url, json),
            None => Request::get(url),
        }
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn encode(value: &str, to: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(HEX[usize::from(byte >> 4)]));
            to.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
