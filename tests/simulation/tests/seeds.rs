//! Every seed that ever failed, some fresh ones, and that a seed always tells the same story.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use camsync_simulation::world::{STEPS, run};

/// How long fresh seeds are run for; `SIMULATION_SECONDS` says otherwise.
const FRESH: Duration = Duration::from_millis(500);

fn check(seed: u64, steps: usize, keep: &[usize]) {
    let outcome = run(seed, steps, &|place| {
        keep.is_empty() || keep.contains(&place)
    });
    if let Some(violation) = outcome.violation {
        let keep: Vec<String> = keep.iter().map(usize::to_string).collect();
        let keep = match keep.is_empty() {
            true => String::new(),
            false => format!(" --keep {}", keep.join(",")),
        };
        panic!(
            "invariant {}: {}\n{}\nreplay: cargo run --package camsync-simulation -- --seed {seed} --steps {steps}{keep}",
            violation.invariant,
            violation.what,
            outcome.story.join("\n")
        );
    }
}

/// A line of `seeds.txt` is a seed, its number of steps, perhaps those of them that matter, and why it is there.
#[test]
fn every_seed_that_ever_failed_keeps_the_contract() {
    let lines = include_str!("../seeds.txt").lines();
    let mut count = 0;
    for line in lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (words, _) = line.split_once('#').unwrap_or((line, ""));
        let mut words = words.split_whitespace();
        let seed = words.next().unwrap().parse().unwrap();
        let steps = words.next().unwrap().parse().unwrap();
        let keep: Vec<usize> = words
            .next()
            .map(|keep| keep.split(',').map(|n| n.parse().unwrap()).collect())
            .unwrap_or_default();
        check(seed, steps, &keep);
        count += 1;
    }
    println!("{count} seeds that failed once");
}

#[test]
fn fresh_seeds_keep_the_contract() {
    let seconds = std::env::var("SIMULATION_SECONDS").ok();
    let most = seconds.map_or(FRESH, |s| Duration::from_secs(s.parse().unwrap()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (first, began) = (now.as_secs() * 1000, Instant::now());
    let mut seed = first;
    while began.elapsed() < most {
        check(seed, STEPS, &[]);
        seed += 1;
    }
    println!("fresh seeds {first} to {}", seed - 1);
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in 1..=8 {
        let (one, two) = (run(seed, STEPS, &|_| true), run(seed, STEPS, &|_| true));
        assert_eq!(one.trace, two.trace, "seed {seed}");
    }
}
