//! A managed sub-user whose member is entitled: rules followed, drift, and the return of a leaver.

use crate::change::{DriftKind, Planned, Reason, UserState};
use crate::desired::{Admission, Desired};
use crate::evidence::Evidence;
use crate::object::Object;
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::remark::with_mark;
use crate::rules::LessAccess;
use crate::sub_user::{Origin, SubUser};

use super::grants::steps;
use super::leaver::{deny_all, keys_off, keys_unread};
use super::managed::{At, confirm};
use super::{Draft, Note};

pub(super) fn entitled(at: &At<'_>, desired: &Desired, admission: &Admission, draft: &mut Draft) {
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
    if sub_user.stopped_at.is_none() {
        let rule = admission.rule;
        draft
            .changes
            .extend(denial_off(at, &Reason::Returned { rule }));
    }
    let granted = grants(at, desired, draft);
    // Not while they take something that is not taken yet: a rule edit could not be told from changed facts any more.
    if !granted.takes && sub_user.admitted.as_deref() != Some(&*desired.member) {
        draft.notes.push(Note::Admitted {
            sub_user: sub_user.id,
            source: source.to_owned(),
            key: key.to_owned(),
        });
    }
    keys_back(at, draft);
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
        // An emergency takes more than sign-in; groups and policies stay for the day that it is over.
        let again = |what| Reason::Drift { what };
        let denial = deny_all(at, &again(DriftKind::DenialTaken), draft);
        let keys = keys_off(at, &again(DriftKind::KeyOn), draft);
        draft.changes.extend(denial.into_iter().chain(keys));
    } else if bring_back {
        draft.changes.push(resume(
            at,
            admission,
            Reason::Drift {
                what: DriftKind::SignInOff,
            },
        ));
    } else if follows_rule(sub_user, admission) {
        let takes = !admission.console_login;
        if takes && sub_user.protected && at.seen.console_login != Some(false) {
            let evidence = Evidence::Excluded;
            draft.problem(source, key, Problem::Protected { evidence });
        } else if at.seen.console_login != Some(admission.console_login) {
            update.console_login = Some(admission.console_login);
            // A rule edit that takes sign-in away from many counts like any other removal.
            evidence = takes.then_some(Evidence::Excluded);
            reason = Some(Reason::RuleFollowed {
                rule: admission.rule,
            });
        }
    } else if !login_settled && !at.lag {
        match (at.seen.console_login, sub_user.unconfirmed_since) {
            // Off since it was adopted, say: what somebody gave is what the rule calls for.
            (Some(true), _) if admission.console_login => draft.notes.push(Note::SignsIn {
                sub_user: sub_user.id,
            }),
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
            (_, None) => off_by_hand(at, admission, draft),
        }
    } else if off_by_nobodys_word(at, admission) {
        off_by_hand(at, admission, draft);
    }
    if sub_user.resume_requested && !bring_back && !granted.gives_back {
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

/// Whether sign-in is to follow the rule: it says otherwise than when it was last enforced, or it allows none and the
/// account had it when it was taken over.
fn follows_rule(sub_user: &SubUser, admission: &Admission) -> bool {
    admission.console_login != sub_user.rule_login || (!admission.console_login && sub_user.login)
}

/// Somebody else switched sign-in off: that is kept and shown, or undone where the configuration says so.
fn off_by_hand(at: &At<'_>, admission: &Admission, draft: &mut Draft) {
    let what = DriftKind::SignInOff;
    match at.input.less_access {
        LessAccess::Keep => draft.problem(at.source.name, &at.sub_user.key, Problem::SignInOff),
        LessAccess::Repair => {
            let change = resume(at, admission, Reason::Drift { what });
            draft.changes.push(change);
        }
    }
}

/// Whether sign-in is off, in the ledger too, and nobody's word keeps it so: a resume that was cut short leaves it like
/// that. What was off when it was adopted is nobody's doing.
fn off_by_nobodys_word(at: &At<'_>, admission: &Admission) -> bool {
    admission.console_login
        && !at.sub_user.login
        && at.seen.console_login == Some(false)
        && at.sub_user.origin == Origin::Created
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
        // Only what camsync took comes back: sign-in stays as it is, and nothing is written.
        change.before = Some(UserState::default());
        change.after = Some(UserState::default());
    }
    if another {
        change.evidence = Some(Evidence::Returned);
    }
    let undenied = denial_off(at, &change.reason).map(|detach| Planned {
        evidence: change.evidence,
        ..detach
    });
    draft.changes.push(change);
    draft.changes.extend(undenied);
    if !another {
        grants(at, desired, draft);
    }
    true
}

/// What the grant rules come to for one sub-user in this plan.
#[derive(Default)]
struct Granted {
    /// Something is to be taken, now or once nothing is in the way.
    takes: bool,
    /// Something that somebody took comes back, for a person has asked for it.
    gives_back: bool,
}

/// Gives and takes what the grant rules say.
fn grants(at: &At<'_>, desired: &Desired, draft: &mut Draft) -> Granted {
    let mut granted = Granted::default();
    if at.sub_user.stopped_at.is_some() {
        return granted;
    }
    let steps = steps(
        at.input,
        at.grants,
        at.sub_user,
        at.seen.uin,
        desired,
        draft,
    );
    for step in steps {
        granted.takes |= step.evidence.is_some();
        granted.gives_back |= matches!(step.reason, Reason::Drift { .. });
        match step.evidence.filter(|_| at.sub_user.protected) {
            Some(evidence) => draft.problem(
                at.source.name,
                &at.sub_user.key,
                Problem::Protected { evidence },
            ),
            None => draft.changes.push(at.step(step)),
        }
    }
    granted
}

/// The deny-all policy comes off whoever is entitled.
fn denial_off(at: &At<'_>, reason: &Reason) -> Option<Planned> {
    let given = at.sub_user.given.iter().find(|g| g.denies())?;
    let object = Object::policy(&*given.name, Some(given.id));
    Some(at.about(Kind::DetachPolicy, object, reason.clone()))
}

/// Keys come back when a person has asked for them, and no others than those that camsync switched off.
fn keys_back(at: &At<'_>, draft: &mut Draft) {
    let sub_user = at.sub_user;
    if !sub_user.keys_requested || sub_user.stopped_at.is_some() {
        return;
    }
    let Some(own) = at.grants.own(sub_user) else {
        return;
    };
    let Some(keys) = &own.keys else {
        draft.problem(at.source.name, &sub_user.key, keys_unread());
        return;
    };
    let off: Vec<&String> = sub_user
        .keys_off
        .iter()
        .filter(|key| keys.get(*key) == Some(&false))
        .collect();
    if off.is_empty() {
        draft.notes.push(Note::KeysSettled {
            sub_user: sub_user.id,
        });
    }
    for key in off {
        let object = Object::key(key);
        draft
            .changes
            .push(at.about(Kind::EnableKey, object, Reason::KeysRequested));
    }
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

fn is_suffixed(username: &str, base: &str) -> bool {
    username
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}
