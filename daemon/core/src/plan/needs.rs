//! What of CAM's grants a plan has to see. Most plans need nothing, and then nothing is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::desired::Verdict;
use crate::grants::{Needs, OwnNeed};
use crate::model::fold;
use crate::object::ObjectKind;
use crate::rules::Adopt;
use crate::sub_user::{Stage, SubUser};

use super::leaver::wants_denial;
use super::quota::Quota;
use super::{PlanInput, is_over};

/// What of CAM's grants the plan for this input has to see.
#[must_use]
pub fn needs(input: &PlanInput<'_>) -> Needs {
    let mut needs = Needs::default();
    let made = input.made.iter().filter(|m| m.kind == ObjectKind::Group);
    needs.group_ids.extend(made.filter_map(|m| m.cam_id));
    let mut own: HashMap<(&str, &str), &SubUser> = HashMap::new();
    for sub_user in input.sub_users {
        let groups = sub_user
            .given
            .iter()
            .filter(|g| g.kind == ObjectKind::Group);
        needs.group_ids.extend(groups.map(|g| g.id));
        own.insert((&sub_user.source, &sub_user.key), sub_user);
    }
    for (quota, of) in input.quotas.full_at.keys() {
        let groups = *quota == Quota::SubUserGroups;
        match quota {
            // Room appears where somebody else has made it, too.
            Quota::GroupSubUsers => {
                needs.group_ids.insert(*of);
            }
            Quota::SubUserGroups | Quota::SubUserPolicies
                if input.observed.by_uin(*of).is_some() =>
            {
                let need = OwnNeed {
                    fresh: true,
                    groups,
                    keys: false,
                };
                needs.want_own(*of, need);
            }
            _ => {}
        }
    }
    let mut names = Names::default();
    for source in input.sources {
        for desired in source.desired {
            let Verdict::Admitted(admission) = &desired.verdict else {
                continue;
            };
            let called_for = &desired.entitlement;
            names
                .groups
                .extend_missing(called_for.groups.iter().map(|w| &w.name));
            names
                .policies
                .extend_missing(called_for.policies.iter().map(|w| &w.name));
            names
                .templates
                .extend_missing(called_for.like.iter().map(|w| &w.name));
            let sub_user = own.get(&(source.name, desired.key.as_str())).copied();
            let managed = sub_user.filter(|s| s.stage == Stage::Managed);
            let Some(sub_user) = managed else {
                if admission.adopt == Adopt::Name
                    && let Some(account) = input.observed.by_folded_name(&fold(&admission.username))
                {
                    needs.candidates.insert(account.uin);
                }
                continue;
            };
            let given = sub_user.given.iter().any(|g| g.kind == ObjectKind::Policy);
            let own_policies =
                given || !called_for.policies.is_empty() || !called_for.like.is_empty();
            let exclusive = called_for.exclusive.is_some();
            if let Some(uin) = sub_user.uin
                && (own_policies || exclusive || sub_user.leaving.is_some())
            {
                let need = OwnNeed {
                    fresh: false,
                    groups: exclusive,
                    keys: false,
                };
                needs.want_own(uin, need);
            }
        }
        let absent = source.absent.iter().map(|a| a.key.as_str());
        let judged = source.desired.iter().filter(|d| d.evidence.is_some());
        let leavers: HashSet<&str> = absent.chain(judged.map(|d| d.key.as_str())).collect();
        for sub_user in input.sub_users {
            if sub_user.source != source.name || sub_user.stage != Stage::Managed {
                continue;
            }
            let Some(uin) = sub_user.uin else { continue };
            let going = sub_user.replaced_by.is_some() || leavers.contains(sub_user.key.as_str());
            let leaver = !sub_user.protected && going;
            let new = leaver && sub_user.leaving.is_none();
            let due = leaver && is_over(input, sub_user);
            if new || sub_user.suspended() || sub_user.keys_requested {
                let fresh = new || due || sub_user.keys_requested;
                let need = OwnNeed {
                    fresh,
                    groups: false,
                    keys: true,
                };
                needs.want_own(uin, need);
                needs.deny_all |= wants_denial(input.leavers, sub_user);
            }
            needs.deny_all |= sub_user.given.iter().any(crate::grants::Given::denies);
        }
    }
    needs.group_names = names.groups.into();
    needs.policies = names.policies.into();
    needs.templates = names.templates.into();
    needs
}

#[derive(Default)]
struct Names {
    groups: NameSet,
    policies: NameSet,
    templates: NameSet,
}

/// Names that thousands of members share: each is copied once.
#[derive(Default)]
struct NameSet(HashSet<Arc<str>>);

impl NameSet {
    fn extend_missing<'a>(&mut self, names: impl Iterator<Item = &'a Arc<str>>) {
        for name in names {
            if !self.0.contains(name) {
                self.0.insert(Arc::clone(name));
            }
        }
    }
}

impl From<NameSet> for std::collections::BTreeSet<String> {
    fn from(names: NameSet) -> Self {
        names.0.iter().map(|n| n.to_string()).collect()
    }
}
