//! What the daemon holds: memory, open files, threads, the ledger's size and rows; and whether that stays flat.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Result;

/// What tells who did what grows with every event, and with nothing else.
const HISTORY: [&str; 6] = [
    "attempts",
    "audit",
    "changes",
    "plan_removals",
    "plans",
    "sub_users",
];
/// What else the second half may hold more of than the first, as a ratio: noise, not growth.
const FLAT: f64 = 1.15;
/// And so many more, where there are few.
const FEW: f64 = 12.0;

/// One look.
#[derive(Clone)]
struct Sample {
    at: Duration,
    rss_kib: f64,
    fds: f64,
    threads: f64,
    ledger: f64,
    log: f64,
    rows: BTreeMap<String, f64>,
}

impl Sample {
    fn history(&self) -> f64 {
        let kept = HISTORY.iter().filter_map(|table| self.rows.get(*table));
        kept.sum()
    }
}

/// The account.
pub(super) struct Watch {
    pid: u32,
    ledger: PathBuf,
    samples: Vec<Sample>,
}

impl Watch {
    pub(super) fn new(pid: u32, ledger: PathBuf) -> Self {
        Self {
            pid,
            ledger,
            samples: Vec::new(),
        }
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let ledger = Connection::open_with_flags(&self.ledger, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        ledger.busy_timeout(Duration::from_secs(10))?;
        Ok(ledger)
    }

    /// Takes a sample, and prints it.
    pub(super) fn look(&mut self, at: Duration) -> Result<()> {
        let proc = PathBuf::from(format!("/proc/{}", self.pid));
        let status = std::fs::read_to_string(proc.join("status"))?;
        let said = |name: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse().ok()).unwrap_or(0.0)
        };
        let size = |end: &str| -> f64 {
            let path = format!("{}{end}", self.ledger.display());
            std::fs::metadata(path).map_or(0.0, |found| float(found.len()))
        };
        let ledger = self.open()?;
        let tables: Vec<String> = ledger
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut rows = BTreeMap::new();
        for table in tables {
            let count: u64 =
                ledger.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })?;
            rows.insert(table, float(count));
        }
        let sample = Sample {
            at,
            rss_kib: said("VmRSS:"),
            threads: said("Threads:"),
            fds: float(std::fs::read_dir(proc.join("fd"))?.count() as u64),
            ledger: size(""),
            log: size("-wal"),
            rows,
        };
        println!(
            "{:5.0} s  {:6.1} MiB  {:3} files  {:3} threads  ledger {:6.2} MiB  log {:5.2} MiB  {:6} rows of history  {:5} members",
            at.as_secs_f64(),
            sample.rss_kib / 1024.0,
            sample.fds,
            sample.threads,
            sample.ledger / 1_048_576.0,
            sample.log / 1_048_576.0,
            sample.history(),
            sample.rows.get("members").unwrap_or(&0.0),
        );
        self.samples.push(sample);
        Ok(())
    }

    /// Prints what the second half is against the first, without the start; what is not flat.
    pub(super) fn tell(&self) -> Vec<String> {
        let warm = self.samples.len() / 5;
        let rest = &self.samples[warm..];
        let (first, second) = rest.split_at(rest.len() / 2);
        let (Some(begin), Some(middle), Some(end)) = (first.first(), second.first(), second.last())
        else {
            return vec!["too short to tell: at least a minute".into()];
        };
        let mut wrong = Vec::new();
        println!(
            "\nfrom {:.0} s to {:.0} s, and from there to {:.0} s:\n\n| | first half | second half | ratio |\n| - | -: | -: | -: |",
            begin.at.as_secs_f64(),
            middle.at.as_secs_f64(),
            end.at.as_secs_f64()
        );
        let mut compare = |what: &str, of: &dyn Fn(&Sample) -> f64| {
            let (before, after) = (median(first, of), median(second, of));
            let flat = after <= before * FLAT || after <= before + FEW;
            let ratio = if before > 0.0 { after / before } else { 1.0 };
            println!("| {what} | {before:.1} | {after:.1} | {ratio:.2} |");
            if !flat {
                wrong.push(format!("{what} grows: {before:.1}, then {after:.1}"));
            }
        };
        compare("memory, MiB (median)", &|s| s.rss_kib / 1024.0);
        compare("open files", &|s| s.fds);
        compare("threads", &|s| s.threads);
        compare("the ledger's log, MiB", &|s| s.log / 1_048_576.0);
        for table in end
            .rows
            .keys()
            .filter(|table| !HISTORY.contains(&table.as_str()))
        {
            compare(&format!("rows of `{table}`"), &|s| {
                s.rows.get(table).copied().unwrap_or(0.0)
            });
        }
        // What the file grows by is history, and a row of it takes no more room than it did.
        let per_row = |from: &Sample, to: &Sample| {
            (to.ledger - from.ledger) / (to.history() - from.history()).max(1.0)
        };
        let (before, after) = (per_row(begin, middle), per_row(middle, end));
        println!(
            "| ledger, bytes for a row of history that came | {before:.0} | {after:.0} | {:.2} |",
            after / before.max(1.0)
        );
        println!(
            "| ledger, MiB at the end of it | {:.2} | {:.2} | |",
            middle.ledger / 1_048_576.0,
            end.ledger / 1_048_576.0
        );
        if after > before.max(300.0) * FLAT {
            wrong.push(format!("the ledger grows by more than its history: {before:.0}, then {after:.0} bytes a row"));
        }
        wrong
    }

    /// What is wrong with the ledger of a daemon that has ended.
    pub(super) fn unsound(&self) -> Result<Vec<String>> {
        let ledger = self.open()?;
        let word: String = ledger.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let open: u64 = ledger.query_row(
            "SELECT count(*) FROM changes WHERE status IN ('pending', 'in_flight', 'failed')",
            [],
            |row| row.get(0),
        )?;
        let purges: u64 = ledger.query_row(
            "SELECT count(*) FROM audit WHERE action = 'retention.purge'",
            [],
            |row| row.get(0),
        )?;
        let mut wrong = Vec::new();
        if word != "ok" {
            wrong.push(format!("the ledger is damaged: {word}"));
        }
        if open > 0 {
            wrong.push(format!("{open} changes are left undone"));
        }
        if purges == 0 {
            wrong.push("nothing was ever purged".into());
        }
        Ok(wrong)
    }
}

fn median(samples: &[Sample], of: &dyn Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[allow(clippy::cast_precision_loss, reason = "sizes and counts")]
fn float(count: u64) -> f64 {
    count as f64
}
