//! Someone new who may be someone who has just gone, under another id.

use std::collections::{HashMap, HashSet};

use crate::evidence::Evidence;
use crate::model::fold;
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::sub_user::SubUser;

use super::{Draft, PlanInput};

/// Someone new who looks like someone who has just gone may be the same person under another id.
pub(super) fn suspect_id_changes(input: &PlanInput<'_>, draft: &mut Draft) {
    let gone: HashSet<i64> = draft
        .changes
        .iter()
        .filter(|c| c.kind == Kind::SuspendUser && c.evidence == Some(Evidence::Absent))
        .filter_map(|c| c.sub_user)
        .collect();
    if gone.is_empty() {
        return;
    }
    let mut leaving: HashMap<(&str, &str), Vec<&SubUser>> = HashMap::new();
    for sub_user in input.sub_users.iter().filter(|s| gone.contains(&s.id)) {
        if let Some(facts) = sub_user.admitted.as_ref().filter(|f| !f.name.is_empty()) {
            leaving
                .entry((&sub_user.source, &facts.name))
                .or_default()
                .push(sub_user);
        }
    }
    let joining: HashSet<(String, String)> = draft
        .changes
        .iter()
        .filter(|c| c.kind == Kind::CreateUser)
        .map(|c| (c.source.clone(), fold(&c.member)))
        .collect();
    for source in input.sources {
        for desired in source.desired {
            let name = desired.member.name.as_str();
            let Some(namesakes) = leaving.get(&(source.name, name)) else {
                continue;
            };
            if !joining.contains(&(source.name.to_owned(), desired.key.clone())) {
                continue;
            }
            for old in namesakes {
                let same = |other: &str| Problem::MaybeSamePerson {
                    other: other.to_owned(),
                };
                draft.problem(source.name, &desired.key, same(&old.member));
                draft.problem(source.name, &old.key, same(&desired.member.id));
            }
        }
    }
}
