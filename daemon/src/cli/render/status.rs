//! `status`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::paper::{Paper, Tint};
use super::{items, scalar, sources, str_of, time, words};

pub(super) fn draw(paper: &mut Paper, document: &Value, now: DateTime<Utc>) {
    let frozen = &document["frozen"];
    if !frozen.is_null() {
        let by = str_of(&frozen["by"]);
        let text = paper.fill(words::STATUS_FROZEN, &[&by, &time::moment(&frozen["at"])]);
        paper.paragraph("! ", Tint::Warn, &text, Tint::Warn);
        paper.gap();
    }
    if items(&document["sources"]).is_empty() {
        paper.line(paper.word(words::STATUS_NO_SOURCES));
    } else {
        sources::list(paper, &document["sources"], now);
    }
    paper.gap();
    let users = &document["sub_users"];
    let text = paper.fill(
        words::STATUS_SUB_USERS,
        &[&scalar(&users["managed"]), &scalar(&users["suspended"])],
    );
    paper.line(&text);
    let counts: Vec<String> = [
        "pending",
        "in_flight",
        "held",
        "failed",
        "applied",
        "superseded",
        "cancelled",
    ]
    .iter()
    .map(|status| (*status, document["changes"][*status].as_u64().unwrap_or(0)))
    .filter(|(_, count)| *count > 0)
    .map(|(status, count)| {
        let word = words::known(paper.language(), status);
        if paper.language() == "zh" {
            format!("{word} {count}")
        } else {
            format!("{count} {word}")
        }
    })
    .collect();
    let text = if counts.is_empty() {
        paper.word(words::STATUS_NO_CHANGES).to_owned()
    } else {
        paper.fill(words::STATUS_CHANGES, &[&counts.join(paper.comma())])
    };
    paper.line(&text);
    attention(paper, document);
}

/// What asks for a person.
fn attention(paper: &mut Paper, document: &Value) {
    let mut said = Vec::new();
    let config = &document["config"];
    if !config["error"].is_null() {
        let at = time::moment(&config["loaded_at"]);
        let text = paper.fill(words::STATUS_CONFIG_REFUSED, &[&at]);
        said.push((
            "✗ ",
            Tint::Bad,
            format!("{text}\n{}", str_of(&config["error"])),
        ));
    }
    let failed = document["changes"]["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        said.push((
            "✗ ",
            Tint::Bad,
            paper.fill(words::STATUS_FAILED, &[&failed]),
        ));
    }
    let held = items(&document["held"]);
    if !held.is_empty() {
        let ids: Vec<String> = held.iter().map(scalar).collect();
        let text = paper.fill(words::STATUS_HELD, &[&ids.join(paper.comma())]);
        said.push(("! ", Tint::Warn, text));
    }
    let applications = document["applications"]["pending"].as_u64().unwrap_or(0);
    if applications > 0 {
        let text = paper.fill(words::STATUS_APPLICATIONS, &[&applications]);
        said.push(("! ", Tint::Warn, text));
    }
    let waiting = document["waiting"]["quota_or_permission"]
        .as_u64()
        .unwrap_or(0);
    if waiting > 0 {
        said.push((
            "! ",
            Tint::Warn,
            paper.fill(words::STATUS_CHANGES_HELD, &[&waiting]),
        ));
    }
    for target in items(&document["notify"]) {
        if target["failing_since"].is_null() {
            continue;
        }
        let text = paper.fill(
            words::STATUS_NOTIFY,
            &[
                &str_of(&target["target"]),
                &time::moment(&target["failing_since"]),
                &scalar(&target["waiting"]),
                &str_of(&target["error"]),
            ],
        );
        said.push(("! ", Tint::Warn, text));
    }
    let sources_fine = items(&document["sources"])
        .iter()
        .all(|s| str_of(&s["state"]) == "ok");
    paper.gap();
    if said.is_empty() {
        if sources_fine && document["frozen"].is_null() && !items(&document["sources"]).is_empty() {
            paper.paragraph(
                "✓ ",
                Tint::Good,
                paper.word(words::STATUS_FINE),
                Tint::Plain,
            );
        }
        return;
    }
    for (lead, tint, text) in said {
        paper.paragraph(lead, tint, &text, Tint::Plain);
    }
}
