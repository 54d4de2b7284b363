//! Telemetry: exports spans to an OpenTelemetry collector, by OTLP over HTTP with protobuf.
//!
//! Only the spans of `spans` leave the process. Log events do not: they may name people.

pub(crate) mod spans;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use camsync_config::{Config, SecretError};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::connectors::environment;

/// How long the collector has for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last spans may take when the process ends.
const LAST_SPANS: Duration = Duration::from_millis(800);

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The headers cannot be had.
    #[error("telemetry.otlp_headers: {0}")]
    Secret(#[from] SecretError),
    /// The headers are none.
    #[error(
        "telemetry.otlp_headers: each header is written name=value, several with commas between them"
    )]
    Headers,
    /// No HTTP client can be made.
    #[error(transparent)]
    Setup(#[from] crate::setup::SetupError),
    /// The exporter cannot be made.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Exports spans until it is ended.
#[derive(Debug)]
pub struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// Starts exporting; nothing when the configuration names no collector. The collector need not be there yet.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn start(config: &Config) -> Result<Option<Self>, TelemetryError> {
        let Some(endpoint) = &config.telemetry.otlp_endpoint else {
            return Ok(None);
        };
        let client = crate::setup::http_client(config)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender {
                client,
                runtime: tokio::runtime::Handle::current(),
                failing: AtomicBool::new(false),
            })
            .with_endpoint(format!(
                "{}/v1/traces",
                endpoint.as_str().trim_end_matches('/')
            ))
            .with_timeout(TIMEOUT)
            .with_headers(headers(config)?)
            .build()?;
        let resource = Resource::builder_empty()
            .with_attributes([
                opentelemetry::KeyValue::new("service.name", "camsync"),
                opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        Ok(Some(Self(
            SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(resource)
                .build(),
        )))
    }

    /// What makes spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("camsync")
    }

    /// Sends what is left, within reason.
    pub(crate) async fn end(self) {
        let ended =
            tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST_SPANS)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the collector did not take the last spans");
        }
    }
}

/// `name=value,name=value`, as OpenTelemetry writes headers.
fn headers(config: &Config) -> Result<HashMap<String, String>, TelemetryError> {
    let Some(reference) = &config.telemetry.otlp_headers else {
        return Ok(HashMap::new());
    };
    let text = reference.resolve(&environment)?;
    text.expose()
        .split(',')
        .map(|header| {
            let (name, value) = header.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            // A value that HTTP would not take must not be dropped in silence.
            http_name(name)?;
            (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect::<Option<_>>()
        .ok_or(TelemetryError::Headers)
}

fn http_name(name: &str) -> Option<reqwest::header::HeaderName> {
    name.parse().ok()
}

/// Sends over camsync's own transport: its proxy, its roots, its runtime. Exporting happens on a thread of its own.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    failing: AtomicBool,
}

impl Sender {
    /// Says once that the collector does not take spans, and once that it does again.
    fn note(&self, failure: Option<String>) {
        let before = self.failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(why) if !before => {
                tracing::warn!("the collector (telemetry.otlp_endpoint) takes no spans: {why}");
            }
            None if before => tracing::info!("the collector takes spans again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let mut request = reqwest::Request::try_from(request)?;
            *request.timeout_mut() = Some(TIMEOUT);
            let answer = client
                .execute(request)
                .await
                .map_err(reqwest::Error::without_url)?;
            let mut made = Response::builder().status(answer.status());
            if let Some(headers) = made.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(
                made.body(answer.bytes().await.map_err(reqwest::Error::without_url)?)?,
            )
        });
        let outcome = sent.await.unwrap_or_else(|error| Err(error.into()));
        self.note(match &outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        });
        outcome
    }
}
