//! Desired state: what snapshot, rules and applications call for, member by member.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alike::Judge;
use crate::departments::Departments;
use crate::evidence::Evidence;
use crate::expression::{
    CompiledCondition, CompiledText, Condition, EvalError, Language, ParseError,
};
use crate::facts::Facts;
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
    let admit = admit_rules(&language, &rules.admit)?;
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
    let mut rules = Ready {
        admitting: judge(admit.iter().map(|c| (&c.rule.when, &c.when))),
        granting: judge(grant.iter().map(|c| (&c.rule.when, &c.when))),
        admit: &admit,
        grant: &grant,
    };
    Ok(input
        .members
        .iter()
        .map(|member| one(member, &mut rules, input))
        .collect())
}

/// The rules, compiled, with what they have said so far.
struct Ready<'a> {
    admit: &'a [CompiledAdmit<'a>],
    grant: &'a [CompiledGrant<'a>],
    admitting: Judge<'a>,
    granting: Judge<'a>,
}

fn judge<'a>(
    conditions: impl Iterator<Item = (&'a Option<Condition>, &'a Option<CompiledCondition<'a>>)>,
) -> Judge<'a> {
    Judge::new(
        conditions.map(|(when, compiled)| Some((when.as_ref()?.source(), compiled.as_ref()?))),
    )
}

/// What an application of a member would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// A rule asks for it, and approves it by itself.
    ByRule {
        /// Line of the rule.
        rule: u32,
    },
    /// A rule asks for it, and a person decides.
    ByPerson {
        /// Line of the rule.
        rule: u32,
        /// Why `approve_when` could not be evaluated: then a person decides, too.
        error: Option<String>,
    },
    /// No rule asks this member for one; this is what they say instead.
    Pointless(Verdict),
}

/// What an application of a member would come to, as the rules and the facts are now.
///
/// # Errors
/// Only when a rule does not compile, which parsing the configuration has ruled out.
pub fn prospect(
    rules: &[AdmitRule],
    member: &Arc<Member>,
    departments: &Arc<Departments>,
    source: &str,
    connector: &str,
) -> Result<Prospect, ParseError> {
    let language = Language::new();
    let admit = admit_rules(&language, rules)?;
    let facts = Facts::new(member, departments, source, connector);
    let mut ready = Ready {
        admitting: judge(admit.iter().map(|c| (&c.rule.when, &c.when))),
        granting: judge(std::iter::empty()),
        admit: &admit,
        grant: &[],
    };
    let rule = match verdict(member, &facts, &mut ready, &|| false) {
        Verdict::AwaitingApplication { rule } => rule,
        other => return Ok(Prospect::Pointless(other)),
    };
    let asks = |c: &&CompiledAdmit<'_>| c.rule.line == rule && c.rule.enroll == Enroll::Apply;
    let approve_when = admit
        .iter()
        .find(asks)
        .and_then(|c| c.rule.approve_when.as_ref());
    let by_person = |error| Prospect::ByPerson { rule, error };
    let Some(approve_when) = approve_when else {
        return Ok(by_person(None));
    };
    Ok(match language.condition(approve_when)?.holds(&facts) {
        Ok(true) => Prospect::ByRule { rule },
        Ok(false) => by_person(None),
        Err(EvalError(error)) => by_person(Some(error)),
    })
}

fn admit_rules<'a>(
    language: &'a Language,
    rules: &'a [AdmitRule],
) -> Result<Vec<CompiledAdmit<'a>>, ParseError> {
    let compiled = rules.iter().map(|rule| {
        Ok(CompiledAdmit {
            rule,
            when: optional(language, rule.when.as_ref())?,
            username: language.text(&rule.username)?,
            remark: language.text(&rule.remark)?,
        })
    });
    compiled.collect()
}

fn optional<'a>(
    language: &'a Language,
    condition: Option<&'a Condition>,
) -> Result<Option<CompiledCondition<'a>>, ParseError> {
    condition.map(|c| language.condition(c)).transpose()
}

fn one<'a>(member: &'a Arc<Member>, rules: &mut Ready<'a>, input: &DesiredInput<'a>) -> Desired {
    let key = member.key();
    let had = input.admitted.get(&key);
    let facts = Facts::new(member, input.departments, input.source, input.connector);
    let verdict = verdict(member, &facts, rules, &|| {
        // Someone who already has a managed sub-user when a rule turns to `apply` counts as approved.
        had.is_some() || input.approved.contains(&key)
    });
    let evidence = had.and_then(|last| match &verdict {
        Verdict::Disabled | Verdict::Left => Some(Evidence::Said),
        Verdict::Excluded { .. } | Verdict::Unmatched => {
            Some(edit_or_facts(last.as_ref(), member, rules, input))
        }
        Verdict::Admitted(_) | Verdict::AwaitingApplication { .. } | Verdict::Failed { .. } => None,
    });
    let mut verdict = verdict;
    let mut entitlement = Entitlement::default();
    let mut with_former_facts = None;
    if let Verdict::Admitted(admission) = &verdict {
        match entitled(member, &facts, rules) {
            Ok(called_for) => entitlement = called_for,
            Err(EvalError(error)) => {
                verdict = Verdict::Failed {
                    rule: admission.rule,
                    error,
                };
            }
        }
        let former = had.and_then(Option::as_ref).filter(|f| f != &member);
        if let Some(former) = former.filter(|_| !rules.grant.is_empty()) {
            let facts = Facts::new(former, input.departments, input.source, input.connector);
            // Rules that fail on facts of the past say nothing about what they would have given.
            with_former_facts = entitled(former, &facts, rules).ok();
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
fn edit_or_facts<'a>(
    last: Option<&'a Arc<Member>>,
    now: &'a Arc<Member>,
    rules: &mut Ready<'a>,
    input: &DesiredInput<'_>,
) -> Evidence {
    let last = last.unwrap_or(now);
    let facts = Facts::new(last, input.departments, input.source, input.connector);
    match verdict(last, &facts, rules, &|| true) {
        Verdict::Admitted(_) => Evidence::Unmatched,
        _ => Evidence::Excluded,
    }
}

fn verdict<'a>(
    member: &'a Member,
    facts: &Facts,
    rules: &mut Ready<'a>,
    approved: &dyn Fn() -> bool,
) -> Verdict {
    match member.status {
        MemberStatus::Disabled => return Verdict::Disabled,
        MemberStatus::Left => return Verdict::Left,
        MemberStatus::Active | MemberStatus::Invited => {}
    }
    let invited = member.status == MemberStatus::Invited;
    let admit = rules.admit;
    let decided = rules.admitting.find(member, facts, |index, said| {
        let compiled = admit.get(index)?;
        let rule = compiled.rule;
        if invited && !rule.invited && rule.enroll != Enroll::Exclude {
            return None;
        }
        let failed = |error: EvalError| Verdict::Failed {
            rule: rule.line,
            error: error.0,
        };
        if let Err(error) = said {
            return Some(failed(error));
        }
        let admitted = match rule.enroll {
            Enroll::Exclude => return Some(Verdict::Excluded { rule: rule.line }),
            Enroll::Import => true,
            Enroll::Apply => approved(),
        };
        if !admitted {
            return Some(Verdict::AwaitingApplication { rule: rule.line });
        }
        Some(match admission(member, facts, compiled) {
            Ok(admission) => Verdict::Admitted(admission),
            Err(error) => failed(error),
        })
    });
    decided.unwrap_or(Verdict::Unmatched)
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

fn entitled<'a>(
    member: &'a Member,
    facts: &Facts,
    rules: &mut Ready<'a>,
) -> Result<Entitlement, EvalError> {
    let mut made = Entitlement::default();
    let grant = rules.grant;
    let failed = rules.granting.find(member, facts, |index, said| {
        let compiled = grant.get(index)?;
        said.and_then(|()| call_for(compiled, facts, &mut made))
            .err()
    });
    if let Some(error) = failed {
        return Err(error);
    }
    for list in [&mut made.groups, &mut made.policies, &mut made.like] {
        // Of two rules that call for the same, the one that names it literally counts, then the first.
        list.sort_by(|a, b| (&a.name, !a.literal, a.rule).cmp(&(&b.name, !b.literal, b.rule)));
        list.dedup_by(|later, first| later.name == first.name);
    }
    Ok(made)
}

/// Adds what a rule calls for.
fn call_for(
    compiled: &CompiledGrant<'_>,
    facts: &Facts,
    made: &mut Entitlement,
) -> Result<(), EvalError> {
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
    Ok(())
}

#[cfg(test)]
#[path = "prospect_tests.rs"]
mod prospect_tests;

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
