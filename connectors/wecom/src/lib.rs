//! The WeCom (企业微信) connector.
use camsync_connector_sdk::types::*;
use camsync_connector_sdk::{Connector, Host};
/// The connector.
pub struct WeCom;
impl Connector for WeCom {
    fn describe() -> Description {
        Description {
            name: "wecom".into(),
            version: "0".into(),
            summary: String::new(),
            settings_schema: String::new(),
            hosts: vec![],
            capabilities: vec![],
        }
    }
    fn check(_: &dyn Host, _: &str, _: Language) -> Result<CheckReport, Failure> {
        Err(Failure::Bug("x".into()))
    }
    fn crawl(_: &dyn Host, _: &str) -> Result<CrawlSummary, Failure> {
        Err(Failure::Bug("x".into()))
    }
}
camsync_connector_sdk::export!(WeCom);
