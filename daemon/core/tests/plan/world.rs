//! A small enterprise and a small cloud, in agreement: each scenario alters what it is about.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use camsync_core::change::{Planned, UserState};
use camsync_core::desired::{Admission, Desired, Verdict};
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::grants::{
    Entitlement, Given, Made, Needs, ObservedGrants, ObservedGroup, ObservedPolicy, Own, Wanted,
};
use camsync_core::grounds::Grounds;
use camsync_core::model::{Member, fold};
use camsync_core::object::ObjectKind;
use camsync_core::plan::quota::Quotas;
use camsync_core::plan::{Absent, Draft, PlanInput, SourceView, Then, Unlinked, needs, plan};
use camsync_core::problem::Problem;
use camsync_core::remark::with_mark;
use camsync_core::rules::{Adopt, DenyAll, Leavers, LessAccess, OnConflict};
use camsync_core::sub_user::{
    AccountKind, Leaving, Observed, ObservedUser, Origin, Stage, SubUser,
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::made_up;

/// The source of everyone who is not said to be of another.
pub(crate) const ACME: &str = "acme";
/// The line of the rule that admits.
pub(crate) const RULE: u32 = 10;

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub(crate) fn seconds_ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

pub(crate) fn days_ago(days: i64) -> DateTime<Utc> {
    now() - TimeDelta::days(days)
}

/// What a plan is made from.
pub(crate) struct World {
    pub(crate) desired: BTreeMap<&'static str, Vec<Desired>>,
    pub(crate) absent: Vec<Absent>,
    pub(crate) sub_users: Vec<SubUser>,
    pub(crate) users: Vec<ObservedUser>,
    pub(crate) grants: ObservedGrants,
    pub(crate) leavers: Leavers,
    pub(crate) less_access: LessAccess,
    pub(crate) made: Vec<Made>,
    pub(crate) whole: bool,
    pub(crate) quotas: Quotas,
    pub(crate) fresh: bool,
    /// Of acme.
    pub(crate) unlinked: Option<Unlinked>,
}

impl World {
    /// Nobody anywhere; leavers are deleted after 30 days, and not denied everything before.
    pub(crate) fn empty() -> Self {
        Self {
            desired: BTreeMap::from([(ACME, Vec::new())]),
            absent: Vec::new(),
            sub_users: Vec::new(),
            users: Vec::new(),
            grants: ObservedGrants::default(),
            leavers: Leavers {
                deny_all: DenyAll::Never,
                delete_after: Some(Duration::from_secs(30 * 24 * 3600)),
                delete_adopted: false,
            },
            less_access: LessAccess::Keep,
            made: Vec::new(),
            whole: true,
            quotas: Quotas::default(),
            fresh: true,
            unlinked: None,
        }
    }

    /// These members are admitted and have their sub-users, as the rules call for them: the first has the id 1 and the
    /// Uin 101.
    pub(crate) fn with(keys: &[&str]) -> Self {
        let mut world = Self::empty();
        for (id, key) in (1..).zip(keys) {
            world.admit(key);
            world.manage(id, key);
        }
        world
    }

    /// A member whom the rules admit.
    pub(crate) fn admit(&mut self, key: &str) -> &mut Desired {
        self.admit_at(ACME, key)
    }

    pub(crate) fn admit_at(&mut self, source: &'static str, key: &str) -> &mut Desired {
        let list = self.desired.entry(source).or_default();
        list.push(admitted(key));
        list.last_mut().unwrap()
    }

    /// A sub-user that the ledger and CAM agree about.
    pub(crate) fn manage(&mut self, id: i64, key: &str) {
        let mut row = SubUser::wanted(ACME, key, key, format!("mark{id}"));
        row.id = id;
        row.uin = Some(100 + u64::try_from(id).unwrap());
        row.stage = Stage::Managed;
        (row.login, row.rule_login) = (true, true);
        row.admitted = Some(member(key));
        self.users.push(ObservedUser {
            remark: Some(with_mark("the rule's", &row.mark)),
            console_login: Some(true),
            ..account(row.uin.unwrap(), key)
        });
        self.sub_users.push(row);
    }

    pub(crate) fn row(&mut self, key: &str) -> &mut SubUser {
        self.sub_users.iter_mut().find(|s| s.key == key).unwrap()
    }

    pub(crate) fn seen(&mut self, name: &str) -> &mut ObservedUser {
        self.users.iter_mut().find(|u| u.name == name).unwrap()
    }

    pub(crate) fn facts(&mut self, key: &str) -> &mut Desired {
        let mut all = self.desired.values_mut().flatten();
        all.find(|d| d.key == key).unwrap()
    }

    pub(crate) fn admission(&mut self, key: &str) -> &mut Admission {
        match &mut self.facts(key).verdict {
            Verdict::Admitted(admission) => admission,
            other => panic!("{key} is {other:?}"),
        }
    }

    pub(crate) fn entitlement(&mut self, key: &str) -> &mut Entitlement {
        &mut self.facts(key).entitlement
    }

    /// The rules say this of a member now.
    pub(crate) fn judge(&mut self, key: &str, verdict: Verdict, evidence: Option<Evidence>) {
        let facts = self.facts(key);
        facts.entitlement = Entitlement::default();
        (facts.verdict, facts.evidence) = (verdict, evidence);
    }

    /// A member is missing from the snapshot.
    pub(crate) fn lose(&mut self, key: &str, absence: Absence) {
        for all in self.desired.values_mut() {
            all.retain(|d| d.key != key);
        }
        self.absent.push(Absent {
            key: key.into(),
            absence,
            grounds: gone(),
        });
    }

    /// Sign-in went off so many days ago.
    pub(crate) fn suspend(&mut self, key: &str, days: i64) {
        let row = self.row(key);
        row.login = false;
        row.leaving = Some(Leaving {
            evidence: Evidence::Absent,
            since: days_ago(days),
            was_off: false,
        });
        self.seen(key).console_login = Some(false);
    }

    /// A person has suspended it.
    pub(crate) fn stop(&mut self, key: &str) {
        let row = self.row(key);
        row.login = false;
        row.stopped_at = Some(days_ago(1));
        self.seen(key).console_login = Some(false);
    }

    pub(crate) fn adopted(&mut self, key: &str) {
        self.row(key).origin = Origin::Adopted;
    }

    pub(crate) fn unlink(&mut self, then: Then) {
        self.unlinked = Some(Unlinked {
            by: "eve".into(),
            then,
        });
    }

    /// What CAM shows of a sub-user's own.
    pub(crate) fn own(&mut self, key: &str) -> &mut Own {
        let uin = self.row(key).uin.unwrap();
        let own = self.grants.own.entry(uin).or_default();
        own.policies.get_or_insert_default();
        own.keys.get_or_insert_default();
        own
    }

    pub(crate) fn draft(&self) -> Draft {
        self.ask(|input| plan(input, &self.grants))
    }

    pub(crate) fn needs(&self) -> Needs {
        self.ask(needs)
    }

    fn ask<T>(&self, question: impl FnOnce(&PlanInput<'_>) -> T) -> T {
        let sources: Vec<SourceView<'_>> = self
            .desired
            .iter()
            .map(|(name, desired)| SourceView {
                name,
                desired,
                absent: if *name == ACME { &self.absent } else { &[] },
                fresh: self.fresh,
                unlinked: self.unlinked.as_ref().filter(|_| *name == ACME),
            })
            .collect();
        question(&PlanInput {
            now: now(),
            sources: &sources,
            sub_users: &self.sub_users,
            observed: &Observed::new(self.users.clone()),
            leavers: &self.leavers,
            less_access: self.less_access,
            made: &self.made,
            whole: self.whole,
            quotas: &self.quotas,
        })
    }

    /// The changes of the plan, each on a line.
    pub(crate) fn changes(&self) -> Vec<String> {
        lines(&self.draft())
    }

    /// What the plan says to a member of acme.
    pub(crate) fn problems(&self, key: &str) -> Vec<Problem> {
        problems(&self.draft(), key)
    }
}

pub(crate) fn problems(draft: &Draft, key: &str) -> Vec<Problem> {
    let at = (ACME.to_owned(), key.to_owned());
    draft.problems.get(&at).cloned().unwrap_or_default()
}

pub(crate) fn lines(draft: &Draft) -> Vec<String> {
    draft.changes.iter().map(line).collect()
}

/// All that a change says, but for the member and the source.
pub(crate) fn line(change: &Planned) -> String {
    let mut said = change.kind.as_str().to_owned();
    if !change.username.is_empty() {
        said += &format!(" {}", change.username);
    }
    if let Some(object) = &change.object {
        let id = object.id.map(|id| format!(" {id}")).unwrap_or_default();
        said += &format!(" [{object}{id}]");
    }
    said += &format!(": {}", change.reason);
    if let Some(evidence) = change.evidence {
        said += &format!(" | on {}", evidence.as_str());
    }
    if let Some(before) = &change.before {
        said += &format!(" | was {}", state(before));
    }
    if let Some(after) = &change.after {
        said += &format!(" | becomes {}", state(after));
    }
    if let Some(login) = change.rule_login {
        said += &format!(" | rule says {}", on(login));
    }
    if let Some(adoption) = &change.adoption {
        said += &format!(" | takes over {} {}", adoption.uin, on(adoption.login));
    }
    for object in &change.empties {
        said += &format!(" | empties {object}");
    }
    if let Some(hold) = &change.hold {
        said += &format!(" | {hold}");
    }
    said
}

fn state(state: &UserState) -> String {
    let text = |what: &str, text: &Option<String>| text.as_ref().map(|t| format!("{what} '{t}'"));
    let parts = [
        text("remark", &state.remark),
        state.console_login.map(|login| on(login).to_owned()),
        text("phone", &state.phone),
        text("email", &state.email),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

fn on(login: bool) -> &'static str {
    if login { "on" } else { "off" }
}

pub(crate) fn gone() -> Grounds {
    Grounds::Gone {
        text: "60111".into(),
    }
}

pub(crate) fn member(id: &str) -> Arc<Member> {
    called(id, &format!("Name of {id}"))
}

/// The same member under another display name.
pub(crate) fn called(id: &str, name: &str) -> Arc<Member> {
    Arc::new(made_up::member(id, name))
}

fn admitted(id: &str) -> Desired {
    Desired {
        member: member(id),
        key: fold(id),
        verdict: Verdict::Admitted(Admission {
            rule: RULE,
            username: id.into(),
            remark: "the rule's".into(),
            console_login: true,
            adopt: Adopt::Never,
            conflict: OnConflict::Hold,
            phone: None,
            email: None,
        }),
        evidence: None,
        entitlement: Entitlement::default(),
        with_former_facts: None,
    }
}

pub(crate) fn account(uin: u64, name: &str) -> ObservedUser {
    ObservedUser {
        uin,
        name: name.into(),
        remark: None,
        console_login: None,
        kind: AccountKind::SubUser,
        wecom_user_id: None,
        off_limits: false,
    }
}

/// Named in the configuration by the rule in line 20.
pub(crate) fn wanted(name: &str) -> Wanted {
    Wanted {
        name: name.into(),
        rule: 20,
        literal: true,
    }
}

/// Made of a member's facts by the rule in line 20.
pub(crate) fn named_after_facts(name: &str) -> Wanted {
    Wanted {
        literal: false,
        ..wanted(name)
    }
}

/// Given by the rule in line 20, and shown by a read.
pub(crate) fn given(kind: ObjectKind, name: &str, id: u64) -> Given {
    Given {
        kind,
        name: name.into(),
        id,
        rule: Some(20),
        like: None,
        unconfirmed_since: None,
    }
}

pub(crate) fn group(id: u64, name: &str, members: &[u64]) -> ObservedGroup {
    ObservedGroup {
        id,
        name: name.into(),
        members: Some(members.iter().copied().collect()),
        policies: Some(0),
        administers: None,
        denies: false,
    }
}

pub(crate) fn policy(id: u64, name: &str) -> ObservedPolicy {
    ObservedPolicy {
        id,
        name: name.into(),
        administers: false,
        usable: true,
        replaced: false,
    }
}

/// Policies that CAM knows.
pub(crate) fn policies(all: &[ObservedPolicy]) -> HashMap<String, Option<ObservedPolicy>> {
    let entry = |p: &ObservedPolicy| (p.name.clone(), Some(p.clone()));
    all.iter().map(entry).collect()
}
