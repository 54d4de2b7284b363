//! Which mutants each test meets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::hunt::Known;
use crate::list::Mutant;
use crate::tests::{self, Outcome, Test};
use crate::tree::{Binary, Tree};

/// A test takes this long at the most without a mutant; one that takes longer is not used.
const MOST: Duration = Duration::from_secs(90);

/// What is kept of the tests' run without mutants.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The programs, and when each was built.
    built: Vec<(PathBuf, Option<SystemTime>)>,
    /// What each number is the number of.
    mutants: BTreeMap<usize, String>,
    known: Vec<Known>,
}

/// Builds the tests, and runs each once without a mutant. What they met is kept until one of them is built anew; if it is
/// to be `quick`, what tests that were there before met then is believed. Also whether any was built anew.
///
/// # Errors
/// When they do not build, or what they met cannot be kept.
pub(crate) fn known(
    tree: &Tree,
    work: &Path,
    mutants: &BTreeMap<usize, Mutant>,
    threads: usize,
    quick: bool,
) -> Result<(Vec<Known>, bool), String> {
    let binaries = tree.tests()?;
    let built = |binary: &Binary| {
        let built = fs::metadata(&binary.program).and_then(|m| m.modified());
        (binary.program.clone(), built.ok())
    };
    let built: Vec<_> = binaries.iter().map(built).collect();
    let file = work.join("met.json");
    let kept = fs::read(&file).ok();
    let kept = kept.and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok());
    let mut tests = tests::list(&binaries)?;
    let mut known = Vec::new();
    if let Some(kept) = kept {
        if kept.built == built {
            return Ok((kept.known, false));
        }
        if quick {
            known = known_before(kept, mutants, &mut tests);
        }
    }
    known.extend(meet(&tests, work, threads));
    let names = mutants.iter().map(|(&n, mutant)| (n, mutant.name.clone()));
    let kept = Kept {
        built,
        mutants: names.collect(),
        known,
    };
    let text = serde_json::to_vec(&kept).map_err(|e| e.to_string())?;
    fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok((kept.known, true))
}

/// What is known of tests that are still there, with the numbers that mutants have now; leaves the tests that are new.
fn known_before(
    kept: Kept,
    mutants: &BTreeMap<usize, Mutant>,
    tests: &mut Vec<Test>,
) -> Vec<Known> {
    let now: BTreeMap<&str, usize> = mutants.iter().map(|(&n, m)| (&*m.name, n)).collect();
    let number = |before: &usize| now.get(&**kept.mutants.get(before)?).copied();
    let mut known = Vec::new();
    for before in kept.known {
        let same = |test: &Test| {
            (&*test.binary.name, &*test.name) == (&*before.test.binary.name, &*before.test.name)
        };
        if let Some(at) = tests.iter().position(same) {
            known.push(Known {
                test: tests.swap_remove(at),
                took: before.took,
                met: before.met.iter().filter_map(number).collect(),
            });
        }
    }
    known
}

/// Runs each test once without a mutant.
fn meet(tests: &[Test], work: &Path, threads: usize) -> Vec<Known> {
    println!("{} tests, each run once to see what it meets", tests.len());
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let known = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, known) = (&next, &known);
            let folder = work.join(format!("met-{thread}"));
            scope.spawn(move || {
                while let Some(test) = tests.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (outcome, took, met) = test.meets(&folder, MOST);
                    if outcome != Outcome::Passed {
                        println!("not used: {} {}: {outcome:?}", test.binary.name, test.name);
                    } else {
                        let test = test.clone();
                        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                        known.push(Known { test, took, met });
                    }
                }
            });
        }
    });
    let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{} of them meet mutants ({} s)",
        known.iter().filter(|known| !known.met.is_empty()).count(),
        began.elapsed().as_secs()
    );
    known
}
