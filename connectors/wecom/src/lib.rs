//! The WeCom (企业微信) connector: what one self-built app sees of an enterprise's directory.
//!
//! What is known of the service, and where from, is in `wecom-api.md`; the comments name its sections. It changes
//! nothing at WeCom but sends the app's messages, keeps nothing but access tokens, and never puts a URL into a message: the query holds the token.

mod api;
mod callback;
mod check;
mod codes;
mod crawl;
mod explain;
mod lenient;
mod look_up;
mod member;
mod message;
mod pace;
mod problem;
mod range;
mod request;
mod settings;
mod sign_in;
mod token;
mod wire;

use camsync_connector_sdk::types::{
    CallbackAnswer, CallbackRequest, Capability, CheckReport, CrawlSummary, Description,
    Explanation, Failure, FailureDetail, Language, Message, Presence, SignInRequest, SignedIn,
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
                Capability::Messages,
            ],
        }
    }

    fn check(host: &dyn Host, settings: &str, language: Language) -> Result<CheckReport, Failure> {
        check::check(host, &Settings::parse(settings)?, language)
    }

    fn crawl(host: &dyn Host, settings: &str) -> Result<CrawlSummary, Failure> {
        crawl::crawl(host, &Settings::parse(settings)?)
    }

    fn look_up(host: &dyn Host, settings: &str, ids: &[String]) -> Result<Vec<Presence>, Failure> {
        look_up::look_up(host, &Settings::parse(settings)?, ids)
    }

    fn callback(
        host: &dyn Host,
        settings: &str,
        request: &CallbackRequest,
    ) -> Result<CallbackAnswer, Failure> {
        callback::answer(host, &Settings::parse(settings)?, request)
    }

    fn sign_in_url(
        _: &dyn Host,
        settings: &str,
        request: &SignInRequest,
    ) -> Result<String, Failure> {
        Ok(sign_in::url(&Settings::parse(settings)?, request))
    }

    fn who_signed_in(host: &dyn Host, settings: &str, code: &str) -> Result<SignedIn, Failure> {
        sign_in::who(host, &Settings::parse(settings)?, code)
    }

    fn send_message(
        host: &dyn Host,
        settings: &str,
        member: &str,
        message: &Message,
    ) -> Result<(), Failure> {
        message::send(host, &Settings::parse(settings)?, member, message)
    }

    fn explain(failure: &Failure, language: Language) -> Option<Explanation> {
        explain::explain(failure, language)
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

/// An answer that is none.
pub(crate) fn unavailable(path: &str, message: &str) -> Failure {
    Failure::Unavailable(detail(path, message))
}

/// A refusal without a code of WeCom's.
pub(crate) fn refused(path: &str, message: &str) -> Failure {
    Failure::Refused(detail(path, message))
}

fn detail(path: &str, message: &str) -> FailureDetail {
    FailureDetail {
        code: None,
        message: message.to_owned(),
        subject: Some(path.to_owned()),
    }
}
