//! Names: who may have which, who would share one, and which existing account is the member's own.
//!
//! Names are compared case-folded, against every kind of account: whether CAM does so is unconfirmed
//! (`cam-api.md` 4.1), and a conflict reported is better than a stranger's account touched.

use std::collections::{HashMap, HashSet};

use crate::change::AdoptedBy;
use crate::desired::Admission;
use crate::model::fold;
use crate::problem::{Holder, NameFault, Problem};
use crate::rules::{Adopt, OnConflict};
use crate::sub_user::{AccountKind, Observed, ObservedUser, Stage, SubUser};

/// A userid has at most 64 bytes (`wecom-api.md` 2.1); CAM's own limit is unconfirmed and is its to say.
const LONGEST_NAME: usize = 64;
/// How far a suffix goes before the conflict is reported after all.
const LAST_SUFFIX: u32 = 999;

/// How a newcomer gets a sub-user.
#[derive(Debug)]
pub enum Naming<'a> {
    /// By making one of this name.
    Create(String),
    /// By taking this account over.
    Adopt {
        /// The account.
        account: &'a ObservedUser,
        /// By what it was recognised.
        by: AdoptedBy,
    },
}

/// Who holds and who wants which name.
#[derive(Debug)]
pub struct Names<'a> {
    observed: &'a Observed,
    /// By folded name: the sub-user in the ledger that holds it.
    held: HashMap<String, &'a SubUser>,
    managed_uins: HashSet<u64>,
    by_wecom_id: HashMap<String, Vec<&'a ObservedUser>>,
    /// By folded name: the newcomers that want it, in order.
    wanted: HashMap<String, Vec<(String, String)>>,
    /// Folded names given away in this plan.
    given: HashSet<String>,
    /// Accounts taken over in this plan.
    adopted: HashSet<u64>,
}

impl<'a> Names<'a> {
    /// Starts from what CAM and the ledger say.
    #[must_use]
    pub fn new(observed: &'a Observed, sub_users: &'a [SubUser]) -> Self {
        let mut by_wecom_id: HashMap<String, Vec<&ObservedUser>> = HashMap::new();
        for user in observed.users() {
            if let Some(id) = &user.wecom_user_id
                && user.kind == AccountKind::WecomSubUser
                && !user.off_limits
            {
                by_wecom_id.entry(fold(id)).or_default().push(user);
            }
        }
        let mut held: HashMap<String, &SubUser> = HashMap::new();
        for sub_user in sub_users {
            if sub_user.stage == Stage::Managed || sub_user.busy {
                let holder = held.entry(fold(&sub_user.username)).or_insert(sub_user);
                if sub_user.id < holder.id {
                    *holder = sub_user;
                }
            }
        }
        Self {
            observed,
            held,
            managed_uins: sub_users
                .iter()
                .filter(|s| s.stage == Stage::Managed)
                .filter_map(|s| s.uin)
                .collect(),
            by_wecom_id,
            wanted: HashMap::new(),
            given: HashSet::new(),
            adopted: HashSet::new(),
        }
    }

    /// Registers a newcomer's wish; all wishes come before the first [`Names::settle`].
    pub fn want(&mut self, source: &str, key: &str, admission: &Admission) {
        self.wanted
            .entry(fold(&admission.username))
            .or_default()
            .push((source.to_owned(), key.to_owned()));
    }

    /// Decides for one newcomer. `wanted` is the row of an earlier plan whose creation has not begun.
    ///
    /// # Errors
    /// The conflict, when there is no lawful name.
    pub fn settle(
        &mut self,
        source: &str,
        key: &str,
        admission: &Admission,
        wanted: Option<&SubUser>,
    ) -> Result<Naming<'a>, Problem> {
        if admission.adopt == Adopt::Wecom
            && let Some(naming) = self.adopt_by_wecom_id(key)?
        {
            return Ok(naming);
        }
        let username = &admission.username;
        legal(username)?;
        let folded = fold(username);
        let taken = self.taken(&folded);
        let rivals: Vec<String> = self
            .wanted
            .get(&folded)
            .into_iter()
            .flatten()
            .filter(|(s, k)| !(s == source && k == key))
            .map(|(s, k)| {
                if s == source {
                    k.clone()
                } else {
                    format!("{s}/{k}")
                }
            })
            .collect();
        if let Some(account) = self.observed.by_folded_name(&folded)
            && admission.adopt == Adopt::Name
            && rivals.is_empty()
            && account.name == *username
            && account.kind != AccountKind::Other
            && self.may_adopt(account)
        {
            self.adopted.insert(account.uin);
            return Ok(Naming::Adopt {
                account,
                by: AdoptedBy::Name,
            });
        }
        if taken.is_none() && rivals.is_empty() {
            self.given.insert(folded);
            return Ok(Naming::Create(username.clone()));
        }
        if admission.conflict == OnConflict::Suffix {
            // The name that an earlier plan settled on stays.
            if let Some(earlier) = wanted
                && self.taken(&fold(&earlier.username)).is_none()
            {
                self.given.insert(fold(&earlier.username));
                return Ok(Naming::Create(earlier.username.clone()));
            }
            let plain = (taken.is_none()).then(|| username.clone());
            let suffixed = (2..=LAST_SUFFIX).map(|n| format!("{username}-{n}"));
            if let Some(free) = plain.into_iter().chain(suffixed).find(|candidate| {
                let folded = fold(candidate);
                self.taken(&folded).is_none()
                    && (candidate == username || !self.wanted.contains_key(&folded))
                    && candidate.len() <= LONGEST_NAME
            }) {
                self.given.insert(fold(&free));
                return Ok(Naming::Create(free));
            }
        }
        Err(match taken {
            Some(by) => Problem::NameTaken {
                username: username.clone(),
                by,
            },
            None => Problem::NameShared {
                username: username.clone(),
                with: rivals,
            },
        })
    }

    fn may_adopt(&self, account: &ObservedUser) -> bool {
        !account.off_limits
            && !self.managed_uins.contains(&account.uin)
            && !self.adopted.contains(&account.uin)
    }

    fn adopt_by_wecom_id(&mut self, key: &str) -> Result<Option<Naming<'a>>, Problem> {
        let candidates: Vec<&'a ObservedUser> = self
            .by_wecom_id
            .get(key)
            .into_iter()
            .flatten()
            .copied()
            .filter(|u| self.may_adopt(u))
            .collect();
        match candidates.as_slice() {
            [] => Ok(None),
            [account] => {
                self.adopted.insert(account.uin);
                Ok(Some(Naming::Adopt {
                    account,
                    by: AdoptedBy::WecomId,
                }))
            }
            several => Err(Problem::AdoptionAmbiguous {
                usernames: several.iter().map(|u| u.name.clone()).collect(),
            }),
        }
    }

    /// Who has the name, if anybody.
    fn taken(&self, folded: &str) -> Option<Holder> {
        if let Some(holder) = self.held.get(folded) {
            return Some(Holder::Member {
                member: holder.member.clone(),
                source: holder.source.clone(),
            });
        }
        if let Some(account) = self.observed.by_folded_name(folded) {
            return Some(Holder::Account {
                name: account.name.clone(),
                uin: account.uin,
            });
        }
        self.given.contains(folded).then_some(Holder::ThisPlan)
    }
}

/// Refuses only what no service accepts: the alphabet is unconfirmed, and CAM's refusal has no effect.
fn legal(username: &str) -> Result<(), Problem> {
    let why = if username.is_empty() {
        NameFault::Empty
    } else if username.len() > LONGEST_NAME {
        NameFault::TooLong
    } else if username.trim() != username || username.chars().any(char::is_control) {
        NameFault::Blanks
    } else {
        return Ok(());
    };
    Err(Problem::NameIllegal {
        username: username.to_owned(),
        why,
    })
}
