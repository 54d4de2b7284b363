//! A refused edit of the running daemon's file needs a person, who is told.

use crate::notifications::{HOOK, ROBOT, Told};
use crate::tools::until;
use crate::world::text;

#[test]
fn it_is_told_once_and_once_when_it_is_over() {
    let told = Told::with(&format!("{ROBOT}{HOOK}"));
    let file = told.world.dir.path().join("camsync.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let mut running = told.daemon();
    // By the socket: the file that commands read is the one that is broken. A pass makes it look what is to be told.
    let passes = || {
        let words = ["--socket", "data/camsync.sock", "sync", "--json"];
        for _ in 0..4 {
            let output = told.world.run(&words);
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
    };
    let refused = |words: &str| running.stderr().matches(words).count();
    let line = |words: &str| good.lines().position(|l| l.contains(words)).unwrap() + 1;
    std::fs::write(&file, good.replace("max_removals", "max_removal")).unwrap();
    until("the edit is refused", || refused("is refused") == 1);
    passes();
    until("both are told", || {
        told.inbox.events("failed").len() == 1 && told.robot().len() == 1
    });
    // It is broken still, if otherwise: whoever was told knows.
    std::fs::write(&file, good.replace("[guard]", "[guard")).unwrap();
    until("the next one is refused", || refused("is refused") == 2);
    passes();
    let failed = told.inbox.events("failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["cause"], "config", "{failed:?}");
    let place = format!("camsync.toml:{}:1: ", line("max_removals"));
    assert!(failed[0].to_string().contains(&place), "{failed:?}");
    assert!(told.robot()[0].contains(&place), "{:?}", told.robot());
    std::fs::write(&file, &good).unwrap();
    until("it is taken back", || {
        refused("again as it is in force") == 1
    });
    passes();
    until("both are told that it is over", || {
        told.inbox.events("recovered").len() == 1 && told.robot().len() == 2
    });
    passes();
    assert_eq!(told.inbox.posted("/hook").len(), 2);
    assert_eq!(told.robot().len(), 2);
    assert!(running.ended().is_none());
}
