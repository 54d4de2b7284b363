//! Members who should have a sub-user and have none: creation, adoption, names that are taken.

use camsync_core::change::AdoptedBy;
use camsync_core::desired::Verdict;
use camsync_core::evidence::Evidence;
use camsync_core::plan::Note;
use camsync_core::problem::{Holder, NameFault, Problem};
use camsync_core::rules::{Adopt, OnConflict};
use camsync_core::sub_user::{AccountKind, ObservedUser, SubUser};

use crate::world::{ACME, World, account, group, policies, policy, wanted};

/// Bob is admitted and has no sub-user.
fn newcomer() -> World {
    let mut world = World::empty();
    world.admit("bob");
    world
}

/// The same, with a free hand in the name.
fn suffixed() -> World {
    let mut world = newcomer();
    world.admission("bob").conflict = OnConflict::Suffix;
    world
}

fn created(name: &str) -> String {
    format!(
        "create_user {name}: admitted by the rule in line 10 \
         | becomes remark 'the rule's', on | rule says on"
    )
}

/// The creation of Bob's sub-user that an earlier plan wanted, under this name.
fn wanted_row(username: &str) -> SubUser {
    let mut row = SubUser::wanted(ACME, "bob", username, "mark9".into());
    row.id = 9;
    row
}

fn taken(username: &str, by: Holder) -> [Problem; 1] {
    let username = username.to_owned();
    [Problem::NameTaken { username, by }]
}

fn by_account(name: &str, uin: u64) -> Holder {
    let name = name.to_owned();
    Holder::Account { name, uin }
}

/// Imported from WeCom in the console, for this member.
fn imported(uin: u64, name: &str, id: &str) -> ObservedUser {
    ObservedUser {
        kind: AccountKind::WecomSubUser,
        wecom_user_id: Some(id.into()),
        console_login: Some(true),
        remark: Some("imported".into()),
        ..account(uin, name)
    }
}

/// Bob may take over the account of his name, which is there.
fn namesake() -> World {
    let mut world = newcomer();
    world.admission("bob").adopt = Adopt::Name;
    world.users.push(account(900, "bob"));
    world.grants.candidates.insert(900, None);
    world
}

const TAKEN_OVER: &str = "update_user bob: adopted by its name, as the rule in line 10 allows \
     | on adopt | was  | becomes remark 'the rule's' | rule says on | takes over 900 off";

#[test]
fn a_newcomer_gets_a_sub_user_as_the_rule_says() {
    let mut world = newcomer();
    assert_eq!(world.changes(), [created("bob")]);
    let admission = world.admission("bob");
    admission.console_login = false;
    admission.phone = Some("+86 1".into());
    admission.email = Some("bob@acme".into());
    assert_eq!(
        world.changes(),
        ["create_user bob: admitted by the rule in line 10 \
             | becomes remark 'the rule's', off, phone '+86 1', email 'bob@acme' | rule says off"]
    );
}

#[test]
fn a_creation_that_an_earlier_plan_wanted_is_the_same_one() {
    let mut world = newcomer();
    assert_eq!(world.draft().changes[0].sub_user, None);
    world.sub_users.push(wanted_row("bob"));
    let draft = world.draft();
    assert_eq!(draft.changes.len(), 1);
    assert_eq!(draft.changes[0].sub_user, Some(9));
    assert_eq!(draft.notes, []);
}

#[test]
fn a_creation_that_nothing_calls_for_any_more_is_forgotten() {
    let unwanted = [Note::Unwanted { sub_user: 9 }];
    let mut world = World::empty();
    world.sub_users.push(wanted_row("bob"));
    assert_eq!(world.draft().notes, unwanted);
    world.admit("bob");
    world.judge("bob", Verdict::Unmatched, None);
    assert_eq!(world.draft().notes, unwanted);
}

#[test]
fn a_creation_under_way_is_left_alone() {
    let mut world = newcomer();
    world.sub_users.push(wanted_row("bob"));
    world.sub_users[0].busy = true;
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty());
}

#[test]
fn who_gets_none_is_told_why_where_a_person_can_help() {
    let mut world = newcomer();
    world.judge("bob", Verdict::AwaitingApplication { rule: 3 }, None);
    let waits = Problem::AwaitingApplication { rule: 3 };
    assert_eq!(world.problems("bob"), [waits]);
    let error = "no".to_owned();
    let failed = Verdict::Failed {
        rule: 4,
        error: error.clone(),
    };
    world.judge("bob", failed, None);
    let failed = Problem::RuleFailed { rule: 4, error };
    assert_eq!(world.problems("bob"), [failed]);
    for verdict in [Verdict::Unmatched, Verdict::Disabled, Verdict::Left] {
        world.judge("bob", verdict, None);
        let draft = world.draft();
        assert!(draft.changes.is_empty() && draft.problems.is_empty());
    }
}

#[test]
fn first_grants_follow_the_creation() {
    let mut world = newcomer();
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.grants.policies = policies(&[policy(3, "Read")]);
    let entitlement = world.entitlement("bob");
    entitlement.groups.push(wanted("rd"));
    entitlement.policies.push(wanted("Read"));
    assert_eq!(
        world.changes(),
        [
            created("bob"),
            "add_to_group bob [group rd 7]: granted by the rule in line 20".to_owned(),
            "attach_policy bob [policy Read 3]: granted by the rule in line 20".to_owned(),
        ]
    );
}

#[test]
fn first_grants_wait_until_they_can_be_read_and_the_creation_does_not() {
    let mut world = newcomer();
    world.grants.unreadable = Some("ListGroups".into());
    assert!(world.problems("bob").is_empty(), "nothing is called for");
    world.entitlement("bob").groups.push(wanted("rd"));
    assert_eq!(world.changes(), [created("bob")]);
    let action = "ListGroups".to_owned();
    assert_eq!(world.problems("bob"), [Problem::Unreadable { action }]);
}

#[test]
fn a_name_that_an_account_has_is_not_taken_from_it_by_case_either() {
    let mut world = newcomer();
    world.users.push(account(900, "BOB"));
    assert!(world.changes().is_empty());
    assert_eq!(world.problems("bob"), taken("bob", by_account("BOB", 900)));
}

#[test]
fn a_name_that_another_member_s_sub_user_has_is_told_with_the_member() {
    let mut world = World::with(&["ann"]);
    world.admit("bob");
    world.admission("bob").username = "Ann".into();
    let (member, source) = ("ann".to_owned(), ACME.to_owned());
    assert_eq!(
        world.problems("bob"),
        taken("Ann", Holder::Member { member, source })
    );
}

#[test]
fn a_name_that_a_creation_under_way_has_is_taken() {
    let mut world = newcomer();
    let mut row = SubUser::wanted("beta", "b2", "bob", "mark9".into());
    row.busy = true;
    world.sub_users.push(row);
    let (member, source) = ("b2".to_owned(), "beta".to_owned());
    assert_eq!(
        world.problems("bob"),
        taken("bob", Holder::Member { member, source })
    );
}

#[test]
fn the_name_of_a_creation_that_has_not_begun_is_free() {
    let mut world = newcomer();
    let row = SubUser::wanted("beta", "b2", "bob", "mark9".into());
    world.sub_users.push(row);
    assert_eq!(world.changes(), [created("bob")]);
}

#[test]
fn nobody_gets_a_name_that_several_would_share() {
    let mut world = newcomer();
    world.admit("bo").verdict = world.facts("bob").verdict.clone();
    world.admit_at("beta", "b2");
    world.admission("b2").username = "BOB".into();
    assert!(world.changes().is_empty());
    let shared = |with: &[&str]| {
        [Problem::NameShared {
            username: "bob".into(),
            with: with.iter().map(|w| (*w).to_owned()).collect(),
        }]
    };
    assert_eq!(world.problems("bob"), shared(&["bo", "beta/b2"]));
    assert_eq!(world.problems("bo"), shared(&["bob", "beta/b2"]));
}

#[test]
fn a_creation_that_was_wanted_is_forgotten_when_its_name_is_taken() {
    let mut world = newcomer();
    world.sub_users.push(wanted_row("bob"));
    world.users.push(account(900, "bob"));
    assert_eq!(world.draft().notes, [Note::Unwanted { sub_user: 9 }]);
}

#[test]
fn a_suffix_makes_a_taken_name_free() {
    let mut world = suffixed();
    world.users.push(account(900, "bob"));
    assert_eq!(world.changes(), [created("bob-2")]);
    world.users.push(account(901, "Bob-2"));
    assert_eq!(world.changes(), [created("bob-3")]);
}

#[test]
fn of_several_the_first_gets_the_plain_name_and_the_others_suffixes() {
    let mut world = suffixed();
    world.admit("bo").verdict = world.facts("bob").verdict.clone();
    world.admit("b").verdict = world.facts("bob").verdict.clone();
    assert_eq!(
        world.changes(),
        [created("bob"), created("bob-2"), created("bob-3")]
    );
    let whose = world.draft().changes.into_iter().map(|c| c.member);
    assert_eq!(whose.collect::<Vec<_>>(), ["b", "bo", "bob"]);
}

#[test]
fn a_suffixed_name_that_somebody_else_wants_plainly_is_left_to_them() {
    let mut world = suffixed();
    world.users.push(account(900, "bob"));
    world.admit("zoe");
    world.admission("zoe").username = "bob-2".into();
    assert_eq!(world.changes(), [created("bob-2"), created("bob-3")]);
    let whose = world.draft().changes.into_iter().map(|c| c.member);
    assert_eq!(whose.collect::<Vec<_>>(), ["zoe", "bob"]);
}

#[test]
fn the_name_that_an_earlier_plan_settled_on_stays() {
    let mut world = suffixed();
    world.users.push(account(900, "bob"));
    world.sub_users.push(wanted_row("bob-7"));
    assert_eq!(world.changes(), [created("bob-7")]);
    world.users.push(account(901, "bob-7"));
    assert_eq!(world.changes(), [created("bob-2")], "unless it is taken");
}

#[test]
fn two_earlier_wishes_for_one_name_are_told_apart() {
    let mut world = suffixed();
    world.users.push(account(900, "bob"));
    world.sub_users.push(wanted_row("bob-7"));
    world.admit("bo").verdict = world.facts("bob").verdict.clone();
    let mut other = SubUser::wanted(ACME, "bo", "bob-7", "mark8".into());
    other.id = 8;
    world.sub_users.push(other);
    assert_eq!(world.changes(), [created("bob-2"), created("bob-7")]);
}

#[test]
fn a_suffix_never_makes_a_name_longer_than_a_service_takes() {
    let plan = |length: usize| {
        let mut world = suffixed();
        let name = "b".repeat(length);
        world.admission("bob").username = name.clone();
        world.users.push(account(900, &name));
        (world.changes(), world.problems("bob"), name)
    };
    let (changes, _, name) = plan(62);
    assert_eq!(changes, [created(&format!("{name}-2"))]);
    let (changes, problems, name) = plan(63);
    assert!(changes.is_empty());
    assert_eq!(problems, taken(&name, by_account(&name, 900)));
}

#[test]
fn a_name_that_no_service_takes_is_told() {
    let told = |username: &str| {
        let mut world = newcomer();
        world.admission("bob").username = username.into();
        (world.problems("bob"), world.changes().len())
    };
    let illegal = |username: &str, why| {
        let username = username.to_owned();
        (vec![Problem::NameIllegal { username, why }], 0)
    };
    assert_eq!(told(""), illegal("", NameFault::Empty));
    for blank in [" bob", "bob ", "b\u{7}b"] {
        assert_eq!(told(blank), illegal(blank, NameFault::Blanks));
    }
    let long = "b".repeat(65);
    assert_eq!(told(&long), illegal(&long, NameFault::TooLong));
    assert_eq!(told(&"b".repeat(64)), (Vec::new(), 1));
}

#[test]
fn the_account_imported_for_a_member_is_taken_over_as_it_is() {
    let mut world = newcomer();
    world.users.push(imported(900, "b.o.b", "BOB"));
    assert_eq!(
        world.changes(),
        [created("bob")],
        "only where a rule says so"
    );
    world.admission("bob").adopt = Adopt::Wecom;
    assert_eq!(
        world.changes(),
        [
            "update_user b.o.b: adopted by its WeCom id, as the rule in line 10 allows \
             | was remark 'imported' | becomes remark 'the rule's' \
             | rule says on | takes over 900 on"
        ]
    );
    let by = world.draft().changes[0].adoption.clone().unwrap().by;
    assert_eq!(by, AdoptedBy::WecomId);
}

#[test]
fn no_account_is_taken_over_that_is_not_the_member_s_or_not_free() {
    let plan = |account: ObservedUser| {
        let mut world = newcomer();
        world.admission("bob").adopt = Adopt::Wecom;
        world.users.push(account);
        world.changes()
    };
    let mut plain = imported(900, "b.o.b", "bob");
    plain.kind = AccountKind::SubUser;
    assert_eq!(plan(plain), [created("bob")]);
    let mut untouchable = imported(900, "b.o.b", "bob");
    untouchable.off_limits = true;
    assert_eq!(plan(untouchable), [created("bob")]);
    assert_eq!(plan(imported(900, "b.o.b", "bo")), [created("bob")]);
    let mut world = World::with(&["ann"]);
    world.admit("bob");
    world.admission("bob").adopt = Adopt::Wecom;
    *world.seen("ann") = imported(101, "ann", "bob");
    world.seen("ann").remark = Some("the rule's [camsync:mark1]".into());
    assert_eq!(world.changes(), [created("bob")], "it is managed already");
}

#[test]
fn of_two_accounts_imported_for_one_member_none_is_taken_over() {
    let mut world = newcomer();
    world.admission("bob").adopt = Adopt::Wecom;
    world.users.push(imported(900, "b1", "bob"));
    world.users.push(imported(901, "b2", "bob"));
    assert!(world.changes().is_empty());
    let usernames = vec!["b1".to_owned(), "b2".to_owned()];
    let several = Problem::AdoptionAmbiguous { usernames };
    assert_eq!(world.problems("bob"), [several]);
}

#[test]
fn one_account_is_not_taken_over_by_two_sources() {
    let mut world = newcomer();
    world.admission("bob").adopt = Adopt::Wecom;
    world.admit_at("beta", "BOB").verdict = world.facts("bob").verdict.clone();
    world.users.push(imported(900, "b.o.b", "bob"));
    let draft = world.draft();
    assert_eq!(draft.changes.len(), 1, "{:?}", crate::world::lines(&draft));
    assert_eq!(draft.changes[0].source, ACME);
}

#[test]
fn the_account_of_a_member_s_name_is_taken_over_once_a_person_agrees() {
    let mut world = namesake();
    let draft = world.draft();
    assert_eq!(crate::world::lines(&draft), [TAKEN_OVER]);
    assert_eq!(draft.changes[0].evidence, Some(Evidence::Adopt));
    world.entitlement("bob").groups.push(wanted("rd"));
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    assert_eq!(
        world.changes(),
        [TAKEN_OVER],
        "it is read before it is given"
    );
}

#[test]
fn an_account_of_the_name_by_case_alone_of_another_kind_or_wanted_by_two_is_not_taken_over() {
    let mut world = namesake();
    world.seen("bob").name = "Bob".into();
    assert_eq!(world.problems("bob"), taken("bob", by_account("Bob", 900)));
    let mut world = namesake();
    world.seen("bob").kind = AccountKind::Other;
    assert_eq!(world.problems("bob"), taken("bob", by_account("bob", 900)));
    let mut world = namesake();
    world.seen("bob").off_limits = true;
    assert_eq!(world.problems("bob"), taken("bob", by_account("bob", 900)));
    let mut world = namesake();
    world.admit("bo").verdict = world.facts("bob").verdict.clone();
    assert!(world.changes().is_empty());
    let mut world = namesake();
    world.admission("bob").adopt = Adopt::Wecom;
    assert_eq!(world.problems("bob"), taken("bob", by_account("bob", 900)));
}

#[test]
fn an_account_that_administers_is_taken_over_only_where_its_policy_is_named() {
    let mut world = namesake();
    world.grants.candidates = [(900, Some("Admin".to_owned()))].into();
    assert!(world.changes().is_empty());
    let problem = Problem::AdoptionAdministers {
        username: "bob".into(),
        policy: "Admin".into(),
    };
    assert_eq!(world.problems("bob"), [problem]);
    world.entitlement("bob").policies.push(wanted("Admin"));
    assert_eq!(world.changes(), [TAKEN_OVER]);
}

#[test]
fn an_account_of_whose_rights_nothing_was_read_is_not_taken_over() {
    let mut world = namesake();
    world.grants.candidates.clear();
    assert!(world.changes().is_empty());
    assert_eq!(world.problems("bob"), []);
    let mut world = namesake();
    world.grants.unreadable = Some("ListGroups".into());
    assert!(world.changes().is_empty());
    let action = "ListGroups".to_owned();
    assert_eq!(world.problems("bob"), [Problem::Unreadable { action }]);
}
