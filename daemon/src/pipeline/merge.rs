//! Merge: what a connector hands over, in the order of the provider's answers, becomes one copy of each member, always
//! written the same way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use camsync_core::model::{Department, Member};

/// Unites what a connector hands over: a member may come more than once, and one copy is kept.
#[derive(Debug, Default)]
pub struct Merge {
    departments: HashMap<String, Department>,
    members: HashMap<String, Member>,
}

impl Merge {
    /// Takes departments in; of two with one id the last counts.
    pub fn departments(&mut self, batch: Vec<Department>) {
        for department in batch {
            self.departments.insert(department.id.clone(), department);
        }
    }

    /// Takes members in; lists are united, other fields are the last one's.
    pub fn members(&mut self, batch: Vec<Member>) {
        for mut member in batch {
            match self.members.entry(member.key()) {
                Entry::Vacant(free) => {
                    free.insert(member);
                }
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    unite(&mut member.departments, &mut known.departments);
                    unite(&mut member.leader_of, &mut known.leader_of);
                    unite(&mut member.tags, &mut known.tags);
                    unite(&mut member.shown_by, &mut known.shown_by);
                    for (name, value) in std::mem::take(&mut known.attributes) {
                        member.attributes.entry(name).or_insert(value);
                    }
                    if member.main_department.is_none() {
                        member.main_department = known.main_department.take();
                    }
                    *known = member;
                }
            }
        }
    }

    /// Everything, in an order that does not depend on the provider's.
    #[must_use]
    pub fn finish(self) -> (Vec<Department>, Vec<Arc<Member>>) {
        let mut departments: Vec<_> = self.departments.into_values().collect();
        departments.sort_by(|a, b| a.id.cmp(&b.id));
        let mut members: Vec<(String, Arc<Member>)> = self
            .members
            .into_iter()
            .map(|(key, mut member)| {
                settle_order(&mut member);
                (key, Arc::new(member))
            })
            .collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        (departments, members.into_iter().map(|(_, m)| m).collect())
    }
}

fn unite(into: &mut Vec<String>, from: &mut Vec<String>) {
    for item in from.drain(..) {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

/// The main department first, everything else sorted: the same facts always read the same.
fn settle_order(member: &mut Member) {
    for list in [
        &mut member.leader_of,
        &mut member.tags,
        &mut member.shown_by,
    ] {
        list.sort();
        list.dedup();
    }
    let main = member.main_department.clone();
    member.departments.sort_by(|a, b| {
        let first = |id: &String| Some(id) != main.as_ref();
        (first(a), a).cmp(&(first(b), b))
    });
    member.departments.dedup();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn member(id: &str) -> Member {
        Member {
            name: String::new(),
            departments: Vec::new(),
            main_department: None,
            shown_by: Vec::new(),
            ..crate::pipeline::tests::member(id)
        }
    }

    #[test]
    fn a_member_who_comes_twice_is_one_with_what_both_say() {
        let mut merge = Merge::default();
        let first = Member {
            name: "Old".into(),
            departments: texts(&["3", "1"]),
            main_department: Some("3".into()),
            leader_of: texts(&["3"]),
            tags: texts(&["a"]),
            attributes: BTreeMap::from([("x".into(), "1".into()), ("y".into(), "2".into())]),
            shown_by: texts(&["department:3"]),
            ..member("zhang")
        };
        let second = Member {
            name: "New".into(),
            departments: texts(&["2", "3"]),
            leader_of: texts(&["2", "3"]),
            tags: texts(&["b", "a"]),
            attributes: BTreeMap::from([("x".into(), "7".into())]),
            shown_by: texts(&["department:2", "department:3"]),
            ..member("ZHANG")
        };
        merge.members(vec![first]);
        merge.members(vec![second, member("anna")]);
        let (_, members) = merge.finish();
        let [anna, zhang] = members.as_slice() else {
            unreachable!("{members:?}");
        };
        assert_eq!(anna.id, "anna");
        let expected = Member {
            name: "New".into(),
            // The main department first.
            departments: texts(&["3", "1", "2"]),
            main_department: Some("3".into()),
            leader_of: texts(&["2", "3"]),
            tags: texts(&["a", "b"]),
            attributes: BTreeMap::from([("x".into(), "7".into()), ("y".into(), "2".into())]),
            shown_by: texts(&["department:2", "department:3"]),
            ..member("ZHANG")
        };
        assert_eq!(**zhang, expected);
    }

    #[test]
    fn the_order_of_the_answers_changes_nothing() {
        let department = |id: &str, name: &str| Department {
            id: id.into(),
            parent: None,
            name: name.into(),
        };
        let all = || {
            let departments = vec![department("2", "Two"), department("1", "One")];
            let twice = Member {
                tags: texts(&["b", "a", "b"]),
                departments: texts(&["2", "1", "2"]),
                ..member("b")
            };
            (departments, vec![member("c"), twice, member("a")])
        };
        let (mut one, mut two) = (Merge::default(), Merge::default());
        let (departments, members) = all();
        one.departments(departments);
        one.members(members);
        let (mut departments, mut members) = all();
        departments.reverse();
        members.reverse();
        two.departments(departments);
        two.members(members);
        let (one, two) = (one.finish(), two.finish());
        assert_eq!(one, two);
        assert_eq!(one.0, [department("1", "One"), department("2", "Two")]);
        assert_eq!(one.1[1].tags, ["a", "b"]);
        assert_eq!(one.1[1].departments, ["1", "2"]);
        let mut merge = Merge::default();
        merge.departments(vec![department("1", "Old"), department("1", "New")]);
        assert_eq!(merge.finish().0, [department("1", "New")]);
    }
}
