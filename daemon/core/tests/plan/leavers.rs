//! A member who is not entitled any more: suspension, grace, end.

use std::time::Duration;

use camsync_core::desired::Verdict;
use camsync_core::evidence::{Absence, Evidence};
use camsync_core::plan::{Note, Then};
use camsync_core::problem::Problem;

use crate::world::{RULE, World, days_ago, seconds_ago};

const DELETED: &str = "delete_user ann: the grace is over: suspended since 2024-09-04T00:00:00+00:00 \
     | on expired | was remark 'the rule's [camsync:mark1]', off";

/// Ann is missing, and was suspended so many days ago.
fn suspended(days: i64) -> World {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Absent);
    world.suspend("ann", days);
    world
}

/// What becomes of Ann when the rules say this.
fn suspension(verdict: Verdict, evidence: Evidence) -> Vec<String> {
    let mut world = World::with(&["ann"]);
    world.judge("ann", verdict, Some(evidence));
    world.changes()
}

#[test]
fn an_entitled_member_whose_sub_user_is_as_it_should_be_needs_nothing() {
    let draft = World::with(&["ann"]).draft();
    assert!(draft.changes.is_empty(), "{:#?}", draft.changes);
    assert_eq!(draft.notes, []);
    assert!(draft.problems.is_empty(), "{:#?}", draft.problems);
}

#[test]
fn a_suspension_says_what_it_rests_on() {
    let line = |because: &str, on: &str| {
        vec![format!(
            "suspend_user ann: {because} | on {on} | was on | becomes off"
        )]
    };
    assert_eq!(
        suspension(Verdict::Disabled, Evidence::Said),
        line("said: disabled at the provider", "said")
    );
    assert_eq!(
        suspension(Verdict::Left, Evidence::Said),
        line("said: the provider says that the member has left", "said")
    );
    assert_eq!(
        suspension(Verdict::Excluded { rule: 3 }, Evidence::Excluded),
        line("excluded: excluded by the rule in line 3", "excluded")
    );
    assert_eq!(
        suspension(Verdict::Unmatched, Evidence::Unmatched),
        line("unmatched: no admit rule matches any more", "unmatched")
    );
}

#[test]
fn who_has_left_without_a_word_is_suspended_on_absence() {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Absent);
    assert_eq!(
        world.changes(),
        [
            "suspend_user ann: absent: missing from a complete crawl, and the look-up says: 60111 \
             | on absent | was on | becomes off"
        ]
    );
}

#[test]
fn who_went_out_of_sight_is_suspended_with_what_was_lost() {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Hidden(vec!["department:7".into()]));
    assert_eq!(
        world.changes(),
        [
            "suspend_user ann: hidden: no longer in the visible range: department:7 \
             | on hidden | was on | becomes off"
        ]
    );
}

#[test]
fn an_absence_that_is_not_settled_takes_nothing_and_is_told() {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Unsettled);
    assert!(world.changes().is_empty());
    let grounds = crate::world::gone();
    assert_eq!(world.problems("ann"), [Problem::Unsettled { grounds }]);
}

#[test]
fn a_rule_that_fails_on_a_member_takes_nothing_and_is_told() {
    let mut world = World::with(&["ann"]);
    let error = "no".to_owned();
    let failed = Verdict::Failed {
        rule: 4,
        error: error.clone(),
    };
    world.judge("ann", failed, None);
    assert!(world.changes().is_empty());
    assert_eq!(
        world.problems("ann"),
        [Problem::RuleFailed { rule: 4, error }]
    );
}

#[test]
fn the_protected_keep_their_access_and_the_removal_is_told() {
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Left, Some(Evidence::Said));
    world.row("ann").protected = true;
    assert!(world.changes().is_empty());
    let evidence = Evidence::Said;
    assert_eq!(world.problems("ann"), [Problem::Protected { evidence }]);
}

#[test]
fn the_busy_are_left_alone() {
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Left, Some(Evidence::Said));
    world.row("ann").busy = true;
    let draft = world.draft();
    assert!(draft.changes.is_empty() && draft.notes.is_empty() && draft.problems.is_empty());
}

#[test]
fn the_grace_ends_at_its_very_last_second() {
    assert_eq!(suspended(30).changes(), [DELETED]);
    let mut early = suspended(30);
    early.row("ann").leaving.as_mut().unwrap().since = days_ago(30) + chrono::TimeDelta::seconds(1);
    assert!(early.changes().is_empty());
}

#[test]
fn without_a_grace_nobody_is_ever_deleted() {
    let mut world = suspended(3000);
    world.leavers.delete_after = None;
    assert!(world.changes().is_empty());
    // Longer than any calendar goes.
    world.leavers.delete_after = Some(Duration::MAX);
    assert!(world.changes().is_empty());
}

#[test]
fn a_deletion_waits_for_a_complete_crawl_of_its_own_pass() {
    let mut world = suspended(30);
    world.fresh = false;
    let waits = format!("{DELETED} | waits for a complete crawl of its source");
    assert_eq!(world.changes(), [waits]);
}

#[test]
fn who_may_only_be_out_of_sight_is_deleted_on_that_evidence() {
    let mut world = suspended(30);
    world.absent[0].absence = Absence::Hidden(vec!["department:7".into()]);
    assert_eq!(
        world.changes(),
        [DELETED.replace("on expired", "on hidden")]
    );
}

#[test]
fn the_disabled_stay_suspended_for_ever() {
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Disabled, Some(Evidence::Said));
    world.suspend("ann", 30);
    assert!(world.changes().is_empty());
    world.judge("ann", Verdict::Left, Some(Evidence::Said));
    assert_eq!(world.changes(), [DELETED]);
}

#[test]
fn an_adopted_account_is_released_when_its_grace_is_over() {
    let mut world = suspended(30);
    world.adopted("ann");
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::Released { sub_user: 1 }]);
    world.fresh = false;
    assert_eq!(world.draft().notes, [], "not on the word of an older crawl");
    world.fresh = true;
    world.leavers.delete_adopted = true;
    assert_eq!(world.changes(), [DELETED]);
}

#[test]
fn sign_in_that_comes_on_during_the_grace_goes_off_again() {
    let mut world = suspended(40);
    world.seen("ann").console_login = Some(true);
    assert_eq!(
        world.changes(),
        [
            "suspend_user ann: console sign-in was switched on by someone else | was on | becomes off"
        ],
        "and nothing is deleted in the same plan"
    );
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    world.leavers.delete_after = None;
    assert!(
        world.changes().is_empty(),
        "what a read has not shown yet is lag"
    );
}

#[test]
fn a_suspension_is_confirmed_once_a_read_shows_it() {
    let mut world = suspended(1);
    world.row("ann").unconfirmed_since = Some(seconds_ago(5));
    let confirmed = [Note::Confirmed { sub_user: 1 }];
    assert_eq!(world.draft().notes, confirmed);
    world.seen("ann").console_login = None;
    assert_eq!(world.draft().notes, confirmed, "CAM may say nothing of it");
    world.seen("ann").console_login = Some(true);
    assert_eq!(world.draft().notes, []);
}

#[test]
fn a_leaver_whom_somebody_deleted_is_noted_and_lag_is_no_deletion() {
    let mut world = suspended(1);
    world.users.clear();
    assert_eq!(world.draft().notes, [Note::GoneByHand { sub_user: 1 }]);
    world.row("ann").unconfirmed_since = Some(seconds_ago(59));
    assert_eq!(world.draft().notes, []);
    world.row("ann").unconfirmed_since = Some(seconds_ago(60));
    assert_eq!(world.draft().notes, [Note::GoneByHand { sub_user: 1 }]);
}

#[test]
fn whoever_has_another_sub_user_loses_this_one_although_the_rules_admit() {
    let mut world = World::with(&["ann"]);
    world.row("ann").replaced_by = Some("eve".into());
    assert_eq!(
        world.changes(),
        [
            "suspend_user ann: asked: its member has another sub-user, under another id, as eve said \
             | on asked | was on | becomes off"
        ]
    );
    world.suspend("ann", 30);
    world.fresh = false;
    assert_eq!(
        world.changes(),
        [DELETED.replace("on expired", "on asked")],
        "what a person asked for rests on no crawl"
    );
}

#[test]
fn what_a_person_asked_for_is_done_to_the_disabled_too() {
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Disabled, Some(Evidence::Said));
    world.row("ann").replaced_by = Some("eve".into());
    world.suspend("ann", 30);
    assert_eq!(world.changes(), [DELETED.replace("on expired", "on asked")]);
}

#[test]
fn an_unlinked_source_is_kept_suspended_or_deleted_as_was_said() {
    let mut world = World::with(&["ann"]);
    world.unlink(Then::Keep);
    let draft = world.draft();
    assert!(draft.changes.is_empty());
    assert_eq!(draft.notes, [Note::Released { sub_user: 1 }]);
    for then in [Then::Suspend, Then::Delete] {
        world.unlink(then);
        assert_eq!(
            world.changes(),
            ["suspend_user ann: asked: its source was unlinked by eve \
                 | on asked | was on | becomes off"]
        );
    }
    world.suspend("ann", 30);
    world.unlink(Then::Suspend);
    assert!(world.changes().is_empty(), "suspended for good");
    world.unlink(Then::Delete);
    assert_eq!(world.changes(), [DELETED.replace("on expired", "on asked")]);
}

#[test]
fn nobody_new_comes_from_an_unlinked_source() {
    let mut world = World::empty();
    world.admit("bob");
    world.unlink(Then::Suspend);
    assert!(world.changes().is_empty());
}

#[test]
fn words_for_what_becomes_of_an_unlinked_source_are_read_back() {
    for (then, word) in [
        (Then::Keep, "keep"),
        (Then::Suspend, "suspend"),
        (Then::Delete, "delete"),
    ] {
        assert_eq!(then.as_str(), word);
        assert_eq!(Then::parse(word), Some(then));
    }
    assert_eq!(Then::parse("burn"), None);
}

#[test]
fn somebody_new_of_the_name_of_somebody_who_has_just_gone_may_be_the_same() {
    let mut world = World::with(&["ann"]);
    world.lose("ann", Absence::Absent);
    world.admit("bob").member = crate::world::called("Bob", "Name of ann");
    let same = |other: &str| {
        vec![Problem::MaybeSamePerson {
            other: other.to_owned(),
        }]
    };
    assert_eq!(world.problems("bob"), same("ann"));
    assert_eq!(world.problems("ann"), same("Bob"));
    world.facts("bob").member = crate::world::called("Bob", "Somebody else");
    assert_eq!(world.problems("bob"), []);
}

#[test]
fn namesakes_are_told_only_of_the_absent_and_of_the_new() {
    let mut world = World::with(&["ann", "bob"]);
    world.facts("bob").member = crate::world::called("bob", "Name of ann");
    world.row("bob").admitted = Some(crate::world::called("bob", "Name of ann"));
    world.lose("ann", Absence::Absent);
    assert_eq!(world.problems("bob"), [], "bob is not new");
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::Unmatched, Some(Evidence::Unmatched));
    world.admit("bob").member = crate::world::called("bob", "Name of ann");
    assert_eq!(world.problems("bob"), [], "ann is still there");
    let mut world = World::with(&["ann"]);
    world.row("ann").admitted = Some(crate::world::called("ann", ""));
    world.lose("ann", Absence::Absent);
    world.admit("bob").member = crate::world::called("bob", "");
    assert_eq!(world.problems("bob"), [], "no name is nobody's name");
}

#[test]
fn a_member_who_waits_for_an_application_is_no_leaver_by_that() {
    let mut world = World::with(&["ann"]);
    world.judge("ann", Verdict::AwaitingApplication { rule: RULE }, None);
    assert!(world.changes().is_empty());
}
