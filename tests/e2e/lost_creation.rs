//! A creation whose answer was lost for good: what it made is found by its mark, even when it is not wanted any more.

use camsync_simulators::{When, cam};

use crate::world::World;

#[test]
fn an_account_left_behind_by_a_lost_answer_is_taken_in_and_taken_away() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    world.join(3..=3);
    world
        .cam
        .inject(When::action("AddUser").key("m3"), cam::Fault::AnswerLost);
    world.cam.inject(
        When::action("GetUser").key("m3"),
        cam::Fault::Code("InternalError".into()),
    );
    let output = world.run(&["sync", "--json"]);
    assert!(!output.status.success(), "the creation is still open");
    assert!(world.cam.user("m3").is_some(), "though CAM has made it");
    world.cam.clear_faults();
    world.wecom.remove_member("m3");
    // One pass takes it in, the next has the witness's word that its member is gone.
    world.sync();
    world.sync();
    assert!(!world.cam.user("m3").unwrap().console_login);
    assert_eq!(world.cam.times_created("m3"), 1);
    assert_eq!(world.member("m3")["sub_user"]["managed"], true);
}
