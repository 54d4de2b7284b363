//! Who may be given what, and from whom it may be taken.

use camsync::ledger::ChangeRow;
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use chrono::{DateTime, Utc};

use crate::cam::Write;
use crate::cloud::{Cloud, User};
use crate::rules::Entitled;

use super::facts::What;
use super::{Oracle, Taken, WINDOW, free};

/// Approved a day ago, and then under way for a while.
pub(super) const APPROVAL: chrono::TimeDelta = chrono::TimeDelta::minutes(24 * 60 + 10);

impl Oracle {
    /// 4: access is taken only from who is not entitled to it, or for whom a person asked.
    pub(super) fn takes(
        &mut self,
        write: &Write,
        cloud: &Cloud,
        user: &User,
        member: &str,
        row: &ChangeRow,
    ) {
        let sure = self.sure;
        let by_person =
            self.stopped.contains(&user.uin) || row.urgent || self.is_recorded_as_stopped(row);
        let takes_all = match write {
            Write::UpdateUser { login, .. } => *login == Some(false),
            Write::DeleteUser { .. } | Write::DeleteKey { .. } => true,
            Write::Key { on, .. } => !on,
            Write::Attachment { policy, there, .. } => *there && denies(cloud, *policy),
            _ => false,
        };
        if takes_all && !by_person && self.facts.settled(member, &What::SubUser, true, sure) {
            self.wrong(
                "4",
                format!(
                    "{write:?} ({}) although {member} is entitled, and was when all was last seen",
                    row.reason
                ),
            );
        }
        if takes_all && !by_person && self.protected.contains(&user.uin) {
            self.wrong("4", format!("{write:?} although {member} is protected"));
        }
        let deletes = matches!(write, Write::DeleteUser { .. } | Write::DeleteKey { .. });
        if deletes && user.adopted {
            self.wrong("4", format!("{write:?} although others made it"));
        }
        if deletes && self.facts.settled(member, &What::Disabled, true, sure) {
            self.wrong("4", format!("{write:?} although {member} is only disabled"));
        }
        let part = match write {
            Write::Membership {
                group,
                there: false,
                ..
            } => {
                let name = cloud.groups.get(group).map(|g| What::Group(g.name.clone()));
                let it = (user.uin, *group);
                let by_others = !self.given.contains(&it) && !self.anybodys.contains(&it);
                if by_others && !self.exclusive(member) {
                    self.wrong("5", format!("{write:?}: others put {member} there"));
                }
                name
            }
            Write::Attachment {
                policy,
                there: false,
                ..
            } => known_policy(cloud, *policy),
            _ => None,
        };
        if let Some(what) = part
            && self.facts.settled(member, &what, true, sure)
        {
            self.wrong(
                "4",
                format!(
                    "{write:?} although {what:?} is called for, and was when all was last seen"
                ),
            );
        }
    }

    fn exclusive(&self, member: &str) -> bool {
        // Whether it was when this was planned: an edit of the rules may have come since.
        let recent = self.facts.since(member, &What::Group("ops".into())) >= self.sure;
        let is = matches!(
            self.entitled.get(member),
            Some(Entitled::Yes {
                exclusive: true,
                ..
            })
        );
        is || recent
    }

    /// 8, 12 and 13: access is given only to who is entitled to it now, without administering, and not against a
    /// person's will.
    pub(super) fn gives(
        &mut self,
        write: &Write,
        cloud: &Cloud,
        user: &User,
        member: &str,
        row: &ChangeRow,
    ) {
        let sure = self.sure;
        let signs_in = matches!(
            write,
            Write::UpdateUser {
                login: Some(true),
                ..
            }
        );
        let enables = matches!(write, Write::Key { on: true, .. });
        if (signs_in || enables) && self.facts.settled(member, &What::SubUser, false, sure) {
            self.wrong(
                "8",
                format!("{write:?} although {member} is not entitled any more"),
            );
        }
        // Also one that was recorded a moment ago, while this goes on.
        let stopped = self.stopped.contains(&user.uin) || self.is_recorded_as_stopped(row);
        let undenies = matches!(write, Write::Attachment { policy, there: false, .. } if denies(cloud, *policy));
        if (signs_in || enables || undenies) && stopped {
            self.wrong("13", format!("{write:?} undoes what a person asked for"));
        }
        if signs_in && self.taken.contains(&Taken::Login(user.uin)) {
            self.wrong(
                "13",
                format!("{write:?} undoes what a person did in the console"),
            );
        }
        let by_nobody =
            self.adopted_off.contains(&user.uin) && !self.switched_on.contains(&user.uin);
        if signs_in && by_nobody {
            self.wrong(
                "13",
                format!("{write:?}: it had no sign-in when it was taken over"),
            );
        }
        match write {
            Write::Membership {
                group, there: true, ..
            } => {
                let Some(found) = cloud.groups.get(group) else {
                    return;
                };
                let name = found.name.clone();
                let what = What::Group(name.clone());
                if name != "tools" && self.facts.settled(member, &what, false, sure) {
                    self.wrong("8", format!("{write:?}: {name} is not called for any more"));
                }
                if self.taken.contains(&Taken::Group(user.uin, name.clone())) {
                    self.wrong(
                        "13",
                        format!("{write:?}: somebody took {member} out of {name}"),
                    );
                }
                let since = self.powerful.get(group).copied();
                let planned = if self.plans { self.step } else { sure };
                if since.is_some_and(|since| since < planned) && !self.administrator(member) {
                    self.wrong("12", format!("{write:?}: {name} administers"));
                }
            }
            Write::Attachment {
                policy,
                there: true,
                ..
            } => {
                let administers = cloud.administers(*policy);
                if administers && !self.administrator(member) {
                    self.wrong("12", format!("{write:?}: it administers"));
                }
                if let Some(what) = known_policy(cloud, *policy)
                    && self.facts.settled(member, &what, false, sure)
                {
                    self.wrong("8", format!("{write:?} is not called for any more"));
                }
            }
            _ => {}
        }
    }

    /// Whether a person had suspended the sub-user when this change began: what is under way by then comes to its end, and
    /// the suspension after it.
    fn is_recorded_as_stopped(&self, row: &ChangeRow) -> bool {
        let sub_user = row.sub_user.and_then(|id| self.ledger.sub_user(id).ok());
        let stopped_at = sub_user.flatten().and_then(|s| s.stopped_at);
        let attempts = self.ledger.attempts(row.id).unwrap_or_default();
        let began = attempts.last().map(|a| a.started_at);
        stopped_at.is_some_and(|at| began.is_none_or(|began| at < began))
    }

    /// Whether the rules name, for this member, the policy that administers, by anything that the product may believe.
    pub(super) fn administrator(&self, member: &str) -> bool {
        let what = What::Policy(crate::rules::ADMIN);
        let is = matches!(self.entitled.get(member), Some(Entitled::Yes { policies, .. }) if policies.contains(crate::rules::ADMIN));
        is || !self.facts.settled(member, &what, false, self.sure)
    }

    pub(super) fn creates(&mut self, name: &str) {
        let Some(member) = self.member_of(name) else {
            self.wrong("5", format!("{name} was made for nobody"));
            return;
        };
        if self
            .facts
            .settled(&member, &What::SubUser, false, self.sure)
        {
            self.wrong(
                "8",
                format!("{name} is made although {member} is not entitled any more"),
            );
        }
        if self.deleted.contains_key(&member) {
            self.wrong(
                "13",
                format!("{name} is made again although somebody deleted it"),
            );
        }
    }

    /// A change has its effect: what an approval covered of a removal has begun, and what gives access back ends it.
    pub(super) fn begins(&mut self, id: i64) {
        let Some(row) = self.ledger.change(id).ok().flatten() else {
            return;
        };
        let Some(sub_user) = row.sub_user else { return };
        if row.kind == Kind::ResumeUser {
            self.begun.retain(|(of, ..)| *of != sub_user);
        }
        if let Some(evidence) = row.evidence.filter(|_| self.covered.contains(&id)) {
            let deletes = matches!(row.kind, Kind::DeleteUser | Kind::DeleteKey);
            self.begun.insert((sub_user, evidence.as_str(), deletes));
        }
    }

    /// 6: what the guard lets through within a window, by kind of evidence, without a person.
    pub(super) fn guarded(&mut self, row: &ChangeRow, now: DateTime<Utc>) {
        let (Some(evidence), Some(sub_user)) = (row.evidence, row.sub_user) else {
            return;
        };
        // That happened in the ledger, and was judged there: what is written is its mark, whenever it can be.
        if evidence == Evidence::Adopt {
            return;
        }
        let deletes = matches!(row.kind, Kind::DeleteUser | Kind::DeleteKey);
        let approved = self.approved.iter().any(|((username, word, of), (at, _))| {
            let same = deletes == (*of == Kind::DeleteUser);
            *username == row.username && *word == evidence.as_str() && same && now - *at < APPROVAL
        });
        if approved {
            self.covered.insert(row.id);
        }
        if approved || self.begun.contains(&(sub_user, evidence.as_str(), deletes)) {
            return;
        }
        let at = row.released_at.unwrap_or(row.created_at);
        let all = self.removed.entry(evidence.as_str()).or_default();
        all.entry(sub_user).or_insert(at);
        let counted = all
            .values()
            .filter(|when| **when <= at && at - **when < WINDOW)
            .count();
        let limit = free(evidence, self.managed_most);
        if counted > limit {
            let (word, name) = (evidence.as_str(), row.username.clone());
            self.wrong("6", format!("{} of {name} ({word}) is number {counted} within a day, of {limit} that are free, and nobody approved it", row.kind.as_str()));
        }
    }
}

fn denies(cloud: &Cloud, policy: u64) -> bool {
    let policy = cloud.policies.get(&policy);
    policy.is_some_and(|p| p.name == "camsync-deny-all")
}

fn known_policy(cloud: &Cloud, policy: u64) -> Option<What> {
    let name = cloud.policies.get(&policy)?.name.as_str();
    [crate::rules::READ, crate::rules::ADMIN]
        .into_iter()
        .find(|known| *known == name)
        .map(What::Policy)
}
