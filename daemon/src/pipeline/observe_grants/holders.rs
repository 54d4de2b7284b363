//! Sub-users of whom a plan has to see all that they have: those that rules follow, and those that might be taken over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camsync_cam::{AttachedPolicy, Cam, Error, Group};
use camsync_core::grants::{Needs, ObservedGrants, Template};
use camsync_core::sub_user::{AccountKind, Observed};
use futures_util::future::{FutureExt as _, try_join};

use super::policies::Policies;
use super::{if_there, side_by_side};

/// The groups and own policies of one sub-user.
struct Held {
    groups: Vec<Group>,
    policies: Vec<AttachedPolicy>,
}

/// What each of them has; absent of those that do not exist.
pub(super) struct Holders {
    /// The followed ones, by exact name.
    templates: HashMap<String, Option<Held>>,
    /// Those that might be taken over, by Uin.
    candidates: HashMap<u64, Option<Held>>,
}

impl Holders {
    pub(super) async fn read(
        cam: &dyn Cam,
        needs: &Needs,
        observed: &Observed,
    ) -> Result<Self, Error> {
        let followed = uins(&needs.templates, observed);
        let all: BTreeSet<u64> = followed
            .values()
            .chain(&needs.candidates)
            .copied()
            .collect();
        let read =
            side_by_side(all.into_iter().map(|uin| held(cam, uin).boxed()).collect()).await?;
        // Two rules may follow whom a third would take over: each gets what was read.
        let read: BTreeMap<u64, Option<Held>> = read.into_iter().collect();
        let of = |uin: u64| {
            let held = read.get(&uin)?.as_ref()?;
            Some(Held {
                groups: held.groups.clone(),
                policies: held.policies.clone(),
            })
        };
        Ok(Self {
            templates: needs
                .templates
                .iter()
                .map(|name| (name.clone(), followed.get(name).and_then(|uin| of(*uin))))
                .collect(),
            candidates: needs.candidates.iter().map(|u| (*u, of(*u))).collect(),
        })
    }

    /// The groups of those that are followed: who else is in them matters.
    pub(super) fn followed_groups(&self) -> impl Iterator<Item = u64> {
        groups(self.templates.values())
    }

    /// The groups of those that might be taken over.
    pub(super) fn candidates_groups(&self) -> impl Iterator<Item = u64> {
        groups(self.candidates.values())
    }

    /// Every policy that one of them has of its own.
    pub(super) fn policies(&self) -> impl Iterator<Item = &AttachedPolicy> {
        let all = self.templates.values().chain(self.candidates.values());
        all.flatten().flat_map(|held| &held.policies)
    }

    /// Says what they amount to; `seen` has the groups already.
    pub(super) fn judged(self, policies: &Policies, seen: &mut ObservedGrants) {
        for (uin, held) in self.candidates {
            let Some(held) = held else { continue };
            let own = policies.first_that_administers(&held.policies);
            let joined = held.groups.iter().filter_map(|g| seen.group(g.id));
            let through = || joined.filter_map(|g| g.administers.clone()).next();
            seen.candidates.insert(uin, own.or_else(through));
        }
        for (name, held) in self.templates {
            let template = held.map(|held| Template {
                groups: held.groups.iter().map(|g| g.id).collect(),
                policies: held.policies.iter().map(|p| policies.attached(p)).collect(),
            });
            seen.templates.insert(name, template);
        }
    }
}

fn groups<'a>(holders: impl Iterator<Item = &'a Option<Held>>) -> impl Iterator<Item = u64> {
    holders.flatten().flat_map(|h| &h.groups).map(|g| g.id)
}

/// The Uins of sub-users of exactly these names.
fn uins(names: &BTreeSet<String>, observed: &Observed) -> HashMap<String, u64> {
    if names.is_empty() {
        return HashMap::new();
    }
    observed
        .users()
        .iter()
        .filter(|u| u.kind != AccountKind::Other && !u.off_limits && names.contains(&u.name))
        .map(|u| (u.name.clone(), u.uin))
        .collect()
}

async fn held(cam: &dyn Cam, uin: u64) -> Result<(u64, Option<Held>), Error> {
    let read = try_join(cam.groups_of_user(uin), cam.policies_of_user(uin)).await;
    let held = if_there(read)?.map(|(groups, policies)| Held { groups, policies });
    Ok((uin, held))
}
