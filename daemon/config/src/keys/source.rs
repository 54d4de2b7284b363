//! `[[source]]`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use crate::document::{Node, Table};
use crate::kinds::{Cron, Digest, FilePath, Host, List, Name, One, Period, Size, Text, Zone};
use crate::reader::{Kind, Reader, Shape, section};
use crate::schedule::Schedule;
use crate::settings::{Opaque, Settings};

section! {
    /// One identity provider: a connector, its settings, and a schedule.
    pub struct Source {
        /// What the source is called, everywhere.
        name: String = Name, required;
        /// What the source was called before: its members and sub-users stay its own.
        former_name: Option<String> = Name, optional("it was never renamed");
        /// The connector: a built-in one (`wecom`), a name from `connectors_dir`, or the path of a `.wasm` file.
        connector: ConnectorRef = Connector, required;
        /// The connector file's SHA-256: any other file is refused.
        sha256: Option<String> = Digest, optional("any file");
        /// What the connector may use.
        limits: Limits = One<Limits>, default({});
        /// When the source is crawled.
        schedule: Schedule = Cron, default("*/10 * * * *");
        /// The time zone of the schedule.
        timezone: Tz = Zone, derived("the system's", Some(system_zone()));
        /// The hosts that the connector may reach. A setting that its schema marks as an endpoint adds its host.
        allow_hosts: Option<Vec<String>> = List<Host>, optional("what the connector declares");
        /// The connector's own settings, checked against its own schema. A secret is written
        /// `{ env = "NAME" }`, `{ file = "PATH" }` or `{ credential = "NAME" }`.
        settings: Settings = Opaque, default({});
    }
    line line;
    together distinct_sources;
}

fn distinct_sources(all: &[(Source, &Node)], reader: &mut Reader<'_>) {
    if all.is_empty() && reader.count() == 0 {
        reader.refuse(&(0..0), "there is no source", "add a [[source]]");
    }
    let mut names: HashMap<String, u32> = HashMap::new();
    for (source, node) in all {
        if let Some(line) = names.insert(source.name.to_lowercase(), source.line) {
            reader.under("name", |reader| {
                reader.refuse(
                    &node.place("name"),
                    format!("the source in line {line} is called {:?} too", source.name),
                    "give each source a name of its own (upper and lower case count as the same)",
                );
            });
        }
    }
    for (source, node) in all {
        let Some(former) = &source.former_name else {
            continue;
        };
        if let Some(line) = names.insert(former.to_lowercase(), source.line) {
            reader.under("former_name", |reader| {
                reader.refuse(
                    &node.place("former_name"),
                    format!("the source in line {line} has the name {former:?} already"),
                    "a former name belongs to one source, and to none that is still called so",
                );
            });
        }
    }
}

impl Source {
    /// The next scheduled crawl after a moment.
    #[must_use]
    pub fn next_crawl(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.after(after, self.timezone)
    }
}

/// The system's time zone, or UTC where it has none.
fn system_zone() -> Tz {
    iana_time_zone::get_timezone()
        .ok()
        .and_then(|name| name.parse().ok())
        .unwrap_or(Tz::UTC)
}

section! {
    /// What a connector may use; beyond it, the crawl ends as failed.
    pub struct Limits {
        /// Memory, in bytes.
        memory: u64 = Size, default("256MiB");
        /// Time without progress.
        idle: Duration = Period, default("2m");
        /// Time for one crawl.
        time: Duration = Period, default("1h");
        /// The body of one HTTP answer, in bytes.
        response: u64 = Size, default("32MiB");
    }
    check idle_within_time;
}

fn idle_within_time(limits: &Limits, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    if limits.idle > limits.time {
        reader.under("idle", |reader| {
            reader.refuse(
                &table.place("idle", span),
                "`source.limits.idle` is longer than `source.limits.time`",
                "the time without progress is a part of the time for the whole crawl",
            );
        });
    }
}

/// What a source's `connector` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConnectorRef {
    /// A built-in connector, or the file of this name in `connectors_dir`.
    Named(String),
    /// A component's file.
    File(PathBuf),
}

/// A connector by name or by path.
struct Connector;

impl Kind for Connector {
    type Out = ConnectorRef;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<ConnectorRef> {
        let text = Text::read(node, reader)?;
        if text.contains(['/', '\\']) || text.ends_with(".wasm") {
            return Some(ConnectorRef::File(reader.base.join(text)));
        }
        Name::read(node, reader).map(ConnectorRef::Named)
    }

    fn shape() -> Shape {
        Shape::plain(
            "a connector's name, or the path of a `.wasm` file",
            json!({ "type": "string", "minLength": 1 }),
        )
    }

    fn show(value: &ConnectorRef) -> Json {
        match value {
            ConnectorRef::Named(name) => json!(name),
            ConnectorRef::File(path) => FilePath::show(path),
        }
    }
}
