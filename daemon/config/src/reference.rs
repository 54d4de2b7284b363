//! The JSON Schema and the manual's page, both made from the declared keys.

use std::fmt::Write as _;

use camsync_core::expression::{MEMBER_NAMES, SOURCE_NAMES};
use serde_json::{Value as Json, json};

use crate::keys::{File, Source};
use crate::kinds::{one_line, table_schema};
use crate::reader::{Inner, Key, Presence, Section};

/// The configuration as a JSON Schema, draft 2020-12.
#[must_use]
pub fn schema() -> Json {
    let mut schema = table_schema(File::DOC, File::keys());
    if let Some(map) = schema.as_object_mut() {
        map.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        map.insert("title".into(), json!("camsync.toml"));
    }
    if let Some(sources) = schema
        .pointer_mut("/properties/source")
        .and_then(Json::as_object_mut)
    {
        sources.insert("minItems".into(), json!(1));
    }
    schema
}

/// The table, as it is written, that a key of this name belongs in, if it is one table only.
pub(crate) fn home_of(name: &str) -> Option<String> {
    let mut homes = Vec::new();
    gather_homes(&File::keys(), "", name, &mut homes);
    match homes.as_slice() {
        [home] => Some(home.clone()),
        _ => None,
    }
}

/// Whether `[[source]]` has a key of this name.
pub(crate) fn is_source_key(name: &str) -> bool {
    Source::keys().iter().any(|key| key.name == name)
}

fn gather_homes(keys: &[Key], path: &str, name: &str, homes: &mut Vec<String>) {
    for key in keys {
        let Some((inner, many)) = &key.shape.inner else {
            continue;
        };
        let path = join(path, key.name);
        if inner.keys.iter().any(|key| key.name == name) {
            homes.push(header(&path, *many));
        }
        gather_homes(&inner.keys, &path, name, homes);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn header(path: &str, many: bool) -> String {
    if many {
        format!("[[{path}]]")
    } else {
        format!("[{path}]")
    }
}

/// `docs/configuration.md`.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for key in File::keys() {
        if let Some((inner, many)) = &key.shape.inner {
            let needed = matches!(key.presence, Presence::Required);
            table(&mut page, key.name, inner, *many, needed);
        }
    }
    rules(&mut page);
    page
}

fn table(page: &mut String, path: &str, inner: &Inner, many: bool, needed: bool) {
    let header = header(path, many);
    let _ = write!(page, "\n## `{header}`\n\n{}\n", one_line(inner.doc));
    if needed {
        page.push_str("\nRequired.\n");
    }
    page.push_str("\n| key | value | without it | meaning |\n| --- | --- | --- | --- |\n");
    for key in &inner.keys {
        let words = match &key.shape.inner {
            Some((_, many)) => format!("below: `{}`", self::header(&join(path, key.name), *many)),
            None => key.shape.words.clone(),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            key.name,
            cell(&words),
            cell(&without(key)),
            cell(&one_line(key.doc))
        );
    }
    for key in &inner.keys {
        if let Some((inner, many)) = &key.shape.inner {
            table(page, &join(path, key.name), inner, *many, false);
        }
    }
}

fn without(key: &Key) -> String {
    match &key.presence {
        Presence::Required => "*required*".into(),
        Presence::Default(Json::Object(map)) if map.is_empty() && key.shape.inner.is_some() => {
            "each key's own".into()
        }
        Presence::Default(Json::Object(map)) if map.is_empty() => "none".into(),
        Presence::Default(Json::Array(items)) if items.is_empty() => "none".into(),
        Presence::Default(value) => format!("`{}`", toml_text(value)),
        Presence::Otherwise(words) => (*words).into(),
    }
}

/// A default as it would be written in the file.
fn toml_text(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_text(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_text).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn rules(page: &mut String) {
    page.push_str(RULES);
    for (root, names) in [("member", MEMBER_NAMES), ("source", SOURCE_NAMES)] {
        for name in names {
            let _ = writeln!(page, "| `{root}.{name}` | {} |", meaning(root, name));
        }
    }
    page.push_str(AFTER_RULES);
}

/// What a name means that a rule sees.
fn meaning(root: &str, name: &str) -> &'static str {
    match (root, name) {
        ("member", "id") => "the provider's stable id",
        ("member", "username") => "the provider's sign-in name; WeCom: the userid",
        ("member", "name") => "the display name",
        ("member", "alias") => "another name",
        ("member", "email" | "phone") => "only if the provider gives it",
        ("member", "position") => "the job title",
        ("member", "status") => "`active`, `disabled`, `invited` (never joined) or `left`",
        ("member", "departments") => "list of ids, the main one first",
        ("member", "department_names") => "list of names, the main one first",
        ("member", "department_path") => {
            "list of names: every department above, root first, over all memberships"
        }
        ("member", "main_department") => "its id",
        ("member", "main_department_name") => "its name",
        ("member", "leader_of") => "list of the ids of the departments that this member leads",
        ("member", "tags") => "list of tag names",
        ("member", "attributes") => {
            "map of the provider's own extra fields; one that is absent is empty"
        }
        ("source", "name") => "the source's `name`",
        ("source", "connector") => "the source's connector",
        _ => "",
    }
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the program's own declarations; a test compares the two. To write it anew:
     UPDATE=1 cargo test -p camsync-config -->

camsync reads one TOML file: the one that `--config FILE` or `CAMSYNC_CONFIG` names, else `camsync.toml`, else
`/etc/camsync/camsync.toml`. [`config/camsync.toml`](../config/camsync.toml) is a sample with every key, and
[`config/camsync.schema.json`](../config/camsync.schema.json) a JSON Schema for editors. The least that it holds:

```toml
[target]
kind = \"cam\"

[[source]]
name = \"acme\"
connector = \"wecom\"
[source.settings]
corp_id = \"ww0123456789abcdef\"
agent_id = 1000002
secret = { env = \"WECOM_SECRET\" }
```

- A key that camsync does not know is an error, and so is everything else that is not as this page says. All errors
  of a file are reported together, each with line and column. `camsync check` reports them without starting anything.
- An edit is taken up within seconds while the daemon runs, and at once on SIGHUP; the audit says what changed. A broken
  edit is refused whole with the reason, in the log and in `camsync status`, and what held before goes on. `data_dir` and
  `listen` belong to a process for its life: a file that changes one of them is refused until camsync is restarted.
- **Secrets** never stand in the file: it says where each comes from. `{ env = \"NAME\" }` is an environment variable,
  `{ file = \"PATH\" }` a file with the secret alone in it (read again when it changes), `{ credential = \"NAME\" }` a
  credential that systemd hands over (`LoadCredential=NAME:PATH`). `camsync config show` shows the place, never the value.
- **Paths** that are relative start from the file's own folder.
- **Durations** are written `\"30s\"`, `\"10m\"`, `\"1h30m\"`, `\"30d\"`; **sizes** `\"32MiB\"`, `\"1GiB\"`.
- **Schedules** are cron's: minute, hour, day of the month, month, day of the week, with seconds before them if there
  are six. Names (`jan`, `mon`), ranges, steps (`*/10`, `8-18/2`) and lists are understood; weekdays run from 0 (Sunday)
  to 6, and 7 is Sunday too. If both day fields are restricted, a day that matches either counts; one that begins with
  `*` does not restrict. When a clock is put forward, what falls into the gap comes once at its end; when it is put
  back, what stands in the repeated hour comes once, unless the schedule is for every hour.
";

const RULES: &str = "
## Rules

`when` and `approve_when` are conditions, `username`, `remark` and `groups` texts with `{{ }}` in them: one language,
[minijinja's](https://docs.rs/minijinja/latest/minijinja/syntax/index.html). A misspelt name is an error when the file
is read. A rule that cannot be evaluated on a member skips that member, says so, and removes nobody.

```toml
[[admit]]
when = \"member.status == 'active' and 'Contractors' not in member.department_names\"

[[grant]]
when = \"'R&D' in member.department_path\"
groups = [\"rd\", \"wecom-{{ member.main_department }}\"]
```

Rules see these names. All are text unless said otherwise, and empty when the provider gives nothing:

| name | meaning |
| --- | --- |
";

const AFTER_RULES: &str = "
Members whom the provider has disabled are suspended and never created; those who left are leavers; those who never
joined are admitted only by a rule with `invited = true`.
";
