//! Grants: what rules call for, what camsync gave, and what CAM shows of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::fold;
use crate::object::ObjectKind;

/// The name of the one policy that camsync makes: it denies everything, and an explicit denial wins over every grant
/// (`cam-api.md` 5.2).
pub const DENY_ALL: &str = "camsync-deny-all";
/// Its document (`cam-api.md` 5.2).
pub const DENY_ALL_DOCUMENT: &str =
    r#"{"version":"2.0","statement":[{"effect":"deny","action":["*"],"resource":["*"]}]}"#;

/// Whether two policy documents say the same: CAM may space one in its own way.
#[must_use]
pub fn same_document(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    parse(one).is_some_and(|one| parse(other) == Some(one))
}

/// One group or policy that a rule calls for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted {
    /// Its name.
    pub name: Arc<str>,
    /// Line of the first rule that calls for it.
    pub rule: u32,
    /// The configuration names it literally; otherwise the name was made from a member's facts.
    pub literal: bool,
}

/// What the grant rules call for, for one member. All matching rules add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entitlement {
    /// Groups, by name, sorted, each once.
    pub groups: Vec<Wanted>,
    /// Policies, by name, sorted, each once; always literal.
    pub policies: Vec<Wanted>,
    /// Sub-users whose groups and own policies are followed, by name.
    pub like: Vec<Wanted>,
    /// Line of the first matching rule that takes away what others gave by hand.
    pub exclusive: Option<u32>,
}

impl Entitlement {
    /// Whether nothing is called for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
            && self.policies.is_empty()
            && self.like.is_empty()
            && self.exclusive.is_none()
    }
}

/// What a grant goes back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledForBy {
    /// Line of the rule.
    pub rule: u32,
    /// The sub-user that the rule follows, when it comes from there.
    pub like: Option<String>,
}

/// One grant as the ledger has it: given by camsync, and so camsync's to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// A group or a policy.
    pub kind: ObjectKind,
    /// Its name when it was given.
    pub name: String,
    /// CAM's id.
    pub id: u64,
    /// Line of the rule that called for it; absent for the deny-all policy.
    pub rule: Option<u32>,
    /// The sub-user that the rule follows, when it came from there.
    pub like: Option<String>,
    /// Since when no read has shown it; absent once one has.
    pub unconfirmed_since: Option<DateTime<Utc>>,
}

impl Given {
    /// Whether it takes instead of giving.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.rule.is_none()
    }
}

/// A group or policy that camsync made, or is about to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The ledger's id.
    pub id: i64,
    /// A group or a policy.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// CAM's id; absent until it is made.
    pub cam_id: Option<u64>,
    /// Since when no read has shown it; absent once one has.
    pub unconfirmed_since: Option<DateTime<Utc>>,
    /// A change of it is in flight: nothing is planned until that is settled.
    pub busy: bool,
}

/// A group as CAM shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// CAM's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its members, by Uin; absent when they were not read.
    pub members: Option<HashSet<u64>>,
    /// How many policies are attached to it; absent when they were not read.
    pub policies: Option<usize>,
    /// A policy on it that administers.
    pub administers: Option<String>,
    /// Whether a policy on it denies something, or may: being in it takes access.
    pub denies: bool,
}

/// A policy as CAM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// CAM's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whether it gives rights that administer.
    pub administers: bool,
    /// Whether it can be given: in service, and not a service's own.
    pub usable: bool,
    /// Not what it was when a rule first came to it: another one under the same name, or one that administers only
    /// since then.
    pub replaced: bool,
}

/// What one sub-user has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Policies attached directly, by id, with their names; absent when camsync's own key may not list them.
    pub policies: Option<BTreeMap<u64, String>>,
    /// API keys by id, and whether each works; absent when camsync's own key may not list them.
    pub keys: Option<BTreeMap<String, bool>>,
    /// Groups by id, with their names; absent when they were not asked for.
    pub groups: Option<BTreeMap<u64, String>>,
}

/// A sub-user whose grants are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Its groups, by id.
    pub groups: BTreeSet<u64>,
    /// Its own policies.
    pub policies: Vec<ObservedPolicy>,
}

/// What CAM shows of the deny-all policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DenyAllPolicy {
    /// Not asked for.
    #[default]
    Unread,
    /// There is none of that name.
    Missing,
    /// It is there, and denies everything.
    Denies(u64),
    /// There is one of that name that says something else: it is not used.
    SaysOtherwise,
}

/// What CAM shows of grants, as far as [`Needs`] asked for it.
#[derive(Debug, Default)]
pub struct ObservedGrants {
    /// Every group by id; empty when groups were not asked for.
    groups: HashMap<u64, ObservedGroup>,
    by_name: HashMap<String, u64>,
    by_folded_name: HashMap<String, u64>,
    /// The policies that were asked for, by exact name; `None` when there is none.
    pub policies: HashMap<String, Option<ObservedPolicy>>,
    /// What sub-users have of their own, by Uin.
    pub own: HashMap<u64, Own>,
    /// Of the policies that sub-users of an exclusive rule have: those that are known to deny nothing, by id.
    pub harmless: HashSet<u64>,
    /// The followed sub-users, by exact name; `None` when there is none.
    pub templates: HashMap<String, Option<Template>>,
    /// Of accounts that might be taken over by their name, by Uin: a policy that administers, if they have one.
    pub candidates: HashMap<u64, Option<String>>,
    /// The deny-all policy.
    pub deny_all: DenyAllPolicy,
    /// The CAM action that camsync's own key may not call: of groups, policies and followed sub-users nothing was read
    /// for that.
    pub unreadable: Option<String>,
    /// How many groups there are; absent when they were not asked for.
    pub group_count: Option<u64>,
}

impl ObservedGrants {
    /// Takes in every group of the account.
    pub fn set_groups(&mut self, groups: Vec<ObservedGroup>) {
        self.group_count = Some(groups.len() as u64);
        for group in &groups {
            self.by_name.insert(group.name.clone(), group.id);
            self.by_folded_name
                .entry(fold(&group.name))
                .or_insert(group.id);
        }
        self.groups = groups.into_iter().map(|g| (g.id, g)).collect();
    }

    /// The group with this id.
    #[must_use]
    pub fn group(&self, id: u64) -> Option<&ObservedGroup> {
        self.groups.get(&id)
    }

    /// The group of this name, or else one whose name folds as it does: whether CAM tells cases apart is unconfirmed
    /// (`cam-api.md` 4.1).
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&ObservedGroup> {
        let exactly = self.by_name.get(name);
        let id = exactly.or_else(|| self.by_folded_name.get(&fold(name)))?;
        self.groups.get(id)
    }

    /// Every group.
    pub fn groups(&self) -> impl Iterator<Item = &ObservedGroup> {
        self.groups.values()
    }
}

/// How a sub-user's own grants are to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnNeed {
    /// Now, and not as of at most an hour ago.
    pub fresh: bool,
    /// With its groups.
    pub groups: bool,
    /// With its API keys.
    pub keys: bool,
}

/// What of CAM a plan has to see of grants. What nobody asks for is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Groups by name, which rules call for: their members, and whether they administer.
    pub group_names: BTreeSet<String>,
    /// Groups by id, which camsync made or gave: the same.
    pub group_ids: BTreeSet<u64>,
    /// Policies by name.
    pub policies: BTreeSet<String>,
    /// Followed sub-users by name.
    pub templates: BTreeSet<String>,
    /// What these sub-users have of their own, by Uin.
    pub own: BTreeMap<u64, OwnNeed>,
    /// Accounts that might be taken over by their name, by Uin: whether they administer.
    pub candidates: BTreeSet<u64>,
    /// Whether the deny-all policy exists.
    pub deny_all: bool,
}

impl Needs {
    /// Asks for a sub-user's own grants.
    pub fn want_own(&mut self, uin: u64, need: OwnNeed) {
        let known = self.own.entry(uin).or_default();
        known.fresh |= need.fresh;
        known.groups |= need.groups;
        known.keys |= need.keys;
    }

    /// Whether the account's groups have to be listed.
    #[must_use]
    pub fn groups(&self) -> bool {
        !(self.group_names.is_empty()
            && self.group_ids.is_empty()
            && self.templates.is_empty()
            && self.candidates.is_empty())
            || self.own.values().any(|own| own.groups)
    }
}
