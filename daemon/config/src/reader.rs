//! Reads tables by declared keys: [`section!`] is the one place where a key's name, type, default and meaning stand.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use camsync_core::nearest::nearest;
use serde_json::Value as Json;

use crate::bilingual::Bilingual;
use crate::document::{Entry, Node, SourceText, Table, Value, offset_in_file};
use crate::problem::{Excerpt, Problem};

/// One way to write a value: how it is read, described and shown again.
pub(crate) trait Kind {
    /// What reading makes.
    type Out;
    /// Reads a value; nothing when it was refused and the reader knows why.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self::Out>;
    /// How it is written.
    fn shape() -> Shape;
    /// The value as `config show` has it: never a secret.
    fn show(value: &Self::Out) -> Json;
}

/// A table with declared keys.
pub(crate) trait Section: Sized {
    /// What the table is about.
    const DOC: Bilingual;
    /// Its keys, in the order of the manual.
    fn keys() -> Vec<Key>;
    /// Reads it; nothing when something in it was refused.
    fn read(table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) -> Option<Self>;
    /// Its values as `config show` has them.
    fn show(&self) -> Json;
    /// Refuses keys that contradict each other.
    fn check(&self, _table: &Table, _span: &Range<usize>, _reader: &mut Reader<'_>) {}
    /// Refuses tables of one list that contradict each other.
    fn check_together(_all: &[(Self, &Node)], _reader: &mut Reader<'_>) {}
}

/// How a value is written, for people and for machines.
pub(crate) struct Shape {
    /// For the manual: `a duration such as "24h"`.
    pub(crate) words: Bilingual<String>,
    /// A JSON Schema.
    pub(crate) schema: Json,
    /// The table inside, if it is one, and whether it may stand more than once.
    pub(crate) inner: Option<(Inner, bool)>,
}

/// A table inside a table, for the manual.
pub(crate) struct Inner {
    pub(crate) doc: Bilingual,
    pub(crate) keys: Vec<Key>,
}

/// A declared key.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) doc: Bilingual,
    pub(crate) presence: Presence,
    pub(crate) shape: Shape,
}

/// Whether a key may be left out.
pub(crate) enum Presence {
    /// It may not.
    Required,
    /// This is what holds without it.
    Default(Json),
    /// What holds without it, in words.
    Otherwise(Bilingual),
}

/// Reads one file, and gathers all that is wrong with it.
pub(crate) struct Reader<'a> {
    pub(crate) text: &'a Arc<SourceText>,
    /// The folder that relative paths start from.
    pub(crate) base: &'a Path,
    problems: Vec<Problem>,
    /// How many more there were than are kept.
    dropped: usize,
    path: Vec<String>,
    secret: bool,
}

/// The most problems that are kept of one file: what has more is not a configuration.
const MOST_KEPT: usize = 1000;

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a Arc<SourceText>, base: &'a Path) -> Self {
        Self {
            text,
            base,
            problems: Vec::new(),
            dropped: 0,
            path: Vec::new(),
            secret: false,
        }
    }

    /// Records a problem with the key being read.
    pub(crate) fn refuse(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.problems.len() == MOST_KEPT {
            self.dropped += 1;
            return;
        }
        let excerpt = if self.secret {
            Excerpt::KeyOnly
        } else {
            Excerpt::Whole
        };
        self.problems.push(Problem::at(
            self.text,
            span,
            self.path(),
            message.into(),
            remedy.into(),
            excerpt,
        ));
    }

    /// Records that a value has the wrong type.
    pub(crate) fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let message = format!(
            "`{}` must be {wanted}, not {}",
            self.path(),
            node.value.described()
        );
        self.refuse(&node.span, message, "");
    }

    /// Where in the file the byte `offset` of a text's value stands.
    pub(crate) fn inside(&self, node: &Node, offset: usize) -> usize {
        let raw = self.text.text.get(node.span.clone()).unwrap_or("");
        offset_in_file(raw, node.span.start, offset)
    }

    /// The full path of the key being read.
    pub(crate) fn path(&self) -> String {
        self.path.join(".")
    }

    /// Does `work` with `key` added to the path.
    pub(crate) fn under<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let done = work(self);
        self.path.pop();
        done
    }

    /// Does `work` while no value is repeated in a message's excerpt, for it may be a secret.
    pub(crate) fn in_secret<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.secret, true);
        let done = work(self);
        self.secret = before;
        done
    }

    /// How many problems there are so far.
    pub(crate) fn count(&self) -> usize {
        self.problems.len() + self.dropped
    }

    /// All problems, in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| (p.line, p.column));
        self.problems
    }
}

/// The keys of one table while it is being read.
pub(crate) struct Fields<'t, 'r, 'a> {
    table: &'t Table,
    span: Range<usize>,
    reader: &'r mut Reader<'a>,
}

impl<'t, 'r, 'a> Fields<'t, 'r, 'a> {
    /// Starts reading a table: refuses keys that are not among `known`.
    pub(crate) fn new(
        table: &'t Table,
        span: &Range<usize>,
        reader: &'r mut Reader<'a>,
        known: &[&str],
    ) -> Self {
        for entry in &table.0 {
            if !known.contains(&entry.key.as_str()) {
                reader.under(&entry.key, |reader| unknown_key(entry, known, reader));
            }
        }
        Self {
            table,
            span: span.clone(),
            reader,
        }
    }

    /// A key that must be there.
    pub(crate) fn required<K: Kind>(&mut self, name: &str) -> Option<K::Out> {
        match self.optional::<K>(name) {
            Some(None) => {
                let span = self.span.clone();
                let shape = K::shape();
                self.reader.under(name, |reader| {
                    let path = reader.path();
                    let remedy = match shape.inner {
                        Some((_, true)) => format!("add a [[{path}]]"),
                        Some((_, false)) => format!("add [{path}]"),
                        None => format!("add `{name}`: {}", shape.words.en),
                    };
                    reader.refuse(&span, format!("`{path}` is missing"), remedy);
                });
                None
            }
            found => found.flatten(),
        }
    }

    /// A key that stands for `default` when it is left out.
    pub(crate) fn default<K: Kind>(&mut self, name: &str, default: Json) -> Option<K::Out> {
        match self.optional::<K>(name) {
            Some(None) => {
                let node = literal(default, &self.span);
                self.reader.under(name, |reader| K::read(&node, reader))
            }
            found => found.flatten(),
        }
    }

    /// A key that may be left out; the outer nothing means that it was refused.
    pub(crate) fn optional<K: Kind>(&mut self, name: &str) -> Option<Option<K::Out>> {
        match self.table.get(name) {
            None => Some(None),
            Some(entry) => self
                .reader
                .under(name, |reader| K::read(&entry.node, reader))
                .map(Some),
        }
    }

    /// The line that the table begins in.
    pub(crate) fn line(&self) -> u32 {
        self.reader.text.place(self.span.start).line
    }
}

/// Refuses a key that nobody declared.
pub(crate) fn unknown_key(entry: &Entry, known: &[&str], reader: &mut Reader<'_>) {
    if reader.problems.len() == MOST_KEPT {
        // What the key may have meant takes a while to find, and nobody will read it.
        reader.dropped += 1;
        return;
    }
    let path = reader.path();
    let near = nearest(&entry.key, known.iter().copied());
    let message = match near {
        Some(near) => format!("unknown key `{path}`, did you mean `{near}`?"),
        None => format!("unknown key `{path}`"),
    };
    let remedy = match (near, crate::reference::home_of(&entry.key)) {
        (None, Some(home)) => format!("`{}` belongs in {home}", entry.key),
        _ => format!("known here: {}", known.join(", ")),
    };
    // A key that is not known may be a secret under a wrong name.
    reader.in_secret(|reader| reader.refuse(&entry.span, message, remedy));
}

/// A default as if it were written in the file.
fn literal(json: Json, span: &Range<usize>) -> Node {
    let value = match json {
        Json::Bool(yes) => Value::Bool(yes),
        Json::Number(number) => number.as_i64().map_or_else(
            || Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            Value::Integer,
        ),
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(|i| literal(i, span)).collect()),
        Json::Object(map) => Value::Table(Table(
            map.into_iter()
                .map(|(key, value)| Entry {
                    key,
                    span: span.clone(),
                    node: literal(value, span),
                })
                .collect(),
        )),
        Json::Null => Value::Table(Table::default()),
    };
    Node {
        span: span.clone(),
        value,
    }
}

/// Declares a table of the configuration: a struct (or, after `for`, a struct that exists already), and for each
/// key its meaning in English and in Chinese (`#[zh = "…"]`), its [`Kind`], and whether it may be left out: `required`,
/// `default(VALUE)`, `optional("what holds without it", "the same in Chinese")`, or `derived("from what", "the same in
/// Chinese", EXPRESSION)` over the keys above it. A text without its Chinese does not compile. After the keys:
/// `line FIELD;` keeps the table's line, `check FUNCTION;` and `together FUNCTION;` are [`Section::check`] and
/// [`Section::check_together`].
macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        #[zh = $zh:literal]
        pub struct $name:ident {
            $( $(#[doc = $kdoc:literal])+ #[zh = $kzh:literal] $field:ident: $type:ty = $kind:ty, $how:ident $(($($arg:tt)*))?; )+
        }
        $(line $line:ident;)?
        $(check $check:path;)?
        $(together $together:path;)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $kdoc])+ pub $field: $type, )+
            $(
                /// The line of the file that the table begins in, from 1.
                pub $line: u32,
            )?
        }
        section! {
            $(#[doc = $doc])+
            #[zh = $zh]
            for $name {
                $( $(#[doc = $kdoc])+ #[zh = $kzh] $field = $kind, $how $(($($arg)*))?; )+
            }
            $(line $line;)?
            $(check $check;)?
            $(together $together;)?
        }
    };
    (
        $(#[doc = $doc:literal])+
        #[zh = $zh:literal]
        for $name:ty {
            $( $(#[doc = $kdoc:literal])+ #[zh = $kzh:literal] $field:ident = $kind:ty, $how:ident $(($($arg:tt)*))?; )+
        }
        $(line $line:ident;)?
        $(check $check:path;)?
        $(together $together:path;)?
    ) => {
        impl $crate::reader::Section for $name {
            const DOC: $crate::bilingual::Bilingual = $crate::bilingual::Bilingual {
                en: concat!($($doc, "\n"),+),
                zh: $zh,
            };

            fn keys() -> Vec<$crate::reader::Key> {
                use $crate::reader::Kind as _;
                vec![ $( $crate::reader::Key {
                    name: stringify!($field),
                    doc: $crate::bilingual::Bilingual { en: concat!($($kdoc, "\n"),+), zh: $kzh },
                    presence: section!(@presence $how $(($($arg)*))?),
                    shape: <$kind>::shape(),
                } ),+ ]
            }

            fn read(
                table: &$crate::document::Table,
                span: &std::ops::Range<usize>,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Option<Self> {
                let mut fields = $crate::reader::Fields::new(table, span, reader, &[$(stringify!($field)),+]);
                $( let $field = section!(@read fields $field $kind, $how $(($($arg)*))?); )+
                let made = Self { $($field: $field?,)+ $($line: fields.line(),)? };
                made.check(table, span, reader);
                Some(made)
            }

            $(
                fn check(
                    &self,
                    table: &$crate::document::Table,
                    span: &std::ops::Range<usize>,
                    reader: &mut $crate::reader::Reader<'_>,
                ) {
                    $check(self, table, span, reader);
                }
            )?

            $(
                fn check_together(
                    all: &[(Self, &$crate::document::Node)],
                    reader: &mut $crate::reader::Reader<'_>,
                ) {
                    $together(all, reader);
                }
            )?

            fn show(&self) -> serde_json::Value {
                let mut map = serde_json::Map::new();
                $( map.insert(stringify!($field).to_owned(), section!(@show self $field $kind, $how)); )+
                serde_json::Value::Object(map)
            }
        }
    };
    (@presence required) => { $crate::reader::Presence::Required };
    (@presence default($($value:tt)*)) => { $crate::reader::Presence::Default(serde_json::json!($($value)*)) };
    (@presence optional($en:literal, $zh:literal)) => {
        $crate::reader::Presence::Otherwise($crate::bilingual::Bilingual { en: $en, zh: $zh })
    };
    (@presence derived($en:literal, $zh:literal, $value:expr)) => { section!(@presence optional($en, $zh)) };
    (@read $fields:ident $field:ident $kind:ty, required) => { $fields.required::<$kind>(stringify!($field)) };
    (@read $fields:ident $field:ident $kind:ty, default($($value:tt)*)) => {
        $fields.default::<$kind>(stringify!($field), serde_json::json!($($value)*))
    };
    (@read $fields:ident $field:ident $kind:ty, optional($en:literal, $zh:literal)) => {
        $fields.optional::<$kind>(stringify!($field))
    };
    (@read $fields:ident $field:ident $kind:ty, derived($en:literal, $zh:literal, $value:expr)) => {
        $fields.optional::<$kind>(stringify!($field)).and_then(|found| found.or_else(|| $value))
    };
    (@show $self:ident $field:ident $kind:ty, optional) => {
        $self.$field.as_ref().map_or(serde_json::Value::Null, <$kind as $crate::reader::Kind>::show)
    };
    (@show $self:ident $field:ident $kind:ty, $how:ident) => {
        <$kind as $crate::reader::Kind>::show(&$self.$field)
    };
}
pub(crate) use section;
