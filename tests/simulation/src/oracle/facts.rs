//! Since when something is, or is not, called for.

use std::collections::BTreeMap;

use crate::company::DEPARTMENTS;
use crate::rules::{ADMIN, Entitled, READ, Why};

/// What may be called for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A sub-user that may sign in.
    SubUser,
    /// Being in a group.
    Group(String),
    /// A policy.
    Policy(&'static str),
    /// The provider says that the member is switched off.
    Disabled,
    /// The provider shows no such member.
    Unseen,
}

/// By member and thing: whether it is called for, if that is known, and since which step.
#[derive(Debug, Default)]
pub(super) struct Facts(BTreeMap<(String, What), (Option<bool>, usize)>);

/// Every group that a rule can name.
pub(super) fn group_names() -> Vec<String> {
    let by_department = DEPARTMENTS.iter().map(|(_, name)| format!("dept-{name}"));
    let fixed = ["rd", "sales", "ops"].map(str::to_owned);
    fixed.into_iter().chain(by_department).collect()
}

impl Facts {
    /// Takes in what somebody should have in this step, by everything that the product may believe.
    pub(super) fn note(&mut self, member: &str, entitled: &[&Entitled], step: usize) {
        let mut set = |what: What, is: &dyn Fn(&Entitled) -> Option<bool>| {
            let mut all = entitled.iter().map(|e| is(e));
            let first = all.next().flatten();
            let agreed = first.filter(|_| all.all(|other| other == first));
            let now = self
                .0
                .entry((member.to_owned(), what))
                .or_insert((Some(false), 0));
            if now.0 != agreed {
                *now = (agreed, step);
            }
        };
        set(What::SubUser, &|e| match e {
            Entitled::Applies => None,
            Entitled::Yes { .. } => Some(true),
            Entitled::No(_) => Some(false),
        });
        set(What::Disabled, &|e| {
            Some(matches!(e, Entitled::No(Why::Disabled)))
        });
        set(What::Unseen, &|e| {
            Some(matches!(e, Entitled::No(Why::Unseen)))
        });
        for name in group_names() {
            set(What::Group(name.clone()), &|e| match e {
                Entitled::Applies => None,
                Entitled::Yes { groups, .. } => Some(groups.contains(&name)),
                Entitled::No(_) => Some(false),
            });
        }
        for policy in [READ, ADMIN] {
            set(What::Policy(policy), &|e| match e {
                Entitled::Applies => None,
                Entitled::Yes { policies, like, .. } => {
                    let is = policies.contains(policy);
                    // A template may have it, too, but for what administers.
                    (is || !like || policy == ADMIN).then_some(is)
                }
                Entitled::No(_) => Some(false),
            });
        }
    }

    /// Since which step it is as it is.
    pub(super) fn since(&self, member: &str, what: &What) -> usize {
        let key = (member.to_owned(), what.clone());
        self.0.get(&key).map_or(0, |(_, since)| *since)
    }

    /// Whether it has been so, without a break, since this step at the latest; in step 0 nobody had seen anything.
    pub(super) fn settled(&self, member: &str, what: &What, is: bool, by: usize) -> bool {
        let key = (member.to_owned(), what.clone());
        let (now, since) = self.0.get(&key).copied().unwrap_or((Some(false), 0));
        by > 0 && now == Some(is) && since <= by
    }
}
