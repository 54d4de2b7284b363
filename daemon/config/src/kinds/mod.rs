//! The ways a value is written: each says how it is read, described and shown.

mod net;
mod quantity;
mod rule;
mod table;

use std::marker::PhantomData;
use std::path::PathBuf;

use camsync_core::nearest::nearest;
use serde_json::{Value as Json, json};

use crate::bilingual::Bilingual;
use crate::document::{Node, Value};
use crate::reader::{Kind, Reader, Shape};
use crate::schedule::Schedule;

pub(crate) use net::{Address, Endpoint, Host, PublicUrl, WebUrl, endpoint};
pub(crate) use quantity::{Pause, Period, PeriodOrNever, Ratio, Size, Whole};
pub(crate) use rule::{Template, When};
pub(crate) use table::{Many, One, SECRET_WORDS, Secretive, one_line, secret_in, table_schema};

impl Shape {
    /// A value that holds no table.
    pub(crate) fn plain(words: impl Into<Bilingual<String>>, schema: Json) -> Self {
        Self {
            words: words.into(),
            schema,
            inner: None,
        }
    }
}

/// The text of a node; anything else is refused.
fn text<'n>(node: &'n Node, reader: &mut Reader<'_>, wanted: &str) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => {
            reader.wrong_type(node, wanted);
            None
        }
    }
}

/// A text that is not empty.
pub(crate) struct Text;

impl Kind for Text {
    type Out = String;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
        let text = text(node, reader, "a text")?;
        if text.trim().is_empty() {
            let message = format!("`{}` is empty", reader.path());
            reader.refuse(&node.span, message, "leave the key out, or give it a value");
            return None;
        }
        Some(text.to_owned())
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a text",
                zh: "文本",
            },
            json!({ "type": "string", "minLength": 1 }),
        )
    }

    fn show(value: &String) -> Json {
        json!(value)
    }
}

/// `true` or `false`.
pub(crate) struct Switch;

impl Kind for Switch {
    type Out = bool;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<bool> {
        match node.value {
            Value::Bool(yes) => Some(yes),
            _ => {
                reader.wrong_type(node, "`true` or `false`");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "`true` or `false`",
                zh: "`true` 或 `false`",
            },
            json!({ "type": "boolean" }),
        )
    }

    fn show(value: &bool) -> Json {
        json!(value)
    }
}

/// A file or folder; a relative one starts from the configuration file's folder.
pub(crate) struct FilePath;

impl Kind for FilePath {
    type Out = PathBuf;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<PathBuf> {
        Text::read(node, reader).map(|text| reader.base.join(text))
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a path; a relative one starts from this file's folder",
                zh: "路径；相对路径从本文件所在目录算起",
            },
            json!({ "type": "string", "minLength": 1 }),
        )
    }

    fn show(value: &PathBuf) -> Json {
        json!(value.display().to_string())
    }
}

/// A name that may stand in a path, a URL and a log line.
pub(crate) struct Name;

/// The longest name.
const LONGEST_NAME: usize = 64;

impl Kind for Name {
    type Out = String;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
        let text = text(node, reader, "a name")?;
        let fits = (1..=LONGEST_NAME).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            let message = format!("`{}` is not a name: {text:?}", reader.path());
            let remedy =
                format!("a name is 1 to {LONGEST_NAME} letters (a-z, A-Z), digits, `-` and `_`");
            reader.refuse(&node.span, message, remedy);
            return None;
        }
        Some(text.to_owned())
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a name of up to 64 letters, digits, `-` and `_`",
                zh: "名称：至多 64 个字母、数字、`-` 与 `_`",
            },
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
        )
    }

    fn show(value: &String) -> Json {
        json!(value)
    }
}

/// A SHA-256 in hexadecimal, kept in lower case.
pub(crate) struct Digest;

impl Kind for Digest {
    type Out = String;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
        let text = text(node, reader, "a SHA-256")?;
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("`{}` is not a SHA-256", reader.path());
            reader.refuse(
                &node.span,
                message,
                "64 hexadecimal digits, as `sha256sum FILE` prints them",
            );
            return None;
        }
        Some(text.to_ascii_lowercase())
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "64 hexadecimal digits",
                zh: "64 位十六进制数",
            },
            json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" }),
        )
    }

    fn show(value: &String) -> Json {
        json!(value)
    }
}

/// Values that are written as one of a few words.
pub(crate) trait Words: Copy + PartialEq + 'static {
    /// Each word, what it stands for, and what that means.
    const WORDS: &'static [(&'static str, Self, Bilingual)];
}

/// One of a few words.
pub(crate) struct OneOf<W>(PhantomData<W>);

impl<W: Words> Kind for OneOf<W> {
    type Out = W;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<W> {
        let words = || W::WORDS.iter().map(|(word, ..)| *word);
        let listed = words()
            .map(|w| format!("{w:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        let text = text(node, reader, &format!("one of {listed}"))?;
        let found = W::WORDS.iter().find(|(word, ..)| *word == text);
        if found.is_none() {
            let message = match nearest(text, words()) {
                Some(near) => format!(
                    "`{}` knows no {text:?}, did you mean {near:?}?",
                    reader.path()
                ),
                None => format!("`{}` knows no {text:?}", reader.path()),
            };
            reader.refuse(&node.span, message, format!("one of {listed}"));
        }
        found.map(|(_, value, _)| *value)
    }

    fn shape() -> Shape {
        let words = |part: fn(&Bilingual) -> String, comma: &str| {
            let words: Vec<String> = W::WORDS
                .iter()
                .map(|(word, _, meaning)| format!("`\"{word}\"`{}", part(meaning)))
                .collect();
            words.join(comma)
        };
        let choices: Vec<Json> = W::WORDS
            .iter()
            .map(|(word, _, meaning)| json!({ "const": word, "description": meaning.en }))
            .collect();
        Shape::plain(
            Bilingual {
                en: words(|meaning| format!(" ({})", meaning.en), ", "),
                zh: words(|meaning| format!("（{}）", meaning.zh), "、"),
            },
            json!({ "type": "string", "oneOf": choices }),
        )
    }

    fn show(value: &W) -> Json {
        let word = W::WORDS.iter().find(|(_, known, _)| known == value);
        json!(word.map(|(word, ..)| word))
    }
}

/// A list of values.
pub(crate) struct List<K>(PhantomData<K>);

impl<K: Kind> Kind for List<K> {
    type Out = Vec<K::Out>;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<K::Out>> {
        let Value::List(items) = &node.value else {
            reader.wrong_type(node, "a list in [ ]");
            return None;
        };
        let before = reader.count();
        let read: Vec<K::Out> = items
            .iter()
            .filter_map(|item| K::read(item, reader))
            .collect();
        (reader.count() == before).then_some(read)
    }

    fn shape() -> Shape {
        let inner = K::shape();
        Shape::plain(
            Bilingual {
                en: format!("a list, each {}", inner.words.en),
                zh: format!("列表，每项为：{}", inner.words.zh),
            },
            json!({ "type": "array", "items": inner.schema }),
        )
    }

    fn show(value: &Vec<K::Out>) -> Json {
        value.iter().map(K::show).collect()
    }
}

/// A time zone by its name in the IANA database.
pub(crate) struct Zone;

impl Kind for Zone {
    type Out = chrono_tz::Tz;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<chrono_tz::Tz> {
        let text = text(node, reader, "a time zone's name")?;
        if let Ok(zone) = text.parse() {
            return Some(zone);
        }
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let message = match nearest(text, known) {
            Some(near) => format!("unknown time zone {text:?}, did you mean {near:?}?"),
            None => format!("unknown time zone {text:?}"),
        };
        reader.refuse(
            &node.span,
            message,
            "a name of the IANA database, such as \"Asia/Shanghai\" or \"UTC\"",
        );
        None
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a time zone's IANA name such as `\"Asia/Shanghai\"`",
                zh: "IANA 时区名，如 `\"Asia/Shanghai\"`",
            },
            json!({ "type": "string" }),
        )
    }

    fn show(value: &chrono_tz::Tz) -> Json {
        json!(value.name())
    }
}

/// When to crawl.
pub(crate) struct Cron;

impl Kind for Cron {
    type Out = Schedule;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Schedule> {
        let text = text(node, reader, "a cron expression")?;
        match Schedule::parse(text) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                let at = reader.inside(node, error.range.start);
                let span = at..at + error.range.len();
                let message = format!("`{}` is not a schedule: {}", reader.path(), error.message);
                let remedy = "minute hour day-of-month month day-of-week, with seconds before them if there are six; \
                              \"*/10 * * * *\" is every ten minutes";
                reader.refuse(&span, message, remedy);
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a cron expression of 5 fields, or 6 with seconds first; weekdays are UNIX's (0 and 7 are Sunday)",
                zh: "5 个字段的 cron 表达式，或 6 个、秒在最前；星期同 UNIX（0 与 7 都是星期日）",
            },
            json!({ "type": "string" }),
        )
    }

    fn show(value: &Schedule) -> Json {
        json!(value.as_str())
    }
}
