//! What an action works with: a view for reads, an editor for writes.

use std::time::Instant;

use serde_json::{Value, json};

use super::cloud::{Cloud, User, UserKind};
use super::fault::Fault;
use super::history::{Actor, FieldChange, Write};
use super::options::Options;
use super::refusal::{Refusal, refuse};

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) uin: u64,
    pub(crate) owner_uin: u64,
    /// Actions that its key may not do.
    pub(crate) denied: Vec<String>,
}

/// For reads: the account as it shows itself now, which may be an older state.
pub(crate) struct Reading<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) options: &'a Options,
    pub(crate) caller: &'a Caller,
    /// The faults that strike this request; listings heed those that shape a listing.
    pub(crate) faults: &'a [Fault],
}

/// For writes: always the newest state.
pub(crate) struct Writing<'a> {
    pub(crate) cloud: &'a mut Cloud,
    pub(crate) options: &'a Options,
    pub(crate) caller: &'a Caller,
    pub(crate) history: &'a mut Vec<Write>,
    pub(crate) action: &'static str,
    /// UNIX seconds of the server.
    pub(crate) now: i64,
}

impl Writing<'_> {
    /// The Uin of the user that a write names; a person in the console reaches every user.
    pub(crate) fn find(&self, name: &str) -> Result<u64, Refusal> {
        match self.cloud.user(name) {
            Some(user) if self.caller.actor == Actor::ByHand => Ok(user.uin),
            _ => find_by_name(self.cloud, self.options, name),
        }
    }

    /// Writes down a change that was made; nothing when `changes` is empty.
    pub(crate) fn record(&mut self, uin: Option<u64>, name: &str, changes: Vec<FieldChange>) {
        if changes.is_empty() {
            return;
        }
        self.history.push(Write {
            at: Instant::now(),
            by: self.caller.actor.clone(),
            action: self.action.to_owned(),
            uin,
            name: name.to_owned(),
            changes,
        });
    }
}

/// Whether two names are one name in this account.
pub(crate) fn same_name(options: &Options, left: &str, right: &str) -> bool {
    if options.names_ignore_case {
        left.to_lowercase() == right.to_lowercase()
    } else {
        left == right
    }
}

/// The Uin of the sub-user that an action addresses by name (`cam-api.md 0.2` point 1).
pub(crate) fn find_by_name(cloud: &Cloud, options: &Options, name: &str) -> Result<u64, Refusal> {
    let reachable = |user: &&User| match user.kind {
        UserKind::SubUser => true,
        UserKind::WeCom => options.wecom_by_name,
        UserKind::Collaborator | UserKind::MessageReceiver => false,
    };
    let mut users = cloud.users.values().filter(reachable);
    match users.find(|user| same_name(options, &user.name, name)) {
        Some(user) => Ok(user.uin),
        None => refuse("ResourceNotFound.UserNotExist", "The user does not exist."),
    }
}

/// A time as answers show it.
pub(crate) fn time(options: &Options, seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds + i64::from(options.time_zone_hours) * 3600, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// A user's CreateTime as answers show it.
pub(crate) fn create_time(options: &Options, seconds: i64) -> Value {
    if options.null_create_time {
        Value::Null
    } else {
        json!(time(options, seconds))
    }
}

/// A user's Remark as answers show it.
pub(crate) fn remark(options: &Options, user: &User) -> Value {
    if options.null_remark && user.remark.is_empty() {
        Value::Null
    } else {
        json!(user.remark)
    }
}

/// A phone number or e-mail address as answers show it.
pub(crate) fn contact(options: &Options, value: &str) -> String {
    if !options.mask_contacts {
        return value.to_owned();
    }
    let length = value.chars().count();
    value
        .chars()
        .enumerate()
        .map(|(at, character)| {
            if at >= 3 && at + 4 < length {
                '*'
            } else {
                character
            }
        })
        .collect()
}
