//! Listings with numbered pages: fetched to the announced total, each entry once.

use std::collections::BTreeMap;

use crate::{
    action::Action,
    error::{Error, Fault},
};

/// Entries asked for per page. Several lists document no maximum; 100 is the dossier's advice (`cam-api.md 3.2`).
pub(super) const PAGE_SIZE: u64 = 100;
/// A listing is begun again this often when entries shifted between its pages.
const PASSES_MAX: u32 = 3;

/// One page.
pub(super) struct Page<T> {
    /// How many entries the service says there are in all.
    pub(super) total: u64,
    pub(super) entries: Vec<T>,
}

/// Where the next page begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The page's number, from 1.
    pub(super) number: u64,
    /// How many entries came before it.
    pub(super) offset: u64,
}

/// Fetches every page and returns the entries by their key, each once.
///
/// An entry that comes twice shows that something was written meanwhile and pages shifted; another may then have been
/// skipped, so the pass is made again and its entries added. A listing that ends before its total is an error.
pub(super) async fn every_page<T, F>(
    action: &Action,
    key: impl Fn(&T) -> u64,
    fetch: impl Fn(Cursor) -> F,
) -> Result<BTreeMap<u64, T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let mut found = BTreeMap::new();
    for _ in 0..PASSES_MAX {
        let mut seen_before_pass = BTreeMap::new();
        std::mem::swap(&mut seen_before_pass, &mut found);
        let mut cursor = Cursor {
            number: 1,
            offset: 0,
        };
        loop {
            let page = fetch(cursor).await?;
            let count = page.entries.len() as u64;
            found.extend(page.entries.into_iter().map(|entry| (key(&entry), entry)));
            cursor = Cursor {
                number: cursor.number + 1,
                offset: cursor.offset + count,
            };
            if cursor.offset >= page.total {
                break;
            }
            if count == 0 {
                let message = format!("{} of {} entries", cursor.offset, page.total);
                return Err(Error::unknown(action, Fault::Incomplete, &message));
            }
        }
        let shifted = (found.len() as u64) < cursor.offset;
        for (id, entry) in seen_before_pass {
            found.entry(id).or_insert(entry);
        }
        if !shifted {
            break;
        }
    }
    Ok(found)
}
