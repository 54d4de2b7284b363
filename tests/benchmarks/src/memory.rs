//! The memory that planning takes.

use std::error::Error;

use serde_json::json;

use crate::cpu::memory_kib;

#[path = "../../../daemon/core/benches/account/mod.rs"]
mod account;

/// Plans for an account of so many members and sub-users, of whom one in a hundred differs, and prints the peak memory
/// of the whole process, and that of the process before the plan was made: members, desired and observed state.
pub(crate) fn measure(members: usize) -> Result<(), Box<dyn Error>> {
    let account = account::Account::new(members, 100);
    let before = memory_kib("VmRSS")?;
    let draft = account.plan();
    let peak = memory_kib("VmHWM")?;
    println!(
        "{}",
        json!({ "changes": draft.changes.len(), "inputs_kib": before, "peak_kib": peak })
    );
    Ok(())
}
