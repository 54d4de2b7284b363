//! Grants without a cloud: what the ledger says is what there is.

use std::collections::{BTreeMap, HashSet};

use camsync_core::grants::{
    DENY_ALL, DenyAllPolicy, Made, ObservedGrants, ObservedGroup, ObservedPolicy, Own,
};
use camsync_core::object::ObjectKind;
use camsync_core::sub_user::{Stage, SubUser};

/// What there is where nothing can be read (`kind = "ledger"`): a ledger that once had a cloud must not take every grant
/// for taken.
#[must_use]
pub fn believed_grants(sub_users: &[SubUser], made: &[Made]) -> ObservedGrants {
    let mut seen = ObservedGrants::default();
    seen.deny_all = DenyAllPolicy::Missing;
    let mut groups: BTreeMap<u64, ObservedGroup> = BTreeMap::new();
    let group = |id, name: &str| ObservedGroup {
        id,
        name: name.to_owned(),
        members: Some(HashSet::new()),
        policies: Some(0),
        administers: None,
        denies: false,
    };
    for made in made {
        let Some(id) = made.cam_id else { continue };
        match made.kind {
            ObjectKind::Group => {
                groups.insert(id, group(id, &made.name));
            }
            ObjectKind::Policy if made.name == DENY_ALL => {
                seen.deny_all = DenyAllPolicy::Denies(id);
            }
            ObjectKind::Policy | ObjectKind::Key => {}
        }
    }
    for sub_user in sub_users.iter().filter(|s| s.stage == Stage::Managed) {
        let Some(uin) = sub_user.uin else { continue };
        let off = sub_user.keys_off.iter().map(|key| (key.clone(), false));
        let mut own = Own {
            policies: Some(BTreeMap::new()),
            keys: Some(off.collect()),
            groups: Some(BTreeMap::new()),
        };
        for given in &sub_user.given {
            match given.kind {
                ObjectKind::Group => {
                    let known = groups
                        .entry(given.id)
                        .or_insert_with(|| group(given.id, &given.name));
                    known.members.get_or_insert_default().insert(uin);
                    own.groups
                        .get_or_insert_default()
                        .insert(given.id, given.name.clone());
                }
                ObjectKind::Policy => {
                    own.policies
                        .get_or_insert_default()
                        .insert(given.id, given.name.clone());
                    if given.denies() {
                        seen.deny_all = DenyAllPolicy::Denies(given.id);
                    } else {
                        let policy = ObservedPolicy {
                            id: given.id,
                            name: given.name.clone(),
                            administers: false,
                            usable: true,
                            replaced: false,
                        };
                        seen.policies.insert(given.name.clone(), Some(policy));
                    }
                }
                ObjectKind::Key => {}
            }
        }
        seen.own.insert(uin, own);
    }
    seen.set_groups(groups.into_values().collect());
    seen
}
