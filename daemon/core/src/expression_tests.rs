#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::departments::Departments;
use crate::model::{Department, Member};

fn facts() -> Facts {
    let mut member = Member {
        id: "zhangsan".into(),
        username: "zhangsan".into(),
        name: "张三".into(),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: "SRE".into(),
        status: crate::model::MemberStatus::Active,
        departments: vec!["3".into()],
        main_department: Some("3".into()),
        leader_of: Vec::new(),
        tags: vec!["on-call".into()],
        attributes: std::collections::BTreeMap::new(),
        shown_by: Vec::new(),
    };
    member.attributes.insert("cost centre".into(), "A7".into());
    let departments = Departments::new(vec![
        Department {
            id: "1".into(),
            parent: None,
            name: "Acme".into(),
        },
        Department {
            id: "2".into(),
            parent: Some("1".into()),
            name: "R&D".into(),
        },
        Department {
            id: "3".into(),
            parent: Some("2".into()),
            name: "Platform".into(),
        },
    ]);
    Facts::new(&Arc::new(member), &Arc::new(departments), "acme", "wecom")
}

fn holds(source: &str) -> bool {
    let language = Language::new();
    let condition = Condition::parse(source).unwrap();
    language
        .condition(&condition)
        .unwrap()
        .holds(&facts())
        .unwrap()
}

fn fill(source: &str) -> String {
    let language = Language::new();
    let text = Text::parse(source).unwrap();
    language.text(&text).unwrap().fill(&facts()).unwrap()
}

#[test]
fn the_contract_s_examples_hold() {
    assert!(holds(
        "member.status == 'active' and 'Contractors' not in member.department_names"
    ));
    assert!(holds("member.position == 'SRE'"));
    assert!(holds("'R&D' in member.department_path"));
    assert!(holds("member.attributes['cost centre'] == 'A7'"));
    assert!(holds("member.attributes.missing == ''"));
    assert_eq!(fill("wecom-{{ member.main_department }}"), "wecom-3");
    assert_eq!(fill("{{ member.name }} / {{ source.name }}"), "张三 / acme");
}

#[test]
fn a_misspelt_name_is_found_at_the_start() {
    let error = Condition::parse("member.statuss == 'active'").unwrap_err();
    assert_eq!(
        error.message,
        "unknown name `member.statuss`, did you mean `member.status`?"
    );
    assert!(Condition::parse("membr.status == 'x'").is_err());
    assert!(Text::parse("{{ member.nmae }}").is_err());
    assert!(Text::parse("{{ member.name|uper }}").is_err());
    assert!(Condition::parse("member.status ==").is_err());
}

#[test]
fn a_rule_that_uses_up_its_steps_on_many_is_not_asked_of_the_others() {
    let language = Language::new();
    let condition =
        Condition::parse("member.id == 'cheap' or range(99999)|list|length > 3").unwrap();
    let condition = language.condition(&condition).unwrap();
    let text = "{% if member.id != 'cheap' %}{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{% endif %}";
    let text = Text::parse(text).unwrap();
    let text = language.text(&text).unwrap();
    let cheap = {
        let mut member = Member {
            id: "cheap".into(),
            ..crate::facts::blank_member()
        };
        member.username = "cheap".into();
        Facts::new(
            &Arc::new(member),
            &Arc::new(Departments::default()),
            "acme",
            "wecom",
        )
    };
    let (mut asked, mut filled) = (Vec::new(), Vec::new());
    for _ in 0..=EXHAUSTED_MAX {
        // Whoever costs little is judged as ever, for as long as the rule is asked at all.
        asked.push((condition.holds(&cheap), condition.holds(&facts())));
        filled.push((text.fill(&cheap), text.fill(&facts())));
    }
    let last = (asked.pop().unwrap(), filled.pop().unwrap());
    for ((cheap, dear), (cheaply, dearly)) in asked.into_iter().zip(filled) {
        assert_eq!((cheap, cheaply), (Ok(true), Ok(String::new())));
        assert!(dear.unwrap_err().0.ends_with("steps"));
        assert!(dearly.unwrap_err().0.ends_with("steps"));
    }
    for error in [last.0.0.unwrap_err(), last.1.0.unwrap_err()] {
        assert!(error.0.contains("not asked of the others"), "{error}");
    }
}

#[test]
fn an_endless_rule_ends() {
    let language = Language::new();
    let text = Text::parse(
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    );
    let text = text.unwrap();
    assert!(language.text(&text).unwrap().fill(&facts()).is_err());
}

#[test]
fn a_text_is_literal_when_nothing_of_a_member_goes_into_it() {
    let literal = |source: &str| Text::parse(source).unwrap().literal().map(str::to_owned);
    assert_eq!(literal(" rd ").as_deref(), Some("rd"));
    for made in ["{{ member.id }}", "{% if 1 %}a{% endif %}", "a{# b #}"] {
        assert_eq!(literal(made), None, "{made}");
    }
    assert_eq!(Text::parse(" rd ").unwrap().source(), " rd ");
}

#[test]
fn what_is_made_is_trimmed_and_no_longer_than_a_rule() {
    assert_eq!(fill(" {{ member.id }}\n"), "zhangsan");
    let language = Language::new();
    let row = format!("{{% for a in range(64) %}}{}{{% endfor %}}", "x".repeat(64));
    let fill = |source: &str| {
        let text = Text::parse(source).unwrap();
        language.text(&text).unwrap().fill(&facts())
    };
    assert_eq!(fill(&row).map(|made| made.len()), Ok(4096));
    let error = fill(&format!("{row}y")).unwrap_err();
    assert_eq!(error.0, "makes a text of 4097 bytes; 4096 at the most");
}

#[test]
fn what_fails_on_a_member_who_is_blank_is_no_mistake_of_the_rule() {
    assert!(Condition::parse("member.tags[0] == 'x'").is_ok());
    assert!(Text::parse("{{ member.tags[0] }}").is_ok());
    assert!(Condition::parse("range(3)|length == 3 and dict(a=1).a == 1").is_ok());
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let place = |source: &str| Condition::parse(source).unwrap_err();
    assert_eq!(place("1 == member.nmae").offset, Some(5));
    let error = place("1 == membr.name");
    assert_eq!(
        (error.offset, error.message.as_str()),
        (Some(5), "unknown name `membr`, did you mean `member`?")
    );
    let error = place("x.name == 1");
    assert_eq!(error.message, "unknown name `x`; known are member, source");
    assert!(
        place("source.nothing == 1")
            .message
            .contains("known are name, connector")
    );
    let error = place("member.name|uper");
    assert_eq!(error.offset, Some(12));
    assert!(error.message.contains("uper"), "{}", error.message);
    for unknown in ["member.name is no_such_test", "member.name.no_such()"] {
        assert!(Condition::parse(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn what_cannot_be_evaluated_says_why() {
    let condition = Condition::parse("member.position / 2 > 1").unwrap();
    let language = Language::new();
    let error = language.condition(&condition).unwrap().holds(&facts());
    let error = error.unwrap_err().0;
    assert!(error.starts_with("invalid operation: "), "{error}");
    assert_eq!(condition.source(), "member.position / 2 > 1");
}
