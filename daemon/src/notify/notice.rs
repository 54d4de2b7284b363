//! One thing to tell one target.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::ledger::NotificationRow;

use super::cause::Cause;

/// One thing to tell one target: that a cause stands, or that it is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The row of the ledger that it comes from.
    pub row: i64,
    /// The same whenever the same thing is sent again, and never another's.
    pub id: String,
    /// The cause's key.
    pub key: String,
    /// The cause.
    pub cause: Cause,
    /// When it was noticed, or was over.
    pub at: DateTime<Utc>,
    /// That it is over, and how it ended.
    pub over: Option<Ending>,
}

/// How a cause ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It no longer stands.
    Gone,
    /// A held plan or an application was decided on.
    Decided {
        /// The status that it has now.
        status: String,
        /// Who decided, when a person did.
        by: Option<String>,
    },
}

impl Notice {
    /// The notice that a row calls for; none when the target knows already, or the row is another version's.
    /// `ending` tells how a cause ended.
    #[must_use]
    pub fn of(row: &NotificationRow, ending: impl FnOnce(&Cause) -> Ending) -> Option<Self> {
        let told = row.sent_at.is_some();
        let at = match (told, row.over_at) {
            (true, None) => return None,
            (_, over_at) => over_at.unwrap_or(row.noticed_at),
        };
        let cause: Cause = serde_json::from_value(row.detail.clone()).ok()?;
        let over = row.over_at.map(|_| ending(&cause));
        Some(Self {
            row: row.id,
            id: id(&[
                &row.target,
                &row.cause,
                &crate::ledger::time_text(row.noticed_at),
                if over.is_some() { "over" } else { "told" },
            ]),
            key: row.cause.clone(),
            cause,
            at,
            over,
        })
    }

    /// The event's word.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self.over {
            Some(_) => camsync_config::Event::Recovered.as_str(),
            None => self.cause.event().as_str(),
        }
    }
}

/// What is told of is named by when it was noticed, so that what comes back later is something else.
fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hash = hash.finalize();
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("msg_{hex}")
}
