//! Members who look alike to a condition are judged once: a thousand conditions over fifty thousand members ask of a
//! few facts, and most members share these with many.
//!
//! Conditions that ask of the same facts stand together. What was answered for one member holds for each who agrees
//! with it in these facts, errors included. Conditions are asked in the order of the file and no further than the
//! caller goes: nothing is answered that would not have been asked without this.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use crate::expression::{CompiledCondition, EvalError};
use crate::facts::{Facts, MEMBER_NAMES};
use crate::model::Member;

/// Facts of a member: a bit for each of [`MEMBER_NAMES`].
type Asked = u32;

/// Facts that hardly two members share: to remember answers about them is to remember them for nobody.
const OWN: [&str; 6] = ["id", "username", "name", "alias", "email", "phone"];

/// Conditions, in groups of those that ask of the same facts.
pub(crate) struct Judge<'a> {
    conditions: Vec<Option<&'a CompiledCondition<'a>>>,
    groups: Vec<Group<'a>>,
}

struct Group<'a> {
    asked: Asked,
    /// Indices of its conditions, ascending.
    conditions: Vec<usize>,
    /// What was answered so far, by one of those who look alike; absent where everybody is different.
    known: Option<HashMap<Look<'a>, Answers>>,
}

/// What was answered for those who look alike.
#[derive(Default)]
struct Answers {
    /// How many of the group's conditions were asked.
    asked: usize,
    /// Of these, the ones that hold or failed, ascending.
    said: Vec<(usize, Result<(), EvalError>)>,
}

impl<'a> Judge<'a> {
    /// Groups conditions, which come with what they were compiled from; an absent one holds for everybody.
    pub(crate) fn new(
        conditions: impl Iterator<Item = Option<(&'a str, &'a CompiledCondition<'a>)>>,
    ) -> Self {
        let mut judge = Self {
            conditions: Vec::new(),
            groups: Vec::new(),
        };
        for (index, condition) in conditions.enumerate() {
            let asked = condition.map_or(0, |(source, _)| asked_of(source));
            judge
                .conditions
                .push(condition.map(|(_, compiled)| compiled));
            match judge.groups.iter_mut().find(|g| g.asked == asked) {
                Some(group) => group.conditions.push(index),
                None => judge.groups.push(Group {
                    asked,
                    conditions: vec![index],
                    known: (asked & bits(&OWN) == 0).then(HashMap::new),
                }),
            }
        }
        judge
    }

    /// Goes through the conditions that hold for this member, or fail on it, in their order, until `go_on` returns
    /// something.
    pub(crate) fn find<T>(
        &mut self,
        member: &'a Member,
        facts: &Facts,
        mut go_on: impl FnMut(usize, Result<(), EvalError>) -> Option<T>,
    ) -> Option<T> {
        let mut unshared: Vec<Answers> = Vec::new();
        unshared.resize_with(self.groups.len(), Answers::default);
        let mut walks: Vec<Walk<'_>> = self
            .groups
            .iter_mut()
            .zip(&mut unshared)
            .map(|(group, unshared)| Walk {
                conditions: &group.conditions,
                answers: match &mut group.known {
                    Some(known) => known
                        .entry(Look {
                            member,
                            asked: group.asked,
                        })
                        .or_default(),
                    None => unshared,
                },
                at: 0,
            })
            .collect();
        loop {
            let (_, next) = walks
                .iter_mut()
                .filter_map(|walk| Some((walk.next()?, walk)))
                .min_by_key(|(index, _)| *index)?;
            if let Some((index, said)) = next.answers.said.get(next.at) {
                next.at += 1;
                if let Some(found) = go_on(*index, said.clone()) {
                    return Some(found);
                }
                continue;
            }
            let Some(index) = next.conditions.get(next.answers.asked) else {
                continue;
            };
            let condition = self.conditions.get(*index).copied().flatten();
            let said = match condition.map_or(Ok(true), |c| c.holds(facts)) {
                Ok(false) => None,
                Ok(true) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            next.answers.asked += 1;
            next.answers.said.extend(said.map(|said| (*index, said)));
        }
    }
}

/// How far one member has come through a group.
struct Walk<'w> {
    conditions: &'w [usize],
    answers: &'w mut Answers,
    at: usize,
}

impl Walk<'_> {
    /// The next condition that is known to hold or fail, or is still to be asked.
    fn next(&self) -> Option<usize> {
        let known = self.answers.said.get(self.at).map(|(index, _)| *index);
        known.or_else(|| self.conditions.get(self.answers.asked).copied())
    }
}

/// A member as a condition sees it that asks of some facts alone.
struct Look<'a> {
    member: &'a Member,
    asked: Asked,
}

impl Look<'_> {
    /// What such a condition sees; all that it is told of departments follows from their ids.
    fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        let m = self.member;
        MEMBER_NAMES
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.asked & (1 << bit) != 0)
            .map(move |(_, name)| match *name {
                "id" => Seen::Text(&m.id),
                "username" => Seen::Text(&m.username),
                "name" => Seen::Text(&m.name),
                "alias" => Seen::Text(&m.alias),
                "email" => Seen::Text(&m.email),
                "phone" => Seen::Text(&m.phone),
                "position" => Seen::Text(&m.position),
                "status" => Seen::Text(m.status.as_str()),
                "departments" | "department_names" | "department_path" => {
                    Seen::List(&m.departments)
                }
                "main_department" | "main_department_name" => {
                    Seen::Text(crate::facts::main_department(m))
                }
                "leader_of" => Seen::List(&m.leader_of),
                "tags" => Seen::List(&m.tags),
                "attributes" => Seen::Map(&m.attributes),
                // A fact that this list does not know yet: everything counts.
                _ => Seen::All(m),
            })
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Seen<'a> {
    Text(&'a str),
    List(&'a [String]),
    Map(&'a std::collections::BTreeMap<String, String>),
    All(&'a Member),
}

impl PartialEq for Look<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.asked == other.asked && self.seen().eq(other.seen())
    }
}

impl Eq for Look<'_> {}

impl Hash for Look<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for seen in self.seen() {
            seen.hash(state);
        }
    }
}

/// The facts that a condition may ask of, by its text: every way to a fact leads through the name `member`. Where that
/// is not followed by a known fact's name, it may ask of all.
fn asked_of(source: &str) -> Asked {
    let all = bits(MEMBER_NAMES);
    let mut asked = 0;
    for (at, word) in source.match_indices("member") {
        let rest = source.get(at + word.len()..).unwrap_or_default();
        let name = rest
            .trim_start()
            .strip_prefix('.')
            .map(str::trim_start)
            .unwrap_or_default();
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
        asked |= match bits(&[name]) {
            0 => all,
            one => one,
        };
    }
    asked
}

fn bits(names: &[&str]) -> Asked {
    let known = MEMBER_NAMES.iter().enumerate();
    known
        .filter(|(_, known)| names.contains(known))
        .fold(0, |bits, (bit, _)| bits | (1 << bit))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::departments::Departments;
    use crate::expression::{Condition, Language};
    use crate::model::{Department, MemberStatus};

    /// Conditions of every sort: on one fact and on many, that cut, that hide what they ask of, that fail.
    const CONDITIONS: [&str; 20] = [
        "true",
        "member.position == 'SRE'",
        "member.position[:1] == 'S'",
        "'D1' in member.department_path",
        "'D2' in member.department_path and member.status == 'active'",
        "member.departments|length > 1",
        "member.departments[0] == '2'",
        "member.main_department == '2'",
        "member.main_department_name != ''",
        "member.id == 'a'",
        "member['id'] == 'a'",
        "[member][:1][0].tags == ['x']",
        "'x' in member.tags or member.attributes.level == '7'",
        "member.attributes['level']|int > 5",
        "member.name|upper == 'A' and member.alias != member.email",
        "member.leader_of == []",
        "member == member",
        "member.position.nothing.there == 'x'",
        "member.tags|first|int > 3",
        "range(member.departments|length * 9000)|list|length > 3",
    ];

    fn member() -> impl Strategy<Value = Member> {
        let text = || prop::sample::select(vec!["", "a", "A", "SRE", "b"]).prop_map(String::from);
        let some = |from: &'static [&'static str]| {
            prop::collection::vec(prop::sample::select(from).prop_map(String::from), 0..3)
        };
        let status = prop::sample::select(vec![MemberStatus::Active, MemberStatus::Invited]);
        let level = prop::option::of(prop::sample::select(vec!["7", "3", "high"]));
        let main = prop::option::of(prop::sample::select(vec!["1", "2", "9"]));
        let lists = (some(&["1", "2", "3", "9"]), some(&["x", "5"]), some(&["2"]));
        ((text(), text(), text(), text()), status, level, main, lists).prop_map(
            |((id, name, alias, position), status, level, main, (departments, tags, leader_of))| {
                Member {
                    username: id.clone(),
                    id,
                    name,
                    alias,
                    email: String::new(),
                    phone: String::new(),
                    position,
                    status,
                    departments,
                    main_department: main.map(String::from),
                    leader_of,
                    tags,
                    attributes: level
                        .map(|l| ("level".to_owned(), l.to_owned()))
                        .into_iter()
                        .collect::<BTreeMap<_, _>>(),
                    shown_by: Vec::new(),
                }
            },
        )
    }

    fn departments() -> Arc<Departments> {
        let department = |id: &str, parent: Option<&str>| Department {
            id: id.into(),
            parent: parent.map(String::from),
            name: format!("D{id}"),
        };
        let all = [("1", None), ("2", Some("1")), ("3", Some("2"))];
        let all = all.into_iter().map(|(id, parent)| department(id, parent));
        Arc::new(Departments::new(all.collect()))
    }

    proptest! {
        /// Whoever is judged by another's answers is judged as by its own, errors included, wherever the asking stops.
        #[test]
        fn answers_are_those_of_each_member_alone(
            members in prop::collection::vec(member(), 1..12),
            picked in prop::collection::vec(prop::option::of(0..CONDITIONS.len()), 0..14),
            stop in 0_usize..5,
        ) {
            let language = Language::new();
            let conditions: Vec<Option<Condition>> = picked
                .iter()
                .map(|i| i.map(|i| Condition::parse(CONDITIONS[i]).unwrap()))
                .collect();
            let compiled: Vec<_> = conditions
                .iter()
                .map(|c| c.as_ref().map(|c| (c.source(), language.condition(c).unwrap())))
                .collect();
            let ready = compiled.iter().map(|c| c.as_ref().map(|(source, c)| (*source, c)));
            let mut judge = Judge::new(ready);
            let departments = departments();
            let members: Vec<Arc<Member>> = members.into_iter().map(Arc::new).collect();
            for (n, member) in members.iter().enumerate() {
                let facts = Facts::new(member, &departments, "acme", "wecom");
                let most = if n % 2 == 0 { stop } else { usize::MAX };
                let direct: Vec<(usize, Result<(), EvalError>)> = compiled
                    .iter()
                    .enumerate()
                    .filter_map(|(i, c)| {
                        let held = c.as_ref().map_or(Ok(true), |(_, c)| c.holds(&facts));
                        match held {
                            Ok(false) => None,
                            Ok(true) => Some((i, Ok(()))),
                            Err(error) => Some((i, Err(error))),
                        }
                    })
                    .take(most.max(1))
                    .collect();
                let mut found = Vec::new();
                judge.find(member, &facts, |index, said| {
                    found.push((index, said));
                    (found.len() >= most).then_some(())
                });
                prop_assert_eq!(found, direct);
            }
        }
    }

    #[test]
    fn a_condition_may_ask_of_no_more_than_its_text_names() {
        assert_eq!(asked_of("source.name == 'acme'"), 0);
        assert_eq!(asked_of("member.position == 'x'"), bits(&["position"]));
        assert_eq!(
            asked_of("member . tags and 'x' in member\n.department_path"),
            bits(&["tags", "department_path"])
        );
        // Left out by the language's own list of names: what is cut.
        assert_eq!(asked_of("member.id[:3] == 'abc'"), bits(&["id"]));
        for all in ["member['id']", "(member).id", "[member][0].id", "member"] {
            assert_eq!(asked_of(all), bits(MEMBER_NAMES), "{all}");
        }
    }

    /// Two members who agree in one fact alone, and one who differs from the first in that fact alone.
    fn agreeing_in(name: &str) -> (Member, Member, Member) {
        let made = |word: &str| Member {
            id: word.into(),
            username: word.into(),
            name: word.into(),
            alias: word.into(),
            email: word.into(),
            phone: word.into(),
            position: word.into(),
            status: if word == "a" {
                MemberStatus::Active
            } else {
                MemberStatus::Invited
            },
            departments: vec![word.into()],
            main_department: Some(word.into()),
            leader_of: vec![word.into()],
            tags: vec![word.into()],
            attributes: [(word.to_owned(), word.to_owned())].into(),
            shown_by: Vec::new(),
        };
        let give = |from: &Member, to: &mut Member| match name {
            "id" => to.id.clone_from(&from.id),
            "username" => to.username.clone_from(&from.username),
            "name" => to.name.clone_from(&from.name),
            "alias" => to.alias.clone_from(&from.alias),
            "email" => to.email.clone_from(&from.email),
            "phone" => to.phone.clone_from(&from.phone),
            "position" => to.position.clone_from(&from.position),
            "status" => to.status = from.status,
            "departments" | "department_names" | "department_path" => {
                to.departments.clone_from(&from.departments);
            }
            "main_department" | "main_department_name" => {
                to.main_department.clone_from(&from.main_department);
            }
            "leader_of" => to.leader_of.clone_from(&from.leader_of),
            "tags" => to.tags.clone_from(&from.tags),
            _ => to.attributes.clone_from(&from.attributes),
        };
        let (first, mut like, mut unlike) = (made("a"), made("b"), made("a"));
        give(&first, &mut like);
        give(&made("b"), &mut unlike);
        (first, like, unlike)
    }

    #[test]
    fn members_look_alike_who_agree_in_what_is_asked_and_in_nothing_else() {
        let hash = |look: &Look<'_>| {
            let mut hasher = std::hash::DefaultHasher::new();
            look.hash(&mut hasher);
            hasher.finish()
        };
        for name in MEMBER_NAMES {
            let (first, like, unlike) = agreeing_in(name);
            let look = |member| Look {
                member,
                asked: bits(&[name]),
            };
            assert!(look(&first) == look(&like), "{name}");
            assert_eq!(hash(&look(&first)), hash(&look(&like)), "{name}");
            assert!(look(&first) != look(&unlike), "{name}");
            assert_ne!(hash(&look(&first)), hash(&look(&unlike)), "{name}");
        }
    }

    #[test]
    fn members_do_not_look_alike_to_conditions_that_ask_of_other_facts() {
        let (first, ..) = agreeing_in("tags");
        let look = |asked| Look {
            member: &first,
            asked,
        };
        // Both facts have the same value.
        assert!(look(bits(&["tags"])) != look(bits(&["leader_of"])));
    }

    #[test]
    fn what_was_answered_for_one_is_not_asked_of_those_who_look_alike() {
        let language = Language::new();
        let condition = Condition::parse("member.position == 'a'").unwrap();
        let compiled = language.condition(&condition).unwrap();
        let mut judge = Judge::new([Some((condition.source(), &compiled))].into_iter());
        let (first, like, unlike) = agreeing_in("position");
        let members = [first, like, unlike].map(Arc::new);
        for member in &members {
            let facts = Facts::new(member, &departments(), "acme", "wecom");
            judge.find(member, &facts, |_, _| None::<()>);
        }
        let known = judge.groups[0].known.as_ref().unwrap();
        assert_eq!(known.len(), 2);
    }
}
