//! An app of the enterprise, what it may see, and what that comes to (`wecom-api.md 0.3`, `2.5`, `2.6`).

use std::collections::BTreeSet;

use super::enterprise::{Enterprise, Member};

/// Decides what a token may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppKind {
    /// A self-built app, which reads its visible range.
    SelfBuilt,
    /// The contact-sync assistant, which reads ids of the whole enterprise.
    ContactSync,
}

/// The visible range as an administrator set it (可见范围).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibleRange {
    /// Members chosen one by one.
    pub members: BTreeSet<String>,
    /// Departments, with all below them.
    pub departments: BTreeSet<u32>,
    /// Tags.
    pub tags: BTreeSet<u32>,
}

impl VisibleRange {
    /// These departments and nothing else.
    pub fn departments(ids: &[u32]) -> Self {
        Self {
            departments: ids.iter().copied().collect(),
            ..Self::default()
        }
    }
}

/// An app. Its secret is never shown.
#[derive(Clone)]
pub struct App {
    /// The agentid; 0 for contact-sync.
    pub agent_id: u32,
    /// The name.
    pub name: String,
    /// What kind of app it is.
    pub kind: AppKind,
    /// The secret that gets its tokens.
    pub secret: String,
    /// What it may see.
    pub range: VisibleRange,
    /// Whether an administrator disabled it.
    pub closed: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("agent_id", &self.agent_id)
            .field("kind", &self.kind)
            .field("range", &self.range)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// What a visible range comes to.
pub(crate) struct Sight<'a> {
    enterprise: &'a Enterprise,
    all: bool,
    members: BTreeSet<String>,
    /// Departments that are seen with all below them.
    tops: BTreeSet<u32>,
    /// Departments that are seen by themselves.
    alone: BTreeSet<u32>,
}

impl<'a> Sight<'a> {
    /// What `app` sees of `enterprise`; `wide` shows every department of a member seen by itself, too.
    pub(crate) fn new(enterprise: &'a Enterprise, app: &App, wide: bool) -> Self {
        if app.kind == AppKind::ContactSync {
            return Self {
                enterprise,
                all: true,
                members: BTreeSet::new(),
                tops: BTreeSet::new(),
                alone: BTreeSet::new(),
            };
        }
        let tags = app
            .range
            .tags
            .iter()
            .filter_map(|id| enterprise.tags.get(id));
        let mut members: BTreeSet<String> = app
            .range
            .members
            .iter()
            .map(|id| id.to_lowercase())
            .collect();
        let mut tops = app.range.departments.clone();
        for tag in tags {
            members.extend(tag.members.iter().map(|id| id.to_lowercase()));
            tops.extend(&tag.departments);
        }
        let mut alone = BTreeSet::new();
        if wide {
            let own = members
                .iter()
                .filter_map(|id| enterprise.member(id))
                .flat_map(|member| &member.departments);
            alone.extend(own);
        }
        Self {
            enterprise,
            all: false,
            members,
            tops,
            alone,
        }
    }

    /// Looks upwards from the department: to come down from the tops costs the whole tree at every request.
    pub(crate) fn department(&self, id: u32) -> bool {
        let departments = &self.enterprise.departments;
        if self.all || self.alone.contains(&id) {
            return departments.contains_key(&id);
        }
        let mut above = Some(id);
        // A tree that is none has cycles: nothing is further up than there are departments.
        for _ in 0..departments.len() {
            let Some(department) = above.and_then(|id| departments.get(&id)) else {
                return false;
            };
            if self.tops.contains(&department.id) {
                return true;
            }
            above = Some(department.parent);
        }
        false
    }

    /// All of them.
    pub(crate) fn departments(&self) -> BTreeSet<u32> {
        let all = &self.enterprise.departments;
        if self.all {
            return all.keys().copied().collect();
        }
        let mut seen = self.enterprise.subtree(self.tops.iter().copied());
        seen.extend(self.alone.iter().filter(|id| all.contains_key(id)));
        seen
    }

    pub(crate) fn member(&self, member: &Member) -> bool {
        self.all
            || self.members.contains(&member.userid.to_lowercase())
            || member.departments.iter().any(|id| self.department(*id))
    }

    /// Whether the member of this userid exists and is visible.
    pub(crate) fn userid(&self, userid: &str) -> bool {
        self.enterprise
            .member(userid)
            .is_some_and(|member| self.member(member))
    }
}
