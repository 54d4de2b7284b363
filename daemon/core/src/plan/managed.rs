//! What becomes of a managed sub-user: whose case it is, and what CAM shows of it.

use crate::change::{DriftKind, Planned, Reason, UserState};
use crate::desired::{Admission, Desired, Verdict};
use crate::evidence::{Absence, Evidence};
use crate::grounds::Grounds;
use crate::model::fold;
use crate::object::Object;
use crate::outbox::Kind;
use crate::problem::{Holder, Problem};
use crate::rules::LessAccess;
use crate::sub_user::{ObservedUser, SubUser};

use super::entitled::entitled;
use super::grants::{Grants, Step};
use super::leaver::{leaver, unsettled};
use super::newcomers::created;
use super::{Absent, Draft, LAG, Note, PlanInput, SourceView, Then};

/// What becomes of a managed sub-user.
pub(super) fn managed(
    input: &PlanInput<'_>,
    grants: &Grants<'_>,
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
            Absence::Unsettled => {
                draft.problem(
                    source.name,
                    &sub_user.key,
                    Problem::Unsettled {
                        grounds: absent.grounds.clone(),
                    },
                );
                Case::Absent(absent.grounds.clone())
            }
        },
        (None, None) => Case::Undecided,
    };
    if matches!(case, Case::Absent(_) | Case::Undecided) {
        draft.undecided.insert(sub_user.id);
    }
    let Some(seen) = seen else {
        missing(input, sub_user, &case, lag, draft);
        return;
    };
    let at = At {
        input,
        grants,
        source,
        sub_user,
        seen,
        lag,
    };
    match case {
        Case::Entitled(desired, admission) => entitled(&at, desired, admission, draft),
        Case::Leaver(evidence, grounds) => leaver(&at, here, evidence, grounds, draft),
        Case::Absent(grounds) => unsettled(&at, grounds, draft),
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
    /// Missing, and nothing settles why.
    Absent(Grounds),
    Undecided,
}

/// A managed sub-user that CAM shows, and the circumstances.
pub(super) struct At<'a> {
    pub(super) input: &'a PlanInput<'a>,
    pub(super) grants: &'a Grants<'a>,
    pub(super) source: &'a SourceView<'a>,
    pub(super) sub_user: &'a SubUser,
    pub(super) seen: &'a ObservedUser,
    pub(super) lag: bool,
}

impl At<'_> {
    pub(super) fn change(&self, kind: Kind, reason: Reason, after: Option<UserState>) -> Planned {
        Planned {
            sub_user: Some(self.sub_user.id),
            kind,
            object: None,
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
            empties: Vec::new(),
            hold: None,
        }
    }

    /// A change about a group, a policy or a key of this sub-user.
    pub(super) fn about(&self, kind: Kind, object: Object, reason: Reason) -> Planned {
        Planned {
            object: Some(object),
            before: None,
            ..self.change(kind, reason, None)
        }
    }

    /// A grant given or taken.
    pub(super) fn step(&self, step: Step) -> Planned {
        Planned {
            evidence: step.evidence,
            ..self.about(step.kind, step.object, step.reason)
        }
    }

    /// Whether CAM shows sign-in otherwise than camsync last made it. Nothing is said while CAM says nothing.
    pub(super) fn login_differs(&self) -> bool {
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
        Case::Leaver(..) if lag => {
            draft.undecided.insert(sub_user.id);
        }
        _ if lag => {}
        Case::Undecided | Case::Absent(_) => {
            draft.problem(source, key, Problem::DeletedByHand);
        }
        Case::Leaver(..) => draft.notes.push(Note::GoneByHand {
            sub_user: sub_user.id,
        }),
        Case::Entitled(_, admission) => {
            let unconfirmed = sub_user.unconfirmed_since.is_some();
            let asked = sub_user.resume_requested && !sub_user.seen_since_request;
            let wanted_back = asked || input.less_access == LessAccess::Repair;
            if sub_user.resume_requested && !wanted_back {
                draft.notes.push(Note::ResumeSettled {
                    sub_user: sub_user.id,
                });
            }
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
                object: None,
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
                empties: Vec::new(),
                hold: None,
            });
        }
    }
}

pub(super) fn confirm(at: &At<'_>, draft: &mut Draft) {
    if at.sub_user.unconfirmed_since.is_some() && !at.login_differs() {
        draft.notes.push(Note::Confirmed {
            sub_user: at.sub_user.id,
        });
    }
}
