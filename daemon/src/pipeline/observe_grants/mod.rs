//! Observe, of grants: what CAM shows of groups, policies and keys, as far as a plan needs it. What nothing asks for is
//! not read; what is asked for is read whole, or no plan is made from it.

mod believed;
mod groups;
mod holders;
mod own;
mod policies;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camsync_cam::{Cam, Class, Error};
use camsync_core::grants::{Needs, ObservedGrants, ObservedPolicy, Own};
use camsync_core::sub_user::Observed;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::ledger::{Ledger, LedgerError, Pin};

use super::reconcile::ReconcileError;
use holders::Holders;
use policies::Policies;

pub use believed::believed_grants;

/// How many reads are under way beside each other; the CAM client paces them.
const SIDE_BY_SIDE: usize = 12;

/// Reads what a plan has to see of grants.
///
/// `observed` is the account as this plan sees it. Only a plan that is `recording` leaves traces in the ledger: it keeps
/// what was read of sub-users for the next hour, takes in groups whose creation was lost (so read
/// [`Ledger::made_objects`] after this), and pins policies; if it is `whole`, covering every source that the ledger
/// knows, it also forgets the pins of policies that nothing names any more.
///
/// # Errors
/// When the ledger fails, or any part of what was asked for cannot be read: half a reading makes no plan.
pub async fn observe_grants(
    ledger: &Ledger,
    cam: &dyn Cam,
    needs: &Needs,
    observed: &Observed,
    now: DateTime<Utc>,
    recording: bool,
    whole: bool,
) -> Result<ObservedGrants, ReconcileError> {
    let mut seen = ObservedGrants::default();
    if *needs != Needs::default() {
        let own = own::own(ledger, cam, needs, observed, now, recording).await?;
        seen = match rights(ledger, cam, needs, observed, now, recording, &own).await {
            // Whoever has to lose sign-in does not wait for a permission to read groups.
            Err(ReconcileError::Cam(error)) if error.class() == Class::ConfigurationForAction => {
                let mut unread = ObservedGrants::default();
                unread.unreadable = Some(error.action);
                unread
            }
            seen => seen?,
        };
        seen.own = own;
    }
    compare_with_pins(ledger, needs, &mut seen.policies, recording, whole)?;
    Ok(seen)
}

/// Reads groups, policies, followed sub-users and candidates.
async fn rights(
    ledger: &Ledger,
    cam: &dyn Cam,
    needs: &Needs,
    observed: &Observed,
    now: DateTime<Utc>,
    recording: bool,
    own: &HashMap<u64, Own>,
) -> Result<ObservedGrants, ReconcileError> {
    let mut seen = ObservedGrants::default();
    let holders = Holders::read(cam, needs, observed)
        .await
        .map_err(ReconcileError::Cam)?;
    let groups = if needs.groups() {
        let listed = cam.list_groups().await.map_err(ReconcileError::Cam)?;
        let mut wanted = groups::Wanted::of(needs, own, &holders);
        if recording {
            wanted.add(&groups::claim_lost(ledger, &listed, now)?);
        }
        let read = groups::read(cam, listed, &wanted).await;
        Some(read.map_err(ReconcileError::Cam)?)
    } else {
        None
    };
    // What an exclusive rule may take must not deny anything.
    let exclusive = needs.own.iter().filter(|(_, need)| need.groups);
    let exclusive: Vec<&Own> = exclusive.filter_map(|(uin, _)| own.get(uin)).collect();
    let joined: BTreeSet<u64> = ids(&exclusive, |own| own.groups.as_ref());
    let mut to_be_read = ids(&exclusive, |own| own.policies.as_ref());
    let own_policies = to_be_read.clone();
    let of_joined = groups.iter().flatten().filter(|g| joined.contains(&g.id()));
    to_be_read.extend(of_joined.flat_map(groups::Read::policies).map(|p| p.id));
    let attached = groups.iter().flatten().flat_map(groups::Read::policies);
    let attached = attached.chain(holders.policies()).collect();
    let policies = Policies::read(cam, needs, attached, &to_be_read)
        .await
        .map_err(ReconcileError::Cam)?;
    if needs.deny_all {
        seen.deny_all = policies.deny_all();
    }
    let harmless = own_policies.into_iter().filter(|id| !policies.denies(*id));
    seen.harmless = harmless.collect();
    let named = needs.policies.iter();
    seen.policies = named.map(|n| (n.clone(), policies.named(n))).collect();
    if let Some(groups) = groups {
        seen.set_groups(groups.into_iter().map(|g| g.judged(&policies)).collect());
    }
    holders.judged(&policies, &mut seen);
    Ok(seen)
}

/// The ids of what these have of one kind.
fn ids<'a>(
    own: &[&'a Own],
    of: impl Fn(&'a Own) -> Option<&'a BTreeMap<u64, String>>,
) -> BTreeSet<u64> {
    let lists = own.iter().filter_map(|own| of(own));
    lists.flat_map(BTreeMap::keys).copied().collect()
}

/// Tells policies that are not what they were when a rule first came to them; whoever comes first is pinned.
fn compare_with_pins(
    ledger: &Ledger,
    needs: &Needs,
    policies: &mut HashMap<String, Option<ObservedPolicy>>,
    recording: bool,
    whole: bool,
) -> Result<(), LedgerError> {
    let forgets = recording && whole;
    if needs.policies.is_empty() && !forgets {
        return Ok(());
    }
    let pins = ledger.policy_pins()?;
    let mut new = Vec::new();
    for policy in policies.values_mut().flatten() {
        match pins.get(&policy.name) {
            Some(pin) => {
                policy.replaced =
                    pin.cam_id != policy.id || (policy.administers && !pin.administers);
            }
            None => new.push((
                policy.name.clone(),
                Pin {
                    cam_id: policy.id,
                    administers: policy.administers,
                },
            )),
        }
    }
    if !recording {
        return Ok(());
    }
    let unnamed = pins.keys().filter(|name| !needs.policies.contains(*name));
    let forgotten: Vec<String> = unnamed.filter(|_| forgets).cloned().collect();
    ledger.pin_policies(&new, &forgotten)
}

/// Waits for reads, some of them beside each other; what they found, in their order. One that fails ends them all.
async fn side_by_side<T>(reads: Vec<BoxFuture<'_, Result<T, Error>>>) -> Result<Vec<T>, Error> {
    stream::iter(reads)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

/// What was read of a sub-user; absent when it does not exist any more.
fn if_there<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_user_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
