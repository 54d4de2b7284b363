//! The main job: joiners get a sub-user once, a quiet pass writes nothing, leavers lose sign-in.

use crate::world::World;

#[test]
fn a_first_sync_creates_each_member_once_and_a_second_writes_nothing() {
    let world = World::new();
    world.join(1..=5);
    let report = world.sync();
    assert_eq!(report["applied"], 5, "{report}");
    assert_eq!(world.cam.user_names().len(), 5);
    for id in 1..=5 {
        assert_eq!(world.cam.times_created(&format!("m{id}")), 1);
    }
    world.cam.clear_log();
    let report = world.sync();
    assert_eq!(report["changes"].as_array().unwrap().len(), 0, "{report}");
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
}

#[test]
fn a_leaver_loses_sign_in_and_comes_back() {
    let world = World::new();
    world.join(1..=5);
    world.sync();
    world.wecom.remove_member("m3");
    let report = world.sync();
    assert_eq!(report["summary"]["suspend_user"], 1, "{report}");
    assert!(!world.cam.user("m3").unwrap().console_login);
    assert_eq!(world.member("m3")["sub_user"]["suspended"], true);
    world.wecom.add_member("m3", "成员3", &[1]);
    let report = world.sync();
    assert_eq!(report["summary"]["resume_user"], 1, "{report}");
    assert!(world.cam.user("m3").unwrap().console_login);
    assert_eq!(world.cam.times_created("m3"), 1);
}
