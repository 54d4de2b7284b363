//! The WeCom (企业微信) connector: what one self-built app sees of an enterprise's directory.
//!
//! What is known of the service, and where from, is in `wecom-api.md`; the comments name its sections. It writes
//! nothing at WeCom, keeps nothing but access tokens, and never puts a URL into a message: the query holds the token.

mod api;
mod codes;
mod crawl;
mod lenient;
mod member;
mod problem;
mod range;
mod request;
mod settings;
mod token;
mod wire;

use camsync_connector_sdk::types::{
    Capability, CheckReport, CrawlSummary, Description, Failure, Language,
};
use camsync_connector_sdk::{Connector, Host};
use sha1::{Digest, Sha1};

pub use codes::{Class, TABLE, class_of};
pub use settings::{SCHEMA, Settings};

/// The connector.
pub struct WeCom;

impl Connector for WeCom {
    fn describe() -> Description {
        Description {
            name: "wecom".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "WeCom (企业微信): the members that a self-built app sees".to_owned(),
            settings_schema: SCHEMA.to_owned(),
            hosts: vec![settings::HOST.to_owned()],
            capabilities: vec![
                Capability::LookUp,
                Capability::Callbacks,
                Capability::SignIn,
            ],
        }
    }

    fn check(_: &dyn Host, _: &str, _: Language) -> Result<CheckReport, Failure> {
        Err(Failure::Bug("x".into()))
    }

    fn crawl(host: &dyn Host, settings: &str) -> Result<CrawlSummary, Failure> {
        crawl::crawl(host, &Settings::parse(settings)?)
    }
}

camsync_connector_sdk::export!(WeCom);

/// Userids compare without regard to case (`wecom-api.md` 2.1).
pub(crate) fn fold(id: &str) -> String {
    id.to_lowercase()
}

pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
