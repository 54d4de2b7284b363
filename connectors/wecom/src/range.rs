//! The app's configured visible range (可见范围), from `agent/get` (`wecom-api.md` 2.5).

use std::collections::BTreeSet;

use camsync_connector_sdk::types::{Failure, FailureDetail};

use crate::api::{Api, Call};
use crate::fold;
use crate::lenient::{Number, Obj};
use crate::problem::{Cause, Problem};
use crate::wire::{Agent, AllowedDepartments, AllowedTags, AllowedUsers};

const PATH: &str = "agent/get";

/// What an administrator has put into the app's visible range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// What the app is called; empty when WeCom does not say.
    pub(crate) app_name: String,
    /// The app is switched off: every other call fails.
    pub(crate) closed: bool,
    /// Members named one by one, in their original spelling; no two that differ only in case.
    pub(crate) users: Vec<String>,
    /// Departments, each with all below it.
    pub(crate) departments: BTreeSet<u64>,
    /// Tags.
    pub(crate) tags: BTreeSet<u64>,
}

impl Range {
    /// Asks WeCom for it.
    pub(crate) fn read(api: &Api) -> Result<Self, Problem> {
        let agent: Agent = api.get(Call::with(PATH, "agentid", api.settings().agent_id))?;
        let nothing = |message: &str| Problem {
            path: PATH,
            cause: Cause::NoAnswer,
            message: message.to_owned(),
        };
        let lists = (
            &agent.allow_userinfos,
            &agent.allow_partys,
            &agent.allow_tags,
        );
        if agent.agentid == Number::Absent && matches!(lists, (None, None, None)) {
            return Err(nothing("answered an object without the app's details"));
        }
        let Obj(AllowedUsers { user }) = agent
            .allow_userinfos
            .unwrap_or(Obj(AllowedUsers { user: Vec::new() }));
        let Obj(AllowedDepartments { partyid }) =
            agent.allow_partys.unwrap_or(Obj(AllowedDepartments {
                partyid: Vec::new(),
            }));
        let Obj(AllowedTags { tagid }) = agent
            .allow_tags
            .unwrap_or(Obj(AllowedTags { tagid: Vec::new() }));
        let mut users: Vec<String> = user.into_iter().map(|Obj(user)| user.userid).collect();
        if users.iter().any(String::is_empty) {
            return Err(nothing("named a member without an id in the visible range"));
        }
        let mut seen = BTreeSet::new();
        users.retain(|user| seen.insert(fold(user)));
        Ok(Self {
            app_name: agent.name,
            closed: agent.close == Number::Is(1),
            users,
            departments: partyid.into_iter().collect(),
            tags: tagid.into_iter().collect(),
        })
    }

    /// Nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.departments.is_empty() && self.tags.is_empty()
    }

    /// The failure of an app that is switched off or sees nobody: an empty crawl would look as if everybody had left.
    pub(crate) fn refuse_unusable(&self) -> Result<(), Failure> {
        let message = if self.closed {
            CLOSED
        } else if self.is_empty() {
            EMPTY
        } else {
            return Ok(());
        };
        Err(Failure::NotPermitted(FailureDetail {
            code: None,
            message: message.to_owned(),
            subject: Some(PATH.to_owned()),
        }))
    }

    /// A text that changes when the range changes, whatever order WeCom names its items in.
    pub(crate) fn fingerprint(&self) -> String {
        let users: BTreeSet<String> = self.users.iter().map(|user| fold(user)).collect();
        let mut lines = String::new();
        users
            .iter()
            .for_each(|user| lines.push_str(&format!("member {user}\n")));
        self.departments
            .iter()
            .for_each(|id| lines.push_str(&format!("department {id}\n")));
        self.tags
            .iter()
            .for_each(|id| lines.push_str(&format!("tag {id}\n")));
        crate::hex(&crate::sha1(&[lines.as_bytes()]))
    }
}

/// The messages by which `explain` knows these two failures, for which WeCom has no code.
pub(crate) const CLOSED: &str = "the app is switched off in WeCom's console (close = 1)";
pub(crate) const EMPTY: &str = "the app's visible range is empty";
