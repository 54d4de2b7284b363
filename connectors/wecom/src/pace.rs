//! How fast one interface is asked: WeCom allows an enterprise 10,000 calls of each in a minute, and refuses the rest of the
//! minute to whoever asks more (`wecom-api.md` 6.1). A crawl of more departments than that would never come to its end.

use std::cell::RefCell;
use std::collections::BTreeMap;

use camsync_connector_sdk::Host;

/// Calls at once, as fast as they are answered: more than nearly every enterprise has departments.
const BURST: f64 = 3_000.0;
/// The time that a call takes up after these, in milliseconds. With the burst it comes to 9,000 in any minute, which leaves
/// something to look-ups and to others.
const EACH_MS: f64 = 10.0;

/// What has been asked of each interface: the moment at which everything asked so far is worked off.
#[derive(Debug, Default)]
pub(crate) struct Pace(RefCell<BTreeMap<&'static str, f64>>);

impl Pace {
    /// Waits until one more call may be made.
    pub(crate) fn wait(&self, host: &dyn Host, path: &'static str) {
        let now = host.now_ms();
        let mut asked = self.0.borrow_mut();
        let worked_off = asked.entry(path).or_insert(now);
        *worked_off = worked_off.max(now) + EACH_MS;
        let early = *worked_off - now - BURST * EACH_MS;
        if early > 0.0 {
            // A clock that was put back does not make a crawl wait for an hour.
            let pause = early.min(2.0 * EACH_MS).ceil();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a few milliseconds"
            )]
            host.sleep_ms(pause as u32);
        }
    }
}
