//! Bindings: one root account, one enterprise, and sources that leave the file.

use camsync_simulators::{cam, wecom};

use crate::world::{SECRETS, Wish, World};

fn of(count: u32) -> World {
    let world = World::new();
    world.join(1..=count);
    world.sync();
    world
}

#[test]
fn another_root_accounts_key_writes_nothing_until_a_person_says_so() {
    let world = of(3);
    let options = cam::Options {
        secret_id: SECRETS[1].1.into(),
        secret_key: SECRETS[2].1.into(),
        owner_uin: 100_000_000_999,
        ..cam::Options::default()
    };
    let other = world.block_on(cam::Simulator::start(options)).unwrap();
    let url = world.cam.url();
    world.edit(|text| text.replace(&url, &other.url()));
    world.leave(1..=1);
    world.join(4..=4);
    for arguments in [
        vec!["sync"],
        vec!["plan"],
        vec!["members", "suspend", "m2"],
        vec!["members", "resume", "m2"],
    ] {
        let said = world.refuses(&arguments);
        assert!(said.contains("rebind --target"), "{arguments:?}: {said}");
        assert!(said.contains("100000000999"), "{said}");
    }
    assert!(other.writes().is_empty());
    assert!(other.history().is_empty());
    world.does(&["rebind", "--target"]);
    world.run(&["sync"]);
    assert!(other.user("m4").is_some());
}

#[test]
fn another_enterprise_writes_nothing_until_a_person_says_so() {
    let world = of(3);
    let options = wecom::Options {
        corp_id: "wwfedcba9876543210".into(),
        secret: SECRETS[0].1.into(),
        ..wecom::Options::default()
    };
    let other = world.block_on(wecom::Simulator::start(options)).unwrap();
    other.set_range(wecom::VisibleRange::departments(&[1]));
    other.add_member("stranger", "Stranger", &[1]);
    let url = world.wecom.url();
    world.edit(|text| {
        text.replace(&url, &other.url())
            .replace("ww0123456789abcdef", "wwfedcba9876543210")
    });
    world.cam.clear_log();
    let report = world.sync_fails();
    assert_eq!(
        report["failures"][0]["kind"], "another_enterprise",
        "{report}"
    );
    let said = report["failures"][0]["remedy"].as_str().unwrap().to_owned();
    assert!(said.contains("sources rebind"), "{said}");
    world.run(&["plan"]);
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
    assert_eq!(world.signing_in(1..=3), 3);
    world.does(&["sources", "rebind", "acme"]);
    world.sync();
    assert!(world.cam.user("stranger").is_some());
}

#[test]
fn what_was_recorded_for_another_enterprise_is_not_written_either() {
    let world = of(3);
    world.does(&["freeze"]);
    world.leave(1..=1);
    world.sync();
    let options = wecom::Options {
        corp_id: "wwfedcba9876543210".into(),
        secret: SECRETS[0].1.into(),
        ..wecom::Options::default()
    };
    let other = world.block_on(wecom::Simulator::start(options)).unwrap();
    other.set_range(wecom::VisibleRange::departments(&[1]));
    let url = world.wecom.url();
    world.edit(|text| {
        text.replace(&url, &other.url())
            .replace("ww0123456789abcdef", "wwfedcba9876543210")
    });
    world.run(&["sync"]);
    world.does(&["thaw"]);
    world.run(&["sync"]);
    assert_eq!(world.signing_in(1..=3), 3);
}

#[test]
fn a_source_gone_from_the_file_is_frozen_and_renamed_by_former_name() {
    let world = of(3);
    world.does(&["freeze"]);
    world.leave(1..=1);
    world.sync();
    world.edit(|text| text.replace("name = \"acme\"", "name = \"beta\""));
    world.does(&["thaw"]);
    world.cam.clear_log();
    // Nothing of acme is done, nor is anybody made twice: the names are taken.
    let report = world.sync();
    assert_eq!(world.signing_in(1..=3), 3, "{report}");
    assert!(world.cam.writes().is_empty(), "{:?}", world.cam.writes());
    let sources = world.read(&["sources", "list"]).to_string();
    assert!(sources.contains("frozen"), "{sources}");
    world.edit(|text| text.replace("name = \"beta\"", "name = \"acme\""));
    world.sync();
    assert_eq!(world.signing_in(1..=3), 2);
}

#[test]
fn former_name_renames() {
    let world = of(3);
    world.edit(|text| text.replace("name = \"acme\"", "name = \"beta\"\nformer_name = \"acme\""));
    world.leave(1..=1);
    let report = world.sync();
    assert_eq!(report["summary"]["suspend_user"], 1, "{report}");
    assert_eq!(world.signing_in(1..=3), 2);
    assert_eq!(world.member("m2")["source"], "beta");
    assert_eq!(world.cam.times_created("m2"), 1);
}

#[test]
fn a_target_that_only_records_applies_nothing() {
    let world = World::new();
    world.edit(|text| text.replace("[target]", "[target]\nkind = \"ledger\""));
    world.join(1..=3);
    let report = world.sync();
    assert_eq!(report["summary"]["create_user"], 3, "{report}");
    world.sync();
    assert_eq!(world.changes().len(), 3);
    assert!(world.cam.log().is_empty());
    world.leave(1..=1);
    world.sync();
    assert_eq!(world.changes_of("m1")[0]["status"], "superseded");
}

#[test]
fn a_ledger_that_stops_writing_takes_nobody_for_deleted() {
    let world = of(3);
    world.leave(1..=1);
    world.sync();
    world.edit(|text| text.replace("[target]", "[target]\nkind = \"ledger\""));
    world.leave(2..=2);
    let report = world.sync();
    assert_eq!(
        report["summary"],
        serde_json::json!({"suspend_user": 1}),
        "{report}"
    );
    assert_eq!(world.member("m1")["sub_user"]["managed"], true);
    assert_eq!(world.problem("m3"), "");
    world.edit(|text| text.replace("kind = \"ledger\"\n", ""));
    world.sync();
    assert_eq!(world.signing_in(1..=3), 1);
    assert_eq!(world.cam.user_names().len(), 3);
}

#[test]
fn paused_sources_are_left_alone_by_passes_over_all() {
    let world = World::with(Wish::default());
    world.join(1..=2);
    world.sync();
    world.does(&["sources", "pause", "acme"]);
    world.join(3..=3);
    world.wecom.clear_log();
    world.sync();
    assert_eq!(world.wecom.count("user/list"), 0);
    assert!(world.cam.user("m3").is_none());
    world.does(&["sources", "resume", "acme"]);
    world.sync();
    assert!(world.cam.user("m3").is_some());
}
