//! Processor time and memory of this process, as Linux tells them.

use std::error::Error;
use std::time::Duration;

/// Clock ticks a second in `/proc/self/stat`: Linux has shown 100 on every platform for decades.
const TICKS: u64 = 100;

/// Processor time of this process so far, all threads, user and system; exact to 20 ms.
pub(crate) fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The command's name is in brackets and may hold blanks; utime and stime are the 12th and 13th after it.
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let mut times = fields.split(' ').skip(11).take(2);
    let mut next = || -> Result<u64, Box<dyn Error>> {
        Ok(times.next().ok_or("/proc/self/stat is short")?.parse()?)
    };
    Ok(Duration::from_millis((next()? + next()?) * 1000 / TICKS))
}

/// A line of `/proc/self/status` in KiB, e.g. `VmHWM`.
pub(crate) fn memory_kib(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .ok_or("/proc/self/status lacks the line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
