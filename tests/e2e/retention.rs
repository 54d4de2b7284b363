//! `[retention]`: what people who are gone leave behind is purged by the daemon itself.

use crate::tools::{Tuning, assert_sound, daemon, until, world};
use crate::world::World;

/// Whether somebody's name stands anywhere in the ledger.
fn known(world: &World, name: &str) -> bool {
    let ledger = world.ledger();
    let texts = |sql: &str| -> Vec<String> {
        let mut rows = ledger.prepare(sql).unwrap();
        let found = rows.query_map([], |row| row.get::<_, Option<String>>(0));
        found.unwrap().filter_map(Result::unwrap).collect()
    };
    let columns = texts(
        "SELECT 'SELECT CAST(\"' || p.name || '\" AS TEXT) FROM ' || m.name FROM sqlite_schema m
         JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
    );
    let mut all = columns.iter().flat_map(|sql| texts(sql));
    all.any(|text| text.contains(name))
}

#[test]
fn the_daemon_forgets_who_is_gone_and_makes_them_anew_when_they_come_back() {
    let world = world(&Tuning {
        source: "schedule = \"* * * * * *\"".into(),
        extra: "[retention]\nsnapshots = \"1s\"".into(),
        ..Tuning::default()
    });
    world.join(1..=5);
    let mut process = daemon(&world);
    until("everyone is there", || world.cam.user("m5").is_some());
    world.leave(1..=1);
    until("who left is deleted", || world.cam.user("m1").is_none());
    until("who left is forgotten", || !known(&world, "成员1"));
    // Nobody else is.
    assert!(known(&world, "成员2"));
    let audit = world.read(&["audit"]);
    assert_eq!(audit["audit"][0]["action"], "retention.purge", "{audit}");
    // What was done is still told, under the ids.
    let kinds: Vec<_> = world
        .changes_of("m1")
        .iter()
        .map(|c| c["kind"].clone())
        .collect();
    assert!(kinds.contains(&"create_user".into()) && kinds.contains(&"delete_user".into()));
    world.join(1..=1);
    until("who came back is there again", || {
        world.cam.user("m1").is_some_and(|user| user.console_login)
    });
    assert_eq!(world.cam.times_created("m1"), 2);
    process.terminate();
    assert!(process.wait().success(), "{}", process.stderr());
    assert!(known(&world, "成员1"));
    assert_sound(&world);
}
