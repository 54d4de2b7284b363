//! The process itself, as Linux shows it in `/proc/self`. Elsewhere there is nothing to show.

use std::fs;

use super::registrar::{Level, Registrar, Seconds};

/// Ticks in a second of processor time, as `/proc` counts it on every Linux.
const TICKS: f64 = 100.0;

/// The usual metrics of a process, under their usual names.
pub(super) struct Process {
    cpu: Seconds<0>,
    memory: Level<0>,
    open_files: Level<0>,
    max_files: Level<0>,
}

impl Process {
    pub(super) fn register(r: &mut Registrar) -> Self {
        Self {
            cpu: r.seconds(
                "process_cpu_seconds_total",
                [],
                "Processor time of the process",
            ),
            memory: r.level(
                "process_resident_memory_bytes",
                [],
                "Memory of the process that is in use",
            ),
            open_files: r.level("process_open_fds", [], "Open files and connections"),
            max_files: r.level(
                "process_max_fds",
                [],
                "How many files and connections may be open",
            ),
        }
    }

    pub(super) fn fill(&self) {
        if let Some(seconds) = cpu_seconds() {
            self.cpu.of([]).inc_by(seconds);
        }
        if let Some(bytes) = resident_bytes() {
            self.memory.of([]).set(bytes);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.open_files.of([]).set(open.count() as f64);
        }
        if let Some(most) = most_files() {
            self.max_files.of([]).set(most);
        }
    }
}

/// Fields 14 and 15 of `stat`, user and system time. The name before them is in brackets and may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
