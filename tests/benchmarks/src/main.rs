//! What `passes.py` measures with: the simulators as a process of their own, and one crawl, natively or through
//! WebAssembly, repeated as often as it takes to measure its processor time. And the soak, which needs no script.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "speaks to its caller through them"
)]

mod callbacks;
mod cpu;
mod crawl;
mod memory;
mod native;
mod simulators;
mod soak;

use std::error::Error;
use std::process::ExitCode;

const USAGE: &str = "camsync-benchmarks simulators MEMBERS DEPARTMENTS | crawl native|wasm URL TIMES | plan-memory MEMBERS | callbacks URL TOKEN AES_KEY CORP_ID RATE SECONDS | soak SECONDS";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["simulators", members, departments] => {
            simulators::serve(members.parse()?, departments.parse()?)
        }
        ["crawl", way, url, times] => crawl::measure(way, url, times.parse()?),
        ["plan-memory", members] => memory::measure(members.parse()?),
        ["callbacks", url, token, key, corp, rate, seconds] => {
            callbacks::measure(url, [token, key, corp], rate.parse()?, seconds.parse()?)
        }
        ["soak", seconds] => soak::run(seconds.parse()?),
        _ => Err(USAGE.into()),
    }
}
