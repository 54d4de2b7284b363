//! Sessions: who is signed in. Kept in memory under a digest, so that nothing that is written down signs anybody in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

/// A session ends after this, whatever happens in it.
pub(super) const LONGEST: Duration = Duration::from_secs(8 * 3600);
/// So many at once; one more, and the oldest ends.
const MOST: usize = 10_000;

/// What a token is kept as.
pub(super) type Digest = [u8; 32];

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The source.
    pub(super) source: String,
    /// The member's id, folded.
    pub(super) key: String,
    /// What every request that changes something must name.
    pub(super) csrf: String,
    since: Instant,
}

/// Everybody who is signed in.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Digest, Session>>);

impl Sessions {
    /// Begins a session; its token.
    pub(super) fn open(&self, source: &str, key: &str, now: Instant) -> String {
        let token = random_text(43);
        let session = Session {
            source: source.to_owned(),
            key: key.to_owned(),
            csrf: random_text(43),
            since: now,
        };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            open.retain(|_, s| s.since + LONGEST > now);
            if open.len() >= MOST
                && let Some(oldest) = open.iter().min_by_key(|(_, s)| s.since)
            {
                let oldest = *oldest.0;
                open.remove(&oldest);
            }
        }
        open.insert(digest(&token), session);
        token
    }

    /// The session of a token.
    pub(super) fn find(&self, token: &str, now: Instant) -> Option<Session> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = digest(token);
        let session = open.get(&digest)?;
        if session.since + LONGEST <= now {
            open.remove(&digest);
            return None;
        }
        Some(session.clone())
    }

    /// Ends the session of a token.
    pub(super) fn close(&self, token: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&digest(token));
    }
}

pub(super) fn digest(token: &str) -> Digest {
    Sha256::digest(token).into()
}

/// Letters and digits that nobody guesses: 43 of them are 256 bits.
pub(super) fn random_text(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_itself_or_when_it_is_closed() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let token = sessions.open("acme", "m1", start);
        assert!(token.len() <= 128 && token.bytes().all(|b| b.is_ascii_alphanumeric()));
        let other = sessions.open("acme", "m1", start);
        assert_ne!(token, other);
        let found = sessions.find(&token, start).unwrap();
        assert_ne!(found.csrf, sessions.find(&other, start).unwrap().csrf);
        sessions.close(&token);
        assert!(sessions.find(&token, start).is_none());
        assert!(sessions.find(&other, start + LONGEST).is_none());
        assert!(
            sessions.find(&other, start).is_none(),
            "what has ended is gone"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let first = sessions.open("acme", "m0", start);
        for n in 1..=MOST as u64 {
            sessions.open("acme", "m", start + Duration::from_micros(n));
        }
        assert!(sessions.find(&first, start).is_none());
        assert_eq!(sessions.0.lock().unwrap().len(), MOST);
    }
}
