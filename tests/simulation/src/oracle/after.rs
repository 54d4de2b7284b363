//! What is judged after a step, and at the end.

use std::collections::BTreeSet;

use camsync_core::outbox::Kind;
use camsync_core::sub_user::{Stage, SubUser};
use chrono::{DateTime, TimeDelta, Utc};

use crate::cloud::{Cloud, User};
use crate::rules::{Entitled, Why};

use super::Oracle;
use super::facts::{What, group_names};

impl Oracle {
    /// After a step that began at this moment, and was not killed.
    pub fn after_step(&mut self, began: DateTime<Utc>, now: DateTime<Utc>) {
        self.busy.clear();
        for row in self.in_flight() {
            let attempts = self.ledger.attempts(row.id).unwrap_or_default();
            let open = attempts.iter().find(|a| a.ended_at.is_none());
            if open.is_some_and(|a| {
                a.started_at >= began && self.killed_at.is_none_or(|k| a.started_at > k)
            }) {
                let (id, kind) = (row.id, row.kind.as_str());
                self.wrong(
                    "1",
                    format!("the outcome of change {id} ({kind}) was not recorded"),
                );
            }
        }
        self.approvals_hold(now);
    }

    /// 8: what was approved is not held again, for as long as it is what it was.
    fn approvals_hold(&mut self, now: DateTime<Utc>) {
        let held = self.ledger.plans(Some("held"), None, None, None);
        for plan in held.unwrap_or_default() {
            for removal in &plan.removals {
                if !matches!(removal.kind, Kind::SuspendUser | Kind::DeleteUser) {
                    continue;
                }
                let key = (
                    removal.username.clone(),
                    plan.evidence.as_str(),
                    removal.kind,
                );
                let Some((at, step)) = self.approved.get(&key).copied() else {
                    continue;
                };
                // Whoever went out of sight or was switched off meanwhile would have gone on other evidence.
                let is = |what, so| self.facts.settled(&removal.member, &what, so, step - 1);
                let same = is(What::SubUser, false)
                    && self.narrowed < step
                    && [What::Unseen, What::Disabled]
                        .into_iter()
                        .all(|what| self.facts.since(&removal.member, &what) < step);
                if now - at < TimeDelta::hours(24) && same && plan.created_at > at {
                    let name = removal.username.clone();
                    let word = plan.evidence.as_str();
                    self.wrong(
                        "8",
                        format!(
                            "the plan {} holds {name} ({word}) again, which was approved at {at}",
                            plan.id
                        ),
                    );
                }
            }
        }
    }

    /// At the end: the cloud is what the facts call for.
    pub fn at_the_end(&mut self, cloud: &Cloud) {
        let rows = self.ledger.latest_sub_users().unwrap_or_default();
        let known: BTreeSet<u64> = rows.iter().filter_map(|r| r.uin).collect();
        for user in cloud.users.values().filter(|u| u.made_for.is_some()) {
            if !known.contains(&user.uin) && !self.is_nobodys(user.uin) {
                self.wrong(
                    "2",
                    format!(
                        "{} ({}) was made, and the ledger does not know it",
                        user.name, user.uin
                    ),
                );
            }
        }
        for row in &rows {
            if row.stage == Stage::Managed
                && row.uin.is_some_and(|uin| !cloud.users.contains_key(&uin))
                && cloud.user(&row.username).is_none()
            {
                self.wrong(
                    "end",
                    format!("the ledger manages {}, which is gone", row.username),
                );
            }
        }
        let left_alone = self.discarded();
        for (member, entitled) in self.entitled.clone() {
            let mine = |u: &&User| {
                u.made_for.as_deref() == Some(member) && !self.released.contains(&u.uin)
            };
            // A name that such an account holds is a stranger's.
            let mut unknown = cloud.users.values().filter(mine);
            if unknown.any(|u| !known.contains(&u.uin) && self.unmarked.contains(&u.uin)) {
                continue;
            }
            let all: Vec<User> = cloud.users.values().filter(mine).cloned().collect();
            match (entitled, all.as_slice()) {
                (Entitled::Applies, _) => {}
                (Entitled::No(why), all) => {
                    for user in all.iter().filter(|u| !left_alone.contains(&u.name)) {
                        self.has_lost_all(user, why == Why::Disabled);
                    }
                }
                (
                    Entitled::Yes {
                        groups,
                        policies,
                        like,
                        ..
                    },
                    [user],
                ) => {
                    let left_alone = left_alone.contains(&user.name);
                    self.has_all(cloud, user, (&groups, &policies), like, left_alone);
                }
                (Entitled::Yes { .. }, []) => {
                    // Names are fixed: an account that somebody deleted comes back under its own name or not at all.
                    let managed = |r: &SubUser| r.member == member && r.stage == Stage::Managed;
                    let fixed = rows.iter().any(managed);
                    let taken = cloud.user(member);
                    let free = |u: &User| {
                        u.policies.iter().all(|id| !cloud.administers(*id))
                            && u.groups.iter().all(|id| !self.powerful.contains_key(id))
                    };
                    let offered = taken.is_some_and(free) && !left_alone.contains(member);
                    if self.adopts() && offered && !fixed {
                        let said = format!("{member} should have the account of that name");
                        self.wrong("end", said);
                    }
                    // Where accounts are taken over, one that may not be is for a person to decide, whatever the suffix.
                    let suffixed = self.suffixes() && !fixed && !self.adopts();
                    if taken.is_none() || suffixed {
                        self.wrong("end", format!("{member} has no sub-user"));
                    }
                }
                (Entitled::Yes { .. }, many) => {
                    let names: Vec<&str> = many.iter().map(|u| u.name.as_str()).collect();
                    self.wrong("2", format!("{member} has {names:?}"));
                }
            }
        }
    }

    /// Whose removal a person has discarded: it is silent until it grows.
    fn discarded(&self) -> BTreeSet<String> {
        let plans = self.ledger.plans(Some("discarded"), None, None, None);
        let removals = plans
            .unwrap_or_default()
            .into_iter()
            .flat_map(|p| p.removals);
        removals.map(|r| r.username).collect()
    }

    fn has_lost_all(&mut self, user: &User, disabled: bool) {
        let name = &user.name;
        if user.login || user.keys.values().any(|on| *on) {
            self.wrong("end", format!("{name} should be suspended"));
        } else if !disabled && user.adopted {
            self.wrong("end", format!("{name} should be released"));
        } else if !disabled {
            self.wrong("end", format!("{name} should be deleted"));
        }
    }

    fn has_all(
        &mut self,
        cloud: &Cloud,
        user: &User,
        (groups, policies): (&BTreeSet<String>, &BTreeSet<&'static str>),
        like: bool,
        left_alone: bool,
    ) {
        let name = &user.name;
        if !user.login && left_alone {
            // Somebody who came back under another name, and a person did not say that it is the same one.
            return;
        }
        if !user.login && self.adopted_off.contains(&user.uin) {
            return;
        }
        if !user.login {
            self.wrong("end", format!("{name} should be able to sign in"));
        }
        let administrator = policies.contains(crate::rules::ADMIN);
        for group in group_names() {
            let found = cloud.group(&group);
            let is = found.is_some_and(|(id, _)| user.groups.contains(&id));
            let by_others = found.is_some_and(|(id, _)| {
                let it = (user.uin, id);
                !self.given.contains(&it) || self.perhaps_given.contains(&it)
            });
            let powerful = found.is_some_and(|(id, _)| self.powerful.contains_key(&id));
            let not_ours = group.starts_with("dept-") && found.is_some_and(|(_, g)| !g.ours);
            let excused = not_ours || (powerful && !administrator);
            if groups.contains(&group) && !is && !excused {
                self.wrong("end", format!("{name} should be in {group}"));
            }
            if !groups.contains(&group) && is && !by_others && !left_alone {
                self.wrong("end", format!("{name} should not be in {group}"));
            }
        }
        for policy in policies {
            let has = user
                .policies
                .iter()
                .any(|id| cloud.policies.get(id).is_some_and(|p| p.name == *policy));
            if !has {
                self.wrong("end", format!("{name} should have {policy}"));
            }
        }
        let _ = like;
    }
}
