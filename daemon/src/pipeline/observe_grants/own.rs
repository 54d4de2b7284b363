//! What sub-users have of their own: a call for each of policies, groups and keys, so asked at most once an hour unless a plan needs it as of now.

use std::collections::{BTreeMap, HashMap};

use camsync_cam::{Cam, Class, Error};
use camsync_core::grants::{Needs, Own, OwnNeed};
use camsync_core::sub_user::Observed;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{OptionFuture, try_join3};
use futures_util::stream::{self, StreamExt};

use crate::ledger::Ledger;
use crate::pipeline::reconcile::ReconcileError;

use super::{SIDE_BY_SIDE, if_there};

/// How long a reading serves.
const SERVES: TimeDelta = TimeDelta::hours(1);

/// Reads, or remembers, what these sub-users have of their own. Left out are those that do not exist any more, and the
/// account that camsync itself uses. What is read is kept when `recording`, also when a later read fails: the next try
/// goes on from there.
pub(super) async fn own(
    ledger: &Ledger,
    cam: &dyn Cam,
    needs: &Needs,
    observed: &Observed,
    now: DateTime<Utc>,
    recording: bool,
) -> Result<HashMap<u64, Own>, ReconcileError> {
    if needs.own.is_empty() {
        return Ok(HashMap::new());
    }
    let mut kept = ledger.own_grants()?;
    let mut own = HashMap::with_capacity(needs.own.len());
    let mut to_read = Vec::new();
    for (uin, need) in &needs.own {
        if observed.by_uin(*uin).is_none_or(|user| user.off_limits) {
            continue;
        }
        match kept.remove(uin) {
            Some((remembered, read_at)) if serves(&remembered, read_at, *need, now) => {
                own.insert(*uin, remembered);
            }
            _ => to_read.push((*uin, *need)),
        }
    }
    let reads: Vec<_> = to_read
        .into_iter()
        .map(|(uin, need)| read(cam, uin, need).boxed())
        .collect();
    let mut reads = stream::iter(reads).buffer_unordered(SIDE_BY_SIDE);
    let mut read = Vec::new();
    let mut failed = None;
    while let Some(one) = reads.next().await {
        match one {
            Ok(one) => read.extend(one),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(reads);
    if recording {
        ledger.keep_own_grants(&read, now)?;
    }
    match failed {
        Some(error) => Err(ReconcileError::Cam(error)),
        None => {
            own.extend(read);
            Ok(own)
        }
    }
}

fn serves(own: &Own, read_at: DateTime<Utc>, need: OwnNeed, now: DateTime<Utc>) -> bool {
    // A reading from the future is a clock that was put back: how old it is cannot be told.
    let recent = (TimeDelta::zero()..SERVES).contains(&(now - read_at));
    // What a permission was missing for is asked again: it may have come.
    let complete = own.policies.is_some()
        && (own.keys.is_some() || !need.keys)
        && (own.groups.is_some() || !need.groups);
    recent && complete && !need.fresh
}

async fn read(cam: &dyn Cam, uin: u64, need: OwnNeed) -> Result<Option<(u64, Own)>, Error> {
    let groups = async {
        let asked: OptionFuture<_> = need.groups.then(|| cam.groups_of_user(uin)).into();
        asked.await.transpose()
    };
    let keys = async {
        let asked: OptionFuture<_> = need.keys.then(|| keys(cam, uin)).into();
        asked.await.transpose().map(Option::flatten)
    };
    let read = try_join3(policies(cam, uin), keys, groups).await;
    let own = if_there(read)?.map(|(policies, keys, groups)| Own {
        policies,
        keys,
        groups: groups.map(|all| all.into_iter().map(|g| (g.id, g.name)).collect()),
    });
    Ok(own.map(|own| (uin, own)))
}

/// The policies; absent when camsync's own key may not list them.
async fn policies(cam: &dyn Cam, uin: u64) -> Result<Option<BTreeMap<u64, String>>, Error> {
    match cam.policies_of_user(uin).await {
        Ok(policies) => Ok(Some(policies.into_iter().map(|p| (p.id, p.name)).collect())),
        Err(error) if error.class() == Class::ConfigurationForAction => Ok(None),
        Err(error) => Err(error),
    }
}

/// The keys, and whether each works; absent when camsync's own key may not list them.
async fn keys(cam: &dyn Cam, uin: u64) -> Result<Option<BTreeMap<String, bool>>, Error> {
    match cam.access_keys(uin).await {
        Ok(keys) => Ok(Some(keys.into_iter().map(|k| (k.id, k.active)).collect())),
        Err(error) if error.class() == Class::ConfigurationForAction => Ok(None),
        Err(error) => Err(error),
    }
}
