//! Runs seeds, and replays one.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use camsync_simulation::oracle::Violation;
use camsync_simulation::shrink::shrink;
use camsync_simulation::world::{STEPS, run};
use clap::Parser;

/// Runs camsync's pipeline over drawn histories, and says which break the contract.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them; by default the time chooses.
    #[arg(long)]
    from: Option<u64>,
    /// Replay this seed alone, and tell what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Of a replayed seed, these steps alone: 3,5,8.
    #[arg(long, value_delimiter = ',')]
    keep: Vec<usize>,
    /// Steps of a history.
    #[arg(long, default_value_t = STEPS)]
    steps: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stop at this many failures.
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Do not shrink what fails.
    #[arg(long)]
    unshrunk: bool,
    /// Begin no more seeds after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.seed {
        Some(seed) => replay(&args, seed),
        None => many(&args),
    }
}

fn replay(args: &Args, seed: u64) -> ExitCode {
    let keep = |place: usize| args.keep.is_empty() || args.keep.contains(&place);
    let outcome = run(seed, args.steps, &keep);
    for line in &outcome.story {
        println!("{line}");
    }
    println!("faults met:");
    for (what, times) in &outcome.met {
        println!("    {times:>4} {what}");
    }
    println!("writes:");
    for line in &outcome.trace {
        println!("    {line}");
    }
    println!("plans and changes:");
    for line in &outcome.changes {
        println!("    {line}");
    }
    println!("members:");
    for line in &outcome.members {
        println!("    {line}");
    }
    match outcome.violation {
        None => {
            println!("seed {seed} keeps the contract");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("invariant {}: {}", violation.invariant, violation.what);
            ExitCode::FAILURE
        }
    }
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    met: BTreeMap<&'static str, u64>,
    calls: u64,
    failed: Vec<(u64, Violation)>,
}

fn many(args: &Args) -> ExitCode {
    let from = args.from.unwrap_or_else(by_the_time);
    println!(
        "seeds {from} to {}, {} steps each",
        from + args.seeds - 1,
        args.steps
    );
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let sum = Mutex::new(Sum::default());
    let over = |sum: &Sum| {
        sum.failed.len() >= args.failures
            || args
                .seconds
                .is_some_and(|most| began.elapsed().as_secs() >= most)
    };
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                loop {
                    let done = next.fetch_add(1, Ordering::SeqCst);
                    if done >= args.seeds
                        || over(&sum.lock().unwrap_or_else(PoisonError::into_inner))
                    {
                        next.fetch_sub(1, Ordering::SeqCst);
                        break;
                    }
                    let outcome = run(from + done, args.steps, &|_| true);
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, times) in outcome.met {
                        *sum.met.entry(what).or_default() += times;
                    }
                    sum.calls += outcome.calls;
                    sum.failed
                        .extend(outcome.violation.map(|v| (from + done, v)));
                    if (done + 1).is_multiple_of(500) {
                        println!("{} seeds in {} s", done + 1, began.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ran = next.load(Ordering::SeqCst).min(args.seeds);
    println!(
        "{ran} seeds in {:.1} s, {} calls of CAM; faults met:",
        began.elapsed().as_secs_f64(),
        sum.calls
    );
    for (what, times) in &sum.met {
        println!("  {times:>8} {what}");
    }
    for (seed, violation) in &sum.failed {
        println!(
            "\nseed {seed} breaks invariant {}: {}",
            violation.invariant, violation.what
        );
        if !args.unshrunk {
            tell(args, *seed, violation);
        }
    }
    if sum.failed.is_empty() {
        println!("all keep the contract");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn tell(args: &Args, seed: u64, violation: &Violation) {
    let (kept, last) = shrink(seed, args.steps, violation);
    let keep: BTreeSet<String> = kept.iter().map(usize::to_string).collect();
    let mut keep: Vec<String> = keep.into_iter().collect();
    keep.sort_by_key(|place| place.parse::<usize>().unwrap_or(0));
    println!(
        "shrunk to {} of {} steps: invariant {}: {}",
        kept.len(),
        args.steps,
        last.invariant,
        last.what
    );
    let outcome = run(seed, args.steps, &|place| kept.contains(&place));
    for line in outcome.story {
        println!("  {line}");
    }
    let keep = keep.join(",");
    println!(
        "replay: cargo run --package camsync-simulation -- --seed {seed} --steps {} --keep {}",
        args.steps,
        if keep.is_empty() {
            "0".to_owned()
        } else {
            keep
        }
    );
}

fn by_the_time() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() * 1000)
}
