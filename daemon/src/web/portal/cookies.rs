//! Cookies: what a browser sent, and what it is to keep.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::ops::Context;

/// One of the portal's cookies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser began a sign-in.
    SignIn,
}

impl Cookie {
    /// Behind https the name says that no other host and no unencrypted page may have set it.
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-camsync-portal",
            (Self::Session, false) => "camsync-portal",
            (Self::SignIn, true) => "__Host-camsync-sign-in",
            (Self::SignIn, false) => "camsync-sign-in",
        }
    }

    /// What the browser sent.
    pub(super) fn read<'h>(self, context: &Context, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(is_secure(context));
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Keeps a value of letters, digits, `.`, `-` and `_` for so many seconds; with 0 it is forgotten. Lax, for the
    /// provider sends the browser back from another site.
    pub(super) fn keep(self, context: &Context, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = is_secure(context);
        let (path, only) = if secure {
            ("/".to_owned(), "; Secure")
        } else {
            (format!("{}/portal", super::base(context)), "")
        };
        let text = format!(
            "{}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{only}",
            self.name(secure)
        );
        HeaderValue::from_str(&text).ok()
    }
}

fn is_secure(context: &Context) -> bool {
    context.config().config.daemon.public_url.scheme() == "https"
}
