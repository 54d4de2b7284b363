//! Policies: which are meant by a name, and whether they administer. Each is read once a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camsync_cam::{AttachedPolicy, Cam, Error, PermissionLevel, Policy, PolicyDetails, PolicyKind};
use camsync_core::grants::{
    DENY_ALL, DENY_ALL_DOCUMENT, DenyAllPolicy, Needs, ObservedPolicy, same_document,
};
use camsync_core::privilege::{administers, denies};
use futures_util::FutureExt as _;

use super::side_by_side;

/// From so many names on, the whole listing takes fewer calls than asking for each: an account has a thousand or two
/// policies, the presets included, and a page holds 200 (`cam-api.md` 3.3).
const NAMES_FOR_LISTING: usize = 8;

/// What was read of policies.
pub(super) struct Policies {
    /// By exact name, as listed.
    listed: HashMap<String, Policy>,
    /// By id, those whose document decides; absent of those that are gone since.
    documents: HashMap<u64, Option<PolicyDetails>>,
}

impl Policies {
    /// Reads the policies that are needed by name, and those that were found attached to something; the documents of
    /// `to_be_read`, by id, whatever CAM's level says.
    pub(super) async fn read(
        cam: &dyn Cam,
        needs: &Needs,
        attached: Vec<&AttachedPolicy>,
        to_be_read: &BTreeSet<u64>,
    ) -> Result<Self, Error> {
        let attached: BTreeMap<u64, &AttachedPolicy> =
            attached.into_iter().map(|p| (p.id, p)).collect();
        let mut names: BTreeSet<&str> = attached.values().map(|p| p.name.as_str()).collect();
        names.extend(needs.policies.iter().map(String::as_str));
        if needs.deny_all {
            names.insert(DENY_ALL);
        }
        let listed = listed(cam, &names).await?;
        let unlisted = attached
            .values()
            .filter(|p| listed.get(&p.name).is_none_or(|found| found.id != p.id));
        let mut ids: BTreeSet<u64> = unlisted.map(|p| p.id).collect();
        ids.extend(listed.values().filter(|p| !told_by_level(p)).map(|p| p.id));
        ids.extend(to_be_read);
        let documents =
            side_by_side(ids.into_iter().map(|id| details(cam, id).boxed()).collect()).await?;
        Ok(Self {
            listed,
            documents: documents.into_iter().collect(),
        })
    }

    /// The policy of exactly this name, if there is one.
    pub(super) fn named(&self, name: &str) -> Option<ObservedPolicy> {
        let policy = self.listed.get(name)?;
        let document = match self.documents.get(&policy.id) {
            Some(None) => return None,
            // Read for another question, it does not outrank CAM's level.
            Some(Some(_)) if told_by_level(policy) => None,
            Some(Some(details)) => Some(details.document.as_str()),
            None => None,
        };
        Some(ObservedPolicy {
            id: policy.id,
            name: policy.name.clone(),
            administers: administers(&policy.name, account_wide(policy), document),
            usable: !policy.deactivated && !policy.service_linked,
            replaced: false,
        })
    }

    /// A policy that was found attached to something.
    pub(super) fn attached(&self, policy: &AttachedPolicy) -> ObservedPolicy {
        if let Some(found) = self.named(&policy.name).filter(|p| p.id == policy.id) {
            return found;
        }
        let details = self.documents.get(&policy.id).and_then(Option::as_ref);
        ObservedPolicy {
            id: policy.id,
            name: policy.name.clone(),
            // Of what can be read nowhere, the worst is assumed.
            administers: details
                .is_none_or(|d| administers(&policy.name, false, Some(&d.document))),
            // Whether it is in service is said by the listing alone.
            usable: false,
            replaced: false,
        }
    }

    /// Whether a policy denies something. Of one that was not read it is assumed.
    pub(super) fn denies(&self, id: u64) -> bool {
        let details = self.documents.get(&id).and_then(Option::as_ref);
        details.is_none_or(|details| denies(&details.document))
    }

    /// The name of the first of these that administers.
    pub(super) fn first_that_administers(&self, policies: &[AttachedPolicy]) -> Option<String> {
        let administering = policies.iter().find(|p| self.attached(p).administers)?;
        Some(administering.name.clone())
    }

    pub(super) fn deny_all(&self) -> DenyAllPolicy {
        let Some(policy) = self.listed.get(DENY_ALL) else {
            return DenyAllPolicy::Missing;
        };
        match self.documents.get(&policy.id) {
            Some(None) => DenyAllPolicy::Missing,
            Some(Some(details))
                if !policy.deactivated && same_document(&details.document, DENY_ALL_DOCUMENT) =>
            {
                DenyAllPolicy::Denies(policy.id)
            }
            _ => DenyAllPolicy::SaysOtherwise,
        }
    }
}

/// Whether CAM's own level says all that there is to know: it ranks the presets, and a custom policy can be edited.
fn told_by_level(policy: &Policy) -> bool {
    use PermissionLevel::{CloudProduct, Finance, Global};
    policy.kind == PolicyKind::Preset
        && matches!(policy.level, Some(CloudProduct | Finance | Global))
}

fn account_wide(policy: &Policy) -> bool {
    use PermissionLevel::{Finance, Global};
    matches!(policy.level, Some(Finance | Global))
}

/// Finds policies by exact name.
async fn listed(cam: &dyn Cam, names: &BTreeSet<&str>) -> Result<HashMap<String, Policy>, Error> {
    let found: Vec<Policy> = if names.len() < NAMES_FOR_LISTING {
        let reads = names.iter().map(|name| cam.find_policy(name));
        side_by_side(reads.collect())
            .await?
            .into_iter()
            .flatten()
            .collect()
    } else {
        let all = cam.list_policies().await?;
        let named = all.into_iter().filter(|p| names.contains(p.name.as_str()));
        named.collect()
    };
    let mut listed = HashMap::with_capacity(found.len());
    for policy in found {
        listed.entry(policy.name.clone()).or_insert(policy);
    }
    Ok(listed)
}

async fn details(cam: &dyn Cam, id: u64) -> Result<(u64, Option<PolicyDetails>), Error> {
    Ok((id, cam.get_policy(id).await?.value))
}
