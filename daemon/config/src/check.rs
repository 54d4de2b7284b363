//! What no single key can tell: keys that contradict each other.

use std::collections::HashMap;
use std::ops::Range;

use camsync_core::rules::Enroll;

use crate::document::{Node, Table, Value};
use crate::keys::{File, Notify, NotifyKind};
use crate::reader::Reader;

/// The nth table of `[[list]]`.
fn nth<'t>(root: &'t Table, list: &str, n: usize) -> Option<&'t Node> {
    match &root.get(list)?.node.value {
        Value::List(items) => items.get(n),
        _ => None,
    }
}

/// The place of a key's value in a table, or the table's own.
fn place(node: Option<&Node>, key: &str) -> Range<usize> {
    let Some(node) = node else { return 0..0 };
    match &node.value {
        Value::Table(table) => table
            .get(key)
            .map_or(&node.span, |entry| &entry.node.span)
            .clone(),
        _ => node.span.clone(),
    }
}

fn table<'t>(root: &'t Table, key: &str) -> Option<&'t Node> {
    root.get(key).map(|entry| &entry.node)
}

/// Refuses what contradicts itself.
pub(crate) fn refusals(file: &File, root: &Table, reader: &mut Reader<'_>) {
    if file.source.is_empty() {
        reader.refuse(
            &place(table(root, "source"), ""),
            "there is no source",
            "add a [[source]]",
        );
    }
    source_names(file, root, reader);
    admin_names(file, root, reader);
    if file.retry.initial > file.retry.max {
        reader.under("retry.initial", |reader| {
            reader.refuse(
                &place(table(root, "retry"), "initial"),
                "`retry.initial` is longer than `retry.max`",
                "the first pause is the shortest",
            );
        });
    }
    for (n, source) in file.source.iter().enumerate() {
        if source.limits.idle > source.limits.time {
            reader.under("source.limits.idle", |reader| {
                reader.refuse(
                    &place(nth(root, "source", n), "limits"),
                    "`source.limits.idle` is longer than `source.limits.time`",
                    "the time without progress is a part of the time for the whole crawl",
                );
            });
        }
    }
    for (n, rule) in file.grant.iter().enumerate() {
        for policy in rule.policies.iter().filter(|policy| policy.contains("{{")) {
            reader.under("grant.policies", |reader| {
                reader.refuse(
                    &place(nth(root, "grant", n), "policies"),
                    format!("`grant.policies` holds the template {policy:?}"),
                    "policies are given by their exact names, so that no member's data can choose one",
                );
            });
        }
    }
    for (n, notify) in file.notify.iter().enumerate() {
        notify_keys(notify, nth(root, "notify", n), reader);
    }
}

fn source_names(file: &File, root: &Table, reader: &mut Reader<'_>) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (n, source) in file.source.iter().enumerate() {
        if let Some(line) = seen.insert(source.name.to_lowercase(), source.line) {
            reader.under("source.name", |reader| {
                reader.refuse(
                    &place(nth(root, "source", n), "name"),
                    format!("the source in line {line} is called {:?} too", source.name),
                    "give each source a name of its own (upper and lower case count as the same)",
                );
            });
        }
    }
    let mut formers: HashMap<String, u32> = HashMap::new();
    for (n, source) in file.source.iter().enumerate() {
        let Some(former) = &source.former_name else {
            continue;
        };
        let key = former.to_lowercase();
        let taken = seen
            .get(&key)
            .copied()
            .or_else(|| formers.insert(key, source.line));
        if let Some(line) = taken {
            reader.under("source.former_name", |reader| {
                reader.refuse(
                    &place(nth(root, "source", n), "former_name"),
                    format!("the source in line {line} has the name {former:?} already"),
                    "a former name belongs to one source, and to none that is still called so",
                );
            });
        }
    }
}

fn admin_names(file: &File, root: &Table, reader: &mut Reader<'_>) {
    let Some(Node {
        value: Value::Table(console),
        ..
    }) = table(root, "console")
    else {
        return;
    };
    let mut seen: HashMap<&str, u32> = HashMap::new();
    if file.console.admin_token.is_some() {
        // The audit calls the holder of the shared token so.
        seen.insert(
            "admin",
            reader
                .text
                .place(place(table(root, "console"), "admin_token").start)
                .line,
        );
    }
    for (n, admin) in file.console.admin.iter().enumerate() {
        if let Some(line) = seen.insert(&admin.name, admin.line) {
            reader.under("console.admin.name", |reader| {
                reader.refuse(
                    &place(nth(console, "admin", n), "name"),
                    format!(
                        "the administrator in line {line} is called {:?} too",
                        admin.name
                    ),
                    "the audit tells administrators apart by their names",
                );
            });
        }
    }
}

fn notify_keys(notify: &Notify, node: Option<&Node>, reader: &mut Reader<'_>) {
    let (kind, keys): (_, &[(&str, bool)]) = match notify.kind {
        NotifyKind::WecomRobot => ("wecom-robot", &[("url", notify.url.is_some())]),
        NotifyKind::Webhook => (
            "webhook",
            &[
                ("url", notify.url.is_some()),
                ("secret", notify.secret.is_some()),
            ],
        ),
        NotifyKind::Email => (
            "email",
            &[
                ("server", notify.server.is_some()),
                ("from", notify.from.is_some()),
                ("to", !notify.to.is_empty()),
            ],
        ),
    };
    for (key, _) in keys.iter().filter(|(_, there)| !there) {
        reader.under(&format!("notify.{key}"), |reader| {
            reader.refuse(
                &place(node, ""),
                format!("`notify.{key}` is missing"),
                format!("kind = \"{kind}\" needs `{key}`"),
            );
        });
    }
}

/// Says what is allowed and yet hardly meant.
pub(crate) fn warnings(file: &File, root: &Table, reader: &mut Reader<'_>) {
    if file.admit.is_empty() {
        reader.under("admit", |reader| {
            reader.refuse(
                &(0..0),
                "there is no [[admit]] rule, so nobody gets a sub-user",
                "add one, for example:\n[[admit]]\nwhen = \"member.status == 'active'\"",
            );
        });
    }
    for (n, rule) in file.admit.iter().enumerate() {
        let node = nth(root, "admit", n);
        // A rule without `invited` leaves those who never joined to the rules after it.
        let shadow = file.admit[..n]
            .iter()
            .find(|above| above.when.is_none() && (above.invited || !rule.invited));
        if let Some(above) = shadow {
            reader.under("admit", |reader| {
                reader.refuse(
                    &place(node, ""),
                    format!(
                        "this rule is never reached: the one in line {} matches everyone",
                        above.line
                    ),
                    "put the narrower rule first",
                );
            });
        }
        if rule.approve_when.is_some() && rule.enroll != Enroll::Apply {
            reader.under("admit.approve_when", |reader| {
                reader.refuse(
                    &place(node, "approve_when"),
                    "`admit.approve_when` does nothing here",
                    "it approves applications, and those come with enroll = \"apply\"",
                );
            });
        }
    }
    for (n, rule) in file.grant.iter().enumerate() {
        if rule.groups.is_empty()
            && rule.policies.is_empty()
            && rule.like.is_none()
            && !rule.exclusive
        {
            reader.under("grant", |reader| {
                reader.refuse(
                    &place(nth(root, "grant", n), ""),
                    "this rule grants nothing",
                    "give it `groups`, `policies` or `like`",
                );
            });
        }
    }
}
