//! Groups: all are listed, and those that matter to the plan are read.

use std::collections::{BTreeSet, HashMap, HashSet};

use camsync_cam::{AttachedPolicy, Cam, Error, Group};
use camsync_core::grants::{Needs, ObservedGroup, Own};
use camsync_core::model::fold;
use camsync_core::remark::mark_of;
use chrono::{DateTime, Utc};
use futures_util::future::{FutureExt as _, try_join};

use crate::ledger::{Ledger, LedgerError};

use super::holders::Holders;
use super::policies::Policies;
use super::side_by_side;

/// Which groups are read, and how far.
pub(super) struct Wanted {
    /// By folded name: members and policies.
    names: HashSet<String>,
    /// By id: the same.
    ids: BTreeSet<u64>,
    /// By id: their policies alone.
    policies: BTreeSet<u64>,
}

impl Wanted {
    pub(super) fn of(needs: &Needs, own: &HashMap<u64, Own>, holders: &Holders) -> Self {
        let mut ids = needs.group_ids.clone();
        ids.extend(holders.followed_groups());
        // Whoever may take others' grants away has to see how many are left in the group.
        let exclusive = needs.own.iter().filter(|(_, need)| need.groups);
        let joined = exclusive.filter_map(|(uin, _)| own.get(uin)?.groups.as_ref());
        ids.extend(joined.flat_map(|groups| groups.keys()));
        Self {
            names: needs.group_names.iter().map(|n| fold(n)).collect(),
            ids,
            policies: holders.candidates_groups().collect(),
        }
    }

    /// Adds these, by id.
    pub(super) fn add(&mut self, ids: &[u64]) {
        self.ids.extend(ids);
    }

    fn depth(&self, group: &Group) -> Depth {
        if self.ids.contains(&group.id) || self.names.contains(&fold(&group.name)) {
            Depth::Members
        } else if self.policies.contains(&group.id) {
            Depth::Policies
        } else {
            Depth::Name
        }
    }
}

#[derive(Clone, Copy)]
enum Depth {
    Name,
    Policies,
    Members,
}

/// A group as it was read.
pub(super) struct Read {
    group: Group,
    members: Option<HashSet<u64>>,
    policies: Option<Vec<AttachedPolicy>>,
}

impl Read {
    /// CAM's id.
    pub(super) fn id(&self) -> u64 {
        self.group.id
    }

    /// The policies that are attached to it, if they were read.
    pub(super) fn policies(&self) -> impl Iterator<Item = &AttachedPolicy> {
        self.policies.iter().flatten()
    }

    pub(super) fn judged(self, policies: &Policies) -> ObservedGroup {
        ObservedGroup {
            id: self.group.id,
            name: self.group.name,
            members: self.members,
            policies: self.policies.as_ref().map(Vec::len),
            denies: self
                .policies
                .iter()
                .flatten()
                .any(|attached| policies.denies(attached.id)),
            administers: self
                .policies
                .and_then(|attached| policies.first_that_administers(&attached)),
        }
    }
}

/// Takes in groups that a creation made although its answer was lost: a listing has shown them. Says which, by id.
pub(super) fn claim_lost(
    ledger: &Ledger,
    listed: &[Group],
    now: DateTime<Utc>,
) -> Result<Vec<u64>, LedgerError> {
    let marked: Vec<(&str, u64)> = listed
        .iter()
        .filter_map(|g| Some((mark_of(g.remark.as_deref()?)?, g.id)))
        .collect();
    ledger.claim_made(&marked, now)
}

/// Reads what is wanted of the listed groups. One that is gone since the listing is left out.
pub(super) async fn read(
    cam: &dyn Cam,
    listed: Vec<Group>,
    wanted: &Wanted,
) -> Result<Vec<Read>, Error> {
    let reads = listed.into_iter().map(|group| {
        let depth = wanted.depth(&group);
        read_one(cam, group, depth).boxed()
    });
    let reads = reads.collect();
    Ok(side_by_side(reads).await?.into_iter().flatten().collect())
}

async fn read_one(cam: &dyn Cam, group: Group, depth: Depth) -> Result<Option<Read>, Error> {
    let id = group.id;
    let policies = async {
        let policies = cam.policies_of_group(id).await?;
        Ok(Some(policies))
    };
    let members = async {
        let members = cam.group_members(id).await?;
        Ok::<_, Error>(Some(members.iter().map(|m| m.uin).collect()))
    };
    let read = match depth {
        Depth::Name => Ok((None, None)),
        Depth::Policies => policies.await.map(|policies| (None, policies)),
        Depth::Members => try_join(members, policies).await,
    };
    match read {
        Ok((members, policies)) => Ok(Some(Read {
            group,
            members,
            policies,
        })),
        // Some group actions say of a missing group that the user is missing (`cam-api.md` 0.2 point 9).
        Err(error) if error.is_group_not_found() || error.is_user_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
