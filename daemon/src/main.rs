//! The binary `camsync`.

use std::process::ExitCode;

/// A pass makes and drops millions of small values, on several threads; the C library's allocator is slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    camsync::cli::main()
}
