//! Version 1.0 of the interface: its bindings, and the calls into a connector that speaks it.

mod convert;
mod imports;

use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

use crate::{
    description::RawDescription,
    guest::{Answered, Called},
    state::CallState,
    types::{
        CallbackAnswer, CallbackRequest, CheckReport, CrawlSummary, Explanation, Failure, Message,
        Presence, SignInRequest, SignedIn,
    },
};

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "connector-world",
        imports: {
            "camsync:connector/http.wait": async | trappable,
            "camsync:connector/clock.sleep-ms": async,
            "camsync:connector/sink": async | trappable,
            "camsync:connector/http.submit": trappable,
            "camsync:connector/log.write": trappable,
        },
        exports: { default: async },
    });
}

/// A compiled connector of this version, ready to be instantiated: 50 µs each time (`wasm.md` 3).
#[derive(Clone)]
pub(crate) struct Guest {
    pre: bindings::ConnectorWorldPre<CallState>,
}

impl Guest {
    /// Links a component with this version's imports.
    ///
    /// # Errors
    /// Its functions are not of the types that this version has.
    pub(crate) fn link(engine: &Engine, component: &Component) -> Called<Self> {
        let mut linker = Linker::new(engine);
        bindings::ConnectorWorld::add_to_linker::<_, imports::Imports>(&mut linker, |state| state)?;
        Ok(Self {
            pre: bindings::ConnectorWorldPre::new(linker.instantiate_pre(component)?)?,
        })
    }

    pub(crate) async fn describe(&self, store: &mut Store<CallState>) -> Called<RawDescription> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        Ok(world
            .camsync_connector_connector()
            .call_describe(store)
            .await?
            .into())
    }

    pub(crate) async fn check(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        language: &str,
    ) -> Answered<CheckReport> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_check(store, settings, language)
            .await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    pub(crate) async fn crawl(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
    ) -> Answered<CrawlSummary> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_crawl(store, settings)
            .await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    pub(crate) async fn look_up(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        ids: &[String],
    ) -> Answered<Vec<Presence>> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_look_up(store, settings, ids)
            .await?;
        Ok(answer
            .map(|answers| answers.into_iter().map(Into::into).collect())
            .map_err(Into::into))
    }

    pub(crate) async fn callback(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        request: CallbackRequest,
    ) -> Answered<CallbackAnswer> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_callback(store, settings, &request.into())
            .await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    pub(crate) async fn sign_in_url(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        request: SignInRequest,
    ) -> Answered<String> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_sign_in_url(store, settings, &request.into())
            .await?;
        Ok(answer.map_err(Into::into))
    }

    pub(crate) async fn who_signed_in(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        code: &str,
    ) -> Answered<SignedIn> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_who_signed_in(store, settings, code)
            .await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    pub(crate) async fn send_message(
        &self,
        store: &mut Store<CallState>,
        settings: &str,
        member: &str,
        message: Message,
    ) -> Answered<()> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_send_message(store, settings, member, &message.into())
            .await?;
        Ok(answer.map_err(Into::into))
    }

    pub(crate) async fn explain(
        &self,
        store: &mut Store<CallState>,
        failure: Failure,
        language: &str,
    ) -> Called<Option<Explanation>> {
        let world = self.pre.instantiate_async(&mut *store).await?;
        let answer = world
            .camsync_connector_connector()
            .call_explain(store, &failure.into(), language)
            .await?;
        Ok(answer.map(Into::into))
    }
}
