//! Small made-up worlds full of collisions, and what becomes of them when a plan is done.

use std::sync::Arc;
use std::time::Duration;

use camsync_core::change::{Planned, Reason};
use camsync_core::desired::{Admission, Desired, Verdict};
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::grants::{Entitlement, ObservedGrants};
use camsync_core::grounds::Grounds;
use camsync_core::model::{Member, fold};
use camsync_core::outbox::Kind;
use camsync_core::plan::quota::Quotas;
use camsync_core::plan::{Absent, Draft, Note, PlanInput, SourceView, Unlinked, plan};
use camsync_core::remark::with_mark;
use camsync_core::rules::{Adopt, DenyAll, Leavers, LessAccess, OnConflict};
use camsync_core::sub_user::{
    AccountKind, Leaving, Observed, ObservedUser, Origin, Stage, SubUser,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::made_up;

pub(crate) const SOURCES: [&str; 2] = ["acme", "beta"];
/// Few, so that they collide, also by case and by suffix alone.
pub(crate) const NAMES: [&str; 7] = ["Ann", "ann", "Bo", "bo", "Ann-2", "bo-2", ""];

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) desired: Vec<(&'static str, Desired)>,
    pub(crate) absent: Vec<(&'static str, Absent)>,
    pub(crate) sub_users: Vec<SubUser>,
    pub(crate) users: Vec<ObservedUser>,
    pub(crate) less_access: LessAccess,
    pub(crate) delete_adopted: bool,
    pub(crate) fresh: bool,
    /// Of the first source.
    pub(crate) unlinked: Option<Unlinked>,
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

impl World {
    pub(crate) fn plan(&self) -> Draft {
        let parts = SOURCES.map(|source| {
            let desired = self.desired.iter().filter(|(s, _)| *s == source);
            let absent = self.absent.iter().filter(|(s, _)| *s == source);
            (
                source,
                desired.map(|(_, d)| d.clone()).collect::<Vec<_>>(),
                absent.map(|(_, a)| a.clone()).collect::<Vec<_>>(),
            )
        });
        let sources = parts.each_ref().map(|(name, desired, absent)| SourceView {
            name,
            desired,
            absent,
            fresh: self.fresh,
            unlinked: self.unlinked.as_ref().filter(|_| *name == SOURCES[0]),
        });
        let observed = Observed::new(self.users.clone());
        let quotas = Quotas::default();
        let leavers = Leavers {
            deny_all: DenyAll::Never,
            delete_after: Some(Duration::from_secs(30 * 24 * 3600)),
            delete_adopted: self.delete_adopted,
        };
        let input = PlanInput {
            now: now(),
            sources: &sources,
            sub_users: &self.sub_users,
            observed: &observed,
            leavers: &leavers,
            less_access: self.less_access,
            made: &[],
            whole: true,
            quotas: &quotas,
        };
        let mut grants = ObservedGrants::default();
        grants.candidates = self.users.iter().map(|u| (u.uin, None)).collect();
        plan(&input, &grants)
    }

    pub(crate) fn row(&self, id: i64) -> &SubUser {
        self.sub_users.iter().find(|s| s.id == id).unwrap()
    }

    pub(crate) fn facts(&self, source: &str, key: &str) -> Option<&Desired> {
        let found = self
            .desired
            .iter()
            .find(|(s, d)| *s == source && d.key == key);
        found.map(|(_, d)| d)
    }

    /// What ledger and CAM would be once all that does not wait has been done, and CAM shows it.
    pub(crate) fn apply(&mut self, draft: &Draft) {
        for note in &draft.notes {
            self.note(note);
        }
        for change in draft.changes.iter().filter(|c| c.hold.is_none()) {
            self.change(change);
        }
    }

    fn note(&mut self, note: &Note) {
        let admitted = match note {
            Note::Admitted { source, key, .. } => {
                self.facts(source, key).map(|d| Arc::clone(&d.member))
            }
            _ => None,
        };
        let id = note_id(note);
        let row = self.sub_users.iter_mut().find(|s| s.id == id).unwrap();
        match note {
            Note::Admitted { .. } => row.admitted = admitted,
            Note::Confirmed { .. } => row.unconfirmed_since = None,
            Note::SignsIn { .. } => (row.login, row.unconfirmed_since) = (true, None),
            Note::ResumeSettled { .. } => row.resume_requested = false,
            Note::NoLongerLeaving { .. } => row.leaving = None,
            Note::GoneByHand { .. } | Note::Released { .. } | Note::Unwanted { .. } => {
                self.sub_users.retain(|s| s.id != id);
            }
            _ => panic!("nothing was given, and nothing was made"),
        }
    }

    fn change(&mut self, change: &Planned) {
        let key = fold(&change.member);
        let fresh_id = self.sub_users.iter().map(|s| s.id).max().unwrap_or(0) + 1;
        let fresh_uin = self
            .users
            .iter()
            .map(|u| u.uin)
            .max()
            .unwrap_or(0)
            .max(5000)
            + 1;
        let id = change.sub_user.unwrap_or_else(|| {
            let mut row = sub_user(fresh_id, &change.source, &key);
            row.admitted = self
                .facts(&change.source, &key)
                .map(|d| Arc::clone(&d.member));
            self.sub_users.push(row);
            fresh_id
        });
        let row = self.sub_users.iter_mut().find(|s| s.id == id).unwrap();
        let after = change.after.clone().unwrap_or_default();
        row.unconfirmed_since = None;
        row.rule_login = change.rule_login.unwrap_or(row.rule_login);
        row.login = after.console_login.unwrap_or(row.login);
        let mut remark = after.remark;
        if let Some(adoption) = &change.adoption {
            row.uin = Some(adoption.uin);
            row.login = adoption.login;
            row.origin = Origin::Adopted;
        }
        if change.kind == Kind::CreateUser {
            row.uin = Some(fresh_uin);
            row.origin = Origin::Created;
            self.users.push(account(fresh_uin, &change.username));
        }
        if change.kind == Kind::CreateUser || change.adoption.is_some() {
            row.username.clone_from(&change.username);
            row.stage = Stage::Managed;
            remark = remark.map(|r| with_mark(&r, &row.mark));
        }
        row.marked |= remark.is_some();
        match (change.kind, &change.reason) {
            (Kind::SuspendUser, Reason::Leaver { evidence, .. }) => {
                row.leaving = Some(Leaving {
                    evidence: *evidence,
                    since: now(),
                    was_off: false,
                });
            }
            (Kind::CreateUser | Kind::ResumeUser, _) => {
                row.leaving = None;
                row.resume_requested = false;
            }
            _ => {}
        }
        let uin = row.uin;
        let user = self.users.iter_mut().find(|u| Some(u.uin) == uin).unwrap();
        user.remark = remark.or(user.remark.take());
        user.console_login = after.console_login.or(user.console_login);
        if change.kind == Kind::DeleteUser {
            self.sub_users.retain(|s| s.id != id);
            self.users.retain(|u| Some(u.uin) != uin);
        }
    }
}

pub(crate) fn note_id(note: &Note) -> i64 {
    match note {
        Note::Admitted { sub_user, .. }
        | Note::Confirmed { sub_user }
        | Note::SignsIn { sub_user }
        | Note::GoneByHand { sub_user }
        | Note::Released { sub_user }
        | Note::ResumeSettled { sub_user }
        | Note::NoLongerLeaving { sub_user }
        | Note::Unwanted { sub_user } => *sub_user,
        _ => panic!("nothing was given, and nothing was made"),
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

pub(crate) fn member(id: &str, name: &str) -> Arc<Member> {
    Arc::new(made_up::member(id, name))
}

pub(crate) fn sub_user(id: i64, source: &str, key: &str) -> SubUser {
    SubUser {
        id,
        key: key.into(),
        marked: false,
        ..SubUser::wanted(source, &key.to_uppercase(), "", format!("mark{id}"))
    }
}

fn verdicts() -> impl Strategy<Value = (Verdict, Option<Evidence>)> {
    let admission = (
        select(&NAMES[..]),
        any::<bool>(),
        select(vec![Adopt::Never, Adopt::Wecom, Adopt::Name]),
        select(vec![OnConflict::Hold, OnConflict::Suffix]),
    );
    let admitted = admission.prop_map(|(username, console_login, adopt, conflict)| {
        let admission = Admission {
            rule: 1,
            username: username.into(),
            remark: "the rule's".into(),
            console_login,
            adopt,
            conflict,
            phone: None,
            email: None,
        };
        (Verdict::Admitted(admission), None)
    });
    let error = String::new();
    prop_oneof![
        5 => admitted,
        5 => select(vec![
            (Verdict::AwaitingApplication { rule: 2 }, Some(Evidence::Unmatched)),
            (Verdict::Excluded { rule: 3 }, Some(Evidence::Excluded)),
            (Verdict::Unmatched, Some(Evidence::Unmatched)),
            (Verdict::Disabled, Some(Evidence::Said)),
            (Verdict::Left, Some(Evidence::Said)),
            (Verdict::Failed { rule: 4, error }, None),
        ]),
    ]
}

/// A sub-user that is not yet anybody's, and whether CAM shows it, with which remark and sign-in.
fn rows() -> impl Strategy<Value = (SubUser, bool, u8, Option<bool>)> {
    let flags = proptest::bits::u16::ANY;
    let days = option::of(select(vec![1, 40]));
    (
        flags,
        select(&NAMES[..6]),
        days,
        0u8..3,
        any::<Option<bool>>(),
    )
        .prop_map(|(flags, name, days, remark, seen)| {
            let bit = |n: u16| flags & (1 << n) != 0;
            let rare = |n: u16| bit(n) && bit(n + 1);
            let mut row = sub_user(0, "", "");
            row.username = name.into();
            row.stage = if rare(0) {
                Stage::Wanted
            } else {
                Stage::Managed
            };
            row.origin = if bit(2) {
                Origin::Adopted
            } else {
                Origin::Created
            };
            (row.login, row.rule_login, row.marked) = (bit(3), bit(4), bit(5));
            row.unconfirmed_since = rare(6).then(|| now() - TimeDelta::hours(1));
            row.leaving = days.filter(|_| bit(8)).map(|days| Leaving {
                evidence: Evidence::Said,
                since: now() - TimeDelta::days(days),
                was_off: bit(9),
            });
            row.stopped_at = rare(10).then(now);
            (row.protected, row.resume_requested, row.busy) = (rare(11), rare(12), rare(13));
            row.admitted = bit(15).then(|| member("was", "Li Si"));
            if row.stage == Stage::Wanted {
                (row.leaving, row.stopped_at, row.unconfirmed_since) = (None, None, None);
                row.resume_requested = false;
            }
            (row, !rare(14), remark, seen)
        })
}

type Slot = (
    u8,
    (Verdict, Option<Evidence>),
    Option<(SubUser, bool, u8, Option<bool>)>,
);

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let slot = (0u8..12, verdicts(), option::of(rows()));
    let kinds = vec![
        AccountKind::SubUser,
        AccountKind::WecomSubUser,
        AccountKind::Other,
    ];
    let stranger = (
        select(&NAMES[..6]),
        select(kinds),
        option::of(select(vec!["M0", "m1", "M2"])),
        proptest::bool::weighted(0.2),
        any::<Option<bool>>(),
    );
    let strangers = proptest::collection::vec(stranger, 0..4);
    let slots = proptest::collection::vec(slot, 6);
    (slots, strangers, any::<[bool; 3]>()).prop_map(
        |(slots, strangers, [repair, delete_adopted, fresh])| {
            let mut world = World {
                desired: Vec::new(),
                absent: Vec::new(),
                sub_users: Vec::new(),
                users: Vec::new(),
                less_access: if repair {
                    LessAccess::Repair
                } else {
                    LessAccess::Keep
                },
                delete_adopted,
                fresh,
                unlinked: None,
            };
            for (n, slot) in slots.into_iter().enumerate() {
                place(&mut world, n, slot);
            }
            for (uin, (name, kind, id, off_limits, login)) in (900..).zip(strangers) {
                if world.users.iter().all(|u| u.name != name) {
                    world.users.push(ObservedUser {
                        kind,
                        wecom_user_id: id.map(str::to_owned),
                        off_limits,
                        console_login: login,
                        remark: Some("a stranger's".into()),
                        ..account(uin, name)
                    });
                }
            }
            world
        },
    )
}

fn place(world: &mut World, n: usize, (presence, (verdict, evidence), row): Slot) {
    let (source, key) = (SOURCES[n % 2], format!("m{}", n / 2));
    match presence {
        0..=6 => {
            let member = member(&key.to_uppercase(), "Zhang San");
            let key = key.clone();
            world.desired.push((
                source,
                Desired {
                    member,
                    key,
                    verdict,
                    evidence,
                    entitlement: Entitlement::default(),
                    with_former_facts: None,
                },
            ));
        }
        7..=9 => {
            let absence = match presence {
                7 => Absence::Absent,
                8 => Absence::Hidden(vec!["department:1".into()]),
                _ => Absence::Unsettled,
            };
            let (key, grounds) = (key.clone(), Grounds::Unmatched);
            world.absent.push((
                source,
                Absent {
                    key,
                    absence,
                    grounds,
                },
            ));
        }
        _ => {}
    }
    let Some((row, shown, remark, seen)) = row else {
        return;
    };
    let id = i64::try_from(n).unwrap() + 1;
    let mut row = SubUser {
        id,
        mark: format!("mark{id}"),
        source: source.into(),
        member: key.to_uppercase(),
        key,
        ..row
    };
    let taken = |s: &SubUser| fold(&s.username) == fold(&row.username);
    if row.stage == Stage::Managed {
        if world.sub_users.iter().any(taken) {
            return;
        }
        let uin = 100 + u64::try_from(n).unwrap();
        row.uin = Some(uin);
        if shown {
            world.users.push(ObservedUser {
                remark: [
                    None,
                    Some(with_mark("the rule's", &row.mark)),
                    Some("other".into()),
                ][usize::from(remark)]
                .clone(),
                console_login: seen,
                ..account(uin, &row.username)
            });
        }
    }
    world.sub_users.push(row);
}
