//! What an event says may be stale (`wecom-api.md` 3.5, 3.6).

use std::collections::BTreeMap;

use camsync_connector_sdk::types::Hint;

use crate::member::is_usable_id;

/// The hints of a decrypted event; none for an event that does not concern members.
pub(super) fn hints(event: &BTreeMap<String, String>) -> Vec<Hint> {
    let word = |name: &str| event.get(name).map_or("", |value| value.trim());
    match word("Event") {
        "change_contact" => match word("ChangeType") {
            "create_user" | "update_user" | "delete_user" => {
                vec![changed(word("UserID"), word("NewUserID"))]
            }
            // Departments and tags, and whatever kind of change WeCom may add.
            _ => vec![Hint::Everything],
        },
        // A member came into the app's visible range, left it, or was switched off.
        "subscribe" | "unsubscribe" => vec![changed(word("FromUserName"), "")],
        _ => Vec::new(),
    }
}

fn changed(id: &str, new: &str) -> Hint {
    match (is_usable_id(id) && id != "sys", is_usable_id(new)) {
        (true, true) => Hint::MemberRenamed {
            old: id.to_owned(),
            new: new.to_owned(),
        },
        (true, false) => Hint::Member(id.to_owned()),
        (false, _) => Hint::Everything,
    }
}
