//! A compiled connector, whichever served version of the interface it speaks: the one place that tells them apart.

use wasmtime::{Engine, Store, component::Component};

use crate::{
    description::RawDescription,
    inspect::Served,
    state::CallState,
    types::{
        CallbackAnswer, CallbackRequest, CheckReport, CrawlSummary, Explanation, Failure, Message,
        Presence, SignInRequest, SignedIn,
    },
    v1_0,
};

/// What a call gives that does not fail by the connector's own word.
pub(crate) type Called<T> = wasmtime::Result<T>;
/// What a call gives that may fail by the connector's own word.
pub(crate) type Answered<T> = wasmtime::Result<Result<T, Failure>>;

/// Cheap to clone. Every call instantiates it anew in the store that it is given.
#[derive(Clone)]
pub(crate) enum Guest {
    V1_0(v1_0::Guest),
}

impl Guest {
    /// Links a component with what its version offers.
    pub(crate) fn link(engine: &Engine, component: &Component, served: Served) -> Called<Self> {
        match served {
            Served::V1_0 => v1_0::Guest::link(engine, component).map(Self::V1_0),
        }
    }

    pub(crate) async fn describe(&self, store: &mut Store<CallState>) -> Called<RawDescription> {
        match self {
            Self::V1_0(guest) => guest.describe(store).await,
        }
    }

    pub(crate) async fn check(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        language: &str,
    ) -> Answered<CheckReport> {
        match self {
            Self::V1_0(guest) => guest.check(store, settings, language).await,
        }
    }

    pub(crate) async fn crawl(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
    ) -> Answered<CrawlSummary> {
        match self {
            Self::V1_0(guest) => guest.crawl(store, settings).await,
        }
    }

    pub(crate) async fn look_up(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        ids: &[String],
    ) -> Answered<Vec<Presence>> {
        match self {
            Self::V1_0(guest) => guest.look_up(store, settings, ids).await,
        }
    }

    pub(crate) async fn callback(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        request: CallbackRequest,
    ) -> Answered<CallbackAnswer> {
        match self {
            Self::V1_0(guest) => guest.callback(store, settings, request).await,
        }
    }

    pub(crate) async fn sign_in_url(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        request: SignInRequest,
    ) -> Answered<String> {
        match self {
            Self::V1_0(guest) => guest.sign_in_url(store, settings, request).await,
        }
    }

    pub(crate) async fn who_signed_in(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        code: &str,
    ) -> Answered<SignedIn> {
        match self {
            Self::V1_0(guest) => guest.who_signed_in(store, settings, code).await,
        }
    }

    pub(crate) async fn send_message(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        member: &str,
        message: Message,
    ) -> Answered<()> {
        match self {
            Self::V1_0(guest) => guest.send_message(store, settings, member, message).await,
        }
    }

    pub(crate) async fn explain(
        &self,
        store: &mut Store<CallState>,
        failure: Failure,
        language: &str,
    ) -> Called<Option<Explanation>> {
        match self {
            Self::V1_0(guest) => guest.explain(store, failure, language).await,
        }
    }
}
