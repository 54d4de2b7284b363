//! The component side: the WIT imports as a [`Host`], and a [`Connector`] as the WIT export.

mod convert;

use std::marker::PhantomData;
use std::sync::Once;

use crate::host::{Connector, Host};
use crate::types::{self, Language, Level, Outcome, Ticket};
use bindings::camsync::connector as wit;
use bindings::exports::camsync::connector::connector as export;

/// What wit-bindgen makes of the WIT package.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/1.0.0",
        world: "connector-world",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_connector",
    });
}

/// The host as the imports offer it.
struct WitHost;

impl Host for WitHost {
    fn submit(&self, request: types::Request) -> Ticket {
        wit::http::submit(&request.into())
    }

    fn wait(&self) -> Option<(Ticket, Outcome)> {
        wit::http::wait()
            .map(|(ticket, outcome)| (ticket, outcome.map(Into::into).map_err(Into::into)))
    }

    fn now_ms(&self) -> f64 {
        wit::clock::now_ms()
    }

    fn sleep_ms(&self, milliseconds: u32) {
        wit::clock::sleep_ms(milliseconds);
    }

    fn log(&self, level: Level, message: &str) {
        wit::log::write(level.into(), message);
    }

    fn cache_get(&self, key: &str) -> Option<String> {
        wit::cache::get(key)
    }

    fn cache_set(&self, key: &str, value: &str, ttl_seconds: u32) {
        wit::cache::set(key, value, ttl_seconds);
    }

    fn cache_delete(&self, key: &str) {
        wit::cache::delete(key);
    }

    fn departments(&self, batch: Vec<types::Department>) {
        let batch: Vec<wit::types::Department> = batch.into_iter().map(Into::into).collect();
        wit::sink::departments(&batch);
    }

    fn members(&self, batch: Vec<types::Member>) {
        let batch: Vec<wit::types::Member> = batch.into_iter().map(Into::into).collect();
        wit::sink::members(&batch);
    }

    fn progress(&self, done: u32, total: Option<u32>) {
        wit::sink::progress(done, total);
    }
}

/// Makes a [`Connector`] the export.
pub struct Adapter<C>(PhantomData<C>);

impl<C: Connector> export::Guest for Adapter<C> {
    fn describe() -> export::Description {
        start();
        C::describe().into()
    }

    fn check(settings: String, language: String) -> Result<export::CheckReport, export::Failure> {
        start();
        C::check(&WitHost, &settings, Language::parse(&language))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn crawl(settings: String) -> Result<export::CrawlSummary, export::Failure> {
        start();
        C::crawl(&WitHost, &settings)
            .map(Into::into)
            .map_err(Into::into)
    }

    fn look_up(
        settings: String,
        ids: Vec<String>,
    ) -> Result<Vec<export::Presence>, export::Failure> {
        start();
        let found = C::look_up(&WitHost, &settings, &ids).map_err(export::Failure::from)?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    fn callback(
        settings: String,
        request: export::CallbackRequest,
    ) -> Result<export::CallbackAnswer, export::Failure> {
        start();
        C::callback(&WitHost, &settings, &request.into())
            .map(Into::into)
            .map_err(Into::into)
    }

    fn sign_in_url(
        settings: String,
        request: export::SignInRequest,
    ) -> Result<String, export::Failure> {
        start();
        C::sign_in_url(&WitHost, &settings, &request.into()).map_err(Into::into)
    }

    fn who_signed_in(settings: String, code: String) -> Result<export::SignedIn, export::Failure> {
        start();
        C::who_signed_in(&WitHost, &settings, &code)
            .map(Into::into)
            .map_err(Into::into)
    }

    fn send_message(
        settings: String,
        member: String,
        message: export::Message,
    ) -> Result<(), export::Failure> {
        start();
        C::send_message(&WitHost, &settings, &member, &message.into()).map_err(Into::into)
    }

    fn explain(failure: export::Failure, language: String) -> Option<export::Explanation> {
        start();
        C::explain(&failure.into(), Language::parse(&language)).map(Into::into)
    }
}

/// A panic's text is lost on this target unless the log import carries it (`wasm.md` 1).
fn start() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            wit::log::write(
                wit::log::Level::Error,
                &format!("the connector panicked: {panic}"),
            );
        }));
    });
}
