//! What a source's snapshot says, as one short text: two that are alike are made of the same facts.

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::{Ledger, LedgerError};

/// All that a plan takes from a snapshot, a row a line. Of a look-up only the answer counts: the provider's words hold
/// numbers of their own requests.
const FACTS: [&str; 3] = [
    "SELECT key, facts_hash, present, coalesce(json_extract(witness, '$.answer'), '') FROM members WHERE source = ?1 ORDER BY key",
    "SELECT id, coalesce(parent, ''), name, '' FROM departments WHERE source = ?1 ORDER BY id",
    "SELECT item, '', '', '' FROM range_items WHERE source = ?1 ORDER BY item",
];

impl Ledger {
    /// The digest of a source's snapshot, in hexadecimal. The time of the crawl is no part of it: a crawl that found
    /// nothing new leaves it as it was.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn snapshot_digest(&self, source: &str) -> Result<String, LedgerError> {
        self.read("read the snapshot", |c| {
            let mut hash = Sha256::new();
            for query in FACTS {
                take_in(c, query, source, &mut hash)?;
            }
            Ok(hex(&hash.finalize()))
        })
    }
}

fn take_in(c: &Connection, query: &str, source: &str, hash: &mut Sha256) -> rusqlite::Result<()> {
    let mut statement = c.prepare_cached(query)?;
    let mut rows = statement.query([source])?;
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            let value: rusqlite::types::Value = row.get(column)?;
            let text = format!("{value:?}");
            // Each with its length, so that no two rows can look alike.
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hash.update(b"/");
    Ok(())
}

/// The first half of a hash, in hexadecimal.
pub(super) fn hex(hash: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(32);
    for byte in hash.iter().take(16) {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
