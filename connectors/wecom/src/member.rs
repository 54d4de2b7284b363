//! From WeCom's member object to a member (`wecom-api.md` 2.3).

use std::fmt;

use camsync_connector_sdk::types::{Member, MemberStatus};
use serde_json::Value;

use crate::lenient::{Number, Text};
use crate::wire::RawMember;

/// The longest userid that WeCom makes, in bytes (`wecom-api.md` 2.1).
pub(crate) const ID_MAX: usize = 64;

/// Why a member object cannot be told as a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The id is empty, too long or holds control characters: it can name nobody.
    ///
    /// Such an entry is skipped and reported, and the pass stays complete. Nobody who was ever known can have had
    /// such an id, so nobody goes missing by the skipping itself; and were it a known member's entry that WeCom
    /// garbled, the look-up that comes before every removal would find that member present. Calling the pass
    /// incomplete instead would stop every joiner of the enterprise for one broken entry.
    Id(usize),
    /// WeCom gives no status, or one that is not known here. Whether the account may be used is then unknown, and
    /// neither guess is safe: the pass is incomplete.
    Status(String, Number),
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(length) => write!(
                formatter,
                "a member whose userid is unusable ({length} bytes)"
            ),
            Self::Status(id, Number::Is(status)) => {
                write!(formatter, "member {id}: unknown status {status}")
            }
            Self::Status(id, _) => write!(formatter, "member {id}: no status"),
        }
    }
}

/// Whether this can be a userid at all.
pub(crate) fn is_usable_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_MAX && !id.chars().any(char::is_control)
}

/// Makes a member of the object, without tags and without what shows it.
pub(crate) fn member(raw: RawMember) -> Result<Member, Unusable> {
    if !is_usable_id(&raw.userid) {
        return Err(Unusable::Id(raw.userid.len()));
    }
    let status = match raw.status {
        Number::Is(1) => MemberStatus::Active,
        Number::Is(2) => MemberStatus::Disabled,
        Number::Is(4) => MemberStatus::Invited,
        Number::Is(5) => MemberStatus::Left,
        other => return Err(Unusable::Status(raw.userid, other)),
    };
    let main = raw.main_department.id();
    let leads = raw.department.iter().zip(&raw.is_leader_in_dept);
    let leader_of = leads
        .filter(|(_, leads)| **leads == Number::Is(1))
        .map(|(id, _)| id.to_string())
        .collect();
    let mut departments: Vec<String> = Vec::with_capacity(raw.department.len());
    let listed = raw.department.iter().copied();
    for id in main
        .filter(|main| raw.department.contains(main))
        .into_iter()
        .chain(listed)
    {
        let id = id.to_string();
        if !departments.contains(&id) {
            departments.push(id);
        }
    }
    let mut attributes = extra_fields(raw.extattr.as_ref());
    let leaders: Vec<String> = raw
        .direct_leader
        .into_iter()
        .map(|Text(id)| id)
        .filter(|id| !id.is_empty())
        .collect();
    let own = [
        ("english_name", raw.english_name),
        ("telephone", raw.telephone),
        ("external_position", raw.external_position),
        ("direct_leader", leaders.join(",")),
    ];
    attributes.extend(
        own.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(Member {
        username: raw.userid.clone(),
        id: raw.userid,
        name: raw.name,
        alias: raw.alias,
        email: if raw.email.is_empty() {
            raw.biz_mail
        } else {
            raw.email
        },
        phone: raw.mobile,
        position: raw.position,
        status,
        departments,
        main_department: main.map(|id| id.to_string()),
        leader_of,
        tags: Vec::new(),
        attributes,
        shown_by: Vec::new(),
    })
}

/// The enterprise's own fields: text by its value, a web link by its address.
fn extra_fields(extattr: Option<&Value>) -> Vec<(String, String)> {
    let fields = extattr
        .and_then(|extattr| extattr.get("attrs"))
        .and_then(Value::as_array);
    let one = |field: &Value| {
        let name = field.get("name")?.as_str()?;
        let value = field
            .pointer("/text/value")
            .or_else(|| field.pointer("/web/url"))?
            .as_str()?;
        (!name.is_empty() && !value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    };
    fields.into_iter().flatten().filter_map(one).collect()
}
