//! The directory endpoints: departments, members, tags (`wecom-api.md 2`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::app::{App, AppKind, Sight};
use super::enterprise::{Department, Enterprise, Member};
use super::fault::Fault;
use super::options::Options;
use super::reply::{Errcode, Outcome, refuse};

/// What an endpoint works with.
pub(crate) struct Reading<'a> {
    pub(crate) enterprise: &'a Enterprise,
    pub(crate) app: &'a App,
    pub(crate) options: &'a Options,
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) body: &'a [u8],
    pub(crate) post: bool,
    pub(crate) faults: &'a [Fault],
}

impl<'a> Reading<'a> {
    fn sight(&self) -> Sight<'a> {
        Sight::new(
            self.enterprise,
            self.app,
            self.options.member_departments_visible,
        )
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Errcode> {
        match self.text(name).map(str::parse) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => refuse(40058),
        }
    }

    pub(crate) fn json(&self) -> Result<Value, Errcode> {
        match serde_json::from_slice::<Value>(self.body) {
            Ok(value) if self.post && value.is_object() => Ok(value),
            _ => refuse(40058),
        }
    }

    /// Contact-sync from an address that is new since 2022-08-15 reads ids only (`wecom-api.md 1.4`).
    fn details(&self) -> Result<(), Errcode> {
        match self.app.kind {
            AppKind::ContactSync if !self.options.ip_grandfathered => refuse(48009),
            _ => Ok(()),
        }
    }

    fn shows_department(&self, id: u32) -> bool {
        !self
            .faults
            .iter()
            .any(|fault| matches!(fault, Fault::MissDepartments(missed) if missed.contains(&id)))
    }

    fn shows_member(&self, member: &Member) -> bool {
        !self.faults.iter().any(|fault| match fault {
            Fault::EmptyUserlist => true,
            Fault::MissMembers(missed) => missed.contains(&member.userid),
            _ => false,
        })
    }
}

/// A visible department, or the code that says why not.
fn department<'a>(view: &Reading<'a>, sight: &Sight, id: u32) -> Result<&'a Department, Errcode> {
    match view.enterprise.departments.get(&id) {
        None => refuse(60003),
        Some(_) if !sight.department(id) => refuse(60011),
        Some(department) => Ok(department),
    }
}

/// The departments that a list call gives.
fn departments<'a>(view: &Reading<'a>, sight: &Sight) -> Result<Vec<&'a Department>, Errcode> {
    let mut ids = sight.departments();
    if let Some(top) = view.number("id")?.filter(|id| *id != 0) {
        department(view, sight, top)?;
        let below = view.enterprise.subtree([top]);
        ids.retain(|id| below.contains(id));
    } else if view.options.ancestor_stubs {
        for id in &ids.clone() {
            let mut above = view
                .enterprise
                .departments
                .get(id)
                .map_or(0, |department| department.parent);
            while view.enterprise.departments.contains_key(&above) && ids.insert(above) {
                above = view
                    .enterprise
                    .departments
                    .get(&above)
                    .map_or(0, |department| department.parent);
            }
        }
    }
    ids.retain(|id| view.shows_department(*id));
    Ok(ids
        .iter()
        .filter_map(|id| view.enterprise.departments.get(id))
        .collect())
}

pub(crate) fn department_simplelist(view: &Reading) -> Outcome {
    let row = |department: &Department| json!({"id": department.id, "parentid": department.parent, "order": department.order});
    let rows: Vec<_> = departments(view, &view.sight())?
        .into_iter()
        .map(row)
        .collect();
    Ok(json!({"department_id": rows}))
}

fn department_info(department: &Department, sight: &Sight) -> Value {
    let leaders: Vec<_> = department
        .leaders
        .iter()
        .filter(|leader| sight.userid(leader))
        .collect();
    json!({
        "id": department.id, "name": department.name, "name_en": "", "department_leader": leaders,
        "parentid": department.parent, "order": department.order,
    })
}

pub(crate) fn department_list(view: &Reading) -> Outcome {
    view.details()?;
    let sight = view.sight();
    let rows = departments(view, &sight)?;
    Ok(
        json!({"department": rows.into_iter().map(|row| department_info(row, &sight)).collect::<Vec<_>>()}),
    )
}

pub(crate) fn department_get(view: &Reading) -> Outcome {
    view.details()?;
    let sight = view.sight();
    let Some(id) = view.number("id")? else {
        return refuse(40058);
    };
    Ok(json!({"department": department_info(department(view, &sight, id)?, &sight)}))
}

/// The visible members directly in the department that the call names.
fn members<'a>(view: &Reading<'a>, sight: &Sight) -> Result<Vec<&'a Member>, Errcode> {
    let Some(id) = view.number("department_id")? else {
        return refuse(40058);
    };
    department(view, sight, id)?;
    let of_department =
        |member: &&Member| member.departments.contains(&id) && view.shows_member(member);
    Ok(view
        .enterprise
        .members
        .values()
        .filter(of_department)
        .collect())
}

fn visible(member: &Member, sight: &Sight) -> Vec<u32> {
    member
        .departments
        .iter()
        .copied()
        .filter(|id| sight.department(*id))
        .collect()
}

pub(crate) fn user_simplelist(view: &Reading) -> Outcome {
    view.details()?;
    let sight = view.sight();
    let row = |member: &Member| json!({"userid": member.userid, "name": member.name, "department": visible(member, &sight)});
    Ok(json!({"userlist": members(view, &sight)?.into_iter().map(row).collect::<Vec<_>>()}))
}

fn member_info(view: &Reading, member: &Member, sight: &Sight) -> Value {
    let departments = visible(member, sight);
    let quirks = view.options.quirks;
    let status = member.status.number();
    let status = if quirks.status_text {
        json!(status.to_string())
    } else {
        json!(status)
    };
    if quirks.bare_members {
        return json!({"userid": member.userid, "department": departments, "status": status});
    }
    let leads: Vec<_> = departments
        .iter()
        .map(|id| u8::from(member.leads.contains(id)))
        .collect();
    let leaders: Vec<_> = member
        .direct_leaders
        .iter()
        .filter(|leader| sight.userid(leader))
        .collect();
    let attributes: Vec<_> = member
        .attributes
        .iter()
        .map(|(name, value)| json!({"type": 0, "name": name, "text": {"value": value}}))
        .collect();
    let mut info = json!({
        "userid": member.userid, "name": member.name, "order": vec![0; departments.len()],
        "position": member.position, "is_leader_in_dept": leads, "direct_leader": leaders,
        "telephone": member.telephone, "alias": member.alias, "english_name": member.english_name, "status": status,
        "extattr": {"attrs": attributes}, "department": departments,
    });
    if sight.department(member.main_department) {
        let main = member.main_department;
        info["main_department"] = if quirks.main_department_text {
            json!(main.to_string())
        } else {
            json!(main)
        };
    }
    if view.options.contact_fields {
        info["mobile"] = json!(member.mobile);
        info["email"] = json!(member.email);
        info["biz_mail"] = json!("");
        info["gender"] = json!("0");
        info["avatar"] = json!("");
    }
    info
}

pub(crate) fn user_list(view: &Reading) -> Outcome {
    view.details()?;
    let sight = view.sight();
    let members = members(view, &sight)?;
    Ok(
        json!({"userlist": members.into_iter().map(|row| member_info(view, row, &sight)).collect::<Vec<_>>()}),
    )
}

pub(crate) fn user_get(view: &Reading) -> Outcome {
    view.details()?;
    let sight = view.sight();
    let Some(userid) = view.text("userid") else {
        return refuse(41009);
    };
    match view
        .enterprise
        .member(userid)
        .filter(|member| view.shows_member(member))
    {
        Some(member) if sight.member(member) => Ok(member_info(view, member, &sight)),
        Some(_) => refuse(view.options.hidden_member_code),
        None if !well_formed(userid) => refuse(40003),
        None => refuse(view.options.unknown_member_code),
    }
}

fn well_formed(userid: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-@.".contains(c);
    userid.len() <= 64
        && userid.chars().all(legal)
        && userid
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

pub(crate) fn user_list_id(view: &Reading) -> Outcome {
    if view.app.kind != AppKind::ContactSync {
        return refuse(48002);
    }
    let body = view.json()?;
    let limit = body
        .get("limit")
        .map_or(Some(10_000), Value::as_u64)
        .filter(|limit| (1..=10_000).contains(limit));
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return refuse(40058);
    };
    let cursor = body
        .get("cursor")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let start = match cursor.strip_prefix("cursor-").map(str::parse::<usize>) {
        Some(Ok(start)) => start,
        _ if cursor.is_empty() => 0,
        _ => return refuse(40058),
    };
    let shown = view
        .enterprise
        .members
        .values()
        .filter(|member| view.shows_member(member));
    let rows: Vec<Value> = shown
        .flat_map(|member| {
            member
                .departments
                .iter()
                .map(|id| json!({"userid": member.userid, "department": id}))
        })
        .collect();
    let end = rows.len().min(start.saturating_add(limit));
    let next = if end < rows.len() {
        format!("cursor-{end}")
    } else {
        String::new()
    };
    let page = rows.get(start..end).unwrap_or_default();
    Ok(json!({"next_cursor": next, "dept_user": page}))
}

/// A tag is listed when it is in the visible range, or when it holds anything visible; the real scope is open.
pub(crate) fn tag_list(view: &Reading) -> Outcome {
    let sight = view.sight();
    let tags = view.enterprise.tags.values().filter(|tag| {
        view.app.kind == AppKind::ContactSync
            || view.app.range.tags.contains(&tag.id)
            || tag.members.iter().any(|userid| sight.userid(userid))
            || tag.departments.iter().any(|id| sight.department(*id))
    });
    Ok(
        json!({"taglist": tags.map(|tag| json!({"tagid": tag.id, "tagname": tag.name})).collect::<Vec<_>>()}),
    )
}

pub(crate) fn tag_get(view: &Reading) -> Outcome {
    let Some(id) = view.number("tagid")? else {
        return refuse(41017);
    };
    let Some(tag) = view.enterprise.tags.get(&id) else {
        return refuse(40068);
    };
    let sight = view.sight();
    let members = tag
        .members
        .iter()
        .filter_map(|userid| view.enterprise.member(userid));
    let users: Vec<_> = members
        .filter(|member| sight.member(member) && view.shows_member(member))
        .map(|member| json!({"userid": member.userid, "name": member.name}))
        .collect();
    let departments: Vec<_> = tag
        .departments
        .iter()
        .filter(|id| sight.department(**id))
        .collect();
    Ok(json!({"tagname": tag.name, "userlist": users, "partylist": departments}))
}
