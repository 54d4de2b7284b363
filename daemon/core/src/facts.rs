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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::expression::{Condition, Language, Text};
    use crate::model::{Department, MemberStatus};

    fn ann() -> Member {
        let text = |text: &str| text.to_owned();
        Member {
            id: text("Ann"),
            username: text("ann"),
            name: text("An Ni"),
            alias: text("Annie"),
            email: text("ann@acme"),
            phone: text("+86 1"),
            position: text("SRE"),
            status: MemberStatus::Invited,
            departments: vec![text("3"), text("1")],
            main_department: None,
            leader_of: vec![text("3")],
            tags: vec![text("on-call")],
            attributes: [(text("level"), text("7"))].into(),
            shown_by: Vec::new(),
        }
    }

    fn departments() -> Departments {
        let department = |id: &str, parent: Option<&str>| Department {
            id: id.into(),
            parent: parent.map(str::to_owned),
            name: format!("D{id}"),
        };
        Departments::new(vec![department("1", None), department("3", Some("1"))])
    }

    /// What a rule makes of one fact.
    fn shown(member: Member, fact: &str) -> String {
        let facts = Facts::new(&Arc::new(member), &Arc::new(departments()), "acme", "wecom");
        let text = Text::parse(&format!("{{{{ {fact} }}}}")).unwrap();
        let language = Language::new();
        language.text(&text).unwrap().fill(&facts).unwrap()
    }

    #[test]
    fn each_fact_has_the_name_that_is_documented() {
        let told: Vec<(&str, String)> = MEMBER_NAMES
            .iter()
            .map(|name| (*name, shown(ann(), &format!("member.{name}"))))
            .collect();
        let wanted = [
            ("id", "Ann"),
            ("username", "ann"),
            ("name", "An Ni"),
            ("alias", "Annie"),
            ("email", "ann@acme"),
            ("phone", "+86 1"),
            ("position", "SRE"),
            ("status", "invited"),
            ("departments", "['3', '1']"),
            ("department_names", "['D3', 'D1']"),
            ("department_path", "['D1', 'D3']"),
            ("main_department", "3"),
            ("main_department_name", "D3"),
            ("leader_of", "['3']"),
            ("tags", "['on-call']"),
        ];
        for (told, (name, wanted)) in told.iter().zip(wanted) {
            assert_eq!((told.0, told.1.as_str()), (name, wanted));
        }
        assert_eq!(shown(ann(), "source.name"), "acme");
        assert_eq!(shown(ann(), "source.connector"), "wecom");
    }

    #[test]
    fn an_attribute_that_a_member_lacks_is_empty() {
        assert_eq!(shown(ann(), "member.attributes.level"), "7");
        assert_eq!(shown(ann(), "member.attributes.nothing"), "");
    }

    #[test]
    fn the_main_department_is_the_provider_s_and_else_the_first() {
        let mut member = ann();
        member.main_department = Some("1".into());
        assert_eq!(main_department(&member), "1");
        member.main_department = None;
        assert_eq!(main_department(&member), "3");
        member.departments.clear();
        assert_eq!(main_department(&member), "");
        member.main_department = Some("9".into());
        assert_eq!(shown(member, "member.main_department_name"), "");
    }

    #[test]
    fn a_rule_that_shows_a_member_whole_shows_nothing_of_them() {
        assert_eq!(shown(ann(), "member"), "{}");
    }

    #[test]
    fn a_rule_may_ask_whether_there_is_an_attribute_at_all() {
        let language = Language::new();
        let condition = Condition::parse("member.attributes is mapping").unwrap();
        let condition = language.condition(&condition).unwrap();
        assert_eq!(condition.holds(&Facts::blank()), Ok(true));
    }
}
