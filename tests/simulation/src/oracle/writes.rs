//! What is judged at each write: when it is sent, when it has its effect, and when its answer comes.

use camsync::ledger::ChangeRow;
use camsync_core::object::Object;
use camsync_core::outbox::{Kind, Status};
use chrono::{DateTime, Utc};

use crate::cam::Write;
use crate::cloud::{Cloud, User};

use super::{Oracle, Sent, adds_to, subject_of};

impl Oracle {
    /// A write is about to be sent.
    pub fn sent(&mut self, write: &Write, cloud: &Cloud, now: DateTime<Utc>) -> Sent {
        self.trace.push(format!("{now} {write:?}"));
        let Some(row) = self.recorded(write, cloud) else {
            self.wrong(
                "1",
                format!("{write:?} was sent and is not in flight in the ledger"),
            );
            return None;
        };
        let subject = subject_of(&row);
        if !self.busy.insert(subject.clone()) {
            self.wrong(
                "7",
                format!("{write:?} while another write to {subject} is under way"),
            );
        }
        self.in_order(&row, write);
        if self.open.contains_key(&row.id) {
            self.wrong(
                "3",
                format!("{write:?} is sent again, and nothing was read since its answer was lost"),
            );
        }
        self.owned(write, cloud);
        let user = target(write, cloud);
        if let Some(user) = user
            && let Some(member) = user.made_for.clone()
        {
            if let Write::Membership { group, .. } = write
                && adds_to(&row, cloud, *group)
                && user.groups.contains(group)
            {
                self.attempted(user.uin, *group);
            }
            self.takes(write, cloud, user, &member, &row);
            self.gives(write, cloud, user, &member, &row);
        }
        if let Write::AddUser { name } = write {
            self.creates(name);
        }
        self.guarded(&row, now);
        Some((row.id, subject))
    }

    /// The change that a write is: in flight, with an attempt that has not ended.
    fn recorded(&self, write: &Write, cloud: &Cloud) -> Option<ChangeRow> {
        // Somebody may have deleted the account meanwhile: then the ledger has its name.
        let known = self.ledger.latest_sub_users().unwrap_or_default();
        let name_of = |uin: u64| {
            let there = cloud.users.get(&uin).map(|u| u.name.clone());
            let former = || {
                known
                    .iter()
                    .find(|s| s.uin == Some(uin))
                    .map(|s| s.username.clone())
            };
            there.or_else(former)
        };
        let id = |row: &ChangeRow| row.object.as_ref().and_then(|o: &Object| o.id);
        let group_name = |id: u64| cloud.groups.get(&id).map(|g| g.name.clone());
        let policy_name = |id: u64| cloud.policies.get(&id).map(|p| p.name.clone());
        let named = |row: &ChangeRow, name: Option<String>| {
            let object = row.object.as_ref();
            object.is_some_and(|o| Some(&o.name) == name.as_ref())
        };
        self.in_flight().into_iter().find(|row| {
            let of = |uin: u64| name_of(uin).is_none_or(|name| name == row.username);
            let matches = match write {
                Write::AddUser { name } => row.kind == Kind::CreateUser && row.username == *name,
                Write::UpdateUser { name, .. } => {
                    let kinds = [Kind::UpdateUser, Kind::SuspendUser, Kind::ResumeUser];
                    kinds.contains(&row.kind) && row.username == *name
                }
                Write::DeleteUser { name } => row.kind == Kind::DeleteUser && row.username == *name,
                Write::CreateGroup { name } => {
                    row.kind == Kind::CreateGroup && named(row, Some(name.clone()))
                }
                Write::DeleteGroup { group } => {
                    row.kind == Kind::DeleteGroup
                        && (id(row) == Some(*group) || named(row, group_name(*group)))
                }
                Write::Membership { group, uin, there } => {
                    let kind = if *there {
                        Kind::AddToGroup
                    } else {
                        Kind::RemoveFromGroup
                    };
                    row.kind == kind
                        && of(*uin)
                        && (id(row) == Some(*group)
                            || named(row, group_name(*group))
                            // Deleted by hand meanwhile.
                            || (id(row).is_none() && !cloud.groups.contains_key(group)))
                }
                Write::CreatePolicy { name } => {
                    row.kind == Kind::CreatePolicy && named(row, Some(name.clone()))
                }
                Write::Attachment { policy, uin, there } => {
                    let kind = if *there {
                        Kind::AttachPolicy
                    } else {
                        Kind::DetachPolicy
                    };
                    row.kind == kind
                        && of(*uin)
                        && (id(row) == Some(*policy) || named(row, policy_name(*policy)))
                }
                Write::Key { uin, key, on } => {
                    let kind = if *on {
                        Kind::EnableKey
                    } else {
                        Kind::DisableKey
                    };
                    row.kind == kind && of(*uin) && named(row, Some(key.clone()))
                }
                Write::DeleteKey { uin, key } => {
                    row.kind == Kind::DeleteKey && of(*uin) && named(row, Some(key.clone()))
                }
                Write::Foreign { .. } => false,
            };
            matches && {
                let attempts = self.ledger.attempts(row.id).unwrap_or_default();
                attempts.iter().any(|a| a.ended_at.is_none())
            }
        })
    }

    /// 7: what was planned before for the same sub-user and is still to be done comes first.
    fn in_order(&mut self, row: &ChangeRow, write: &Write) {
        let Some(sub_user) = row.sub_user.filter(|_| !row.urgent) else {
            return;
        };
        let all = self.ledger.changes_of(sub_user).unwrap_or_default();
        let earlier = all
            .iter()
            .find(|c| c.id < row.id && c.status == Status::Pending);
        if let Some(earlier) = earlier {
            let (id, kind) = (earlier.id, earlier.kind.as_str());
            self.wrong(
                "7",
                format!("{write:?} before the change {id} ({kind}), which is older and pending"),
            );
        }
    }

    /// 5: only what the product made, and nobody released.
    fn owned(&mut self, write: &Write, cloud: &Cloud) {
        let wrong = match write {
            Write::Foreign { .. } => true,
            Write::DeleteGroup { group } => cloud.groups.get(group).is_some_and(|g| !g.ours),
            Write::CreatePolicy { name } => name != "camsync-deny-all",
            Write::AddUser { .. } | Write::CreateGroup { .. } => false,
            _ => target(write, cloud)
                .filter(|u| !self.swapped.contains(&u.name))
                .is_some_and(|u| u.made_for.is_none() || self.released.contains(&u.uin)),
        };
        if wrong {
            self.wrong("5", format!("{write:?} touches what is not managed"));
        }
    }

    /// A write has its effect.
    pub fn effect(&mut self, write: &Write, sent: &Sent, before: &Cloud, after: &Cloud) {
        let managed = after.users.values().filter(|u| u.made_for.is_some());
        self.managed_most = self.managed_most.max(managed.count());
        let user = target(write, after).or_else(|| target(write, before));
        if let Some(user) = user {
            self.unseen.insert(user.uin);
        }
        if let Write::Membership {
            group,
            uin,
            there: true,
        } = write
        {
            self.given.insert((*uin, *group));
        }
        if let Write::AddUser { name } = write
            && let Some(user) = user
        {
            let same = |u: &&User| {
                u.made_for == user.made_for && u.uin != user.uin && !self.is_nobodys(u.uin)
            };
            if let Some(other) = before.users.values().find(same) {
                let other = other.name.clone();
                self.wrong("2", format!("{name} is made although {other} lives"));
            }
        }
        let changed = match write {
            Write::AddUser { .. } | Write::CreateGroup { .. } | Write::CreatePolicy { .. } => true,
            _ => {
                let face = |u: &User| {
                    (
                        u.login,
                        u.remark.clone(),
                        u.groups.clone(),
                        u.policies.clone(),
                        u.keys.clone(),
                    )
                };
                target(write, before).map(face) != target(write, after).map(face)
            }
        };
        if let Some((id, _)) = sent
            && changed
        {
            self.begins(*id);
            if !self.effects.insert(*id) {
                self.wrong("2", format!("{write:?} had its effect twice"));
            }
        }
    }

    /// Its answer came; `settled` says that it tells whether there was an effect.
    pub fn answered(&mut self, sent: Sent, settled: bool) {
        let Some((id, subject)) = sent else { return };
        self.busy.remove(&subject);
        if !settled {
            self.open.insert(id, subject);
        }
    }
}

/// The user that a write is about, as CAM finds it.
fn target<'c>(write: &Write, cloud: &'c Cloud) -> Option<&'c User> {
    match write {
        Write::AddUser { name } | Write::UpdateUser { name, .. } | Write::DeleteUser { name } => {
            cloud.user(name)
        }
        Write::Membership { uin, .. }
        | Write::Attachment { uin, .. }
        | Write::Key { uin, .. }
        | Write::DeleteKey { uin, .. } => cloud.users.get(uin),
        _ => None,
    }
}
