//! Everything that is drawn comes from here, and so from the seed.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A stream of draws.
#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    /// The stream of this seed and purpose: two purposes of one seed have nothing to do with each other.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(StdRng::from_seed(bytes(seed, purpose)))
    }

    /// One of `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        self.0.random_range(0..below.max(1))
    }

    /// One of `from..=to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..=to)
    }

    /// Whether it comes true, so many times of a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A seed for a generator of the product's own.
#[must_use]
pub fn bytes(seed: u64, purpose: u64) -> [u8; 32] {
    let mut made = [0; 32];
    made[..8].copy_from_slice(&seed.to_le_bytes());
    made[8..16].copy_from_slice(&purpose.to_le_bytes());
    made
}
