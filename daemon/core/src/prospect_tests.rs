#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::expression::{Condition, Text};

fn rule(line: u32, when: &str, enroll: Enroll, approve_when: Option<&str>) -> AdmitRule {
    AdmitRule {
        line,
        when: (!when.is_empty()).then(|| Condition::parse(when).unwrap()),
        enroll,
        username: Text::parse("{{ member.username }}").unwrap(),
        remark: Text::parse("{{ member.name }}").unwrap(),
        console_login: true,
        adopt: Adopt::Never,
        conflict: OnConflict::Hold,
        approve_when: approve_when.map(|w| Condition::parse(w).unwrap()),
        invited: false,
        contact: false,
    }
}

fn member(position: &str, status: MemberStatus) -> Arc<Member> {
    Arc::new(Member {
        id: "M1".into(),
        username: "M1".into(),
        name: "甲".into(),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: position.into(),
        status,
        departments: vec!["1".into()],
        main_department: Some("1".into()),
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        shown_by: Vec::new(),
    })
}

fn of(rules: &[AdmitRule], member: &Arc<Member>) -> Prospect {
    let departments = Arc::new(Departments::new(Vec::new()));
    prospect(rules, member, &departments, "acme", "wecom").unwrap()
}

#[test]
fn the_first_rule_that_matches_says_who_decides() {
    let rules = [
        rule(3, "member.position == 'boss'", Enroll::Import, None),
        rule(7, "", Enroll::Apply, Some("member.position == 'SRE'")),
    ];
    let active = |position| of(&rules, &member(position, MemberStatus::Active));
    assert_eq!(active("SRE"), Prospect::ByRule { rule: 7 });
    let by_person = Prospect::ByPerson {
        rule: 7,
        error: None,
    };
    assert_eq!(active("sales"), by_person);
    assert!(matches!(
        active("boss"),
        Prospect::Pointless(Verdict::Admitted(_))
    ));
    let left = of(&rules, &member("SRE", MemberStatus::Left));
    assert_eq!(left, Prospect::Pointless(Verdict::Left));
    let disabled = of(&rules, &member("SRE", MemberStatus::Disabled));
    assert_eq!(disabled, Prospect::Pointless(Verdict::Disabled));
}

#[test]
fn a_rule_that_asks_others_approves_nobody_else() {
    let rules = [
        rule(2, "member.position == 'boss'", Enroll::Apply, Some("true")),
        rule(7, "", Enroll::Apply, None),
    ];
    let by_person = Prospect::ByPerson {
        rule: 7,
        error: None,
    };
    assert_eq!(of(&rules, &member("SRE", MemberStatus::Active)), by_person);
}

#[test]
fn a_condition_that_fails_on_a_member_approves_nobody() {
    let broken = rule(2, "", Enroll::Apply, Some("member.position / 2 > 1"));
    let found = of(&[broken], &member("SRE", MemberStatus::Active));
    assert!(
        matches!(
            found,
            Prospect::ByPerson {
                rule: 2,
                error: Some(_)
            }
        ),
        "{found:?}"
    );
}

proptest! {
    /// Whoever would be approved by a rule is one whom that very rule asks, and whose facts it names.
    #[test]
    fn a_rule_approves_only_whom_it_asks_and_names(
        asked in prop::collection::vec((0usize..3, 0usize..3, prop::bool::ANY), 0..5),
        position in 0usize..3,
    ) {
        const POSITIONS: [&str; 3] = ["SRE", "sales", "boss"];
        let rules: Vec<AdmitRule> = asked
            .iter()
            .zip(1u32..)
            .map(|((when, approve, apply), line)| {
                let enroll = if *apply { Enroll::Apply } else { Enroll::Import };
                let condition = |p: usize| format!("member.position == '{}'", POSITIONS[p]);
                rule(line, &condition(*when), enroll, Some(condition(*approve).as_str()))
            })
            .collect();
        let found = of(&rules, &member(POSITIONS[position], MemberStatus::Active));
        let first = asked.iter().zip(1u32..).find(|((when, ..), _)| *when == position);
        let wanted = first.is_some_and(|((_, approve, apply), _)| *apply && *approve == position);
        prop_assert_eq!(matches!(found, Prospect::ByRule { .. }), wanted);
        if let Prospect::ByRule { rule } = found {
            prop_assert_eq!(Some(rule), first.map(|(_, line)| line));
        }
    }
}
