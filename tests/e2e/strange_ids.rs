//! Members whose ids can name nobody: they are passed over, said so, and nobody else notices.

use crate::tools::{daemon, until};
use crate::world::{World, text};

const STRANGE: [&str; 4] = ["", "nul\0nul", "bell\u{7}", "line\nfeed"];

#[test]
fn members_whose_ids_can_name_nobody_harm_nobody() {
    let world = World::new();
    world.join(1..=2);
    world.sync();
    for id in STRANGE {
        world.wecom.add_member(id, "怪人", &[1]);
    }
    world.join(3..=3);
    world.leave(2..=2);
    for _ in 0..2 {
        let output = world.run(&["sync", "--json"]);
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches("is unusable").count(), STRANGE.len(), "{said}");
    }
    // Who joined has joined, who left has left, and the strange ones are not there at all.
    assert_eq!(world.cam.user_names(), ["m1", "m2", "m3"]);
    assert!(world.signs_in("m1") && world.signs_in("m3"));
    assert!(!world.signs_in("m2"));
    let members = world.read(&["members", "list"]);
    assert!(!members.to_string().contains("怪人"), "{members:#}");
    // The log of the daemon says where they are.
    let running = daemon(&world);
    world.sync();
    until("the log says so", || {
        let said = running.stderr();
        said.contains("department:1") && said.contains("userid is unusable (7 bytes)")
    });
    assert!(!running.stderr().contains("nul"), "{}", running.stderr());
    drop(running);
    // They go, and nothing follows.
    for id in STRANGE {
        world.wecom.remove_member(id);
    }
    let writes = world.cam.writes().len();
    world.sync();
    assert_eq!(world.cam.writes().len(), writes);
}
