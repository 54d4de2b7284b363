//! Tags: names on members, and a part of the visible range (`wecom-api.md` 2.4).
//!
//! A tag on a department counts for every member of that department and of those below it, as it does everywhere in
//! WeCom: the reference asks that a tag's departments be expanded.

use std::collections::{BTreeMap, BTreeSet};

use camsync_connector_sdk::types::{Failure, Level};

use super::{Pass, Tree};
use crate::api::Call;
use crate::codes::Class;
use crate::fold;
use crate::lenient::{Number, Obj};
use crate::problem::Problem;
use crate::wire::{TagDetail, TagList};

const LIST: &str = "tag/list";
const GET: &str = "tag/get";

/// Whom each tag names.
#[derive(Default)]
pub(crate) struct Tags {
    names: Vec<String>,
    /// Tags by folded userid.
    of_member: BTreeMap<String, Vec<usize>>,
    /// Tags by department, for all below it.
    of_department: BTreeMap<u64, Vec<usize>>,
    /// The members of the range's own tags: folded id and original spelling.
    shown: BTreeMap<String, String>,
    /// The departments of the range's own tags.
    departments: BTreeSet<u64>,
}

impl Tags {
    /// Reads every tag that the app sees, and expands the range by those that belong to it.
    pub(super) fn read(pass: &mut Pass, tree: &mut Tree) -> Result<Self, Failure> {
        let mut ids = pass.range.tags.clone();
        ids.extend(listed(pass)?);
        let calls = ids
            .into_iter()
            .map(|id| (id, Call::with(GET, "tagid", id)))
            .collect();
        let mut tags = Self::default();
        pass.ask(
            calls,
            |pass, id, result: Result<TagDetail, Problem>| match result.and_then(Detail::try_from) {
                Ok(detail) => {
                    tags.add(detail, pass.range.tags.contains(&id));
                    Ok(())
                }
                Err(problem) => without(pass, id, problem),
            },
        )?;
        let departments = tags.departments.clone();
        tree.expand(pass, &departments, "of a tag in the visible range")?;
        Ok(tags)
    }

    fn add(&mut self, detail: Detail, in_range: bool) {
        let tag = self.names.len();
        self.names.push(detail.name);
        for user in detail.users {
            let key = fold(&user);
            self.of_member.entry(key.clone()).or_default().push(tag);
            if in_range {
                self.shown.entry(key).or_insert(user);
            }
        }
        for department in detail.departments {
            self.of_department.entry(department).or_default().push(tag);
            if in_range {
                self.departments.insert(department);
            }
        }
    }

    /// Names of the tags on this member (folded id), who is in these departments.
    pub(super) fn names_of(
        &self,
        key: &str,
        departments: impl Iterator<Item = u64>,
        tree: &Tree,
    ) -> Vec<String> {
        let own = self.of_member.get(key).into_iter().flatten();
        let mut tags: Vec<usize> = own.copied().collect();
        if !self.of_department.is_empty() {
            let above = departments.flat_map(|id| tree.upwards(id).collect::<Vec<_>>());
            tags.extend(
                above
                    .filter_map(|id| self.of_department.get(&id))
                    .flatten()
                    .copied(),
            );
        }
        // By name, for the tags' own order is that in which the answers came.
        let names: BTreeSet<&String> = tags.into_iter().map(|tag| &self.names[tag]).collect();
        names.into_iter().cloned().collect()
    }

    /// Folded ids of the members of the range's own tags.
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        self.shown.keys().map(String::as_str)
    }

    /// The same with their original spelling.
    pub(super) fn shown_members(&self) -> impl Iterator<Item = (&String, &String)> {
        self.shown.iter()
    }

    /// The departments of the range's own tags.
    pub(super) fn departments(&self) -> &BTreeSet<u64> {
        &self.departments
    }
}

/// A tag that gives no answer. Outside the range it is only a name, and one that WeCom says is gone or not this
/// app's to read is done without; in the range it may show members, and then they are missing.
fn without(pass: &mut Pass, id: u64, problem: Problem) -> Result<(), Failure> {
    let told = matches!(problem.class(), Some(Class::TagGone | Class::TagDenied));
    if told && !pass.range.tags.contains(&id) {
        pass.log(
            Level::Warn,
            &format!("tag {id} is left out: {}", problem.line()),
        );
        return Ok(());
    }
    pass.lost(&format!("tag {id}"), problem)
}

/// A tag's name, members and departments.
struct Detail {
    name: String,
    users: Vec<String>,
    departments: Vec<u64>,
}

impl TryFrom<TagDetail> for Detail {
    type Error = Problem;

    fn try_from(raw: TagDetail) -> Result<Self, Problem> {
        let garbage = |message: &str| Problem {
            path: GET,
            cause: crate::problem::Cause::NoAnswer,
            message: message.to_owned(),
        };
        if raw.userlist.is_none() && raw.partylist.is_none() {
            return Err(garbage("answered an object without the tag's members"));
        }
        let users = raw
            .userlist
            .unwrap_or_default()
            .into_iter()
            .map(|Obj(user)| user.userid);
        let parties = raw.partylist.unwrap_or_default().into_iter();
        Ok(Self {
            name: raw.tagname,
            users: users.filter(|id| !id.is_empty()).collect(),
            departments: parties
                .map(|id| {
                    id.id()
                        .ok_or_else(|| garbage("answered a department without an id"))
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The tags beyond the range's own. An app that may not list them does without; no other failure may be taken for an
/// enterprise without tags.
fn listed(pass: &mut Pass) -> Result<Vec<u64>, Failure> {
    match pass.api.get::<TagList>(Call::new(LIST)) {
        Ok(list) => {
            let ids: Vec<Number> = list.taglist.into_iter().map(|Obj(tag)| tag.tagid).collect();
            if ids.iter().any(|id| id.id().is_none()) {
                pass.missing
                    .add(format!("tags: {LIST} answered a tag without an id"));
            }
            Ok(ids.into_iter().filter_map(Number::id).collect())
        }
        Err(problem) if is_barred(&problem) => {
            pass.log(
                Level::Info,
                &format!(
                    "only the visible range's own tags are read: {}",
                    problem.line()
                ),
            );
            Ok(Vec::new())
        }
        Err(problem) => pass.lost("tags", problem).map(|()| Vec::new()),
    }
}

/// WeCom says that this app may not list tags.
pub(crate) fn is_barred(problem: &Problem) -> bool {
    use crate::problem::Cause::Code;
    matches!(
        problem.cause,
        Code(48001 | 48002 | 48009 | 60011 | 81011 | 81013 | 301002)
    )
}
