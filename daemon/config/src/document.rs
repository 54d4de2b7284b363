//! The file as text and as a tree in which every key and value knows its place.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A configuration file's name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceText {
    /// The name as the user gave it.
    pub(crate) file: String,
    /// The whole text.
    pub(crate) text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// Where something stands: line and column count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl SourceText {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            lines: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// The place of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = self.boundary(offset);
        let nth = self.line_of(offset);
        let before = &self.text[self.lines[nth]..offset];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            line: count(nth + 1),
            column: count(before.chars().count() + 1),
        }
    }

    /// The line that a byte offset stands in, and the offset inside it.
    pub(crate) fn line_at(&self, offset: usize) -> (&str, usize) {
        let offset = self.boundary(offset);
        let nth = self.line_of(offset);
        let start = self.lines[nth];
        let end = self
            .lines
            .get(nth + 1)
            .map_or(self.text.len(), |next| next - 1);
        let line = &self.text[start..end];
        (line.strip_suffix('\r').unwrap_or(line), offset - start)
    }

    /// Which line a byte offset stands in, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// A value and the bytes it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

/// What TOML can hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A date or time, as written.
    Date(String),
    /// A number that fits no type, as written.
    Huge(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table's keys, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table(pub(crate) Vec<Entry>);

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Range<usize>,
    pub(crate) node: Node,
}

impl Node {
    /// Where the value of this key stands, if this is a table that has it; else this.
    pub(crate) fn place(&self, key: &str) -> Range<usize> {
        match &self.value {
            Value::Table(table) => table.place(key, &self.span),
            _ => self.span.clone(),
        }
    }
}

impl Value {
    /// What it is, in a message: `a text`.
    pub(crate) fn described(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) | Self::Huge(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Bool(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Table {
    /// The entry of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// Where the value of this key stands, or else the table, which is at `span`.
    pub(crate) fn place(&self, key: &str, span: &Range<usize>) -> Range<usize> {
        self.get(key).map_or(span, |entry| &entry.node.span).clone()
    }
}

/// A place in the text that TOML's grammar refuses.
pub(crate) struct SyntaxError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// Reads TOML as far as it can be read, and lists every place that is not TOML.
pub(crate) fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .iter()
        .map(|error| SyntaxError {
            span: error.span().unwrap_or(0..0),
            message: error.message().to_owned(),
        })
        .collect();
    (table(document.get_ref()), errors)
}

fn table(read: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = read
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            span: key.span(),
            node: Node {
                span: value.span(),
                value: self::value(value.get_ref()),
            },
        })
        .collect();
    entries.sort_by_key(|entry| entry.span.start);
    Table(entries)
}

fn value(read: &DeValue<'_>) -> Value {
    match read {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Huge(number.to_string()), Value::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Value::Huge(number.to_string()), Value::Float),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    span: item.span(),
                    value: value(item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner)),
    }
}

/// Where in the file the byte `offset` of a decoded text stands, `raw` being that text as written at `start`.
pub(crate) fn offset_in_file(raw: &str, start: usize, offset: usize) -> usize {
    let (open, escapes) = match raw {
        r if r.starts_with("\"\"\"") => (3, true),
        r if r.starts_with("'''") => (3, false),
        r if r.starts_with('"') => (1, true),
        r if r.starts_with('\'') => (1, false),
        _ => return start,
    };
    let mut at = open;
    if open == 3 {
        at += raw[at..].len() - raw[at..].trim_start_matches('\r').len();
        at += usize::from(raw[at..].starts_with('\n'));
    }
    let mut decoded = 0;
    while let Some(next) = raw[at..].chars().next() {
        let (written, made) = match next {
            '\\' if escapes => escape(&raw[at..]),
            plain => (plain.len_utf8(), plain.len_utf8()),
        };
        // What makes nothing, a line's end that is escaped, stands before the byte that is looked for.
        if decoded >= offset && made > 0 {
            break;
        }
        at += written;
        decoded += made;
    }
    start + at.min(raw.len())
}

/// How many bytes an escape takes as written, and how many it makes.
fn escape(rest: &str) -> (usize, usize) {
    let hex = |digits: usize| {
        let end = (2 + digits).min(rest.len());
        let made = rest
            .get(2..end)
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32)
            .map_or(0, char::len_utf8);
        (end, made)
    };
    match rest[1..].chars().next() {
        Some('x') => hex(2),
        Some('u') => hex(4),
        Some('U') => hex(8),
        // A backslash at the end of a line swallows all white space up to the next character.
        Some(space) if space.is_whitespace() => {
            (1 + rest.len() - 1 - rest[1..].trim_start().len(), 0)
        }
        Some(other) => (1 + other.len_utf8(), 1),
        None => (1, 0),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// The character of the file that stands for the `x` of the decoded text.
    fn x_of(toml: &str) -> &str {
        let (table, errors) = parse(toml);
        assert!(errors.is_empty(), "{toml}");
        let node = &table.get("k").unwrap().node;
        let Value::Text(text) = &node.value else {
            panic!("a text was written")
        };
        let raw = &toml[node.span.clone()];
        let at = offset_in_file(raw, node.span.start, text.find('x').unwrap());
        &toml[at..=at]
    }

    #[test]
    fn an_offset_inside_any_kind_of_text_finds_its_place_in_the_file() {
        for toml in [
            r#"k = "abx""#,
            r"k = '\\x'",
            r#"k = "a\"\\\t\u5f20\U0001F600x""#,
            "k = \"\"\"\nab\nx\"\"\"",
            "k = \"\"\"\r\nab \\\n   x\"\"\"",
            "k = '''\n张x'''",
        ] {
            assert_eq!(x_of(toml), "x", "{toml}");
        }
    }

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = SourceText::new("f", "a\n张三 b");
        let b = text.text.find('b').unwrap();
        assert_eq!(text.place(b), Place { line: 2, column: 4 });
        assert_eq!(text.line_at(b).0, "张三 b");
        assert_eq!(text.place(999).line, 2);
    }
}
