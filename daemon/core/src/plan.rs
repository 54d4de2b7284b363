//! Plan: the ordered changes from observed to desired. Pure: reads no clock, sends nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::change::{Adoption, DriftKind, Hold, Planned, Reason, UserState};
use crate::desired::{Admission, Desired, Verdict};
use crate::evidence::{Absence, Evidence};
use crate::grounds::Grounds;
use crate::model::fold;
use crate::names::{Names, Naming};
use crate::outbox::Kind;
use crate::problem::{Holder, Problem};
use crate::remark::with_mark;
use crate::rules::{Leavers, LessAccess};
use crate::sub_user::{Observed, ObservedUser, Origin, Stage, SubUser};

/// What a successful write made is lag rather than drift for this long (`cam-api.md` 6.3).
pub const LAG: TimeDelta = TimeDelta::seconds(60);

/// A managed member who is missing from the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The member's id, folded.
    pub key: String,
    /// What the absence amounts to.
    pub absence: Absence,
    /// The facts behind it, for the record.
    pub grounds: Grounds,
}

/// One source, as far as a plan is concerned.
#[derive(Debug)]
pub struct SourceView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its desired state.
    pub desired: &'a [Desired],
    /// Managed members missing from the snapshot.
    pub absent: &'a [Absent],
    /// A complete crawl ended in this very pass: deletions need one.
    pub fresh: bool,
    /// Set once a person has unlinked it: then nothing of the above counts.
    pub unlinked: Option<&'a Unlinked>,
}

/// What a person wants to become of the sub-users of a source that is no longer linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// Who unlinked it.
    pub by: String,
    /// What becomes of them.
    pub then: Then,
}

/// What becomes of the sub-users of an unlinked source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// They stay in the cloud as they are, unmanaged.
    Keep,
    /// They are suspended, and stay so.
    Suspend,
    /// They are suspended, and deleted after the grace.
    Delete,
}

impl Then {
    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Suspend => "suspend",
            Self::Delete => "delete",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Keep, Self::Suspend, Self::Delete]
            .into_iter()
            .find(|then| then.as_str() == word)
    }
}

/// All that a plan depends on.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The moment the plan is made.
    pub now: DateTime<Utc>,
    /// Sources that may be acted upon. One that is missing here is frozen.
    pub sources: &'a [SourceView<'a>],
    /// Every sub-user that is wanted or managed.
    pub sub_users: &'a [SubUser],
    /// What CAM says.
    pub observed: &'a Observed,
    /// What happens to leavers.
    pub leavers: &'a Leavers,
    /// What happens to drift towards less access.
    pub less_access: LessAccess,
    /// How many sub-users the account may have, where that is known.
    pub sub_user_quota: Option<u64>,
    /// Set after CAM refused a creation for its quota: how many there were then.
    pub quota_full_at: Option<u64>,
}

/// Something to write into the ledger that needs no CAM write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The rule admitted these facts.
    Admitted {
        /// The sub-user.
        sub_user: i64,
        /// Index into the source's desired state.
        source: String,
        /// The member's folded id.
        key: String,
    },
    /// A read has shown what was written.
    Confirmed {
        /// The sub-user.
        sub_user: i64,
    },
    /// Gone from CAM, and nobody wants it back.
    GoneByHand {
        /// The sub-user.
        sub_user: i64,
    },
    /// The grace is over for an adopted sub-user: no longer managed.
    Released {
        /// The sub-user.
        sub_user: i64,
    },
    /// A person asked that reduced access come back, and there is none that would.
    ResumeSettled {
        /// The sub-user.
        sub_user: i64,
    },
    /// Entitled again while suspended by a person: no longer a leaver.
    NoLongerLeaving {
        /// The sub-user.
        sub_user: i64,
    },
    /// Wanted, but not any more, before it was made.
    Unwanted {
        /// The sub-user.
        sub_user: i64,
    },
}

/// A plan before the guard has seen it.
#[derive(Debug, Default)]
pub struct Draft {
    /// The changes, in an order that does not depend on the input's.
    pub changes: Vec<Planned>,
    /// What to note in the ledger.
    pub notes: Vec<Note>,
    /// Problems by source and folded member id.
    pub problems: HashMap<(String, String), Vec<Problem>>,
}

impl Draft {
    fn problem(&mut self, source: &str, key: &str, problem: Problem) {
        self.problems
            .entry((source.to_owned(), key.to_owned()))
            .or_default()
            .push(problem);
    }
}

/// Plans.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> Draft {
    let mut draft = Draft::default();
    let mut own: HashMap<(&str, &str), &SubUser> = HashMap::with_capacity(input.sub_users.len());
    for sub_user in input.sub_users {
        own.insert((sub_user.source.as_str(), sub_user.key.as_str()), sub_user);
    }
    let mut newcomers = Vec::new();
    for source in input.sources {
        // The rules say nothing of a source that is no longer linked.
        let said = source.unlinked.map_or(source.desired, |_| &[]);
        let present: HashMap<&str, &Desired> = said.iter().map(|d| (d.key.as_str(), d)).collect();
        let absent: HashMap<&str, &Absent> =
            source.absent.iter().map(|a| (a.key.as_str(), a)).collect();
        for sub_user in input
            .sub_users
            .iter()
            .filter(|s| s.source == source.name && !s.busy)
        {
            let here = present.get(sub_user.key.as_str()).copied();
            match sub_user.stage {
                Stage::Managed => {
                    let gone = absent.get(sub_user.key.as_str()).copied();
                    managed(input, source, sub_user, here, gone, &mut draft);
                }
                Stage::Wanted
                    if !matches!(here.map(|d| &d.verdict), Some(Verdict::Admitted(_))) =>
                {
                    draft.notes.push(Note::Unwanted {
                        sub_user: sub_user.id,
                    });
                }
                _ => {}
            }
        }
        for desired in said {
            let have = own.get(&(source.name, desired.key.as_str())).copied();
            match (&desired.verdict, have) {
                (_, Some(s)) if s.busy || s.stage == Stage::Managed => {}
                (Verdict::Admitted(admission), have) => newcomers.push(Newcomer {
                    source: source.name,
                    desired,
                    admission,
                    wanted: have,
                }),
                (Verdict::Failed { rule, error }, None) => draft.problem(
                    source.name,
                    &desired.key,
                    Problem::RuleFailed {
                        rule: *rule,
                        error: error.clone(),
                    },
                ),
                (Verdict::AwaitingApplication { rule }, None) => draft.problem(
                    source.name,
                    &desired.key,
                    Problem::AwaitingApplication { rule: *rule },
                ),
                _ => {}
            }
        }
    }
    admit(input, newcomers, &mut draft);
    suspect_id_changes(input, &mut draft);
    draft.changes.sort_by(|a, b| {
        (&a.source, &a.username, a.kind, a.sub_user).cmp(&(
            &b.source,
            &b.username,
            b.kind,
            b.sub_user,
        ))
    });
    hold_for_quota(input, &mut draft);
    draft
}

/// What becomes of a managed sub-user.
fn managed(
    input: &PlanInput<'_>,
    source: &SourceView<'_>,
    sub_user: &SubUser,
    here: Option<&Desired>,
    gone: Option<&Absent>,
    draft: &mut Draft,
) {
    let seen = sub_user.uin.and_then(|uin| input.observed.by_uin(uin));
    let lag = sub_user
        .unconfirmed_since
        .is_some_and(|since| input.now - since < LAG);
    if source.unlinked.is_some_and(|u| u.then == Then::Keep) {
        draft.notes.push(Note::Released {
            sub_user: sub_user.id,
        });
        return;
    }
    let case = match (here, gone) {
        _ if let Some(grounds) = asked(source, sub_user) => Case::Leaver(Evidence::Asked, grounds),
        (Some(desired), _) => match (&desired.verdict, desired.evidence) {
            (Verdict::Admitted(admission), _) => Case::Entitled(desired, admission),
            (Verdict::Failed { rule, error }, _) => {
                draft.problem(
                    source.name,
                    &sub_user.key,
                    Problem::RuleFailed {
                        rule: *rule,
                        error: error.clone(),
                    },
                );
                Case::Undecided
            }
            (verdict, Some(evidence)) => Case::Leaver(evidence, leaver_grounds(verdict)),
            (_, None) => Case::Undecided,
        },
        (None, Some(absent)) => match &absent.absence {
            Absence::Absent => Case::Leaver(Evidence::Absent, absent.grounds.clone()),
            Absence::Hidden(lost) => {
                Case::Leaver(Evidence::Hidden, Grounds::OutOfRange { lost: lost.clone() })
            }
            unsettled => {
                draft.problem(
                    source.name,
                    &sub_user.key,
                    Problem::Unsettled {
                        grounds: absent.grounds.clone(),
                    },
                );
                match unsettled {
                    Absence::Doubted => Case::Doubted(absent.grounds.clone()),
                    _ => Case::Undecided,
                }
            }
        },
        (None, None) => Case::Undecided,
    };
    let Some(seen) = seen else {
        missing(input, sub_user, &case, lag, draft);
        return;
    };
    let at = At {
        input,
        source,
        sub_user,
        seen,
        lag,
        doubted: matches!(case, Case::Doubted(_)),
    };
    match case {
        Case::Entitled(desired, admission) => entitled(&at, desired, admission, draft),
        Case::Leaver(evidence, grounds) => leaver(&at, here, evidence, grounds, draft),
        Case::Doubted(grounds) => leaver(&at, here, Evidence::Absent, grounds, draft),
        Case::Undecided => confirm(&at, draft),
    }
}

/// What a person said that makes a sub-user a leaver's, whatever the provider says.
fn asked(source: &SourceView<'_>, sub_user: &SubUser) -> Option<Grounds> {
    let replaced = sub_user.replaced_by.clone();
    match (source.unlinked, replaced) {
        (Some(unlinked), _) => Some(Grounds::Unlinked {
            by: unlinked.by.clone(),
        }),
        (None, Some(by)) => Some(Grounds::Replaced { by }),
        (None, None) => None,
    }
}

enum Case<'a> {
    Entitled(&'a Desired, &'a Admission),
    Leaver(Evidence, Grounds),
    /// A leaver by an earlier look-up, of whom the last one settled nothing.
    Doubted(Grounds),
    Undecided,
}

/// A managed sub-user that CAM shows, and the circumstances.
struct At<'a> {
    input: &'a PlanInput<'a>,
    source: &'a SourceView<'a>,
    sub_user: &'a SubUser,
    seen: &'a ObservedUser,
    lag: bool,
    /// Whether the last look-up left open what an earlier one had settled.
    doubted: bool,
}

impl At<'_> {
    fn change(&self, kind: Kind, reason: Reason, after: Option<UserState>) -> Planned {
        Planned {
            sub_user: Some(self.sub_user.id),
            kind,
            source: self.sub_user.source.clone(),
            member: self.sub_user.member.clone(),
            username: self.sub_user.username.clone(),
            reason,
            before: Some(UserState {
                remark: after
                    .as_ref()
                    .is_none_or(|a| a.remark.is_some())
                    .then(|| self.seen.remark.clone())
                    .flatten(),
                console_login: after
                    .as_ref()
                    .is_none_or(|a| a.console_login.is_some())
                    .then_some(self.seen.console_login)
                    .flatten(),
                ..UserState::default()
            }),
            after,
            evidence: None,
            adoption: None,
            rule_login: None,
            hold: None,
        }
    }

    /// Whether CAM shows sign-in otherwise than camsync last made it. Nothing is said while CAM says nothing.
    fn login_differs(&self) -> bool {
        self.seen
            .console_login
            .is_some_and(|seen| seen != self.sub_user.login)
    }
}

fn leaver_grounds(verdict: &Verdict) -> Grounds {
    match verdict {
        Verdict::Disabled => Grounds::Disabled,
        Verdict::Left => Grounds::Left,
        Verdict::Excluded { rule } => Grounds::Excluded { rule: *rule },
        _ => Grounds::Unmatched,
    }
}

/// CAM does not show it, neither in the listing nor by name.
fn missing(
    input: &PlanInput<'_>,
    sub_user: &SubUser,
    case: &Case<'_>,
    lag: bool,
    draft: &mut Draft,
) {
    let (source, key) = (sub_user.source.as_str(), sub_user.key.as_str());
    match case {
        _ if lag => {}
        Case::Undecided | Case::Doubted(_) => {
            draft.problem(source, key, Problem::DeletedByHand);
        }
        Case::Leaver(..) => draft.notes.push(Note::GoneByHand {
            sub_user: sub_user.id,
        }),
        Case::Entitled(_, admission) => {
            let unconfirmed = sub_user.unconfirmed_since.is_some();
            let wanted_back = sub_user.resume_requested || input.less_access == LessAccess::Repair;
            // What a person suspended does not come back by being deleted.
            if sub_user.stopped_at.is_some() || !(unconfirmed || wanted_back) {
                draft.problem(source, key, Problem::DeletedByHand);
                return;
            }
            if let Some(holder) = input.observed.by_folded_name(&fold(&sub_user.username)) {
                draft.problem(
                    source,
                    key,
                    Problem::NameTaken {
                        username: sub_user.username.clone(),
                        by: Holder::Account {
                            name: holder.name.clone(),
                            uin: holder.uin,
                        },
                    },
                );
                return;
            }
            draft.changes.push(Planned {
                sub_user: Some(sub_user.id),
                kind: Kind::CreateUser,
                source: sub_user.source.clone(),
                member: sub_user.member.clone(),
                username: sub_user.username.clone(),
                reason: if unconfirmed {
                    Reason::Unconfirmed
                } else {
                    Reason::Drift {
                        what: DriftKind::Deleted,
                    }
                },
                before: None,
                after: Some(created(admission)),
                evidence: None,
                adoption: None,
                rule_login: Some(admission.console_login),
                hold: None,
            });
        }
    }
}

fn created(admission: &Admission) -> UserState {
    UserState {
        remark: Some(admission.remark.clone()),
        console_login: Some(admission.console_login),
        phone: admission.phone.clone(),
        email: admission.email.clone(),
    }
}

fn entitled(at: &At<'_>, desired: &Desired, admission: &Admission, draft: &mut Draft) {
    let sub_user = at.sub_user;
    let (source, key) = (at.source.name, sub_user.key.as_str());
    if admission.username != sub_user.username
        && sub_user.origin == Origin::Created
        && !is_suffixed(&sub_user.username, &admission.username)
    {
        draft.problem(
            source,
            key,
            Problem::NameFixed {
                wanted: admission.username.clone(),
            },
        );
    }
    if sub_user.leaving.is_some() && returning(at, desired, admission, draft) {
        return;
    }
    if sub_user.admitted.as_deref() != Some(&*desired.member) {
        draft.notes.push(Note::Admitted {
            sub_user: sub_user.id,
            source: source.to_owned(),
            key: key.to_owned(),
        });
    }
    let mut update = UserState::default();
    let mut reason = None;
    let mut evidence = None;
    let login_settled = !at.login_differs();
    let bring_back = sub_user.resume_requested
        && admission.console_login
        && (at.seen.console_login == Some(false) || !sub_user.login);
    if sub_user.stopped_at.is_some() {
        draft.problem(source, key, Problem::SuspendedByPerson);
        if at.seen.console_login == Some(true) && !at.lag {
            draft.changes.push(at.change(
                Kind::SuspendUser,
                Reason::Drift {
                    what: DriftKind::SignInOn,
                },
                Some(UserState::login(false)),
            ));
        }
    } else if bring_back {
        draft.changes.push(resume(
            at,
            admission,
            Reason::Drift {
                what: DriftKind::SignInOff,
            },
        ));
    } else if admission.console_login != sub_user.rule_login {
        if at.seen.console_login != Some(admission.console_login) {
            update.console_login = Some(admission.console_login);
            // A rule edit that takes sign-in away from many counts like any other removal.
            evidence = (!admission.console_login).then_some(Evidence::Excluded);
            reason = Some(Reason::RuleFollowed {
                rule: admission.rule,
            });
        }
    } else if !login_settled && !at.lag {
        match (at.seen.console_login, sub_user.unconfirmed_since) {
            (_, Some(_)) => {
                update.console_login = Some(sub_user.login);
                reason = Some(Reason::Unconfirmed);
            }
            (Some(true), None) => {
                update.console_login = Some(false);
                reason = Some(Reason::Drift {
                    what: DriftKind::SignInOn,
                });
            }
            (_, None) if at.input.less_access == LessAccess::Repair => {
                draft.changes.push(resume(
                    at,
                    admission,
                    Reason::Drift {
                        what: DriftKind::SignInOff,
                    },
                ));
            }
            (_, None) => draft.problem(source, key, Problem::SignInOff),
        }
    }
    if sub_user.resume_requested && !bring_back {
        // Said once, it must not undo what somebody does in an emergency later on.
        draft.notes.push(Note::ResumeSettled {
            sub_user: sub_user.id,
        });
    }
    let remark = with_mark(&admission.remark, &sub_user.mark);
    // CAM does not tell an empty remark from one that it does not show. Only an adopted account that was never
    // marked is known to have the empty one.
    let remark_settled = match &at.seen.remark {
        Some(seen) => *seen == remark,
        None => sub_user.marked,
    };
    if !remark_settled && !at.lag {
        update.remark = Some(remark);
        reason.get_or_insert(Reason::Drift {
            what: DriftKind::Remark,
        });
        if sub_user.admitted.as_deref() != Some(&*desired.member) {
            reason = Some(Reason::RuleFollowed {
                rule: admission.rule,
            });
        }
    }
    if let Some(reason) = reason {
        let mut change = at.change(Kind::UpdateUser, reason, Some(update.clone()));
        change.rule_login = update.console_login.map(|_| admission.console_login);
        change.evidence = evidence;
        draft.changes.push(change);
    }
    if login_settled && remark_settled {
        confirm(at, draft);
    }
}

/// A leaver who is entitled again. Says whether that is all there is to plan.
fn returning(at: &At<'_>, desired: &Desired, admission: &Admission, draft: &mut Draft) -> bool {
    let another = at
        .sub_user
        .admitted
        .as_ref()
        .is_some_and(|last| last.name != desired.member.name);
    if at.sub_user.stopped_at.is_some() {
        if another {
            // Whether it is the same person is asked once somebody resumes it.
            draft.problem(at.source.name, &at.sub_user.key, Problem::SuspendedByPerson);
            return true;
        }
        draft.notes.push(Note::NoLongerLeaving {
            sub_user: at.sub_user.id,
        });
        return false;
    }
    let mut change = resume(
        at,
        admission,
        Reason::Returned {
            rule: admission.rule,
        },
    );
    if at.sub_user.leaving.is_some_and(|l| l.was_off) && !at.sub_user.resume_requested {
        // Only what camsync took comes back.
        change.after = Some(UserState::login(false));
    }
    if another {
        change.evidence = Some(Evidence::Returned);
    }
    draft.changes.push(change);
    true
}

fn resume(at: &At<'_>, admission: &Admission, reason: Reason) -> Planned {
    let mut change = at.change(
        Kind::ResumeUser,
        reason,
        Some(UserState::login(admission.console_login)),
    );
    change.rule_login = Some(admission.console_login);
    change
}

fn leaver(
    at: &At<'_>,
    here: Option<&Desired>,
    evidence: Evidence,
    grounds: Grounds,
    draft: &mut Draft,
) {
    let sub_user = at.sub_user;
    if sub_user.protected {
        draft.problem(
            at.source.name,
            &sub_user.key,
            Problem::Protected { evidence },
        );
        return;
    }
    let Some(leaving) = sub_user.leaving else {
        let mut change = at.change(
            Kind::SuspendUser,
            Reason::Leaver { evidence, grounds },
            Some(UserState::login(false)),
        );
        change.evidence = Some(evidence);
        // It stays on the list, so that a held plan keeps its set and an approval its pairs; but it waits.
        change.hold = at.doubted.then_some(Hold::Crawl);
        draft.changes.push(change);
        return;
    };
    if at.seen.console_login == Some(true) && !at.lag {
        draft.changes.push(at.change(
            Kind::SuspendUser,
            Reason::Drift {
                what: DriftKind::SignInOn,
            },
            Some(UserState::login(false)),
        ));
        return;
    }
    confirm(at, draft);
    let over = at.input.leavers.delete_after.is_some_and(|grace| {
        TimeDelta::from_std(grace).is_ok_and(|grace| at.input.now - leaving.since >= grace)
    });
    // What a person asked for rests on no crawl.
    let asked = evidence == Evidence::Asked;
    let disabled = !asked && here.is_some_and(|d| matches!(d.verdict, Verdict::Disabled));
    let stays = at.source.unlinked.is_some_and(|u| u.then != Then::Delete);
    if !over || disabled || stays {
        return;
    }
    let fresh = asked || (at.source.fresh && !at.doubted);
    if fresh && sub_user.origin == Origin::Adopted && !at.input.leavers.delete_adopted {
        draft.notes.push(Note::Released {
            sub_user: sub_user.id,
        });
        return;
    }
    let mut change = at.change(
        Kind::DeleteUser,
        Reason::Expired {
            since: leaving.since,
        },
        None,
    );
    change.evidence = Some(match evidence {
        // Someone who may only have been moved out of sight is deleted by a person's word alone.
        Evidence::Hidden | Evidence::Asked => evidence,
        _ => Evidence::Expired,
    });
    if !fresh {
        if sub_user.origin == Origin::Adopted && !at.input.leavers.delete_adopted {
            return;
        }
        // What a fresh crawl called for stays on the list, so that a held plan keeps its set and an approval its
        // pairs; but it waits.
        change.hold = Some(Hold::Crawl);
    }
    draft.changes.push(change);
}

fn confirm(at: &At<'_>, draft: &mut Draft) {
    if at.sub_user.unconfirmed_since.is_some() && !at.login_differs() {
        draft.notes.push(Note::Confirmed {
            sub_user: at.sub_user.id,
        });
    }
}

fn is_suffixed(username: &str, base: &str) -> bool {
    username
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A member who should have a sub-user and has none.
struct Newcomer<'a> {
    source: &'a str,
    desired: &'a Desired,
    admission: &'a Admission,
    wanted: Option<&'a SubUser>,
}

fn admit(input: &PlanInput<'_>, mut newcomers: Vec<Newcomer<'_>>, draft: &mut Draft) {
    if newcomers.is_empty() {
        return;
    }
    newcomers.sort_by(|a, b| (a.source, &a.desired.key).cmp(&(b.source, &b.desired.key)));
    let mut names = Names::new(input.observed, input.sub_users);
    for newcomer in &newcomers {
        names.want(newcomer.source, &newcomer.desired.key, newcomer.admission);
    }
    for newcomer in newcomers {
        let Newcomer {
            source,
            desired,
            admission,
            wanted,
        } = newcomer;
        let mut change = Planned {
            sub_user: wanted.map(|w| w.id),
            kind: Kind::CreateUser,
            source: source.to_owned(),
            member: desired.member.id.clone(),
            username: String::new(),
            reason: Reason::Admitted {
                rule: admission.rule,
            },
            before: None,
            after: Some(created(admission)),
            evidence: None,
            adoption: None,
            rule_login: Some(admission.console_login),
            hold: None,
        };
        match names.settle(source, &desired.key, admission, wanted) {
            Ok(Naming::Create(username)) => change.username = username,
            Ok(Naming::Adopt { account, by }) => {
                change.kind = Kind::UpdateUser;
                change.username = account.name.clone();
                change.reason = Reason::Adopted {
                    rule: admission.rule,
                    by,
                };
                change.before = Some(UserState {
                    remark: account.remark.clone(),
                    console_login: account.console_login,
                    ..UserState::default()
                });
                change.after = Some(UserState {
                    remark: Some(admission.remark.clone()),
                    console_login: account.console_login,
                    ..UserState::default()
                });
                change.adoption = Some(Adoption {
                    uin: account.uin,
                    login: account.console_login.unwrap_or(false),
                    by,
                });
                if by == crate::change::AdoptedBy::Name {
                    change.evidence = Some(Evidence::Adopt);
                }
            }
            Err(problem) => {
                if let Some(wanted) = wanted {
                    draft.notes.push(Note::Unwanted {
                        sub_user: wanted.id,
                    });
                }
                draft.problem(source, &desired.key, problem);
                continue;
            }
        }
        draft.changes.push(change);
    }
}

/// Someone new who looks like someone who has just gone may be the same person under another id.
fn suspect_id_changes(input: &PlanInput<'_>, draft: &mut Draft) {
    let gone: HashSet<i64> = draft
        .changes
        .iter()
        .filter(|c| c.kind == Kind::SuspendUser && c.evidence == Some(Evidence::Absent))
        .filter_map(|c| c.sub_user)
        .collect();
    if gone.is_empty() {
        return;
    }
    let mut leaving: HashMap<(&str, &str), Vec<&SubUser>> = HashMap::new();
    for sub_user in input.sub_users.iter().filter(|s| gone.contains(&s.id)) {
        if let Some(facts) = sub_user.admitted.as_ref().filter(|f| !f.name.is_empty()) {
            leaving
                .entry((&sub_user.source, &facts.name))
                .or_default()
                .push(sub_user);
        }
    }
    let joining: HashSet<(String, String)> = draft
        .changes
        .iter()
        .filter(|c| c.kind == Kind::CreateUser)
        .map(|c| (c.source.clone(), fold(&c.member)))
        .collect();
    for source in input.sources {
        for desired in source.desired {
            let name = desired.member.name.as_str();
            let Some(namesakes) = leaving.get(&(source.name, name)) else {
                continue;
            };
            if !joining.contains(&(source.name.to_owned(), desired.key.clone())) {
                continue;
            }
            for old in namesakes {
                let same = |other: &str| Problem::MaybeSamePerson {
                    other: other.to_owned(),
                };
                draft.problem(source.name, &desired.key, same(&old.member));
                draft.problem(source.name, &old.key, same(&desired.member.id));
            }
        }
    }
}

fn hold_for_quota(input: &PlanInput<'_>, draft: &mut Draft) {
    let used = input.observed.sub_user_count() as u64;
    let full = input.quota_full_at.is_some_and(|at| used >= at);
    let room = match input.sub_user_quota {
        _ if full => 0,
        Some(limit) => limit.saturating_sub(used),
        None => return,
    };
    let creations = |c: &&mut Planned| c.kind == Kind::CreateUser;
    let wanted = draft.changes.iter_mut().filter(creations).count() as u64;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    for change in draft.changes.iter_mut().filter(creations).skip(room) {
        change.hold = Some(Hold::Quota {
            quota: "sub_users".into(),
            limit: input.sub_user_quota.or(input.quota_full_at),
            used,
            wanted,
        });
    }
}
