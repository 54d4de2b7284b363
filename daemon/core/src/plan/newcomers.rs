//! Members who should have a sub-user and have none.

use crate::change::{AdoptedBy, Adoption, Planned, Reason, UserState};
use crate::desired::{Admission, Desired};
use crate::evidence::Evidence;
use crate::names::{Names, Naming};
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::sub_user::SubUser;

use super::grants::{Grants, giving};
use super::{Draft, Note, PlanInput};

pub(super) fn created(admission: &Admission) -> UserState {
    UserState {
        remark: Some(admission.remark.clone()),
        console_login: Some(admission.console_login),
        phone: admission.phone.clone(),
        email: admission.email.clone(),
    }
}

/// A member who should have a sub-user and has none.
pub(super) struct Newcomer<'a> {
    pub(super) source: &'a str,
    pub(super) desired: &'a Desired,
    pub(super) admission: &'a Admission,
    pub(super) wanted: Option<&'a SubUser>,
}

pub(super) fn admit(
    input: &PlanInput<'_>,
    grants: &Grants<'_>,
    mut newcomers: Vec<Newcomer<'_>>,
    draft: &mut Draft,
) {
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
            object: None,
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
            empties: Vec::new(),
            hold: None,
        };
        match names.settle(source, &desired.key, admission, wanted) {
            Ok(Naming::Create(username)) => change.username = username,
            Ok(Naming::Adopt { account, by }) => {
                if by == AdoptedBy::Name
                    && let Some(action) = grants.observed.unreadable.clone()
                {
                    draft.problem(source, &desired.key, Problem::Unreadable { action });
                    continue;
                }
                if by == AdoptedBy::Name {
                    // Whoever takes over the account would take over its rights.
                    match grants.observed.candidates.get(&account.uin) {
                        Some(None) => {}
                        Some(Some(policy)) if names_literally(desired, policy) => {}
                        Some(Some(policy)) => {
                            let problem = Problem::AdoptionAdministers {
                                username: account.name.clone(),
                                policy: policy.clone(),
                            };
                            draft.problem(source, &desired.key, problem);
                            continue;
                        }
                        // Gone since the listing; the next plan sees what is there.
                        None => continue,
                    }
                }
                change.kind = Kind::UpdateUser;
                change.username = account.name.clone();
                change.reason = Reason::Adopted {
                    rule: admission.rule,
                    by,
                };
                // The remark alone: this may wait for hours, and sign-in is whatever it is by then.
                change.before = Some(UserState {
                    remark: account.remark.clone(),
                    ..UserState::default()
                });
                change.after = Some(UserState {
                    remark: Some(admission.remark.clone()),
                    ..UserState::default()
                });
                change.adoption = Some(Adoption {
                    uin: account.uin,
                    login: account.console_login.unwrap_or(false),
                    by,
                });
                if by == AdoptedBy::Name {
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
        let first = first_grants(grants, &change, desired, draft);
        draft.changes.push(change);
        draft.changes.extend(first);
    }
}

fn names_literally(desired: &Desired, policy: &str) -> bool {
    let mut named = desired.entitlement.policies.iter();
    named.any(|wanted| *wanted.name == *policy)
}

/// What a sub-user is given right after its creation. An account that is taken over is read first, in the next plan:
/// what it has already must not be taken for camsync's.
fn first_grants(
    grants: &Grants<'_>,
    creation: &Planned,
    desired: &Desired,
    draft: &mut Draft,
) -> Vec<Planned> {
    if creation.kind != Kind::CreateUser || desired.entitlement.is_empty() {
        return Vec::new();
    }
    if let Some(action) = grants.observed.unreadable.clone() {
        draft.problem(
            &creation.source,
            &desired.key,
            Problem::Unreadable { action },
        );
        return Vec::new();
    }
    let targets = grants.targets(
        &creation.source,
        &desired.key,
        &desired.entitlement,
        &[],
        draft,
    );
    for (object, by) in targets.wanted() {
        draft.make_for(&creation.source, object, by.rule);
    }
    targets
        .wanted()
        .map(|(object, by)| Planned {
            kind: giving(object.kind),
            object: Some(object.clone()),
            reason: Reason::Granted {
                rule: by.rule,
                like: by.like.clone(),
            },
            after: None,
            rule_login: None,
            ..creation.clone()
        })
        .collect()
}
