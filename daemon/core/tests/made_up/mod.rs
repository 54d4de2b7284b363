//! A member of whom little is known, for tests to say the rest of.

use std::collections::BTreeMap;

use camsync_core::model::{Member, MemberStatus};

pub(crate) fn member(id: &str, name: &str) -> Member {
    Member {
        id: id.into(),
        username: id.into(),
        name: name.into(),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: String::new(),
        status: MemberStatus::Active,
        departments: Vec::new(),
        main_department: None,
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        shown_by: Vec::new(),
    }
}
