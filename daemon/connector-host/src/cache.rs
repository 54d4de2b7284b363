//! A source's own small store in memory: for access tokens. It outlives a call, and is never written to disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::clock::Clock;

/// All keys and values together, in bytes.
const CAPACITY: usize = 64 * 1024;

/// Keys and values with a time to live.
pub(crate) struct Cache {
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    value: Zeroizing<String>,
    expires: DateTime<Utc>,
}

impl Cache {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
        }
    }

    /// What was kept under this key, unless it has expired.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let now = self.clock.now();
        let entries = self.lock();
        let entry = entries.get(key).filter(|entry| entry.expires > now)?;
        Some(entry.value.to_string())
    }

    /// Keeps a value for so many seconds; what does not fit beside the rest is not kept, nor is what it replaces.
    pub(crate) fn set(&self, key: &str, value: &str, ttl_seconds: u32) {
        let now = self.clock.now();
        let mut entries = self.lock();
        entries.remove(key);
        entries.retain(|_, entry| entry.expires > now);
        let held: usize = entries
            .iter()
            .map(|(key, entry)| size(key, &entry.value))
            .sum();
        let expires = now.checked_add_signed(TimeDelta::seconds(i64::from(ttl_seconds)));
        if let Some(expires) = expires
            && held.saturating_add(size(key, value)) <= CAPACITY
        {
            entries.insert(
                key.to_owned(),
                Entry {
                    value: Zeroizing::new(value.to_owned()),
                    expires,
                },
            );
        }
    }

    /// Forgets a value.
    pub(crate) fn delete(&self, key: &str) {
        self.lock().remove(key);
    }

    /// Shows every value, expired or not: all of them are to be kept out of logs.
    pub(crate) fn each_value(&self, mut show: impl FnMut(&str)) {
        for entry in self.lock().values() {
            show(&entry.value);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // No code that holds the lock can panic half way through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an entry counts for: its texts, and something for its upkeep, so that empty ones are not free.
fn size(key: &str, value: &str) -> usize {
    key.len() + value.len() + 64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.0.load(Ordering::Relaxed), 0).unwrap()
        }
    }

    #[test]
    fn a_value_lives_as_long_as_the_clock_says() {
        let clock = Arc::new(Hand::default());
        let cache = Cache::new(Arc::clone(&clock) as Arc<dyn Clock>);
        cache.set("token", "t", 10);
        clock.0.store(9, Ordering::Relaxed);
        assert_eq!(cache.get("token").as_deref(), Some("t"));
        clock.0.store(10, Ordering::Relaxed);
        assert_eq!(cache.get("token"), None);
        cache.set("token", "u", 10);
        cache.delete("token");
        assert_eq!(cache.get("token"), None);
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_expired_entries_make_room() {
        let clock = Arc::new(Hand::default());
        let cache = Cache::new(Arc::clone(&clock) as Arc<dyn Clock>);
        cache.set("big", &"x".repeat(CAPACITY), 10);
        assert_eq!(cache.get("big"), None);
        cache.set("half", &"x".repeat(CAPACITY / 2), 10);
        cache.set("other", &"x".repeat(CAPACITY / 2), 10);
        assert_eq!(cache.get("other"), None);
        clock.0.store(10, Ordering::Relaxed);
        cache.set("other", &"x".repeat(CAPACITY / 2), 10);
        assert!(cache.get("other").is_some());
        for n in 0..10_000 {
            cache.set(&n.to_string(), "", 10);
        }
        assert!(cache.lock().len() < CAPACITY / 64);
    }
}
