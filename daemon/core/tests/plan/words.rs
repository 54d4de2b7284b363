//! Words of the ledger and of JSON are read back, and what is said to a person says what is the case.

use camsync_core::change::{AdoptedBy, Hold, Reason, UserState};
use camsync_core::evidence::{Absence, Evidence, Witness, judge_absence};
use camsync_core::grants::same_document;
use camsync_core::grounds::Grounds;
use camsync_core::model::{MemberStatus, fold};
use camsync_core::object::{Object, ObjectKind};
use camsync_core::problem::{Holder, NameFault, Problem};
use camsync_core::sub_user::{AccountKind, Observed, ObservedUser, Stage};

use crate::world::{account, group, now};

#[test]
fn words_for_evidence_are_read_back() {
    let words = Evidence::ALL.map(Evidence::as_str);
    let wanted = [
        "said",
        "excluded",
        "unmatched",
        "regrouped",
        "absent",
        "hidden",
        "returned",
        "expired",
        "asked",
        "adopt",
    ];
    assert_eq!(words, wanted);
    assert_eq!(words.map(Evidence::parse), Evidence::ALL.map(Some));
    assert_eq!(Evidence::parse("nothing"), None);
}

#[test]
fn words_for_stages_objects_and_statuses_are_read_back() {
    for (stage, word) in [
        (Stage::Wanted, "wanted"),
        (Stage::Managed, "managed"),
        (Stage::Deleted, "deleted"),
        (Stage::Released, "released"),
        (Stage::Abandoned, "abandoned"),
    ] {
        assert_eq!((stage.as_str(), Stage::parse(word)), (word, Some(stage)));
    }
    assert_eq!(Stage::parse("lost"), None);
    for (kind, word) in [
        (ObjectKind::Group, "group"),
        (ObjectKind::Policy, "policy"),
        (ObjectKind::Key, "key"),
    ] {
        assert_eq!((kind.as_str(), ObjectKind::parse(word)), (word, Some(kind)));
    }
    assert_eq!(ObjectKind::parse("role"), None);
    let statuses = [
        MemberStatus::Active,
        MemberStatus::Disabled,
        MemberStatus::Invited,
        MemberStatus::Left,
    ];
    let words = ["active", "disabled", "invited", "left"];
    assert_eq!(statuses.map(MemberStatus::as_str), words);
}

#[test]
fn what_the_provider_may_not_show_is_hidden_whatever_the_range() {
    let witness = Witness::OutOfSight("no right".into());
    let absence = judge_absence(&[], &[].into(), &witness);
    assert_eq!(absence, Absence::Hidden(vec!["no right".into()]));
}

#[test]
fn half_an_hour_lies_between_two_crawls_that_count_for_an_absence() {
    let absence = |crawls, seconds| {
        let witness = Witness::Crawls { crawls, seconds };
        judge_absence(&[], &[].into(), &witness)
    };
    assert_eq!(absence(2, 1800), Absence::Absent);
    assert_eq!(absence(2, 1799), Absence::Unsettled);
    assert_eq!(absence(1, 1800), Absence::Unsettled);
}

#[test]
fn accounts_are_found_by_uin_and_by_name_without_regard_to_case() {
    let root = ObservedUser {
        kind: AccountKind::Other,
        ..account(5, "root")
    };
    let observed = Observed::new(vec![account(9, "Ann"), account(7, "ann"), root]);
    assert_eq!(observed.by_uin(9).unwrap().name, "Ann");
    assert_eq!(observed.by_uin(8), None);
    assert_eq!(observed.by_folded_name("ann").unwrap().uin, 7);
    assert_eq!(observed.by_folded_name("bob"), None);
    assert_eq!(observed.sub_user_count(), 2);
    let uins: Vec<u64> = observed.users().iter().map(|u| u.uin).collect();
    assert_eq!(uins, [5, 7, 9]);
    assert_eq!(fold("ANN"), "ann");
}

#[test]
fn a_group_is_found_by_its_name_and_else_by_one_that_folds_to_it() {
    let mut world = crate::world::World::empty();
    let all = vec![group(7, "RD", &[]), group(8, "rd", &[])];
    world.grants.set_groups(all);
    let named = |name: &str| world.grants.group_named(name).map(|g| g.id);
    assert_eq!(named("RD"), Some(7));
    assert_eq!(named("rd"), Some(8));
    assert_eq!(named("Rd"), Some(7));
    assert_eq!(named("ops"), None);
    assert_eq!(world.grants.groups().count(), 2);
}

#[test]
fn two_documents_say_the_same_however_they_are_spaced() {
    assert!(same_document(
        r#"{"a":1,"b":[2]}"#,
        r#"{ "b": [2], "a": 1 }"#
    ));
    assert!(!same_document(r#"{"a":1}"#, r#"{"a":2}"#));
    assert!(!same_document("no", "no"), "what is none says nothing");
}

#[test]
fn what_is_kept_of_a_change_without_the_person_says_only_what_it_was_about() {
    let state = UserState {
        remark: Some("Ann".into()),
        console_login: Some(true),
        phone: Some("+86 1".into()),
        email: None,
    };
    let wanted = UserState {
        remark: Some(String::new()),
        console_login: Some(true),
        phone: Some(String::new()),
        email: None,
    };
    assert_eq!(state.without_person(), wanted);
}

#[test]
fn a_reason_says_why() {
    let (since, rule) = (now(), 10);
    let by = AdoptedBy::WecomId;
    assert_eq!(
        Reason::Adopted { rule, by }.to_string(),
        "adopted by its WeCom id, as the rule in line 10 allows"
    );
    assert_eq!(
        Reason::Expired { since }.to_string(),
        "the grace is over: suspended since 2024-10-04T00:00:00+00:00"
    );
    let actor = "eve".to_owned();
    assert_eq!(Reason::Person { actor }.to_string(), "asked for by eve");
    let crawls = Grounds::Crawls {
        crawls: 2,
        seconds: 1800,
    };
    assert_eq!(
        crawls.to_string(),
        "missing from 2 complete crawls over 30 minutes"
    );
}

#[test]
fn a_change_that_waits_says_for_what() {
    let quota = |limit| Hold::Quota {
        quota: "groups".into(),
        limit,
        used: 3,
        wanted: 2,
    };
    assert_eq!(
        quota(Some(4)).to_string(),
        "the quota of groups is full: 3 used of 4, 2 more wanted"
    );
    assert_eq!(
        quota(None).to_string(),
        "the quota of groups is full: 3 used, 2 more wanted"
    );
    let what = "group rd".to_owned();
    assert_eq!(
        Hold::Prerequisite { what }.to_string(),
        "waits for the group rd, which does not exist yet"
    );
}

#[test]
fn a_problem_says_what_is_in_the_way() {
    let taken = |by| Problem::NameTaken {
        username: "ann".into(),
        by,
    };
    let (member, source) = ("bob".to_owned(), "beta".to_owned());
    let by_member = taken(Holder::Member { member, source }).to_string();
    assert!(
        by_member.contains("member bob of source beta"),
        "{by_member}"
    );
    let by_this_plan = taken(Holder::ThisPlan).to_string();
    assert!(
        by_this_plan.contains("another member in this plan"),
        "{by_this_plan}"
    );
    let illegal = Problem::NameIllegal {
        username: String::new(),
        why: NameFault::Empty,
    };
    assert!(illegal.to_string().contains("it is empty"), "{illegal}");
    let object = Object::group("rd", Some(7));
    let taken = Problem::GrantTaken { object }.to_string();
    assert!(taken.contains("the group rd was taken away"), "{taken}");
}
