//! Allowances: how often somebody may do something in a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// So many are remembered; one more, and the one whose window ends first is forgotten.
const MOST: usize = 8192;

/// Counts by key in windows, in bounded memory.
#[derive(Debug)]
pub(super) struct Allowance<K> {
    each: u32,
    window: Duration,
    of: HashMap<K, (Instant, u32)>,
}

impl<K: Hash + Eq + Clone> Allowance<K> {
    /// So many each in a window.
    pub(super) fn new(each: u32, window: Duration) -> Self {
        Self {
            each,
            window,
            of: HashMap::new(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// When none is left: how long until there is.
    pub(super) fn spend(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        if !self.of.contains_key(&key) && self.of.len() >= MOST {
            self.forget(now);
        }
        let (since, count) = self.of.entry(key).or_insert((now, 0));
        if *since + self.window <= now {
            (*since, *count) = (now, 0);
        }
        if *count >= self.each {
            return Err((*since + self.window).saturating_duration_since(now));
        }
        *count += 1;
        Ok(())
    }

    fn forget(&mut self, now: Instant) {
        let window = self.window;
        self.of.retain(|_, (since, _)| *since + window > now);
        if self.of.len() >= MOST
            && let Some(oldest) = self.of.iter().min_by_key(|(_, (since, _))| *since)
        {
            let oldest = oldest.0.clone();
            self.of.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_spent_comes_back_with_the_next_window() {
        let (mut allowance, start) = (Allowance::new(2, MINUTE), Instant::now());
        let later = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(allowance.spend("a", start), Ok(()));
        assert_eq!(allowance.spend("a", later(10)), Ok(()));
        assert_eq!(
            allowance.spend("a", later(20)),
            Err(Duration::from_secs(40))
        );
        assert_eq!(allowance.spend("b", later(20)), Ok(()));
        assert_eq!(allowance.spend("a", later(60)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut allowance, now) = (Allowance::new(1, MINUTE), Instant::now());
        for n in 0..10_000u64 {
            let _ = allowance.spend(n, now + Duration::from_micros(n));
        }
        assert_eq!(allowance.of.len(), MOST);
        assert!(allowance.of.contains_key(&9_999));
    }
}
