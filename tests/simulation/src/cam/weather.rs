//! What goes wrong at CAM.

use crate::people::Hand;

/// What goes wrong at CAM during one step.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// So many calls of a hundred meet a fault.
    pub faults: u32,
    /// So many reads of a hundred show what was so up to a minute ago.
    pub lag: u32,
    /// So many listings of a hundred miss somebody.
    pub misses: u32,
    /// The key may not call this action.
    pub denied: Option<&'static str>,
    /// This action's quota is full.
    pub full: Option<&'static str>,
    /// The key is refused.
    pub key_refused: bool,
    /// Before the call of this number somebody does this by hand.
    pub intrusion: Option<(u64, Hand)>,
    /// Before the look of this number at an account that the product made, somebody puts another one in its place.
    pub swapped_before: Option<u64>,
}

impl Weather {
    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        self.faults == 0
            && self.lag == 0
            && self.misses == 0
            && self.denied.is_none()
            && self.full.is_none()
            && !self.key_refused
            && self.intrusion.is_none()
            && self.swapped_before.is_none()
    }
}
