//! The directory of an enterprise: departments, members, tags.

use std::collections::{BTreeMap, BTreeSet};

/// A whole directory.
#[derive(Clone, Debug, Default)]
pub struct Enterprise {
    /// Departments by id.
    pub departments: BTreeMap<u32, Department>,
    /// Members by userid, in its original spelling.
    pub members: BTreeMap<String, Member>,
    /// Tags by id.
    pub tags: BTreeMap<u32, Tag>,
}

/// A department (部门).
#[derive(Clone, Debug)]
pub struct Department {
    /// The id; the root is 1.
    pub id: u32,
    /// The name.
    pub name: String,
    /// The department above; 0 for the root.
    pub parent: u32,
    /// Larger sorts first.
    pub order: u32,
    /// Userids of its heads.
    pub leaders: Vec<String>,
}

/// A member (成员).
#[derive(Clone, Debug)]
pub struct Member {
    /// The userid.
    pub userid: String,
    /// The name.
    pub name: String,
    /// Ids of the departments that the member is in.
    pub departments: Vec<u32>,
    /// Those of them that the member leads.
    pub leads: BTreeSet<u32>,
    /// The main department.
    pub main_department: u32,
    /// The position.
    pub position: String,
    /// The alias.
    pub alias: String,
    /// The English name.
    pub english_name: String,
    /// The telephone number.
    pub telephone: String,
    /// Userids of the direct leaders.
    pub direct_leaders: Vec<String>,
    /// The status.
    pub status: Status,
    /// The mobile number, a contact field.
    pub mobile: String,
    /// The e-mail address, a contact field.
    pub email: String,
    /// Own fields of the enterprise, name and text.
    pub attributes: Vec<(String, String)>,
}

/// What `status` says (`wecom-api.md 2.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 1, joined.
    Active,
    /// 2, disabled by the administrator.
    Disabled,
    /// 4, never joined.
    NotActivated,
    /// 5, has quit.
    Quit,
}

impl Status {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Disabled => 2,
            Self::NotActivated => 4,
            Self::Quit => 5,
        }
    }
}

/// A tag (标签), which may hold members and departments.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    /// The tagid.
    pub id: u32,
    /// The name.
    pub name: String,
    /// Userids.
    pub members: BTreeSet<String>,
    /// Department ids.
    pub departments: BTreeSet<u32>,
}

impl Member {
    /// An active member of these departments, the first being the main one.
    pub fn new(userid: &str, name: &str, departments: &[u32]) -> Self {
        Self {
            userid: userid.to_owned(),
            name: name.to_owned(),
            departments: departments.to_vec(),
            leads: BTreeSet::new(),
            main_department: departments.first().copied().unwrap_or(1),
            position: String::new(),
            alias: String::new(),
            english_name: String::new(),
            telephone: String::new(),
            direct_leaders: Vec::new(),
            status: Status::Active,
            mobile: String::new(),
            email: String::new(),
            attributes: Vec::new(),
        }
    }
}

impl Enterprise {
    /// An enterprise with a root department and nobody in it.
    pub fn new(name: &str) -> Self {
        let mut enterprise = Self::default();
        enterprise.add_department(1, name, 0);
        enterprise
    }

    /// Adds or replaces a department.
    pub fn add_department(&mut self, id: u32, name: &str, parent: u32) {
        let department = Department {
            id,
            name: name.to_owned(),
            parent,
            order: 1000 + id,
            leaders: Vec::new(),
        };
        self.departments.insert(id, department);
    }

    /// Removes a department; members keep its id if they have it.
    pub fn remove_department(&mut self, id: u32) {
        self.departments.remove(&id);
    }

    /// Adds or replaces a member.
    pub fn add(&mut self, member: Member) {
        self.members.insert(member.userid.clone(), member);
    }

    /// Adds an active member of these departments.
    pub fn add_member(&mut self, userid: &str, name: &str, departments: &[u32]) {
        self.add(Member::new(userid, name, departments));
    }

    /// Removes a member, from tags and leaders too.
    pub fn remove_member(&mut self, userid: &str) {
        self.members.remove(userid);
        for tag in self.tags.values_mut() {
            tag.members.remove(userid);
        }
        for department in self.departments.values_mut() {
            department.leaders.retain(|leader| leader != userid);
        }
    }

    /// The member of this userid: of exactly this spelling, else of any, for userids ignore case (`wecom-api.md 2.1`).
    pub fn member(&self, userid: &str) -> Option<&Member> {
        self.members.get(userid).or_else(|| {
            self.members
                .values()
                .find(|member| member.userid.eq_ignore_ascii_case(userid))
        })
    }

    /// Changes a member, if there is one of exactly this userid.
    pub fn change(&mut self, userid: &str, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(userid) {
            change(member);
        }
    }

    /// Gives a member another userid, which WeCom allows once (`wecom-api.md 2.1`).
    pub fn change_userid(&mut self, old: &str, new: &str) {
        let Some(mut member) = self.members.remove(old) else {
            return;
        };
        member.userid = new.to_owned();
        self.add(member);
        for tag in self.tags.values_mut() {
            if tag.members.remove(old) {
                tag.members.insert(new.to_owned());
            }
        }
        for leader in self
            .departments
            .values_mut()
            .flat_map(|department| department.leaders.iter_mut())
        {
            if leader == old {
                *leader = new.to_owned();
            }
        }
    }

    /// Adds or replaces a tag.
    pub fn add_tag(&mut self, id: u32, name: &str, members: &[&str], departments: &[u32]) {
        let tag = Tag {
            id,
            name: name.to_owned(),
            members: members.iter().map(|userid| (*userid).to_owned()).collect(),
            departments: departments.iter().copied().collect(),
        };
        self.tags.insert(id, tag);
    }

    /// These departments and all below them; a cycle is walked once.
    pub fn subtree(&self, tops: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        let mut below: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for department in self.departments.values() {
            below
                .entry(department.parent)
                .or_default()
                .push(department.id);
        }
        let mut reached = BTreeSet::new();
        let mut open: Vec<u32> = tops
            .into_iter()
            .filter(|id| self.departments.contains_key(id))
            .collect();
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(
                    below
                        .get(&id)
                        .into_iter()
                        .flatten()
                        .filter(|child| self.departments.contains_key(child)),
                );
            }
        }
        reached
    }
}
