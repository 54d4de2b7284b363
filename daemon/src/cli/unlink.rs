//! `unlink` in two steps: what becomes of everybody is shown, and only what was shown is done.

use std::io::IsTerminal as _;

use camsync_core::plan::Then;
use serde_json::{Value, json};

use crate::ops::{OpError, Request};
use crate::say::refusals;

use super::render::{self, Draw};
use super::screen::Screen;
use super::{Place, ask};

/// Shows, asks, does.
///
/// # Errors
/// What the operations say; that nobody confirmed.
pub(super) async fn run(
    place: &Place,
    source: &str,
    then: Then,
    yes: bool,
    json: bool,
    screen: &Screen,
) -> Result<u8, OpError> {
    let request = |confirm: Option<String>| Request::Unlink {
        source: source.to_owned(),
        then,
        confirm,
    };
    let progress = screen.progress(json);
    let shown = ask(place, &request(None), &progress).await?;
    screen.finish();
    if !json {
        screen.print(&render::text(Draw::Unlink, &shown, screen.style()));
    }
    if !yes && !confirmed(source, json, screen) {
        let refused = refusals::unlink_not_confirmed(source);
        if !json {
            return Err(refused);
        }
        // One document: what would have been done, and that it was not.
        screen.error(refused.to(place.language));
        let mut document = shown;
        document["error"] = json!(refused.message);
        document["exit"] = json!(refused.exit.code());
        screen.json(&document);
        return Ok(refused.exit.code());
    }
    let word = shown["unlink"]["confirm"].as_str().map(str::to_owned);
    let done: Value = ask(place, &request(word), &progress).await?;
    screen.finish();
    if json {
        screen.json(&done);
    } else {
        screen.print(&render::text(Draw::Unlink, &done, screen.style()));
    }
    Ok(0)
}

/// Whether a person at a terminal types the source's name.
fn confirmed(source: &str, json: bool, screen: &Screen) -> bool {
    if json || !std::io::stdin().is_terminal() {
        return false;
    }
    screen.ask(render::unlink_question(screen.style())) == source
}
