#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use super::*;
use crate::expression::{Condition, Text};
use crate::model::Department;

fn condition(when: &str) -> Option<Condition> {
    (!when.is_empty()).then(|| Condition::parse(when).unwrap())
}

fn admit(line: u32, when: &str, enroll: Enroll) -> AdmitRule {
    AdmitRule {
        line,
        when: condition(when),
        enroll,
        username: Text::parse("{{ member.username }}").unwrap(),
        remark: Text::parse("{{ member.name }} of {{ member.department_path[0] }}").unwrap(),
        console_login: true,
        adopt: Adopt::Wecom,
        conflict: OnConflict::Suffix,
        approve_when: None,
        invited: false,
        contact: false,
    }
}

fn grant(line: u32, when: &str) -> GrantRule {
    GrantRule {
        line,
        when: condition(when),
        groups: Vec::new(),
        policies: Vec::new(),
        like: None,
        exclusive: false,
    }
}

fn groups(line: u32, when: &str, names: &[&str]) -> GrantRule {
    GrantRule {
        groups: names.iter().map(|n| Text::parse(n).unwrap()).collect(),
        ..grant(line, when)
    }
}

fn ann() -> Member {
    Member {
        id: "Ann".into(),
        username: "ann".into(),
        name: "安".into(),
        position: "SRE".into(),
        phone: "+86 1".into(),
        departments: vec!["1".into()],
        ..crate::facts::blank_member()
    }
}

/// What the rules say of one member.
#[derive(Default)]
struct Case {
    admit: Vec<AdmitRule>,
    grant: Vec<GrantRule>,
    approved: bool,
    /// The facts with which a rule last admitted her, of whoever has a managed sub-user.
    had: Option<Option<Member>>,
}

impl Case {
    /// Everyone is admitted, and these rules grant.
    fn granting(grant: Vec<GrantRule>) -> Self {
        Self {
            admit: vec![admit(5, "", Enroll::Import)],
            grant,
            ..Self::default()
        }
    }

    fn of(&self, member: Member) -> Desired {
        let departments = Arc::new(Departments::new(vec![Department {
            id: "1".into(),
            parent: None,
            name: "Acme".into(),
        }]));
        let key = member.key();
        let approved: HashSet<String> = self.approved.then(|| key.clone()).into_iter().collect();
        let had = self.had.clone().map(|last| (key, last.map(Arc::new)));
        let rules = Rules {
            admit: self.admit.clone(),
            grant: self.grant.clone(),
        };
        let input = DesiredInput {
            source: "acme",
            connector: "wecom",
            members: &[Arc::new(member)],
            departments: &departments,
            approved: &approved,
            admitted: &had.into_iter().collect::<HashMap<_, _>>(),
        };
        desired(&rules, &input).unwrap().pop().unwrap()
    }

    fn verdict(&self) -> Verdict {
        self.of(ann()).verdict
    }
}

fn rule_of(verdict: &Verdict) -> Option<u32> {
    match verdict {
        Verdict::Admitted(admission) => Some(admission.rule),
        _ => None,
    }
}

fn called(name: &str, rule: u32, literal: bool) -> Wanted {
    Wanted {
        name: name.into(),
        rule,
        literal,
    }
}

#[test]
fn a_member_is_admitted_as_the_rule_says() {
    let case = Case {
        admit: vec![admit(5, "", Enroll::Import)],
        ..Case::default()
    };
    let found = case.of(ann());
    assert_eq!(found.key, "ann");
    assert_eq!(found.evidence, None);
    let admission = Admission {
        rule: 5,
        username: "ann".into(),
        remark: "安 of Acme".into(),
        console_login: true,
        adopt: Adopt::Wecom,
        conflict: OnConflict::Suffix,
        phone: None,
        email: None,
    };
    assert_eq!(found.verdict, Verdict::Admitted(admission));
    assert_eq!(found.entitlement, Entitlement::default());
}

#[test]
fn contacts_are_handed_on_where_a_rule_says_so_and_there_are_some() {
    let mut rule = admit(5, "", Enroll::Import);
    rule.contact = true;
    let case = Case {
        admit: vec![rule],
        ..Case::default()
    };
    let Verdict::Admitted(admission) = case.verdict() else {
        panic!("everyone is admitted");
    };
    assert_eq!(admission.phone.as_deref(), Some("+86 1"));
    assert_eq!(admission.email, None);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let case = |rules: Vec<AdmitRule>| Case {
        admit: rules,
        ..Case::default()
    };
    let sales = admit(3, "member.position == 'sales'", Enroll::Exclude);
    let sre = admit(4, "member.position == 'SRE'", Enroll::Import);
    let all = admit(5, "", Enroll::Exclude);
    let verdict = case(vec![sales.clone(), sre.clone(), all.clone()]).verdict();
    assert_eq!(rule_of(&verdict), Some(4));
    let verdict = case(vec![sales.clone(), all, sre]).verdict();
    assert_eq!(verdict, Verdict::Excluded { rule: 5 });
    assert_eq!(case(vec![sales]).verdict(), Verdict::Unmatched);
}

#[test]
fn a_verdict_names_the_rule_that_decided() {
    let admitted = Case {
        admit: vec![admit(5, "", Enroll::Import)],
        ..Case::default()
    };
    assert_eq!(admitted.verdict().rule(), Some(5));
    assert_eq!(Verdict::Excluded { rule: 6 }.rule(), Some(6));
    assert_eq!(Verdict::AwaitingApplication { rule: 7 }.rule(), Some(7));
    let error = String::new();
    assert_eq!(Verdict::Failed { rule: 8, error }.rule(), Some(8));
    for verdict in [Verdict::Unmatched, Verdict::Disabled, Verdict::Left] {
        assert_eq!(verdict.rule(), None);
    }
}

#[test]
fn who_never_joined_is_admitted_only_where_a_rule_says_so() {
    let invited = || Member {
        status: MemberStatus::Invited,
        ..ann()
    };
    let mut case = Case {
        admit: vec![admit(3, "", Enroll::Import), admit(4, "", Enroll::Apply)],
        ..Case::default()
    };
    assert_eq!(case.of(invited()).verdict, Verdict::Unmatched);
    case.admit[1].invited = true;
    assert_eq!(
        case.of(invited()).verdict,
        Verdict::AwaitingApplication { rule: 4 }
    );
    case.admit[0].invited = true;
    assert_eq!(rule_of(&case.of(invited()).verdict), Some(3));
    case.admit[0].enroll = Enroll::Exclude;
    case.admit[0].invited = false;
    assert_eq!(
        case.of(invited()).verdict,
        Verdict::Excluded { rule: 3 },
        "a rule excludes without that"
    );
}

#[test]
fn whoever_has_to_apply_waits_until_that_is_approved_or_has_a_sub_user() {
    let mut case = Case {
        admit: vec![admit(5, "", Enroll::Apply)],
        ..Case::default()
    };
    assert_eq!(case.verdict(), Verdict::AwaitingApplication { rule: 5 });
    case.approved = true;
    assert_eq!(rule_of(&case.verdict()), Some(5));
    case.approved = false;
    case.had = Some(None);
    assert_eq!(rule_of(&case.verdict()), Some(5));
}

#[test]
fn what_the_provider_says_comes_before_any_rule() {
    let mut case = Case {
        admit: vec![admit(5, "", Enroll::Import)],
        ..Case::default()
    };
    let found = |case: &Case, status| {
        let found = case.of(Member { status, ..ann() });
        (found.verdict, found.evidence)
    };
    let disabled = found(&case, MemberStatus::Disabled);
    assert_eq!(disabled, (Verdict::Disabled, None));
    case.had = Some(Some(ann()));
    let said = Some(Evidence::Said);
    let disabled = found(&case, MemberStatus::Disabled);
    assert_eq!(disabled, (Verdict::Disabled, said));
    let left = found(&case, MemberStatus::Left);
    assert_eq!(left, (Verdict::Left, said));
}

#[test]
fn a_rule_edit_is_told_from_changed_facts() {
    let had = |position: &str| {
        let last = Member {
            position: position.into(),
            ..ann()
        };
        Some(Some(last))
    };
    let mut case = Case {
        admit: vec![admit(5, "member.position == 'sales'", Enroll::Import)],
        had: had("sales"),
        ..Case::default()
    };
    assert_eq!(case.of(ann()).evidence, Some(Evidence::Unmatched));
    case.had = had("SRE");
    assert_eq!(case.of(ann()).evidence, Some(Evidence::Excluded));
    case.had = Some(None);
    assert_eq!(
        case.of(ann()).evidence,
        Some(Evidence::Excluded),
        "where no facts are known, it is the rules'"
    );
    case.had = None;
    assert_eq!(case.of(ann()).evidence, None, "nothing to take");
    case.had = had("sales");
    case.admit[0].enroll = Enroll::Apply;
    assert_eq!(
        case.of(ann()).evidence,
        Some(Evidence::Unmatched),
        "whoever had a sub-user counted as approved"
    );
}

#[test]
fn a_rule_that_fails_on_a_member_decides_nothing() {
    let mut rules = vec![
        admit(3, "member.position / 2 > 1", Enroll::Exclude),
        admit(5, "", Enroll::Import),
    ];
    let case = |admit| Case {
        admit,
        had: Some(Some(ann())),
        ..Case::default()
    };
    let found = case(rules.clone()).of(ann());
    assert!(matches!(found.verdict, Verdict::Failed { rule: 3, .. }));
    assert_eq!(found.evidence, None);
    rules.remove(0);
    rules[0].username = Text::parse("{{ member.tags[0] }}").unwrap();
    let found = case(rules).of(ann());
    assert!(matches!(found.verdict, Verdict::Failed { rule: 5, .. }));
}

#[test]
fn all_grant_rules_that_match_add_up() {
    let mut all = groups(20, "", &["rd", "wecom-{{ member.position }}"]);
    all.policies = vec!["Write".into(), "Read".into()];
    let mut sre = groups(21, "member.position == 'SRE'", &["ops"]);
    sre.like = Some("zoe".into());
    let none = groups(22, "member.position == 'sales'", &["sales"]);
    let found = Case::granting(vec![all, sre, none]).of(ann()).entitlement;
    let wanted = Entitlement {
        groups: vec![
            called("ops", 21, true),
            called("rd", 20, true),
            called("wecom-SRE", 20, false),
        ],
        policies: vec![called("Read", 20, true), called("Write", 20, true)],
        like: vec![called("zoe", 21, true)],
        exclusive: None,
    };
    assert_eq!(found, wanted);
}

#[test]
fn of_two_rules_for_one_group_the_literal_one_counts_and_then_the_first() {
    let of = |rules| Case::granting(rules).of(ann()).entitlement.groups;
    let made = |line| groups(line, "", &["{{ member.position }}"]);
    let literal = |line| groups(line, "", &["SRE"]);
    assert_eq!(of(vec![made(20), literal(21)]), [called("SRE", 21, true)]);
    assert_eq!(of(vec![made(20), made(21)]), [called("SRE", 20, false)]);
    assert_eq!(
        of(vec![literal(20), literal(21)]),
        [called("SRE", 20, true)]
    );
}

#[test]
fn a_group_name_that_comes_out_empty_calls_for_nothing() {
    let rule = groups(20, "", &["{{ member.alias }}"]);
    let found = Case::granting(vec![rule]).of(ann()).entitlement;
    assert_eq!(found, Entitlement::default());
}

#[test]
fn the_first_rule_that_alone_gives_is_named() {
    let exclusive = |line, when| GrantRule {
        exclusive: true,
        ..grant(line, when)
    };
    let of = |rules| Case::granting(rules).of(ann()).entitlement.exclusive;
    assert_eq!(of(vec![grant(20, "")]), None);
    let rules = vec![grant(20, ""), exclusive(21, ""), exclusive(22, "")];
    assert_eq!(of(rules), Some(21));
    assert_eq!(of(vec![exclusive(20, "member.position == ''")]), None);
}

#[test]
fn a_grant_rule_that_fails_on_a_member_decides_nothing() {
    let broken = [
        groups(20, "member.position / 2 > 1", &["rd"]),
        groups(20, "", &["{{ member.tags[0] }}"]),
    ];
    for rule in broken {
        let found = Case::granting(vec![rule]).of(ann());
        assert!(matches!(found.verdict, Verdict::Failed { rule: 5, .. }));
    }
}

#[test]
fn nobody_is_granted_anything_whom_no_rule_admits() {
    let mut case = Case::granting(vec![groups(20, "", &["rd"])]);
    case.admit.clear();
    assert_eq!(case.of(ann()).entitlement, Entitlement::default());
}

#[test]
fn what_former_facts_would_call_for_is_known_where_they_were_others() {
    let rule = || groups(20, "", &["{{ member.position }}"]);
    let mut case = Case::granting(vec![rule()]);
    let former = |case: &Case| case.of(ann()).with_former_facts.map(|f| f.groups);
    assert_eq!(former(&case), None);
    case.had = Some(Some(ann()));
    assert_eq!(former(&case), None, "they are the same");
    let sales = Member {
        position: "sales".into(),
        ..ann()
    };
    case.had = Some(Some(sales));
    assert_eq!(former(&case), Some(vec![called("sales", 20, false)]));
    case.grant = vec![groups(20, "'x' in member.attributes.x", &["rd"])];
    assert_eq!(former(&case), Some(Vec::new()));
    case.grant.clear();
    assert_eq!(former(&case), None, "no rule grants");
}

#[test]
fn former_facts_on_which_a_rule_fails_say_nothing() {
    let mut case = Case::granting(vec![groups(20, "", &["{{ member.departments[0] }}"])]);
    let nowhere = Member {
        departments: Vec::new(),
        ..ann()
    };
    case.had = Some(Some(nowhere));
    let found = case.of(ann());
    assert_eq!(found.entitlement.groups, [called("1", 20, false)]);
    assert_eq!(found.with_former_facts, None);
}

#[test]
fn each_member_is_judged_and_in_their_order() {
    let departments = Arc::new(Departments::default());
    let members: Vec<Arc<Member>> = ["b", "a"]
        .map(|id| Member {
            id: id.into(),
            username: id.into(),
            attributes: BTreeMap::new(),
            ..ann()
        })
        .map(Arc::new)
        .into();
    let input = DesiredInput {
        source: "acme",
        connector: "wecom",
        members: &members,
        departments: &departments,
        approved: &HashSet::new(),
        admitted: &HashMap::new(),
    };
    let found = desired(&Rules::default(), &input).unwrap();
    let keys: Vec<&str> = found.iter().map(|d| d.key.as_str()).collect();
    assert_eq!(keys, ["b", "a"]);
}
