//! Takes a source's secrets out of any text that leaves a connector: log lines, failures, findings.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::cache::Cache;

/// What stands where a secret stood.
const MASK: &str = "***";
/// A cached value shorter than this is no token, and masking it would only garble.
const TOKEN_MIN: usize = 8;

/// Knows a source's secrets, and every token that its connector put into the cache.
pub(crate) struct Redactor {
    /// Longest first, so that a secret that holds another is masked whole.
    secrets: Vec<Zeroizing<String>>,
    cache: Arc<Cache>,
}

impl Redactor {
    /// Empty secrets are left out: they would match everywhere.
    pub(crate) fn new(secrets: Vec<Zeroizing<String>>, cache: Arc<Cache>) -> Self {
        let mut all = Vec::new();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            all.extend(spellings(&secret));
            all.push(secret);
        }
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.dedup();
        Self {
            secrets: all,
            cache,
        }
    }

    /// The text without secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), MASK);
            }
        }
        self.cache.each_value(|value| {
            if value.len() >= TOKEN_MIN && clean.contains(value) {
                clean = clean.replace(value, MASK);
            }
        });
        clean
    }
}

/// The other ways in which a text shows up in URLs and JSON, where they differ from the text itself.
fn spellings(secret: &str) -> Vec<Zeroizing<String>> {
    let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let lower = lower_escapes(&query);
    let spaces = query.replace('+', "%20");
    [query, lower, spaces, json]
        .into_iter()
        .filter(|spelling| spelling != secret)
        .map(Zeroizing::new)
        .collect()
}

/// `%2F` as `%2f`: both are written.
fn lower_escapes(query: &str) -> String {
    let mut lower = String::with_capacity(query.len());
    let mut escaped = 0;
    for c in query.chars() {
        lower.push(if escaped > 0 {
            c.to_ascii_lowercase()
        } else {
            c
        });
        escaped = if c == '%' {
            2
        } else {
            escaped - i32::from(escaped > 0)
        };
    }
    lower
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;

    fn redactor(secrets: &[&str]) -> (Redactor, Arc<Cache>) {
        let cache = Arc::new(Cache::new(Arc::new(SystemClock)));
        let secrets = secrets
            .iter()
            .map(|secret| Zeroizing::new((*secret).to_owned()))
            .collect();
        (Redactor::new(secrets, Arc::clone(&cache)), cache)
    }

    #[test]
    fn secrets_go_in_every_spelling() {
        let (redactor, _) = redactor(&["a/b \"c\"+D", "", "plain"]);
        let clean = redactor.clean(
            r#"raw a/b "c"+D json a/b \"c\"+D query a%2Fb+%22c%22%2BD lower a%2fb+%22c%22%2bD path a%2Fb%20%22c%22%2BD plain"#,
        );
        assert_eq!(clean, "raw *** json *** query *** lower *** path *** ***");
    }

    #[test]
    fn a_secret_that_holds_another_goes_whole() {
        let (redactor, _) = redactor(&["key", "key-long"]);
        assert_eq!(redactor.clean("key-long key"), "*** ***");
    }

    #[test]
    fn cached_tokens_are_secrets_too() {
        let (redactor, cache) = redactor(&[]);
        cache.set("token", "abcdefgh-token", 60);
        cache.set("n", "7", 60);
        assert_eq!(redactor.clean("got abcdefgh-token, 7"), "got ***, 7");
    }
}
