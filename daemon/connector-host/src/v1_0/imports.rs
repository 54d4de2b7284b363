//! What version 1.0 offers a connector, served from the call's state.

use wasmtime::component::HasData;

use super::bindings::camsync::connector::{cache, clock, http, log, sink, types};
use crate::{
    http::{HttpFailure, Request, Response},
    log::Level,
    state::CallState,
};

/// Says that the imports work on the call's state itself.
pub(super) struct Imports;

impl HasData for Imports {
    type Data<'a> = &'a mut CallState;
}

impl types::Host for CallState {}

impl http::Host for CallState {
    fn submit(&mut self, request: http::Request) -> wasmtime::Result<u32> {
        let http::Request {
            method,
            url,
            headers,
            body,
            timeout_ms,
        } = request;
        Ok(self.tickets.submit(Request {
            method,
            url,
            headers,
            body,
            timeout_ms,
        })?)
    }

    async fn wait(
        &mut self,
    ) -> wasmtime::Result<Option<(u32, Result<http::Response, http::HttpFailure>)>> {
        let Some((ticket, outcome)) = self.progress.waiting(self.tickets.wait()).await else {
            return Ok(None);
        };
        self.progress.mark();
        let outcome = match outcome {
            Ok(Response {
                status,
                headers,
                body,
                held,
            }) => {
                drop(held);
                Ok(http::Response {
                    status,
                    headers,
                    body,
                })
            }
            Err(failure) => Err(failure.into()),
        };
        Ok(Some((ticket, outcome)))
    }
}

impl From<HttpFailure> for http::HttpFailure {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::Denied(text) => Self::Denied(text),
            HttpFailure::Invalid(text) => Self::Invalid(text),
            HttpFailure::Connect(text) => Self::Connect(text),
            HttpFailure::Timeout => Self::Timeout,
            HttpFailure::TooLarge(bytes) => Self::TooLarge(bytes),
            HttpFailure::Protocol(text) => Self::Protocol(text),
        }
    }
}

impl clock::Host for CallState {
    fn now_ms(&mut self) -> f64 {
        // Exact until the year 287396: 2^53 ms.
        self.clock.now().timestamp_millis() as f64
    }

    async fn sleep_ms(&mut self, milliseconds: u32) {
        let sleep = tokio::time::sleep(std::time::Duration::from_millis(milliseconds.into()));
        self.progress.waiting(sleep).await;
    }
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        Ok(self.log.write(level, &message, &self.redactor)?)
    }
}

impl cache::Host for CallState {
    fn get(&mut self, key: String) -> Option<String> {
        self.cache.get(&key)
    }

    fn set(&mut self, key: String, value: String, ttl_seconds: u32) {
        self.cache.set(&key, &value, ttl_seconds);
    }

    fn delete(&mut self, key: String) {
        self.cache.delete(&key);
    }
}

impl sink::Host for CallState {
    async fn departments(&mut self, batch: Vec<types::Department>) -> wasmtime::Result<()> {
        let batch = batch.into_iter().map(Into::into).collect();
        self.progress
            .waiting(self.handover.departments(batch))
            .await?;
        self.progress.mark();
        Ok(())
    }

    async fn members(&mut self, batch: Vec<types::Member>) -> wasmtime::Result<()> {
        let batch = batch.into_iter().map(Into::into).collect();
        self.progress.waiting(self.handover.members(batch)).await?;
        self.progress.mark();
        Ok(())
    }

    async fn progress(&mut self, done: u32, total: Option<u32>) -> wasmtime::Result<()> {
        self.progress
            .waiting(self.handover.progress(done, total))
            .await?;
        self.progress.mark();
        Ok(())
    }
}
