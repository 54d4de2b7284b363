//! Ids that change: by a person's word (`members link`), and by the provider's (NewUserID).

use camsync_simulators::When;
use camsync_simulators::wecom::Fault;
use serde_json::Value;

use crate::tools::until;
use crate::world::World;

/// m1 has another id now, and camsync has seen that by a crawl alone: one left, one joined.
fn changed() -> World {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.wecom.with(|e| e.change_userid("m1", "new1"));
    world.sync();
    assert!(!world.signs_in("m1") && world.signs_in("new1"));
    assert!(
        world
            .problem("m1")
            .contains("may be the same person as new1")
    );
    world
}

fn link(world: &World, words: &[&str]) -> Value {
    let mut all = vec!["members", "link"];
    all.extend_from_slice(words);
    world.read(&all)
}

#[test]
fn the_old_sub_user_is_the_new_ids_and_the_fresh_one_goes_by_the_ladder() {
    let world = changed();
    let uin = world.member("m1")["sub_user"]["uin"].clone();
    let done = link(&world, &["m1", "new1"]);
    assert_eq!(
        (&done["link"]["username"], &done["link"]["replaced"]),
        (&"m1".into(), &"new1".into())
    );
    let member = world.member("new1");
    assert_eq!(
        (&member["username"], &member["sub_user"]["uin"]),
        (&"m1".into(), &uin)
    );
    assert!(world.signs_in("m1"), "what camsync took has come back");
    assert!(!world.signs_in("new1"), "the fresh one is suspended");
    let left = world.read(&["members", "show", "m1", "--source", "acme"]);
    assert_eq!(left["member"]["username"], "new1");
    // Nobody is suspected any more, and nothing goes on from here by itself.
    world.sync();
    assert!(!world.problem("m1").contains("same person"));
    assert!(world.signs_in("m1"));
    assert!(world.cam.user("new1").is_some(), "within the grace");
    world.end_grace();
    world.sync();
    assert!(world.cam.user("new1").is_none());
    assert!(world.signs_in("m1"));
    assert_eq!(
        world.cam.times_created("m1") + world.cam.times_created("new1"),
        2
    );
    let audit = world.read(&["audit", "--limit", "0"])["audit"].clone();
    let row = audit
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["action"] == "member.link");
    let detail = &row.unwrap()["detail"];
    assert_eq!(
        (&detail["from"], &detail["to"]),
        (&"m1".into(), &"new1".into())
    );
}

#[test]
fn who_has_no_fresh_one_yet_gets_none() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.wecom.with(|e| e.change_userid("m1", "new1"));
    // Seen, and not done: the plan alone stores the snapshot.
    world.does(&["plan"]);
    link(&world, &["m1", "new1"]);
    world.sync();
    assert_eq!(world.cam.times_created("new1"), 0);
    assert_eq!(world.member("new1")["username"], "m1");
    assert!(world.signs_in("m1"));
    assert_eq!(
        world.changes_of("m1").len(),
        1,
        "its creation, and nothing since"
    );
}

#[test]
fn a_creation_that_waits_is_superseded() {
    let world = World::new();
    world.join(1..=3);
    world.sync();
    world.does(&["freeze"]);
    world.wecom.with(|e| e.change_userid("m1", "new1"));
    world.sync();
    assert_eq!(world.changes_of("new1")[0]["status"], "pending");
    link(&world, &["m1", "new1"]);
    world.does(&["thaw"]);
    world.sync();
    assert_eq!(world.changes_of("new1")[0]["status"], "superseded");
    assert_eq!(world.cam.times_created("new1"), 0);
    assert!(world.signs_in("m1"));
}

#[test]
fn nobody_who_is_still_there_loses_a_sub_user_and_slips_are_told() {
    let world = changed();
    assert!(
        world
            .refuses(&["members", "link", "m2", "m3"])
            .contains("still there")
    );
    assert!(
        world
            .refuses(&["members", "link", "new1", "m1"])
            .contains("still there")
    );
    assert!(
        world
            .refuses(&["members", "link", "m1", "m1"])
            .contains("both are m1")
    );
    assert!(
        world
            .refuses(&["members", "link", "m1", "nobody"])
            .contains("nobody")
    );
    world.leave(2..=2);
    world.sync();
    assert!(
        world
            .refuses(&["members", "link", "m1", "m2"])
            .contains("not in the snapshot")
    );
    assert!(
        !world.signs_in("m1") && world.signs_in("new1"),
        "nothing was done"
    );
}

#[test]
fn whom_a_person_suspended_stays_suspended() {
    let world = changed();
    world.does(&["members", "suspend", "m1"]);
    link(&world, &["m1", "new1"]);
    world.sync();
    assert_eq!(world.member("new1")["username"], "m1");
    assert!(!world.signs_in("m1"));
    world.does(&["members", "resume", "new1", "--source", "acme"]);
    assert!(world.signs_in("m1"));
}

#[test]
fn the_one_that_goes_can_be_kept_after_all() {
    let world = changed();
    link(&world, &["m1", "new1"]);
    assert!(!world.signs_in("new1"));
    // It is the old id's now: who asks for it back says that it is not to go by that word.
    world.does(&["members", "resume", "m1", "--source", "acme"]);
    let ledger = world.ledger();
    let asked: u32 = ledger
        .query_row(
            "SELECT count(*) FROM sub_users WHERE replaced_by IS NOT NULL",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(asked, 0);
}

/// The provider's word, by callback.
mod by_the_provider {
    use super::*;
    use crate::callbacks::{called, post, ready, renamed};
    use crate::http::Served;

    /// A daemon whose first crawl has had its effect for so many.
    fn serving(world: &World, members: u32) -> Served<'_> {
        world.join(1..=members);
        let served = ready(world);
        until("they have sub-users", || {
            world.read(&["status"])["sub_users"]["managed"] == members
        });
        served
    }

    fn links(world: &World) -> Vec<Value> {
        let audit = world.read(&["audit", "--limit", "0"])["audit"].clone();
        let rows = audit.as_array().unwrap().iter();
        rows.filter(|r| r["action"] == "member.link")
            .cloned()
            .collect()
    }

    #[test]
    fn the_sub_user_stays_and_moves_to_the_new_id() {
        let world = called();
        let served = serving(&world, 3);
        world.wecom.with(|e| e.change_userid("m1", "new1"));
        assert_eq!(post(&served, &renamed("m1", "new1")), 200);
        until("it is the new id's", || !links(&world).is_empty());
        assert_eq!(links(&world)[0]["actor"], "provider");
        let done = world.done_to("m1");
        world.does(&["sync"]);
        assert_eq!(world.member("new1")["username"], "m1");
        assert!(world.signs_in("m1"));
        assert_eq!(
            world.done_to("m1"),
            done,
            "not suspended, not even for a moment"
        );
        assert_eq!(world.cam.times_created("new1"), 0);
    }

    #[test]
    fn a_callback_alone_moves_nothing() {
        let world = called();
        let served = serving(&world, 4);
        // Both are there; then the new one is not; then it is somebody who has had a sub-user.
        assert_eq!(post(&served, &renamed("m1", "m2")), 200);
        assert_eq!(post(&served, &renamed("m3", "nobody")), 200);
        world.leave(4..=4);
        world
            .ledger()
            .execute(
                "UPDATE sub_users SET created_at = '2020-01-01T00:00:00.000Z' WHERE key = 'm2'",
                [],
            )
            .unwrap();
        assert_eq!(post(&served, &renamed("m4", "m2")), 200);
        until("the one who left is suspended", || !world.signs_in("m4"));
        world.does(&["sync"]);
        assert!(links(&world).is_empty(), "{:?}", links(&world));
        for id in ["m1", "m2", "m3"] {
            assert_eq!(world.member(id)["username"], id);
            assert!(world.signs_in(id));
        }
    }

    #[test]
    fn a_crawl_that_was_faster_is_mended() {
        let world = called();
        let served = serving(&world, 3);
        world.wecom.with(|e| e.change_userid("m1", "new1"));
        world.does(&["sync"]);
        assert!(!world.signs_in("m1") && world.signs_in("new1"));
        assert_eq!(post(&served, &renamed("m1", "new1")), 200);
        until("the old one is back", || world.signs_in("m1"));
        until("the fresh one is suspended", || !world.signs_in("new1"));
        assert_eq!(world.member("new1")["username"], "m1");
    }

    #[test]
    fn an_id_change_that_no_look_up_has_shown_waits_for_one() {
        let world = called();
        let served = serving(&world, 3);
        world.wecom.with(|e| e.change_userid("m1", "new1"));
        world
            .wecom
            .inject(When::action("user/get"), Fault::Http(500));
        assert_eq!(post(&served, &renamed("m1", "new1")), 200);
        // A crawl sees the new one; that the old one is gone nobody has said.
        until("the new one is seen", || world.cam.user("new1").is_some());
        assert!(links(&world).is_empty());
        assert!(world.signs_in("m1"));
        world.wecom.clear_faults();
        world.does(&["sync"]);
        until("it is the new id's", || !links(&world).is_empty());
        until("the fresh one goes", || !world.signs_in("new1"));
        assert!(world.signs_in("m1"));
    }
}
