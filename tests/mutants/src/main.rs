//! Mutation testing of what needs the whole program to be tested. cargo-mutants says what the mutants are; all of them are
//! built at once, each behind a switch, and each is run against the tests that meet it, the likeliest first.
//!
//! It may be ended at any time, and goes on where it was; what was found out of other sources counts only when asked to.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde::{Deserialize, Serialize};

mod hunt;
mod list;
mod met;
mod switch;
mod tests;
mod tree;

use hunt::{Experience, Known, Verdict};
use list::Mutant;
use tree::Tree;

/// Mutation testing of the pipeline, by every test of the workspace
#[derive(Debug, Parser)]
struct Args {
    /// The package whose files are changed.
    #[arg(long, default_value = "camsync")]
    package: String,
    /// Which of its files.
    #[arg(long, default_value = "daemon/src/pipeline/**/*.rs")]
    files: String,
    /// A part of the mutants, counted as cargo-mutants does: 0/4 is the first, the fifth and so on.
    #[arg(long, default_value = "0/1", value_parser = shard)]
    shard: (usize, usize),
    /// For so many seconds at the most tests are run with one mutant.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How many mutants are tried beside each other.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where the copy of the sources, what is built of it, and the outcomes are.
    #[arg(long, default_value = "target/mutants")]
    work: PathBuf,
    /// Try those again that survived or stayed open, and believe of the others what came of them, in another build too.
    #[arg(long)]
    again: bool,
    /// Of tests that were run before, by another build, believe what they met then. What is new is run.
    #[arg(long)]
    quick: bool,
    /// Fail when fewer of a hundred are caught.
    #[arg(long, default_value_t = 0)]
    least: usize,
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let (part, of) = text.split_once('/').ok_or("say 0/4")?;
    let number = |text: &str| text.parse().map_err(|_| "say 0/4".to_owned());
    let (part, of) = (number(part)?, number(of)?);
    match (0..of).contains(&part) {
        true => Ok((part, of)),
        false => Err("say 0/4".into()),
    }
}

/// A line of the file of outcomes.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool, String> {
    let from = std::env::current_dir().map_err(|e| e.to_string())?;
    let work = from.join(&args.work);
    fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let listed = list::mutants(&from, &args.package, &args.files)?;
    let mutants: BTreeMap<usize, Mutant> = (1..).zip(listed).collect();
    println!("{} mutants", mutants.len());
    let tree = Tree::copy(&from, &work)?;
    let unviable = tree.put_in(&from, &args.package, &mutants)?;
    let (known, built_anew) = met::known(&tree, &work, &mutants, args.threads, args.quick)?;
    let (part, of) = args.shard;
    let chosen: BTreeMap<usize, &Mutant> = mutants
        .iter()
        .filter(|(number, _)| (*number - 1) % of == part)
        .map(|(&number, mutant)| (number, mutant))
        .collect();
    let file = work.join("outcomes.jsonl");
    if built_anew && !args.again {
        // Of other sources, or other tests.
        let _ = fs::remove_file(&file);
    }
    let mut outcomes = read(&file, &chosen);
    if args.again {
        outcomes.retain(|_, v| !matches!(v, Verdict::Survived { .. } | Verdict::Open { .. }));
    }
    for number in &unviable {
        if chosen.contains_key(number) {
            outcomes.insert(*number, Verdict::Unviable);
        }
    }
    let open: Vec<usize> = chosen
        .keys()
        .filter(|number| !outcomes.contains_key(number))
        .copied()
        .collect();
    let found = try_all(
        args,
        &open,
        &chosen,
        (&known, Experience::new(&mutants, &known)),
        &file,
    )?;
    outcomes.extend(found);
    Ok(tell(&chosen, &outcomes) >= args.least)
}

/// The outcomes of mutants that are still there, by their names.
fn read(file: &Path, chosen: &BTreeMap<usize, &Mutant>) -> BTreeMap<usize, Verdict> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let lines: BTreeMap<String, Verdict> =
        lines.map(|line: Line| (line.name, line.verdict)).collect();
    let verdict =
        |(&number, mutant): (&usize, &&Mutant)| Some((number, lines.get(&mutant.name)?.clone()));
    chosen.iter().filter_map(verdict).collect()
}

fn try_all(
    args: &Args,
    open: &[usize],
    chosen: &BTreeMap<usize, &Mutant>,
    (known, experience): (&[Known], Experience),
    file: &Path,
) -> Result<BTreeMap<usize, Verdict>, String> {
    let out = fs::OpenOptions::new().create(true).append(true).open(file);
    let out = Mutex::new(out.map_err(|e| format!("{}: {e}", file.display()))?);
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let experience = Mutex::new(experience);
    let outcomes = Mutex::new(BTreeMap::new());
    let lock = PoisonError::into_inner;
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                while let Some(&number) = open.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let mutant = chosen[&number];
                    let order = {
                        let experience = experience.lock().unwrap_or_else(lock);
                        experience.order(number, mutant, known)
                    };
                    let most = Duration::from_secs(args.seconds);
                    let (verdict, by) = hunt::hunt(number, &order, known, most);
                    if let Some(by) = by {
                        let mut experience =
                            experience.lock().unwrap_or_else(PoisonError::into_inner);
                        experience.caught(mutant, by);
                    }
                    let line = Line {
                        name: mutant.name.clone(),
                        verdict: verdict.clone(),
                    };
                    let line = serde_json::to_string(&line).unwrap_or_default();
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = writeln!(out, "{line}");
                    outcomes.insert(number, verdict);
                    let (done, minutes) = (outcomes.len(), began.elapsed().as_secs() / 60);
                    println!("{done} of {} after {minutes} min: {line}", open.len());
                }
            });
        }
    });
    Ok(outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// Says what became of all; how many of a hundred that could be caught were.
fn tell(chosen: &BTreeMap<usize, &Mutant>, outcomes: &BTreeMap<usize, Verdict>) -> usize {
    let of = |(number, verdict)| (chosen[&number], verdict);
    let sum = hunt::sum(
        outcomes
            .iter()
            .map(|(&number, verdict)| of((number, verdict))),
    );
    println!(
        "{:>7} {:>7} {:>8} {:>5} {:>8}",
        "caught", "endless", "survived", "open", "unviable"
    );
    let mut all = [0; 5];
    for (file, row) in &sum {
        println!(
            "{:>7} {:>7} {:>8} {:>5} {:>8}  {file}",
            row[0], row[1], row[2], row[3], row[4]
        );
        for (all, one) in all.iter_mut().zip(row) {
            *all += one;
        }
    }
    let [caught, endless, survived, open, unviable] = all;
    println!("{caught:>7} {endless:>7} {survived:>8} {open:>5} {unviable:>8}  in all");
    let missed: BTreeSet<&str> = outcomes
        .iter()
        .filter(|(_, v)| matches!(v, Verdict::Survived { .. } | Verdict::Open { .. }))
        .map(|(number, _)| chosen[number].name.as_str())
        .collect();
    for name in missed {
        println!("not caught: {name}");
    }
    let (hit, viable) = (caught + endless, caught + endless + survived + open);
    let score = (hit * 100).checked_div(viable).unwrap_or(100);
    println!("{hit} of {viable}: {score} %");
    score
}
