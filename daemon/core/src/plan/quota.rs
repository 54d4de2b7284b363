//! Quotas: what does not fit waits, with the numbers; the rest goes on.

use std::collections::HashMap;

use crate::change::{Hold, Planned};
use crate::grants::ObservedGrants;
use crate::outbox::Kind;
use crate::sub_user::Observed;

use super::grants::Grants;
use super::{Draft, PlanInput};

/// What an account has room for (`cam-api.md` 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quota {
    /// Sub-users of the account.
    SubUsers,
    /// Groups of the account.
    Groups,
    /// Sub-users in one group.
    GroupSubUsers,
    /// Groups of one sub-user.
    SubUserGroups,
    /// Policies attached to one sub-user.
    SubUserPolicies,
}

impl Quota {
    /// The word in JSON, in the configuration and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubUsers => "sub_users",
            Self::Groups => "groups",
            Self::GroupSubUsers => "users_per_group",
            Self::SubUserGroups => "groups_per_user",
            Self::SubUserPolicies => "policies_per_user",
        }
    }

    /// The quota of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::SubUsers,
            Self::Groups,
            Self::GroupSubUsers,
            Self::SubUserGroups,
            Self::SubUserPolicies,
        ]
        .into_iter()
        .find(|q| q.as_str() == word)
    }
}

/// What is known of quotas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    /// By configuration.
    pub known: HashMap<Quota, u64>,
    /// Learnt from a refusal: of which group or sub-user, by CAM's id (0 for the account), and how many there were.
    pub full_at: HashMap<(Quota, u64), u64>,
}

impl Quotas {
    /// The most that there may be, of this group or sub-user.
    #[must_use]
    pub fn limit(&self, quota: Quota, of: u64) -> Option<u64> {
        let learnt = self.full_at.get(&(quota, of)).copied();
        let known = self.known.get(&quota).copied();
        match (learnt, known) {
            (Some(learnt), Some(known)) => Some(learnt.min(known)),
            (one, other) => one.or(other),
        }
    }
}

/// What a plan does to one quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Which.
    pub quota: Quota,
    /// Of which group or sub-user, by name; absent for the account's.
    pub of: Option<String>,
    /// The limit, where it is known or was learnt.
    pub limit: Option<u64>,
    /// How many there are.
    pub used: u64,
    /// How many more this plan wants.
    pub wanted: u64,
}

/// Holds what does not fit, and what depends on it.
pub(super) fn hold(input: &PlanInput<'_>, grants: &Grants<'_>, draft: &mut Draft) {
    let mut wanted: HashMap<(Quota, u64), u64> = HashMap::new();
    let mut named = Named::new(input);
    for change in &draft.changes {
        for quota in named.uses(change).into_iter().flatten() {
            *wanted.entry(quota).or_default() += 1;
        }
    }
    let count = |named: &Named, quota, of| match named.to_come(of) {
        Some(_) => Some((0, true)),
        None => count(input.observed, grants.observed, quota, of),
    };
    let mut taken: HashMap<(Quota, u64), u64> = HashMap::new();
    for change in &mut draft.changes {
        let mut full = None;
        for (quota, of) in named.uses(change).into_iter().flatten() {
            let Some(limit) = input.quotas.limit(quota, of) else {
                continue;
            };
            let Some((seen, whole)) = count(&named, quota, of) else {
                continue;
            };
            // Until all are counted, what CAM said stands.
            let learnt = input.quotas.full_at.get(&(quota, of)).filter(|_| !whole);
            let used = learnt.map_or(seen, |learnt| seen.max(*learnt));
            if used + taken.get(&(quota, of)).copied().unwrap_or_default() >= limit {
                full = Some(Hold::Quota {
                    quota: quota.as_str().into(),
                    limit: Some(limit),
                    used,
                    wanted: wanted.get(&(quota, of)).copied().unwrap_or_default(),
                });
                break;
            }
        }
        if full.is_some() {
            change.hold = full;
            continue;
        }
        for quota in named.uses(change).into_iter().flatten() {
            *taken.entry(quota).or_default() += 1;
        }
    }
    hold_what_depends(draft);
    draft.forecast = wanted
        .into_iter()
        .filter(|((quota, of), _)| *of == 0 || input.quotas.limit(*quota, *of).is_some())
        .map(|((quota, of), wanted)| Forecast {
            quota,
            of: (named.to_come(of).map(str::to_owned))
                .or_else(|| name_of(input, grants, quota, of)),
            limit: input.quotas.limit(quota, of),
            used: count(&named, quota, of).map_or(0, |(count, _)| count),
            wanted,
        })
        .filter(|f| f.of.is_none() || f.limit.is_some_and(|limit| f.used + f.wanted > limit))
        .collect();
    draft
        .forecast
        .sort_by(|a, b| (a.quota, &a.of).cmp(&(b.quota, &b.of)));
}

/// Groups and sub-users by CAM's id. What this plan has yet to make gets an id of its own from the other end of the
/// numbers: there is none of it so far.
struct Named {
    uins: HashMap<i64, u64>,
    ids: HashMap<ToCome, u64>,
    names: Vec<String>,
}

#[derive(PartialEq, Eq, Hash)]
enum ToCome {
    Group(String),
    /// Of this source, the member of this id.
    SubUser(String, String),
}

impl Named {
    fn new(input: &PlanInput<'_>) -> Self {
        let uins = input.sub_users.iter().filter_map(|s| Some((s.id, s.uin?)));
        Self {
            uins: uins.collect(),
            ids: HashMap::new(),
            names: Vec::new(),
        }
    }

    fn id(&mut self, what: ToCome, name: &str) -> u64 {
        let names = &mut self.names;
        *self.ids.entry(what).or_insert_with(|| {
            names.push(name.to_owned());
            u64::MAX - (names.len() as u64 - 1)
        })
    }

    /// The name of what is yet to be made.
    fn to_come(&self, id: u64) -> Option<&str> {
        let at = usize::try_from(u64::MAX - id).ok()?;
        self.names.get(at).map(String::as_str)
    }

    /// Which quotas a change uses one of, each with the id of the group or sub-user (0 for the account).
    fn uses(&mut self, change: &Planned) -> [Option<(Quota, u64)>; 2] {
        match (change.kind, &change.object) {
            (Kind::CreateUser, _) => [Some((Quota::SubUsers, 0)), None],
            (Kind::CreateGroup, _) => [Some((Quota::Groups, 0)), None],
            (Kind::AddToGroup, Some(group)) => {
                let to_come = || ToCome::Group(group.name.clone());
                let id = group.id.unwrap_or_else(|| self.id(to_come(), &group.name));
                [
                    Some((Quota::GroupSubUsers, id)),
                    Some((Quota::SubUserGroups, self.sub_user(change))),
                ]
            }
            (Kind::AttachPolicy, _) => {
                [Some((Quota::SubUserPolicies, self.sub_user(change))), None]
            }
            _ => [None, None],
        }
    }

    fn sub_user(&mut self, change: &Planned) -> u64 {
        let known = change.sub_user.and_then(|id| self.uins.get(&id).copied());
        known.unwrap_or_else(|| {
            let to_come = ToCome::SubUser(change.source.clone(), change.member.clone());
            self.id(to_come, &change.username)
        })
    }
}

/// How many there are of what a quota counts, where that was read whole.
#[must_use]
pub fn used(observed: &Observed, granted: &ObservedGrants, quota: Quota, of: u64) -> Option<u64> {
    let (count, whole) = count(observed, granted, quota, of)?;
    whole.then_some(count)
}

/// The same, and whether that is all of them: of a sub-user's groups only those may have been read that rules name.
fn count(
    observed: &Observed,
    granted: &ObservedGrants,
    quota: Quota,
    of: u64,
) -> Option<(u64, bool)> {
    let own = granted.own.get(&of);
    let (count, whole) = match quota {
        Quota::SubUsers => (observed.sub_user_count(), true),
        Quota::Groups => return granted.group_count.map(|count| (count, true)),
        Quota::GroupSubUsers => (granted.group(of)?.members.as_ref()?.len(), true),
        Quota::SubUserGroups => match own.and_then(|own| own.groups.as_ref()) {
            Some(groups) => (groups.len(), true),
            None => {
                let members = || granted.groups().map(|g| g.members.as_ref());
                let within = members().flatten().filter(|m| m.contains(&of));
                (within.count(), members().all(|m| m.is_some()))
            }
        },
        Quota::SubUserPolicies => (own?.policies.as_ref()?.len(), true),
    };
    Some((count as u64, whole))
}

fn name_of(input: &PlanInput<'_>, grants: &Grants<'_>, quota: Quota, of: u64) -> Option<String> {
    match quota {
        Quota::SubUsers | Quota::Groups => None,
        Quota::GroupSubUsers => grants.observed.group(of).map(|g| g.name.clone()),
        Quota::SubUserGroups | Quota::SubUserPolicies => {
            input.observed.by_uin(of).map(|u| u.name.clone())
        }
    }
}

/// What a held creation was to be the ground of waits with it.
fn hold_what_depends(draft: &mut Draft) {
    let held = |change: &Planned, kind: Kind| (change.kind == kind).then(|| change.hold.clone())?;
    let users: HashMap<(String, String), Hold> = draft
        .changes
        .iter()
        .filter_map(|c| {
            Some((
                (c.source.clone(), c.member.clone()),
                held(c, Kind::CreateUser)?,
            ))
        })
        .collect();
    let groups: HashMap<String, Hold> = draft
        .changes
        .iter()
        .filter_map(|c| Some((c.object.as_ref()?.name.clone(), held(c, Kind::CreateGroup)?)))
        .collect();
    if users.is_empty() && groups.is_empty() {
        return;
    }
    for change in draft.changes.iter_mut().filter(|c| c.hold.is_none()) {
        if let Some(hold) = users.get(&(change.source.clone(), change.member.clone())) {
            change.hold = Some(hold.clone());
        } else if change.kind == Kind::AddToGroup
            && let Some(object) = change.object.as_ref().filter(|o| o.id.is_none())
        {
            change.hold = groups.get(&object.name).cloned();
        }
    }
}
