//! Policies as they were when a rule first came to them: whoever later puts another one under the same name, or makes
//! one administer, gives nobody anything by it.

use std::collections::HashMap;

use rusqlite::params;

use super::{Ledger, LedgerError};

/// A policy as it was when a rule first came to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// CAM's id.
    pub cam_id: u64,
    /// Whether it gave rights that administer.
    pub administers: bool,
}

impl Ledger {
    /// The pins, by the policies' exact names.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn policy_pins(&self) -> Result<HashMap<String, Pin>, LedgerError> {
        self.read("read the policies' pins", |c| {
            c.prepare_cached("SELECT name, cam_id, administers FROM policy_pins")?
                .query_map([], |row| {
                    let pin = Pin {
                        cam_id: row.get(1)?,
                        administers: row.get(2)?,
                    };
                    Ok((row.get(0)?, pin))
                })?
                .collect()
        })
    }

    /// Pins policies that a rule has come to, and forgets those that no rule names any more. A pin that is there stays
    /// as it is.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn pin_policies(
        &self,
        new: &[(String, Pin)],
        forgotten: &[String],
    ) -> Result<(), LedgerError> {
        if new.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        self.write("pin policies", |t| {
            let mut statement = t.prepare_cached("DELETE FROM policy_pins WHERE name = ?1")?;
            for name in forgotten {
                statement.execute([name])?;
            }
            let mut statement = t.prepare_cached(
                "INSERT OR IGNORE INTO policy_pins (name, cam_id, administers) VALUES (?1, ?2, ?3)",
            )?;
            for (name, pin) in new {
                statement.execute(params![name, pin.cam_id, pin.administers])?;
            }
            Ok(())
        })
    }
}
