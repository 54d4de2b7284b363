//! Names come from providers, and a terminal obeys escape sequences: what is drawn is made harmless first.

use serde_json::{Map, Value};

/// A text without anything that a terminal obeys, or that turns the reading order round. Line breaks stay.
pub(crate) fn text(said: &str) -> String {
    if said.chars().all(|c| c == '\n' || is_harmless(c)) {
        return said.to_owned();
    }
    let mut safe = String::with_capacity(said.len());
    for c in said.chars() {
        match c {
            '\n' => safe.push('\n'),
            c if is_harmless(c) => safe.push(c),
            // C0 and DEL have pictures of their own: ESC shows as one.
            c if u32::from(c) < 0x20 => {
                safe.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => safe.push('\u{2421}'),
            c => safe.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    safe
}

/// The same on one line.
pub(crate) fn line(said: &str) -> String {
    text(said).replace('\n', "\u{23ce}")
}

/// Every text of a document made harmless, keys too.
pub(crate) fn document(value: &Value) -> Value {
    match value {
        Value::String(said) => Value::String(text(said)),
        Value::Array(items) => Value::Array(items.iter().map(document).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (line(key), document(value)))
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

/// JSON that means the same and holds nothing that a terminal obeys: such characters are only ever inside texts.
pub(crate) fn json(written: &str) -> String {
    if written.chars().all(|c| c == '\n' || is_harmless(c)) {
        return written.to_owned();
    }
    let mut safe = String::with_capacity(written.len());
    for c in written.chars() {
        if c == '\n' || is_harmless(c) {
            safe.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}

/// Neither a control character (C1 holds an 8-bit escape), nor one that steers bidirectional text, nor an
/// invisible one in which a name could hide. Joiners stay: emoji and several scripts need them.
fn is_harmless(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        assert_eq!(text("a\u{1b}[31mb"), "a\u{241b}[31mb");
        assert_eq!(text("a\u{202e}b\u{9b}0m"), "a\\u{202e}b\\u{9b}0m");
        assert_eq!(line("a\r\nb"), "a\u{240d}\u{23ce}b");
        assert_eq!(
            text("张三 👩\u{200d}🔬 e\u{301}"),
            "张三 👩\u{200d}🔬 e\u{301}"
        );
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a\u{9b}": "x\u{7f}\u{202e}\u{e0041}\u{1b}y" });
        let written = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&written);
        assert!(safe.chars().all(|c| c == '\n' || is_harmless(c)));
        let read: Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(read, value);
    }
}
