//! Draws an operation's JSON document as text.

use serde_json::Value;

use super::screen::Style;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    Status,
    Plan,
    Sync,
    Check,
    Sources,
    Source,
    Members,
    Member,
    Explain,
    Changes,
    Change,
    Plans,
    HeldPlan,
    Audit,
    AuditLines,
    Connectors,
    Connector,
    Done,
}

/// The text of a document.
pub(crate) fn text(draw: Draw, document: &Value, style: Style) -> String {
    let _ = (draw, style);
    serde_json::to_string_pretty(document).unwrap_or_default()
}
