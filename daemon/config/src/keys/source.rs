//! `[[source]]`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use crate::bilingual::Bilingual;
use crate::document::{Node, Table};
use crate::kinds::{Cron, Digest, FilePath, Host, List, Name, One, Period, Size, Text, Zone};
use crate::reader::{Kind, Reader, Shape, section};
use crate::schedule::Schedule;
use crate::settings::{Opaque, Settings};

section! {
    /// One identity provider: a connector, its settings, and a schedule.
    #[zh = "一个身份源：连接器、连接器的设置、拉取的时间。"]
    pub struct Source {
        /// What the source is called, everywhere.
        #[zh = "来源的名称，处处使用。"]
        name: String = Name, required;
        /// What the source was called before: its members and sub-users stay its own.
        #[zh = "来源以前的名称：成员与子用户仍归它所有。"]
        former_name: Option<String> = Name, optional("it was never renamed", "从未改名");
        /// The connector: a built-in one (`wecom`), a name from `connectors_dir`, or the path of a `.wasm` file.
        #[zh = "连接器：内置的（`wecom`）、`connectors_dir` 中的名称，或 `.wasm` 文件的路径。"]
        connector: ConnectorRef = Connector, required;
        /// The connector file's SHA-256: any other file is refused.
        #[zh = "连接器文件的 SHA-256：不符的文件一律拒绝。"]
        sha256: Option<String> = Digest, optional("any file", "任何文件");
        /// What the connector may use.
        #[zh = "连接器可用的资源。"]
        limits: Limits = One<Limits>, default({});
        /// When the source is crawled.
        #[zh = "何时拉取。"]
        schedule: Schedule = Cron, default("*/10 * * * *");
        /// The time zone of the schedule.
        #[zh = "拉取时间所用的时区。"]
        timezone: Tz = Zone, derived("the system's", "系统的时区", Some(system_zone()));
        /// The hosts that the connector may reach. A setting that its schema marks as an endpoint adds its host.
        #[zh = "连接器可访问的主机。连接器在模式中标为接口地址的设置，其主机会自动加入。"]
        allow_hosts: Option<Vec<String>> = List<Host>, optional("what the connector declares", "连接器声明的主机");
        /// The connector's own settings, checked against its own schema. A secret is written
        /// `{ env = "NAME" }`, `{ file = "PATH" }` or `{ credential = "NAME" }`.
        #[zh = "连接器自己的设置，按连接器自己的模式检查。密钥写作 `{ env = \"NAME\" }`、`{ file = \"PATH\" }` 或 `{ credential = \"NAME\" }`。"]
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
    #[zh = "连接器可用的资源；超出时，这次拉取以失败告终。"]
    pub struct Limits {
        /// Memory, in bytes.
        #[zh = "内存，以字节计。"]
        memory: u64 = Size, default("256MiB");
        /// Time without progress.
        #[zh = "没有进展的时间。"]
        idle: Duration = Period, default("2m");
        /// Time for one crawl.
        #[zh = "一次拉取的时间。"]
        time: Duration = Period, default("1h");
        /// The body of one HTTP answer, in bytes.
        #[zh = "一次 HTTP 响应的正文，以字节计。"]
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
            Bilingual {
                en: "a connector's name, or the path of a `.wasm` file",
                zh: "连接器的名称，或 `.wasm` 文件的路径",
            },
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
