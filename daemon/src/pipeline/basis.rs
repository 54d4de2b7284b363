//! Basis: what a plan was made from, as digests. A plan that a person has read is applied only while it still is that.

use std::collections::{BTreeMap, HashSet};

use camsync_cam::Account;
use camsync_core::model::fold;
use camsync_core::sub_user::Observed;
use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, LedgerError, facts_hash};

use super::reconcile::{Made, Policy, Ready};

/// What a plan was made from. Digests are in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The root account; absent where changes are only recorded.
    pub account: Option<String>,
    /// Digest of the rules, the guard, and what else the configuration says about plans.
    pub rules: String,
    /// Digest of what CAM showed of managed sub-users and of the names that the plan is about.
    pub cloud: String,
    /// Digest of each source's snapshot.
    pub sources: BTreeMap<String, String>,
}

/// What is no longer as it was when a plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "moved")]
pub enum Moved {
    /// Another root account's key.
    Account,
    /// The configuration's rules.
    Rules,
    /// What a source says.
    Source {
        /// Its name.
        name: String,
    },
    /// What CAM shows.
    Cloud,
    /// None of these, and yet the plan would be another: time, or what a person has decided.
    Decisions,
}

impl Basis {
    /// What this plan was made from.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(
        ledger: &Ledger,
        account: Option<&Account>,
        policy: &Policy,
        ready: &[Ready],
        observed: &Observed,
        made: &Made,
    ) -> Result<Self, LedgerError> {
        let sources = ready
            .iter()
            .map(|r| Ok((r.name.clone(), ledger.snapshot_digest(&r.name)?)))
            .collect::<Result<_, LedgerError>>()?;
        let managed: HashSet<u64> = ledger
            .managed_names()?
            .iter()
            .map(|(uin, _)| *uin)
            .collect();
        // Also names that somebody else has got meanwhile: then there is no change of them any more.
        let planned = made.draft.changes.iter().map(|c| c.username.as_str());
        let names: HashSet<String> = planned.chain(made.wanted_names()).map(fold).collect();
        // In the order of Uin: `Observed` keeps it.
        let cloud: Vec<_> = observed
            .users()
            .iter()
            .filter(|u| managed.contains(&u.uin) || names.contains(&fold(&u.name)))
            .collect();
        Ok(Self {
            account: account.map(|a| a.owner_uin.to_string()),
            // Rules have no maps: the same ones are always written alike by the same program.
            rules: facts_hash(&format!("{} {policy:?}", env!("CARGO_PKG_VERSION"))),
            cloud: facts_hash(&format!("{cloud:?}")),
            sources,
        })
    }

    /// What has moved on since this was made; nothing when all is as it was.
    #[must_use]
    pub fn moved_on(&self, now: &Self) -> Vec<Moved> {
        let mut moved = Vec::new();
        if self.account != now.account {
            moved.push(Moved::Account);
        }
        if self.rules != now.rules {
            moved.push(Moved::Rules);
        }
        let names: std::collections::BTreeSet<&String> =
            self.sources.keys().chain(now.sources.keys()).collect();
        for name in names {
            if self.sources.get(name) != now.sources.get(name) {
                moved.push(Moved::Source { name: name.clone() });
            }
        }
        if self.cloud != now.cloud {
            moved.push(Moved::Cloud);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(rules: &str, cloud: &str, acme: &str) -> Basis {
        Basis {
            account: Some("1".into()),
            rules: rules.into(),
            cloud: cloud.into(),
            sources: [("acme".to_owned(), acme.to_owned())].into(),
        }
    }

    #[test]
    fn it_says_which_part_has_moved_on() {
        let then = basis("r", "c", "a");
        assert_eq!(then.moved_on(&then), []);
        assert_eq!(then.moved_on(&basis("r2", "c", "a")), [Moved::Rules]);
        assert_eq!(then.moved_on(&basis("r", "c2", "a")), [Moved::Cloud]);
        let acme = Moved::Source {
            name: "acme".into(),
        };
        assert_eq!(
            then.moved_on(&basis("r", "c", "a2")),
            std::slice::from_ref(&acme)
        );
        let none = Basis {
            sources: BTreeMap::new(),
            ..then.clone()
        };
        assert_eq!(then.moved_on(&none), [acme]);
    }
}
