//! What is allowed and yet hardly meant.

use std::ops::Range;

use camsync_core::rules::Enroll;

use crate::document::{Table, Value};
use crate::keys::File;
use crate::reader::Reader;

/// Where a key of the nth table of `[[list]]` stands, or that table.
fn place(root: &Table, list: &str, n: usize, key: &str) -> Range<usize> {
    let items = root.get(list).map(|entry| &entry.node.value);
    match items {
        Some(Value::List(items)) => items.get(n).map_or(0..0, |item| item.place(key)),
        _ => 0..0,
    }
}

/// Says what is allowed and yet hardly meant.
pub(crate) fn gather(file: &File, root: &Table, reader: &mut Reader<'_>) {
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
        // A rule without `invited` leaves those who never joined to the rules after it.
        let shadow = file.admit[..n]
            .iter()
            .find(|above| above.when.is_none() && (above.invited || !rule.invited));
        if let Some(above) = shadow {
            reader.under("admit", |reader| {
                reader.refuse(
                    &place(root, "admit", n, ""),
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
                    &place(root, "admit", n, "approve_when"),
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
                    &place(root, "grant", n, ""),
                    "this rule grants nothing",
                    "give it `groups`, `policies` or `like`",
                );
            });
        }
    }
}
