//! Shrinking: leaves steps out for as long as the same invariant still breaks.

use std::collections::BTreeSet;

use crate::oracle::Violation;
use crate::world::run;

/// The steps of a failing history that matter, and how it fails with them alone.
#[must_use]
pub fn shrink(seed: u64, steps: usize, found: &Violation) -> (BTreeSet<usize>, Violation) {
    let mut kept: BTreeSet<usize> = (1..=steps).collect();
    let mut last = found.clone();
    let fails = |kept: &BTreeSet<usize>| {
        let outcome = run(seed, steps, &|place| kept.contains(&place));
        outcome.violation.filter(|v| v.invariant == found.invariant)
    };
    let mut chunk = steps.div_ceil(2);
    while chunk > 0 {
        let all: Vec<usize> = kept.iter().copied().collect();
        for part in all.chunks(chunk) {
            let without: BTreeSet<usize> = kept
                .iter()
                .copied()
                .filter(|place| !part.contains(place))
                .collect();
            if without.len() < kept.len()
                && let Some(violation) = fails(&without)
            {
                kept = without;
                last = violation;
            }
        }
        chunk /= 2;
    }
    (kept, last)
}
