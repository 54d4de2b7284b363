//! Looks for a test that fails with a mutant.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::list::Mutant;
use crate::tests::{Outcome, Test};

/// What is known of a test from a run without mutants.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The test.
    pub test: Test,
    /// How long it took.
    pub took: Duration,
    /// The mutants that it met.
    pub met: BTreeSet<usize>,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// A test failed with it.
    Caught {
        /// Its name.
        by: String,
    },
    /// A test did not end with it.
    Endless {
        /// Its name.
        by: String,
    },
    /// Every test that meets it passed.
    Survived {
        /// How many those are.
        tests: usize,
    },
    /// The time was over before every test that meets it had been run.
    Open {
        /// How many were run.
        tests: usize,
        /// How many there are.
        of: usize,
    },
    /// It does not compile, or nothing of the program is what it changes.
    Unviable,
}

/// Which tests have caught what, so that they are asked first where they may catch more.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    of_function: HashMap<(String, String), HashMap<usize, usize>>,
    of_file: HashMap<String, HashMap<usize, usize>>,
}

impl Experience {
    /// A test, by its place in the list, has caught one.
    pub(crate) fn caught(&mut self, mutant: &Mutant, test: usize) {
        *self
            .of_function
            .entry(whose(mutant))
            .or_default()
            .entry(test)
            .or_default() += 1;
        *self
            .of_file
            .entry(mutant.file.clone())
            .or_default()
            .entry(test)
            .or_default() += 1;
    }

    /// The tests that meet a mutant: first those that have caught something of its function, then of its file, then those
    /// that are quick and meet little else.
    #[must_use]
    pub(crate) fn order(&self, number: usize, mutant: &Mutant, known: &[Known]) -> Vec<usize> {
        let mut meet: Vec<usize> = (0..known.len())
            .filter(|&at| known[at].met.contains(&number))
            .collect();
        let of_function = self.of_function.get(&whose(mutant));
        let of_file = self.of_file.get(&mutant.file);
        let times = |of: Option<&HashMap<usize, usize>>, at: usize| {
            of.and_then(|of| of.get(&at)).copied().unwrap_or_default()
        };
        let cost = |at: usize| {
            let known = &known[at];
            let millis = known.took.as_millis() + 50;
            millis * (known.met.len() as u128).isqrt().max(1)
        };
        meet.sort_by_cached_key(|&at| {
            let caught = (times(of_function, at), times(of_file, at));
            (std::cmp::Reverse(caught), cost(at))
        });
        meet
    }
}

fn whose(mutant: &Mutant) -> (String, String) {
    let function = mutant.function.as_ref().map(|f| f.function_name.clone());
    (mutant.file.clone(), function.unwrap_or_default())
}

/// Runs tests with a mutant until one fails, for so long at the most; also which one did.
#[must_use]
pub(crate) fn hunt(
    number: usize,
    order: &[usize],
    known: &[Known],
    most: Duration,
) -> (Verdict, Option<usize>) {
    let began = std::time::Instant::now();
    for (ran, &at) in order.iter().enumerate() {
        if began.elapsed() > most {
            let (tests, of) = (ran, order.len());
            return (Verdict::Open { tests, of }, None);
        }
        let Known { test, took, .. } = &known[at];
        let limit = *took * 5 + Duration::from_secs(20);
        let by = format!("{} {}", test.binary.name, test.name);
        match test.with(number, limit) {
            Outcome::Passed => {}
            Outcome::Endless => return (Verdict::Endless { by }, Some(at)),
            // Once more: one that fails now and then says nothing.
            Outcome::Failed => match test.with(number, limit) {
                Outcome::Passed => {}
                Outcome::Failed | Outcome::Endless => return (Verdict::Caught { by }, Some(at)),
            },
        }
    }
    let tests = order.len();
    (Verdict::Survived { tests }, None)
}

/// What all came to, by file: caught, endless, survived, open, unviable.
#[must_use]
pub(crate) fn sum<'m>(
    outcomes: impl Iterator<Item = (&'m Mutant, &'m Verdict)>,
) -> BTreeMap<String, [usize; 5]> {
    let mut sum: BTreeMap<String, [usize; 5]> = BTreeMap::new();
    for (mutant, verdict) in outcomes {
        let at = match verdict {
            Verdict::Caught { .. } => 0,
            Verdict::Endless { .. } => 1,
            Verdict::Survived { .. } => 2,
            Verdict::Open { .. } => 3,
            Verdict::Unviable => 4,
        };
        sum.entry(mutant.file.clone()).or_default()[at] += 1;
    }
    sum
}
