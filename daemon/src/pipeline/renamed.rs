//! Ids that changed, by the provider's word. A callback is only a hint: what it says must be seen before it counts.

use crate::ledger::{LedgerError, NotMoved, Word};

use super::engine::Engine;

impl Engine {
    /// Gives sub-users to the ids that their members have now, where the provider said so and look-ups have shown the
    /// old id gone and the new one there.
    ///
    /// # Errors
    /// When the ledger fails.
    pub(super) fn follow_renamed(&self, source: &str) -> Result<(), LedgerError> {
        let now = self.clock().now();
        // What goes for it is fresh, and its member keeps the other: there is nothing for a second person to weigh.
        let word = Word {
            by: "provider",
            at: now,
            needs_second: false,
        };
        for renamed in self.hints().renamed(source, now) {
            let ids = (renamed.old.as_str(), renamed.new.as_str());
            if !self.ledger().is_gone_and_there(source, ids)? {
                continue;
            }
            let moved = self.ledger().move_sub_user(source, ids, word, true)?;
            match &moved {
                Ok(moved) => tracing::info!(
                    source,
                    from = ids.0,
                    to = ids.1,
                    username = moved.username,
                    "a member's id has changed; the sub-user stays"
                ),
                // What is in flight is settled before the next plan.
                Err(NotMoved::Busy) => continue,
                Err(why) => tracing::info!(
                    source,
                    from = ids.0,
                    to = ids.1,
                    ?why,
                    "a member's id is said to have changed, and no sub-user follows"
                ),
            }
            self.hints().settle_renamed(source, &renamed);
        }
        Ok(())
    }
}
