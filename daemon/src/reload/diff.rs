//! What an edit changed, key by key. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The longest value that is written out, in characters.
const LONGEST: usize = 200;
/// What stands for a key that is not there.
const ABSENT: &str = "(none)";

/// Each key that differs, with `before -> after`. Tables in lists go by their name where they have one, else by their
/// place, from 1. The documents are those of `config show`: secrets are references in them.
pub(super) fn diff(before: &Value, after: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut BTreeMap<String, String>,
) {
    match (present(before), present(after)) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            tables(path, before, after, found);
        }
        (Some(Value::Array(before)), Some(Value::Array(after)))
            if before.iter().chain(after).all(Value::is_object) =>
        {
            lists(path, before, after, found);
        }
        (before, after) => {
            found.insert(
                path.to_owned(),
                format!("{} -> {}", written(before), written(after)),
            );
        }
    }
}

/// A key that is null is not there.
fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn tables(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut BTreeMap<String, String>,
) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let path = match path {
            "" => key.clone(),
            _ => format!("{path}.{key}"),
        };
        compare(&path, before.get(key), after.get(key), found);
    }
}

fn lists(path: &str, before: &[Value], after: &[Value], found: &mut BTreeMap<String, String>) {
    let name = |value: &Value| value["name"].as_str().map(str::to_owned);
    if before.iter().chain(after).all(|item| name(item).is_some()) {
        let named = |list: &[Value]| -> Map<String, Value> {
            let items = list.iter();
            items
                .filter_map(|item| Some((format!("[{}]", name(item)?), item.clone())))
                .collect()
        };
        let (before, after) = (named(before), named(after));
        let added = after.keys().filter(|key| !before.contains_key(*key));
        for key in before.keys().chain(added) {
            let path = format!("{path}{key}");
            compare(&path, before.get(key), after.get(key), found);
        }
        return;
    }
    // What is alike at both ends was not edited; what lies between was.
    let shorter = before.len().min(after.len());
    let head = (0..shorter).take_while(|n| before[*n] == after[*n]).count();
    let tail = (0..shorter - head)
        .take_while(|n| before[before.len() - 1 - n] == after[after.len() - 1 - n])
        .count();
    let before = &before[head..before.len() - tail];
    let after = &after[head..after.len() - tail];
    for n in 0..before.len().max(after.len()) {
        let path = format!("{path}[{}]", head + n + 1);
        compare(&path, before.get(n), after.get(n), found);
    }
}

fn written(value: Option<&Value>) -> String {
    let text = match value {
        None => return ABSENT.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => without_nulls(other).to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(table) => table
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(before: Value, after: Value) -> Vec<(String, String)> {
        diff(&before, &after).into_iter().collect()
    }

    fn pair(key: &str, words: &str) -> (String, String) {
        (key.to_owned(), words.to_owned())
    }

    #[test]
    fn each_key_is_named_with_both_values() {
        let before =
            json!({"guard": {"max_removals": 20, "window": "24h"}, "network": {"proxy": null}});
        let after = json!({"guard": {"max_removals": 30, "window": "24h"}, "network": {"proxy": "http://p/"}});
        assert_eq!(
            changed(before.clone(), after),
            [
                pair("guard.max_removals", "20 -> 30"),
                pair("network.proxy", "(none) -> http://p/")
            ]
        );
        assert_eq!(changed(before.clone(), before), []);
    }

    #[test]
    fn a_rule_put_in_front_is_one_difference() {
        let before = json!({"admit": [{"when": "a"}, {"when": "b"}]});
        let after = json!({"admit": [{"when": "x"}, {"when": "a"}, {"when": "b"}]});
        assert_eq!(
            changed(before.clone(), after),
            [pair("admit[1]", "(none) -> {\"when\":\"x\"}")]
        );
        let after = json!({"admit": [{"when": "a"}, {"when": "y"}]});
        assert_eq!(changed(before, after), [pair("admit[2].when", "b -> y")]);
    }

    #[test]
    fn sources_go_by_their_names_whatever_their_order() {
        let before =
            json!({"source": [{"name": "a", "schedule": "1"}, {"name": "b", "schedule": "2"}]});
        let after =
            json!({"source": [{"name": "b", "schedule": "3"}, {"name": "a", "schedule": "1"}]});
        assert_eq!(
            changed(before, after),
            [pair("source[b].schedule", "2 -> 3")]
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let found = changed(json!({"k": "x".repeat(1000)}), json!({"k": "y"}));
        assert!(found[0].1.chars().count() < 250 && found[0].1.ends_with("… -> y"));
    }
}
