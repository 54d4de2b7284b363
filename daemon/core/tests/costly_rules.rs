//! Rules that loop, that take all the steps they may, or that make a name of ten megabytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod made_up;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use camsync_core::departments::Departments;
use camsync_core::desired::{Desired, DesiredInput, Verdict, desired};
use camsync_core::expression::{Condition, Text};
use camsync_core::model::Member;
use camsync_core::rules::{AdmitRule, Adopt, Enroll, GrantRule, OnConflict, Rules};

fn member(id: &str, position: &str) -> Arc<Member> {
    Arc::new(Member {
        position: position.into(),
        ..made_up::member(id, id)
    })
}

fn admit(when: Option<&str>, username: &str) -> AdmitRule {
    AdmitRule {
        line: 1,
        when: when.map(|w| Condition::parse(w).unwrap()),
        enroll: Enroll::Import,
        username: Text::parse(username).unwrap(),
        remark: Text::parse("{{ member.name }}").unwrap(),
        console_login: true,
        adopt: Adopt::Never,
        conflict: OnConflict::Hold,
        approve_when: None,
        invited: false,
        contact: false,
    }
}

fn grant(when: &str, group: &str) -> GrantRule {
    GrantRule {
        line: 2,
        when: Some(Condition::parse(when).unwrap()),
        groups: vec![Text::parse(group).unwrap()],
        policies: Vec::new(),
        like: None,
        exclusive: false,
    }
}

/// Everybody has a managed sub-user, so that a removal would show.
fn judge(rules: Rules, members: &[Arc<Member>]) -> Vec<Desired> {
    let admitted: HashMap<_, _> = members
        .iter()
        .map(|m| (m.key(), Some(Arc::clone(m))))
        .collect();
    let input = DesiredInput {
        source: "acme",
        connector: "wecom",
        members,
        departments: &Arc::new(Departments::default()),
        approved: &HashSet::new(),
        admitted: &admitted,
    };
    desired(&rules, &input).unwrap()
}

/// The costly rule fails for whom it is costly, says why, is evidence of nothing, and leaves the others alone.
fn fails_for_the_costly_alone(rules: Rules, says: &str) {
    let members = [member("ann", "costly"), member("bob", "plain")];
    let found = judge(rules, &members);
    let Verdict::Failed { error, .. } = &found[0].verdict else {
        panic!("{:?}", found[0].verdict);
    };
    assert!(error.contains(says), "{error}");
    assert_eq!(found[0].evidence, None);
    assert!(found[0].entitlement.is_empty());
    assert!(matches!(found[1].verdict, Verdict::Admitted(_)));
}

fn rules(admit: AdmitRule, grant: Option<GrantRule>) -> Rules {
    Rules {
        admit: vec![admit],
        grant: grant.into_iter().collect(),
    }
}

const STEPS: &str = "takes more than";
const COSTLY: &str = "member.position == 'costly'";

#[test]
fn a_condition_that_takes_too_long_fails_for_one_member() {
    let when = format!("not ({COSTLY}) or range(99999)|list|sort|length == 99999");
    fails_for_the_costly_alone(rules(admit(Some(&when), "{{ member.id }}"), None), STEPS);
}

#[test]
fn a_template_that_loops_fails_for_one_member() {
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let name = format!("{{% if {COSTLY} %}}{loops}{{% else %}}bob{{% endif %}}");
    fails_for_the_costly_alone(rules(admit(None, &name), None), STEPS);
}

#[test]
fn a_name_of_ten_megabytes_fails_for_one_member() {
    let long = format!("{{{{ 'x' * 10000000 if {COSTLY} else member.id }}}}");
    fails_for_the_costly_alone(rules(admit(None, &long), None), STEPS);
    let group = grant("true", &long);
    fails_for_the_costly_alone(rules(admit(None, "{{ member.id }}"), Some(group)), STEPS);
    // Within the steps, but longer than any name.
    let long = format!("{{{{ 'x' * 5000 if {COSTLY} else member.id }}}}");
    let says = "makes a text of 5000 bytes";
    fails_for_the_costly_alone(rules(admit(None, &long), None), says);
}

#[test]
fn a_costly_grant_rule_decides_nothing_for_whom_it_fails() {
    let when = format!("{COSTLY} and range(99999)|list|length == 99999");
    let rules = rules(admit(None, "{{ member.id }}"), Some(grant(&when, "ops")));
    fails_for_the_costly_alone(rules, STEPS);
}

/// Members who look alike burn the steps once between them.
#[test]
fn those_who_look_alike_cost_once() {
    let when = format!("{COSTLY} and range(99999)|list|length == 99999");
    let rules = rules(admit(None, "{{ member.id }}"), Some(grant(&when, "ops")));
    let members: Vec<_> = (0..20_000)
        .map(|n| member(&n.to_string(), "costly"))
        .collect();
    let found = judge(rules, &members);
    assert!(
        found
            .iter()
            .all(|d| matches!(d.verdict, Verdict::Failed { .. }) && d.evidence.is_none())
    );
}
