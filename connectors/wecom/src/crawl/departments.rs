//! The departments that the app sees, as a forest (`wecom-api.md` 2.2).

use std::collections::{BTreeMap, BTreeSet};

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{Department, Failure, Level};

use super::Pass;
use crate::api::{Api, Call};
use crate::codes::Class;
use crate::lenient::Obj;
use crate::problem::{Cause, Problem};
use crate::wire::{DepartmentDetail, DepartmentIds, DepartmentList, RawDepartment};

/// WeCom's trees are at most 15 deep (`wecom-api.md` 2.1); a walk that goes further is in a cycle.
const DEPTH_MAX: usize = 64;

/// The id of every enterprise's root department (`wecom-api.md` 2.1).
const ROOT: u64 = 1;

/// Departments handed over at a time.
const BATCH: usize = 1000;

/// A department's parent and name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// 0 for a root; it may name a department that is not seen.
    parent: u64,
    name: String,
}

type Nodes = BTreeMap<u64, Node>;

/// How the list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `department/list`: everything in one call, which WeCom calls slow.
    Whole,
    /// `department/simplelist`, then `department/get` for each.
    Piecewise,
}

/// The departments that the app sees.
#[derive(Debug)]
pub(crate) struct Tree {
    way: Way,
    nodes: Nodes,
}

impl Tree {
    /// Reads the list, and what the range allows but the list does not hold.
    pub(super) fn read(pass: &mut Pass) -> Result<Self, Failure> {
        let (way, nodes) = list_either_way(pass)?;
        let mut tree = Self {
            way,
            nodes: Nodes::new(),
        };
        tree.add(pass, nodes)?;
        let allowed = pass.range.departments.clone();
        tree.expand(pass, &allowed, "of the visible range")?;
        Ok(tree)
    }

    /// What the enterprise calls itself: the root department (`wecom-api.md` 2.1) bears its name, where it is seen.
    pub(super) fn enterprise_name(&self) -> Option<String> {
        let root = self.nodes.get(&ROOT)?;
        Some(root.name.clone()).filter(|name| !name.is_empty())
    }

    /// Adds these departments and all below them, where the list does not hold them.
    pub(super) fn expand(
        &mut self,
        pass: &mut Pass,
        ids: &BTreeSet<u64>,
        whence: &str,
    ) -> Result<(), Failure> {
        for id in ids {
            if self.nodes.contains_key(id) {
                continue;
            }
            match list(pass.api, self.way, Some(*id)) {
                Ok(nodes) => {
                    if !nodes.contains_key(id) {
                        pass.missing.add(format!(
                            "department {id} {whence}: the list does not hold it"
                        ));
                    }
                    self.add(pass, nodes)?;
                }
                Err(problem) => pass.lost(&format!("department {id} {whence}"), problem)?,
            }
        }
        Ok(())
    }

    /// Reads the list once more: what has gone since, and what has come. Of the departments in `gone_if_absent` those
    /// that it does not hold any more are dropped. Nothing when it does not answer; that is noted as missing.
    pub(super) fn reread(
        &mut self,
        pass: &mut Pass,
        gone_if_absent: &BTreeSet<u64>,
    ) -> Result<Option<Reread>, Failure> {
        let nodes = match list(pass.api, self.way, None) {
            Ok(nodes) => nodes,
            Err(problem) => {
                return pass
                    .lost("departments, read once more", problem)
                    .map(|()| None);
            }
        };
        let (still_there, gone): (BTreeSet<u64>, BTreeSet<u64>) =
            gone_if_absent.iter().partition(|id| nodes.contains_key(id));
        self.nodes.retain(|id, _| !gone.contains(id));
        let new = nodes
            .keys()
            .filter(|id| !self.nodes.contains_key(id))
            .copied()
            .collect();
        self.add(pass, nodes)?;
        Ok(Some(Reread {
            still_there,
            gone,
            new,
        }))
    }

    /// Takes these in, after their names have been asked for where the list does not give them. A department that
    /// vanished since is left out; one that does not answer keeps its place without a name, and is noted as missing.
    fn add(&mut self, pass: &mut Pass, mut nodes: Nodes) -> Result<(), Failure> {
        const PATH: &str = "department/get";
        if self.way == Way::Piecewise {
            nodes.retain(|id, _| !self.nodes.contains_key(id));
            let calls = nodes
                .keys()
                .map(|id| (*id, Call::with(PATH, "id", id)))
                .collect();
            pass.ask(
                calls,
                |pass, id, result: Result<DepartmentDetail, Problem>| {
                    match result {
                        Ok(DepartmentDetail {
                            department: Obj(raw),
                        }) => {
                            nodes.entry(id).and_modify(|node| node.name = raw.name);
                        }
                        Err(problem) if problem.class() == Some(Class::DepartmentGone) => {
                            nodes.remove(&id);
                        }
                        Err(problem) => pass.lost(&format!("department {id}"), problem)?,
                    }
                    Ok(())
                },
            )?;
        }
        self.nodes.extend(nodes);
        Ok(())
    }

    /// All ids, in ascending order.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.nodes.keys().copied()
    }

    /// The first of them, if there is one.
    pub(crate) fn first(&self) -> Option<u64> {
        self.ids().next()
    }

    /// The department and those above it, nearest first. It ends where a parent is not seen, and in a cycle.
    pub(super) fn upwards(&self, id: u64) -> impl Iterator<Item = u64> + '_ {
        let above = move |id: &u64| {
            self.nodes
                .get(id)
                .map(|node| node.parent)
                .filter(|parent| *parent != 0)
        };
        std::iter::successors(Some(id), above).take(DEPTH_MAX)
    }

    /// Hands the departments over.
    pub(super) fn hand_over(self, host: &dyn Host) {
        let mut departments = self.nodes.into_iter().map(|(id, node)| Department {
            id: id.to_string(),
            parent: (node.parent != 0).then(|| node.parent.to_string()),
            name: node.name,
        });
        loop {
            let batch: Vec<Department> = departments.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return;
            }
            host.departments(batch);
        }
    }

    /// Only reads the list, for `check`.
    pub(crate) fn peek(api: &Api) -> Result<Self, Problem> {
        let nodes = match whole(api, None) {
            Err(problem) if is_too_much(&problem) => simple(api, None)?,
            other => other?,
        };
        Ok(Self {
            way: Way::Whole,
            nodes,
        })
    }
}

/// What reading the list once more has shown.
pub(super) struct Reread {
    /// Asked about, and still listed.
    pub(super) still_there: BTreeSet<u64>,
    /// Asked about, and not listed any more.
    pub(super) gone: BTreeSet<u64>,
    /// Listed now, and not before.
    pub(super) new: BTreeSet<u64>,
}

/// The slow call does not end, or WeCom will not make so large an answer: there is another way.
fn is_too_much(problem: &Problem) -> bool {
    problem.cause == Cause::Timeout
        || matches!(problem.class(), Some(Class::Busy | Class::TooLarge))
}

fn list_either_way(pass: &mut Pass) -> Result<(Way, Nodes), Failure> {
    match whole(pass.api, None) {
        Ok(nodes) => Ok((Way::Whole, nodes)),
        Err(problem) if is_too_much(&problem) => {
            pass.log(
                Level::Warn,
                &format!("{}; reading the departments one by one", problem.line()),
            );
            let nodes = simple(pass.api, None).map_err(|problem| pass.api.failure(problem))?;
            Ok((Way::Piecewise, nodes))
        }
        // Nobody put a department into the range, so that there may be none to list.
        Err(problem)
            if problem.class() == Some(Class::MemberHidden)
                && pass.range.departments.is_empty() =>
        {
            pass.log(
                Level::Info,
                &format!("no department is visible: {}", problem.line()),
            );
            Ok((Way::Whole, Nodes::new()))
        }
        Err(problem) => Err(pass.api.failure(problem)),
    }
}

fn list(api: &Api, way: Way, below: Option<u64>) -> Result<Nodes, Problem> {
    match way {
        Way::Whole => whole(api, below),
        Way::Piecewise => simple(api, below),
    }
}

fn call(path: &'static str, below: Option<u64>) -> Call {
    below.map_or_else(|| Call::new(path), |id| Call::with(path, "id", id))
}

fn whole(api: &Api, below: Option<u64>) -> Result<Nodes, Problem> {
    const PATH: &str = "department/list";
    let answer: DepartmentList = api.get(call(PATH, below))?;
    nodes(PATH, answer.department)
}

fn simple(api: &Api, below: Option<u64>) -> Result<Nodes, Problem> {
    const PATH: &str = "department/simplelist";
    let answer: DepartmentIds = api.get(call(PATH, below))?;
    nodes(PATH, answer.department_id)
}

/// An entry without an id spoils the list: which department it hides is not known.
fn nodes(path: &'static str, raw: Vec<Obj<RawDepartment>>) -> Result<Nodes, Problem> {
    let node = |Obj(raw): Obj<RawDepartment>| {
        let id = raw.id.id().ok_or_else(|| Problem {
            path,
            cause: Cause::NoAnswer,
            message: "answered a department without an id".to_owned(),
        })?;
        Ok((
            id,
            Node {
                parent: raw.parentid.id().unwrap_or(0),
                name: raw.name,
            },
        ))
    };
    raw.into_iter().map(node).collect()
}
