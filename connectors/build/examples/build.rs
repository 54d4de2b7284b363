//! Builds one connector: `cargo run -p camsync-connector-build --example build -- FOLDER TARGET_FOLDER`.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(connector_dir), Some(target_dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: build FOLDER TARGET_FOLDER".into());
    };
    println!(
        "{}",
        camsync_connector_build::build(&connector_dir, &target_dir)?.display()
    );
    Ok(())
}
