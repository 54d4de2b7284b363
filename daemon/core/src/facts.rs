//! Facts: what a rule sees of a member, and by which names.

use std::sync::{Arc, OnceLock};

use minijinja::value::{Object, ObjectRepr, Value};

use crate::departments::Departments;
use crate::model::Member;

/// Names under `member.` that a rule sees.
pub const MEMBER_NAMES: &[&str] = &[
    "id",
    "username",
    "name",
    "alias",
    "email",
    "phone",
    "position",
    "status",
    "departments",
    "department_names",
    "department_path",
    "main_department",
    "main_department_name",
    "leader_of",
    "tags",
    "attributes",
];

/// Names under `source.` that a rule sees.
pub const SOURCE_NAMES: &[&str] = &["name", "connector"];

/// What a rule sees of one member.
#[derive(Debug, Clone)]
pub struct Facts(pub(crate) Value);

impl Facts {
    /// The facts of a member among these departments, of this source.
    #[must_use]
    pub fn new(
        member: &Arc<Member>,
        departments: &Arc<Departments>,
        source: &str,
        connector: &str,
    ) -> Self {
        let member = Value::from_object(MemberFacts {
            member: Arc::clone(member),
            departments: Arc::clone(departments),
            path: OnceLock::new(),
            names: OnceLock::new(),
        });
        let source = minijinja::context! { name => source, connector => connector };
        Self(minijinja::context! { member => member, source => source })
    }

    /// Those of a member of whom nothing is known: what a rule is tried on when it is parsed.
    pub(crate) fn blank() -> Self {
        Self::new(
            &Arc::new(blank_member()),
            &Arc::new(Departments::default()),
            "",
            "",
        )
    }
}

/// Looks facts up only when a rule asks for them: most rules ask for one or two.
struct MemberFacts {
    member: Arc<Member>,
    departments: Arc<Departments>,
    /// The department path, once a rule has asked for it: a thousand rules may.
    path: OnceLock<Value>,
    /// The departments' names, likewise.
    names: OnceLock<Value>,
}

/// Nothing of a member shows except by a fact's name.
impl std::fmt::Debug for MemberFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("member")
    }
}

impl Object for MemberFacts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let m = &self.member;
        Some(match key.as_str()? {
            "id" => Value::from(m.id.as_str()),
            "username" => Value::from(m.username.as_str()),
            "name" => Value::from(m.name.as_str()),
            "alias" => Value::from(m.alias.as_str()),
            "email" => Value::from(m.email.as_str()),
            "phone" => Value::from(m.phone.as_str()),
            "position" => Value::from(m.position.as_str()),
            "status" => Value::from(m.status.as_str()),
            "departments" => Value::from(m.departments.clone()),
            "department_names" => self
                .names
                .get_or_init(|| Value::from(self.departments.names(&m.departments)))
                .clone(),
            "department_path" => self
                .path
                .get_or_init(|| Value::from(self.departments.path(&m.departments)))
                .clone(),
            "main_department" => Value::from(main_department(m)),
            "main_department_name" => {
                Value::from(self.departments.name(main_department(m)).unwrap_or(""))
            }
            "leader_of" => Value::from(m.leader_of.clone()),
            "tags" => Value::from(m.tags.clone()),
            "attributes" => Value::from_object(Attributes(Arc::clone(m))),
            _ => return None,
        })
    }
}

/// The provider's extra fields; one that a member lacks is empty rather than an error.
#[derive(Debug)]
struct Attributes(Arc<Member>);

impl Object for Attributes {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        Some(Value::from(
            self.0.attributes.get(name).map_or("", String::as_str),
        ))
    }
}

pub(crate) fn main_department(member: &Member) -> &str {
    member
        .main_department
        .as_deref()
        .or_else(|| member.departments.first().map(String::as_str))
        .unwrap_or("")
}

/// A member of whom nothing is known.
pub(crate) fn blank_member() -> Member {
    Member {
        id: String::new(),
        username: String::new(),
        name: String::new(),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: String::new(),
        status: crate::model::MemberStatus::Active,
        departments: Vec::new(),
        main_department: None,
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        shown_by: Vec::new(),
    }
}
