//! What the tests share: the guest, a host, a source, a sink that remembers.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use camsync_connector_host::{
    CallError, Connector, CrawlSink, Host, HostOptions, Limits, LoadError, NameLookup, Origin,
    Session, SinkError, SourceContext, types::CrawlSummary,
};
use camsync_core::model::{Department, Member};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The secret of every test source.
pub(crate) const SECRET: &str = "s3cret/+ä";

/// The guest's component, built once.
pub(crate) fn guest() -> &'static [u8] {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    GUEST.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
        crate::build::build(&folder, &target)
    })
}

/// The guest's component with another word for `describe`.
pub(crate) fn guest_describing(word: &str) -> Vec<u8> {
    const MARK: &[u8] = b"DESCRIBE=";
    const ROOM: usize = 48;
    let mut bytes = guest().to_vec();
    let at = bytes
        .windows(MARK.len())
        .position(|window| window == MARK)
        .unwrap()
        + MARK.len();
    let padded = format!("{word:ROOM$}");
    bytes[at..at + ROOM].copy_from_slice(padded.as_bytes());
    bytes
}

/// Options with compiled code shared by all tests.
pub(crate) fn options() -> HostOptions {
    HostOptions {
        cache_dir: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        lookup: Arc::new(Names),
        ..HostOptions::default()
    }
}

pub(crate) async fn load(host: &Host, bytes: Vec<u8>) -> Result<Connector, LoadError> {
    host.load(Origin::BuiltIn("guest".to_owned()), bytes, None)
        .await
}

/// The guest, loaded into a host of its own.
pub(crate) async fn connector() -> Connector {
    load(&Host::new(options()).unwrap(), guest().to_vec())
        .await
        .unwrap()
}

/// A source with these settings and the secret.
pub(crate) fn source(mut settings: Value) -> SourceContext {
    settings["secret"] = SECRET.into();
    SourceContext {
        source: "acme".to_owned(),
        settings,
        secrets: vec![Zeroizing::new(SECRET.to_owned())],
        limits: Limits {
            memory: 64 * 1024 * 1024,
            idle: Duration::from_secs(20),
            time: Duration::from_secs(60),
            response: 1024 * 1024,
        },
        allowed_hosts: Vec::new(),
        operator_endpoints: Vec::new(),
    }
}

/// A session whose connector behaves so.
pub(crate) async fn session(behaviour: &str) -> Session {
    connector()
        .await
        .session(source(json!({"behaviour": behaviour})))
        .unwrap()
}

/// Crawls into a sink that remembers.
pub(crate) async fn crawl(session: &Session) -> (Result<CrawlSummary, CallError>, Remembered) {
    let mut sink = Remembered::default();
    let outcome = session.crawl(&mut sink).await;
    (outcome, sink)
}

/// A sink that remembers what it was given.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) departments: Vec<Department>,
    pub(crate) members: Vec<Member>,
    pub(crate) progress: Vec<(u32, Option<u32>)>,
}

impl Remembered {
    /// The names of departments by id: how the guest tells what it saw.
    pub(crate) fn told(&self) -> BTreeMap<&str, &str> {
        self.departments
            .iter()
            .map(|department| (department.id.as_str(), department.name.as_str()))
            .collect()
    }
}

impl CrawlSink for Remembered {
    fn departments(&mut self, batch: Vec<Department>) -> Result<(), SinkError> {
        self.departments.extend(batch);
        Ok(())
    }

    fn members(&mut self, batch: Vec<Member>) -> Result<(), SinkError> {
        self.members.extend(batch);
        Ok(())
    }

    fn progress(&mut self, done: u32, total: Option<u32>) {
        self.progress.push((done, total));
    }
}

/// Resolves the names of these tests without asking anyone.
pub(crate) struct Names;

#[async_trait]
impl NameLookup for Names {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses: &[&str] = match name {
            "localhost" | "rebound.example" | "tls.example" => &["127.0.0.1"],
            "private.example" => &["10.0.0.1", "192.168.0.1"],
            "metadata.example" => &["169.254.169.254"],
            "nat64.example" => &["64:ff9b::7f00:1"],
            _ => return Err(io::Error::other("no such name")),
        };
        Ok(addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}
