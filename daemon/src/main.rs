//! The binary `camsync`.

use std::process::ExitCode;

fn main() -> ExitCode {
    camsync::cli::main()
}
