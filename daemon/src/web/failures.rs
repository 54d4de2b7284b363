//! Failed sign-ins: who keeps guessing has to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many wrong tokens in a window, and no more are looked at.
const FREE: u32 = 10;
/// The window.
const WINDOW: Duration = Duration::from_secs(60);
/// So many clients are remembered; one more, and the one whose window ends first is forgotten.
const MOST: usize = 4096;

/// Failed sign-ins by client, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Failures {
    of: HashMap<IpAddr, (Instant, u32)>,
}

impl Failures {
    /// How long a client has to wait, if it has to.
    pub(super) fn wait(&self, client: IpAddr, now: Instant) -> Option<Duration> {
        let (since, count) = self.of.get(&network(client))?;
        let left = (*since + WINDOW).checked_duration_since(now)?;
        (*count >= FREE && !left.is_zero()).then_some(left)
    }

    /// Notes a failure. Says whether the client has to wait from now on.
    pub(super) fn note(&mut self, client: IpAddr, now: Instant) -> bool {
        let client = network(client);
        if !self.of.contains_key(&client) && self.of.len() >= MOST {
            self.of.retain(|_, (since, _)| *since + WINDOW > now);
            let oldest = self.of.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(client, _)| *client)
                && self.of.len() >= MOST
            {
                self.of.remove(&oldest);
            }
        }
        let (since, count) = self.of.entry(client).or_insert((now, 0));
        if *since + WINDOW <= now {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count == FREE
    }
}

/// Whoever has one address of version 6 has the 2^64 of its network.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn client(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn who_keeps_guessing_waits_for_the_rest_of_the_window_and_nobody_else_does() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        for n in 1..FREE {
            assert!(!failures.note(client(1), start), "{n}");
            assert_eq!(failures.wait(client(1), start), None);
        }
        assert!(failures.note(client(1), start));
        let later = start + Duration::from_secs(20);
        assert_eq!(
            failures.wait(client(1), later),
            Some(Duration::from_secs(40))
        );
        assert_eq!(failures.wait(client(2), later), None);
        assert_eq!(failures.wait(client(1), start + WINDOW), None);
        assert!(
            !failures.note(client(1), start + WINDOW),
            "the count begins anew"
        );
    }

    #[test]
    fn addresses_of_one_network_of_version_6_are_one_client() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for n in 0..FREE {
            failures.note(format!("2001:db8::{n}").parse().unwrap(), now);
        }
        assert!(
            failures
                .wait("2001:db8::ffff".parse().unwrap(), now)
                .is_some()
        );
        assert!(
            failures
                .wait("2001:db8:0:1::1".parse().unwrap(), now)
                .is_none()
        );
    }

    #[test]
    fn memory_is_bounded() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for n in 0..5_000 {
            failures.note(client(n), now + Duration::from_micros(n.into()));
        }
        assert_eq!(failures.of.len(), MOST);
        assert!(failures.of.contains_key(&client(4_999)));
    }
}
