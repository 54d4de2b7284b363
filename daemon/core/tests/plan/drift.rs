//! A member who is entitled: what somebody else altered, what a rule edit alters, what a read confirms.

use std::sync::Arc;

use camsync_core::evidence::Evidence;
use camsync_core::plan::Note;
use camsync_core::problem::{Holder, Problem};
use camsync_core::rules::LessAccess;
use camsync_core::sub_user::AccountKind;
use camsync_core::sub_user::ObservedUser;

use crate::world::{World, account, called, member, now, seconds_ago};

const SIGN_IN_BACK: &str = "resume_user ann: console sign-in was switched off by someone else \
     | was off | becomes on | rule says on";
const CREATED_AGAIN: &str = "create_user ann: the sub-user was deleted by someone else \
     | becomes remark 'the rule's', on | rule says on";

/// The rules let Ann have no sign-in, and she has none.
fn without_sign_in() -> World {
    let mut world = World::with(&["ann"]);
    world.admission("ann").console_login = false;
    (world.row("ann").login, world.row("ann").rule_login) = (false, false);
    world.seen("ann").console_login = Some(false);
    world
}

/// Somebody has switched Ann's sign-in off.
fn switched_off() -> World {
    let mut world = World::with(&["ann"]);
    world.seen("ann").console_login = Some(false);
    world
}

#[test]
fn sign_in_that_somebody_switched_on_goes_off() {
    let mut world = without_sign_in();
    world.seen("ann").console_login = Some(true);
    assert_eq!(
        world.changes(),
        [
            "update_user ann: console sign-in was switched on by someone else \
             | was on | becomes off | rule says off"
        ]
    );
}

#[test]
fn sign_in_that_somebody_switched_on_and_the_rule_calls_for_stays() {
    let mut world = World::with(&["ann"]);
    world.adopted("ann");
    world.row("ann").login = false;
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::SignsIn { sub_user: 1 }]);
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    assert!(world.draft().notes.is_empty(), "it may be lag");
    world.row("ann").unconfirmed_since = Some(seconds_ago(60));
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::SignsIn { sub_user: 1 }]);
}

#[test]
fn sign_in_that_somebody_switched_off_stays_off_and_is_told() {
    let world = switched_off();
    assert!(world.changes().is_empty());
    assert_eq!(world.problems("ann"), [Problem::SignInOff]);
}

#[test]
fn sign_in_that_somebody_switched_off_comes_back_where_that_is_repaired() {
    let mut world = switched_off();
    world.less_access = LessAccess::Repair;
    assert_eq!(world.changes(), [SIGN_IN_BACK]);
}

#[test]
fn sign_in_comes_back_when_a_person_asks_for_it() {
    let mut world = switched_off();
    world.row("ann").resume_requested = true;
    let draft = world.draft();
    assert_eq!(crate::world::lines(&draft), [SIGN_IN_BACK]);
    assert_eq!(draft.notes, [], "settled only once it is on");
}

#[test]
fn sign_in_that_camsync_found_off_comes_back_when_a_person_asks_for_it() {
    let mut world = switched_off();
    world.row("ann").login = false;
    assert!(world.changes().is_empty());
    world.row("ann").resume_requested = true;
    assert_eq!(world.changes(), [SIGN_IN_BACK]);
    world.seen("ann").console_login = None;
    assert_eq!(
        world.changes(),
        [SIGN_IN_BACK.replace("| was off ", "| was  ")],
        "also where CAM says nothing of it"
    );
}

#[test]
fn a_request_for_what_is_there_already_is_settled() {
    let settled = [Note::ResumeSettled { sub_user: 1 }];
    let mut world = World::with(&["ann"]);
    world.row("ann").resume_requested = true;
    assert_eq!(world.draft().notes, settled);
    let mut world = without_sign_in();
    world.row("ann").resume_requested = true;
    let draft = world.draft();
    assert_eq!(draft.notes, settled, "no rule gives sign-in");
    assert!(draft.changes.is_empty());
}

#[test]
fn a_rule_that_gives_sign_in_now_is_followed() {
    let mut world = without_sign_in();
    world.admission("ann").console_login = true;
    assert_eq!(
        world.changes(),
        ["update_user ann: follows the rule in line 10 | was off | becomes on | rule says on"]
    );
}

#[test]
fn a_rule_that_takes_sign_in_counts_like_a_removal() {
    let mut world = World::with(&["ann"]);
    world.admission("ann").console_login = false;
    assert_eq!(
        world.changes(),
        [
            "update_user ann: follows the rule in line 10 | on excluded \
             | was on | becomes off | rule says off"
        ]
    );
    world.seen("ann").console_login = Some(false);
    assert!(world.changes().is_empty(), "off already");
}

#[test]
fn the_protected_keep_the_sign_in_that_a_rule_takes_and_are_told() {
    let mut world = World::with(&["ann"]);
    world.admission("ann").console_login = false;
    world.row("ann").protected = true;
    let draft = world.draft();
    assert_eq!(draft.changes, []);
    let told = draft.problems.values().flatten().collect::<Vec<_>>();
    let evidence = Evidence::Excluded;
    assert_eq!(told, [&Problem::Protected { evidence }]);
}

#[test]
fn a_write_that_no_read_has_shown_within_a_minute_is_made_again() {
    let mut world = switched_off();
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.problems.is_empty() && draft.notes.is_empty());
    world.row("ann").unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(
        world.changes(),
        [
            "update_user ann: an earlier write has not shown its effect \
             | was off | becomes on | rule says on"
        ]
    );
}

#[test]
fn a_write_is_confirmed_once_a_read_shows_all_of_it() {
    let mut world = World::with(&["ann"]);
    world.row("ann").unconfirmed_since = Some(seconds_ago(5));
    assert_eq!(world.draft().notes, [Note::Confirmed { sub_user: 1 }]);
    world.seen("ann").remark = Some("another".into());
    assert_eq!(world.draft().notes, []);
    let mut world = switched_off();
    world.row("ann").unconfirmed_since = Some(seconds_ago(5));
    assert_eq!(world.draft().notes, []);
}

#[test]
fn a_remark_that_somebody_altered_is_written_again() {
    let mut world = World::with(&["ann"]);
    world.seen("ann").remark = Some("another".into());
    assert_eq!(
        world.changes(),
        ["update_user ann: the remark was altered by someone else \
             | was remark 'another' | becomes remark 'the rule's [camsync:mark1]'"]
    );
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    assert!(world.changes().is_empty(), "it may be lag");
}

#[test]
fn a_remark_that_follows_changed_facts_is_the_rule_s() {
    let mut world = World::with(&["ann"]);
    world.admission("ann").remark = "the rule's new".into();
    world.facts("ann").member = called("ann", "Another");
    let draft = world.draft();
    assert_eq!(
        crate::world::lines(&draft),
        ["update_user ann: follows the rule in line 10 \
             | was remark 'the rule's [camsync:mark1]' \
             | becomes remark 'the rule's new [camsync:mark1]'"]
    );
    let (source, key) = ("acme".into(), "ann".into());
    let admitted = Note::Admitted {
        sub_user: 1,
        source,
        key,
    };
    assert_eq!(draft.notes, [admitted]);
}

#[test]
fn a_remark_that_cam_does_not_show_is_written_only_where_it_never_was() {
    let mut world = World::with(&["ann"]);
    world.seen("ann").remark = None;
    assert!(world.changes().is_empty());
    world.row("ann").marked = false;
    assert_eq!(
        world.changes(),
        ["update_user ann: the remark was altered by someone else \
             | was  | becomes remark 'the rule's [camsync:mark1]'"]
    );
}

#[test]
fn sign_in_and_remark_go_together_and_for_the_weightier_reason() {
    let mut world = without_sign_in();
    world.seen("ann").console_login = Some(true);
    world.seen("ann").remark = Some("another".into());
    assert_eq!(
        world.changes(),
        [
            "update_user ann: console sign-in was switched on by someone else \
             | was remark 'another', on | becomes remark 'the rule's [camsync:mark1]', off \
             | rule says off"
        ]
    );
}

#[test]
fn a_name_that_the_rule_would_make_otherwise_now_is_told_and_stays() {
    let told = |username: &str, wanted: &str| {
        let mut world = World::with(&["ann"]);
        world.row("ann").username = username.into();
        world.seen("ann").name = username.into();
        world.admission("ann").username = wanted.into();
        assert!(world.changes().is_empty());
        world.problems("ann")
    };
    let fixed = |wanted: &str| {
        [Problem::NameFixed {
            wanted: wanted.into(),
        }]
    };
    assert_eq!(told("ann", "anna"), fixed("anna"));
    assert_eq!(told("ann-2", "ann"), [], "camsync's own suffix");
    assert_eq!(told("ann-", "ann"), fixed("ann"));
    assert_eq!(told("ann-b", "ann"), fixed("ann"));
    assert_eq!(told("ann2", "ann"), fixed("ann"));
    let mut world = World::with(&["ann"]);
    world.admission("ann").username = "anna".into();
    world.adopted("ann");
    assert_eq!(world.problems("ann"), [], "an adopted account has its own");
}

#[test]
fn who_was_never_noted_as_admitted_is_noted() {
    let mut world = World::with(&["ann"]);
    world.row("ann").admitted = None;
    assert_eq!(world.draft().notes.len(), 1);
    world.row("ann").admitted = Some(Arc::clone(&member("ann")));
    assert_eq!(world.draft().notes, []);
}

#[test]
fn a_sub_user_that_somebody_deleted_stays_gone_and_is_told() {
    let mut world = World::with(&["ann"]);
    world.users.clear();
    assert!(world.changes().is_empty());
    assert_eq!(world.problems("ann"), [Problem::DeletedByHand]);
}

#[test]
fn a_sub_user_that_somebody_deleted_comes_back_where_that_is_repaired_or_asked_for() {
    let mut world = World::with(&["ann"]);
    world.users.clear();
    world.less_access = LessAccess::Repair;
    assert_eq!(world.changes(), [CREATED_AGAIN]);
    world.less_access = LessAccess::Keep;
    world.row("ann").resume_requested = true;
    assert_eq!(world.changes(), [CREATED_AGAIN]);
    world.row("ann").stopped_at = Some(now());
    assert!(
        world.changes().is_empty(),
        "but not what a person suspended"
    );
    assert_eq!(world.problems("ann"), [Problem::DeletedByHand]);
}

#[test]
fn a_creation_that_no_read_has_shown_within_a_minute_is_made_again() {
    let mut world = World::with(&["ann"]);
    world.users.clear();
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.problems.is_empty());
    world.row("ann").unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(
        world.changes(),
        [
            "create_user ann: an earlier write has not shown its effect \
             | becomes remark 'the rule's', on | rule says on"
        ]
    );
}

#[test]
fn a_request_makes_nobody_again_whom_somebody_deleted_after_it() {
    let mut world = World::with(&["ann"]);
    world.users.clear();
    world.row("ann").resume_requested = true;
    assert_eq!(world.changes(), [CREATED_AGAIN]);
    world.row("ann").seen_since_request = true;
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::ResumeSettled { sub_user: 1 }]);
    assert_eq!(world.problems("ann"), [Problem::DeletedByHand]);
}

#[test]
fn nobody_is_created_again_under_a_name_that_another_account_has_taken() {
    let mut world = World::with(&["ann"]);
    world.less_access = LessAccess::Repair;
    world.users = vec![ObservedUser {
        kind: AccountKind::Other,
        ..account(900, "ANN")
    }];
    assert!(world.changes().is_empty());
    let taken = Problem::NameTaken {
        username: "ann".into(),
        by: Holder::Account {
            name: "ANN".into(),
            uin: 900,
        },
    };
    assert_eq!(world.problems("ann"), [taken]);
}
