//! `sources show`: what is to be known of a linked enterprise.

use camsync_simulators::wecom::VisibleRange;
use serde_json::Value;

use crate::callbacks::{called, post, ready, renamed};
use crate::world::{World, text};

/// 总部 with 研发 (后端 below) and 销售; the app sees all of it.
fn enterprise() -> World {
    let world = World::new();
    world.wecom.add_department(2, "研发", 1);
    world.wecom.add_department(3, "后端", 2);
    world.wecom.add_department(4, "销售", 1);
    world.wecom.add_member("m1", "成员1", &[2]);
    world.wecom.add_member("m2", "成员2", &[3]);
    // In two branches: counted once above both.
    world.wecom.add_member("m3", "成员3", &[3, 4]);
    world.sync();
    world
}

fn show(world: &World) -> Value {
    world.read(&["sources", "show", "acme"])
}

fn department(shown: &Value, id: &str) -> Value {
    let all = shown["departments"].as_array().unwrap();
    all.iter().find(|d| d["id"] == id).unwrap().clone()
}

#[test]
fn it_tells_enterprise_app_range_by_name_and_departments_with_counts() {
    let world = enterprise();
    let shown = show(&world);
    assert_eq!(shown["source"]["enterprise"], "ww0123456789abcdef");
    assert_eq!(shown["enterprise_name"], department(&shown, "1")["name"]);
    assert_eq!(shown["settings"]["agent_id"], 1_000_002);
    assert_eq!(shown["application_name"], "camsync");
    assert!(!shown.to_string().contains(crate::world::SECRETS[0].1));
    let count = |id| {
        let found = department(&shown, id);
        (found["members"].clone(), found["below"].clone())
    };
    assert_eq!(count("1"), (0.into(), 3.into()));
    assert_eq!(count("2"), (1.into(), 3.into()));
    assert_eq!(count("3"), (2.into(), 2.into()));
    assert_eq!(count("4"), (0.into(), 1.into()));
    let items = shown["range_items"].as_array().unwrap();
    let item = items.iter().find(|i| i["item"] == "department:2").unwrap();
    assert_eq!(
        (&item["kind"], &item["name"]),
        (&"department".into(), &"研发".into())
    );
    assert_eq!(shown["range_changes"], Value::Array(Vec::new()));
    let drawn = text(&world.run(&["sources", "show", "acme"]).stdout);
    for part in [
        "camsync (1000002)",
        "研发 (department:2)",
        "    后端",
        "1 / 3",
    ] {
        assert!(drawn.contains(part), "{part}: {drawn}");
    }
}

#[test]
fn what_the_enterprise_calls_itself_is_kept_when_its_root_is_not_seen_any_more() {
    let world = enterprise();
    let named = show(&world)["enterprise_name"].clone();
    assert!(named.is_string());
    world.wecom.set_range(VisibleRange::departments(&[2]));
    world.sync();
    let shown = show(&world);
    assert_eq!(shown["enterprise_name"], named);
    let departments = shown["departments"].as_array().unwrap();
    assert!(departments.iter().all(|d| d["id"] != "1"));
}

#[test]
fn the_last_changes_of_the_range_are_kept_with_names() {
    let world = enterprise();
    world.sync();
    assert_eq!(
        show(&world)["range_changes"],
        Value::Array(Vec::new()),
        "nothing changed"
    );
    // Somebody takes 销售 and all else but 研发 off the range.
    world.wecom.set_range(VisibleRange::departments(&[2]));
    world.sync();
    let change = show(&world)["range_changes"][0].clone();
    assert_eq!(change["configured"], true);
    assert_eq!(change["went_count"], 2, "{change}");
    let went = change["went"].as_array().unwrap();
    assert!(went.iter().any(|i| i["name"] == "销售"), "{change}");
    // A department more below what is seen: the range is the same, and holds more.
    world.wecom.add_department(5, "前端", 2);
    world.sync();
    let changes = show(&world)["range_changes"].clone();
    assert_eq!(changes[0]["configured"], false, "{changes}");
    assert_eq!(changes[0]["came"][0]["name"], "前端");
    assert_eq!(changes.as_array().unwrap().len(), 2);
    let drawn = text(&world.run(&["sources", "show", "acme"]).stdout);
    assert!(
        drawn.contains("Last changes of the visible range"),
        "{drawn}"
    );
    assert!(drawn.contains("前端 (department:5)"), "{drawn}");
    for id in 6..=40 {
        world.wecom.add_department(id, &format!("部门{id}"), 2);
        world.does(&["plan"]);
    }
    let kept = show(&world)["range_changes"].as_array().unwrap().len();
    assert_eq!(kept, 20, "the last few");
}

#[test]
fn the_state_of_callbacks_is_told_by_the_daemon() {
    let world = called();
    world.join(1..=2);
    assert!(show(&world)["callbacks"].is_null());
    let served = ready(&world);
    assert!(show(&world)["callbacks"]["last_received_at"].is_null());
    let mut forged = renamed("m1", "m9");
    forged.query = forged.query.replace("msg_signature=", "msg_signature=0");
    assert_ne!(post(&served, &forged), 200);
    let callbacks = show(&world)["callbacks"].clone();
    assert!(callbacks["last_received_at"].is_string(), "{callbacks}");
    assert!(callbacks["last_at"].is_null());
    assert_eq!(post(&served, &renamed("m1", "m9")), 200);
    let callbacks = show(&world)["callbacks"].clone();
    assert_eq!(
        (&callbacks["received"], &callbacks["refused"]),
        (&1.into(), &1.into())
    );
    assert!(callbacks["last_at"].is_string());
    let drawn = text(&world.run(&["sources", "show", "acme"]).stdout);
    assert!(drawn.contains("1 verified, 1 refused"), "{drawn}");
}
