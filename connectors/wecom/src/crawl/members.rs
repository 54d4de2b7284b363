//! The members: of each department, then those whom only a tag or their own name shows.

use std::collections::{BTreeMap, BTreeSet};

use camsync_connector_sdk::types::{Failure, Level, Member};

use super::tags::Tags;
use super::{Pass, Tree};
use crate::api::Call;
use crate::codes::Class;
use crate::fold;
use crate::lenient::Obj;
use crate::member::{Unusable, member};
use crate::problem::Problem;
use crate::wire::{RawMember, UserList};

const LIST: &str = "user/list";
const GET: &str = "user/get";

/// Members handed over at a time.
const BATCH: usize = 1000;

/// What the members' part of a pass came to.
#[derive(Default)]
pub(super) struct Found {
    /// Departments that are a part of the range.
    pub(super) departments: BTreeSet<u64>,
    /// Folded ids of everybody whom a department shows.
    seen: BTreeSet<String>,
    /// Entries without a usable id.
    skipped: usize,
}

/// Reads everybody and hands them over.
pub(super) fn read(pass: &mut Pass, tree: &mut Tree, tags: &Tags) -> Result<Found, Failure> {
    let mut found = Found::default();
    let all: BTreeSet<u64> = tree.ids().collect();
    let vanished = of_departments(pass, tree, tags, all, &mut found)?;
    if !vanished.is_empty() {
        again(pass, tree, tags, vanished, &mut found)?;
    }
    alone(pass, tree, tags, &mut found)?;
    if found.skipped > 0 && found.seen.is_empty() {
        pass.missing.add(format!(
            "members: none of {} entries has a usable id",
            found.skipped
        ));
    }
    Ok(found)
}

/// Departments vanished between the list and the asking: the list is read once more. What it does not hold any more
/// is gone, what came instead is asked for, and what it still holds did not answer.
fn again(
    pass: &mut Pass,
    tree: &mut Tree,
    tags: &Tags,
    vanished: BTreeMap<u64, Problem>,
    found: &mut Found,
) -> Result<(), Failure> {
    let ids = vanished.keys().copied().collect();
    let Some(reread) = tree.reread(pass, &ids)? else {
        return Ok(());
    };
    for id in reread.gone {
        pass.log(
            Level::Info,
            &format!("department {id} was deleted during the crawl"),
        );
    }
    let mut unsettled: BTreeMap<u64, Problem> = vanished;
    unsettled.retain(|id, _| reread.still_there.contains(id));
    unsettled.extend(of_departments(pass, tree, tags, reread.new, found)?);
    for (id, problem) in unsettled {
        pass.lost(&format!("department {id}"), problem)?;
    }
    Ok(())
}

/// Asks for the direct members of each department and hands them over as they come. Returns those departments that
/// WeCom says do not exist.
fn of_departments(
    pass: &mut Pass,
    tree: &Tree,
    tags: &Tags,
    ids: BTreeSet<u64>,
    found: &mut Found,
) -> Result<BTreeMap<u64, Problem>, Failure> {
    let mut vanished = BTreeMap::new();
    let calls = ids
        .into_iter()
        .map(|id| (id, Call::with(LIST, "department_id", id)))
        .collect();
    pass.ask(calls, |pass, id, result: Result<UserList, Problem>| {
        match result {
            Ok(list) => {
                found.departments.insert(id);
                take_in(pass, tree, tags, id, list, found);
            }
            Err(problem) if problem.class() == Some(Class::DepartmentGone) => {
                vanished.insert(id, problem);
            }
            Err(problem)
                if problem.class() == Some(Class::MemberHidden)
                    && !is_configured(pass, tree, tags, id) =>
            {
                // A department above the range, listed for its name only: nobody configured it to be seen.
                pass.log(
                    Level::Debug,
                    &format!("department {id} lies outside the range: {}", problem.line()),
                );
            }
            Err(problem) => {
                found.departments.insert(id);
                pass.lost(&format!("department {id}"), problem)?;
            }
        }
        Ok(())
    })?;
    Ok(vanished)
}

/// The department or one above it is in the range, by itself or through a tag.
fn is_configured(pass: &Pass, tree: &Tree, tags: &Tags, id: u64) -> bool {
    tree.upwards(id)
        .any(|id| pass.range.departments.contains(&id) || tags.departments().contains(&id))
}

fn take_in(
    pass: &mut Pass,
    tree: &Tree,
    tags: &Tags,
    department: u64,
    list: UserList,
    found: &mut Found,
) {
    let mut members = Vec::with_capacity(list.userlist.len().min(BATCH));
    for Obj(raw) in list.userlist {
        if members.len() == BATCH {
            pass.api.host().members(std::mem::take(&mut members));
        }
        let shown_by = vec![format!("department:{department}")];
        if let Some(mut member) = known(pass, tree, tags, raw, shown_by, found) {
            let id = department.to_string();
            if !member.departments.contains(&id) {
                member.departments.push(id);
            }
            members.push(member);
        }
    }
    if !members.is_empty() {
        pass.api.host().members(members);
    }
}

/// Makes a member of what WeCom says, notes that it was seen, and reports what cannot be used.
fn known(
    pass: &mut Pass,
    tree: &Tree,
    tags: &Tags,
    raw: RawMember,
    shown_by: Vec<String>,
    found: &mut Found,
) -> Option<Member> {
    let departments = raw.department.clone();
    match member(raw) {
        Ok(mut member) => {
            let key = fold(&member.id);
            member.tags = tags.names_of(&key, departments.into_iter(), tree);
            member.shown_by = shown_by;
            found.seen.insert(key);
            Some(member)
        }
        Err(unusable @ Unusable::Id(_)) => {
            found.skipped += 1;
            pass.log(
                Level::Warn,
                &format!("{}: {unusable}; skipped", shown_by.join(", ")),
            );
            None
        }
        Err(unusable) => {
            if let Unusable::Status(id, _) = &unusable {
                found.seen.insert(fold(id));
            }
            pass.missing.add(unusable.to_string());
            None
        }
    }
}

/// Somebody whom no department shows.
struct Alone {
    id: String,
    shown_by: Vec<String>,
}

/// Asks for everybody whom the range names, or one of its tags, and no department has shown.
fn alone(pass: &mut Pass, tree: &Tree, tags: &Tags, found: &mut Found) -> Result<(), Failure> {
    let mut asked: BTreeMap<String, Alone> = BTreeMap::new();
    for (key, id) in tags.shown_members() {
        asked.insert(
            key.clone(),
            Alone {
                id: id.clone(),
                shown_by: vec![format!("tag-member:{key}")],
            },
        );
    }
    for id in &pass.range.users {
        let key = fold(id);
        let item = format!("member:{key}");
        asked
            .entry(key)
            .or_insert_with(|| Alone {
                id: id.clone(),
                shown_by: Vec::new(),
            })
            .shown_by
            .push(item);
    }
    asked.retain(|key, _| !found.seen.contains(key));
    let calls = asked
        .into_values()
        .map(|who| (Call::with(GET, "userid", &who.id), who));
    let calls = calls.map(|(call, who)| (who, call)).collect();
    pass.ask(calls, |pass, who, result| {
        one_alone(pass, tree, tags, who, result, found)
    })
}

fn one_alone(
    pass: &mut Pass,
    tree: &Tree,
    tags: &Tags,
    who: Alone,
    result: Result<RawMember, Problem>,
    found: &mut Found,
) -> Result<(), Failure> {
    let Alone { id, shown_by } = who;
    match result {
        Ok(raw) if fold(&raw.userid) != fold(&id) => {
            pass.missing
                .add(format!("member {id}: {GET} answered about somebody else"));
        }
        Ok(raw) => {
            if let Some(member) = known(pass, tree, tags, raw, shown_by, found) {
                pass.api.host().members(vec![member]);
            }
        }
        Err(problem) if problem.class() == Some(Class::MemberGone) => {
            let line = format!(
                "{} names a member who is not there: {}",
                shown_by.join(", "),
                problem.line()
            );
            pass.log(Level::Warn, &line);
        }
        Err(problem) => pass.lost(&format!("member {id}"), problem)?,
    }
    Ok(())
}
