//! What `plan` and `sync` say in JSON besides the changes themselves.

use serde_json::json;

use crate::world::{Wish, World};

#[test]
fn members_are_counted_by_what_the_rules_say_of_them() {
    // On m5, who has no tag, the rule fails.
    let when = "member.id != 'm3' and (member.id != 'm5' or member.tags[0] == 'x')";
    let rules = format!("[[admit]]\nwhen = \"{when}\"\n");
    let world = World::with(Wish {
        rules: Some(rules),
        ..Wish::default()
    });
    world.join(1..=5);
    let report = world.read(&["plan"]);
    let counts = json!({ "admitted": 3, "not_admitted": 1, "rule_failed": 1 });
    assert_eq!(report["members"], counts, "{report}");
    assert_eq!(report["summary"], json!({ "create_user": 3 }));
    let changes = report["changes"].as_array().unwrap();
    for change in changes {
        let id = change["member"].as_str().unwrap();
        let name = format!("成员{}", &id[1..]);
        assert_eq!(change["name"], name);
    }
    assert_eq!((changes.len(), &report["held"]), (3, &json!(false)));
}
