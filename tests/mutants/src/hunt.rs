//! Looks for a test that fails with a mutant.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::list::Mutant;
use crate::tests::{Outcome, Test};

/// What is known of a test from a run without mutants.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// Which tests are asked first: those that have caught something of the function, then of the file, then those that reach
/// deep into it for the time that they take. What few tests meet lies deep.
#[derive(Debug)]
pub(crate) struct Experience {
    /// By function and by file: for each test, how much of what lies deep there it meets.
    depth: HashMap<Part, HashMap<usize, f64>>,
    /// By function and by file: how often each test has caught something there.
    caught: HashMap<Part, HashMap<usize, usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Function(String, String),
    File(String),
}

/// The function and the file that a mutant is in.
fn parts(mutant: &Mutant) -> [Part; 2] {
    let function = mutant.function.as_ref().map(|f| f.function_name.clone());
    let file = mutant.file.clone();
    [
        Part::Function(file.clone(), function.unwrap_or_default()),
        Part::File(file),
    ]
}

impl Experience {
    /// Before anything was caught.
    pub(crate) fn new(mutants: &BTreeMap<usize, Mutant>, known: &[Known]) -> Self {
        let mut meet: HashMap<usize, f64> = HashMap::new();
        for number in known.iter().flat_map(|known| &known.met) {
            *meet.entry(*number).or_default() += 1.0;
        }
        let mut depth: HashMap<Part, HashMap<usize, f64>> = HashMap::new();
        for (at, known) in known.iter().enumerate() {
            for number in &known.met {
                for part in mutants.get(number).map(parts).into_iter().flatten() {
                    *depth.entry(part).or_default().entry(at).or_default() += 1.0 / meet[number];
                }
            }
        }
        Self {
            depth,
            caught: HashMap::new(),
        }
    }

    /// A test, by its place in the list, has caught one.
    pub(crate) fn caught(&mut self, mutant: &Mutant, test: usize) {
        for part in parts(mutant) {
            *self
                .caught
                .entry(part)
                .or_default()
                .entry(test)
                .or_default() += 1;
        }
    }

    /// The tests that meet a mutant, the likeliest first.
    #[must_use]
    pub(crate) fn order(&self, number: usize, mutant: &Mutant, known: &[Known]) -> Vec<usize> {
        let meet = (0..known.len()).filter(|&at| known[at].met.contains(&number));
        let parts = parts(mutant);
        let caught = |part, at| {
            let of = self.caught.get(part);
            of.and_then(|of| of.get(&at)).copied().unwrap_or_default()
        };
        let depth = |part, at| {
            let of = self.depth.get(part);
            of.and_then(|of| of.get(&at)).copied().unwrap_or_default()
        };
        let [function, file] = &parts;
        let key = |at: usize| {
            let deep = depth(function, at) + depth(file, at) / 4.0;
            let alike = alike(mutant, &known[at].test.name);
            let worth = deep * (1.0 + 4.0 * alike) / (known[at].took.as_secs_f64() + 0.2);
            (caught(function, at), caught(file, at), worth)
        };
        let mut keyed: Vec<_> = meet.map(|at| (key(at), at)).collect();
        keyed.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
        keyed.into_iter().map(|(_, at)| at).collect()
    }
}

/// How many words the name of what is changed has in common with that of a test.
fn alike(mutant: &Mutant, test: &str) -> f64 {
    let (_, name) = mutant.name.rsplit_once('/').unwrap_or_default();
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphabetic());
        let long = words.filter(|word| word.len() > 3);
        long.map(|word| word.chars().take(5).collect()).collect()
    };
    let common = words(name).intersection(&words(test)).count();
    u32::try_from(common).map_or(0.0, f64::from)
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
        if test.with(number, limit) == Outcome::Passed {
            continue;
        }
        // Once more, and with more patience: one that fails now and then, or is slow beside others, says nothing.
        match test.with(number, limit * 3) {
            Outcome::Passed => {}
            Outcome::Failed => return (Verdict::Caught { by }, Some(at)),
            Outcome::Endless => return (Verdict::Endless { by }, Some(at)),
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
