//! The same connector code against the same simulator: through WebAssembly and natively.

use std::error::Error;
use std::path::Path;

use camsync::connectors;
use camsync_connector_host::{
    AllowedHost, CrawlSink, Host, HostOptions, Limits, SinkError, SourceContext,
};
use camsync_core::model::{Department, Member};
use serde_json::{Value, json};

use crate::cpu::processor_time;
use crate::native;

/// Crawls once to warm up, then `times` times, and prints the processor time that one crawl took.
pub(crate) fn measure(way: &str, url: &str, times: u32) -> Result<(), Box<dyn Error>> {
    // As many threads as the daemon has for it: the guest, and its requests beside it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let settings = json!({
        "corp_id": "ww0123456789abcdef",
        "agent_id": 1_000_002,
        "secret": "simulated-app-secret",
        "api_base": url,
    });
    let mut once: Box<dyn FnMut() -> Result<usize, Box<dyn Error>>> = match way {
        "native" => {
            let host = native::NativeHost::new(runtime.handle().clone())?;
            let settings = settings.to_string();
            Box::new(move || host.crawl(&settings))
        }
        "wasm" => through_wasm(&runtime, url, settings)?,
        other => return Err(format!("no such way to crawl: {other}").into()),
    };
    let members = once()?;
    let before = processor_time()?;
    for _ in 0..times {
        once()?;
    }
    let spent = (processor_time()? - before) / times;
    println!(
        "{}",
        json!({ "members": members, "seconds": spent.as_secs_f64() })
    );
    drop(once);
    Ok(())
}

/// One crawl; how many members it found.
type Crawl<'r> = Box<dyn FnMut() -> Result<usize, Box<dyn Error>> + 'r>;

/// One crawl through the host, which keeps connector and session as the daemon does.
fn through_wasm<'r>(
    runtime: &'r tokio::runtime::Runtime,
    url: &str,
    settings: Value,
) -> Result<Crawl<'r>, Box<dyn Error>> {
    let reference = camsync_config::ConnectorRef::Named("wecom".into());
    let (origin, bytes) = connectors::find(&reference, Path::new("."))?;
    let host = Host::new(HostOptions::default())?;
    let connector = runtime.block_on(host.load(origin, bytes, None))?;
    let session = connector.session(SourceContext {
        source: "benchmark".into(),
        settings,
        secrets: Vec::new(),
        limits: Limits::default(),
        allowed_hosts: Vec::new(),
        operator_endpoints: vec![AllowedHost::of_url(url)?],
    })?;
    Ok(Box::new(move || {
        let mut kept = Kept::default();
        let summary = runtime.block_on(session.crawl(&mut kept))?;
        if !summary.complete {
            return Err(format!("the crawl was not complete: {:?}", summary.missing).into());
        }
        Ok(kept.members.len())
    }))
}

/// Keeps what a crawl hands over.
#[derive(Default)]
struct Kept {
    departments: Vec<Department>,
    members: Vec<Member>,
}

impl CrawlSink for Kept {
    fn departments(&mut self, batch: Vec<Department>) -> Result<(), SinkError> {
        self.departments.extend(batch);
        Ok(())
    }

    fn members(&mut self, batch: Vec<Member>) -> Result<(), SinkError> {
        self.members.extend(batch);
        Ok(())
    }
}
