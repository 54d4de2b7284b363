//! Desired state: what snapshot, rules and applications call for, member by member.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::departments::Departments;
use crate::evidence::Evidence;
use crate::expression::{CompiledCondition, CompiledText, EvalError, Facts, Language, ParseError};
use crate::grants::{Entitlement, Wanted};
use crate::model::{Member, MemberStatus};
use crate::rules::{AdmitRule, Adopt, Enroll, GrantRule, OnConflict, Rules};

/// How a member is admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Line of the rule that matched.
    pub rule: u32,
    /// The sub-user's name.
    pub username: String,
    /// The remark, without the mark.
    pub remark: String,
    /// May sign in to the console.
    pub console_login: bool,
    /// What may be taken over.
    pub adopt: Adopt,
    /// What happens when the name is taken.
    pub conflict: OnConflict,
    /// Phone, when the rule hands contacts on and there is one.
    pub phone: Option<String>,
    /// E-mail, likewise.
    pub email: Option<String>,
}

/// What the rules say of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Should have a sub-user.
    Admitted(Admission),
    /// May have one once an application is approved.
    AwaitingApplication {
        /// Line of the rule.
        rule: u32,
    },
    /// A rule says no.
    Excluded {
        /// Line of the rule.
        rule: u32,
    },
    /// No rule matches.
    Unmatched,
    /// Switched off at the provider.
    Disabled,
    /// The provider says that the member has left.
    Left,
    /// A rule could not be evaluated: nothing is decided.
    Failed {
        /// Line of the rule.
        rule: u32,
        /// Why.
        error: String,
    },
}

impl Verdict {
    /// Line of the rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<u32> {
        match self {
            Self::Admitted(Admission { rule, .. })
            | Self::AwaitingApplication { rule }
            | Self::Excluded { rule }
            | Self::Failed { rule, .. } => Some(*rule),
            Self::Unmatched | Self::Disabled | Self::Left => None,
        }
    }
}

/// One member's part of the desired state.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The facts it rests on.
    pub member: Arc<Member>,
    /// The member's id, folded.
    pub key: String,
    /// What the rules say.
    pub verdict: Verdict,
    /// When the member is not admitted but once was: what the removal would rest on.
    pub evidence: Option<Evidence>,
    /// What the grant rules call for.
    pub entitlement: Entitlement,
    /// What today's grant rules would have called for with the facts that were last admitted, where these were others:
    /// tells a rule edit from changed facts.
    pub with_former_facts: Option<Entitlement>,
}

/// What the desired state of one source is made from.
#[derive(Debug)]
pub struct DesiredInput<'a> {
    /// The source's name.
    pub source: &'a str,
    /// Its connector's name.
    pub connector: &'a str,
    /// Everyone in the snapshot.
    pub members: &'a [Arc<Member>],
    /// The snapshot's departments.
    pub departments: &'a Arc<Departments>,
    /// Folded ids whose application was approved.
    pub approved: &'a HashSet<String>,
    /// By folded id, the facts with which a rule last admitted those who have a managed sub-user.
    pub admitted: &'a HashMap<String, Option<Arc<Member>>>,
}

struct CompiledAdmit<'a> {
    rule: &'a AdmitRule,
    when: Option<CompiledCondition<'a>>,
    username: CompiledText<'a>,
    remark: CompiledText<'a>,
}

struct CompiledGrant<'a> {
    rule: &'a GrantRule,
    when: Option<CompiledCondition<'a>>,
    groups: Vec<GroupName<'a>>,
    policies: Vec<Arc<str>>,
    like: Option<Arc<str>>,
}

enum GroupName<'a> {
    Literal(Arc<str>),
    Made(CompiledText<'a>),
}

/// Computes the desired state of one source.
///
/// # Errors
/// Only when a rule does not compile, which parsing the configuration has ruled out.
pub fn desired(rules: &Rules, input: &DesiredInput<'_>) -> Result<Vec<Desired>, ParseError> {
    let language = Language::new();
    let admit = rules
        .admit
        .iter()
        .map(|rule| {
            Ok(CompiledAdmit {
                rule,
                when: optional(&language, rule.when.as_ref())?,
                username: language.text(&rule.username)?,
                remark: language.text(&rule.remark)?,
            })
        })
        .collect::<Result<Vec<_>, ParseError>>()?;
    let grant = rules
        .grant
        .iter()
        .map(|rule| {
            Ok(CompiledGrant {
                rule,
                when: optional(&language, rule.when.as_ref())?,
                groups: rule
                    .groups
                    .iter()
                    .map(|group| match group.literal() {
                        Some(name) => Ok(GroupName::Literal(Arc::from(name))),
                        None => language.text(group).map(GroupName::Made),
                    })
                    .collect::<Result<_, _>>()?,
                policies: rule.policies.iter().map(|p| Arc::from(&**p)).collect(),
                like: rule.like.as_deref().map(Arc::from),
            })
        })
        .collect::<Result<Vec<_>, ParseError>>()?;
    Ok(input
        .members
        .iter()
        .map(|member| one(member, &admit, &grant, input))
        .collect())
}

fn optional<'a>(
    language: &'a Language,
    condition: Option<&'a crate::expression::Condition>,
) -> Result<Option<CompiledCondition<'a>>, ParseError> {
    condition.map(|c| language.condition(c)).transpose()
}

fn one(
    member: &Arc<Member>,
    admit: &[CompiledAdmit<'_>],
    grant: &[CompiledGrant<'_>],
    input: &DesiredInput<'_>,
) -> Desired {
    let key = member.key();
    let had = input.admitted.get(&key);
    let facts = Facts::new(member, input.departments, input.source, input.connector);
    let verdict = verdict(member, &facts, admit, &|| {
        // Someone who already has a managed sub-user when a rule turns to `apply` counts as approved.
        had.is_some() || input.approved.contains(&key)
    });
    let evidence = had.and_then(|last| match &verdict {
        Verdict::Disabled | Verdict::Left => Some(Evidence::Said),
        Verdict::Excluded { .. } | Verdict::Unmatched => {
            Some(edit_or_facts(last.as_ref(), member, admit, input))
        }
        Verdict::Admitted(_) | Verdict::AwaitingApplication { .. } | Verdict::Failed { .. } => None,
    });
    let mut verdict = verdict;
    let mut entitlement = Entitlement::default();
    let mut with_former_facts = None;
    if let Verdict::Admitted(admission) = &verdict {
        match entitled(&facts, grant) {
            Ok(called_for) => entitlement = called_for,
            Err(EvalError(error)) => {
                verdict = Verdict::Failed {
                    rule: admission.rule,
                    error,
                };
            }
        }
        let former = had.and_then(Option::as_ref).filter(|f| f != &member);
        if let Some(former) = former.filter(|_| !grant.is_empty()) {
            let facts = Facts::new(former, input.departments, input.source, input.connector);
            // Rules that fail on facts of the past say nothing about what they would have given.
            with_former_facts = entitled(&facts, grant).ok();
        }
    }
    Desired {
        member: Arc::clone(member),
        key,
        verdict,
        evidence,
        entitlement,
        with_former_facts,
    }
}

/// Tells a rule edit from changed facts: would today's rules still admit the facts that were admitted last?
fn edit_or_facts(
    last: Option<&Arc<Member>>,
    now: &Arc<Member>,
    admit: &[CompiledAdmit<'_>],
    input: &DesiredInput<'_>,
) -> Evidence {
    let last = last.unwrap_or(now);
    let facts = Facts::new(last, input.departments, input.source, input.connector);
    match verdict(last, &facts, admit, &|| true) {
        Verdict::Admitted(_) => Evidence::Unmatched,
        _ => Evidence::Excluded,
    }
}

fn verdict(
    member: &Member,
    facts: &Facts,
    admit: &[CompiledAdmit<'_>],
    approved: &dyn Fn() -> bool,
) -> Verdict {
    match member.status {
        MemberStatus::Disabled => return Verdict::Disabled,
        MemberStatus::Left => return Verdict::Left,
        MemberStatus::Active | MemberStatus::Invited => {}
    }
    for compiled in admit {
        let rule = compiled.rule;
        if member.status == MemberStatus::Invited && !rule.invited && rule.enroll != Enroll::Exclude
        {
            continue;
        }
        let failed = |error: EvalError| Verdict::Failed {
            rule: rule.line,
            error: error.0,
        };
        match holds(compiled.when.as_ref(), facts) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => return failed(error),
        }
        let admitted = match rule.enroll {
            Enroll::Exclude => return Verdict::Excluded { rule: rule.line },
            Enroll::Import => true,
            Enroll::Apply => approved(),
        };
        if !admitted {
            return Verdict::AwaitingApplication { rule: rule.line };
        }
        return match admission(member, facts, compiled) {
            Ok(admission) => Verdict::Admitted(admission),
            Err(error) => failed(error),
        };
    }
    Verdict::Unmatched
}

fn admission(
    member: &Member,
    facts: &Facts,
    compiled: &CompiledAdmit<'_>,
) -> Result<Admission, EvalError> {
    let rule = compiled.rule;
    let contact = |value: &str| (rule.contact && !value.is_empty()).then(|| value.to_owned());
    Ok(Admission {
        rule: rule.line,
        username: compiled.username.fill(facts)?,
        remark: compiled.remark.fill(facts)?,
        console_login: rule.console_login,
        adopt: rule.adopt,
        conflict: rule.conflict,
        phone: contact(&member.phone),
        email: contact(&member.email),
    })
}

fn holds(condition: Option<&CompiledCondition<'_>>, facts: &Facts) -> Result<bool, EvalError> {
    condition.map_or(Ok(true), |c| c.holds(facts))
}

fn entitled(facts: &Facts, grant: &[CompiledGrant<'_>]) -> Result<Entitlement, EvalError> {
    let mut made = Entitlement::default();
    for compiled in grant {
        if !holds(compiled.when.as_ref(), facts)? {
            continue;
        }
        let rule = compiled.rule.line;
        let wanted = |name: Arc<str>, literal| Wanted {
            name,
            rule,
            literal,
        };
        for group in &compiled.groups {
            let group = match group {
                GroupName::Literal(name) => wanted(Arc::clone(name), true),
                GroupName::Made(text) => wanted(Arc::from(text.fill(facts)?), false),
            };
            if !group.name.is_empty() {
                made.groups.push(group);
            }
        }
        let literal = |name: &Arc<str>| wanted(Arc::clone(name), true);
        made.policies.extend(compiled.policies.iter().map(literal));
        made.like.extend(compiled.like.iter().map(literal));
        if compiled.rule.exclusive && made.exclusive.is_none() {
            made.exclusive = Some(rule);
        }
    }
    for list in [&mut made.groups, &mut made.policies, &mut made.like] {
        // Of two rules that call for the same, the one that names it literally counts, then the first.
        list.sort_by(|a, b| (&a.name, !a.literal, a.rule).cmp(&(&b.name, !b.literal, b.rule)));
        list.dedup_by(|later, first| later.name == first.name);
    }
    Ok(made)
}
