//! The JSON documents: what `docs/json.md` says of them, and what the contract says they hold at least.

use std::collections::{BTreeMap, BTreeSet};

use camsync_simulators::{When, cam};
use serde_json::Value;

use crate::world::{World, json};

/// The fields of each document, by the page's sections.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../docs/json.md");
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut section);
        } else if let Some(row) = line.strip_prefix("| `") {
            let field = row.split('`').next().unwrap().to_owned();
            sections.entry(section.clone()).or_default().insert(field);
        }
    }
    sections
}

/// The paths of a value as the page writes them.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                paths(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => {
            for item in items {
                let path = format!("{at}[]");
                if !item.is_object() {
                    found.insert(path.clone());
                }
                paths(item, &path, found);
            }
        }
        _ => {}
    }
}

/// Whether a path stands on the page: itself, as a name that is data (`a.*`), or below `a.**`.
fn is_documented(path: &str, fields: &BTreeSet<String>) -> bool {
    let named = |path: &str| {
        fields.contains(path)
            || path
                .rsplit_once('.')
                .is_some_and(|(above, _)| fields.contains(&format!("{above}.*")))
    };
    named(path)
        || fields
            .iter()
            .filter_map(|f| f.strip_suffix("**"))
            .any(|above| path.starts_with(above))
}

#[derive(Default)]
struct Seen(BTreeMap<&'static str, BTreeSet<String>>);

impl Seen {
    fn add(&mut self, section: &'static str, document: &Value) {
        paths(document, "", self.0.entry(section).or_default());
    }

    /// Each field is on the page. And where everything around a field of the page was seen, so was the field.
    fn compare(&self) {
        let page = documented();
        let mut wrong = Vec::new();
        for (section, seen) in &self.0 {
            let fields = page
                .get(*section)
                .unwrap_or_else(|| panic!("docs/json.md has no section {section}"));
            for path in seen.iter().filter(|p| !is_documented(p, fields)) {
                wrong.push(format!("{section}: {path} is not documented"));
            }
            for field in fields
                .iter()
                .filter(|f| !f.ends_with('*') && !f.ends_with("[]"))
            {
                let above = field.rsplit_once('.').map_or("", |(above, _)| above);
                let around = seen
                    .iter()
                    .any(|p| above.is_empty() || p.starts_with(&format!("{above}.")));
                if around && !seen.contains(field) {
                    wrong.push(format!("{section}: {field} is documented, but not there"));
                }
            }
        }
        let unseen: Vec<&String> = page
            .keys()
            .filter(|s| !self.0.contains_key(s.as_str()))
            .collect();
        assert!(
            wrong.is_empty() && unseen.is_empty(),
            "{wrong:#?} unseen: {unseen:?}"
        );
    }
}

#[test]
fn every_field_of_every_document_is_documented() {
    let world = World::new();
    let mut seen = Seen::default();
    let any = |words: &[&str]| {
        let mut words = words.to_vec();
        words.push("--json");
        json(&world.run(&words))
    };
    seen.add("error", &any(&["members", "show", "nobody"]));
    seen.add("status", &any(&["status"]));
    seen.add("notify test", &any(&["notify", "test"]));
    world.edit(|text| {
        format!("{text}\n[[notify]]\nkind = \"wecom-robot\"\nurl = {{ env = \"NOT_SET\" }}\n")
    });
    seen.add("status", &any(&["status"]));
    seen.add("notify test", &any(&["notify", "test"]));
    world.wecom.add_department(2, "研发", 1);
    world.wecom.add_tag(3, "SRE", &["m1"], &[]);
    world.join(1..=9);
    world.cam.inject(
        When::action("AddUser").key("m9"),
        cam::Fault::Code("InvalidParameter.UserNameIllegal".into()),
    );
    seen.add("plan", &any(&["plan", "--out", "plan.json"]));
    seen.add("plan", &any(&["plan", "--with", "camsync.toml"]));
    seen.add("plan", &any(&["sync"]));
    world.cam.clear_faults();
    for id in 1..=6 {
        world.wecom.remove_member(&format!("m{id}"));
    }
    world.wecom.rename_member("m7", "新名字");
    seen.add("plan", &any(&["sync"]));
    seen.add("plans list", &any(&["plans", "list"]));
    seen.add("plans show", &any(&["plans", "show", "1"]));
    for id in ["m1", "m7", "m9"] {
        seen.add("members show", &any(&["members", "show", id]));
        seen.add("members explain", &any(&["members", "explain", id]));
    }
    seen.add("plans show", &any(&["plans", "approve", "1"]));
    seen.add("members show", &any(&["members", "show", "m1"]));
    seen.add("members show", &any(&["members", "suspend", "m8"]));
    seen.add(
        "members reset-password",
        &any(&["members", "reset-password", "m7"]),
    );
    world
        .ledger()
        .execute(
            "INSERT INTO applications (source, key, member, name, reason, status, created_at)
             VALUES ('acme', 'm7', 'm7', '七', '', 'pending', '2026-01-01T00:00:00.000Z')",
            [],
        )
        .unwrap();
    seen.add("applications list", &any(&["applications", "list"]));
    seen.add(
        "applications approve",
        &any(&["applications", "deny", "1", "--reason", "no"]),
    );
    seen.add("members list", &any(&["members", "list"]));
    seen.add("changes list", &any(&["changes", "list"]));
    for id in 1..=10 {
        seen.add("changes show", &any(&["changes", "show", &id.to_string()]));
    }
    world.wecom.configure(|o| o.ip_trusted = false);
    seen.add("plan", &any(&["plan"]));
    seen.add("sources show", &any(&["sources", "show", "acme"]));
    seen.add("check", &any(&["check"]));
    world.wecom.configure(|o| o.ip_trusted = true);
    seen.add("check", &any(&["check"]));
    seen.add("sources list", &any(&["sources", "list"]));
    seen.add("freeze", &any(&["freeze"]));
    seen.add("status", &any(&["status"]));
    seen.add("freeze", &any(&["thaw"]));
    seen.add("sources pause", &any(&["sources", "pause", "acme"]));
    seen.add("sources pause", &any(&["sources", "resume", "acme"]));
    world.wecom.with(|e| e.change_userid("m8", "n8"));
    seen.add("plan", &any(&["plan"]));
    seen.add("members link", &any(&["members", "link", "m8", "n8"]));
    seen.add("unlink", &any(&["unlink", "acme", "--delete", "--yes"]));
    seen.add("sources list", &any(&["sources", "list"]));
    seen.add("sources show", &any(&["sources", "show", "acme"]));
    seen.add("status", &any(&["status"]));
    seen.add("members explain", &any(&["members", "explain", "m7"]));
    seen.add("sources link", &any(&["sources", "link", "acme"]));
    seen.add("connector list", &any(&["connector", "list"]));
    seen.add(
        "connector inspect",
        &any(&["connector", "inspect", "wecom"]),
    );
    seen.add("config show", &any(&["config", "show"]));
    seen.add("audit", &any(&["audit"]));
    seen.add("backup", &any(&["backup", "copy.db"]));
    seen.add("restore", &any(&["restore", "copy.db"]));
    seen.add("rebind", &any(&["rebind", "--target"]));
    world
        .ledger()
        .execute("UPDATE sources SET seen_enterprise = 'ww-other'", [])
        .unwrap();
    seen.add("sources rebind", &any(&["sources", "rebind", "acme"]));
    seen.compare();
}

/// What the contract names; the page names more.
#[test]
fn the_documents_hold_what_the_contract_promises() {
    let fields = documented();
    let promised: &[(&str, &str)] = &[
        (
            "plan",
            "changes[].kind changes[].username changes[].source changes[].member changes[].reason changes[].before changes[].after held summary.*",
        ),
        (
            "changes list",
            "changes[].id changes[].kind changes[].username changes[].status changes[].attempts changes[].last_error changes[].created_at changes[].applied_at",
        ),
        (
            "plans list",
            "plans[].id plans[].source plans[].status plans[].evidence plans[].created_at plans[].summary plans[].removals plans[].limit",
        ),
        (
            "applications list",
            "applications[].id applications[].source applications[].member applications[].name applications[].reason applications[].status applications[].created_at",
        ),
        (
            "members list",
            "members[].id members[].name members[].source members[].status members[].departments members[].username members[].sub_user members[].sub_user.uin members[].sub_user.managed members[].sub_user.suspended members[].rule members[].groups members[].policies members[].problem",
        ),
        (
            "status",
            "sources[].name sources[].connector sources[].last_crawl sources[].next_crawl sources[].members sources[].departments sources[].state sources[].error sub_users.managed sub_users.suspended changes.* held config.loaded_at config.error",
        ),
        (
            "connector list",
            "connectors[].name connectors[].version connectors[].wit connectors[].sha256 connectors[].origin connectors[].hosts connectors[].capabilities",
        ),
    ];
    for (section, paths) in promised {
        for path in paths.split(' ') {
            assert!(fields[*section].contains(path), "{section}: {path}");
        }
    }
}
