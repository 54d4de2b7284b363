//! Grants of one sub-user: what rules call for becomes groups and policies with ids; what is missing is given, what
//! camsync gave and nothing calls for is taken back.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::change::{DriftKind, Reason};
use crate::desired::Desired;
use crate::evidence::Evidence;
use crate::grants::{
    CalledForBy, DENY_ALL, Entitlement, Given, Made, ObservedGrants, ObservedGroup, Own, Wanted,
};
use crate::object::{Object, ObjectKind};
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::rules::LessAccess;
use crate::sub_user::SubUser;

use super::{Draft, LAG, Note, PlanInput};

/// A group name's limit is unconfirmed; 64 characters are safe (`cam-api.md` 4.1).
const LONGEST_GROUP_NAME: usize = 64;

/// What is known of grants, indexed for a plan.
pub(super) struct Grants<'a> {
    pub(super) observed: &'a ObservedGrants,
    /// Groups that camsync made, by name.
    made_groups: HashMap<&'a str, &'a Made>,
    made_ids: HashSet<u64>,
    /// How many sub-users camsync gave each policy to, by CAM's id.
    pub(super) holders: HashMap<u64, usize>,
}

/// What one sub-user should have.
#[derive(Default)]
pub(super) struct Targets {
    /// By kind and name, the object and the rule that calls for it.
    wanted: BTreeMap<(ObjectKind, String), (Object, CalledForBy)>,
    /// What stands although it cannot be settled now: by kind and id.
    kept: HashSet<(ObjectKind, u64)>,
    /// Everything that came from these sub-users stands: they cannot be seen.
    kept_templates: HashSet<String>,
    exclusive: Option<u32>,
    /// Something that the rules call for cannot be told apart from what others gave.
    unsettled: bool,
}

impl<'a> Grants<'a> {
    pub(super) fn new(input: &PlanInput<'a>, observed: &'a ObservedGrants) -> Self {
        let groups = || input.made.iter().filter(|m| m.kind == ObjectKind::Group);
        let mut holders: HashMap<u64, usize> = HashMap::new();
        let given = input.sub_users.iter().flat_map(|s| &s.given);
        for policy in given.filter(|g| g.kind == ObjectKind::Policy && !g.denies()) {
            *holders.entry(policy.id).or_default() += 1;
        }
        Self {
            observed,
            holders,
            made_groups: groups().map(|m| (m.name.as_str(), m)).collect(),
            made_ids: groups().filter_map(|m| m.cam_id).collect(),
        }
    }

    /// What a sub-user has of its own, if that was read.
    pub(super) fn own(&self, sub_user: &SubUser) -> Option<&'a Own> {
        self.observed.own.get(&sub_user.uin?)
    }

    /// Whether CAM shows that a sub-user has it; absent when that was not read.
    pub(super) fn has(&self, uin: u64, kind: ObjectKind, id: u64) -> Option<bool> {
        match kind {
            ObjectKind::Group => match self.observed.group(id) {
                Some(group) => group.members.as_ref().map(|m| m.contains(&uin)),
                // Every group was listed, and this one is not there.
                None => self.observed.group_count.map(|_| false),
            },
            ObjectKind::Policy => {
                let own = self.observed.own.get(&uin)?;
                Some(own.policies.as_ref()?.contains_key(&id))
            }
            ObjectKind::Key => None,
        }
    }

    /// What camsync gave of a group that is wanted and that somebody has deleted: whoever was in it has lost it by that
    /// hand, also once another group has the name.
    fn lost<'g>(&self, given: &'g [Given], object: &Object) -> Option<&'g Given> {
        let groups = given.iter().filter(|g| g.kind == ObjectKind::Group);
        let mut same = groups.filter(|g| object.kind == g.kind && g.name == object.name);
        same.find(|g| self.observed.group(g.id).is_none())
    }

    /// Turns names into groups and policies, and says what stands in the way.
    pub(super) fn targets(
        &self,
        source: &str,
        key: &str,
        called_for: &Entitlement,
        given: &[Given],
        draft: &mut Draft,
    ) -> Targets {
        let mut targets = Targets {
            exclusive: called_for.exclusive,
            ..Targets::default()
        };
        let mut problem = |problem| draft.problem(source, key, problem);
        let literally = |policy: &str| called_for.policies.iter().any(|w| &*w.name == policy);
        for wanted in &called_for.groups {
            match self.group(wanted, given) {
                Ok(Some(group)) => {
                    if let Some(policy) = group.administers.as_deref().filter(|p| !literally(p)) {
                        problem(Problem::Administers {
                            policy: policy.to_owned(),
                            through: Some(group.name.clone()),
                            rule: wanted.rule,
                        });
                        targets.kept.insert((ObjectKind::Group, group.id));
                        continue;
                    }
                    targets.add(
                        Object::group(&*group.name, Some(group.id)),
                        wanted.rule,
                        None,
                    );
                }
                // To be made, if anybody is to join it.
                Ok(None) => targets.add(Object::group(&*wanted.name, None), wanted.rule, None),
                Err(found) => {
                    targets.unsettled = true;
                    problem(found);
                }
            }
        }
        for wanted in &called_for.policies {
            let found = self.observed.policies.get(&*wanted.name);
            let rule = wanted.rule;
            let name = wanted.name.to_string();
            let told = match found {
                Some(Some(policy)) if policy.usable && !policy.replaced => {
                    targets.add(Object::policy(&*policy.name, Some(policy.id)), rule, None);
                    continue;
                }
                Some(Some(policy)) if policy.replaced => {
                    Some(Problem::PolicyReplaced { policy: name, rule })
                }
                Some(Some(_)) => Some(Problem::PolicyUnusable { policy: name, rule }),
                Some(None) => Some(Problem::NoSuchPolicy { policy: name, rule }),
                None => None,
            };
            targets.keep(given, ObjectKind::Policy, &wanted.name);
            told.into_iter().for_each(&mut problem);
        }
        for wanted in &called_for.like {
            let rule = wanted.rule;
            let Some(Some(template)) = self.observed.templates.get(&*wanted.name) else {
                // Absent or unread: what followed it stays.
                targets.kept_templates.insert(wanted.name.to_string());
                targets.unsettled = true;
                problem(Problem::NoTemplate {
                    template: wanted.name.to_string(),
                    rule,
                });
                continue;
            };
            for group in template
                .groups
                .iter()
                .filter_map(|id| self.observed.group(*id))
            {
                match group.administers.as_deref().filter(|p| !literally(p)) {
                    Some(policy) => {
                        targets.kept.insert((ObjectKind::Group, group.id));
                        problem(Problem::Administers {
                            policy: policy.to_owned(),
                            through: Some(group.name.clone()),
                            rule,
                        });
                    }
                    None => targets.add(
                        Object::group(&*group.name, Some(group.id)),
                        rule,
                        Some(&wanted.name),
                    ),
                }
            }
            let usable = |name: &str| name != DENY_ALL;
            for policy in template
                .policies
                .iter()
                .filter(|p| p.usable && usable(&p.name))
            {
                if policy.administers && !literally(&policy.name) {
                    targets.kept.insert((ObjectKind::Policy, policy.id));
                    problem(Problem::Administers {
                        policy: policy.name.clone(),
                        through: Some(wanted.name.to_string()),
                        rule,
                    });
                } else {
                    let object = Object::policy(&*policy.name, Some(policy.id));
                    targets.add(object, rule, Some(&wanted.name));
                }
            }
        }
        targets
    }

    /// The group that a rule calls for; `None` when it is to be made.
    fn group(
        &self,
        wanted: &Wanted,
        given: &[Given],
    ) -> Result<Option<&'a ObservedGroup>, Problem> {
        let name = &*wanted.name;
        let (group, rule) = (name.to_owned(), wanted.rule);
        let made = self.made_groups.get(name).and_then(|m| m.cam_id);
        if let Some(ours) = made.and_then(|id| self.observed.group(id)) {
            return Ok(Some(ours));
        }
        let named = self.observed.group_named(name);
        if named.is_none_or(|found| found.name != name) {
            // Renamed by hand: it is still the one that was given.
            let known = given
                .iter()
                .find(|g| g.kind == ObjectKind::Group && g.name == name);
            if let Some(renamed) = known.and_then(|g| self.observed.group(g.id)) {
                return Ok(Some(renamed));
            }
        }
        match named {
            Some(found) if found.name != name => Err(Problem::GroupTaken {
                group,
                by: found.name.clone(),
                rule,
            }),
            // Nobody joins a powerful group by naming a department after it.
            Some(found) if !wanted.literal && !self.made_ids.contains(&found.id) => {
                Err(Problem::GroupNotOurs { group, rule })
            }
            Some(found) => Ok(Some(found)),
            None => {
                let legal = name.chars().count() <= LONGEST_GROUP_NAME
                    && !name.chars().any(char::is_control);
                if legal {
                    Ok(None)
                } else {
                    let group = name.chars().take(LONGEST_GROUP_NAME).collect();
                    Err(Problem::GroupNameIllegal { group, rule })
                }
            }
        }
    }
}

impl Targets {
    fn add(&mut self, object: Object, rule: u32, like: Option<&str>) {
        let by = CalledForBy {
            rule,
            like: like.map(str::to_owned),
        };
        self.wanted
            .entry((object.kind, object.name.clone()))
            .or_insert((object, by));
    }

    fn keep(&mut self, given: &[Given], kind: ObjectKind, name: &str) {
        self.unsettled = true;
        let known = given.iter().filter(|g| g.kind == kind && g.name == name);
        self.kept.extend(known.map(|g| (kind, g.id)));
    }

    fn stands(&self, given: &Given) -> bool {
        self.kept.contains(&(given.kind, given.id))
            || given
                .like
                .as_ref()
                .is_some_and(|template| self.kept_templates.contains(template))
            || self.calls_for(given.kind, given.id)
    }

    fn calls_for(&self, kind: ObjectKind, id: u64) -> bool {
        self.wanted
            .values()
            .any(|(object, _)| object.kind == kind && object.id == Some(id))
    }

    /// What is called for, with the rule.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&Object, &CalledForBy)> {
        self.wanted.values().map(|(object, by)| (object, by))
    }
}

/// One grant to be given or taken: what [`super::managed::At`] makes a change of.
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) object: Object,
    pub(super) reason: Reason,
    pub(super) evidence: Option<Evidence>,
}

/// The change kind that gives it.
pub(super) fn giving(kind: ObjectKind) -> Kind {
    match kind {
        ObjectKind::Group => Kind::AddToGroup,
        ObjectKind::Policy => Kind::AttachPolicy,
        ObjectKind::Key => Kind::EnableKey,
    }
}

/// The change kind that takes it.
pub(super) fn taking(kind: ObjectKind) -> Kind {
    match kind {
        ObjectKind::Group => Kind::RemoveFromGroup,
        ObjectKind::Policy => Kind::DetachPolicy,
        ObjectKind::Key => Kind::DisableKey,
    }
}

/// The steps from what an entitled sub-user has to what it should have.
pub(super) fn steps(
    input: &PlanInput<'_>,
    grants: &Grants<'_>,
    sub_user: &SubUser,
    uin: u64,
    desired: &Desired,
    draft: &mut Draft,
) -> Vec<Step> {
    let given = &sub_user.given;
    let nothing = desired.entitlement.is_empty() && given.iter().all(Given::denies);
    if nothing {
        return Vec::new();
    }
    let (source, key) = (sub_user.source.as_str(), sub_user.key.as_str());
    if let Some(action) = grants.observed.unreadable.clone() {
        draft.problem(source, key, Problem::Unreadable { action });
        return Vec::new();
    }
    let own = grants.own(sub_user);
    if own.is_some_and(|own| own.policies.is_none()) {
        let action = "ListAttachedUserPolicies".to_owned();
        draft.problem(source, key, Problem::Unreadable { action });
    }
    let targets = grants.targets(source, key, &desired.entitlement, given, draft);
    let mut steps = Vec::new();
    let mut lost = HashSet::new();
    for (object, by) in targets.wanted() {
        let known = given
            .iter()
            .find(|g| g.kind == object.kind && Some(g.id) == object.id)
            .or_else(|| grants.lost(given, object));
        lost.extend(known.filter(|k| Some(k.id) != object.id).map(|k| k.id));
        let shown = match object.id {
            Some(id) => grants.has(uin, object.kind, id),
            None => Some(false),
        };
        let reason = match (shown, known) {
            // Not read: nothing is decided.
            (None, _) => continue,
            (Some(true), Some(known)) => {
                if known.rule != Some(by.rule) || known.like != by.like {
                    draft.notes.push(Note::GrantCalledFor {
                        sub_user: sub_user.id,
                        object: object.clone(),
                        by: by.clone(),
                    });
                }
                if known.unconfirmed_since.is_some() {
                    draft.notes.push(Note::GrantConfirmed {
                        sub_user: sub_user.id,
                        object: object.clone(),
                    });
                }
                continue;
            }
            // By somebody else's hand; it stays theirs.
            (Some(true), None) => continue,
            (Some(false), None) => Reason::Granted {
                rule: by.rule,
                like: by.like.clone(),
            },
            (Some(false), Some(known)) => match known.unconfirmed_since {
                Some(since) if input.now - since < LAG => continue,
                Some(_) => Reason::Unconfirmed,
                None if sub_user.resume_requested || input.less_access == LessAccess::Repair => {
                    let what = DriftKind::GrantTaken;
                    Reason::Drift { what }
                }
                None => {
                    let object = object.clone();
                    draft.problem(source, key, Problem::GrantTaken { object });
                    continue;
                }
            },
        };
        draft.make_for(source, object, by.rule);
        steps.push(Step {
            kind: giving(object.kind),
            object: object.clone(),
            reason,
            evidence: None,
        });
    }
    let stands = |g: &Given| targets.stands(g) || lost.contains(&g.id);
    for given in given.iter().filter(|g| !g.denies() && !stands(g)) {
        let object = Object {
            kind: given.kind,
            name: given.name.clone(),
            id: Some(given.id),
        };
        match grants.has(uin, given.kind, given.id) {
            None => {}
            Some(false)
                if given
                    .unconfirmed_since
                    .is_none_or(|since| input.now - since >= LAG) =>
            {
                draft.notes.push(Note::GrantForgotten {
                    sub_user: sub_user.id,
                    object,
                });
            }
            Some(_) => {
                let former = desired.with_former_facts.as_ref();
                let facts_changed = former.is_some_and(|f| calls_for(f, given));
                steps.push(Step {
                    kind: taking(given.kind),
                    object,
                    reason: Reason::NotGranted {
                        rule: given.rule.unwrap_or_default(),
                    },
                    evidence: Some(if facts_changed {
                        Evidence::Regrouped
                    } else {
                        Evidence::Excluded
                    }),
                });
            }
        }
    }
    if let (Some(rule), Some(own)) = (targets.exclusive, own)
        && !targets.unsettled
    {
        for object in given_by_others(grants.observed, own, given, &targets) {
            steps.push(Step {
                kind: taking(object.kind),
                object,
                reason: Reason::Exclusive { rule },
                evidence: Some(Evidence::Excluded),
            });
        }
    }
    steps
}

/// What a sub-user has that neither a rule calls for nor camsync gave. What denies is not among it: somebody may have
/// given it in an emergency, and taking it would give access back.
fn given_by_others<'a>(
    observed: &'a ObservedGrants,
    own: &'a Own,
    given: &'a [Given],
    targets: &'a Targets,
) -> impl Iterator<Item = Object> + 'a {
    let denies = |group: &u64| observed.group(*group).is_none_or(|group| group.denies);
    let groups = own.groups.iter().flatten();
    let groups = groups
        .filter(move |(id, _)| !denies(id))
        .map(|(id, name)| Object::group(name, Some(*id)));
    let policies = own.policies.iter().flatten();
    let policies = policies
        .filter(|(id, _)| observed.harmless.contains(id))
        .map(|(id, name)| Object::policy(name, Some(*id)));
    groups.chain(policies).filter(|object| {
        let id = object.id.unwrap_or_default();
        let known = given.iter().any(|g| g.kind == object.kind && g.id == id);
        !known && !targets.calls_for(object.kind, id) && !targets.kept.contains(&(object.kind, id))
    })
}

/// Whether these rules, asked of other facts, would have given what was given.
fn calls_for(entitlement: &Entitlement, given: &Given) -> bool {
    let list = match given.kind {
        ObjectKind::Group => &entitlement.groups,
        _ => &entitlement.policies,
    };
    list.iter().any(|w| *w.name == *given.name)
        || entitlement
            .like
            .iter()
            .any(|w| given.like.as_deref() == Some(&*w.name))
}
